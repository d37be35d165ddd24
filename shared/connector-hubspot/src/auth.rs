//! Who we are towards HubSpot: a token that does not end, or an OAuth app with access tokens that do, which all processes
//! share.

use std::collections::BTreeSet;
use std::time::Duration;

use http_client::{BaseUrl, Client, Effect, Method, Request};
use jiff::SignedDuration;
use model::{Fingerprint, System};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;
use sync::sessions::Renewal;
use sync::{ConnectorError, NewSession, SessionCache, SessionKey, SharedSessions};

use crate::error::{refusal, unanswered, unreadable};
use crate::settings::Credentials;

/// How long before its end a token is no longer used. HubSpot wants tokens to be renewed by their time, not by a 401.
const TOKEN_MARGIN: Duration = Duration::from_mins(2);
/// How long a refresh token is kept that HubSpot gave instead of the one in the secret.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 365);
/// How long keeping it may take.
const LEASE: SignedDuration = SignedDuration::from_secs(10);

/// The credentials, with the token that is good now.
#[derive(Debug)]
pub(crate) struct Auth {
    credentials: Credentials,
    store: SharedSessions,
    tokens: SessionCache,
    /// Where the refresh token is kept that was given last.
    refresh: SessionKey,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    refresh_token: Option<String>,
    #[serde(default)]
    expires_in: u64,
}

#[derive(Deserialize)]
struct ScopesAnswer {
    scopes: Option<Vec<String>>,
}

impl Auth {
    pub(crate) fn new(
        system: &System,
        base: &BaseUrl,
        credentials: Credentials,
        store: SharedSessions,
    ) -> Self {
        let bound_to = match &credentials {
            Credentials::Token(_) => String::new(),
            Credentials::OAuth { client_id, client_secret, refresh_token } => {
                let (secret, refresh) = (client_secret.expose_secret(), refresh_token.expose_secret());
                [base.as_str(), client_id, secret, refresh].join("\n")
            }
        };
        let key = |slot: &str| SessionKey {
            system: system.clone(),
            slot: slot.to_owned(),
            binding: Fingerprint::of_bytes(bound_to.as_bytes()),
        };
        let tokens = SessionCache::new(store.clone(), key("token"));
        Self { credentials, store, tokens, refresh: key("refresh") }
    }

    /// The value of the Authorization header. One token is fetched, by one of all who need it.
    pub(crate) async fn header(
        &self,
        client: &Client,
        base: &BaseUrl,
        version: &str,
    ) -> Result<SecretString, ConnectorError> {
        let (client_id, client_secret, first) = match &self.credentials {
            Credentials::Token(token) => return Ok(format!("Bearer {}", token.expose_secret()).into()),
            Credentials::OAuth { client_id, client_secret, refresh_token } => {
                (client_id, client_secret, refresh_token)
            }
        };
        let login = || async {
            // The refresh token may change with each use: the newest one counts.
            let kept = self.store.session(&self.refresh).await.ok().flatten();
            let refresh = kept.as_ref().map_or(first, |kept| &kept.value);
            let told = fetch(client, base, version, client_id, client_secret, refresh).await?;
            if let Some(new) = told.refresh_token.filter(|new| new != refresh.expose_secret()) {
                self.keep(kept.as_ref().map(|kept| kept.id.as_str()), &new.into()).await;
            }
            let lifetime =
                Duration::from_secs(told.expires_in.min(24 * 60 * 60)).saturating_sub(TOKEN_MARGIN);
            Ok(NewSession { value: told.access_token.into(), lifetime })
        };
        let token = self.tokens.get(login).await?;
        Ok(format!("Bearer {}", token.value.expose_secret()).into())
    }

    /// In words.
    pub(crate) fn known_by(&self) -> &'static str {
        match self.credentials {
            Credentials::Token(_) => "a token that does not end",
            Credentials::OAuth { .. } => "an OAuth app",
        }
    }

    /// What the token may do, as HubSpot tells it; `None` where it tells nothing.
    pub(crate) async fn scopes(
        &self,
        client: &Client,
        base: &BaseUrl,
        version: &str,
    ) -> Result<Option<BTreeSet<String>>, ConnectorError> {
        let header = self.header(client, base, version).await?;
        let token = header.expose_secret().trim_start_matches("Bearer ");
        let request = match &self.credentials {
            Credentials::Token(_) => {
                let url = base.join(["oauth", "v2", "private-apps", "get", "access-token-info"]);
                let request = Request::read(Method::POST, url).json(&json!({ "tokenKey": token }));
                let Ok(request) = request else { return Ok(None) };
                request.header("authorization", header.expose_secret())
            }
            Credentials::OAuth { client_id, client_secret, .. } => {
                let url = base.join(["oauth", version, "token", "introspect"]);
                Request::read(Method::POST, url).form([
                    ("client_id", client_id.as_str()),
                    ("client_secret", client_secret.expose_secret()),
                    ("token", token),
                    ("token_type_hint", "access_token"),
                ])
            }
        };
        let answer = client.send(&request).await.map_err(unanswered)?;
        if matches!(answer.status, 429 | 500..) {
            return Err(refusal(&answer, Effect::Read));
        }
        let told: Option<ScopesAnswer> = answer.json().ok().filter(|_| answer.is_success());
        Ok(told.and_then(|told| told.scopes).map(|scopes| scopes.into_iter().collect()))
    }

    /// Keeps a new refresh token for all processes. Only whoever renews the token comes here.
    async fn keep(&self, before: Option<&str>, refresh: &SecretString) {
        let now = self.store.now();
        let kept = async {
            if let Renewal::Ours = self.store.renew(&self.refresh, before, now + LEASE).await? {
                self.store.keep(&self.refresh, refresh, now + KEPT).await?;
            }
            Ok::<_, sync::StoreError>(())
        };
        if let Err(error) = kept.await {
            tracing::warn!(
                record.system = %self.refresh.system,
                detail = %error,
                "a new refresh token could not be kept; if HubSpot takes no old one, connect the app again"
            );
        }
    }
}

/// `POST /oauth/{version}/token`
async fn fetch(
    client: &Client,
    base: &BaseUrl,
    version: &str,
    client_id: &str,
    client_secret: &SecretString,
    refresh: &SecretString,
) -> Result<TokenAnswer, ConnectorError> {
    // A refresh token that changes is used up: whether that happened is in doubt without an answer.
    let request = Request::write(Method::POST, base.join(["oauth", version, "token"])).form([
        ("grant_type", "refresh_token"),
        ("client_id", client_id),
        ("client_secret", client_secret.expose_secret()),
        ("refresh_token", refresh.expose_secret()),
    ]);
    let answer = client.send(&request).await.map_err(unanswered)?;
    if !answer.is_success() {
        return Err(refusal(&answer, Effect::Read));
    }
    answer.json().map_err(|_| unreadable(&answer, Effect::Read, "no access token"))
}
