//! How to reach a HubSpot portal.

use std::time::Duration;

use http_client::ClientSettings;
use model::System;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sync::nurturing::NurturingRules;
use sync::{ConnectorError, Opens, Shared};

use crate::client::HubSpot;

/// The version of the API that is spoken unless a setting says otherwise. HubSpot supports each for 18 months.
pub const VERSION: &str = "2026-09";

/// The stages of life of contacts that are leads in coreBOS unless a setting says otherwise.
const LEAD_STAGES: &str = "subscriber, lead, marketingqualifiedlead";

/// One portal and our access to it.
#[derive(Clone, Debug)]
pub struct HubSpotSettings {
    /// `https://api.hubapi.com`. Plain HTTP on loopback only.
    pub url: String,
    /// Our access.
    pub credentials: Credentials,
    /// What an administrator has set.
    pub preferences: HubSpotPreferences,
    /// What is shared with other processes. Default: nothing.
    pub shared: Shared,
    /// Time and size limits of requests.
    pub http: ClientSettings,
    /// How long properties, stages and owners are kept in this process. Default: 10 minutes.
    pub schema_lifetime: Duration,
}

impl HubSpotSettings {
    /// Settings with the default limits.
    pub fn new(url: impl Into<String>, credentials: Credentials, preferences: HubSpotPreferences) -> Self {
        Self {
            url: url.into(),
            credentials,
            preferences,
            shared: Shared::default(),
            http: ClientSettings::default(),
            schema_lifetime: Duration::from_mins(10),
        }
    }
}

/// Our access.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A token that does not end: of a service key, of a private app, of a project app with static auth.
    Token(SecretString),
    /// An OAuth app: its refresh token gives access tokens of half an hour.
    OAuth {
        /// The app's client id.
        client_id: String,
        /// Its client secret.
        client_secret: SecretString,
        /// The token that the portal's administrator gave it.
        refresh_token: SecretString,
    },
}

/// What HubSpot's secret holds for calls of its API. The token is preferred.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct HubSpotSecret {
    /// A token that does not end.
    pub access_token: Option<SecretString>,
    /// Of an OAuth app.
    pub client_id: Option<String>,
    /// Of the same app. It also signs webhooks.
    pub client_secret: Option<SecretString>,
    /// Of the same app.
    pub refresh_token: Option<SecretString>,
}

impl HubSpotSecret {
    /// The credentials in it; `None` where they are incomplete.
    pub fn credentials(self) -> Option<Credentials> {
        match self {
            Self { access_token: Some(token), .. } => Some(Credentials::Token(token)),
            Self {
                client_id: Some(client_id),
                client_secret: Some(client_secret),
                refresh_token: Some(refresh_token),
                ..
            } => Some(Credentials::OAuth { client_id, client_secret, refresh_token }),
            _ => None,
        }
    }
}

/// What Leads of coreBOS are in a portal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Leads {
    /// Contacts early in their life.
    #[default]
    Contacts,
    /// Contacts that have a lead record, and that record.
    Objects,
    /// Contacts early in their life or with a lead record, and that record.
    Both,
}

impl Leads {
    /// Whether lead records are kept in step.
    pub fn have_records(self) -> bool {
        self != Self::Contacts
    }
}

/// What an administrator may set about a portal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct HubSpotPreferences {
    /// The version of the API. Default `2026-09`.
    pub api_version: String,
    /// The pipeline that a stage's label means where several have it; by id. Default: the portal's first.
    pub deal_pipeline: Option<String>,
    /// The stages of life of contacts that are Leads in coreBOS; all others are Contacts. Default: `subscriber`, `lead`
    /// and `marketingqualifiedlead`. Separated by commas.
    pub lead_stages: String,
    /// What Leads of coreBOS are. Default: contacts early in their life.
    pub leads: Leads,
    /// How many calls all functions together make in ten seconds at most. Default: 0, which is as many as the portal
    /// says that it allows.
    pub calls_per_ten_seconds: u32,
    /// What begins in HubSpot when something happens in coreBOS; see [`sync::nurturing`]. Default: nothing.
    pub nurturing: Option<String>,
}

impl HubSpotPreferences {
    /// The rules of nurturing.
    ///
    /// # Errors
    /// Misconfigured: they are none. The table of settings takes no such ones.
    pub fn nurturing(&self) -> Result<NurturingRules, ConnectorError> {
        let text = self.nurturing.as_deref().unwrap_or_default();
        text.parse().map_err(|detail| ConnectorError::Misconfigured { detail })
    }
}

impl Default for HubSpotPreferences {
    fn default() -> Self {
        Self {
            api_version: VERSION.to_owned(),
            deal_pipeline: None,
            lead_stages: LEAD_STAGES.to_owned(),
            leads: Leads::default(),
            calls_per_ten_seconds: 0,
            nurturing: None,
        }
    }
}

impl Opens for HubSpot {
    type Secret = HubSpotSecret;
    type Preferences = HubSpotPreferences;

    fn open(
        system: System,
        url: &str,
        secret: HubSpotSecret,
        preferences: HubSpotPreferences,
        shared: Shared,
    ) -> Result<Self, ConnectorError> {
        let credentials = secret.credentials().ok_or_else(|| ConnectorError::Unauthorized {
            detail: format!(
                "the secret of {system} needs access_token, or client_id, client_secret and refresh_token"
            ),
        })?;
        Self::new(system, HubSpotSettings { shared, ..HubSpotSettings::new(url, credentials, preferences) })
    }

    /// HubSpot does not tell who else writes to it.
    async fn other_integrations(&self) -> Result<Vec<String>, ConnectorError> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preference_has_a_row_in_the_table_of_settings() {
        let read = serde_json::to_value(HubSpotPreferences::default()).unwrap();
        let mut read: Vec<&str> = read.as_object().unwrap().keys().map(String::as_str).collect();
        let mut rows = sync::settings::table::fields_of_connector(model::SystemKind::HubSpot);
        read.sort_unstable();
        rows.sort_unstable();
        assert_eq!(read, rows);
    }

    #[test]
    fn a_token_is_preferred_and_half_an_app_is_none() {
        let of =
            |json: serde_json::Value| serde_json::from_value::<HubSpotSecret>(json).unwrap().credentials();
        let both = serde_json::json!({ "access_token": "t", "client_id": "c", "client_secret": "s" });
        assert!(matches!(of(both), Some(Credentials::Token(_))));
        let app = serde_json::json!({ "client_id": "c", "client_secret": "s", "refresh_token": "r" });
        assert!(matches!(of(app), Some(Credentials::OAuth { .. })));
        assert!(of(serde_json::json!({ "client_id": "c", "client_secret": "s" })).is_none());
    }
}
