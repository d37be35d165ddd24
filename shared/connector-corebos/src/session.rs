//! How we get in: by a session that is opened with the access key, or by a static token.
//!
//! `getchallenge`, then `login` with the MD5 of the token and the access key. coreBOS serves the calls of one session
//! one after the other, under a lock of its database; so there are several, each shared by all processes, and a call
//! takes the one that the fewest calls of this process are waiting for. A session is bound to the User-Agent that
//! opened it, which is the same in all processes of one version of the bridge; another version does not find it.
//!
//! A static token (module cbCredentials, adapter `coreBOSWSAuthToken`) needs no session; coreBOS knows its owner by it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_client::{BaseUrl, Client, Effect, Method, Request, USER_AGENT};
use md5::{Digest as _, Md5};
use model::{Fingerprint, System};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use sync::{ConnectorError, KeptSession, NewSession, SessionCache, SessionKey, SharedSessions};
use tokio::sync::OnceCell;
use url::Url;

use crate::error::{envelope, login_refusal, refusal, static_token_refused, unanswered};
use crate::query;
use crate::settings::Account;
use crate::wire::{self, WireError, is_record_id};

/// How long a session is used. coreBOS ends one that is idle for half an hour, and all after two hours.
const LIFETIME: Duration = Duration::from_mins(25);

/// The header that carries a static token. Sessions travel in the form.
const TOKEN_HEADER: &str = "corebos-authorization";

/// What calls carry.
#[derive(Debug)]
pub(crate) struct Session {
    proof: Proof,
    /// Our user: `19x7`.
    pub(crate) user_id: String,
    /// Only there to be dropped with the session.
    _waiting: Option<Waiting>,
}

#[derive(Debug)]
enum Proof {
    /// The name of a session.
    Session { name: SecretString, slot: usize, kept: Arc<KeptSession> },
    /// A token.
    Token(SecretString),
}

/// One more call waits for a session, as long as this is there.
#[derive(Debug)]
struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Session {
    /// A call's form, and the header if the proof travels there.
    pub(crate) fn sign(&self, request: Request, operation: &str, parameters: &[(&str, &str)]) -> Request {
        let operation = [("operation", operation)];
        match &self.proof {
            Proof::Session { name, .. } => {
                let name = [("sessionName", name.expose_secret())];
                request.form(operation.into_iter().chain(name).chain(parameters.iter().copied()))
            }
            Proof::Token(token) => request
                .header(TOKEN_HEADER, token.expose_secret())
                .form(operation.into_iter().chain(parameters.iter().copied())),
        }
    }

    /// Whether a session that is over can be replaced.
    pub(crate) fn can_be_replaced(&self) -> bool {
        matches!(self.proof, Proof::Session { .. })
    }
}

/// The sessions, each opened when it is needed first.
#[derive(Debug)]
pub(crate) struct Sessions {
    account: Account,
    slots: Vec<Slot>,
    /// Whose the static token is.
    owner: OnceCell<String>,
}

#[derive(Debug)]
struct Slot {
    cache: SessionCache,
    waiting: Arc<AtomicUsize>,
}

#[derive(Deserialize)]
struct Challenge {
    token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Login {
    session_name: String,
    user_id: String,
}

impl Sessions {
    /// As many sessions as the settings say; none for a static token.
    pub(crate) fn new(
        system: &System,
        base: &BaseUrl,
        account: Account,
        count: usize,
        store: &SharedSessions,
    ) -> Self {
        let slots = match &account {
            Account::StaticToken { .. } => Vec::new(),
            Account::AccessKey { username, access_key } => {
                let bound_to =
                    [&base.to_string(), username, access_key.expose_secret(), USER_AGENT].join("\n");
                let binding = Fingerprint::of_bytes(bound_to.as_bytes());
                let key = |slot: usize| SessionKey {
                    system: system.clone(),
                    slot: slot.to_string(),
                    binding: binding.clone(),
                };
                let cache = |slot| SessionCache::new(store.clone(), key(slot));
                (0..count.max(1)).map(|slot| Slot { cache: cache(slot), waiting: Arc::default() }).collect()
            }
        };
        Self { account, slots, owner: OnceCell::new() }
    }

