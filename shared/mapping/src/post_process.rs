//! `postProcess`: what is done to the value of a field after one of its parts.

use model::Value;

use crate::php::compare::truthy;
use crate::php::fault::Fault;
use crate::php::number::{float_cast, int_cast};
use crate::php::{entities, json, text};

/// A function that coreBOS knows by this name; it ignores all others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PostProcess {
    name: &'static str,
    call: fn(&Value) -> Result<Value, Fault>,
}

#[rustfmt::skip]
const KNOWN: [PostProcess; 11] = [
    PostProcess { name: "addslashes", call: |value| on_bytes(value, text::add_slashes) },
    PostProcess { name: "boolval", call: |value| Ok(Value::Bool(truthy(value))) },
    PostProcess { name: "floatval", call: |value| Ok(Value::Float(float_cast(value))) },
    PostProcess { name: "html_entity_decode", call: |value| on_text(value, entities::decode) },
    PostProcess { name: "htmlentities", call: |value| on_text(value, entities::encode) },
    PostProcess { name: "htmlspecialchars", call: |value| on_text(value, entities::encode_special) },
    PostProcess { name: "intval", call: |value| Ok(Value::Int(int_cast(value))) },
    PostProcess { name: "json_decode", call: json_decode },
    PostProcess { name: "json_encode", call: |value| Ok(json::encode(value).map_or(Value::Bool(false), Value::Text)) },
    PostProcess { name: "quotemeta", call: |value| on_bytes(value, text::quote_meta) },
    PostProcess { name: "stripslashes", call: |value| on_bytes(value, text::strip_slashes) },
];

/// The function of a name; upper and lower case count.
pub(crate) fn find(name: &str) -> Option<PostProcess> {
    KNOWN.into_iter().find(|known| known.name == name)
}

/// The names of all functions.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    KNOWN.into_iter().map(|known| known.name)
}

impl PostProcess {
    pub(crate) fn apply(self, value: &Value) -> Result<Value, Fault> {
        (self.call)(value)
    }
}

fn no_array(value: &Value) -> Result<(), Fault> {
    match value {
        Value::Array(_) => Err(Fault::new("TypeError: a text is expected, an array was given")),
        _ => Ok(()),
    }
}

fn on_bytes(value: &Value, change: fn(&[u8]) -> Vec<u8>) -> Result<Value, Fault> {
    no_array(value)?;
    Ok(Value::from_bytes(change(&value.php_bytes())))
}

fn on_text(value: &Value, change: fn(&str) -> String) -> Result<Value, Fault> {
    no_array(value)?;
    Ok(match value {
        // PHP's functions give nothing for bytes that are not UTF-8.
        Value::Bytes(_) => Value::Text(String::new()),
        value => Value::Text(change(&value.php_string())),
    })
}

/// What is PHP-empty becomes null; a text that is no JSON is tried again with its line ends escaped.
fn json_decode(value: &Value) -> Result<Value, Fault> {
    no_array(value)?;
    let bytes = value.php_bytes();
    let first = json::decode(&bytes).filter(truthy);
    let decoded = first.or_else(|| {
        let written = std::str::from_utf8(&bytes).ok()?;
        let escaped = written.replace("\r\n", "\n\n").replace('\r', "\n").replace('\n', "\\n");
        json::decode(escaped.as_bytes()).filter(truthy)
    });
    Ok(decoded.unwrap_or_default())
}
