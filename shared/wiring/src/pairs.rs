//! What a push works with: the two systems, the pair with its maps and settings, the table and the queues.
//!
//! Built when the first notice arrives and kept for a short time, so that edited settings and maps, and rotated
//! secrets, take effect without a deployment.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws::config::{ConfigError, SystemConfig};
use aws::{Clients, DynamoStore, Secrets, SqsChangeQueue, SystemClock};
use jiff::{SignedDuration, Timestamp};
use mapping::{FieldMap, Semantics};
use model::{Direction, Notice, Pair, PairKind, Side, SystemKind};
use sync::{
    ChangeQueue as _, Clock as _, Connector, Opens, PairContext, PairMap, PairSettings, PairSpec,
    Schema as _, pair_spec,
};

use crate::not_ready::NotReady;
use crate::systems::open;

/// How long settings, maps and connections are used before they are read again.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// The connections to both systems.
#[derive(Debug)]
pub struct Systems<H, R> {
    /// coreBOS.
    pub hub: H,
    /// The other system.
    pub remote: R,
}

/// A pair, ready to push.
#[derive(Debug)]
pub struct ReadyPair<H, R> {
    /// The pair with its maps and settings.
    pub context: PairContext,
    /// Its two systems.
    pub systems: Arc<Systems<H, R>>,
}

struct Cached<T> {
    value: Arc<T>,
    until: Timestamp,
}

/// Everything that lives as long as the process.
pub struct PushPorts<H, R> {
    pub(crate) store: DynamoStore,
    pub(crate) queue: SqsChangeQueue,
    pub(crate) lease: Duration,
    hub: SystemConfig,
    remote: SystemConfig,
    secrets: Secrets,
    systems: Mutex<Option<Arc<Systems<H, R>>>>,
    pairs: Mutex<HashMap<PairKind, Cached<ReadyPair<H, R>>>>,
    warned: Mutex<HashSet<PairKind>>,
}

impl<H, R> std::fmt::Debug for PushPorts<H, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushPorts")
            .field("hub", &self.hub.system)
            .field("remote", &self.remote.system)
            .finish_non_exhaustive()
    }
}

