//! What a push works with: the systems, the pair with its maps and settings, the table and the queues.
//!
//! Built when the first notice arrives and kept for a short time, so that edited settings and maps, and rotated
//! secrets, take effect without a deployment.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws::config::SystemConfig;
use aws::secrets::SecretError;
use aws::{Clients, DynamoStore, SecretString, Secrets, SqsChangeQueue, SystemClock};
use connector_corebos::{CoreBos, CoreBosSettings};
use connector_mautic::{Credentials, Mautic, MauticSettings};
use jiff::{SignedDuration, Timestamp};
use mapping::{FieldMap, Semantics};
use model::{Direction, Notice, Pair, PairKind, Side, System, SystemKind};
use serde::Deserialize;
use sync::{
    ChangeQueue, Clock, Connector, ConnectorError, Disposition, PairContext, PairMap, PairSettings, PairSpec,
    Schema, StateStore, StoreError, World, pair_spec,
};

/// How long settings, maps and connections are used before they are read again.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// The systems of a push into coreBOS.
#[derive(Debug)]
pub struct ToCoreBos;

impl World for ToCoreBos {
    type Source = Mautic;
    type Target = CoreBos;
    type Store = DynamoStore;
    type Queue = SqsChangeQueue;
    type Clock = SystemClock;
}

/// The secret of coreBOS.
#[derive(Deserialize)]
struct CoreBosSecret {
    username: String,
    access_key: SecretString,
}

/// The secret of Mautic; a client is preferred where there is one.
#[derive(Deserialize)]
struct MauticSecret {
    username: Option<String>,
    password: Option<SecretString>,
    client_id: Option<String>,
    client_secret: Option<SecretString>,
}

/// The connections to both systems.
#[derive(Debug)]
pub(crate) struct Systems {
    pub(crate) mautic: Mautic,
    pub(crate) corebos: CoreBos,
}

/// A pair, ready to push.
#[derive(Debug)]
pub(crate) struct ReadyPair {
    pub(crate) context: PairContext,
    pub(crate) systems: Arc<Systems>,
}

/// Why a pair is not ready, and who mends that.
#[derive(Debug, thiserror::Error)]
pub enum Mended {
    /// It passes by itself.
    #[error("{0}")]
    Later(String),
    /// An administrator must act.
    #[error("{detail}")]
    ByAdministrator {
        /// A short code.
        reason: &'static str,
        /// What is wrong and what to do.
        detail: String,
    },
    /// Nobody pushes such records.
    #[error("{0}")]
    Never(String),
}

impl From<StoreError> for Mended {
    fn from(error: StoreError) -> Self {
        Self::Later(error.to_string())
    }
}

impl From<ConnectorError> for Mended {
    fn from(error: ConnectorError) -> Self {
        match error.disposition() {
            Disposition::Retry { .. } => Self::Later(error.to_string()),
            Disposition::Park | Disposition::Stop => {
                Self::ByAdministrator { reason: error.code(), detail: error.to_string() }
            }
        }
    }
}

impl From<SecretError> for Mended {
    fn from(error: SecretError) -> Self {
        match error {
            SecretError::Unreadable { .. } => Self::Later(error.to_string()),
            SecretError::Refused { .. } | SecretError::Wrong { .. } => {
                Self::ByAdministrator { reason: "credentials", detail: error.to_string() }
            }
        }
    }
}

struct Cached<T> {
    value: Arc<T>,
    until: Timestamp,
}

/// Everything that lives as long as the process.
pub struct Ports {
    pub(crate) store: DynamoStore,
    pub(crate) queue: SqsChangeQueue,
    pub(crate) lease: Duration,
    corebos: SystemConfig,
    mautic: SystemConfig,
    secrets: Secrets,
    systems: Mutex<Option<Arc<Systems>>>,
    pairs: Mutex<HashMap<PairKind, Cached<ReadyPair>>>,
    warned: Mutex<HashSet<PairKind>>,
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ports")
            .field("corebos", &self.corebos.system)
            .field("mautic", &self.mautic.system)
            .finish_non_exhaustive()
    }
}

impl Ports {
    /// The ports of this process; nothing is read yet.
    ///
    /// # Errors
    /// A variable of the environment is missing or wrong.
    pub fn new(environment: &aws::Environment, clients: Clients) -> Result<Self, aws::config::ConfigError> {
        Ok(Self {
            store: DynamoStore::new(clients.dynamodb, environment.table()?),
            queue: SqsChangeQueue::new(clients.sqs, environment.changes_queues()?),
            lease: environment.lease()?,
            corebos: environment.system(SystemKind::CoreBos)?,
            mautic: environment.system(SystemKind::Mautic)?,
            secrets: Secrets::new(clients.secrets_manager, SystemClock),
            systems: Mutex::new(None),
            pairs: Mutex::default(),
            warned: Mutex::default(),
        })
    }

    /// Reads secrets, settings and maps again next time.
    pub fn forget(&self) {
        self.secrets.forget(&self.corebos.secret_arn);
        self.secrets.forget(&self.mautic.secret_arn);
        *lock(&self.systems) = None;
        lock(&self.pairs).clear();
    }

    /// The pair that a notice belongs to.
    pub(crate) async fn pair_of(&self, notice: &Notice) -> Result<Arc<ReadyPair>, Mended> {
        let spec = self.spec_of(notice)?;
        let now = SystemClock.now();
        if let Some(cached) = lock(&self.pairs).get(&spec.kind)
            && cached.until > now
        {
            return Ok(cached.value.clone());
        }
        let systems = self.systems().await?;
        let context = self.context(spec).await?;
        self.warn_of_unknown_fields(&context, &systems).await?;
        let value = Arc::new(ReadyPair { context, systems });
        lock(&self.pairs).insert(spec.kind, Cached { value: value.clone(), until: now + FRESH });
        Ok(value)
    }

