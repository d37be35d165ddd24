//! Webhooks: `/api/hooks`. Recorded: A02, A24 to A35, E35 to E38, I10 and I12.
//!
//! Always PATCH, never PUT: a PUT without the secret makes a new one, which nobody but Mautic knows (A32). A PATCH adds
//! events and takes none away (A31).

use http_client::{Effect, Method, Request};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest as _, Sha256};
use sync::ConnectorError;
use url::Url;

use crate::client::{Mautic, json_request};
use crate::error::{refusal, unreadable};

/// The events that the bridge listens to: what an administrator ticks in a webhook.
pub const EVENTS: [&str; 8] = [
    "mautic.lead_post_save_new",
    "mautic.lead_post_save_update",
    "mautic.lead_points_change",
    "mautic.lead_post_delete",
    "mautic.lead_channel_subscription_changed",
    "mautic.lead_company_change",
    "mautic.company_post_save",
    "mautic.company_post_delete",
];

/// The event of segments, which decide who becomes a user of a site. A segment that is built anew sends it once for each
/// contact, so only who has sites listens to it.
const SEGMENTS: &str = "mautic.lead_list_change";

/// The events that the bridge listens to where it has sites, or has none.
pub fn events(has_sites: bool) -> Vec<&'static str> {
    EVENTS.into_iter().chain(has_sites.then_some(SEGMENTS)).collect()
}

/// The script of coreBOS that its own integration has Mautic call.
const COREBOS_SCRIPT: &str = "notifications.php";
/// What it is called with.
const COREBOS_TYPES: [&str; 2] = ["mauticcontact", "mauticaccount"];

/// A webhook, as Mautic keeps it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// Its id.
    pub id: u64,
    /// What the administrator calls it.
    #[serde(default)]
    pub name: String,
    /// Where it leads.
    #[serde(default)]
    pub webhook_url: String,
    /// Whether it is switched on. Mautic switches it off when its receiver answers 410, or nothing but failures.
    #[serde(default)]
    pub is_published: bool,
    /// The events that it sends.
    #[serde(default)]
    pub triggers: Vec<String>,
    /// In which order queued events are sent: `ASC`, `DESC`, or Mautic's default.
    #[serde(default)]
    pub events_orderby_dir: Option<String>,
    /// What it signs with. Mautic shows it to whoever may see webhooks.
    #[serde(default)]
    secret: Option<SecretString>,
}

impl Webhook {
    /// Whether it leads to this URL; a slash at the end makes no difference.
    pub fn leads_to(&self, url: &str) -> bool {
        self.webhook_url.trim_end_matches('/') == url.trim_end_matches('/')
    }

    /// Whether it belongs to coreBOS's own integration, which the bridge takes over from.
    pub fn is_corebos_s_own(&self) -> bool {
        let Ok(url) = Url::parse(&self.webhook_url) else { return false };
        let script = url.path_segments().and_then(|mut segments| segments.next_back());
        script == Some(COREBOS_SCRIPT)
            && url
                .query_pairs()
                .any(|(name, value)| name == "type" && COREBOS_TYPES.contains(&value.as_ref()))
    }

    /// Which of these secrets it signs with.
    pub fn signs_with(&self, secrets: &[SecretString]) -> Option<usize> {
        let digest = |secret: &SecretString| Sha256::digest(secret.expose_secret().as_bytes());
        let own = digest(self.secret.as_ref().filter(|own| !own.expose_secret().is_empty())?);
        secrets.iter().position(|secret| digest(secret) == own)
    }

    /// The events that are not among its own.
    pub fn lacks<'a>(&self, events: &[&'a str]) -> Vec<&'a str> {
        events.iter().copied().filter(|event| !self.triggers.iter().any(|own| own == event)).collect()
    }
}

/// What is to be changed of a webhook, or what a new one shall be. What is not given stays as it is.
#[derive(Clone, Debug, Default)]
pub struct WebhookChange<'a> {
    /// Its name.
    pub name: Option<&'a str>,
    /// Where it leads.
    pub url: Option<&'a str>,
    /// What it signs with.
    pub secret: Option<&'a SecretString>,
    /// The events that it sends, besides those that it sends already.
    pub triggers: &'a [&'a str],
    /// The oldest of the queued events first.
    pub oldest_first: bool,
    /// On or off.
    pub is_published: Option<bool>,
}

impl WebhookChange<'_> {
    fn body(&self) -> Json {
        let mut body = Map::new();
        let mut put = |name: &str, value: Option<Json>| {
            if let Some(value) = value {
                body.insert(name.to_owned(), value);
            }
        };
        put("name", self.name.map(Json::from));
        put("webhookUrl", self.url.map(Json::from));
        put("secret", self.secret.map(|secret| Json::from(secret.expose_secret())));
        put("triggers", (!self.triggers.is_empty()).then(|| json!(self.triggers)));
        put("eventsOrderbyDir", self.oldest_first.then(|| json!("ASC")));
        put("isPublished", self.is_published.map(Json::from));
        Json::Object(body)
    }
}

/// An event that this Mautic can send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Its key: `mautic.lead_post_delete`.
    pub key: String,
    /// What it is called in the screen: `Contact Deleted Event`.
    pub label: String,
}