impl<H: Opens, R: Opens> PushPorts<H, R> {
    /// The ports of this process between coreBOS and a system of the kind `remote`; nothing is read yet.
    ///
    /// # Errors
    /// A variable of the environment is missing or wrong.
    pub fn new(
        environment: &aws::Environment,
        clients: Clients,
        remote: SystemKind,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            store: DynamoStore::new(clients.dynamodb, environment.table()?),
            queue: SqsChangeQueue::new(clients.sqs, environment.changes_queues()?),
            lease: environment.lease()?,
            hub: environment.system(SystemKind::CoreBos)?,
            remote: environment.system(remote)?,
            secrets: Secrets::new(clients.secrets_manager, SystemClock),
            systems: Mutex::new(None),
            pairs: Mutex::default(),
            warned: Mutex::default(),
        })
    }

    /// Reads secrets, settings and maps again next time.
    pub fn forget(&self) {
        self.secrets.forget(&self.hub.secret_arn);
        self.secrets.forget(&self.remote.secret_arn);
        *lock(&self.systems) = None;
        lock(&self.pairs).clear();
    }

    /// The pair that a notice belongs to, for a push that goes this way.
    ///
    /// # Errors
    /// A system or a map is not ready; or nobody here pushes such records.
    pub async fn pair_of(
        &self,
        direction: Direction,
        notice: &Notice,
    ) -> Result<Arc<ReadyPair<H, R>>, NotReady> {
        let spec = self.spec_of(direction, notice)?;
        let now = SystemClock.now();
        if let Some(cached) = lock(&self.pairs).get(&spec.kind)
            && cached.until > now
        {
            return Ok(cached.value.clone());
        }
        let systems = self.systems().await?;
        let context = self.context(spec).await?;
        match direction.target() {
            Side::Hub => self.check_fields(&context, direction, &systems.hub).await?,
            Side::Remote => self.check_fields(&context, direction, &systems.remote).await?,
        }
        let value = Arc::new(ReadyPair { context, systems });
        lock(&self.pairs).insert(spec.kind, Cached { value: value.clone(), until: now + FRESH });
        Ok(value)
    }

    fn spec_of(&self, direction: Direction, notice: &Notice) -> Result<&'static PairSpec, NotReady> {
        let source = match direction.source() {
            Side::Hub => &self.hub.system,
            Side::Remote => &self.remote.system,
        };
        let spec = PairKind::ALL.into_iter().map(pair_spec).find(|spec| {
            notice.record.system == *source
                && spec.remote_kind == self.remote.system.kind()
                && spec.object(direction.source()) == notice.record.object
        });
        spec.ok_or_else(|| NotReady::ByAdministrator {
            reason: "configuration",
            detail: format!(
                "nobody here pushes {} of {}; this function reads {source}",
                notice.record.object, notice.record.system
            ),
        })
    }

    /// The connections, each checked once against the identity that its system had at first contact.
    async fn systems(&self) -> Result<Arc<Systems<H, R>>, NotReady> {
        if let Some(systems) = lock(&self.systems).clone() {
            return Ok(systems);
        }
        let systems = Arc::new(Systems {
            hub: open(&self.hub, &self.secrets, &self.store).await?,
            remote: open(&self.remote, &self.secrets, &self.store).await?,
        });
        *lock(&self.systems) = Some(systems.clone());
        Ok(systems)
    }

    /// A system ignores fields that it does not have, without a word; so the map's mistakes are told here, once.
    async fn check_fields<C: Connector>(
        &self,
        context: &PairContext,
        direction: Direction,
        target: &C,
    ) -> Result<(), NotReady> {
        let (spec, side) = (context.spec, direction.target());
        let (object, id_field) = (spec.object(side), spec.id_field(side));
        let schema = target.schema(&object).await?;
        let map = context.map(direction);
        let unknown: Vec<&str> = map.targets().filter(|field| !schema.has(field)).collect();
        if unknown.contains(&id_field) {
            let remedy = match side {
                Side::Hub => "activate the Mautic integration once in coreBOS, which creates it",
                Side::Remote => "create a custom field of the type text with this alias, not unique",
            };
            let detail = format!("{object} of {} has no field {id_field}: {remedy}", target.system());
            return Err(NotReady::ByAdministrator { reason: "configuration", detail });
        }
        if !unknown.is_empty() && lock(&self.warned).insert(spec.kind) {
            let name = match side {
                Side::Hub => spec.map_to_hub,
                Side::Remote => spec.map_to_remote,
            };
            let fields = unknown.join(" ");
            tracing::warn!(
                map = name,
                target = %target.system(),
                fields,
                "the map names fields that its target does not have; they are left out"
            );
        }
        Ok(())
    }

    async fn context(&self, spec: &'static PairSpec) -> Result<PairContext, NotReady> {
        let key = format!("pair:{}", spec.kind.as_str());
        let settings: PairSettings = self.store.setting(&key).await?.unwrap_or_default();
        Ok(PairContext {
            pair: Pair { kind: spec.kind, hub: self.hub.system.clone(), remote: self.remote.system.clone() },
            spec,
            settings,
            to_hub: self.map(spec, spec.map_to_hub, Direction::ToHub).await?,
            to_remote: self.map(spec, spec.map_to_remote, Direction::ToRemote).await?,
            hub_is_pushed: self.queue.reaches(&self.hub.system),
            remote_is_pushed: self.queue.reaches(&self.remote.system),
        })
    }

    /// The map from the settings, else the one that ships with the bundle.
    async fn map(
        &self,
        spec: &'static PairSpec,
        name: &'static str,
        direction: Direction,
    ) -> Result<PairMap, NotReady> {
        let own: Option<String> = self.store.setting(&format!("map:{name}")).await?;
        let shipped = mapping::shipped::find(name).map(|map| map.xml.to_owned());
        let Some(xml) = own.or(shipped) else {
            let detail = format!("there is no map {name}");
            return Err(NotReady::ByAdministrator { reason: "map", detail });
        };
        let map = FieldMap::compile(name, xml.as_bytes(), Semantics::Bridge)
            .map_err(|error| NotReady::ByAdministrator { reason: "map", detail: error.to_string() })?;
        Ok(PairMap::new(map, spec, direction))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
