//! What a push works with: the two systems, the pair with its maps and settings, the table and the queues.
//!
//! Built when the first notice arrives and kept for a short time, so that edited settings and maps, and rotated
//! secrets, take effect without a deployment.

mod context;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws::config::{ConfigError, SystemConfig};
use aws::{Clients, DynamoStore, Secrets, SqsChangeQueue, SystemClock};
use jiff::{SignedDuration, Timestamp};
use model::{Direction, Notice, PairKind, Side, System, SystemKind};
use serde_json::Value;
use sync::pairs::PAIRS;
use sync::{Candidate, Clock as _, Connector, KeepsMaps, Opens, PairContext, PairSpec, RouteError};

use crate::heard::Heard;
use crate::looked::Looked;
use crate::maps::{self, MapInUse, PairMaps};
use crate::not_ready::NotReady;
use crate::rivals;
use crate::systems::{open, settings_of};

/// How long settings and maps are used at most before they are read again.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// The connections to both systems.
#[derive(Debug)]
pub struct Systems<H, R> {
    /// coreBOS.
    pub hub: H,
    /// The other system; one connector for all who work with it at the same time.
    pub remote: Arc<R>,
}

/// A pair, ready to push.
#[derive(Debug)]
pub struct ReadyPair<H, R> {
    /// The pair with its maps and settings.
    pub context: PairContext,
    /// The map into coreBOS that is in use.
    pub to_hub: MapInUse,
    /// The map out of coreBOS that is in use.
    pub to_remote: MapInUse,
    /// Whether edits that wait were told about.
    pub(crate) told: AtomicBool,
    /// Its two systems.
    pub systems: Arc<Systems<H, R>>,
    /// The systems of the other pairs of its coreBOS records: told after a write to coreBOS.
    pub other_remotes: Vec<System>,
}

/// Connections, and the settings with which they were opened.
struct Opened<H, R> {
    systems: Arc<Systems<H, R>>,
    settings: [Value; 2],
}

struct Cached<T> {
    value: Arc<T>,
    until: Timestamp,
}

/// Everything that lives as long as the process.
pub struct PushPorts<H, R> {
    pub(crate) store: DynamoStore,
    pub(crate) queue: SqsChangeQueue,
    queues: Vec<System>,
    pub(crate) lease: Duration,
    maps_fresh: SignedDuration,
    hub: SystemConfig,
    remote: SystemConfig,
    secrets: Secrets,
    systems: Mutex<Option<Opened<H, R>>>,
    pairs: Mutex<HashMap<PairKind, Cached<ReadyPair<H, R>>>>,
    preferences: Mutex<Option<Cached<Value>>>,
    warned: Mutex<HashSet<PairKind>>,
    pub(crate) heard: Heard,
    pub(crate) looked: Looked,
    /// Until when a pair counts as the only integration between its systems.
    alone: Mutex<HashMap<PairKind, Timestamp>>,
}

impl<H, R> std::fmt::Debug for PushPorts<H, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushPorts")
            .field("hub", &self.hub.system)
            .field("remote", &self.remote.system)
            .finish_non_exhaustive()
    }
}

/// Tells a connection which fields are read for a pair.
pub(crate) fn tell_needs<H, R: Connector>(context: &PairContext, systems: &Systems<H, R>) {
    systems.remote.will_need(&context.spec.object(Side::Remote), context::needed(context));
}

impl<H: Opens + KeepsMaps, R: Opens> PushPorts<H, R> {
    /// The ports of this process between coreBOS and a system of the kind `remote`; nothing is read yet.
    ///
    /// # Errors
    /// A variable of the environment is missing or wrong.
    pub fn new(
        environment: &aws::Environment,
        clients: Clients,
        remote: SystemKind,
    ) -> Result<Self, ConfigError> {
        let queues = environment.changes_queues()?;
        Ok(Self {
            store: DynamoStore::new(clients.dynamodb, environment.table()?),
            queues: queues.keys().cloned().collect(),
            queue: SqsChangeQueue::new(clients.sqs, queues),
            lease: environment.lease()?,
            maps_fresh: SignedDuration::try_from(environment.maps_fresh()?).unwrap_or(FRESH),
            hub: environment.system(SystemKind::CoreBos)?,
            remote: environment.system(remote)?,
            secrets: Secrets::new(clients.secrets_manager, SystemClock),
            systems: Mutex::new(None),
            pairs: Mutex::default(),
            preferences: Mutex::default(),
            warned: Mutex::default(),
            heard: Heard::default(),
            looked: Looked::default(),
            alone: Mutex::default(),
        })
    }

    /// Reads secrets, settings and maps again next time.
    pub fn forget(&self) {
        self.secrets.forget(&self.hub.secret);
        self.secrets.forget(&self.remote.secret);
        *lock(&self.systems) = None;
        *lock(&self.preferences) = None;
        lock(&self.pairs).clear();
        self.looked.forget();
        lock(&self.alone).clear();
    }

