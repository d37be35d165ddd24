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
    /// `mautic.client_secret`: then an OAuth client is used, not the user.
    pub client_secret: Option<String>,
    /// `corebos.auth_token`: then it is used, not the access key.
    pub auth_token: Option<String>,
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
            client_secret: None,
            auth_token: None,
            more: String::new(),
        }
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let secrets = [WEBHOOK_SECRET, SAMPLE_SECRETS[0], SAMPLE_SECRETS[1]].map(quoted).join(", ");
        let owner = self.default_owner.as_deref().map(|owner| format!("default_owner = {}\n", quoted(owner)));
        let options = MauticOptions::default();
        let (corebos, corebos_proof) = match &self.auth_token {
            Some(token) => ("auth_token", token),
            None => ("access_key", &self.access_key),
        };
        let mautic = match &self.client_secret {
            Some(secret) => {
                format!("client_id = {}\nclient_secret = {}", quoted(&options.client_id), quoted(secret))
            }
            None => {
                format!("username = {}\npassword = {}", quoted(&options.username), quoted(&self.password))
            }
        };
        format!(
            "[corebos]\nurl = {}\nusername = \"sync\"\n{corebos} = {}\n{}[mautic]\nurl = {}\n{mautic}\n\
             webhook_secrets = [{secrets}]\n{}",
            quoted(&self.corebos_url),
            quoted(corebos_proof),
            owner.unwrap_or_default(),
            quoted(&self.mautic_url),
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
