//! An AWS service of our own making over HTTP, for the answers that an emulator does not give: partial failures,
//! throttling, lost rights. It checks and remembers nothing; each test says what is answered.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A request: the operation's name and its input.
pub(crate) type Call = (String, Value);
/// A status and the output.
pub(crate) type Answer = (u16, Value);

/// A running endpoint.
pub(crate) struct Endpoint {
    pub(crate) url: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Endpoint {
    /// Starts an endpoint that answers with what `answer` makes of each call.
    pub(crate) async fn start(answer: impl FnMut(&str, &Value) -> Answer + Send + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(Mutex::new(answer)), Arc::clone(&calls));
        let handler = move |headers: HeaderMap, body: Bytes| async move {
            let target = headers["x-amz-target"].to_str().unwrap();
            let operation = target.rsplit('.').next().unwrap().to_owned();
            let input: Value = serde_json::from_slice(&body).unwrap();
            let (status, output) = answer.lock().unwrap()(&operation, &input);
            seen.lock().unwrap().push((operation, input));
            respond(status, &output)
        };
        let app = axum::Router::new().fallback(handler);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, calls }
    }

    /// What was called so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }
}

fn respond(status: u16, output: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/x-amz-json-1.1")];
    (StatusCode::from_u16(status).unwrap(), headers, output.to_string()).into_response()
}

/// An error as the JSON protocols of AWS write it.
pub(crate) fn error(status: u16, code: &str, message: &str) -> Answer {
    (status, json!({ "__type": code, "message": message }))
}
