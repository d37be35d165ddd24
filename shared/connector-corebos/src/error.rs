//! coreBOS's refusals as what to do next.

use std::collections::BTreeMap;

use http_client::{Answer, Effect, TransportError};
use serde_json::Value as Json;
use sync::ConnectorError;

use crate::wire::{Envelope, WireError};

/// The longest text of coreBOS's that is kept, in characters.
const MESSAGE_LIMIT_CHARS: usize = 500;

/// What an answer of HTTP 500 without JSON is told as.
const BROKE_OFF: &str = "HTTP 500 and no answer of the webservice";

/// Whether coreBOS broke off: an exception that it caught, or one that ended PHP.
pub(crate) fn broke_off(error: &ConnectorError, refused: Option<&WireError>) -> bool {
    refused.is_some_and(|refused| refused.code == "INTERNAL_SERVER_ERROR")
        || matches!(error, ConnectorError::Unavailable { detail } if detail == BROKE_OFF)
}

/// Codes that say that the session is over. Nothing was done; a new login helps.
///
/// All of expired, unknown and missing sessions answer the first one in practice, and so does a session that was
/// used with another User-Agent.
pub(crate) fn is_session_over(code: &str) -> bool {
    matches!(
        code,
        "AUTHENTICATION_REQUIRED"
            | "SESSION_EXPIRED"
            | "SESSION_LEFT_IDLE"
            | "INVALID_SESSIONID"
            | "INVALID_AUTH_TOKEN"
    )
}

/// What an error code of an operation means. Messages are coreBOS's words.
pub(crate) fn refusal(error: &WireError, effect: Effect) -> ConnectorError {
    let message = cut(&error.message);
    match error.code.as_str() {
        code if is_session_over(code) => ConnectorError::Unavailable {
            detail: format!("coreBOS refused a session right after the login ({code})"),
        },
        "INVALID_USER_CREDENTIALS" | "AUTHENTICATION_FAILURE" | "INVALID_USER" | "ACCESSKEY_UNDEFINED" => {
            credentials(error)
        }
        // It is there, and nobody can read it: a create with a bad owner leaves such records behind.
        "INVALID_ID_ATTRIBUTE" if message.to_ascii_lowercase().contains("owner") => {
            let detail =
                format!("coreBOS says: {message}. Give it an owner who exists, and look at default_owner");
            ConnectorError::Misconfigured { detail }
        }
        // Deleted, never there, or a record of another module.
        "INVALID_ID_ATTRIBUTE" | "RECORD_NOT_FOUND" => ConnectorError::Gone,
        "ACCESS_DENIED" => ConnectorError::Forbidden { detail: format!("coreBOS says: {message}") },
        // A create that answers the first one may have created the record all the same.
        "DATABASE_QUERY_ERROR" | "INTERNAL_SERVER_ERROR" => {
            in_doubt(effect, format!("coreBOS says {}", error.code))
        }
        "UNKNOWN_OPERATION" | "OPERATION_NOT_SUPPORTED" | "INVALID_MODULE" | "UNKNOWN_ENTITY" => {
            ConnectorError::Misconfigured { detail: format!("coreBOS says: {message} ({})", error.code) }
        }
        // MANDATORY_FIELDS_MISSING, REFERENCE_INVALID, VALIDATION_FAILED, QUERY_SYNTAX_ERROR and whatever a later
        // coreBOS invents: it will say the same again.
        _ => ConnectorError::Rejected { fields: named_fields(&message), message },
    }
}

/// What an error of `getchallenge` or `login` means.
pub(crate) fn login_refusal(error: &WireError) -> ConnectorError {
    match error.code.as_str() {
        // "Given user cannot be found".
        "AUTHENTICATION_REQUIRED" | "ACCESS_DENIED" => credentials(error),
        // The token ended between the two calls.
        code if is_session_over(code) => {
            ConnectorError::Unavailable { detail: format!("the login failed: {code}") }
        }
        _ => refusal(error, Effect::Read),
    }
}

/// What a refused static token means. There is nothing to renew: its end is a date that somebody set.
pub(crate) fn static_token_refused(error: &WireError) -> Option<ConnectorError> {
    is_session_over(&error.code).then(|| ConnectorError::Unauthorized {
        detail: format!(
            "coreBOS refuses the static token ({}): check it, its dates and its owner in the module Credentials",
            error.code
        ),
    })
}

