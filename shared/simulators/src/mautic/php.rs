//! Values as PHP has them: ordered arrays, the text that `json_encode` and `serialize` make of them.

use std::fmt::Write as _;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A PHP value. A [`Php::Map`] is an array with keys; an empty one is written `[]`, as PHP does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Php {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Php>),
    Map(IndexMap<String, Php>),
}

/// What `json_encode` does with a float that has no fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fractions {
    /// `12.0`: the REST API.
    Kept,
    /// `12`: webhooks.
    Dropped,
}

impl Php {
    pub(crate) fn text(value: impl Into<String>) -> Self {
        Self::Text(value.into())
    }

    pub(crate) fn optional_text(value: Option<&String>) -> Self {
        value.map_or(Self::Null, |text| Self::Text(text.clone()))
    }

    pub(crate) fn id(value: u64) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }

    pub(crate) fn map<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// An empty array.
    pub(crate) fn empty() -> Self {
        Self::List(Vec::new())
    }

    /// An array with these keys: a list when they count from 0.
    pub(crate) fn array(entries: IndexMap<String, Self>) -> Self {
        if entries.keys().enumerate().all(|(position, key)| *key == position.to_string()) {
            Self::List(entries.into_values().collect())
        } else {
            Self::Map(entries)
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.get(key),
            Self::List(items) => items.get(key.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// Null or the empty string.
    pub(crate) fn is_blank(&self) -> bool {
        matches!(self, Self::Null) || matches!(self, Self::Text(text) if text.is_empty())
    }

    /// What PHP's `empty()` says.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Null | Self::Bool(false) | Self::Int(0) => true,
            Self::Float(number) => *number == 0.0,
            Self::Text(text) => text.is_empty() || text == "0",
            Self::List(items) => items.is_empty(),
            Self::Map(entries) => entries.is_empty(),
            _ => false,
        }
    }

    /// A scalar as text, as PHP casts it; nothing for null and arrays.
    pub(crate) fn as_text(&self) -> Option<String> {
        match self {
            Self::Null | Self::List(_) | Self::Map(_) => None,
            Self::Bool(value) => Some(if *value { "1".to_owned() } else { String::new() }),
            Self::Int(number) => Some(number.to_string()),
            Self::Float(number) => Some(float_text(*number, Fractions::Dropped)),
            Self::Text(text) => Some(text.clone()),
        }
    }

    /// A number, or a text that is one.
    pub(crate) fn as_number(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "PHP casts the same way")]
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Text(text) => {
                let digits = text.trim();
                let plain = digits.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first));
                plain.then(|| digits.parse::<f64>().ok()).flatten().filter(|number| number.is_finite())
            }
            _ => None,
        }
    }

    /// The whole part of a number, as `(int)` gives it.
    #[expect(clippy::cast_possible_truncation, reason = "this is PHP's cast")]
    pub(crate) fn as_int(&self) -> Option<i64> {
        if let Self::Int(number) = self {
            return Some(*number);
        }
        if let Self::Bool(value) = self {
            return Some(i64::from(*value));
        }
        self.as_number().map(|number| number as i64)
    }

    /// The items of a list, or the values of an array with keys.
    pub(crate) fn items(&self) -> Vec<&Self> {
        match self {
            Self::List(items) => items.iter().collect(),
            Self::Map(entries) => entries.values().collect(),
            _ => Vec::new(),
        }
    }

    /// Keys and values; a list counts from 0.
    pub(crate) fn entries(&self) -> IndexMap<String, Self> {
        match self {
            Self::List(items) => items
                .iter()
                .enumerate()
                .map(|(position, item)| (position.to_string(), item.clone()))
                .collect(),
            Self::Map(entries) => entries.clone(),
            _ => IndexMap::new(),
        }
    }

    /// The value without any null in its arrays with keys: the serialiser's default.
    pub(crate) fn without_nulls(self) -> Self {
        match self {
            Self::List(items) => Self::List(items.into_iter().map(Self::without_nulls).collect()),
            Self::Map(entries) => Self::Map(
                entries
                    .into_iter()
                    .filter(|(_, value)| *value != Self::Null)
                    .map(|(key, value)| (key, value.without_nulls()))
                    .collect(),
            ),
            other => other,
        }
    }

    /// The text that `json_encode` makes: slashes escaped, everything beyond ASCII as `\uXXXX`.
    pub(crate) fn encode(&self, fractions: Fractions) -> String {
        let mut text = String::new();
        self.encode_into(&mut text, fractions);
        text
    }

    fn encode_into(&self, text: &mut String, fractions: Fractions) {
        match self {
            Self::Null => text.push_str("null"),
            Self::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
            Self::Int(number) => text.push_str(&number.to_string()),
            Self::Float(number) => text.push_str(&float_text(*number, fractions)),
            Self::Text(value) => encode_text(value, text),
            Self::List(items) => {
                text.push('[');
                for (position, item) in items.iter().enumerate() {
                    if position > 0 {
                        text.push(',');
                    }
                    item.encode_into(text, fractions);
                }
                text.push(']');
            }
            Self::Map(entries) if entries.is_empty() => text.push_str("{}"),
            Self::Map(entries) => {
                text.push('{');
                for (position, (key, value)) in entries.iter().enumerate() {
                    if position > 0 {
                        text.push(',');
                    }
                    encode_text(key, text);
                    text.push(':');
                    value.encode_into(text, fractions);
                }
                text.push('}');
            }
        }
    }

    /// The text that PHP's `serialize` makes: how field properties stand in the database.
    pub(crate) fn serialized(&self) -> String {
        match self {
            Self::Null => "N;".to_owned(),
            Self::Bool(value) => format!("b:{};", i32::from(*value)),
            Self::Int(number) => format!("i:{number};"),
            Self::Float(number) => format!("d:{};", float_text(*number, Fractions::Dropped)),
            Self::Text(text) => format!("s:{}:\"{text}\";", text.len()),
            Self::List(items) => {
                let inner: Vec<String> = items
                    .iter()
                    .enumerate()
                    .map(|(position, item)| format!("i:{position};{}", item.serialized()))
                    .collect();
                format!("a:{}:{{{}}}", items.len(), inner.concat())
            }
            Self::Map(entries) => {
                let inner: Vec<String> = entries
                    .iter()
                    .map(|(key, value)| format!("s:{}:\"{key}\";{}", key.len(), value.serialized()))
                    .collect();
                format!("a:{}:{{{}}}", entries.len(), inner.concat())
            }
        }
    }

    /// The same value for Rust programs.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(number) => Value::from(*number),
            Self::Float(number) => serde_json::Number::from_f64(*number).map_or(Value::Null, Value::Number),
            Self::Text(text) => Value::from(text.clone()),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(entries) => {
                Value::Object(entries.iter().map(|(key, value)| (key.clone(), value.to_json())).collect())
            }
        }
    }
}

