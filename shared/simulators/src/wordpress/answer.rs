//! Answers of the REST API and the shapes of its errors.

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Value as Json, json};

/// An answer before it is written out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Body,
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// JSON of the API, or a page for people.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    Json(Json),
    Page(String),
}

impl Answer {
    pub(crate) fn of(status: u16, body: Json) -> Self {
        Self { status, body: Body::Json(body), headers: Vec::new() }
    }

    pub(crate) fn ok(body: Json) -> Self {
        Self::of(200, body)
    }

    pub(crate) fn page(status: u16, title: &str, text: &str) -> Self {
        let page = format!(
            "<!DOCTYPE html>\n<html lang=\"en-US\"><head><title>{title}</title></head>\n\
             <body id=\"error-page\"><div class=\"wp-die-message\">{text}</div></body></html>"
        );
        Self { status, body: Body::Page(page), headers: Vec::new() }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// An error as the API's own code makes it.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::of(status, json!({ "code": code, "message": message, "data": { "status": status } }))
    }

    /// An error of WordPress's core that carries no status: the API makes a 500 of it, whatever it means.
    pub(crate) fn core_error(code: &str, message: &str) -> Self {
        Self::of(500, json!({ "code": code, "message": message, "data": null }))
    }

    /// A parameter that is not taken.
    pub(crate) fn invalid_param(name: &str, code: &str, message: &str, details: &Json) -> Self {
        Self::of(
            400,
            json!({
                "code": "rest_invalid_param",
                "message": format!("Invalid parameter(s): {name}"),
                "data": {
                    "status": 400,
                    "params": { name: message },
                    "details": { name: { "code": code, "message": message, "data": details } },
                },
            }),
        )
    }

    /// What PHP's fatal errors end in.
    pub(crate) fn critical() -> Self {
        let message = "<p>There has been a critical error on this website.</p><p><a href=\"https://wordpress.org/\
                       support/article/faq-troubleshooting/\">Learn more about troubleshooting WordPress.</a></p>";
        Self::of(
            500,
            json!({
                "code": "internal_server_error",
                "message": message,
                "data": { "status": 500 },
                "additional_errors": [],
            }),
        )
    }

    /// What a site answers while it is being updated.
    pub(crate) fn maintenance() -> Self {
        let message = "Briefly unavailable for scheduled maintenance. Check back in a minute.";
        Self::died(503, message).header("retry-after", "600")
    }

    /// What a site answers whose database is away.
    pub(crate) fn no_database() -> Self {
        Self::died(500, "<h1>Error establishing a database connection</h1>")
    }

    fn died(status: u16, message: &str) -> Self {
        Self::of(
            status,
            json!({ "code": "wp_die", "message": message, "data": { "status": status }, "additional_errors": [] }),
        )
    }

    pub(crate) fn into_response(self) -> Response<Bytes> {
        let (body, kind) = match self.body {
            Body::Json(json) => (Bytes::from(json.to_string()), "application/json; charset=UTF-8"),
            Body::Page(page) => (Bytes::from(page), "text/html; charset=UTF-8"),
        };
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
