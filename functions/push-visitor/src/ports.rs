//! What an event is pushed with: the memory, Mautic, the map and the settings, kept for a short time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws::config::{ConfigError, SystemConfig};
use aws::{Clients, DynamoStore, Environment, Secrets, SqsChangeQueue, SystemClock};
use connector_mautic::Mautic;
use connector_signal::SignalPreferences;
use connector_signal::settings::preferences_key;
use jiff::{SignedDuration, Timestamp};
use mapping::{FieldMap, Semantics};
use model::{System, SystemKind};
use sync::Clock as _;
use wiring::NotReady;

/// How long settings, the map and the connection are used before they are read again.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// The map that makes the fields of a contact.
pub(crate) const MAP: &str = "SignalToMautic";

/// Everything that lives as long as the process.
#[derive(Debug)]
pub struct Ports {
    pub(crate) store: DynamoStore,
    pub(crate) queue: SqsChangeQueue,
    pub(crate) lease: Duration,
    pub(crate) signal: System,
    pub(crate) corebos: System,
    mautic: SystemConfig,
    secrets: Secrets,
    ready: Mutex<Option<(Timestamp, Arc<Ready>)>>,
}

/// What is read again from time to time.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) mautic: Arc<Mautic>,
    pub(crate) map: FieldMap,
    pub(crate) preferences: SignalPreferences,
}

/// Now.
pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

impl Ports {
    /// The ports of this process; nothing is read yet.
    ///
    /// # Errors
    /// A variable of the environment is missing or wrong.
    pub fn new(environment: &Environment, clients: Clients) -> Result<Self, ConfigError> {
        Ok(Self {
            store: DynamoStore::new(clients.dynamodb, environment.table()?),
            queue: SqsChangeQueue::new(clients.sqs, environment.changes_queues()?),
            lease: environment.lease()?,
            signal: environment.instance(SystemKind::Signal)?,
            corebos: environment.instance(SystemKind::CoreBos)?,
            mautic: environment.system(SystemKind::Mautic)?,
            secrets: Secrets::new(clients.secrets_manager, SystemClock),
            ready: Mutex::default(),
        })
    }

    /// Reads secrets, settings and the map again next time.
    pub(crate) fn forget(&self) {
        self.secrets.forget(&self.mautic.secret);
        *self.ready.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) async fn ready(&self) -> Result<Arc<Ready>, NotReady> {
        let now = now();
        let kept = self.ready.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((until, ready)) = &kept
            && *until > now
        {
            return Ok(ready.clone());
        }
        let (switches, _) = wiring::systems::settings_of(&self.store, &self.mautic.system).await?;
        if !switches.active {
            return Err(NotReady::SwitchedOff(self.mautic.system.clone()));
        }
        let preferences = self.store.setting(&preferences_key(&self.signal)).await?.unwrap_or_default();
        let mautic = match kept {
            Some((_, ready)) => ready.mautic.clone(),
            None => Arc::new(wiring::systems::open(&self.mautic, &self.secrets, &self.store).await?),
        };
        let ready = Arc::new(Ready { mautic, map: self.map().await?, preferences });
        *self.ready.lock().unwrap_or_else(PoisonError::into_inner) = Some((now + FRESH, ready.clone()));
        Ok(ready)
    }

    /// The map from the settings, else the one that ships with the bundle.
    async fn map(&self) -> Result<FieldMap, NotReady> {
        let own: Option<String> = self.store.setting(&format!("map:{MAP}")).await?;
        let shipped = || mapping::shipped::find(MAP).map(|map| map.xml.to_owned());
        let by_administrator = |detail: String| NotReady::ByAdministrator { reason: "map", detail };
        let xml = own.or_else(shipped).ok_or_else(|| by_administrator(format!("there is no map {MAP}")))?;
        FieldMap::compile(MAP, xml.as_bytes(), Semantics::Bridge)
            .map_err(|error| by_administrator(error.to_string()))
    }
}
