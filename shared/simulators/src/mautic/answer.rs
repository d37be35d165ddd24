//! Answers of the API: bodies as PHP writes them, Mautic's headers, the shapes of its errors.

use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use indexmap::IndexMap;

use super::contact::Refused;
use super::php::{Fractions, Php};
use super::sheet::Refusals;

/// The version that this simulator stands in for.
pub(crate) const VERSION: &str = "5.1.0";

/// An answer before it is written out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Php,
    pub(crate) location: Option<String>,
    /// Whether it comes from Mautic's controllers: errors before them bear no `Mautic-Version`.
    pub(crate) from_controller: bool,
}

impl Answer {
    pub(crate) fn ok(body: Php) -> Self {
        Self { status: 200, body, location: None, from_controller: true }
    }

    pub(crate) fn created(body: Php, location: String) -> Self {
        Self { status: 201, body, location: Some(location), from_controller: true }
    }

    /// `{"success": 1}`
    pub(crate) fn success() -> Self {
        Self::ok(Php::map([("success", Php::Int(1))]))
    }

    /// An error of a controller, with `details`.
    pub(crate) fn error(status: u16, message: &str, details: Php) -> Self {
        let error = Php::map([
            ("code", Php::Int(i64::from(status))),
            ("message", Php::text(message)),
            ("details", details),
        ]);
        Self { status, body: errors(error), location: None, from_controller: true }
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::error(404, &format!("{what} not found."), Php::empty())
    }

    pub(crate) fn item_not_found() -> Self {
        Self::error(404, "Item was not found.", Php::empty())
    }

    pub(crate) fn access_denied() -> Self {
        Self::error(403, "You do not have access to the requested area/action.", Php::empty())
    }

    /// An error before any controller, with `type`.
    pub(crate) fn early(status: u16, message: &str, kind: Php) -> Self {
        let error = Php::map([
            ("message", Php::text(message)),
            ("code", Php::Int(i64::from(status))),
            ("type", kind),
        ]);
        Self { status, body: errors(error), location: None, from_controller: false }
    }

    /// What PHP errors and unreadable bodies become.
    pub(crate) fn generic(status: u16) -> Self {
        let message = format!(
            "Looks like I encountered an error (error #{status}). If I do it again, please report me to the system \
             administrator!"
        );
        Self::early(status, &message, Php::Null)
    }

    pub(crate) fn no_route(path: &str) -> Self {
        Self::early(404, &format!("Requested URL not found: {path}"), Php::Null)
    }

    pub(crate) fn refused(refused: &Refused) -> Self {
        match refused {
            Refused::NotFound => Self::item_not_found(),
            Refused::Invalid(refusals) => Self::error(400, &message(refusals), details(refusals)),
            Refused::Taken(refusals) => Self::error(422, &message(refusals), details(refusals)),
        }
    }

    pub(crate) fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(self.body.encode(Fractions::Kept)));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(HeaderName::from_static("x-powered-by"), HeaderValue::from_static("PHP/8.2.35"));
        if let Some(location) = self.location.and_then(|location| HeaderValue::from_str(&location).ok()) {
            headers.insert(LOCATION, location);
        }
        if self.from_controller {
            headers.insert(HeaderName::from_static("mautic-version"), HeaderValue::from_static(VERSION));
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

fn errors(error: Php) -> Php {
    Php::map([("errors", Php::List(vec![error]))])
}

/// `email: This field must be unique., name: ...`
fn message(refusals: &Refusals) -> String {
    refusals.iter().map(|(alias, words)| format!("{alias}: {words}")).collect::<Vec<_>>().join(", ")
}

fn details(refusals: &Refusals) -> Php {
    let mut details: IndexMap<String, Php> = IndexMap::new();
    for (alias, words) in refusals {
        let words = Php::text(words);
        match details.entry(alias.clone()).or_insert_with(Php::empty) {
            Php::List(list) => list.push(words),
            other => *other = Php::List(vec![words]),
        }
    }
    Php::Map(details)
}

/// The error of one item of a batch.
pub(crate) fn item_error(refused: &Refused) -> (u16, Php) {
    let (status, refusals) = match refused {
        Refused::NotFound => {
            let error = Php::map([
                ("message", Php::text("Item was not found.")),
                ("code", Php::Int(404)),
                ("type", Php::text("api")),
            ]);
            return (404, error);
        }
        Refused::Invalid(refusals) => (400, refusals),
        Refused::Taken(refusals) => (422, refusals),
    };
    let error = Php::map([
        ("code", Php::Int(i64::from(status))),
        ("message", Php::text(message(refusals))),
        ("details", details(refusals)),
        ("type", Php::Null),
    ]);
    (status, error)
}
