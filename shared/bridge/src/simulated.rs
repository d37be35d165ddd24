//! Stand-ins for coreBOS and Mautic, and a configuration that connects them.

pub(crate) mod hubspot;
mod wordpress;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use aws::SystemClock;
use connector_corebos::admin::{WEBSERVICE_MAP, WebhookEvent, webservice_map};
pub use connector_mautic::admin::EVENTS as TRIGGERS;
use jiff::SignedDuration;
use model::SystemKind;
use serde_json::json;
use simulators::clock::Clock;
use simulators::corebos::{self, CoreBosOptions, CoreBosSimulator, Trigger, WorkflowHook};
use simulators::hubspot::{HubSpotOptions, HubSpotSimulator};
use simulators::mautic::{self, MauticOptions, MauticSimulator};
use simulators::wordpress::WordPressSimulator;
use sync::Clock as _;
use sync::pairs::PAIRS;

use crate::config::Config;
use crate::local::Local;
use crate::setup::corebos::{KEY_SETTING, WEBSERVICE_MAPS};

pub use hubspot::{CLIENT_SECRET, SAMPLE_CLIENT_SECRET};
pub use wordpress::{ACCESS_KEY, SAMPLE_ACCESS_KEY, SITE, try_campaign};

/// The secret of the webhook in the stand-in. The one of the sample events is accepted as well, as the previous one.
pub const WEBHOOK_SECRET: &str = "a-secret-of-the-stand-in";
/// The secrets that the sample events in `events/` are signed with.
pub const SAMPLE_SECRETS: [&str; 2] = ["peer-secret-1", "peer-secret-0"];

/// The key that the stand-in for coreBOS sends. The ones of the sample events are accepted as well.
pub const WEBHOOK_KEY: &str = "a-key-of-the-stand-in";
/// The keys that the sample events in `events/` carry.
pub const SAMPLE_KEYS: [&str; 2] = ["sample-key-1", "sample-key-0"];

/// Both stand-ins.
pub struct Simulated {
    /// The CRM.
    pub corebos: CoreBosSimulator,
    /// The marketing automation.
    pub mautic: MauticSimulator,
    /// The second CRM, where there is one.
    pub hubspot: Option<HubSpotSimulator>,
    /// A site, where there is one.
    pub wordpress: Option<WordPressSimulator>,
    is_new: bool,
}

impl std::fmt::Debug for Simulated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulated").finish_non_exhaustive()
    }
}

/// Starts both. `ports` are those of coreBOS and Mautic, 0 for any; `data` is a folder that keeps their records.
///
/// # Errors
/// A port is taken, or the folder cannot be used.
pub async fn start(ports: (u16, u16), data: Option<&Path>) -> Result<Simulated> {
    let file = |name: &str| data.map(|folder| folder.join(name));
    if let Some(folder) = data {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let options = corebos_options(ports.0, file("simulated-corebos.json"));
    let corebos = corebos::start(options).await.with_context(|| starting("coreBOS", ports.0))?;
    let snapshot = file("simulated-mautic.json");
    let is_new = !snapshot.as_deref().is_some_and(Path::exists);
    let options = MauticOptions { port: ports.1, data: snapshot, ..MauticOptions::default() };
    let mautic = mautic::start(options).await.with_context(|| starting("Mautic", ports.1))?;
    Ok(Simulated { corebos, mautic, hubspot: None, wordpress: None, is_new })
}

/// Starts all three: HubSpot too, with the properties that the bridge needs there.
///
/// # Errors
/// A port is taken, or the folder cannot be used.
pub async fn start_with_hubspot(ports: (u16, u16, u16), data: Option<&Path>) -> Result<Simulated> {
    let mut simulated = start((ports.0, ports.1), data).await?;
    let mut options = HubSpotOptions::default();
    options.port = ports.2;
    options.data = data.map(|folder| folder.join("simulated-hubspot.json"));
    simulated.add_hubspot(options).await?;
    Ok(simulated)
}

/// How much the clocks of the stand-ins differ from that of the bridge.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clocks {
    /// That of coreBOS.
    pub corebos: SignedDuration,
    /// That of Mautic.
    pub mautic: SignedDuration,
    /// That of HubSpot.
    pub hubspot: SignedDuration,
}

