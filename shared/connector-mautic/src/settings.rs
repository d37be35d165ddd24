//! How to reach a Mautic.

use std::sync::Arc;
use std::time::Duration;

use http_client::ClientSettings;
use model::System;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sync::memory::MemorySessions;
use sync::{ConnectorError, Opens, Shared, SharedSessions};

use crate::client::Mautic;

/// One Mautic and our account in it.
#[derive(Clone, Debug)]
pub struct MauticSettings {
    /// Where it is, without `/api`: `https://mautic.example.com`. Plain HTTP on loopback only.
    pub url: String,
    /// Our account.
    pub credentials: Credentials,
    /// Where tokens are kept. Default: in this connector only.
    pub shared_sessions: SharedSessions,
    /// Time and size limits of requests.
    pub http: ClientSettings,
    /// How long the list of fields is kept in this process. Default: 10 minutes.
    pub schema_lifetime: Duration,
}

impl MauticSettings {
    /// Settings with the default limits.
    pub fn new(url: impl Into<String>, credentials: Credentials) -> Self {
        Self {
            url: url.into(),
            credentials,
            shared_sessions: Arc::new(MemorySessions::default()),
            http: ClientSettings::default(),
            schema_lifetime: Duration::from_mins(10),
        }
    }
}

/// An account. Its role needs lead:leads viewown, viewother, create, editown, editother; lead:fields view; api:access.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A user of Mautic; "HTTP basic auth" must be enabled in Mautic's API settings.
    Basic {
        /// Its name.
        username: String,
        /// Its password.
        password: SecretString,
    },
    /// An OAuth 2 client with the grant `client_credentials`, made by an administrator.
    ClientCredentials {
        /// Mautic calls it "Client ID" or "Public Key".
        client_id: String,
        /// Mautic calls it "Client Secret" or "Secret Key".
        client_secret: SecretString,
    },
}

/// What Mautic's secret holds for calls of its API: an OAuth 2 client, or a user. The client is preferred.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MauticSecret {
    /// Of a user.
    pub username: Option<String>,
    /// Of the same user.
    pub password: Option<SecretString>,
    /// Of a client.
    pub client_id: Option<String>,
    /// Of the same client.
    pub client_secret: Option<SecretString>,
}

impl MauticSecret {
    fn credentials(self, system: &System) -> Result<Credentials, ConnectorError> {
        match self {
            Self { client_id: Some(client_id), client_secret: Some(client_secret), .. } => {
                Ok(Credentials::ClientCredentials { client_id, client_secret })
            }
            Self { username: Some(username), password: Some(password), .. } => {
                Ok(Credentials::Basic { username, password })
            }
            _ => Err(ConnectorError::Unauthorized {
                detail: format!(
                    "the secret of {system} needs client_id and client_secret, or username and password"
                ),
            }),
        }
    }
}

/// What an administrator may set about a Mautic: nothing so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct MauticPreferences {}

impl Opens for Mautic {
    type Secret = MauticSecret;
    type Preferences = MauticPreferences;

    fn open(
        system: System,
        url: &str,
        secret: MauticSecret,
        _: MauticPreferences,
        shared: Shared,
    ) -> Result<Self, ConnectorError> {
        let mut settings = MauticSettings::new(url, secret.credentials(&system)?);
        settings.shared_sessions = shared.sessions;
        Self::new(system, settings)
    }

    /// The webhooks that coreBOS's own integration has Mautic call.
    async fn other_integrations(&self) -> Result<Vec<String>, ConnectorError> {
        self.corebos_s_own_webhooks().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(secret: serde_json::Value) -> Result<Credentials, ConnectorError> {
        let secret: MauticSecret = serde_json::from_value(secret).unwrap();
        secret.credentials(&"mautic:main".parse().unwrap())
    }

    #[test]
    fn every_preference_has_a_row_in_the_table_of_settings() {
        let read = serde_json::to_value(MauticPreferences::default()).unwrap();
        let read: Vec<&str> = read.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(read, sync::settings::table::fields_of_connector(model::SystemKind::Mautic));
    }

    #[test]
    fn a_client_is_preferred_to_a_user_and_half_of_either_is_refused() {
        let both = serde_json::json!({
            "username": "u", "password": "p", "client_id": "c", "client_secret": "s", "webhook_secrets": ["w"]
        });
        assert!(matches!(credentials(both), Ok(Credentials::ClientCredentials { .. })));
        let user = serde_json::json!({ "username": "u", "password": "p", "client_id": "c" });
        assert!(matches!(credentials(user), Ok(Credentials::Basic { .. })));
        let half = serde_json::json!({ "username": "u", "client_secret": "hunter2" });
        let error = credentials(half).unwrap_err();
        assert!(matches!(error, ConnectorError::Unauthorized { .. }));
        assert!(
            error.to_string().contains("mautic:main") && !error.to_string().contains("hunter2"),
            "{error}"
        );
    }
}
