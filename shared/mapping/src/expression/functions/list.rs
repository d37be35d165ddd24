//! Functions on lists and truth values, and JSON.

#![expect(clippy::unnecessary_wraps, reason = "all functions share one signature")]

use model::{Array, Value};

use super::{MAX_TEXT, empty, text_of, too_long};
use crate::expression::Scope;
use crate::php::compare::truthy;
use crate::php::fault::Fault;
use crate::php::{json, text};
use crate::semantics::Semantics;

type Answer = Result<Value, Fault>;

pub(super) fn and(args: &[Value], _: &Scope<'_>) -> Answer {
    Ok(Value::Bool(args.iter().all(truthy)))
}

pub(super) fn or(args: &[Value], _: &Scope<'_>) -> Answer {
    Ok(Value::Bool(args.iter().any(truthy)))
}

pub(super) fn not(args: &[Value], _: &Scope<'_>) -> Answer {
    Ok(Value::Bool(!args.first().is_some_and(truthy)))
}

/// The first argument that is not PHP-empty; else the empty text.
pub(super) fn coalesce(args: &[Value], _: &Scope<'_>) -> Answer {
    Ok(args.iter().find(|arg| truthy(arg)).cloned().unwrap_or_else(empty))
}

pub(super) fn array(args: &[Value], _: &Scope<'_>) -> Answer {
    Ok(Value::Array(args.iter().cloned().collect()))
}

/// All elements in one list. An array without elements drops what came before it, as in coreBOS.
pub(super) fn flatten(args: &[Value], _: &Scope<'_>) -> Answer {
    Ok(flat(args.iter()).map_or(Value::Null, Value::Array))
}

fn flat<'a>(values: impl Iterator<Item = &'a Value>) -> Option<Array> {
    let mut list: Option<Array> = None;
    for value in values {
        match value {
            Value::Array(array) => match flat(array.values()) {
                Some(elements) => {
                    let list = list.get_or_insert_default();
                    for (_, element) in elements {
                        list.push(element);
                    }
                }
                None => list = None,
            },
            value => list.get_or_insert_default().push(value.clone()),
        }
    }
    list
}

pub(super) fn implode(args: &[Value], scope: &Scope<'_>) -> Answer {
    let [glue, list] = args else {
        return Ok(empty());
    };
    let Value::Array(list) = list else {
        return Err(Fault::new("TypeError: implode needs a list"));
    };
    let glue = text_of(glue)?;
    let mut bytes = Vec::new();
    for (position, value) in list.values().enumerate() {
        if position > 0 {
            bytes.extend_from_slice(&glue);
        }
        if scope.semantics == Semantics::Bridge {
            text_of(value)?;
        }
        bytes.extend_from_slice(&value.php_bytes());
        if bytes.len() > MAX_TEXT {
            return Err(too_long());
        }
    }
    Ok(Value::from_bytes(bytes))
}

pub(super) fn explode(args: &[Value], _: &Scope<'_>) -> Answer {
    let [separator, subject] = args else {
        return Ok(empty());
    };
    let (separator, subject) = (text_of(separator)?, text_of(subject)?);
    if separator.is_empty() {
        return Err(Fault::new("ValueError: explode needs a separator"));
    }
    let mut list = Array::new();
    let mut from = 0;
    while let Some(at) = text::find(&subject, &separator, from) {
        list.push(Value::from_bytes(subject.get(from..at).unwrap_or_default().to_vec()));
        from = at + separator.len();
    }
    list.push(Value::from_bytes(subject.get(from..).unwrap_or_default().to_vec()));
    Ok(Value::Array(list))
}

pub(super) fn json_encode(args: &[Value], _: &Scope<'_>) -> Answer {
    let text = json::encode(args.first().unwrap_or(&Value::Null));
    Ok(text.map_or(Value::Bool(false), Value::Text))
}

pub(super) fn json_decode(args: &[Value], _: &Scope<'_>) -> Answer {
    let Some(arg) = args.first() else {
        return Ok(Value::Null);
    };
    Ok(json::decode(&text_of(arg)?).unwrap_or_default())
}
