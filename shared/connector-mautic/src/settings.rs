//! How to reach a Mautic.

use std::time::Duration;

use http_client::ClientSettings;
use secrecy::SecretString;

/// One Mautic and our account in it.
#[derive(Clone, Debug)]
pub struct MauticSettings {
    /// Where it is, without `/api`: `https://mautic.example.com`. Plain HTTP on loopback only.
    pub url: String,
    /// Our account.
    pub credentials: Credentials,
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
