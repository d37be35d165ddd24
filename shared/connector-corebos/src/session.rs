//! The session of this process with coreBOS.
//!
//! `getchallenge`, then `login` with the MD5 of the token and the access key. coreBOS holds a lock while it serves a
//! session, so a session is never shared between processes: they would wait for each other. It is bound to the
//! User-Agent that opened it, which is constant.

use std::sync::Arc;

use http_client::{BaseUrl, Client, Effect, Method, Request};
use md5::{Digest as _, Md5};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value as Json;
use sync::ConnectorError;
use tokio::sync::Mutex;
use url::Url;

use crate::error::{envelope, login_refusal, unanswered};
use crate::wire::{WireError, is_record_id};

/// A live session.
#[derive(Debug)]
pub(crate) struct Session {
    /// What every call carries.
    pub(crate) name: SecretString,
    /// Our user: `19x7`.
    pub(crate) user_id: String,
}

/// The session, opened when it is needed first.
#[derive(Debug)]
pub(crate) struct Sessions {
    username: String,
    access_key: SecretString,
    current: Mutex<Option<Arc<Session>>>,
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
    pub(crate) fn new(username: String, access_key: SecretString) -> Self {
        Self { username, access_key, current: Mutex::new(None) }
    }

    /// The session. Concurrent calls log in once, not each.
    pub(crate) async fn get(&self, client: &Client, base: &BaseUrl) -> Result<Arc<Session>, ConnectorError> {
        let mut current = self.current.lock().await;
        if let Some(session) = current.as_ref() {
            return Ok(session.clone());
        }
        let session = Arc::new(self.login(client, base).await?);
        *current = Some(session.clone());
        Ok(session)
    }

    /// Forgets a session that coreBOS does not know any more, unless another call has replaced it already.
    pub(crate) async fn forget(&self, ended: &Arc<Session>) {
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|session| Arc::ptr_eq(session, ended)) {
            *current = None;
        }
    }

    async fn login(&self, client: &Client, base: &BaseUrl) -> Result<Session, ConnectorError> {
        let request = Request::read(Method::GET, endpoint(base))
            .query("operation", "getchallenge")
            .query("username", &self.username);
        let challenge: Challenge = ask(client, request).await?;
        let key = md5_hex(&format!("{}{}", challenge.token, self.access_key.expose_secret()));
        // Logging in twice does no harm, so this counts as a read.
        let request = Request::read(Method::POST, endpoint(base)).form([
            ("operation", "login"),
            ("username", &self.username),
            ("accessKey", &key),
        ]);
        let login: Login = ask(client, request).await?;
        if !is_record_id(&login.user_id) {
            return Err(unusable());
        }
        Ok(Session { name: login.session_name.into(), user_id: login.user_id })
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
