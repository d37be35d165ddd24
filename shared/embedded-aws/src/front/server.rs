//! Serves requests: size limits, routing, invoking, answering.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout};

use super::answer;
use super::event::{Incoming, decoded_path, http_event};
use super::route::{Route, Routes};
use crate::clock::Clock;
use crate::event::{Observer, StackEvent};
use crate::lambda::{Function, InvokeRefused, Waiting};

/// The gateway's limit on a body. Source: "Quotas for HTTP APIs", payload size 10 MB.
const MAX_BODY_BYTES: usize = 10 * 1_048_576;
/// What is read and thrown away of a body over the limit, so that the client gets to read the answer.
const MAX_DRAINED_BYTES: usize = 64 * 1_048_576;

/// What the front works with.
pub(crate) struct Front {
    pub(crate) routes: Routes,
    pub(crate) functions: BTreeMap<String, Arc<Function>>,
    pub(crate) clock: Clock,
    pub(crate) observer: Observer,
}

/// Serves the routes.
pub(crate) fn router(front: Arc<Front>) -> Router {
    Router::new().fallback(handle).with_state(front)
}

async fn handle(
    State(front): State<Arc<Front>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let path = decoded_path(&parts.uri);
    let request_id = uuid::Uuid::new_v4().to_string();
    let body = read(body).await;
    let begun = Instant::now();
    let mut function = None;
    let mut response = match body {
        Err(response) => response,
        Ok(body) => match front.routes.find(parts.method.as_str(), &path) {
            None => answer::gateway(StatusCode::NOT_FOUND, "Not Found"),
            Some(found) => {
                function = Some(found.route.function.clone());
                let incoming = Incoming {
                    method: &parts.method,
                    uri: &parts.uri,
                    headers: &parts.headers,
                    body: &body,
                    peer,
                    request_id: &request_id,
                    now: front.clock.now(),
                };
                let event = http_event(&incoming, &path, &found);
                invoke(&front, found.route, event).await
            }
        },
    };
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("apigw-requestid", id);
    }
    front.observer.tell(StackEvent::RequestServed {
        method: parts.method.as_str().to_owned(),
        path,
        function,
        status: response.status().as_u16(),
        duration: begun.elapsed(),
    });
    response
}

async fn invoke(front: &Front, route: &Route, event: Vec<u8>) -> Response {
    let Some(function) = front.functions.get(&route.function) else {
        return answer::gateway(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
    };
    let invocation = function.invoke(event, Waiting::AsCaller(route.timeout), false);
    match timeout(route.timeout, invocation).await {
        Ok(Ok(found)) if found.error.is_none() => answer::from_function(&found.payload),
        Ok(Ok(_)) => answer::gateway(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
        Ok(Err(InvokeRefused::TooLarge { .. })) => {
            answer::gateway(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long")
        }
        // Throttled, stopping, or slower than the gateway waits; the function goes on.
        Ok(Err(_)) | Err(_) => answer::gateway(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
    }
}

async fn read(mut body: Body) -> Result<Vec<u8>, Response> {
    let mut bytes = Vec::new();
    let mut drained = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Err(answer::gateway(StatusCode::BAD_REQUEST, "Bad Request")) };
        let Ok(data) = frame.into_data() else { continue };
        if drained > 0 || bytes.len() + data.len() > MAX_BODY_BYTES {
            drained += data.len();
            if drained > MAX_DRAINED_BYTES {
                break;
            }
        } else {
            bytes.extend_from_slice(&data);
        }
    }
    if drained > 0 {
        return Err(answer::gateway(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"));
    }
    Ok(bytes)
}