    fn spec_of(&self, notice: &Notice) -> Result<&'static PairSpec, Mended> {
        let kind = PairKind::ALL.into_iter().find(|kind| {
            notice.record.system == self.mautic.system
                && notice.record.object.as_str() == pair_spec(*kind).remote_object
        });
        kind.map(pair_spec).ok_or_else(|| {
            Mended::Never(format!(
                "nobody here pushes {} of {}; this function serves {}",
                notice.record.object, notice.record.system, self.mautic.system
            ))
        })
    }

    /// The connections, checked once against the identity that each system had at first contact.
    async fn systems(&self) -> Result<Arc<Systems>, Mended> {
        if let Some(systems) = lock(&self.systems).clone() {
            return Ok(systems);
        }
        let corebos: CoreBosSecret = self.secrets.secret(&self.corebos.secret_arn).await?;
        let mautic: MauticSecret = self.secrets.secret(&self.mautic.secret_arn).await?;
        let owner: Option<String> =
            self.store.setting(&format!("default_owner:{}", self.corebos.system)).await?;
        let mut settings = CoreBosSettings::new(&self.corebos.url, corebos.username, corebos.access_key);
        settings.default_owner = owner.filter(|owner| !owner.is_empty());
        let systems = Systems {
            mautic: Mautic::new(
                self.mautic.system.clone(),
                MauticSettings::new(&self.mautic.url, self.credentials(mautic)?),
            )?,
            corebos: CoreBos::new(self.corebos.system.clone(), settings)?,
        };
        self.check_identity(&self.mautic.system, &systems.mautic.identity().await?).await?;
        self.check_identity(&self.corebos.system, &systems.corebos.identity().await?).await?;
        let systems = Arc::new(systems);
        *lock(&self.systems) = Some(systems.clone());
        Ok(systems)
    }

    /// A system ignores fields that it does not have, without a word; so the map's mistakes are told here, once.
    async fn warn_of_unknown_fields(&self, context: &PairContext, systems: &Systems) -> Result<(), Mended> {
        let spec = context.spec;
        let corebos = systems.corebos.schema(&spec.object(Side::Hub)).await?;
        let unknown: Vec<&str> = context.to_hub.targets().filter(|field| !corebos.has(field)).collect();
        let id_field = spec.id_field(Side::Hub);
        if unknown.contains(&id_field) {
            return Err(Mended::ByAdministrator {
                reason: "configuration",
                detail: format!(
                    "{} of {} has no field {id_field}: activate the Mautic integration once in coreBOS, which creates it",
                    spec.hub_object, self.corebos.system
                ),
            });
        }
        if !unknown.is_empty() && lock(&self.warned).insert(spec.kind) {
            let fields = unknown.join(" ");
            tracing::warn!(
                map = spec.map_to_hub,
                fields,
                "the map names fields that coreBOS does not have; they are left out"
            );
        }
        Ok(())
    }

    fn credentials(&self, secret: MauticSecret) -> Result<Credentials, Mended> {
        match secret {
            MauticSecret { client_id: Some(client_id), client_secret: Some(client_secret), .. } => {
                Ok(Credentials::ClientCredentials { client_id, client_secret })
            }
            MauticSecret { username: Some(username), password: Some(password), .. } => {
                Ok(Credentials::Basic { username, password })
            }
            _ => Err(Mended::ByAdministrator {
                reason: "credentials",
                detail: format!(
                    "the secret {} needs username and password, or client_id and client_secret",
                    self.mautic.secret_arn
                ),
            }),
        }
    }

    /// A system that is suddenly another one must not be compared with the bases of the first.
    async fn check_identity(&self, system: &System, seen: &str) -> Result<(), Mended> {
        let first = self.store.first_identity(system, seen).await?;
        if first == seen {
            return Ok(());
        }
        Err(Mended::ByAdministrator {
            reason: "identity",
            detail: format!(
                "{system} was {first} at first contact and is {seen} now. Nothing is written before an administrator \
                 confirms the change: put the old address or user back, or delete the setting identity#{system}"
            ),
        })
    }

    async fn context(&self, spec: &'static PairSpec) -> Result<PairContext, Mended> {
        let key = format!("pair:{}", spec.kind.as_str());
        let settings: PairSettings = self.store.setting(&key).await?.unwrap_or_default();
        let map = |name, direction| self.map(spec, name, direction);
        Ok(PairContext {
            pair: Pair {
                kind: spec.kind,
                hub: self.corebos.system.clone(),
                remote: self.mautic.system.clone(),
            },
            spec,
            settings,
            to_hub: map(spec.map_to_hub, Direction::ToHub).await?,
            to_remote: map(spec.map_to_remote, Direction::ToRemote).await?,
            hub_is_pushed: true,
            remote_is_pushed: self.queue.reaches(&self.mautic.system),
        })
    }

    /// The map from the settings, else the one that ships with the bundle.
    async fn map(
        &self,
        spec: &'static PairSpec,
        name: &'static str,
        direction: Direction,
    ) -> Result<PairMap, Mended> {
        let own: Option<String> = self.store.setting(&format!("map:{name}")).await?;
        let shipped = mapping::shipped::find(name).map(|map| map.xml.to_owned());
        let Some(xml) = own.or(shipped) else {
            return Err(Mended::ByAdministrator { reason: "map", detail: format!("there is no map {name}") });
        };
        let map = FieldMap::compile(name, xml.as_bytes(), Semantics::Bridge)
            .map_err(|error| Mended::ByAdministrator { reason: "map", detail: error.to_string() })?;
        Ok(PairMap::new(map, spec, direction))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
