//! `webservice.php` over HTTP: sessions, envelopes, headers.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, EXPIRES, PRAGMA, SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};

use super::json::Json;
use super::operations::{self, Reply};
use super::problem::Problem;
use super::request::Parameters;
use super::session::Turn;
use super::site::Site;
use super::state::CallRecord;
use crate::server;

const PATH: &str = "/webservice.php";

/// Header that may carry a session or a static token.
const AUTHORIZATION: [&str; 2] = ["corebos-authorization", "corebos_authorization"];

/// How long a call waits for the others of its session.
const SESSION_WAIT: Duration = Duration::from_secs(60);

/// Calls that are remembered; a stand-in that runs for days must not grow without end.
const CALLS_KEPT: usize = 10_000;

/// What a call came to, and the session it ran in.
struct Done {
    outcome: Result<Reply, Problem>,
    session: Option<String>,
}

impl Site {
    async fn call(&self, parameters: &Parameters, headers: &HeaderMap) -> Done {
        let mut session = None;
        let outcome = self.admitted(parameters, headers, &mut session).await;
        Done { outcome, session }
    }

    async fn admitted(
        &self,
        parameters: &Parameters,
        headers: &HeaderMap,
        used: &mut Option<String>,
    ) -> Result<Reply, Problem> {
        let operation = parameters.text("operation")?;
        if !operations::exists(&operation) {
            return Err(Problem::unknown_operation());
        }
        let user_agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        let now = self.now();
        match operation.to_ascii_lowercase().as_str() {
            // It adopts the session of a browser's cookie, which no caller of the webservice has (F009).
            "extendsession" => return Err(Problem::login_needed()),
            "getchallenge" => {
                let mut state = self.state();
                let state = &mut *state;
                let name = parameters.text("username")?;
                return Ok(state.sessions.challenge(&state.store, &name, now, self.lives)?.into());
            }
            "login" => {
                let (name, key) = (parameters.text("username")?, parameters.text("accessKey")?);
                let mut state = self.state();
                let state = &mut *state;
                let opened = state.sessions.login(&state.store, &name, &key, user_agent, now)?;
                *used = opened.get("sessionName").and_then(Json::as_str).map(str::to_owned);
                return Ok(opened.into());
            }
            _ => {}
        }
        let (session, user_id, turn) = self.admission(parameters, headers, user_agent)?;
        *used = Some(session.clone());
        let _turn = tokio::time::timeout(SESSION_WAIT, turn.lock_owned()).await.ok();
        if operation.eq_ignore_ascii_case("logout") {
            self.state().sessions.close(&session);
            return Ok(Json::object([("message", Json::text("successfull"))]).into());
        }
        let person = self.state().person(user_id).ok_or_else(Problem::login_needed)?;
        operations::run(self, &operation, parameters, &person).await
    }

    fn admission(
        &self,
        parameters: &Parameters,
        headers: &HeaderMap,
        user_agent: Option<&str>,
    ) -> Result<(String, u64, Turn), Problem> {
        let header =
            AUTHORIZATION.iter().find_map(|name| headers.get(*name)?.to_str().ok()).unwrap_or_default();
        let given = parameters.text("sessionName")?;
        let given = if given.is_empty() { header } else { given.as_str() };
        if given.is_empty() || given.eq_ignore_ascii_case("null") {
            return Err(Problem::login_needed());
        }
        let mut state = self.state();
        let state = &mut *state;
        let by_token = || {
            let holds =
                |account: &&super::store::Account| account.static_tokens.iter().any(|token| token == header);
            let found = state.store.accounts.iter().find(|(_, account)| holds(account))?;
            (!header.is_empty()).then_some(*found.0)
        };
        // A static token gets a session that ends with the call.
        if let Some(user_id) = by_token().filter(|_| given == header) {
            return Ok((uuid::Uuid::new_v4().simple().to_string(), user_id, Turn::default()));
        }
        let session = given.to_owned();
        let admitted = state.sessions.admit(&session, user_agent, self.now(), self.lives);
        let (user_id, turn) = admitted.ok_or_else(Problem::login_needed)?;
        Ok((session, user_id, turn))
    }

    fn log(&self, parameters: &Parameters, outcome: &Result<Reply, Problem>) {
        let text = |name: &str| parameters.text(name).ok().filter(|text| !text.is_empty());
        let error = match outcome {
            Ok(_) => None,
            Err(Problem::Crash) => Some("HTTP 500".to_owned()),
            Err(Problem::Refusal { code, .. }) => Some((*code).to_owned()),
        };
        let call = CallRecord {
            operation: text("operation").unwrap_or_default(),
            module: text("elementType"),
            error,
        };
        let mut state = self.state();
        *state.counted.entry(call.operation.clone()).or_default() += 1;
        if state.calls.len() >= CALLS_KEPT {
            state.calls.pop_front();
        }
        state.calls.push_back(call);
    }
}

impl server::Site for Site {
    fn answer(self: Arc<Self>, request: Request<Bytes>) -> server::Answering {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            if parts.uri.path() != PATH {
                return page(StatusCode::NOT_FOUND, "<h1>Not Found</h1>");
            }
            let parameters = Parameters::read(&parts.uri, Some(&parts.headers), &body);
            let done = self.call(&parameters, &parts.headers).await;
            self.log(&parameters, &done.outcome);
            response(&done)
        })
    }

    fn operation(&self, _method: &Method, uri: &Uri, body: &[u8]) -> Option<String> {
        Parameters::read(uri, None, body).text("operation").ok().filter(|operation| !operation.is_empty())
    }

    fn refusal(&self, status: StatusCode, _method: &Method, _uri: &Uri) -> Response<Bytes> {
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            // PHP's own: no text at all.
            return page(status, "");
        }
        let reason = status.canonical_reason().unwrap_or("Error");
        page(
            status,
            &format!("<html><head><title>{status}</title></head><body><h1>{reason}</h1></body></html>"),
        )
    }
}

fn page(status: StatusCode, text: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text.to_owned()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=UTF-8"));
    response
}

fn response(done: &Done) -> Response<Bytes> {
    let envelope = match &done.outcome {
        Err(Problem::Crash) => return page(StatusCode::INTERNAL_SERVER_ERROR, ""),
        Err(Problem::Refusal { code, message }) => Json::object([
            ("success", Json::Bool(false)),
            ("error", Json::object([("message", Json::text(message)), ("code", Json::text(*code))])),
            ("moreinfo", Json::Null),
        ]),
        Ok(reply) => Json::object([
            ("success", Json::Bool(reply.success)),
            ("result", reply.result.clone()),
            ("moreinfo", reply.more_info.clone()),
        ]),
    };
    let mut response = Response::new(Bytes::from(envelope.encode()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(session) = &done.session {
        headers.insert(EXPIRES, HeaderValue::from_static("Thu, 19 Nov 1981 08:52:00 GMT"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-cache, must-revalidate"));
        headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        let cookie =
            format!("cbecfe69e14ba8637d545ef21fbdf12553={session}; path=/; HttpOnly; SameSite=Strict");
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            headers.insert(SET_COOKIE, cookie);
        }
    }
    response
}