/// Starts all of them, or all but HubSpot, in memory and with clocks that differ.
///
/// # Errors
/// No port is free.
pub async fn start_with_clocks(clocks: Clocks, with_hubspot: bool) -> Result<Simulated> {
    let mut options = corebos_options(0, None);
    options.clock = skewed(clocks.corebos);
    let corebos = corebos::start(options).await.with_context(|| starting("coreBOS", 0))?;
    let options = MauticOptions { clock: skewed(clocks.mautic), ..MauticOptions::default() };
    let mautic = mautic::start(options).await.with_context(|| starting("Mautic", 0))?;
    let mut simulated = Simulated { corebos, mautic, hubspot: None, wordpress: None, is_new: true };
    if with_hubspot {
        let mut options = HubSpotOptions::default();
        options.clock = skewed(clocks.hubspot);
        simulated.add_hubspot(options).await?;
    }
    Ok(simulated)
}

/// A clock that always differs by the same from the machine's.
fn skewed(by: SignedDuration) -> Clock {
    Arc::new(move || {
        let now = SystemClock.now();
        now.checked_add(by).unwrap_or(now)
    })
}

/// Starts both as they are after their installation: without the fields, maps and webhooks that the bridge needs in Mautic.
///
/// # Errors
/// No port is free.
pub async fn start_untouched() -> Result<Simulated> {
    let corebos = corebos::start(corebos_options(0, None)).await.with_context(|| starting("coreBOS", 0))?;
    let options = MauticOptions { stock_fields_only: true, ..MauticOptions::default() };
    let mautic = mautic::start(options).await.with_context(|| starting("Mautic", 0))?;
    Ok(Simulated { corebos, mautic, hubspot: None, wordpress: None, is_new: true })
}

/// The same with HubSpot, without the properties that the bridge needs there.
///
/// # Errors
/// No port is free.
pub async fn start_untouched_with_hubspot(options: HubSpotOptions) -> Result<Simulated> {
    let mut simulated = start_untouched().await?;
    let portal = simulators::hubspot::start(options).await.with_context(|| starting("HubSpot", 0))?;
    simulated.hubspot = Some(portal);
    Ok(simulated)
}

/// The write key of the source `shop` in the stand-in's configuration, which the sample events carry.
pub const SAMPLE_WRITE_KEY: &str = "wk_test";
/// The secret with which the source `signal` signs.
pub const SAMPLE_SIGNING_SECRET: &str = "signing-secret";

/// The same configuration, with two sources of visitor events: `shop`, whose pages may send from browsers, and `signal`.
///
/// # Errors
/// None; the sources are right.
pub fn with_visitors(mut config: Config) -> Result<Config> {
    let sources = json!({
        "shop": { "keys": [SAMPLE_WRITE_KEY, "wk:secret"], "browser_origins": ["http://127.0.0.1:3000"] },
        "signal": { "keys": ["dk_test"], "hmac_secrets": [SAMPLE_SIGNING_SECRET] },
    });
    config.signal = Some(serde_json::from_value(json!({ "sources": sources }))?);
    Ok(config)
}

/// A command that creates a contact in the stand-in for Mautic.
pub fn try_it(mautic_url: &str) -> String {
    let MauticOptions { username, password, .. } = MauticOptions::default();
    format!(
        "curl -u {username}:{password} -H 'Content-Type: application/json' {mautic_url}/api/contacts/new -d \
         '{{\"firstname\":\"Ana\",\"lastname\":\"Pérez\",\"email\":\"ana@example.org\"}}'"
    )
}

fn starting(name: &str, port: u16) -> String {
    format!("the stand-in for {name} cannot listen on 127.0.0.1 port {port}; choose others with --port")
}

/// The options cannot be written as one expression outside their crate.
#[expect(clippy::field_reassign_with_default, reason = "the struct is non-exhaustive")]
fn corebos_options(port: u16, data: Option<PathBuf>) -> CoreBosOptions {
    let mut options = CoreBosOptions::default();
    options.port = port;
    options.data = data;
    options
}

impl Simulated {
    /// The configuration that connects them.
    ///
    /// # Errors
    /// The stand-in has no such user, which does not happen.
    pub fn config(&self) -> Result<Config> {
        Config::parse(&self.config_text()?, PathBuf::new())
    }

