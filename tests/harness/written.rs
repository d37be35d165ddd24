//! A configuration as a person writes it, for stories in which something in it is wrong.

use std::path::PathBuf;

use bridge::config::Config;
use bridge::simulated::{SAMPLE_SECRETS, Simulated, WEBHOOK_SECRET};
use simulators::mautic::MauticOptions;

/// The facts of a configuration file.
#[derive(Clone, Debug)]
pub struct Written {
    /// `corebos.url`.
    pub corebos_url: String,
    /// `corebos.access_key`.
    pub access_key: String,
    /// `corebos.default_owner`.
    pub default_owner: Option<String>,
    /// `mautic.url`.
    pub mautic_url: String,
    /// `mautic.password`.
    pub password: String,
    /// What follows: settings and maps.
    pub more: String,
}

impl Written {
    /// What connects the stand-ins.
    pub fn of(systems: &Simulated) -> Self {
        Self {
            corebos_url: systems.corebos.url(),
            access_key: systems.corebos.access_key("sync").unwrap_or_default(),
            default_owner: None,
            mautic_url: systems.mautic.url(),
            password: MauticOptions::default().password,
            more: String::new(),
        }
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let secrets = [WEBHOOK_SECRET, SAMPLE_SECRETS[0], SAMPLE_SECRETS[1]].map(quoted).join(", ");
        let owner = self.default_owner.as_deref().map(|owner| format!("default_owner = {}\n", quoted(owner)));
        format!(
            "[corebos]\nurl = {}\nusername = \"sync\"\naccess_key = {}\n{}[mautic]\nurl = {}\nusername = {}\n\
             password = {}\nwebhook_secrets = [{secrets}]\n{}",
            quoted(&self.corebos_url),
            quoted(&self.access_key),
            owner.unwrap_or_default(),
            quoted(&self.mautic_url),
            quoted(&MauticOptions::default().username),
            quoted(&self.password),
            self.more
        )
    }

    /// The configuration.
    ///
    /// # Panics
    /// It is refused.
    pub fn config(&self) -> Config {
        Config::parse(&self.text(), PathBuf::new()).unwrap_or_else(|error| panic!("{error:#}"))
    }
}
