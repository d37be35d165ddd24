//! HubSpot's refusals as what to do next.
//!
//! Source: HubSpot's API guide, "Error handling"; texts in quotes are HubSpot's.

use std::collections::BTreeMap;
use std::time::Duration;

use http_client::{Answer, Effect, TransportError};
use serde::Deserialize;
use serde_json::Value as Json;
use sync::ConnectorError;

/// The longest text of HubSpot's that is kept, in characters.
const MESSAGE_LIMIT_CHARS: usize = 500;
/// How long to wait after the limit of ten seconds was met.
const TEN_SECONDS: Duration = Duration::from_secs(10);
/// How long to wait after the limit of a second was met: search.
const SECOND: Duration = Duration::from_secs(1);
/// How long to wait after the limit of a day was met. It ends at midnight of the portal; asking again each hour is
/// cheap, and finds a limit that was raised.
const HOUR: Duration = Duration::from_hours(1);
/// How long a locked record is left alone.
const LOCKED: Duration = Duration::from_secs(2);

/// What an answer that is no success means.
///
/// | status | HubSpot says | it becomes |
/// |---|---|---|
/// | 400 | `VALIDATION_ERROR`, with the properties | Rejected, by field |
/// | 400 | `BAD_REFRESH_TOKEN` | Unauthorized |
/// | 400, 409, 414 | otherwise | Rejected |
/// | 401 | `INVALID_AUTHENTICATION`, `EXPIRED_AUTHENTICATION` | Unauthorized |
/// | 403 | `MISSING_SCOPES` | Misconfigured, with the scopes verbatim |
/// | 403 | otherwise | Forbidden |
/// | 404 | "resource not found" | Gone |
/// | 423 | locked | `RateLimited`, 2 s |
/// | 429 | `policyName` | `RateLimited`: 1 s, 10 s, or an hour |
/// | 477 | the portal moves to another data centre | `RateLimited`, until `Retry-After` |
/// | 3xx | | Misconfigured |
/// | 503 | | Unavailable |
/// | anything else | | Unavailable for a read, Doubtful for a write |
pub(crate) fn refusal(answer: &Answer, effect: Effect) -> ConnectorError {
    let status = answer.status;
    if answer.is_redirect() {
        let detail =
            format!("HubSpot's URL answers with a redirect (HTTP {status}): write https://api.hubapi.com");
        return ConnectorError::Misconfigured { detail };
    }
    let told: Told = answer.json().unwrap_or_default();
    let message = cut(&told.message);
    match status {
        400 if told.category.as_deref() == Some("BAD_REFRESH_TOKEN") => unauthorized(&message),
        400 | 409 | 414 => ConnectorError::Rejected { fields: told.fields(), message },
        401 => unauthorized(&message),
        403 => told.forbidden(message),
        404 if told.status.is_some() => ConnectorError::Gone,
        404 => ConnectorError::Misconfigured {
            detail: "this is not HubSpot's API (HTTP 404 without its words): check the URL".to_owned(),
        },
        423 => ConnectorError::RateLimited { retry_after: Some(LOCKED) },
        429 => ConnectorError::RateLimited { retry_after: Some(patience(answer)) },
        477 => ConnectorError::RateLimited { retry_after: answer.retry_after().or(Some(HOUR)) },
        503 => ConnectorError::Unavailable { detail: format!("HTTP {status}") },
        _ => in_doubt(effect, format!("HTTP {status}")),
    }
}

/// How long a limit that was met asks us to wait.
pub(crate) fn patience(answer: &Answer) -> Duration {
    answer.retry_after().unwrap_or_else(|| answer.json::<Told>().unwrap_or_default().pause())
}

/// The id of the record that stands in the way of a create, from the words of a conflict.
pub(crate) fn existing_id(answer: &Answer) -> Option<String> {
    if answer.status != 409 {
        return None;
    }
    let told: Told = answer.json().ok()?;
    let (_, after) = told.message.split_once("Existing ID:")?;
    let id: String = after.trim_start().chars().take_while(char::is_ascii_digit).collect();
    (!id.is_empty()).then_some(id)
}

/// The scopes that a refusal names; none where it is about something else.
pub(crate) fn missing_scopes(answer: &Answer) -> Vec<String> {
    let told: Told = answer.json().unwrap_or_default();
    told.scopes().into_iter().map(str::to_owned).collect()
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
            detail: "a web page answers where HubSpot's API should: check the URL".to_owned(),
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

fn unauthorized(message: &str) -> ConnectorError {
    ConnectorError::Unauthorized { detail: format!("HubSpot refuses the token: {message}") }
}

/// HubSpot's words about an error. Every member may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Told {
    status: Option<String>,
    message: String,
    category: Option<String>,
    policy_name: Option<String>,
    errors: Vec<ToldOfField>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ToldOfField {
    message: String,
    context: BTreeMap<String, Json>,
}

impl Told {
    /// The words about each property.
    fn fields(&self) -> BTreeMap<String, String> {
        let mut fields = BTreeMap::new();
        for error in &self.errors {
            let named = error.context.get("propertyName").and_then(Json::as_array).into_iter().flatten();
            for name in named.filter_map(Json::as_str) {
                fields.insert(name.to_owned(), cut(&error.message));
            }
        }
        fields
    }

    fn forbidden(&self, message: String) -> ConnectorError {
        if self.category.as_deref() != Some("MISSING_SCOPES") {
            return ConnectorError::Forbidden { detail: message };
        }
        ConnectorError::Misconfigured {
            detail: format!("the HubSpot token lacks a scope; give it one of: {}", self.scopes().join(", ")),
        }
    }

    /// The scopes of which one is missing.
    fn scopes(&self) -> Vec<&str> {
        let named = self.errors.iter().filter_map(|error| error.context.get("requiredGranularScopes"));
        named.filter_map(Json::as_array).flatten().filter_map(Json::as_str).collect()
    }

    fn pause(&self) -> Duration {
        match self.policy_name.as_deref() {
            Some("DAILY") => HOUR,
            Some("SECONDLY") => SECOND,
            _ => TEN_SECONDS,
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MESSAGE_LIMIT_CHARS).collect()
}
