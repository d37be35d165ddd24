//! PHP 8's numbers: numeric strings, casts, arithmetic and rounding.

use model::Value;

use super::fault::{Fault, type_name};

/// An integer or a float: what arithmetic works on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    Float(f64),
}

#[expect(clippy::cast_precision_loss, reason = "PHP converts integers to floats the same way")]
pub(crate) fn int_to_float(number: i64) -> f64 {
    number as f64
}

impl Number {
    pub(crate) fn float(self) -> f64 {
        match self {
            Self::Int(number) => int_to_float(number),
            Self::Float(number) => number,
        }
    }

    pub(crate) fn int(self) -> i64 {
        match self {
            Self::Int(number) => number,
            Self::Float(number) => float_to_int(number),
        }
    }

    pub(crate) fn value(self) -> Value {
        match self {
            Self::Int(number) => Value::Int(number),
            Self::Float(number) => Value::Float(number),
        }
    }
}

/// PHP's `(int)` of a float: towards zero, modulo 2^64 when it does not fit, 0 for NAN and INF.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the ranges are checked")]
pub(crate) fn float_to_int(number: f64) -> i64 {
    if !number.is_finite() {
        return 0;
    }
    let whole = number.trunc();
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&whole) {
        return whole as i64;
    }
    let two_64 = 18_446_744_073_709_551_616.0;
    let modulus = whole.rem_euclid(two_64);
    (modulus as u64).cast_signed()
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// The number at the start of a string, behind white space, and whether only white space follows it.
pub(crate) fn leading_number(text: &[u8]) -> Option<(Number, bool)> {
    let start = text.iter().position(|byte| !is_space(*byte))?;
    let text = text.get(start..)?;
    let digits_from = |from: usize| text.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let whole = digits_from(sign);
    let mut end = sign + whole;
    let mut is_float = false;
    if text.get(end) == Some(&b'.') {
        let decimals = digits_from(end + 1);
        if whole + decimals > 0 {
            is_float = true;
            end += 1 + decimals;
        }
    }
    if whole == 0 && !is_float {
        return None;
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        let digits = digits_from(end + 1 + sign);
        if digits > 0 {
            is_float = true;
            end += 1 + sign + digits;
        }
    }
    let literal = std::str::from_utf8(text.get(..end)?).ok()?;
    let rest_is_space = text.iter().skip(end).all(|byte| is_space(*byte));
    let number = match literal.parse::<i64>() {
        Ok(number) if !is_float => Number::Int(number),
        _ => Number::Float(literal.parse().unwrap_or(f64::NAN)),
    };
    Some((number, rest_is_space))
}

/// The number a string is, if it is numeric as a whole.
pub(crate) fn numeric_string(text: &[u8]) -> Option<Number> {
    leading_number(text).filter(|(_, whole)| *whole).map(|(number, _)| number)
}

/// PHP's `is_numeric`, with the number: integers, floats and numeric strings.
pub(crate) fn numeric(value: &Value) -> Option<Number> {
    match value {
        Value::Int(number) => Some(Number::Int(*number)),
        Value::Float(number) => Some(Number::Float(*number)),
        Value::Text(text) => numeric_string(text.as_bytes()),
        Value::Bytes(bytes) => numeric_string(bytes),
        _ => None,
    }
}

/// An operand of an arithmetic operator; `None` where PHP throws.
pub(crate) fn operand(value: &Value) -> Option<Number> {
    match value {
        Value::Null => Some(Number::Int(0)),
        Value::Bool(value) => Some(Number::Int(i64::from(*value))),
        Value::Int(number) => Some(Number::Int(*number)),
        Value::Float(number) => Some(Number::Float(*number)),
        Value::Text(text) => leading_number(text.as_bytes()).map(|(number, _)| number),
        Value::Bytes(bytes) => leading_number(bytes).map(|(number, _)| number),
        Value::Array(_) => None,
    }
}

/// Both operands of an operator, or PHP's `TypeError`.
pub(crate) fn operands(left: &Value, operator: &str, right: &Value) -> Result<(Number, Number), Fault> {
    if let (Some(left), Some(right)) = (operand(left), operand(right)) {
        return Ok((left, right));
    }
    let (left, right) = (type_name(left), type_name(right));
    Err(Fault::new(format!("TypeError: unsupported operand types: {left} {operator} {right}")))
}

/// PHP's `intval`.
pub(crate) fn int_cast(value: &Value) -> i64 {
    let of_text = |bytes: &[u8]| match leading_number(bytes) {
        Some((Number::Int(number), _)) => number,
        // Strings saturate where floats wrap around.
        Some((Number::Float(number), _)) if number.is_finite() => {
            if number >= 9_223_372_036_854_775_808.0 {
                i64::MAX
            } else if number < -9_223_372_036_854_775_808.0 {
                i64::MIN
            } else {
                float_to_int(number)
            }
        }
        _ => 0,
    };
    match value {
        Value::Text(text) => of_text(text.as_bytes()),
        Value::Bytes(bytes) => of_text(bytes),
        Value::Array(array) => i64::from(!array.is_empty()),
        other => operand(other).map_or(0, Number::int),
    }
}

