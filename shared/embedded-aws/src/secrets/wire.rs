//! The AWS JSON 1.1 protocol of Secrets Manager: `POST /` with `X-Amz-Target: secretsmanager.<Operation>`.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::store::{Refusal, SecretStore, Value};

/// Serves the secrets.
pub(crate) fn router(store: SecretStore) -> Router {
    Router::new().route("/", post(handle)).with_state(store)
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    secret_id: Option<String>,
    version_id: Option<String>,
    version_stage: Option<String>,
    client_request_token: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
    version_stages: Option<Vec<String>>,
}

async fn handle(State(store): State<SecretStore>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let operation = target.strip_prefix("secretsmanager.").unwrap_or_default();
    let (status, json) = match perform(&store, operation, &body) {
        Ok(json) => (StatusCode::OK, json),
        Err(refusal) => {
            (StatusCode::BAD_REQUEST, json!({"__type": refusal.error_type, "Message": refusal.message}))
        }
    };
    let mut response = (status, json.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    if let Ok(id) = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

fn perform(store: &SecretStore, operation: &str, body: &[u8]) -> Result<Json, Refusal> {
    // The parser's own message could quote a part of the body, that is, of a secret.
    let request: Request = serde_json::from_slice(body).map_err(|_| Refusal {
        error_type: "SerializationException",
        message: "the request is not valid".to_owned(),
    })?;
    let invalid =
        |message: &str| Refusal { error_type: "InvalidParameterException", message: message.to_owned() };
    let id = request.secret_id.as_deref().ok_or_else(|| invalid("You must provide a SecretId."))?;
    match operation {
        "GetSecretValue" => store.get(id, request.version_id.as_deref(), request.version_stage.as_deref()),
        "DescribeSecret" => store.describe(id),
        "PutSecretValue" => {
            let value = match (request.secret_string, request.secret_binary) {
                (Some(text), None) => Value::Text(text),
                (None, Some(base64)) => Value::Binary(base64),
                _ => return Err(invalid("You must provide either SecretString or SecretBinary.")),
            };
            store.put(id, value, request.client_request_token.as_deref(), request.version_stages)
        }
        other => Err(Refusal {
            error_type: "UnknownOperationException",
            message: format!("the operation {other} is not supported by the embedded Secrets Manager"),
        }),
    }
}