    /// The same as a file.
    ///
    /// # Errors
    /// The stand-in has no such user, which does not happen.
    pub fn config_text(&self) -> Result<String> {
        let mautic = MauticOptions::default();
        let access_key =
            self.corebos.access_key("sync").context("the stand-in for coreBOS has no user sync")?;
        let secrets = [WEBHOOK_SECRET, SAMPLE_SECRETS[0], SAMPLE_SECRETS[1]];
        let mut config = json!({
            "corebos": {
                "url": self.corebos.url(),
                "username": "sync",
                "access_key": access_key,
                "webhook_keys": [WEBHOOK_KEY, SAMPLE_KEYS[0], SAMPLE_KEYS[1]],
            },
            "mautic": {
                "url": self.mautic.url(),
                "username": mautic.username,
                "password": mautic.password,
                "webhook_secrets": secrets,
            },
        });
        if let Some(portal) = &self.hubspot {
            config["hubspot"] = hubspot::config(portal);
        }
        if let Some(site) = &self.wordpress {
            config["wordpress"] = wordpress::config(site);
        }
        Ok(toml::to_string(&config)?)
    }

    /// From now on every request's body is kept.
    pub fn keep_work(&self) {
        self.corebos.keep_work();
        self.mautic.keep_work();
        if let Some(portal) = &self.hubspot {
            portal.keep_work();
        }
    }

    /// Tells Mautic where its webhook goes, unless a snapshot knows it already.
    pub fn point_webhook_at(&self, url: &str) {
        if self.is_new {
            let events = connector_mautic::admin::events(self.wordpress.is_some());
            self.mautic.add_webhook(url, WEBHOOK_SECRET, &events);
        }
    }

    /// Gives coreBOS the maps and workflows that an administrator makes there: each module that has a pair tells of
    /// every save and every delete.
    ///
    /// # Errors
    /// The stand-in does not take the maps, which does not happen.
    pub async fn point_workflows_at(&self, url: &str) -> Result<()> {
        self.corebos.put_setting(KEY_SETTING, WEBHOOK_KEY);
        self.corebos.clear_workflow_hooks();
        for (name, event) in WEBSERVICE_MAPS {
            let map = webservice_map(url, KEY_SETTING, event);
            self.corebos.put_map_of_type(name, WEBSERVICE_MAP, &map).await?;
        }
        self.click_workflows();
        Ok(())
    }

    /// Makes the workflows that `bridge setup corebos` asks an administrator for.
    pub fn click_workflows(&self) {
        for (name, event) in WEBSERVICE_MAPS {
            let trigger = match event {
                WebhookEvent::Save => Trigger::EverySave,
                WebhookEvent::Delete => Trigger::Deletion,
                WebhookEvent::Named(_) => continue,
            };
            for module in self.modules() {
                let (module, map) = (module.to_owned(), name.to_owned());
                self.corebos.add_workflow_hook(WorkflowHook { module, trigger, map });
            }
        }
    }

    /// The modules of coreBOS that have a pair here.
    fn modules(&self) -> BTreeSet<&'static str> {
        let is_here = |kind| kind != SystemKind::HubSpot || self.hubspot.is_some();
        PAIRS.iter().filter(|pair| is_here(pair.remote_kind)).map(|pair| pair.hub_object).collect()
    }

    /// Points the systems at a stack.
    ///
    /// # Errors
    /// See [`Self::point_workflows_at`].
    pub async fn connect(&self, local: &Local) -> Result<()> {
        self.point_webhook_at(&local.webhook_url("webhook-mautic"));
        self.point_hubspot_at(&local.webhook_url("webhook-hubspot"))?;
        self.point_workflows_at(&local.webhook_url("webhook-corebos")).await
    }

    /// Three contacts with the ids 1 to 3, whom the sample events of `push-corebos` name.
    pub async fn seed(&self) {
        for (first, last) in [("Ada", "Lovelace"), ("Grace", "Hopper"), ("Annie", "Easley")] {
            let email = format!("{}@example.org", first.to_lowercase());
            self.mautic
                .create_contact(&json!({ "firstname": first, "lastname": last, "email": email }))
                .await;
        }
    }
}
