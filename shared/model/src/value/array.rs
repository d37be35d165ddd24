//! PHP's ordered array and its keys.

use std::borrow::Cow;
use std::fmt;

use indexmap::IndexMap;

use super::Value;

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
