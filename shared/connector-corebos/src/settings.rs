//! How to reach a coreBOS.

use std::time::Duration;

use http_client::ClientSettings;
use secrecy::SecretString;

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
