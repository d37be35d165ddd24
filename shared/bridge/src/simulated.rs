//! Stand-ins for coreBOS and Mautic, and a configuration that connects them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use connector_corebos::webhook::KEY_HEADER;
use serde_json::json;
use simulators::corebos::{self, CoreBosOptions, CoreBosSimulator, Trigger, WorkflowHook, webservice_map};
use simulators::mautic::{self, MauticOptions, MauticSimulator};
use sync::pairs::PAIRS;

use crate::config::Config;
use crate::local::Local;

/// The secret of the webhook in the stand-in. The one of the sample events is accepted as well, as the previous one.
pub const WEBHOOK_SECRET: &str = "a-secret-of-the-stand-in";
/// The secrets that the sample events in `events/` are signed with.
pub const SAMPLE_SECRETS: [&str; 2] = ["peer-secret-1", "peer-secret-0"];

/// The key that the stand-in for coreBOS sends. The ones of the sample events are accepted as well.
pub const WEBHOOK_KEY: &str = "a-key-of-the-stand-in";
/// The keys that the sample events in `events/` carry.
pub const SAMPLE_KEYS: [&str; 2] = ["sample-key-1", "sample-key-0"];
/// The setting of coreBOS that holds the key, so that it stands in no map.
const KEY_SETTING: &str = "bridge_key";

/// The events that an administrator ticks in Mautic's webhook.
pub const TRIGGERS: [&str; 6] = [
    "mautic.lead_post_save_new",
    "mautic.lead_post_save_update",
    "mautic.lead_points_change",
    "mautic.lead_post_delete",
    "mautic.company_post_save",
    "mautic.company_post_delete",
];

/// Both stand-ins.
pub struct Simulated {
    /// The CRM.
    pub corebos: CoreBosSimulator,
    /// The marketing automation.
    pub mautic: MauticSimulator,
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
    Ok(Simulated { corebos, mautic, is_new })
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
        let mautic = MauticOptions::default();
        let access_key =
            self.corebos.access_key("sync").context("the stand-in for coreBOS has no user sync")?;
        let secrets = [WEBHOOK_SECRET, SAMPLE_SECRETS[0], SAMPLE_SECRETS[1]];
        let text = toml::to_string(&json!({
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
        }))?;
        Config::parse(&text, PathBuf::new())
    }

    /// Tells Mautic where its webhook goes, unless a snapshot knows it already.
    pub fn point_webhook_at(&self, url: &str) {
        if self.is_new {
            self.mautic.add_webhook(url, WEBHOOK_SECRET, &TRIGGERS);
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
        let header = format!("getSetting({KEY_SETTING})");
        for (name, event, trigger) in
            [("BridgeSave", "save", Trigger::EverySave), ("BridgeDelete", "delete", Trigger::Deletion)]
        {
            let map = webservice_map(url, (KEY_HEADER, &header), event);
            self.corebos.put_map_of_type(name, "Webservice Mapping", &map).await?;
            for pair in PAIRS {
                let (module, map) = (pair.hub_object.to_owned(), name.to_owned());
                self.corebos.add_workflow_hook(WorkflowHook { module, trigger, map });
            }
        }
        Ok(())
    }

    /// Points both systems at a stack.
    ///
    /// # Errors
    /// See [`Self::point_workflows_at`].
    pub async fn connect(&self, local: &Local) -> Result<()> {
        self.point_webhook_at(&local.webhook_url("webhook-mautic"));
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
