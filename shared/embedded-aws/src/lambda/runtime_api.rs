//! The Runtime API of one process. Source: Lambda developer guide, "Using the Lambda runtime API".

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::MAX_SYNCHRONOUS_BYTES;
use super::answer::Outcome;
use super::extensions::{self, Extensions};

/// One event on its way to a process.
#[derive(Debug, Clone)]
pub(super) struct Invocation {
    pub(super) request_id: String,
    pub(super) payload: Vec<u8>,
    pub(super) deadline_ms: i64,
    pub(super) function_arn: String,
    pub(super) trace_id: String,
}

/// A process that waits for its next event.
pub(super) type Asking = oneshot::Sender<Invocation>;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) function_name: String,
    pub(super) handler: String,
    pub(super) extensions: Extensions,
    asking: mpsc::UnboundedSender<Asking>,
    running: Mutex<Option<Running>>,
    init_error: mpsc::UnboundedSender<Outcome>,
}

#[derive(Debug)]
struct Running {
    request_id: String,
    reply: oneshot::Sender<Outcome>,
}

/// The listener of one process. Dropping it ends it, and with it every request of the process.
#[derive(Debug)]
pub(super) struct RuntimeApi {
    pub(super) address: SocketAddr,
    /// The process asks here for its next event.
    pub(super) asking: mpsc::UnboundedReceiver<Asking>,
    /// The process says here that it could not start.
    pub(super) init_errors: mpsc::UnboundedReceiver<Outcome>,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl RuntimeApi {
    pub(super) async fn start(function_name: &str, handler: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (asking_sender, asking) = mpsc::unbounded_channel();
        let (init_error, init_errors) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            function_name: function_name.to_owned(),
            handler: handler.to_owned(),
            extensions: Extensions::new(),
            asking: asking_sender,
            running: Mutex::new(None),
            init_error,
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_failed))
            .route("/2020-01-01/extension/register", post(extensions::register))
            .route("/2020-01-01/extension/event/next", get(extensions::next_event))
            .route("/2020-01-01/extension/init/error", post(extensions::failed))
            .route("/2020-01-01/extension/exit/error", post(extensions::failed))
            .with_state(shared.clone());
        let server = tokio::spawn(async move {
            // Serving ends only by being aborted.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, asking, init_errors, shared, server })
    }

    /// Announces an invocation, so that its answer is taken; the receiver gets the answer.
    pub(super) fn begin(&self, invocation: &Invocation) -> oneshot::Receiver<Outcome> {
        let (reply, answered) = oneshot::channel();
        let running = Running { request_id: invocation.request_id.clone(), reply };
        *self.shared.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
        self.shared.extensions.announce(json!({
            "eventType": "INVOKE",
            "deadlineMs": invocation.deadline_ms,
            "requestId": invocation.request_id,
            "invokedFunctionArn": invocation.function_arn,
            "tracing": {"type": "X-Amzn-Trace-Id", "value": invocation.trace_id},
        }));
        answered
    }

    /// Whether the process asked to be told before it is ended.
    pub(super) fn has_extensions(&self) -> bool {
        self.shared.extensions.any()
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    let (asking, invocation) = oneshot::channel();
    if shared.asking.send(asking).is_err() {
        return StatusCode::GONE.into_response();
    }
    let Ok(invocation) = invocation.await else { return StatusCode::GONE.into_response() };
    (
        [
            ("content-type", "application/json".to_owned()),
            ("lambda-runtime-aws-request-id", invocation.request_id),
            ("lambda-runtime-deadline-ms", invocation.deadline_ms.to_string()),
            ("lambda-runtime-invoked-function-arn", invocation.function_arn),
            ("lambda-runtime-trace-id", invocation.trace_id),
        ],
        invocation.payload,
    )
        .into_response()
}

async fn response(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let declared = headers.get("content-length").and_then(|value| value.to_str().ok()?.parse().ok());
    if let Ok(bytes) = axum::body::to_bytes(body, MAX_SYNCHRONOUS_BYTES).await {
        return finish(&shared, &id, Outcome::Response(bytes.to_vec()));
    }
    let bytes = declared.unwrap_or(MAX_SYNCHRONOUS_BYTES + 1);
    let accepted = finish(&shared, &id, Outcome::TooLarge { bytes });
    if accepted.status() != StatusCode::ACCEPTED {
        return accepted;
    }
    let message = format!("Exceeded maximum allowed payload size ({MAX_SYNCHRONOUS_BYTES} bytes).");
    refuse(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &message)
}

async fn error(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    finish(&shared, &id, reported(&headers, body).await)
}

async fn init_failed(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Response {
    let outcome = reported(&headers, body).await;
    // The receiver goes away only together with the process.
    let _ = shared.init_error.send(outcome);
    accepted()
}

async fn reported(headers: &HeaderMap, body: Body) -> Outcome {
    let error_type = headers.get("lambda-runtime-function-error-type").and_then(|value| value.to_str().ok());
    let error_type = error_type.map(str::to_owned);
    let body = axum::body::to_bytes(body, MAX_SYNCHRONOUS_BYTES).await.map(|bytes| bytes.to_vec());
    Outcome::Reported { error_type, body: body.unwrap_or_default() }
}

fn finish(shared: &Shared, id: &str, outcome: Outcome) -> Response {
    let mut running = shared.running.lock().unwrap_or_else(PoisonError::into_inner);
    match running.take() {
        Some(current) if current.request_id == id => {
            drop(running);
            // Too late: the invocation has timed out, and this process is being killed.
            let _ = current.reply.send(outcome);
            accepted()
        }
        other => {
            *running = other;
            refuse(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID")
        }
    }
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, Json(json!({"status": "OK"}))).into_response()
}

fn refuse(status: StatusCode, error_type: &str, message: &str) -> Response {
    (status, Json(json!({"errorType": error_type, "errorMessage": message}))).into_response()
}
