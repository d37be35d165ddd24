//! WP Fusion's receiver, for sites that own the plugin and let it do the work: `POST /` with its parameters.
//!
//! Its answers are pages for people, and 200 says nothing: only `Success` does.

use http_client::{Answer, BaseUrl, Client, ClientSettings, Effect, Method, Request};
use secrecy::{ExposeSecret as _, SecretString};
use sync::ConnectorError;

use crate::error::{refusal, unanswered};

/// What WP Fusion shall do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// `add`, `update` or `update_tags`.
    pub action: &'a str,
    /// The Mautic contact.
    pub contact_id: &'a str,
    /// The role of a new user.
    pub role: Option<&'a str>,
    /// Whether a new user is mailed.
    pub send_notification: bool,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relayed {
    /// WP Fusion has done it, or has put it on its own queue.
    Done,
    /// No user of the site belongs to the contact: there is nothing to update.
    Nobody,
}

/// The receiver of one site.
pub struct Fusion {
    base: BaseUrl,
    client: Client,
    access_key: SecretString,
}

impl std::fmt::Debug for Fusion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fusion").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Fusion {
    /// The receiver at the site's address. Calls nobody.
    ///
    /// # Errors
    /// Misconfigured: a URL that is none or is not safe, no TLS certificates on this machine.
    pub fn new(url: &str, access_key: SecretString) -> Result<Self, ConnectorError> {
        let misconfigured = |detail: String| ConnectorError::Misconfigured { detail };
        let base =
            BaseUrl::parse(url).map_err(|error| misconfigured(format!("the URL of the site: {error}")))?;
        let client =
            Client::new(ClientSettings::default()).map_err(|error| misconfigured(error.to_string()))?;
        Ok(Self { base, client, access_key })
    }

    /// Asks whether our key is right. Changes nothing.
    ///
    /// # Errors
    /// Everything that is not WP Fusion's own yes.
    pub async fn test(&self) -> Result<(), ConnectorError> {
        let form = [("wpf_action", "test"), ("access_key", self.access_key.expose_secret())];
        let request = Request::read(Method::POST, self.base.join([""])).form(form);
        let answer = self.client.send(&request).await.map_err(unanswered)?;
        let told: serde_json::Value = answer.json().unwrap_or_default();
        if answer.status == 200 && told.get("success") == Some(&serde_json::Value::Bool(true)) {
            return Ok(());
        }
        Err(Self::not_done(&answer))
    }

    /// Forwards one action, to be done in WP Fusion's own time.
    ///
    /// # Errors
    /// Everything that is not WP Fusion's own word for success.
    pub async fn relay(&self, wanted: &Wanted<'_>) -> Result<Relayed, ConnectorError> {
        let mut form = vec![
            ("wpf_action", wanted.action),
            ("access_key", self.access_key.expose_secret()),
            ("contact_id", wanted.contact_id),
            ("async", "true"),
        ];
        form.extend(wanted.role.map(|role| ("role", role)));
        if wanted.send_notification {
            form.push(("send_notification", "true"));
        }
        // A form and not a query: keys in addresses end up in the logs of servers. Repeating an action does no harm.
        let request = Request::read(Method::POST, self.base.join([""])).form(form);
        let answer = self.client.send(&request).await.map_err(unanswered)?;
        let page = String::from_utf8_lossy(&answer.body);
        match answer.status {
            200 if page.contains("Success") => Ok(Relayed::Done),
            200 if page.contains("Not Found") || page.contains("No matching user") => Ok(Relayed::Nobody),
            _ => Err(Self::not_done(&answer)),
        }
    }

    /// What an answer means that is no success.
    fn not_done(answer: &Answer) -> ConnectorError {
        let page = String::from_utf8_lossy(&answer.body);
        match answer.status {
            200 if page.contains("Doing it wrong") => ConnectorError::RateLimited { retry_after: None },
            200 => ConnectorError::Unavailable {
                detail: "the site answers 200 with a page that is not WP Fusion's: a firewall, a captcha, or WP Fusion \
                         is switched off"
                    .to_owned(),
            },
            _ if page.contains("Invalid Access Key") => ConnectorError::Unauthorized {
                detail: "WP Fusion does not know the access key: compare wp_fusion_access_key with its settings".to_owned(),
            },
            500 if page.contains("Import user failed") => ConnectorError::Rejected {
                message: "WP Fusion could not import the contact: its own log says why".to_owned(),
                fields: std::collections::BTreeMap::new(),
            },
            _ => refusal(answer, Effect::Read),
        }
    }
}
