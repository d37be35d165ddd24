//! How to reach a coreBOS.

use std::sync::Arc;
use std::time::Duration;

use http_client::ClientSettings;
use model::System;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sync::memory::MemorySessions;
use sync::{ConnectorError, Opens, Shared, SharedSessions};

use crate::client::CoreBos;

/// How many sessions all processes share. coreBOS serves the calls of one session one after the other.
const SESSIONS: usize = 4;
/// The most that can be set.
const MOST_SESSIONS: usize = 16;

/// One coreBOS and our account in it.
///
/// The account needs neutral preferences: date format yyyy-mm-dd, decimal point, time zone UTC, 24 hours. coreBOS
/// reads what we write by them.
#[derive(Clone, Debug)]
pub struct CoreBosSettings {
    /// Where it is, with or without `/webservice.php`: `https://crm.example.com`. Plain HTTP on loopback only.
    pub url: String,
    /// Who we are.
    pub account: Account,
    /// Who owns records that we create where the map does not say: `19x5`, a user, or `20x3`, a group. Default: our
    /// own user.
    pub default_owner: Option<String>,
    /// How many sessions are used side by side. Default 4.
    pub sessions: usize,
    /// Where sessions are kept. Default: in this connector only.
    pub shared_sessions: SharedSessions,
    /// Time and size limits of requests.
    pub http: ClientSettings,
    /// How long the description of a module is kept in this process. Default: 10 minutes.
    pub schema_lifetime: Duration,
}

/// An account in coreBOS.
#[derive(Clone, Debug)]
pub enum Account {
    /// A user who logs in.
    AccessKey {
        /// The user's name.
        username: String,
        /// Its access key, from "My Preferences" in coreBOS. Not the password.
        access_key: SecretString,
    },
    /// A user with a static token: a record of the module Credentials (cbCredentials) with the adapter
    /// `coreBOSWSAuthToken`, owned by that user.
    StaticToken {
        /// The name of the user who owns it: coreBOS does not tell who a token is.
        username: String,
        /// The token.
        token: SecretString,
    },
}

impl CoreBosSettings {
    /// Settings with the default limits and our own user as owner.
    pub fn new(url: impl Into<String>, username: impl Into<String>, access_key: SecretString) -> Self {
        Self::of_account(url, Account::AccessKey { username: username.into(), access_key })
    }

    /// Settings with the default limits and our own user as owner.
    pub fn of_account(url: impl Into<String>, account: Account) -> Self {
        Self {
            url: url.into(),
            account,
            default_owner: None,
            sessions: SESSIONS,
            shared_sessions: Arc::new(MemorySessions::default()),
            http: ClientSettings::default(),
            schema_lifetime: Duration::from_mins(10),
        }
    }
}

/// What coreBOS's secret holds for calls of its webservice: the user's name, with its access key or its static token.
/// The token is preferred.
#[derive(Debug, Deserialize)]
pub struct CoreBosSecret {
    /// The user's name.
    pub username: String,
    /// Its access key.
    #[serde(default)]
    pub access_key: Option<SecretString>,
    /// Its static token.
    #[serde(default)]
    pub auth_token: Option<SecretString>,
}

impl CoreBosSecret {
    fn account(self, system: &System) -> Result<Account, ConnectorError> {
        match self {
            Self { username, auth_token: Some(token), .. } => Ok(Account::StaticToken { username, token }),
            Self { username, access_key: Some(access_key), .. } => {
                Ok(Account::AccessKey { username, access_key })
            }
            Self { .. } => Err(ConnectorError::Unauthorized {
                detail: format!("the secret of {system} needs access_key, or auth_token, beside username"),
            }),
        }
    }
}

/// What an administrator may set about a coreBOS.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CoreBosPreferences {
    /// Who owns records that we create where the map does not say; see [`CoreBosSettings::default_owner`].
    pub default_owner: Option<String>,
    /// How many sessions are used side by side, 1 to 16; see [`CoreBosSettings::sessions`]. 1 where coreBOS's global
    /// variable `Webservice_MultipleUserLogins` is 0, because each login ends the other sessions there.
    pub sessions: usize,
}

impl Default for CoreBosPreferences {
    fn default() -> Self {
        Self { default_owner: None, sessions: SESSIONS }
    }
}

impl Opens for CoreBos {
    type Secret = CoreBosSecret;
    type Preferences = CoreBosPreferences;

    fn open(
        system: System,
        url: &str,
        secret: CoreBosSecret,
        preferences: CoreBosPreferences,
        shared: Shared,
    ) -> Result<Self, ConnectorError> {
        let mut settings = CoreBosSettings::of_account(url, secret.account(&system)?);
        settings.default_owner = preferences.default_owner.filter(|owner| !owner.is_empty());
        settings.shared_sessions = shared.sessions;
        let sessions = preferences.sessions;
        if !(1..=MOST_SESSIONS).contains(&sessions) {
            let detail = format!("{system} is set to {sessions} sessions: write 1 to {MOST_SESSIONS}");
            return Err(ConnectorError::Misconfigured { detail });
        }
        settings.sessions = sessions;
        Self::new(system, settings)
    }

    /// coreBOS's own Mautic integration: the switch in its settings, and what can be seen of its workflows.
    async fn other_integrations(&self) -> Result<Vec<String>, ConnectorError> {
        self.own_integration().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::SystemKind;

    #[test]
    fn every_preference_has_a_row_in_the_table_of_settings() {
        let read = serde_json::to_value(CoreBosPreferences::default()).unwrap();
        let mut read: Vec<&str> = read.as_object().unwrap().keys().map(String::as_str).collect();
        let mut rows = sync::settings::table::fields_of_connector(SystemKind::CoreBos);
        read.sort_unstable();
        rows.sort_unstable();
        assert_eq!(read, rows);
        let sessions = sync::settings::table::SETTINGS.iter().find(|row| row.field == "sessions").unwrap();
        assert_eq!(sessions.default, SESSIONS.to_string());
        assert!(sessions.kind.parse(&MOST_SESSIONS.to_string()).is_ok());
        assert!(sessions.kind.parse(&(MOST_SESSIONS + 1).to_string()).is_err());
    }
}
