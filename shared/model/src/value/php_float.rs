//! Floats as PHP writes them.

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
