//! Field values as PHP and JSON know them: what records hold, what field maps read and make.
//!
//! coreBOS is written in PHP and its field maps mean what PHP makes of them, so the value type has PHP's
//! types, its ordered array and its conversions. `Debug` never shows a value, because values are personal
//! data; [`Value::revealed`] shows them where that is wanted.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use indexmap::IndexMap;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The member that stands for bytes which are not UTF-8, in JSON: `{"$b64": "w6k="}`.
const BYTES_MARKER: &str = "$b64";
/// The member that stands for a number JSON cannot write: `{"$float": "NAN"}`.
const FLOAT_MARKER: &str = "$float";

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

/// A key of a PHP array. Text that is a decimal integer is always [`Key::Int`], as in PHP.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Key {
    /// A position or another integer.
    Int(i64),
    /// A name.
    Text(String),
}

impl Key {
    /// The key as text.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Text(text) => Cow::Borrowed(text),
        }
    }
}

impl From<i64> for Key {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        canonical_integer(text).map_or_else(|| Self::Text(text.to_owned()), Self::Int)
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        canonical_integer(&text).map_or(Self::Text(text), Self::Int)
    }
}

/// The integer that PHP makes of a text key: `12` and `-3`, but not `012`, `+1`, `-0` or ` 1`.
fn canonical_integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let first = *digits.as_bytes().first()?;
    let plain = digits.len() <= 19 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = first != b'0' || text == "0";
    // PHP leaves the smallest integer a text.
    if plain && canonical { text.parse().ok().filter(|number| *number != i64::MIN) } else { None }
}

/// PHP's ordered map. Elements keep the order in which they were first set.
#[derive(Clone, Default)]
pub struct Array {
    entries: IndexMap<Key, Value>,
    /// The position [`Array::push`] uses next: one more than the greatest integer key ever used.
    next: i64,
}

impl Array {
    /// An array without elements.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many elements it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The element at a key.
    pub fn get(&self, key: &Key) -> Option<&Value> {
        self.entries.get(key)
    }

    /// The element at a key, to be changed.
    pub fn get_mut(&mut self, key: &Key) -> Option<&mut Value> {
        self.entries.get_mut(key)
    }

    /// Sets an element; a new one goes to the end. Returns what was there.
    pub fn insert(&mut self, key: impl Into<Key>, value: Value) -> Option<Value> {
        let key = key.into();
        if let Key::Int(position) = key
            && (position >= self.next || self.entries.is_empty())
        {
            self.next = position.saturating_add(1).max(0);
        }
        self.entries.insert(key, value)
    }

    /// Adds an element behind the greatest position.
    pub fn push(&mut self, value: Value) {
        self.insert(self.next, value);
    }

    /// Removes an element; the others keep their order.
    pub fn remove(&mut self, key: &Key) -> Option<Value> {
        self.entries.shift_remove(key)
    }

    /// Keys and elements in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Key, &Value)> + ExactSizeIterator {
        self.entries.iter()
    }

    /// Elements in order.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Value> + ExactSizeIterator {
        self.entries.values()
    }

    /// Whether the keys are 0 to n-1 in order, so that JSON writes a list.
    pub fn is_list(&self) -> bool {
        (0_i64..).zip(self.entries.keys()).all(|(position, key)| *key == Key::Int(position))
    }
}

/// Equal when the same keys have equal elements, in whatever order.
impl PartialEq for Array {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Array({} elements)", self.len())
    }
}

impl FromIterator<Value> for Array {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        let mut array = Self::new();
        for value in values {
            array.push(value);
        }
        array
    }
}

impl FromIterator<(Key, Value)> for Array {
    fn from_iter<I: IntoIterator<Item = (Key, Value)>>(entries: I) -> Self {
        let mut array = Self::new();
        for (key, value) in entries {
            array.insert(key, value);
        }
        array
    }
}

impl IntoIterator for Array {
    type Item = (Key, Value);
    type IntoIter = indexmap::map::IntoIter<Key, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

/// The fields of a record, or what a field map makes of one: names and values, in order.
///
/// An absent name and a null value are different things: an absent field is left alone.
#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Fields(IndexMap<String, Value>);

impl Fields {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// No fields, with room for some.
    pub fn with_capacity(count: usize) -> Self {
        Self(IndexMap::with_capacity(count))
    }

    /// The value of a field; nothing when the field is absent.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The value of a field, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.0.get_mut(name)
    }

    /// The value of a field if it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_text)
    }

    /// Whether a field is present, be it null.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Sets a field; a new one goes to the end. Returns what was there.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        self.0.insert(name.into(), value.into())
    }

    /// Removes a field; the others keep their order.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.shift_remove(name)
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &Value)> + ExactSizeIterator {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Names in order.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.0.keys().map(String::as_str)
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The JSON object of the fields as text, in order.
    pub fn to_json_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads the fields from a JSON object; a list or anything else has no fields.
    pub fn from_json(json: serde_json::Value) -> Option<Self> {
        match json {
            serde_json::Value::Object(object) => {
                Some(object.into_iter().map(|(name, value)| (name, Value::from(value))).collect())
            }
            serde_json::Value::Array(list) if list.is_empty() => Some(Self::new()),
            _ => None,
        }
    }
}

