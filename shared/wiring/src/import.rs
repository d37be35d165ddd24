//! What an import works with: a pair, made ready as for a push, and as many lanes as records are to be done at once.

use std::sync::Arc;

use aws::DynamoStore;
use model::{Direction, PairKind, System};
use sync::{Candidate, Environment, KeepsMaps, Opens, PairContext, pair_spec};

use crate::not_ready::NotReady;
use crate::pairs::{PushPorts, ReadyPair, Systems, tell_needs};
use crate::systems::settings_of;
use crate::way::Way;

/// A pair that is ready to be imported.
///
/// Each lane has a session of its own with coreBOS, which does one thing at a time in a session; what they ask the other
/// system at the same time, its connector may ask as one. The maps and settings are
/// those of the beginning, whatever is edited meanwhile.
#[derive(Debug)]
pub struct ImportPorts<H, R> {
    ports: PushPorts<H, R>,
    context: PairContext,
    lanes: Vec<Arc<Systems<H, R>>>,
    other_remotes: Vec<System>,
}

impl<H: Opens + KeepsMaps, R: Opens> ImportPorts<H, R> {
    /// Makes a pair ready in a direction. `applies_edits`: fields whose definition in the map was edited since they
    /// were settled are written.
    ///
    /// # Errors
    /// A system or a map is not ready.
    pub async fn open(
        ports: PushPorts<H, R>,
        kind: PairKind,
        direction: Direction,
        lanes: usize,
        applies_edits: bool,
    ) -> Result<Self, NotReady> {
        ports.active().await?;
        let spec = pair_spec(kind);
        let (_, preferences) = settings_of(ports.store(), ports.remote()).await?;
        if !spec.is_kept(&preferences) {
            return Err(NotReady::ByAdministrator {
                reason: "configuration",
                detail: format!("the settings of {} do not keep {} in step", ports.remote(), kind.as_str()),
            });
        }
        let ready = ports.ready(direction, spec).await?;
        // Nobody else has it then: an import keeps its pair for longer than a push.
        ports.forget();
        let not_alone =
            || NotReady::ForNow { after: None, detail: "the pair is in use elsewhere".to_owned() };
        let ReadyPair { mut context, systems, other_remotes, .. } =
            Arc::into_inner(ready).ok_or_else(not_alone)?;
        if applies_edits {
            context = match direction {
                Direction::ToHub => PairContext { to_hub: context.to_hub.applying_edits(), ..context },
                Direction::ToRemote => {
                    PairContext { to_remote: context.to_remote.applying_edits(), ..context }
                }
            };
        }
        let first = Arc::clone(&systems);
        let mut opened = vec![systems];
        while opened.len() < lanes {
            let systems = ports.open_beside(&first).await?;
            tell_needs(&context, &systems);
            opened.push(Arc::new(systems));
        }
        Ok(Self { ports, context, lanes: opened, other_remotes })
    }

    /// Whether the import may write: no other integration is switched on beside the bridge. To foresee is always allowed.
    ///
    /// # Errors
    /// There is one, and the settings do not allow that.
    pub async fn may_write(&self) -> Result<(), NotReady> {
        match self.lanes.first() {
            Some(systems) => self.ports.may_write(&self.context, systems).await,
            None => Ok(()),
        }
    }

    /// The pairs that share the object of the other system, this one included.
    ///
    /// # Errors
    /// Their settings cannot be read.
    pub async fn candidates(&self) -> Result<Vec<Candidate>, NotReady> {
        self.ports.sharing(self.context.spec).await
    }

    /// The pair.
    pub fn context(&self) -> &PairContext {
        &self.context
    }

    /// The table.
    pub fn store(&self) -> &DynamoStore {
        &self.ports.store
    }

    /// What each lane pushes with.
    pub fn environments<W: Way<Hub = H, Remote = R>>(&self) -> Vec<Environment<'_, W>> {
        let environment = |systems| Environment::<W> {
            context: &self.context,
            direction: W::DIRECTION,
            source: W::source(systems),
            target: W::target(systems),
            store: &self.ports.store,
            queue: &self.ports.queue,
            clock: &aws::SystemClock,
            lease: self.ports.lease,
            other_remotes: &self.other_remotes,
        };
        self.lanes.iter().map(|systems| environment(&**systems)).collect()
    }
}
