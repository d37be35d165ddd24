//! WordPress's refusals as what to do next.
//!
//! Recorded from WordPress 6.1.9; codes are WordPress's.

use std::collections::BTreeMap;

use http_client::{Answer, Effect, TransportError};
use serde::Deserialize;
use serde_json::Value as Json;
use sync::ConnectorError;

use crate::wire::our_name;

/// The longest text of WordPress's that is kept, in characters.
const MESSAGE_LIMIT_CHARS: usize = 500;

/// What an answer that is no success means.
///
/// | status | code | it becomes |
/// |---|---|---|
/// | 400 | `rest_invalid_param`, `rest_invalid_type`, `rest_user_invalid_email`, `rest_user_invalid_role` | Rejected, by field |
/// | 400 | any other | Rejected |
/// | 401 | any | Unauthorized |
/// | 403 | `rest_user_invalid_role` | Rejected, by field |
/// | 403 | `rest_cannot_edit`, `rest_cannot_edit_roles` | Forbidden |
/// | 403 | `rest_forbidden_context`, where one user is read | Forbidden |
/// | 403 | any other of the API | Misconfigured: a capability is missing |
/// | 403 | a web page | Misconfigured: a firewall |
/// | 404 | `rest_user_invalid_id` | Gone |
/// | 404 | any other | Misconfigured |
/// | 429 | | `RateLimited` |
/// | 500 | `existing_user_login`, `existing_user_email`, `user_login_too_long` | Rejected, by field |
/// | 3xx | | Misconfigured |
/// | 503 | | Unavailable |
/// | anything else | | Unavailable for a read, Doubtful for a write |
pub(crate) fn refusal(answer: &Answer, effect: Effect) -> ConnectorError {
    let status = answer.status;
    let misconfigured = |detail: String| ConnectorError::Misconfigured { detail };
    if answer.is_redirect() {
        return misconfigured(format!(
            "the site answers with a redirect (HTTP {status}): write its exact address, https and www included"
        ));
    }
    let told: Option<Told> = answer.json().ok();
    let code = told.as_ref().map(|told| told.code.as_str()).unwrap_or_default();
    match (status, code) {
        (401, _) => unauthorized(),
        (400, _)
        | (403, "rest_user_invalid_role")
        | (500, "existing_user_login" | "existing_user_email" | "user_login_too_long") => {
            rejected(told.as_ref(), code)
        }
        (403, "rest_cannot_edit" | "rest_cannot_edit_roles") => staff(),
        (403, "") => misconfigured(
            "something in front of WordPress refuses us (HTTP 403 with a web page): let /wp-json/wp/v2/users through \
             the firewall or security plugin"
                .to_owned(),
        ),
        (403, code) => misconfigured(format!(
            "our WordPress user may not do this ({code}): its role needs the capabilities list_users, create_users, \
             edit_users and promote_users"
        )),
        (404, "rest_user_invalid_id") => ConnectorError::Gone,
        (404, _) => misconfigured(
            "there is no REST API of WordPress at this URL (HTTP 404): check the URL; where permalinks are plain, set \
             plain_permalinks of this site"
                .to_owned(),
        ),
        (429, _) => ConnectorError::RateLimited { retry_after: answer.retry_after() },
        (503, _) => ConnectorError::Unavailable { detail: format!("HTTP {status}") },
        _ => in_doubt(effect, format!("HTTP {status} {code}").trim_end().to_owned()),
    }
}

/// The user works on the site, and is out of our reach.
pub(crate) fn staff() -> ConnectorError {
    ConnectorError::Forbidden {
        detail: "WordPress does not let our user edit this user: it belongs to the staff of the site"
            .to_owned(),
    }
}

/// Whether WordPress knows us and does not show us what an editor would see.
pub(crate) fn forbids_context(answer: &Answer) -> bool {
    let told: Option<Told> = answer.json().ok();
    answer.status == 403 && told.is_some_and(|told| told.code == "rest_forbidden_context")
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
            detail: "a web page answers where WordPress's REST API should: check the URL, and that no firewall or \
                     security plugin stands before /wp-json"
                .to_owned(),
        };
    }
    in_doubt(effect, format!("HTTP {} with an unusable body: {what}", answer.status))
}

pub(crate) fn unauthorized() -> ConnectorError {
    ConnectorError::Unauthorized {
        detail: "WordPress takes us for a stranger: check the login and the application password; some servers take the \
                 Authorization header away before PHP sees it"
            .to_owned(),
    }
}

fn in_doubt(effect: Effect, detail: String) -> ConnectorError {
    match effect {
        Effect::Read => ConnectorError::Unavailable { detail },
        Effect::Write => ConnectorError::Doubtful { detail },
    }
}

fn rejected(told: Option<&Told>, code: &str) -> ConnectorError {
    let Some(told) = told else {
        return ConnectorError::Rejected { message: "HTTP 400".to_owned(), fields: BTreeMap::new() };
    };
    let message = cut(&told.message);
    let mut fields = told.fields();
    let named = match code {
        "existing_user_login" | "user_login_too_long" | "rest_user_invalid_username" => Some("user_login"),
        "existing_user_email" | "rest_user_invalid_email" => Some("user_email"),
        "rest_user_invalid_role" => Some("role"),
        _ => None,
    };
    if let Some(name) = named {
        fields.insert(name.to_owned(), message.clone());
    }
    ConnectorError::Rejected { message, fields }
}

/// WordPress's words about an error. Every member may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Told {
    code: String,
    message: String,
    data: Json,
    additional_data: Json,
}

impl Told {
    /// The words about each parameter, under our names.
    fn fields(&self) -> BTreeMap<String, String> {
        let mut fields = BTreeMap::new();
        if let Some(params) = self.data.get("params").and_then(Json::as_object) {
            for (name, words) in params {
                let words = words.as_str().unwrap_or(&self.message);
                fields.insert(our_name(name).to_owned(), cut(words));
            }
        }
        let further = self.additional_data.as_array().into_iter().flatten();
        for name in further.filter_map(|each| each.get("param")?.as_str()) {
            fields.insert(our_name(name).to_owned(), cut(&self.message));
        }
        fields
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MESSAGE_LIMIT_CHARS).collect()
}