    /// The pair that a notice belongs to, for a push that goes this way: the one whose partners are the person or the
    /// company itself, where a record of coreBOS has several.
    ///
    /// # Errors
    /// A system or a map is not ready; or nobody here pushes such records.
    pub async fn pair_of(
        &self,
        direction: Direction,
        notice: &Notice,
    ) -> Result<Arc<ReadyPair<H, R>>, NotReady> {
        let spec = self.spec_of(direction, notice).await?;
        self.pair_ready(direction, spec).await
    }

    /// The pairs that a notice belongs to, parents first; none where the settings keep none of them in step.
    ///
    /// # Errors
    /// Nobody here pushes such records; or the table or a system that must be asked does not answer.
    pub(crate) async fn specs_of(
        &self,
        direction: Direction,
        notice: &Notice,
    ) -> Result<Vec<&'static PairSpec>, NotReady> {
        let mut specs = vec![self.spec_of(direction, notice).await?];
        if direction == Direction::ToRemote {
            let beside = |spec: &&PairSpec| {
                spec.remote_kind == self.remote.system.kind()
                    && spec.object(Side::Hub) == notice.record.object
                    && spec.beside().is_some()
            };
            specs.extend(PAIRS.iter().filter(beside));
        }
        if specs.iter().any(|spec| spec.kept_where.is_some()) {
            let preferences = self.preferences().await?;
            specs.retain(|spec| spec.is_kept(&preferences));
        }
        Ok(specs)
    }

    /// What is set about the other system, as it was a short time ago.
    async fn preferences(&self) -> Result<Arc<Value>, NotReady> {
        let now = SystemClock.now();
        if let Some(cached) = &*lock(&self.preferences)
            && cached.until > now
        {
            return Ok(cached.value.clone());
        }
        let value = Arc::new(settings_of(&self.store, &self.remote.system).await?.1);
        *lock(&self.preferences) = Some(Cached { value: value.clone(), until: now + FRESH });
        Ok(value)
    }

    /// A pair, for a push that goes this way, if its system is switched on and nobody else keeps it in step.
    ///
    /// # Errors
    /// A system or a map is not ready.
    pub(crate) async fn pair_ready(
        &self,
        direction: Direction,
        spec: &'static PairSpec,
    ) -> Result<Arc<ReadyPair<H, R>>, NotReady> {
        if !self.is_ready(spec.kind) {
            // While the system is off, this is asked before every push: nobody is passed over after it is on again.
            self.active().await?;
        }
        let pair = self.ready(direction, spec).await?;
        self.may_push(&pair).await?;
        Ok(pair)
    }

    /// Whether the settings let the other system be read and written.
    ///
    /// # Errors
    /// They do not; or they cannot be read.
    pub async fn active(&self) -> Result<(), NotReady> {
        let (settings, _) = settings_of(&self.store, &self.remote.system).await?;
        if settings.active {
            return Ok(());
        }
        // Else pairs that are ready already would go on.
        lock(&self.pairs).clear();
        Err(NotReady::SwitchedOff(self.remote.system.clone()))
    }

    /// The table.
    pub fn store(&self) -> &DynamoStore {
        &self.store
    }

    /// The system that is not coreBOS.
    pub(crate) fn remote(&self) -> &System {
        &self.remote.system
    }

    /// coreBOS.
    pub(crate) fn hub(&self) -> &System {
        &self.hub.system
    }

    fn is_ready(&self, kind: PairKind) -> bool {
        lock(&self.pairs).get(&kind).is_some_and(|cached| cached.until > SystemClock.now())
    }

    /// Whether a pair may be pushed: no other integration is switched on beside the bridge. Looked up once a minute.
    ///
    /// # Errors
    /// There is one, and the settings do not allow that.
    pub async fn may_push(&self, pair: &ReadyPair<H, R>) -> Result<(), NotReady> {
        self.may_write(&pair.context, &pair.systems).await
    }

    pub(crate) async fn may_write(
        &self,
        context: &PairContext,
        systems: &Systems<H, R>,
    ) -> Result<(), NotReady> {
        let (kind, now) = (context.spec.kind, SystemClock.now());
        let is_known = lock(&self.alone).get(&kind).is_some_and(|until| *until > now);
        if is_known || context.settings.allow_other_integration {
            return Ok(());
        }
        rivals::refuse(&self.store, &systems.hub).await?;
        rivals::refuse(&self.store, &*systems.remote).await?;
        lock(&self.alone).insert(kind, now + FRESH);
        Ok(())
    }

    /// A pair, for a push that goes this way.
    ///
    /// # Errors
    /// A system or a map is not ready.
    pub async fn ready(
        &self,
        direction: Direction,
        spec: &'static PairSpec,
    ) -> Result<Arc<ReadyPair<H, R>>, NotReady> {
        let now = SystemClock.now();
        if let Some(cached) = lock(&self.pairs).get(&spec.kind)
            && cached.until > now
        {
            return Ok(cached.value.clone());
        }
        let systems = self.systems().await?;
        let PairMaps { to_hub, to_remote, until } =
            maps::of_pair(&self.store, &systems, spec, self.maps_fresh).await?;
        let ((to_hub_map, to_hub), (to_remote_map, to_remote)) = (to_hub, to_remote);
        let context = self.context(spec, to_hub_map, to_remote_map).await?;
        match direction.target() {
            Side::Hub => self.check_fields(&context, direction, &systems.hub).await?,
            Side::Remote => self.check_fields(&context, direction, &*systems.remote).await?,
        }
        tell_needs(&context, &systems);
        let other_remotes = self.other_remotes(spec).await?;
        let told = AtomicBool::new(false);
        let value = Arc::new(ReadyPair { context, to_hub, to_remote, told, systems, other_remotes });
        let until = until.min(now + FRESH);
        lock(&self.pairs).insert(spec.kind, Cached { value: value.clone(), until });
        Ok(value)
    }

    /// The pair of a record; where several share its object, the one that it belongs to.
    async fn spec_of(&self, direction: Direction, notice: &Notice) -> Result<&'static PairSpec, NotReady> {
        let source = match direction.source() {
            Side::Hub => &self.hub.system,
            Side::Remote => &self.remote.system,
        };
        let object = &notice.record.object;
        let sharing = PAIRS.iter().filter(|spec| {
            notice.record.system == *source
                && spec.remote_kind == self.remote.system.kind()
                && spec.object(direction.source()) == *object
                && (direction == Direction::ToHub || spec.beside().is_none())
        });
        let candidates: Vec<_> = sharing.map(|spec| Candidate { spec, creates: true }).collect();
        match candidates.as_slice() {
            [] => Err(NotReady::ByAdministrator {
                reason: "configuration",
                detail: format!(
                    "nobody here pushes {} of {}; this function reads {source}",
                    notice.record.object, notice.record.system
                ),
            }),
            [only] => Ok(only.spec),
            several => {
                self.active().await?;
                let candidates = self.creating(several).await?;
                let systems = self.systems().await?;
                let ends = (&systems.hub, &*systems.remote);
                match sync::route(&candidates, &notice.record, ends, &self.store).await {
                    Ok(spec) => Ok(spec),
                    Err(RouteError::System(error)) => Err(error.into()),
                    Err(RouteError::Store(error)) => Err(error.into()),
                }
            }
        }
    }

    /// Which of these pairs create records in coreBOS.
    async fn creating(&self, candidates: &[Candidate]) -> Result<Vec<Candidate>, NotReady> {
        let mut told = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            let creates = self.settings(candidate.spec.kind).await?.to_hub.create;
            told.push(Candidate { creates, ..*candidate });
        }
        Ok(told)
    }

    /// The pairs that share the other system's object with this one, itself included.
    ///
    /// # Errors
    /// Their settings cannot be read.
    pub async fn sharing(&self, spec: &PairSpec) -> Result<Vec<Candidate>, NotReady> {
        let shares = |other: &&PairSpec| {
            other.remote_kind == spec.remote_kind && other.remote_object == spec.remote_object
        };
        let sharing: Vec<_> =
            PAIRS.iter().filter(shares).map(|spec| Candidate { spec, creates: true }).collect();
        self.creating(&sharing).await
    }

    /// The systems that have another pair with the coreBOS object of this one, and whose queue we know.
    async fn other_remotes(&self, spec: &PairSpec) -> Result<Vec<System>, NotReady> {
        let preferences = self.preferences().await?;
        let has_pair = |system: &System| {
            PAIRS.iter().any(|pair| {
                let is_ours = *system == self.remote.system;
                pair.kind != spec.kind
                    && pair.remote_kind == system.kind()
                    && pair.hub_object == spec.hub_object
                    && (!is_ours || pair.is_kept(&preferences))
            })
        };
        Ok(self.queues.iter().filter(|system| has_pair(system)).cloned().collect())
    }

    /// The connections, each checked once against the identity that its system had at first contact. New ones where
    /// the settings of a system have changed.
    async fn systems(&self) -> Result<Arc<Systems<H, R>>, NotReady> {
        let settings = [
            settings_of(&self.store, &self.hub.system).await?.1,
            settings_of(&self.store, &self.remote.system).await?.1,
        ];
        if let Some(opened) = &*lock(&self.systems)
            && opened.settings == settings
        {
            return Ok(opened.systems.clone());
        }
        let systems = Arc::new(self.open_systems().await?);
        *lock(&self.systems) = Some(Opened { systems: systems.clone(), settings });
        Ok(systems)
    }

    /// New connections, their identities checked.
    pub(crate) async fn open_systems(&self) -> Result<Systems<H, R>, NotReady> {
        Ok(Systems {
            hub: open(&self.hub, &self.secrets, &self.store).await?,
            remote: Arc::new(open(&self.remote, &self.secrets, &self.store).await?),
        })
    }

    /// A session of its own with coreBOS, which does one thing at a time in a session, and the same other system.
    pub(crate) async fn open_beside(&self, systems: &Systems<H, R>) -> Result<Systems<H, R>, NotReady> {
        let hub = open(&self.hub, &self.secrets, &self.store).await?;
        Ok(Systems { hub, remote: Arc::clone(&systems.remote) })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