    /// The session that the fewest calls are waiting for.
    pub(crate) async fn get(&self, client: &Client, base: &BaseUrl) -> Result<Arc<Session>, ConnectorError> {
        let (username, access_key) = match &self.account {
            Account::AccessKey { username, access_key } => (username, access_key),
            Account::StaticToken { username, token } => {
                let owner = self.owner.get_or_try_init(|| owner(client, base, username, token)).await?;
                let proof = Proof::Token(token.clone());
                return Ok(Arc::new(Session { proof, user_id: owner.clone(), _waiting: None }));
            }
        };
        let freest =
            self.slots.iter().enumerate().min_by_key(|(_, slot)| slot.waiting.load(Ordering::Relaxed));
        let Some((number, slot)) = freest else { return Err(unusable()) };
        slot.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Some(Waiting(slot.waiting.clone()));
        let kept = slot.cache.get(|| login(client, base, username, access_key)).await?;
        let told: Login = serde_json::from_str(kept.value.expose_secret()).map_err(|_| unusable())?;
        let proof = Proof::Session { name: told.session_name.into(), slot: number, kept };
        Ok(Arc::new(Session { proof, user_id: told.user_id, _waiting: waiting }))
    }

    /// Throws a session away that coreBOS does not know any more, unless another call has replaced it already.
    pub(crate) async fn forget(&self, ended: &Session) {
        if let Proof::Session { slot, kept, .. } = &ended.proof
            && let Some(slot) = self.slots.get(*slot)
        {
            slot.cache.refused(kept).await;
        }
    }
}

async fn login(
    client: &Client,
    base: &BaseUrl,
    username: &str,
    access_key: &SecretString,
) -> Result<NewSession, ConnectorError> {
    let request = Request::read(Method::GET, endpoint(base))
        .query("operation", "getchallenge")
        .query("username", username);
    let challenge: Challenge = ask(client, request).await?;
    let key = md5_hex(&format!("{}{}", challenge.token, access_key.expose_secret()));
    // Logging in twice does no harm, so this counts as a read.
    let request = Request::read(Method::POST, endpoint(base)).form([
        ("operation", "login"),
        ("username", username),
        ("accessKey", &key),
    ]);
    let login: Login = ask(client, request).await?;
    if !is_record_id(&login.user_id) {
        return Err(unusable());
    }
    let value = json!({ "sessionName": login.session_name, "userId": login.user_id }).to_string();
    Ok(NewSession { value: value.into(), lifetime: LIFETIME })
}

/// The id of the user whose static token we have. coreBOS has no call that says who one is; the name is looked up.
async fn owner(
    client: &Client,
    base: &BaseUrl,
    username: &str,
    token: &SecretString,
) -> Result<String, ConnectorError> {
    let text = query::user_named(username)?;
    let session = Session { proof: Proof::Token(token.clone()), user_id: String::new(), _waiting: None };
    let request = Request::read(Method::POST, endpoint(base));
    let answer =
        client.send(&session.sign(request, "query", &[("query", &text)])).await.map_err(unanswered)?;
    let told = envelope(&answer, Effect::Read, false)?;
    if let Some(error) = &told.error {
        return Err(static_token_refused(error).unwrap_or_else(|| refusal(error, Effect::Read)));
    }
    let ids = told.result.as_array().into_iter().flatten().filter_map(|row| row.get("id")?.as_str());
    let mut ids = ids.filter(|id| wire::is_record_id(id));
    match (ids.next(), ids.next()) {
        (Some(id), None) => Ok(id.to_owned()),
        _ => Err(ConnectorError::Unauthorized {
            detail: "coreBOS shows no user with the username of the secret: write the name of the user whose static \
                     token it is, and let that user's profile list users"
                .to_owned(),
        }),
    }
}

/// The one URL of the webservice.
pub(crate) fn endpoint(base: &BaseUrl) -> Url {
    base.join(["webservice.php"])
}

async fn ask<T: serde::de::DeserializeOwned>(client: &Client, request: Request) -> Result<T, ConnectorError> {
    let answer = client.send(&request).await.map_err(unanswered)?;
    let told = envelope(&answer, Effect::Read, false)?;
    if !told.success {
        return Err(login_refusal(&told.error.unwrap_or_else(WireError::default)));
    }
    parse(told.result)
}

fn parse<T: serde::de::DeserializeOwned>(result: Json) -> Result<T, ConnectorError> {
    serde_json::from_value(result).map_err(|_| unusable())
}

fn unusable() -> ConnectorError {
    ConnectorError::Misconfigured {
        detail: "what answers at this URL is not coreBOS's webservice: check the URL".to_owned(),
    }
}

fn md5_hex(text: &str) -> String {
    use std::fmt::Write as _;
    Md5::digest(text.as_bytes()).iter().fold(String::with_capacity(32), |mut hex, byte| {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_the_one_that_corebos_expects() {
        // RFC 1321, section A.5.
        assert_eq!(md5_hex("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
    }
}