/// Shows names, types and lengths, no values.
impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<N: Into<String>, V: Into<Value>> FromIterator<(N, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl<N: Into<String>, V: Into<Value>> Extend<(N, V)> for Fields {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, entries: I) {
        self.0.extend(entries.into_iter().map(|(name, value)| (name.into(), value.into())));
    }
}

impl IntoIterator for Fields {
    type Item = (String, Value);
    type IntoIter = indexmap::map::IntoIter<String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Float(number) if number.is_finite() => serializer.serialize_f64(*number),
            Self::Float(number) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(FLOAT_MARKER, &php_float(*number))?;
                map.end()
            }
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(BYTES_MARKER, &BASE64.encode(bytes))?;
                map.end()
            }
            Self::Array(array) => array.serialize(serializer),
        }
    }
}

impl Serialize for Array {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_list() {
            let mut list = serializer.serialize_seq(Some(self.len()))?;
            for value in self.values() {
                list.serialize_element(value)?;
            }
            return list.end();
        }
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (key, value) in self.iter() {
            map.serialize_entry(key.text().as_ref(), value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

/// PHP writes an object without members as `[]`, so that is no fields either.
impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldsVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        #[expect(clippy::cast_precision_loss, reason = "PHP makes a float of an integer beyond 64 bits, too")]
        Ok(i64::try_from(number).map_or(Value::Float(number as f64), Value::Int))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Value::from_bytes(bytes.to_vec()))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Value, E> {
        Ok(Value::from_bytes(bytes))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut array = Array::new();
        while let Some(value) = list.next_element()? {
            array.push(value);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut array = Array::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            array.insert(Key::from(name), value);
        }
        Ok(decode_markers(array))
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object of fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            fields.insert(name, value);
        }
        Ok(fields)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Fields, A::Error> {
        match list.next_element::<Value>()? {
            None => Ok(Fields::new()),
            Some(_) => Err(A::Error::custom("a list has no field names")),
        }
    }
}

/// Turns the two forms that stand for what JSON cannot hold back into their values.
fn decode_markers(array: Array) -> Value {
    if array.len() == 1
        && let Some((Key::Text(name), Value::Text(text))) = array.iter().next()
    {
        if name == BYTES_MARKER
            && let Ok(bytes) = BASE64.decode(text)
        {
            return Value::from_bytes(bytes);
        }
        if name == FLOAT_MARKER {
            match text.as_str() {
                "NAN" => return Value::Float(f64::NAN),
                "INF" => return Value::Float(f64::INFINITY),
                "-INF" => return Value::Float(f64::NEG_INFINITY),
                _ => {}
            }
        }
    }
    Value::Array(array)
}

/// A float as PHP's `(string)` writes it with its setting `precision=14`: `1`, `0.3`, `1.0E+25`, `NAN`.
pub fn php_float(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return special_float(number);
    }
    // `{:e}` with 13 decimals has 14 digits, rounded from the exact value as PHP's dtoa does.
    php_layout(&format!("{number:.13e}"), 14, 'E')
}

/// A float as PHP's `json_encode` and `var_export` write it (`serialize_precision=-1`): the fewest digits
/// that read back as the same number, `1.0e+25` for great ones, and no `.0` behind whole ones.
pub fn php_float_shortest(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return special_float(number);
    }
    php_layout(&format!("{number:e}"), 17, 'e')
}

fn special_float(number: f64) -> String {
    let text = if number.is_nan() {
        "NAN"
    } else if number.is_infinite() {
        if number > 0.0 { "INF" } else { "-INF" }
    } else if number.is_sign_negative() {
        "-0"
    } else {
        "0"
    };
    text.to_owned()
}

/// Lays out digits as C's `%G` does, with PHP's shorter exponents. `scientific` is Rust's `-1.25e-7`.
fn php_layout(scientific: &str, precision: i32, marker: char) -> String {
    let (sign, unsigned) = scientific.strip_prefix('-').map_or(("", scientific), |rest| ("-", rest));
    let (mantissa, exponent) = unsigned.split_once('e').unwrap_or((unsigned, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mut digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.truncate(digits.trim_end_matches('0').len().max(1));
    // The position of the decimal point in front of which all the digits would stand: 0.ddd * 10^point.
    let point = exponent + 1;
    if point > precision || point < -3 {
        let (first, rest) = digits.split_at(1);
        let rest = if rest.is_empty() { "0" } else { rest };
        return format!("{sign}{first}.{rest}{marker}{exponent:+}");
    }
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    if point <= 0 {
        let zeros = "0".repeat(usize::try_from(-point).unwrap_or(0));
        return format!("{sign}0.{zeros}{digits}");
    }
    if point >= count {
        let zeros = "0".repeat(usize::try_from(point - count).unwrap_or(0));
        return format!("{sign}{digits}{zeros}");
    }
    let (whole, decimals) = digits.split_at(usize::try_from(point).unwrap_or(0));
    format!("{sign}{whole}.{decimals}")
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
