//! A server that answers what a real Mautic answered.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request as HttpRequest, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use connector_mautic::{Credentials, Mautic, MauticSettings};
use serde_json::Value;

use crate::recorded::{Exchange, exchange};

/// A request that the server got.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: String,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// An answer to give.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// The recorded one.
    Recorded(Exchange),
    /// Another one.
    Other { method: &'static str, path: &'static str, status: u16, content_type: &'static str, body: String },
}

impl Reply {
    fn answers(&self, method: &str, path: &str) -> bool {
        match self {
            Self::Recorded(exchange) => {
                let recorded = exchange.request.path.split('?').next().unwrap();
                exchange.request.method == method && recorded == path
            }
            Self::Other { method: m, path: p, .. } => *m == method && *p == path,
        }
    }

    fn response(self) -> Response {
        match self {
            Self::Recorded(exchange) => {
                let mut response = exchange.response.body.to_string().into_response();
                *response.status_mut() = StatusCode::from_u16(exchange.response.status).unwrap();
                for (name, value) in &exchange.response.headers {
                    let name = HeaderName::try_from(name).unwrap();
                    response
                        .headers_mut()
                        .insert(name, HeaderValue::from_str(value.as_str().unwrap()).unwrap());
                }
                response
            }
            Self::Other { status, content_type, body, .. } => {
                (StatusCode::from_u16(status).unwrap(), [("content-type", content_type)], body)
                    .into_response()
            }
        }
    }
}

struct Script {
    replies: Mutex<VecDeque<Reply>>,
    got: Mutex<Vec<Got>>,
}

/// The server. Every reply is given once, to the first request of its method and path.
pub(crate) struct Replay {
    pub(crate) url: String,
    script: Arc<Script>,
}

impl Replay {
    /// A server with recorded answers, by name.
    pub(crate) async fn of(names: &[&str]) -> Self {
        Self::with(names.iter().map(|name| Reply::Recorded(exchange(name))).collect()).await
    }

    pub(crate) async fn with(replies: Vec<Reply>) -> Self {
        let script = Arc::new(Script { replies: Mutex::new(replies.into()), got: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(script.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, script }
    }

    /// A connector to it, as the user of the recordings.
    pub(crate) fn mautic(&self) -> Mautic {
        let credentials = Credentials::Basic { username: "admin".to_owned(), password: "geheim".into() };
        self.mautic_as(credentials)
    }

    pub(crate) fn mautic_as(&self, credentials: Credentials) -> Mautic {
        Mautic::new("mautic:main".parse().unwrap(), MauticSettings::new(self.url.clone(), credentials))
            .unwrap()
    }

    /// What it got so far.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.script.got.lock().unwrap().clone()
    }

    /// The requests to a path.
    pub(crate) fn got_at(&self, path: &str) -> Vec<Got> {
        self.got().into_iter().filter(|got| got.path == path).collect()
    }
}

async fn answer(State(script): State<Arc<Script>>, request: HttpRequest) -> Response {
    let (head, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let path = head.uri.path().to_owned();
    let authorization = head.headers.get("authorization").map(|v| v.to_str().unwrap().to_owned());
    script.got.lock().unwrap().push(Got {
        method: head.method.to_string(),
        path: path.clone(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        authorization,
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    let mut replies = script.replies.lock().unwrap();
    let position = replies.iter().position(|reply| reply.answers(head.method.as_str(), &path));
    match position.and_then(|position| replies.remove(position)) {
        Some(reply) => reply.response(),
        // Not a status that the connector has a meaning for.
        None => {
            (StatusCode::IM_A_TEAPOT, format!("nothing recorded for {} {path}", head.method)).into_response()
        }
    }
}
