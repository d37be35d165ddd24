//! The Extensions API, as far as extensions inside the function's own process use it.
//!
//! Such an extension may subscribe to INVOKE or to nothing; Lambda refuses SHUTDOWN to it. Registering is what makes
//! Lambda send SIGTERM before SIGKILL.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::runtime_api::Shared;

/// Extensions of one process.
#[derive(Debug)]
pub(super) struct Extensions {
    /// Whether an extension listens to invocations, by its identifier.
    registered: Mutex<HashMap<String, Option<broadcast::Receiver<Value>>>>,
    invocations: broadcast::Sender<Value>,
}

impl Extensions {
    pub(super) fn new() -> Self {
        Self { registered: Mutex::new(HashMap::new()), invocations: broadcast::channel(64).0 }
    }

    pub(super) fn any(&self) -> bool {
        !self.registered.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    pub(super) fn announce(&self, event: Value) {
        // Nobody subscribed is the usual case.
        let _ = self.invocations.send(event);
    }
}

/// `POST /2020-01-01/extension/register`
pub(super) async fn register(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let name = headers.get("lambda-extension-name").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if name.is_empty() {
        return refuse(
            StatusCode::BAD_REQUEST,
            "InvalidRequestFormat",
            "the header Lambda-Extension-Name is missing",
        );
    }
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        return refuse(StatusCode::BAD_REQUEST, "InvalidRequestFormat", "the body is not JSON");
    };
    let events = request.get("events").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut listens = false;
    for event in &events {
        match event.as_str() {
            Some("INVOKE") => listens = true,
            Some("SHUTDOWN") => {
                let message = "SHUTDOWN is not supported for internal extensions";
                return refuse(
                    StatusCode::FORBIDDEN,
                    "ShutdownEventNotSupportedForInternalExtension",
                    message,
                );
            }
            _ => {
                return refuse(StatusCode::BAD_REQUEST, "InvalidEventType", "events are INVOKE and SHUTDOWN");
            }
        }
    }
    let identifier = uuid::Uuid::new_v4().to_string();
    let receiver = listens.then(|| shared.extensions.invocations.subscribe());
    let mut registered = shared.extensions.registered.lock().unwrap_or_else(PoisonError::into_inner);
    registered.insert(identifier.clone(), receiver);
    drop(registered);
    let answer = json!({
        "functionName": shared.function_name, "functionVersion": "$LATEST", "handler": shared.handler,
    });
    ([("lambda-extension-identifier", identifier)], Json(answer)).into_response()
}

/// `GET /2020-01-01/extension/event/next`: waits, possibly for ever.
pub(super) async fn next_event(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let identifier = headers.get("lambda-extension-identifier").and_then(|value| value.to_str().ok());
    let identifier = identifier.unwrap_or_default().to_owned();
    let receiver = {
        let mut registered = shared.extensions.registered.lock().unwrap_or_else(PoisonError::into_inner);
        match registered.get_mut(&identifier) {
            None => {
                let message = "the extension is not registered";
                return refuse(StatusCode::FORBIDDEN, "Extension.UnknownExtensionIdentifier", message);
            }
            Some(receiver) => receiver.take(),
        }
    };
    let Some(mut receiver) = receiver else { return std::future::pending().await };
    let event = receiver.recv().await.unwrap_or(Value::Null);
    let mut registered = shared.extensions.registered.lock().unwrap_or_else(PoisonError::into_inner);
    registered.insert(identifier, Some(receiver));
    drop(registered);
    Json(event).into_response()
}

/// `POST /2020-01-01/extension/init/error` and `/exit/error`
pub(super) async fn failed() -> Response {
    (StatusCode::ACCEPTED, Json(json!({"status": "OK"}))).into_response()
}

fn refuse(status: StatusCode, error_type: &str, message: &str) -> Response {
    (status, Json(json!({"errorType": error_type, "errorMessage": message}))).into_response()
}
