//! Functions on numbers.

#![expect(clippy::unnecessary_wraps, reason = "all functions share one signature")]

use std::cmp::Ordering;

use model::Value;

use super::{MAX_TEXT, empty, float_of, int_of, too_long};
use crate::expression::Scope;
use crate::php::compare::compare;
use crate::php::fault::Fault;
use crate::php::number::{self, Number, numeric};

type Answer = Result<Value, Fault>;

pub(super) fn is_numeric(args: &[Value], _: &Scope<'_>) -> Answer {
    Ok(Value::Bool(args.first().and_then(numeric).is_some()))
}

pub(super) fn round(args: &[Value], _: &Scope<'_>) -> Answer {
    let Some(first) = args.first() else {
        return Ok(Value::Int(0));
    };
    let Some(value) = numeric(first) else {
        return Ok(first.clone());
    };
    let places = match args.get(1) {
        None | Some(Value::Null) => 0,
        Some(places) => match numeric(places) {
            Some(places) => places.int(),
            None => return Ok(first.clone()),
        },
    };
    Ok(Value::Float(number::round(value.float(), places)))
}

pub(super) fn ceil(args: &[Value], _: &Scope<'_>) -> Answer {
    Ok(args.first().and_then(numeric).map_or(Value::Int(0), |value| Value::Float(value.float().ceil())))
}

pub(super) fn floor(args: &[Value], _: &Scope<'_>) -> Answer {
    Ok(args.first().and_then(numeric).map_or(Value::Int(0), |value| Value::Float(value.float().floor())))
}

pub(super) fn modulo(args: &[Value], _: &Scope<'_>) -> Answer {
    let [left, right, ..] = args else {
        return Ok(Value::Int(0));
    };
    if right.is_php_empty() {
        return Ok(Value::Int(0));
    }
    let (left, right) = number::operands(left, "%", right)?;
    match right.int() {
        0 => Err(Fault::new("DivisionByZeroError: modulo by zero")),
        right => Ok(Value::Int(left.int().checked_rem(right).unwrap_or(0))),
    }
}

pub(super) fn power(args: &[Value], _: &Scope<'_>) -> Answer {
    let [base, exponent, ..] = args else {
        return Ok(Value::Int(0));
    };
    if base.is_php_empty() {
        return Ok(Value::Int(0));
    }
    let (base, exponent) = number::operands(base, "**", exponent)?;
    Ok(number::power(base, exponent).value())
}

pub(super) fn log(args: &[Value], _: &Scope<'_>) -> Answer {
    let Some(value) = args.first() else {
        return Ok(Value::Int(0));
    };
    let value = float_of(value)?;
    let Some(base) = args.get(1).filter(|base| !base.is_php_empty()) else {
        return Ok(Value::Float(value.ln()));
    };
    let base = float_of(base)?;
    if base <= 0.0 {
        return Err(Fault::new("ValueError: the base of a logarithm must be greater than 0"));
    }
    let is = |wanted: f64| (base - wanted).abs() < f64::EPSILON;
    Ok(Value::Float(if is(2.0) {
        value.log2()
    } else if is(10.0) {
        value.log10()
    } else if is(1.0) {
        f64::NAN
    } else {
        value.ln() / base.ln()
    }))
}

/// The first of the greatest.
pub(super) fn max(args: &[Value], _: &Scope<'_>) -> Answer {
    Ok(extreme(args, Ordering::Less))
}

/// The first of the least.
pub(super) fn min(args: &[Value], _: &Scope<'_>) -> Answer {
    Ok(extreme(args, Ordering::Greater))
}

fn extreme(args: &[Value], worse: Ordering) -> Value {
    let mut values = args.iter();
    let Some(mut best) = values.next() else {
        return Value::Bool(false);
    };
    for value in values {
        if compare(best, value) == Some(worse) {
            best = value;
        }
    }
    best.clone()
}

pub(super) fn average(args: &[Value], _: &Scope<'_>) -> Answer {
    let mut sum = Number::Int(0);
    for arg in args {
        let Some(value) = numeric(arg) else {
            return Ok(Value::Null);
        };
        sum = number::add(sum, value);
    }
    let count = i64::try_from(args.len()).unwrap_or(i64::MAX);
    if count == 0 {
        return Ok(Value::Null);
    }
    Ok(number::divide(sum, Number::Int(count))?.value())
}

pub(super) fn number_format(args: &[Value], _: &Scope<'_>) -> Answer {
    let Some(value) = args.first() else {
        return Ok(empty());
    };
    let value = float_of(value)?;
    let decimals = args.get(1).map(int_of).transpose()?.unwrap_or(0).max(0);
    let text = |at: usize, default: &str| match args.get(at) {
        None | Some(Value::Null) => Ok(default.as_bytes().to_vec()),
        Some(value) => super::text_of(value).map(std::borrow::Cow::into_owned),
    };
    let (point, separator) = (text(2, ".")?, text(3, ",")?);
    let places = usize::try_from(decimals).ok().filter(|places| *places < MAX_TEXT).ok_or_else(too_long)?;
    Ok(Value::from_bytes(format_number(value, places, &point, &separator)))
}

/// The most decimals that a float can have.
const MAX_DECIMALS: usize = 1_100;

/// PHP's `number_format`.
pub(crate) fn format_number(value: f64, places: usize, point: &[u8], separator: &[u8]) -> Vec<u8> {
    let rounded = number::round(value, i64::try_from(places).unwrap_or(i64::MAX));
    // No float has more decimals, and no formatter takes more.
    let written = places.min(MAX_DECIMALS);
    let digits = format!("{:.written$}", rounded.abs());
    let (whole, decimals) = digits.split_once('.').unwrap_or((&digits, ""));
    let mut out = Vec::new();
    if rounded < 0.0 {
        out.push(b'-');
    }
    for (position, digit) in whole.bytes().enumerate() {
        if position > 0 && (whole.len() - position).is_multiple_of(3) {
            out.extend_from_slice(separator);
        }
        out.push(digit);
    }
    if places > 0 {
        out.extend_from_slice(point);
        out.extend_from_slice(decimals.as_bytes());
        out.resize(out.len() + (places - written), b'0');
    }
    out
}

/// A number between two bounds, 0 and 2^31-1 if they are not given.
pub(super) fn random_number(args: &[Value], scope: &Scope<'_>) -> Answer {
    let low = args.first().map(int_of).transpose()?.unwrap_or(0);
    let high = args.get(1).map(int_of).transpose()?.unwrap_or(i64::from(i32::MAX));
    if low > high {
        return Err(Fault::new("ValueError: the bounds are the wrong way round"));
    }
    let span = i128::from(high) - i128::from(low) + 1;
    let chosen = i128::from(low) + i128::from(scope.surroundings.chance()?).rem_euclid(span);
    Ok(Value::Int(i64::try_from(chosen).unwrap_or(low)))
}