/// PHP's `floatval`.
pub(crate) fn float_cast(value: &Value) -> f64 {
    let of_text = |bytes: &[u8]| match leading_number(bytes) {
        Some((Number::Int(0), _)) if bytes.iter().find(|byte| !is_space(**byte)) == Some(&b'-') => -0.0,
        Some((number, _)) => number.float(),
        None => 0.0,
    };
    match value {
        Value::Text(text) => of_text(text.as_bytes()),
        Value::Bytes(bytes) => of_text(bytes),
        Value::Array(array) => f64::from(u8::from(!array.is_empty())),
        other => operand(other).map_or(0.0, Number::float),
    }
}

pub(crate) fn add(left: Number, right: Number) -> Number {
    arithmetic(left, right, i64::checked_add, |left, right| left + right)
}

pub(crate) fn subtract(left: Number, right: Number) -> Number {
    arithmetic(left, right, i64::checked_sub, |left, right| left - right)
}

pub(crate) fn multiply(left: Number, right: Number) -> Number {
    arithmetic(left, right, i64::checked_mul, |left, right| left * right)
}

fn arithmetic(
    left: Number,
    right: Number,
    exact: fn(i64, i64) -> Option<i64>,
    float: fn(f64, f64) -> f64,
) -> Number {
    if let (Number::Int(left), Number::Int(right)) = (left, right)
        && let Some(result) = exact(left, right)
    {
        return Number::Int(result);
    }
    Number::Float(float(left.float(), right.float()))
}

/// PHP's `/`: an integer if both are and it divides.
pub(crate) fn divide(left: Number, right: Number) -> Result<Number, Fault> {
    if right.float() == 0.0 {
        return Err(Fault::new("DivisionByZeroError: division by zero"));
    }
    if let (Number::Int(left), Number::Int(right)) = (left, right)
        && let (Some(0), Some(quotient)) = (left.checked_rem(right), left.checked_div(right))
    {
        return Ok(Number::Int(quotient));
    }
    Ok(Number::Float(left.float() / right.float()))
}

/// PHP's `**`.
pub(crate) fn power(base: Number, exponent: Number) -> Number {
    if let (Number::Int(base), Number::Int(exponent)) = (base, exponent)
        && let Ok(exponent) = u32::try_from(exponent)
        && let Some(result) = base.checked_pow(exponent)
    {
        return Number::Int(result);
    }
    Number::Float(base.float().powf(exponent.float()))
}

/// PHP 8.2's `round`: half away from zero, on the number rounded to 15 significant digits first.
#[expect(clippy::cast_possible_truncation, reason = "a logarithm is small")]
pub(crate) fn round(value: f64, places: i64) -> f64 {
    if !value.is_finite() || value == 0.0 {
        return value;
    }
    let places = i32::try_from(places.clamp(-400, 400)).unwrap_or(0);
    let precision = 14 - value.abs().log10().floor() as i32;
    let factor = power_of_ten(places.abs());
    let mut scaled;
    if precision > places && precision - 15 < places {
        let used = precision.clamp(-4 * 15, 4 * 15);
        scaled = half_away(if used >= 0 { value * power_of_ten(used) } else { value / power_of_ten(-used) });
        let back = (places - used).max(-4 * 15);
        scaled /= power_of_ten(back.abs());
    } else {
        scaled = if places >= 0 { value * factor } else { value / factor };
        if scaled.abs() >= 1e15 {
            return value;
        }
    }
    scaled = half_away(scaled);
    if places.abs() < 23 {
        if places > 0 { scaled / factor } else { scaled * factor }
    } else {
        format!("{scaled:.0}e{}", -places).parse().unwrap_or(value)
    }
}

fn half_away(value: f64) -> f64 {
    if value >= 0.0 { (value + 0.5).floor() } else { (value - 0.5).ceil() }
}

fn power_of_ten(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().unwrap_or(f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numeric_strings_are_php_8_s() {
        for (text, expected) in [
            ("5", Some(Number::Int(5))),
            (" 5 ", Some(Number::Int(5))),
            ("5.", Some(Number::Float(5.0))),
            (".5", Some(Number::Float(0.5))),
            ("1e3", Some(Number::Float(1000.0))),
            ("9223372036854775808", Some(Number::Float(9_223_372_036_854_775_808.0))),
            ("", None),
            (".", None),
            ("5x", None),
            ("0x1A", None),
            ("1,5", None),
            ("\u{663}", None),
        ] {
            assert_eq!(numeric_string(text.as_bytes()), expected, "{text:?}");
        }
        assert_eq!(leading_number(b"5x"), Some((Number::Int(5), false)));
        assert_eq!(leading_number(b"1e"), Some((Number::Int(1), false)));
    }

    #[test]
    fn rounding_is_php_8_2_s() {
        for (value, places, expected) in
            [(1.005, 2, 1.01), (5.055, 2, 5.06), (-2.5, 0, -3.0), (1250.0, -2, 1300.0), (0.285, 2, 0.29)]
        {
            assert!((round(value, places) - expected).abs() < 1e-12, "{value}");
        }
    }
}
