//! Who we are towards Mautic: a user with a password, or an OAuth 2 client with short-lived tokens.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_client::{BaseUrl, Client, Effect, Method, Request};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sync::ConnectorError;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::{refusal, unanswered, unreadable};
use crate::settings::Credentials;

/// How long before its end a token is no longer used.
const TOKEN_MARGIN: Duration = Duration::from_mins(1);

/// The credentials, with the token that is good now.
#[derive(Debug)]
pub(crate) struct Auth {
    credentials: Credentials,
    token: Mutex<Option<Token>>,
}

#[derive(Clone, Debug)]
struct Token {
    header: SecretString,
    until: Instant,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(default)]
    expires_in: u64,
}

impl Auth {
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self { credentials, token: Mutex::new(None) }
    }

    /// Whether a refused call may succeed with a new token.
    pub(crate) fn can_renew(&self) -> bool {
        matches!(self.credentials, Credentials::ClientCredentials { .. })
    }

    /// The value of the Authorization header. Concurrent calls fetch one token, not one each.
    pub(crate) async fn header(
        &self,
        client: &Client,
        base: &BaseUrl,
    ) -> Result<SecretString, ConnectorError> {
        let (id, secret) = match &self.credentials {
            Credentials::Basic { username, password } => {
                let pair = format!("{username}:{}", password.expose_secret());
                return Ok(format!("Basic {}", STANDARD.encode(pair)).into());
            }
            Credentials::ClientCredentials { client_id, client_secret } => (client_id, client_secret),
        };
        let mut token = self.token.lock().await;
        if let Some(token) = token.as_ref().filter(|t| t.until > Instant::now()) {
            return Ok(token.header.clone());
        }
        let fresh = fetch(client, base, id, secret).await?;
        let header = fresh.header.clone();
        *token = Some(fresh);
        Ok(header)
    }

    /// Forgets a token that was refused, unless another call has replaced it already.
    pub(crate) async fn forget(&self, refused: &SecretString) {
        let mut token = self.token.lock().await;
        if token.as_ref().is_some_and(|t| t.header.expose_secret() == refused.expose_secret()) {
            *token = None;
        }
    }
}

/// `POST /oauth/v2/token`. Mautic keeps tokens for an hour unless told otherwise.
async fn fetch(
    client: &Client,
    base: &BaseUrl,
    id: &str,
    secret: &SecretString,
) -> Result<Token, ConnectorError> {
    let asked = Instant::now();
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
    let header = format!("Bearer {}", told.access_token).into();
    Ok(Token { header, until: asked + lifetime })
}
