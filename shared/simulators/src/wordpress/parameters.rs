//! The parameters of a call, wherever they stand, and the checks that come before anything else is asked.

use serde_json::{Map, Value as Json, json};
use url::form_urlencoded;

use super::answer::Answer;
use super::clean;

/// Parameters of the query and of the body; the body's count.
#[derive(Debug, Default, Clone)]
pub(crate) struct Parameters {
    values: Map<String, Json>,
}

impl Parameters {
    /// Reads query and body.
    pub(crate) fn read(query: &str, content_type: &str, body: &[u8]) -> Result<Self, Answer> {
        let mut values = form(query.as_bytes());
        if content_type.starts_with("application/json") && !body.is_empty() {
            let Ok(Json::Object(sent)) = serde_json::from_slice(body) else { return Err(invalid_json()) };
            values.extend(sent);
        } else if content_type.starts_with("application/x-www-form-urlencoded") {
            values.extend(form(body));
        }
        Ok(Self { values })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Json> {
        self.values.get(name).filter(|value| !value.is_null())
    }

    /// A text; numbers become one.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            Json::String(text) => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A list of texts; a text is split at commas and blanks, as WordPress does.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<String>> {
        Some(list_of(self.get(name)?))
    }

    pub(crate) fn number(&self, name: &str, or: u64) -> u64 {
        self.text(name).and_then(|text| text.parse().ok()).unwrap_or(or)
    }

    /// Whether a parameter is PHP's idea of true.
    pub(crate) fn flag(&self, name: &str) -> bool {
        match self.get(name) {
            Some(Json::Bool(yes)) => *yes,
            Some(Json::Number(number)) => number.as_f64() != Some(0.0),
            Some(Json::String(text)) => !matches!(text.to_lowercase().as_str(), "" | "0" | "false"),
            _ => false,
        }
    }

    /// What a new or changed user must look like before permissions are looked at.
    pub(crate) fn check_user(&self) -> Result<(), Answer> {
        if let Some(email) = self.text("email")
            && !clean::is_email(&email)
        {
            let message = "Invalid email address.";
            return Err(Answer::invalid_param("email", "rest_invalid_email", message, &Json::Null));
        }
        let refused = |name: &str, code: &str, message: &str| {
            Err(Answer::invalid_param(name, code, message, &json!({ "status": 400 })))
        };
        if let Some(login) = self.text("username")
            && (login.is_empty() || clean::login(&login) != login)
        {
            let message =
                "This username is invalid because it uses illegal characters. Please enter a valid username.";
            return refused("username", "rest_user_invalid_username", message);
        }
        if let Some(password) = self.text("password") {
            if password.is_empty() {
                return refused("password", "rest_user_invalid_password", "Passwords cannot be empty.");
            }
            if password.contains('\\') {
                let message = "Passwords cannot contain the \"\\\" character.";
                return refused("password", "rest_user_invalid_password", message);
            }
        }
        Ok(())
    }

    /// Refuses a call that lacks any of these.
    pub(crate) fn require(&self, names: &[&str]) -> Result<(), Answer> {
        let missing: Vec<&str> = names.iter().filter(|name| !self.has(name)).copied().collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Answer::of(
            400,
            json!({
                "code": "rest_missing_callback_param",
                "message": format!("Missing parameter(s): {}", missing.join(", ")),
                "data": { "status": 400, "params": missing },
            }),
        ))
    }
}

fn form(text: &[u8]) -> Map<String, Json> {
    form_urlencoded::parse(text).map(|(name, value)| (name.into_owned(), json!(value))).collect()
}

/// `rest_parse_list`.
pub(crate) fn list_of(value: &Json) -> Vec<String> {
    match value {
        Json::Array(all) => all.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        Json::String(text) => {
            let parts = text.split(|c: char| c == ',' || c.is_whitespace());
            parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

fn invalid_json() -> Answer {
    Answer::of(
        400,
        json!({
            "code": "rest_invalid_json",
            "message": "Invalid JSON body passed.",
            "data": { "status": 400, "json_error_code": 4, "json_error_message": "Syntax error" },
        }),
    )
}
