//! PHP 8's loose comparison: `==`, `<` and their kin.

use std::cmp::Ordering;

use model::Value;

use super::number::{Number, numeric, numeric_string};

/// Whether PHP's `(bool)` of a value is true.
pub(crate) fn truthy(value: &Value) -> bool {
    !value.is_php_empty()
}

/// PHP's `<=>`; `None` where no order is defined, as with NAN or arrays of other keys.
pub(crate) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Bool(_), _) | (_, Value::Bool(_)) => Some(truthy(left).cmp(&truthy(right))),
        (Value::Null, Value::Text(_) | Value::Bytes(_)) => Some(b"".as_slice().cmp(&right.php_bytes())),
        (Value::Text(_) | Value::Bytes(_), Value::Null) => Some(left.php_bytes().as_ref().cmp(b"")),
        _ if *left == Value::Null || *right == Value::Null => Some(truthy(left).cmp(&truthy(right))),
        (Value::Array(left), Value::Array(right)) => match left.len().cmp(&right.len()) {
            Ordering::Equal => {
                for (key, value) in left.iter() {
                    match compare(value, right.get(key)?) {
                        Some(Ordering::Equal) => {}
                        other => return other,
                    }
                }
                Some(Ordering::Equal)
            }
            other => Some(other),
        },
        (Value::Array(_), _) => Some(Ordering::Greater),
        (_, Value::Array(_)) => Some(Ordering::Less),
        _ => compare_scalars(left, right),
    }
}

/// Compares strings and numbers.
fn compare_scalars(left: &Value, right: &Value) -> Option<Ordering> {
    let is_string = |value: &Value| matches!(value, Value::Text(_) | Value::Bytes(_));
    if is_string(left) && is_string(right) {
        let (left, right) = (left.php_bytes(), right.php_bytes());
        return match (numeric_string(&left), numeric_string(&right)) {
            (Some(left), Some(right)) => compare_numbers(left, right),
            _ => Some(left.cmp(&right)),
        };
    }
    match (numeric(left), numeric(right)) {
        (Some(left), Some(right)) => compare_numbers(left, right),
        // A number beside a string that is none: both as strings.
        _ => Some(left.php_bytes().cmp(&right.php_bytes())),
    }
}

fn compare_numbers(left: Number, right: Number) -> Option<Ordering> {
    match (left, right) {
        (Number::Int(left), Number::Int(right)) => Some(left.cmp(&right)),
        _ => left.float().partial_cmp(&right.float()),
    }
}

/// PHP's `==`.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    compare(left, right) == Some(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_are_php_8_s() {
        let text = |text: &str| Value::from(text);
        for (left, right, expected) in [
            (text("abc"), Value::Int(0), Ordering::Greater),
            (text("1e3"), Value::Int(1000), Ordering::Equal),
            (text(""), Value::Null, Ordering::Equal),
            (text("0"), Value::Bool(false), Ordering::Equal),
            (text("10"), text("9"), Ordering::Greater),
            (text("10"), text("9a"), Ordering::Less),
            (Value::Null, Value::Int(-1), Ordering::Less),
            (text(""), Value::Int(0), Ordering::Less),
        ] {
            assert_eq!(compare(&left, &right), Some(expected), "{left:?} {right:?}");
        }
        assert_eq!(compare(&Value::Float(f64::NAN), &Value::Int(1)), None);
    }
}
