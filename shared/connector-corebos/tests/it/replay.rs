//! A server that answers what a real coreBOS answered.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use connector_corebos::{CoreBos, CoreBosSettings};
use serde_json::Value;
use tokio::time::Duration;
use url::form_urlencoded;

/// What the server answers to one call of an operation.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) operation: String,
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
    /// How long it takes.
    pub(crate) delay: Duration,
}

impl Reply {
    /// The recorded answer of this name.
    pub(crate) fn recorded(name: &str) -> Self {
        let exchange = exchange(name);
        let operation = exchange["request"]["params"]["operation"].as_str().unwrap().to_lowercase();
        Self {
            operation,
            status: u16::try_from(exchange["response"]["status"].as_u64().unwrap()).unwrap(),
            content_type: "application/json",
            body: exchange["response"]["body"].to_string(),
            delay: Duration::ZERO,
        }
    }

    /// The same answer to another operation.
    pub(crate) fn to(mut self, operation: &str) -> Self {
        operation.clone_into(&mut self.operation);
        self
    }

    /// An answer that no coreBOS has given.
    pub(crate) fn other(operation: &str, status: u16, content_type: &'static str, body: &str) -> Self {
        let (operation, body) = (operation.to_owned(), body.to_owned());
        Self { operation, status, content_type, body, delay: Duration::ZERO }
    }
}

/// The recorded call with this name.
pub(crate) fn exchange(name: &str) -> Value {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fixtures", &format!("{name}.json")].iter().collect();
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A call that the server got.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) has_query: bool,
    pub(crate) user_agent: String,
    pub(crate) token: Option<String>,
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Got {
    /// The element of a create or revise.
    pub(crate) fn element(&self) -> Value {
        serde_json::from_str(&self.parameters["element"]).unwrap()
    }
}

struct Script {
    replies: Mutex<VecDeque<Reply>>,
    got: Mutex<Vec<Got>>,
}

/// The server. Every reply is given once, to the first call of its operation.
pub(crate) struct Replay {
    pub(crate) url: String,
    script: Arc<Script>,
}

impl Replay {
    /// A server with a login and these recorded answers.
    pub(crate) async fn of(names: &[&str]) -> Self {
        Self::with(names.iter().map(|name| Reply::recorded(name)).collect()).await
    }

    /// A server with a login and these answers.
    pub(crate) async fn with(replies: Vec<Reply>) -> Self {
        let mut all = vec![Reply::recorded("A001_getchallenge"), Reply::recorded("A002_login")];
        all.extend(replies);
        Self::bare(all).await
    }

    /// A server with these answers only.
    pub(crate) async fn bare(replies: Vec<Reply>) -> Self {
        let script = Arc::new(Script { replies: Mutex::new(replies.into()), got: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(script.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, script }
    }

    /// A connector to it, as the user of the recordings.
    pub(crate) fn corebos(&self) -> CoreBos {
        self.corebos_with(|_| {})
    }

    /// A connector that differs.
    pub(crate) fn corebos_with(&self, edit: impl FnOnce(&mut CoreBosSettings)) -> CoreBos {
        let mut settings = CoreBosSettings::new(self.url.clone(), "admin", "geheim".into());
        edit(&mut settings);
        CoreBos::new("corebos:main".parse().unwrap(), settings).unwrap()
    }

    /// What it got of one operation.
    pub(crate) fn got(&self, operation: &str) -> Vec<Got> {
        let got = self.script.got.lock().unwrap();
        got.iter().filter(|call| call.parameters["operation"] == operation).cloned().collect()
    }

    /// How many calls it got.
    pub(crate) fn calls(&self) -> usize {
        self.script.got.lock().unwrap().len()
    }
}

async fn answer(State(script): State<Arc<Script>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let query = head.uri.query().unwrap_or_default();
    let parameters: BTreeMap<String, String> = [query.as_bytes(), &body]
        .into_iter()
        .flat_map(|form| form_urlencoded::parse(form).into_owned())
        .collect();
    let operation = parameters["operation"].clone();
    script.got.lock().unwrap().push(Got {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        has_query: !query.is_empty(),
        user_agent: head.headers["user-agent"].to_str().unwrap().to_owned(),
        token: head.headers.get("corebos-authorization").map(|token| token.to_str().unwrap().to_owned()),
        parameters,
    });
    let reply = {
        let mut replies = script.replies.lock().unwrap();
        let position = replies.iter().position(|reply| reply.operation == operation);
        position.and_then(|position| replies.remove(position))
    };
    let Some(reply) = reply else {
        // Not a status that the connector has a meaning for.
        return (StatusCode::IM_A_TEAPOT, format!("nothing recorded for {operation}")).into_response();
    };
    tokio::time::sleep(reply.delay).await;
    (StatusCode::from_u16(reply.status).unwrap(), [("content-type", reply.content_type)], reply.body)
        .into_response()
}
