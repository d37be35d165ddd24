//! Mautic's refusals as what to do next.
//!
//! Recorded from Mautic 5.1.0; the texts in quotes are Mautic's.

use std::collections::BTreeMap;

use http_client::{Answer, Effect, TransportError};
use serde::Deserialize;
use sync::ConnectorError;

/// The longest text of Mautic's that is kept, in characters.
const MESSAGE_LIMIT_CHARS: usize = 500;

/// What an answer that is no success means.
///
/// | status | Mautic says | it becomes |
/// |---|---|---|
/// | 400 | with `details`: a value is not valid | Rejected, by field |
/// | 400 | `invalid_client`, `invalid_grant` | Unauthorized |
/// | 400 | otherwise | Rejected |
/// | 401 | anything | Unauthorized |
/// | 403 | `api_disabled`: "API disabled." | Misconfigured |
/// | 403 | `access_denied`: "Basic Auth disabled." | Misconfigured |
/// | 403 | without a type: "You do not have access to the requested area/action." | Forbidden |
/// | 404 | "Item was not found." | Gone |
/// | 404 | "Requested URL not found", or a web page | Misconfigured |
/// | 422 | "This field must be unique." | Rejected, by field |
/// | 429 | "You exceeded the rate limit" | `RateLimited`, until `X-RateLimit-Reset` |
/// | 3xx | | Misconfigured |
/// | 503 | | Unavailable |
/// | anything else | | Unavailable for a read, Doubtful for a write |
pub(crate) fn refusal(answer: &Answer, effect: Effect) -> ConnectorError {
    let status = answer.status;
    if answer.is_redirect() {
        let detail =
            format!("Mautic's URL answers with a redirect (HTTP {status}): write the URL that it leads to");
        return ConnectorError::Misconfigured { detail };
    }
    let told = Told::of(answer);
    match (status, &told) {
        (429, _) => ConnectorError::RateLimited {
            retry_after: answer.retry_after().or_else(|| answer.wait_until_epoch("x-ratelimit-reset")),
        },
        (503, _) => unavailable(status),
        (400, Some(told)) if matches!(told.kind.as_deref(), Some("invalid_client" | "invalid_grant")) => {
            unauthorized(&told.message)
        }
        (400 | 422, Some(told)) => {
            ConnectorError::Rejected { message: told.message.clone(), fields: told.fields.clone() }
        }
        (401, Some(told)) => unauthorized(&told.message),
        (401, None) => unauthorized(
            "the answer is not Mautic's: the web server in front of it may ask for a password of its own, \
             or take the Authorization header away",
        ),
        (403, Some(told)) => forbidden(told),
        (404, Some(told)) if told.has_details => ConnectorError::Gone,
        (404, _) => ConnectorError::Misconfigured {
            detail:
                "there is no Mautic API at this URL (HTTP 404): check the URL, and that /api reaches Mautic"
                    .to_owned(),
        },
        _ => in_doubt(effect, format!("HTTP {status}")),
    }
}

/// What a request without an answer means.
pub(crate) fn unanswered(error: TransportError) -> ConnectorError {
    match error {
        TransportError::NothingDone { detail } => ConnectorError::Unavailable { detail },
        TransportError::Doubtful { detail } => ConnectorError::Doubtful { detail },
        TransportError::NotAllowed { detail } => ConnectorError::Misconfigured { detail },
    }
}

/// What a success means whose body is not what the API gives.
pub(crate) fn unreadable(answer: &Answer, effect: Effect, what: &str) -> ConnectorError {
    if effect == Effect::Read && answer.is_html() {
        return ConnectorError::Misconfigured {
            detail: "a web page answers where Mautic's API should: check the URL".to_owned(),
        };
    }
    in_doubt(effect, format!("HTTP {} with an unusable body: {what}", answer.status))
}

fn in_doubt(effect: Effect, detail: String) -> ConnectorError {
    match effect {
        Effect::Read => ConnectorError::Unavailable { detail },
        Effect::Write => ConnectorError::Doubtful { detail },
    }
}

fn unavailable(status: u16) -> ConnectorError {
    ConnectorError::Unavailable { detail: format!("HTTP {status}") }
}

fn unauthorized(message: &str) -> ConnectorError {
    ConnectorError::Unauthorized { detail: format!("Mautic refuses the credentials: {message}") }
}

/// The three meanings of 403.
fn forbidden(told: &Told) -> ConnectorError {
    match told.kind.as_deref() {
        Some("api_disabled" | "access_denied") => {
            ConnectorError::Misconfigured { detail: format!("Mautic says: {}", told.message) }
        }
        _ => ConnectorError::Forbidden {
            detail:
                "the role of our Mautic user does not allow this: it needs lead:leads viewown, viewother, \
                     create, editown and editother"
                    .to_owned(),
        },
    }
}

/// Mautic's words about an error.
#[derive(Debug)]
struct Told {
    message: String,
    kind: Option<String>,
    fields: BTreeMap<String, String>,
    /// Errors of the API itself have this member, errors of the layers before it do not.
    has_details: bool,
}

#[derive(Deserialize)]
struct Envelope {
    errors: Vec<WireError>,
}

#[derive(Deserialize)]
struct WireError {
    #[serde(default)]
    message: String,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    details: Option<serde_json::Value>,
}

impl Told {
    fn of(answer: &Answer) -> Option<Self> {
        let mut envelope: Envelope = answer.json().ok()?;
        if envelope.errors.is_empty() {
            return None;
        }
        let error = envelope.errors.swap_remove(0);
        let has_details = error.details.is_some();
        let fields = match error.details {
            Some(serde_json::Value::Object(details)) => {
                details.into_iter().map(|(field, words)| (field, cut(&joined(&words)))).collect()
            }
            _ => BTreeMap::new(),
        };
        Some(Self { message: cut(&error.message), kind: error.kind, fields, has_details })
    }
}

/// The words about one field: a list of texts, sometimes nested.
fn joined(words: &serde_json::Value) -> String {
    match words {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(list) => list.iter().map(joined).collect::<Vec<_>>().join("; "),
        serde_json::Value::Object(map) => map.values().map(joined).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MESSAGE_LIMIT_CHARS).collect()
}
