//! Parameters of a webservice call, the way PHP finds them in the address and the body.

use std::collections::HashMap;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Uri};
use serde_json::{Map, Value};

use super::problem::Problem;
use super::value::php_text;

/// Parameters by name; those of the body win over those of the address.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(HashMap<String, Value>);

impl Parameters {
    /// A JSON body counts only when there is no other parameter and it names an operation.
    pub(crate) fn read(uri: &Uri, headers: Option<&HeaderMap>, body: &[u8]) -> Self {
        let mut found = HashMap::new();
        let mut add = |bytes: &[u8]| {
            for (name, value) in url::form_urlencoded::parse(bytes) {
                found.insert(name.into_owned(), Value::String(value.into_owned()));
            }
        };
        add(uri.query().unwrap_or_default().as_bytes());
        let kind = headers
            .and_then(|headers| headers.get(CONTENT_TYPE))
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default()
            .to_ascii_lowercase();
        // Without headers (the log, the faults) a body that is no JSON object is taken for a form.
        let looks_like_json = body.trim_ascii_start().first() == Some(&b'{');
        if kind.starts_with("application/x-www-form-urlencoded") || (headers.is_none() && !looks_like_json) {
            add(body);
        }
        if found.is_empty()
            && let Ok(Value::Object(map)) = serde_json::from_slice(body)
            && map.get("operation").is_some_and(|operation| !php_text(operation).is_empty())
        {
            found.extend(map);
        }
        Self(found)
    }

    /// The text of a parameter, empty when there is none.
    ///
    /// # Errors
    /// PHP dies of structured values: parameters that are JSON must come as text, also inside of a JSON body (A104).
    pub(crate) fn text(&self, name: &str) -> Result<String, Problem> {
        match self.0.get(name) {
            None => Ok(String::new()),
            Some(Value::Array(_) | Value::Object(_)) => Err(Problem::Crash),
            Some(value) => Ok(php_text(value)),
        }
    }

    /// A parameter that is a JSON object; anything else counts as an empty one.
    pub(crate) fn object(&self, name: &str) -> Result<Map<String, Value>, Problem> {
        Ok(match serde_json::from_str(&self.text(name)?) {
            Ok(Value::Object(map)) => map,
            _ => Map::new(),
        })
    }

    /// A parameter that is a JSON array; PHP dies of counting anything else.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<Value>, Problem> {
        match serde_json::from_str(&self.text(name)?) {
            Ok(Value::Array(items)) => Ok(items),
            Ok(Value::Object(items)) => Ok(items.into_iter().map(|(_, item)| item).collect()),
            _ => Err(Problem::Crash),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(kind: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        headers
    }

    #[test]
    fn a_json_body_counts_only_without_other_parameters() {
        let body = br#"{"operation":"query","query":"x"}"#;
        let json = headers("application/json");
        let alone = Parameters::read(&"/webservice.php".parse().unwrap(), Some(&json), body);
        assert_eq!(alone.text("query").unwrap(), "x");
        let beside = Parameters::read(&"/webservice.php?format=json".parse().unwrap(), Some(&json), body);
        assert_eq!(beside.text("operation").unwrap(), "");
    }

    #[test]
    fn structured_values_kill_php() {
        let json = headers("application/json");
        let body = br#"{"operation":"create","element":{"a":1}}"#;
        let read = Parameters::read(&"/".parse().unwrap(), Some(&json), body);
        assert_eq!(read.text("element"), Err(Problem::Crash));
        assert_eq!(read.object("element"), Err(Problem::Crash));
        assert_eq!(read.list("nothing"), Err(Problem::Crash));
    }

    #[test]
    fn the_body_wins_over_the_address() {
        let form = headers("application/x-www-form-urlencoded; charset=utf-8");
        let read = Parameters::read(&"/?id=1&a=b".parse().unwrap(), Some(&form), b"id=2+3%26");
        assert_eq!(read.text("id").unwrap(), "2 3&");
        assert_eq!(read.text("a").unwrap(), "b");
    }
}
