//! Answers of the API and the shapes of its errors.

use axum::body::Bytes;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Value as Json, json};

/// An answer before it is written out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Option<Json>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// One thing that is wrong with a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invalid {
    pub(crate) property: String,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Answer {
    pub(crate) fn of(status: u16, body: Json) -> Self {
        Self { status, body: Some(body), headers: Vec::new() }
    }

    pub(crate) fn ok(body: Json) -> Self {
        Self::of(200, body)
    }

    pub(crate) fn created(body: Json, location: &str) -> Self {
        let headers = vec![("location", location.to_owned())];
        Self { status: 201, body: Some(body), headers }
    }

    pub(crate) fn no_content() -> Self {
        Self { status: 204, body: None, headers: Vec::new() }
    }

    /// The envelope of every error.
    pub(crate) fn error(status: u16, category: &str, message: &str) -> Self {
        Self::of(
            status,
            json!({
                "status": "error",
                "message": message,
                "correlationId": uuid::Uuid::new_v4().to_string(),
                "category": category,
            }),
        )
    }

    /// A member more in the body.
    pub(crate) fn with(mut self, member: &str, value: Json) -> Self {
        if let Some(Json::Object(body)) = &mut self.body {
            body.insert(member.to_owned(), value);
        }
        self
    }

    /// A record that is not there: this one has no category.
    pub(crate) fn no_record() -> Self {
        Self::of(
            404,
            json!({
                "status": "error",
                "message": "resource not found",
                "correlationId": uuid::Uuid::new_v4().to_string(),
            }),
        )
    }

    pub(crate) fn not_found(message: &str) -> Self {
        Self::error(404, "OBJECT_NOT_FOUND", message)
    }

    pub(crate) fn invalid_input(message: &str) -> Self {
        Self::error(400, "VALIDATION_ERROR", message)
    }

    /// Values that are not taken: nothing of the write is done.
    pub(crate) fn invalid(invalid: &[Invalid]) -> Self {
        let list: Vec<Json> = invalid
            .iter()
            .map(|each| {
                json!({
                    "isValid": false,
                    "message": each.message,
                    "error": each.code,
                    "name": each.property,
                    "localizedErrorMessage": each.message,
                })
            })
            .collect();
        let errors: Vec<Json> = invalid
            .iter()
            .map(|each| {
                json!({
                    "message": each.message,
                    "code": each.code,
                    "context": { "propertyName": [each.property] },
                })
            })
            .collect();
        Self::invalid_input(&format!("Property values were not valid: {}", Json::from(list)))
            .with("errors", Json::from(errors))
    }

    pub(crate) fn missing_scopes(scopes: &[&str]) -> Self {
        Self::error(
            403,
            "MISSING_SCOPES",
            "This app hasn't been granted all required scopes to make this call. Read more about required scopes \
             here: https://developers.hubspot.com/scopes.",
        )
        .with(
            "errors",
            json!([{
                "message": "One or more of the following scopes are required.",
                "context": { "requiredGranularScopes": scopes },
            }]),
        )
        .with("links", json!({ "scopes": "https://developers.hubspot.com/scopes" }))
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(crate) fn into_response(self) -> Response<Bytes> {
        let body = self.body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        let is_empty = body.is_empty();
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if !is_empty {
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"));
        }
        for (name, value) in self.headers {
            let name = if name == "location" { LOCATION } else { HeaderName::from_static(name) };
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
