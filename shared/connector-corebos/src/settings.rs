//! How to reach a coreBOS.

use std::time::Duration;

use http_client::ClientSettings;
use model::System;
use secrecy::SecretString;
use serde::Deserialize;
use sync::{ConnectorError, Opens};

use crate::client::CoreBos;

/// One coreBOS and our account in it.
///
/// The account needs neutral preferences: date format yyyy-mm-dd, decimal point, time zone UTC, 24 hours. coreBOS
/// reads what we write by them.
#[derive(Clone, Debug)]
pub struct CoreBosSettings {
    /// Where it is, with or without `/webservice.php`: `https://crm.example.com`. Plain HTTP on loopback only.
    pub url: String,
    /// The user's name.
    pub username: String,
    /// Its access key, from "My Preferences" in coreBOS. Not the password.
    pub access_key: SecretString,
    /// Who owns records that we create where the map does not say: `19x5`, a user, or `20x3`, a group. Default: our
    /// own user.
    pub default_owner: Option<String>,
    /// Time and size limits of requests.
    pub http: ClientSettings,
    /// How long the description of a module is kept in this process. Default: 10 minutes.
    pub schema_lifetime: Duration,
}

impl CoreBosSettings {
    /// Settings with the default limits and our own user as owner.
    pub fn new(url: impl Into<String>, username: impl Into<String>, access_key: SecretString) -> Self {
        Self {
            url: url.into(),
            username: username.into(),
            access_key,
            default_owner: None,
            http: ClientSettings::default(),
            schema_lifetime: Duration::from_mins(10),
        }
    }
}

/// What coreBOS's secret holds for calls of its webservice.
#[derive(Debug, Deserialize)]
pub struct CoreBosSecret {
    /// The user's name.
    pub username: String,
    /// Its access key.
    pub access_key: SecretString,
}

/// What an administrator may set about a coreBOS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CoreBosPreferences {
    /// Who owns records that we create where the map does not say; see [`CoreBosSettings::default_owner`].
    pub default_owner: Option<String>,
}

impl Opens for CoreBos {
    type Secret = CoreBosSecret;
    type Preferences = CoreBosPreferences;

    fn open(
        system: System,
        url: &str,
        secret: CoreBosSecret,
        preferences: CoreBosPreferences,
    ) -> Result<Self, ConnectorError> {
        let mut settings = CoreBosSettings::new(url, secret.username, secret.access_key);
        settings.default_owner = preferences.default_owner.filter(|owner| !owner.is_empty());
        Self::new(system, settings)
    }
}
