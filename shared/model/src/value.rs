//! Field values as PHP and JSON know them: what records hold, what field maps read and make.
//!
//! coreBOS is written in PHP and its field maps mean what PHP makes of them, so the value type has PHP's
//! types, its ordered array and its conversions. `Debug` never shows a value, because values are personal
//! data; [`Value::revealed`] shows them where that is wanted.

mod array;
mod fields;
mod json;
mod php_float;

use std::borrow::Cow;
use std::fmt;

pub use array::{Array, Key};
pub use fields::Fields;
use json::decode_markers;
pub use php_float::{php_float, php_float_shortest};

/// One value.
///
/// As JSON it is what it looks like; an [`Array`] with the keys 0 to n-1 is a list, any other an object.
/// Bytes and floats that JSON cannot hold are written as `{"$b64": ...}` and `{"$float": "NAN"}`, and read
/// back. Integers beyond 64 bits become floats, as in PHP.
#[derive(Clone, Default, PartialEq)]
pub enum Value {
    /// PHP's `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A double; may be infinite or not a number.
    Float(f64),
    /// Text.
    Text(String),
    /// A PHP string that is not valid UTF-8. Text that is valid is always [`Value::Text`].
    Bytes(Vec<u8>),
    /// PHP's ordered map, lists included.
    Array(Array),
}

impl Value {
    /// The value of a PHP string: text where the bytes are UTF-8.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Bytes(error.into_bytes()),
        }
    }

    /// What PHP's `(string)` gives, as bytes: `1` for true, nothing for false and null, fourteen digits
    /// for floats, `Array` for arrays.
    pub fn php_bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Text(text) => Cow::Borrowed(text.as_bytes()),
            Self::Bytes(bytes) => Cow::Borrowed(bytes),
            other => match other.php_string() {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            },
        }
    }

    /// What PHP's `(string)` gives, as text; bytes that are not UTF-8 become U+FFFD.
    pub fn php_string(&self) -> Cow<'_, str> {
        match self {
            Self::Null | Self::Bool(false) => Cow::Borrowed(""),
            Self::Bool(true) => Cow::Borrowed("1"),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Float(number) => Cow::Owned(php_float(*number)),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes),
            Self::Array(_) => Cow::Borrowed("Array"),
        }
    }

    /// Whether PHP's `empty()` holds: null, false, 0, 0.0, '', '0' and the array without elements.
    pub fn is_php_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(value) => !value,
            Self::Int(number) => *number == 0,
            Self::Float(number) => *number == 0.0,
            Self::Text(text) => text.is_empty() || text == "0",
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Array(array) => array.is_empty(),
        }
    }

    /// Whether there is nothing in it: null or an empty string. What "blank" means between systems.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            Self::Bytes(bytes) => bytes.is_empty(),
            _ => false,
        }
    }

    /// The text, if the value is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The array, if the value is one.
    pub fn as_array(&self) -> Option<&Array> {
        match self {
            Self::Array(array) => Some(array),
            _ => None,
        }
    }

    /// The JSON of the value. Members keep their order only in [`Value::to_json_text`].
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The JSON of the value as text, members in order.
    pub fn to_json_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The value in a form that shows what it holds. Never for logs and error texts.
    pub fn revealed(&self) -> Revealed<'_> {
        Revealed(self)
    }
}

/// A value that shows what it holds when printed, as JSON. Made by [`Value::revealed`] on purpose.
#[derive(Clone, Copy, PartialEq)]
pub struct Revealed<'a>(&'a Value);

impl fmt::Display for Revealed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_json_text())
    }
}

impl fmt::Debug for Revealed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Shows the type and the length only.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Bool(_) => f.write_str("Bool"),
            Self::Int(_) => f.write_str("Int"),
            Self::Float(_) => f.write_str("Float"),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::Array(array) => write!(f, "Array({} elements)", array.len()),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Array> for Value {
    fn from(value: Array) -> Self {
        Self::Array(value)
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(value),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(integer) => Self::Int(integer),
                None => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(text) => Self::Text(text),
            serde_json::Value::Array(list) => {
                Self::Array(list.into_iter().map(Self::from).collect::<Array>())
            }
            serde_json::Value::Object(object) => {
                let array: Array =
                    object.into_iter().map(|(name, value)| (Key::from(name), Self::from(value))).collect();
                decode_markers(array)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_php_writes_them() {
        for (number, expected) in [
            (1.0, "1"),
            (0.1 + 0.2, "0.3"),
            (1e25, "1.0E+25"),
            (-1.5, "-1.5"),
            (1e14, "1.0E+14"),
            (1e13, "10000000000000"),
            (0.0001, "0.0001"),
            (0.00001, "1.0E-5"),
            (-0.0, "-0"),
            (1_234_567.891, "1234567.891"),
            (f64::NAN, "NAN"),
            (f64::NEG_INFINITY, "-INF"),
        ] {
            assert_eq!(php_float(number), expected);
        }
        assert_eq!(php_float_shortest(0.1 + 0.2), "0.30000000000000004");
        assert_eq!(php_float_shortest(1e19), "1.0e+19");
    }

    #[test]
    fn text_keys_that_are_integers_become_integers() {
        assert_eq!(Key::from("12"), Key::Int(12));
        assert_eq!(Key::from("-3"), Key::Int(-3));
        for text in ["012", "-0", "+1", " 1", "", "-", "1.0", "9223372036854775808"] {
            assert_eq!(Key::from(text), Key::Text(text.to_owned()));
        }
    }

    #[test]
    fn json_is_read_and_written_back_in_order() {
        for json in [
            r#"{"z":1,"a":[1,2.5,null,true,"é"],"m":{"1":"x","0":"y"}}"#,
            r#"{"bytes":{"$b64":"//4="},"nan":{"$float":"INF"},"list":[],"whole":2.0}"#,
        ] {
            let fields: Fields = serde_json::from_str(json).unwrap();
            assert_eq!(fields.to_json_text(), json);
        }
        let fields: Fields = serde_json::from_str("[]").unwrap();
        assert!(fields.is_empty());
        assert!(serde_json::from_str::<Fields>("[1]").is_err());
        let great: Value = serde_json::from_str("9223372036854775808").unwrap();
        assert_eq!(great, Value::Float(9_223_372_036_854_775_808.0));
    }

    #[test]
    fn an_object_with_list_keys_is_a_list() {
        let value: Value = serde_json::from_str(r#"{"0":"a","1":"b"}"#).unwrap();
        assert_eq!(value.to_json_text(), r#"["a","b"]"#);
    }

    #[test]
    fn debug_shows_no_value() {
        let fields: Fields = [("email", "jane@example.org")].into_iter().collect();
        let shown = format!("{fields:?} {:?}", Value::from("jane@example.org"));
        assert!(!shown.contains("jane"), "{shown}");
        assert_eq!(Value::from("jane").revealed().to_string(), "\"jane\"");
    }

    #[test]
    fn emptiness_is_php_s() {
        for value in
            [Value::Null, false.into(), 0.into(), 0.0.into(), "".into(), "0".into(), Array::new().into()]
        {
            assert!(value.is_php_empty());
        }
        for value in [Value::from("0.0"), " ".into(), true.into(), 1.into()] {
            assert!(!value.is_php_empty());
        }
    }

    #[test]
    fn the_next_position_follows_the_greatest_one() {
        let mut array = Array::new();
        array.insert(5, Value::Null);
        array.insert("x", Value::Null);
        array.push(Value::from("a"));
        assert_eq!(array.get(&Key::Int(6)), Some(&Value::from("a")));
        assert!(!array.is_list());
    }
}