impl From<&Value> for Php {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => {
                number.as_i64().map_or_else(|| Self::Float(number.as_f64().unwrap_or(f64::MAX)), Self::Int)
            }
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Object(entries) => {
                Self::Map(entries.iter().map(|(key, value)| (key.clone(), Self::from(value))).collect())
            }
        }
    }
}

fn float_text(number: f64, fractions: Fractions) -> String {
    let text = number.to_string();
    if fractions == Fractions::Kept && !text.contains('.') { format!("{text}.0") } else { text }
}

fn encode_text(value: &str, text: &mut String) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '/' => text.push_str("\\/"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            ' '..='~' => text.push(character),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_as_json_encode_escapes_it() {
        let value = Php::map([("a/b", Php::text("Zo\u{eb} \u{1f389} \"q\" \\ l1\nl2\u{1}"))]);
        assert_eq!(
            value.encode(Fractions::Kept),
            r#"{"a\/b":"Zo\u00eb \ud83c\udf89 \"q\" \\ l1\nl2\u0001"}"#
        );
    }

    #[test]
    fn fractions_are_kept_for_the_api_and_dropped_for_webhooks() {
        assert_eq!(Php::Float(-958.0).encode(Fractions::Kept), "-958.0");
        assert_eq!(Php::Float(-958.0).encode(Fractions::Dropped), "-958");
        assert_eq!(Php::Float(12.34).encode(Fractions::Dropped), "12.34");
    }

    #[test]
    fn properties_are_serialised_as_in_the_database() {
        let properties = Php::map([("no", Php::text("No")), ("yes", Php::text("Yes"))]);
        assert_eq!(properties.serialized(), "a:2:{s:2:\"no\";s:2:\"No\";s:3:\"yes\";s:3:\"Yes\";}");
        assert_eq!(Php::empty().serialized(), "a:0:{}");
    }

    #[test]
    fn a_value_survives_the_snapshot() {
        let value = Php::map([
            ("n", Php::Null),
            ("f", Php::Float(3.0)),
            ("i", Php::Int(3)),
            ("b", Php::Bool(true)),
            ("l", Php::List(vec![Php::text("x")])),
        ]);
        let text = serde_json::to_string(&value).unwrap();
        assert_eq!(serde_json::from_str::<Php>(&text).unwrap(), value);
    }
}
