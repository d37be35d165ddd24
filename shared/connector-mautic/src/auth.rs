//! Who we are towards Mautic: a user with a password, or an OAuth 2 client with short-lived tokens, which all processes
//! share.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_client::{BaseUrl, Client, Effect, Method, Request};
use model::{Fingerprint, System};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sync::{ConnectorError, KeptSession, NewSession, SessionCache, SessionKey, SharedSessions};

use crate::error::{refusal, unanswered, unreadable};
use crate::settings::Credentials;

/// How long before its end a token is no longer used.
const TOKEN_MARGIN: Duration = Duration::from_mins(1);

/// The credentials, and the token that is good now.
#[derive(Debug)]
pub(crate) struct Auth {
    credentials: Credentials,
    tokens: SessionCache,
}

/// What a call carries.
pub(crate) struct Header {
    /// The value of the Authorization header.
    pub(crate) value: SecretString,
    token: Option<Arc<KeptSession>>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(default)]
    expires_in: u64,
}

impl Auth {
    pub(crate) fn new(
        system: &System,
        base: &BaseUrl,
        credentials: Credentials,
        store: SharedSessions,
    ) -> Self {
        let bound_to = match &credentials {
            Credentials::Basic { .. } => String::new(),
            Credentials::ClientCredentials { client_id, client_secret } => {
                [&base.to_string(), client_id, client_secret.expose_secret()].join("\n")
            }
        };
        let key = SessionKey {
            system: system.clone(),
            slot: "token".to_owned(),
            binding: Fingerprint::of_bytes(bound_to.as_bytes()),
        };
        Self { credentials, tokens: SessionCache::new(store, key) }
    }

    /// What the next call carries. One token is fetched, by one of all who need it.
    pub(crate) async fn header(&self, client: &Client, base: &BaseUrl) -> Result<Header, ConnectorError> {
        match &self.credentials {
            Credentials::Basic { username, password } => {
                let pair = format!("{username}:{}", password.expose_secret());
                Ok(Header { value: format!("Basic {}", STANDARD.encode(pair)).into(), token: None })
            }
            Credentials::ClientCredentials { client_id, client_secret } => {
                let token = self.tokens.get(|| fetch(client, base, client_id, client_secret)).await?;
                let value = format!("Bearer {}", token.value.expose_secret()).into();
                Ok(Header { value, token: Some(token) })
            }
        }
    }

    /// Throws a token away that was refused; whether another may fare better.
    pub(crate) async fn refused(&self, header: &Header) -> bool {
        let Some(token) = &header.token else { return false };
        self.tokens.refused(token).await;
        true
    }
}

/// `POST /oauth/v2/token`. Mautic keeps tokens for an hour unless told otherwise.
async fn fetch(
    client: &Client,
    base: &BaseUrl,
    id: &str,
    secret: &SecretString,
) -> Result<NewSession, ConnectorError> {
    // Asking twice does no harm, so this counts as a read.
    let request = Request::read(Method::POST, base.join(["oauth", "v2", "token"])).form([
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret.expose_secret()),
    ]);
    let answer = client.send(&request).await.map_err(unanswered)?;
    if !answer.is_success() {
        return Err(refusal(&answer, Effect::Read));
    }
    let told: TokenAnswer =
        answer.json().map_err(|_| unreadable(&answer, Effect::Read, "no access token"))?;
    let lifetime = Duration::from_secs(told.expires_in.min(24 * 60 * 60)).saturating_sub(TOKEN_MARGIN);
    Ok(NewSession { value: told.access_token.into(), lifetime })
}
