//! The function's answer as an HTTP response, and the gateway's own answers.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use serde_json::{Value as Json, json};

/// An answer of the gateway itself.
pub(super) fn gateway(status: StatusCode, message: &str) -> Response {
    let body = json!({"message": message}).to_string();
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body)
        .into_response()
        .with(status)
}

trait With {
    fn with(self, status: StatusCode) -> Self;
}

impl With for Response {
    fn with(mut self, status: StatusCode) -> Self {
        *self.status_mut() = status;
        self
    }
}

/// Turns what a function answered into a response; what the gateway cannot read is its 500.
///
/// Source: API Gateway developer guide, "Create AWS Lambda proxy integrations for HTTP APIs", response formats.
pub(super) fn from_function(payload: &[u8]) -> Response {
    let malformed = || gateway(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
    let Ok(answer) = serde_json::from_slice::<Json>(payload) else { return malformed() };
    match &answer {
        Json::Object(fields) if fields.contains_key("statusCode") => {
            structured(&answer).unwrap_or_else(malformed)
        }
        // Without a status the gateway takes the answer itself for the body.
        Json::String(text) => inferred(text.clone().into_bytes()),
        _ => inferred(payload.to_vec()),
    }
}

fn inferred(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

fn structured(answer: &Json) -> Option<Response> {
    let status = &answer["statusCode"];
    let status = status.as_u64().or_else(|| status.as_str().and_then(|text| text.parse().ok()))?;
    let status =
        StatusCode::from_u16(u16::try_from(status).ok()?).ok().filter(|status| !status.is_informational())?;
    let body = match answer.get("body") {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::String(text)) if answer.get("isBase64Encoded").and_then(Json::as_bool) == Some(true) => {
            base64::engine::general_purpose::STANDARD.decode(text).ok()?
        }
        Some(Json::String(text)) => text.clone().into_bytes(),
        Some(_) => return None,
    };
    let mut response = Response::new(Body::from(body)).with(status);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=utf-8"));
    for (name, value) in answer.get("headers").and_then(Json::as_object).into_iter().flatten() {
        let value = match value {
            Json::Null => continue,
            Json::String(text) => text.clone(),
            Json::Bool(_) | Json::Number(_) => value.to_string(),
            Json::Array(_) | Json::Object(_) => return None,
        };
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        // The server knows the length, and a wrong one would break the connection.
        if name != header::CONTENT_LENGTH {
            headers.insert(name, HeaderValue::from_str(&value).ok()?);
        }
    }
    for cookie in answer.get("cookies").and_then(Json::as_array).into_iter().flatten() {
        headers.append(header::SET_COOKIE, HeaderValue::from_str(cookie.as_str()?).ok()?);
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(payload: &str) -> (u16, String, String) {
        let response = from_function(payload.as_bytes());
        let kind = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, kind, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn an_answer_without_a_status_is_the_body() {
        let json = "application/json".to_owned();
        assert_eq!(read(r#""Hello""#).await, (200, json.clone(), "Hello".to_owned()));
        assert_eq!(
            read(r#"{"message":"Hello"}"#).await,
            (200, json.clone(), r#"{"message":"Hello"}"#.to_owned())
        );
        assert_eq!(read("[1, 2]").await, (200, json, "[1, 2]".to_owned()));
    }

    #[tokio::test]
    async fn an_answer_with_a_status_sets_status_headers_and_body() {
        let plain = "text/plain;charset=utf-8".to_owned();
        assert_eq!(read(r#"{"statusCode":204}"#).await, (204, plain.clone(), String::new()));
        assert_eq!(read(r#"{"statusCode":"201","body":"x"}"#).await, (201, plain, "x".to_owned()));
        let html = r#"{"statusCode":200,"headers":{"Content-Type":"text/html"},"body":"PGI+","isBase64Encoded":true}"#;
        assert_eq!(read(html).await, (200, "text/html".to_owned(), "<b>".to_owned()));
        let cookies =
            r#"{"statusCode":200,"cookies":["a=1","b=2; Secure"],"headers":{"x-number":7,"x-null":null}}"#;
        let response = from_function(cookies.as_bytes());
        assert_eq!(response.headers().get_all(header::SET_COOKIE).iter().count(), 2);
        assert_eq!(response.headers()["x-number"], "7");
        assert!(!response.headers().contains_key("x-null"));
    }

    #[tokio::test]
    async fn an_answer_that_the_gateway_cannot_read_is_an_internal_server_error() {
        for payload in [
            "not json",
            r#"{"statusCode":"abc"}"#,
            r#"{"statusCode":1000}"#,
            r#"{"statusCode":100}"#,
            r#"{"statusCode":200,"body":{"a":1}}"#,
            r#"{"statusCode":200,"body":"***","isBase64Encoded":true}"#,
            r#"{"statusCode":200,"headers":{"a b":"c"}}"#,
            r#"{"statusCode":200,"headers":{"a":"line\nbreak"}}"#,
            r#"{"statusCode":200,"cookies":[1]}"#,
        ] {
            let (status, _, body) = read(payload).await;
            assert_eq!((status, body.as_str()), (500, r#"{"message":"Internal Server Error"}"#), "{payload}");
        }
    }
}