fn credentials(error: &WireError) -> ConnectorError {
    ConnectorError::Unauthorized {
        detail: format!("coreBOS refuses the login ({}): check the user name and the access key", error.code),
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

/// The envelope of an answer. `known` tells whether coreBOS has answered properly before: then a page of HTML is a
/// fault of the moment, else the URL is wrong.
pub(crate) fn envelope(answer: &Answer, effect: Effect, known: bool) -> Result<Envelope, ConnectorError> {
    let status = answer.status;
    if answer.is_success()
        && let Ok(envelope) = answer.json::<Envelope>()
    {
        return Ok(envelope);
    }
    let misconfigured = |detail: String| Err(ConnectorError::Misconfigured { detail });
    match status {
        _ if answer.is_redirect() => misconfigured(format!(
            "coreBOS's URL answers with a redirect (HTTP {status}): write the URL that it leads to"
        )),
        429 => Err(ConnectorError::RateLimited { retry_after: answer.retry_after() }),
        503 => Err(ConnectorError::Unavailable { detail: "HTTP 503".to_owned() }),
        401 | 403 => misconfigured(format!(
            "the web server in front of coreBOS refuses our requests (HTTP {status}): it must let webservice.php pass"
        )),
        404 => misconfigured("there is no webservice.php at this URL (HTTP 404): check the URL".to_owned()),
        200 if is_switched_off(&answer.body) => misconfigured(
            "coreBOS says \"Service is not active\": the webservice is switched off (global variable \
             Webservice_Enabled) or in maintenance"
                .to_owned(),
        ),
        200..=299 if effect == Effect::Read && !known => {
            misconfigured("no coreBOS webservice answers at this URL: check the URL".to_owned())
        }
        400..=499 if effect == Effect::Read && !known => {
            misconfigured(format!("HTTP {status}: check the URL"))
        }
        500 => Err(in_doubt(effect, BROKE_OFF.to_owned())),
        _ => Err(in_doubt(effect, format!("HTTP {status} and no answer of the webservice"))),
    }
}

/// Says what `success: false` without an error means: the fields that a validation map refused.
pub(crate) fn validation(result: &Json) -> ConnectorError {
    let words = |json: &Json| match json {
        Json::Array(list) => list.iter().filter_map(Json::as_str).collect::<Vec<_>>().join("; "),
        Json::String(text) => text.clone(),
        _ => String::new(),
    };
    let fields = match result {
        Json::Object(map) => map.iter().map(|(field, said)| (field.clone(), cut(&words(said)))).collect(),
        _ => BTreeMap::new(),
    };
    ConnectorError::Rejected { message: "coreBOS's validation refuses the record".to_owned(), fields }
}

pub(crate) fn in_doubt(effect: Effect, detail: String) -> ConnectorError {
    match effect {
        Effect::Read => ConnectorError::Unavailable { detail },
        Effect::Write => ConnectorError::Doubtful { detail },
    }
}

fn is_switched_off(body: &[u8]) -> bool {
    body.len() < 1_000 && String::from_utf8_lossy(body).contains("Service is not active")
}

/// The field that a message names: "Last Name (lastname) does not have a value", "Invalid reference specified for
/// `account_id`".
fn named_fields(message: &str) -> BTreeMap<String, String> {
    let in_brackets =
        message.rsplit_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(name, _)| name);
    let at_the_end = message.strip_prefix("Invalid reference specified for ").map(str::trim);
    let is_name = |name: &&str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    in_brackets
        .or(at_the_end)
        .filter(is_name)
        .map(|name| (name.to_owned(), message.to_owned()))
        .into_iter()
        .collect()
}

fn cut(text: &str) -> String {
    text.chars().take(MESSAGE_LIMIT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str, message: &str) -> WireError {
        WireError { code: code.to_owned(), message: message.to_owned() }
    }

    /// One row per code: as a read, as a write.
    #[test]
    fn every_code_has_its_disposition() {
        for (code, read, write) in [
            ("AUTHENTICATION_REQUIRED", "unavailable", "unavailable"),
            ("SESSION_LEFT_IDLE", "unavailable", "unavailable"),
            ("INVALID_USER_CREDENTIALS", "credentials", "credentials"),
            ("INVALID_ID_ATTRIBUTE", "gone", "gone"),
            ("ACCESS_DENIED", "not_permitted", "not_permitted"),
            ("DATABASE_QUERY_ERROR", "unavailable", "doubtful"),
            ("INTERNAL_SERVER_ERROR", "unavailable", "doubtful"),
            ("UNKNOWN_OPERATION", "configuration", "configuration"),
            ("MANDATORY_FIELDS_MISSING", "refused", "refused"),
            ("REFERENCE_INVALID", "refused", "refused"),
            ("QUERY_SYNTAX_ERROR", "refused", "refused"),
            ("INVENTED_TOMORROW", "refused", "refused"),
        ] {
            assert_eq!(refusal(&error(code, "x"), Effect::Read).code(), read, "{code}");
            assert_eq!(refusal(&error(code, "x"), Effect::Write).code(), write, "{code}");
        }
    }

    #[test]
    fn messages_name_their_field() {
        for (message, field) in [
            ("Last Name (lastname) does not have a value", Some("lastname")),
            ("Assigned To (assigned_user_id) does not have a value", Some("assigned_user_id")),
            ("Budget (EUR) (cf_731) does not have a value", Some("cf_731")),
            ("Invalid reference specified for account_id", Some("account_id")),
            ("Something (else) went wrong (Really)", None),
            ("No brackets", None),
            ("(", None),
        ] {
            let named = named_fields(message);
            assert_eq!(named.keys().next().map(String::as_str), field, "{message}");
        }
    }
}
