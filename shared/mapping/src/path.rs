//! Dotted names: reading `fields.core.email.value` from nested values and writing `properties.name` to them.

use model::{Array, Fields, Key, Value};

/// The name of a source: a field, or with dots a path into nested values.
#[derive(Clone, Debug)]
pub(crate) enum SourceName {
    Plain(String),
    /// The steps, each as a field name and as an array key.
    Dotted(Vec<(String, Key)>),
}

/// What reading a path came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Found<'a> {
    Absent,
    Value(&'a Value),
}

impl SourceName {
    /// As coreBOS: a dot in front does not count, and `$` in front goes from dotted names only.
    pub(crate) fn new(name: &str) -> Self {
        if name.find('.').is_none_or(|dot| dot == 0) {
            return Self::Plain(name.to_owned());
        }
        Self::dotted(name.trim_start_matches('$'))
    }

    /// A path, of one step if the name has no dots.
    pub(crate) fn dotted(name: &str) -> Self {
        Self::Dotted(name.split('.').map(|step| (step.to_owned(), Key::from(step))).collect())
    }

    /// The whole name.
    pub(crate) fn path(&self) -> String {
        match self {
            Self::Plain(name) => name.clone(),
            Self::Dotted(steps) => steps.iter().map(|(step, _)| step.as_str()).collect::<Vec<_>>().join("."),
        }
    }

    /// The field it begins at.
    pub(crate) fn root(&self) -> &str {
        match self {
            Self::Plain(name) => name,
            Self::Dotted(steps) => steps.first().map_or("", |(step, _)| step),
        }
    }
}

/// Walks a path exactly: nothing is found where a step is missing; a null on the way is what is found.
pub(crate) fn walk<'a>(source: &'a Fields, steps: &[(String, Key)]) -> Found<'a> {
    let mut steps = steps.iter();
    let Some(mut value) = steps.next().and_then(|(name, _)| source.get(name)) else {
        return Found::Absent;
    };
    for (_, key) in steps {
        match value {
            Value::Null => return Found::Value(value),
            Value::Array(array) => match array.get(key) {
                Some(next) => value = next,
                None => return Found::Absent,
            },
            _ => return Found::Absent,
        }
    }
    Found::Value(value)
}

/// Walks a path as coreBOS does: a step that is missing or PHP-empty is skipped, so that the next step is
/// looked up in the same array; only an empty last step, or a step into a scalar, gives nothing.
pub(crate) fn walk_like_corebos(source: &Fields, steps: &[(String, Key)]) -> Value {
    let mut at: Option<&Value> = None;
    let mut last_was_empty = false;
    for (name, key) in steps {
        let next = match at {
            None => source.get(name),
            Some(Value::Array(array)) => array.get(key),
            Some(_) => None,
        };
        match next.filter(|value| !value.is_php_empty()) {
            Some(value) => {
                at = Some(value);
                last_was_empty = false;
            }
            None => last_was_empty = true,
        }
    }
    match at {
        Some(value) if !last_was_empty => value.clone(),
        _ => Value::Text(String::new()),
    }
}

/// The name of a target: a dot in it, but not in front, makes nested objects.
#[derive(Clone, Debug)]
pub(crate) struct TargetName {
    /// Never empty: what stands before the first dot that counts.
    pub(crate) first: String,
    pub(crate) rest: Vec<Key>,
}

impl TargetName {
    pub(crate) fn new(name: &str) -> Self {
        let (first, mut tail) = split(name);
        let mut rest = Vec::new();
        while let Some(name) = tail {
            let (step, next) = split(name);
            rest.push(Key::from(step));
            tail = next;
        }
        Self { first: first.to_owned(), rest }
    }
}

fn split(name: &str) -> (&str, Option<&str>) {
    match name.find('.') {
        Some(dot) if dot > 0 => (name.get(..dot).unwrap_or_default(), name.get(dot + 1..)),
        _ => (name, None),
    }
}

/// Sets a target; nulls and false on the way become objects, any other scalar is an error.
///
/// With `into_text`, a position in a text overwrites one of its bytes, as in PHP.
pub(crate) fn set(
    target: &mut Fields,
    name: &TargetName,
    value: Value,
    into_text: bool,
) -> Result<(), String> {
    if name.rest.is_empty() {
        target.insert(name.first.as_str(), value);
        return Ok(());
    }
    if !target.contains(&name.first) {
        target.insert(name.first.clone(), Value::Null);
    }
    match target.get_mut(&name.first) {
        Some(slot) => set_nested(slot, &name.rest, value, into_text),
        None => Ok(()),
    }
}

fn set_nested(slot: &mut Value, keys: &[Key], value: Value, into_text: bool) -> Result<(), String> {
    let Some((key, rest)) = keys.split_first() else {
        *slot = value;
        return Ok(());
    };
    match slot {
        Value::Null | Value::Bool(false) => *slot = Value::Array(Array::new()),
        Value::Array(_) => {}
        Value::Text(_) | Value::Bytes(_) if into_text && rest.is_empty() => {
            return overwrite_byte(slot, key, &value);
        }
        _ => return Err("the target already holds a text or a number where an object is needed".to_owned()),
    }
    if let Value::Array(array) = slot {
        if array.get(key).is_none() {
            array.insert(key.clone(), Value::Null);
        }
        if let Some(next) = array.get_mut(key) {
            return set_nested(next, rest, value, into_text);
        }
    }
    Ok(())
}

/// PHP's `$text[position] = $value`: the first byte of the value, behind blanks if the text is too short.
fn overwrite_byte(slot: &mut Value, key: &Key, value: &Value) -> Result<(), String> {
    let Key::Int(position) = key else {
        return Err("a text has no named parts".to_owned());
    };
    let mut bytes = slot.php_bytes().into_owned();
    let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let position = if *position < 0 { length + position } else { *position };
    let Some(position) = usize::try_from(position).ok().filter(|position| *position < 1 << 20) else {
        return Err("a text has no such position".to_owned());
    };
    let Some(byte) = value.php_bytes().first().copied() else {
        return Err("an empty text cannot be put into a text".to_owned());
    };
    if bytes.len() <= position {
        bytes.resize(position + 1, b' ');
    }
    if let Some(slot) = bytes.get_mut(position) {
        *slot = byte;
    }
    *slot = Value::from_bytes(bytes);
    Ok(())
}
