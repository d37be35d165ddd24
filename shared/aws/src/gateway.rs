//! The envelope of webhook functions: API Gateway HTTP API, payload format 2.0.
//!
//! The wire types are our own and lenient, because a stranger decides what stands in the headers: one odd header must
//! not make an event unreadable. Source of the format: "Working with AWS Lambda proxy integrations for HTTP APIs" in
//! the API Gateway developer guide. Answers are JSON, always; they tell the sender nothing about our inside.

mod request;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Instant;

use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::{Value, json};

pub use request::{Request, Unreadable};

/// What a webhook function answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body. Never personal data, never a cause that helps a stranger.
    pub body: Value,
    /// More headers, by their names in small letters.
    pub headers: Vec<(&'static str, String)>,
}

impl Response {
    /// An answer.
    pub fn new(status: u16, body: Value) -> Self {
        Self { status, body, headers: Vec::new() }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// A refusal with one sentence for whoever looks at the sender's log: `{"error": ...}`.
    pub fn refusal(status: u16, sentence: &str) -> Self {
        Self::new(status, json!({ "error": sentence }))
    }
}

/// An answer as API Gateway wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayResponse {
    status_code: u16,
    headers: BTreeMap<&'static str, String>,
    body: String,
    is_base64_encoded: bool,
}

impl From<Response> for GatewayResponse {
    fn from(response: Response) -> Self {
        let usual = [("cache-control", "no-store"), ("content-type", "application/json")];
        let usual = usual.map(|(name, value)| (name, value.to_owned()));
        // Some answers have no body at all.
        let is_bare = response.status == 204;
        Self {
            status_code: response.status,
            headers: usual.into_iter().chain(response.headers).collect(),
            body: if is_bare { String::new() } else { response.body.to_string() },
            is_base64_encoded: false,
        }
    }
}

/// Runs a webhook function until Lambda ends the process.
///
/// # Errors
/// The Runtime API cannot be reached. Requests never end the process: what cannot be read is answered with 400.
pub async fn serve<H, F>(handler: H) -> Result<(), lambda_runtime::Error>
where
    H: Fn(Request) -> F,
    F: Future<Output = Response>,
{
    let handler = &handler;
    let service = service_fn(move |event: LambdaEvent<Value>| async move {
        Ok::<_, lambda_runtime::Error>(answer(event.payload, handler).await)
    });
    lambda_runtime::run(service).await
}

/// Answers one event.
pub async fn answer<H, F>(event: Value, handler: H) -> GatewayResponse
where
    H: FnOnce(Request) -> F,
    F: Future<Output = Response>,
{
    let started = Instant::now();
    let request = match Request::from_event(event) {
        Ok(request) => request,
        Err(error) => {
            tracing::warn!(reason = %error, http.status = 400, "an event is not a request");
            return Response::refusal(400, &error.to_string()).into();
        }
    };
    let (request_id, route, bytes) = (request.request_id.clone(), request.route.clone(), request.body.len());
    let response = handler(request).await;
    tracing::info!(
        http.request_id = request_id,
        http.route = route,
        http.status = response.status,
        body_bytes = bytes,
        duration_ms = started.elapsed().as_millis(),
        "request answered"
    );
    response.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_json_in_the_gateways_shape() {
        let event = json!({ "body": "hello", "requestContext": { "http": { "method": "POST" } } });
        let answer =
            answer(
                event,
                |request| async move { Response::new(202, json!({ "bytes": request.body.len() })) },
            );
        let expected = json!({
            "statusCode": 202,
            "headers": { "cache-control": "no-store", "content-type": "application/json" },
            "body": "{\"bytes\":5}",
            "isBase64Encoded": false,
        });
        assert_eq!(serde_json::to_value(answer.await).unwrap(), expected);
    }

    #[tokio::test]
    async fn what_cannot_be_read_never_reaches_the_handler() {
        let unreadable = json!({
            "body": "!", "isBase64Encoded": true, "requestContext": { "http": { "method": "POST" } }
        });
        let answer = answer(unreadable, |_| async { panic!("the handler was called") }).await;
        assert_eq!(
            (answer.status_code, answer.body.as_str()),
            (400, "{\"error\":\"the body cannot be decoded\"}")
        );
    }
}
