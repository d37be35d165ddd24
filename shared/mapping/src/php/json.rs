//! PHP's `json_encode` with `JSON_NUMERIC_CHECK`, and `json_decode` to arrays.

use std::fmt::Write as _;

use model::Value;
use model::value::php_float_shortest;

use super::number::{Number, numeric_string};

/// `json_decode($text, true)`; `None` where PHP gives null because it is not JSON.
pub(crate) fn decode(text: &[u8]) -> Option<Value> {
    // The model reads `{"$b64": ...}` back as bytes, which is no business of a map's.
    let json: serde_json::Value = serde_json::from_slice(text).ok()?;
    match json {
        serde_json::Value::Object(_) | serde_json::Value::Array(_) => ordered(text),
        other => Some(Value::from(other)),
    }
}

fn ordered(text: &[u8]) -> Option<Value> {
    serde_json::from_slice(text).ok()
}

/// `json_encode($value, JSON_NUMERIC_CHECK)`; `None` where PHP gives false.
pub(crate) fn encode(value: &Value) -> Option<String> {
    let mut json = String::new();
    write(&mut json, value)?;
    Some(json)
}

fn write(json: &mut String, value: &Value) -> Option<()> {
    match value {
        Value::Null => json.push_str("null"),
        Value::Bool(value) => json.push_str(if *value { "true" } else { "false" }),
        Value::Int(number) => write!(json, "{number}").ok()?,
        Value::Float(number) if number.is_finite() => json.push_str(&php_float_shortest(*number)),
        Value::Float(_) | Value::Bytes(_) => return None,
        Value::Text(text) => match numeric_string(text.as_bytes()) {
            Some(Number::Int(number)) => write!(json, "{number}").ok()?,
            Some(Number::Float(number)) if number.is_finite() => {
                json.push_str(&php_float_shortest(number));
            }
            _ => write_text(json, text),
        },
        Value::Array(array) if array.is_list() => {
            json.push('[');
            for (position, value) in array.values().enumerate() {
                if position > 0 {
                    json.push(',');
                }
                write(json, value)?;
            }
            json.push(']');
        }
        Value::Array(array) => {
            json.push('{');
            for (position, (key, value)) in array.iter().enumerate() {
                if position > 0 {
                    json.push(',');
                }
                write_text(json, &key.text());
                json.push(':');
                write(json, value)?;
            }
            json.push('}');
        }
    }
    Some(())
}

fn write_text(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '/' => json.push_str("\\/"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            ' '..='~' => json.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(json, "\\u{unit:04x}");
                }
            }
        }
    }
    json.push('"');
}
