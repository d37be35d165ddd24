//! What a message is pushed with: the sites, Mautic, the map and the settings, kept for a short time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws::config::{ConfigError, SystemConfig};
use aws::secrets::ExposeSecret as _;
use aws::{Clients, DynamoStore, Environment, Secrets, SystemClock};
use connector_mautic::Mautic;
use connector_wordpress::{Fusion, WordPress, WordPressPreferences, WordPressSecret};
use jiff::{SignedDuration, Timestamp};
use mapping::{FieldMap, Semantics};
use model::{System, SystemKind};
use sync::Clock as _;
use wiring::NotReady;

/// How long settings, the map and the connections are used before they are read again.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// The map that makes users of contacts.
pub(crate) const MAP: &str = "MauticToUsers";

/// Everything that lives as long as the process.
#[derive(Debug)]
pub struct Ports {
    pub(crate) store: DynamoStore,
    pub(crate) lease: Duration,
    mautic: SystemConfig,
    sites: Vec<SystemConfig>,
    secrets: Secrets,
    opened: Mutex<Opened>,
}

/// What is kept for a short time.
#[derive(Debug, Default)]
struct Opened {
    mautic: Option<Arc<Mautic>>,
    sites: BTreeMap<System, (Timestamp, Arc<Ready>)>,
}

/// A site, made ready.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) mautic: Arc<Mautic>,
    pub(crate) preferences: WordPressPreferences,
    pub(crate) how: How,
}

/// Who does the work.
#[derive(Debug)]
pub(crate) enum How {
    /// We do.
    Direct { site: Box<WordPress>, map: Box<FieldMap> },
    /// WP Fusion does, which the site owns.
    Relay(Fusion),
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
        let secret = environment.secret_place(SystemKind::WordPress)?;
        let sites = environment.sites()?.into_iter();
        Ok(Self {
            store: DynamoStore::new(clients.dynamodb, environment.table()?),
            lease: environment.lease()?,
            mautic: environment.system(SystemKind::Mautic)?,
            sites: sites.map(|(system, url)| SystemConfig { system, url, secret: secret.clone() }).collect(),
            secrets: Secrets::new(clients.secrets_manager, SystemClock),
            opened: Mutex::default(),
        })
    }

    /// The Mautic whose contacts become users.
    pub(crate) fn mautic(&self) -> &System {
        &self.mautic.system
    }

    /// The site that a message leads to, if it is one of this deployment.
    pub(crate) fn site(&self, target: Option<&System>) -> Option<&System> {
        self.sites.iter().map(|site| &site.system).find(|site| Some(*site) == target)
    }

    /// Reads secrets, settings and the map again next time.
    pub(crate) fn forget(&self) {
        for config in self.sites.iter().chain([&self.mautic]) {
            self.secrets.forget(&config.secret);
        }
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = Opened::default();
    }

    pub(crate) async fn ready(&self, site: &System) -> Result<Arc<Ready>, NotReady> {
        let now = now();
        let (mautic, kept) = {
            let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
            (opened.mautic.clone(), opened.sites.get(site).cloned())
        };
        if let Some((until, ready)) = kept
            && until > now
        {
            return Ok(ready);
        }
        let (mautic_switches, _) = wiring::systems::settings_of(&self.store, &self.mautic.system).await?;
        let (switches, preferences) = wiring::systems::settings_of(&self.store, site).await?;
        for (system, is_active) in [(&self.mautic.system, mautic_switches.active), (site, switches.active)] {
            if !is_active {
                return Err(NotReady::SwitchedOff(system.clone()));
            }
        }
        let by_administrator = |reason, detail| NotReady::ByAdministrator { reason, detail };
        let preferences: WordPressPreferences = serde_json::from_value(preferences).map_err(|error| {
            by_administrator("configuration", format!("the settings of {site} cannot be used: {error}"))
        })?;
        let config = self.sites.iter().find(|config| config.system == *site).ok_or_else(|| {
            by_administrator("configuration", format!("{site} is none of the sites of this deployment"))
        })?;
        let mautic = match mautic {
            Some(mautic) => mautic,
            None => Arc::new(wiring::systems::open(&self.mautic, &self.secrets, &self.store).await?),
        };
        let how = if preferences.relay {
            How::Relay(self.fusion(config).await?)
        } else {
            let opened: WordPress = wiring::systems::open(config, &self.secrets, &self.store).await?;
            How::Direct { site: Box::new(opened), map: Box::new(self.map().await?) }
        };
        let ready = Arc::new(Ready { mautic: mautic.clone(), preferences, how });
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.mautic = Some(mautic);
        opened.sites.insert(site.clone(), (now + FRESH, ready.clone()));
        Ok(ready)
    }

    /// The receiver of WP Fusion on a site.
    async fn fusion(&self, config: &SystemConfig) -> Result<Fusion, NotReady> {
        let mut secret: WordPressSecret = self.secrets.secret(&config.secret).await?;
        let name = config.system.name();
        let site = secret.sites.remove(name).unwrap_or_default();
        let key = site.wp_fusion_access_key.filter(|key| !key.expose_secret().is_empty());
        let key = key.ok_or_else(|| NotReady::ByAdministrator {
            reason: "credentials",
            detail: format!(
                "the secret {} needs wp_fusion_access_key in sites.{name}: the access key that WP Fusion shows in its \
                 general settings",
                config.secret
            ),
        })?;
        Ok(Fusion::new(&config.url, key)?)
    }

    /// The map from the settings, else the one that ships with the bundle.
    async fn map(&self) -> Result<FieldMap, NotReady> {
        let own: Option<String> = self.store.setting(&sync::settings::map_key(MAP)).await?;
        let shipped = || mapping::shipped::find(MAP).map(|map| map.xml.to_owned());
        let by_administrator = |detail: String| NotReady::ByAdministrator { reason: "map", detail };
        let xml = own.or_else(shipped).ok_or_else(|| by_administrator(format!("there is no map {MAP}")))?;
        FieldMap::compile(MAP, xml.as_bytes(), Semantics::Bridge)
            .map_err(|error| by_administrator(error.to_string()))
    }
}