impl Mautic {
    /// `GET /api/hooks`: the webhooks that our user may see.
    ///
    /// # Errors
    /// Forbidden where its role lacks `webhook:webhooks` viewown and viewother.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, ConnectorError> {
        let json = self.get(Request::read(Method::GET, self.api(["hooks"])).query("limit", "200")).await;
        let json = json.map_err(refused)?;
        let unusable =
            || ConnectorError::Unavailable { detail: "Mautic answered with no list of webhooks".to_owned() };
        let rows: Vec<Json> = match json.get("hooks") {
            Some(Json::Array(list)) => list.clone(),
            Some(Json::Object(map)) => map.values().cloned().collect(),
            _ => return Err(unusable()),
        };
        rows.into_iter().map(|row| serde_json::from_value(row).map_err(|_| unusable())).collect()
    }

    /// `GET /api/hooks/triggers`: the events that this Mautic knows. It would store an unknown one without a word.
    ///
    /// # Errors
    /// As of any read.
    pub async fn triggers(&self) -> Result<Vec<Trigger>, ConnectorError> {
        let json = self.get(Request::read(Method::GET, self.api(["hooks", "triggers"]))).await?;
        let listed = json.get("triggers").and_then(Json::as_object).ok_or_else(|| {
            ConnectorError::Unavailable { detail: "Mautic answered with no list of events".to_owned() }
        })?;
        let label = |entry: &Json| entry.get("label").and_then(Json::as_str).unwrap_or_default().to_owned();
        Ok(listed.iter().map(|(key, entry)| Trigger { key: key.clone(), label: label(entry) }).collect())
    }

    /// `POST /api/hooks/new`.
    ///
    /// # Errors
    /// Rejected for a URL that is none. Forbidden where our role may not create webhooks.
    pub async fn create_webhook(&self, webhook: &WebhookChange<'_>) -> Result<Webhook, ConnectorError> {
        self.write_webhook(Method::POST, self.api(["hooks", "new"]), webhook).await
    }

    /// `PATCH /api/hooks/{id}/edit`.
    ///
    /// # Errors
    /// Gone where there is no such webhook. Forbidden where our role may not edit it.
    pub async fn change_webhook(
        &self,
        id: u64,
        change: &WebhookChange<'_>,
    ) -> Result<Webhook, ConnectorError> {
        self.write_webhook(Method::PATCH, self.api(["hooks", &id.to_string(), "edit"]), change).await
    }

    /// Switches a webhook on. Its secret and its events stay (recorded: I10, I12).
    ///
    /// # Errors
    /// As of [`Self::change_webhook`].
    pub async fn publish_webhook(&self, id: u64) -> Result<(), ConnectorError> {
        let change = WebhookChange { is_published: Some(true), ..WebhookChange::default() };
        self.change_webhook(id, &change).await.map(drop)
    }

    async fn write_webhook(
        &self,
        method: Method,
        url: Url,
        change: &WebhookChange<'_>,
    ) -> Result<Webhook, ConnectorError> {
        let answer = self.call(json_request(method, url, &change.body())?).await?;
        if !answer.is_success() {
            return Err(refused(refusal(&answer, Effect::Write)));
        }
        let json: Json = answer.json().map_err(|_| unreadable(&answer, Effect::Write, "not JSON"))?;
        let webhook = json.get("hook").cloned().unwrap_or_default();
        serde_json::from_value(webhook).map_err(|_| unreadable(&answer, Effect::Write, "no webhook"))
    }

    /// The webhooks of coreBOS's own integration that are switched on.
    pub(crate) async fn corebos_s_own_webhooks(&self) -> Result<Vec<String>, ConnectorError> {
        let webhooks = self.webhooks().await?;
        let running = webhooks.iter().filter(|webhook| webhook.is_published && webhook.is_corebos_s_own());
        let told = |webhook: &Webhook| {
            format!(
                "webhook {} of Mautic (\"{}\") calls coreBOS's {COREBOS_SCRIPT}",
                webhook.id, webhook.name
            )
        };
        Ok(running.map(told).collect())
    }
}

fn refused(error: ConnectorError) -> ConnectorError {
    match error {
        ConnectorError::Forbidden { .. } => ConnectorError::Forbidden {
            detail: "the role of our Mautic user does not give it the webhooks: it needs webhook:webhooks viewown and \
                     viewother to see them, editown and editother to change them, create for the setup"
                .to_owned(),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(url: &str, secret: &str) -> Webhook {
        let json = json!({ "id": 1, "name": "w", "webhookUrl": url, "isPublished": true, "secret": secret });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn the_webhooks_of_corebos_s_own_integration_are_known_by_where_they_lead() {
        for own in [
            "https://crm.example.com/notifications.php?type=mauticcontact",
            "https://example.com/corebos/notifications.php?x=1&type=mauticaccount",
        ] {
            assert!(webhook(own, "s").is_corebos_s_own(), "{own}");
        }
        for other in [
            "https://crm.example.com/notifications.php?type=whatsapp",
            "https://crm.example.com/other.php?type=mauticcontact",
            "https://a.example.com/webhooks/mautic?u=notifications.php",
            "not a url",
        ] {
            assert!(!webhook(other, "s").is_corebos_s_own(), "{other}");
        }
    }

    #[test]
    fn a_secret_is_compared_and_never_shown() {
        let webhook = webhook("https://example.com", "geheim");
        assert_eq!(webhook.signs_with(&["other".into(), "geheim".into()]), Some(1));
        assert_eq!(webhook.signs_with(&["other".into()]), None);
        assert!(!format!("{webhook:?}").contains("geheim"));
        let none = serde_json::from_value::<Webhook>(json!({ "id": 1, "secret": "" })).unwrap();
        assert_eq!(none.signs_with(&["".into()]), None);
    }

    #[test]
    fn a_change_says_only_what_is_to_be_changed() {
        let change = WebhookChange { is_published: Some(false), ..WebhookChange::default() };
        assert_eq!(change.body(), json!({ "isPublished": false }));
    }
}
