//! The parameters of a request: of its query, of a form, of a flat JSON object.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::Received;

/// The largest body that is looked through for parameters, in bytes. A larger one is a global webhook.
const MAX_BYTES: usize = 64 * 1024;
/// The most parameters that are kept.
const MAX_PARAMETERS: usize = 200;

/// What the body turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// Parameters, or nothing.
    Read,
    /// JSON that is not flat: events, to be read as such.
    Events,
}

/// Texts by name. What the body says wins over the query, as it does in PHP.
pub(super) struct Parameters {
    texts: BTreeMap<String, String>,
    pub(super) body: Body,
}

impl Parameters {
    pub(super) fn of(received: &Received<'_>) -> Self {
        let mut parameters = Self { texts: BTreeMap::new(), body: Body::Read };
        for (name, value) in received.query {
            parameters.put(name, value);
        }
        let body = received.body.trim_ascii();
        // Senders call JSON a form and forms nothing at all: what it looks like decides.
        let says_json = received.content_type.is_some_and(|text| text.to_ascii_lowercase().contains("json"));
        if says_json || body.starts_with(b"{") || body.starts_with(b"[") {
            match flat(body) {
                Some(flat) => flat.iter().for_each(|(name, value)| parameters.put(name, value)),
                None => parameters.body = Body::Events,
            }
        } else if body.len() <= MAX_BYTES {
            for (name, value) in url::form_urlencoded::parse(body) {
                parameters.put(&name, &value);
            }
        }
        parameters
    }

    /// A parameter that is not blank.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    fn put(&mut self, name: &str, value: &str) {
        if self.texts.len() < MAX_PARAMETERS || self.texts.contains_key(name) {
            self.texts.insert(name.to_owned(), value.to_owned());
        }
    }
}

/// The members of a JSON object without lists and objects in it; `None` for any other body.
fn flat(body: &[u8]) -> Option<Vec<(String, String)>> {
    if body.is_empty() {
        return Some(Vec::new());
    }
    if body.len() > MAX_BYTES {
        return None;
    }
    let members: serde_json::Map<String, Json> = serde_json::from_slice(body).ok()?;
    let text = |(name, value): (String, Json)| {
        let value = match value {
            Json::String(text) => text,
            Json::Null => String::new(),
            Json::Bool(yes) => yes.to_string(),
            Json::Number(number) => number.to_string(),
            Json::Array(_) | Json::Object(_) => return None,
        };
        Some((name, value))
    };
    members.into_iter().map(text).collect()
}
