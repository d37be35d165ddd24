//! What coreBOS and its non-strict database make of a value that is written.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::columns::width;
use super::schema::{Field, Kind};

/// What stands for a date that the database cannot read (A075).
const NO_DATE: &str = "0000-00-00";

/// How a user writes dates and numbers; coreBOS reads what that user sends accordingly.
#[derive(Debug, Clone)]
pub(crate) struct Formats {
    /// `yyyy-mm-dd`, `dd-mm-yyyy` or `mm-dd-yyyy`.
    pub(crate) date: String,
    pub(crate) decimal_separator: String,
    pub(crate) grouping_separator: String,
    pub(crate) time_zone: String,
}

/// The stored form of `value` in `field`, for a write by a user with these formats.
pub(crate) fn stored(module: &str, field: &Field, value: &Value, formats: &Formats) -> String {
    match &field.kind {
        Kind::Boolean => if is_ticked(value) { "1" } else { "0" }.to_owned(),
        Kind::MultiPicklist => multiple(value),
        kind => {
            let text = php_text(value);
            match kind {
                Kind::Area => cut(&three_byte(&text), width(module, &field.name)),
                Kind::Email => cut(&three_byte(&sanitized_email(&text)), width(module, &field.name)),
                Kind::Date => date(&text, formats),
                Kind::DateTime => date_time(&text, formats),
                Kind::Integer => integer(number(&text, formats)),
                Kind::Number(digits) => fixed(number(&text, formats), *digits),
                Kind::Reference | Kind::Owner => id_of(&text).to_owned(),
                _ => cut(&three_byte(php_trim(&text)), width(module, &field.name)),
            }
        }
    }
}

/// The stored form of a field that a new record leaves out.
pub(crate) fn initial(field: &Field, today: &str) -> String {
    match field.kind {
        Kind::Date => today.to_owned(),
        Kind::Boolean => if field.default == "1" { "1" } else { "0" }.to_owned(),
        Kind::Integer if field.default.is_empty() => "0".to_owned(),
        Kind::Number(digits) if field.default.is_empty() => fixed(0.0, digits),
        Kind::Reference | Kind::Owner | Kind::DateTime => String::new(),
        _ => field.default.clone(),
    }
}

/// PHP's conversion to text.
pub(crate) fn php_text(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(false) => String::new(),
        Value::Bool(true) => "1".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(_) | Value::Object(_) => "Array".to_owned(),
    }
}

/// PHP's `trim`.
pub(crate) fn php_trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r', '\0', '\u{b}'])
}

/// The part behind the `x` of a webservice id; other text as it is.
pub(crate) fn id_of(text: &str) -> &str {
    match text.split_once('x') {
        Some((prefix, id)) if !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit()) => id,
        _ => text,
    }
}

/// A number with this many digits after the point.
pub(crate) fn fixed(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    if text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.')) {
        text.trim_start_matches('-').to_owned()
    } else {
        text
    }
}

/// The number that the text begins with, as the database reads it; 0 when it begins with none.
pub(crate) fn leading_number(text: &str) -> f64 {
    let text = text.trim_start();
    let mut end = 0;
    let (mut seen_point, mut seen_exponent) = (false, false);
    for (index, byte) in text.bytes().enumerate() {
        let accepted = match byte {
            b'0'..=b'9' => true,
            b'+' | b'-' => index == 0 || matches!(text.as_bytes().get(index - 1), Some(b'e' | b'E')),
            b'.' => !std::mem::replace(&mut seen_point, true) && !seen_exponent,
            b'e' | b'E' => index > 0 && !std::mem::replace(&mut seen_exponent, true),
            _ => false,
        };
        if !accepted {
            break;
        }
        end = index + 1;
    }
    (0..=end)
        .rev()
        .find_map(|end| text.get(..end)?.parse().ok())
        .filter(|number: &f64| number.is_finite())
        .unwrap_or(0.0)
}

/// `1`, `1.0`, true and `on` tick a box; the text `true` does not.
fn is_ticked(value: &Value) -> bool {
    match value {
        Value::Bool(ticked) => *ticked,
        Value::Number(number) => number.as_f64() == Some(1.0),
        Value::String(text) => text == "on" || text.trim().parse::<f64>() == Ok(1.0),
        _ => false,
    }
}

fn multiple(value: &Value) -> String {
    let parts: Vec<String> = match value {
        Value::Array(items) => items.iter().map(|item| php_trim(&php_text(item)).to_owned()).collect(),
        other => php_text(other).split("|##|").map(|part| php_trim(part).to_owned()).collect(),
    };
    three_byte(&parts.join(" |##| "))
}

/// Characters outside of the basic plane become four question marks (F025).
fn three_byte(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, character| {
        if character.len_utf8() > 3 {
            out.push_str("????");
        } else {
            out.push(character);
        }
        out
    })
}

fn cut(text: &str, width: Option<usize>) -> String {
    match width {
        Some(width) => text.chars().take(width).collect(),
        None => text.to_owned(),
    }
}

/// PHP's `FILTER_SANITIZE_EMAIL`: letters, digits and these signs stay.
fn sanitized_email(text: &str) -> String {
    text.chars()
        .filter(|character| {
            character.is_ascii_alphanumeric() || "!#$%&'*+-=?^_`{|}~@.[]".contains(*character)
        })
        .collect()
}

fn date(text: &str, formats: &Formats) -> String {
    let text = php_trim(text);
    if text.is_empty() {
        return String::new();
    }
    let day = text.split([' ', 'T']).next().unwrap_or_default();
    calendar_day(day, formats).map_or_else(|| NO_DATE.to_owned(), |day| day.to_string())
}

/// ISO dates are known by their four-digit year; all others are read in the user's own order.
fn calendar_day(day: &str, formats: &Formats) -> Option<Date> {
    let parts: Vec<&str> = day.split('-').collect();
    let [first, second, third] = parts.as_slice() else { return None };
    let (year, month, date) = if first.len() == 4 {
        (first, second, third)
    } else {
        match formats.date.as_str() {
            "dd-mm-yyyy" => (third, second, first),
            "mm-dd-yyyy" => (third, first, second),
            _ => return None,
        }
    };
    Date::new(year.parse().ok()?, month.parse().ok()?, date.parse().ok()?).ok()
}

/// Read in the user's time zone, kept in UTC without seconds.
fn date_time(text: &str, formats: &Formats) -> String {
    let text = php_trim(text);
    if text.is_empty() {
        return String::new();
    }
    let (day, time) = text.split_once([' ', 'T']).unwrap_or((text, "00:00"));
    let moment = calendar_day(day, formats).and_then(|day| {
        let mut parts = time.trim_end_matches('Z').split(':');
        let hour = parts.next()?.parse().ok()?;
        let minute = parts.next().unwrap_or("0").parse().ok()?;
        let zone = TimeZone::get(&formats.time_zone).unwrap_or(TimeZone::UTC);
        DateTime::from_parts(day, jiff::civil::Time::new(hour, minute, 0, 0).ok()?).to_zoned(zone).ok()
    });
    moment.map_or_else(|| format!("{NO_DATE} 00:00:00"), |moment| clock_text(moment.timestamp().as_second()))
}

/// A moment as coreBOS prints it: UTC, to the second.
pub(crate) fn clock_text(second: i64) -> String {
    Timestamp::from_second(second)
        .map_or_else(|_| NO_DATE.to_owned(), |moment| moment.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// The day of a moment in UTC.
pub(crate) fn day_text(second: i64) -> String {
    clock_text(second).split(' ').next().unwrap_or_default().to_owned()
}

/// What the user's number format makes of the text, then what the database makes of that (H006).
fn number(text: &str, formats: &Formats) -> f64 {
    let mut text = php_trim(text).to_owned();
    if !formats.grouping_separator.is_empty() {
        text = text.replace(&formats.grouping_separator, "");
    }
    if !formats.decimal_separator.is_empty() {
        text = text.replace(&formats.decimal_separator, ".");
    }
    leading_number(&text)
}

fn integer(value: f64) -> String {
    fixed(value.round().clamp(f64::from(i32::MIN), f64::from(i32::MAX)), 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn formats(date: &str, decimal: &str, grouping: &str, zone: &str) -> Formats {
        Formats {
            date: date.to_owned(),
            decimal_separator: decimal.to_owned(),
            grouping_separator: grouping.to_owned(),
            time_zone: zone.to_owned(),
        }
    }

    fn neutral() -> Formats {
        formats("yyyy-mm-dd", ".", ",", "UTC")
    }

    #[test]
    fn only_one_true_and_on_tick_a_box() {
        for ticked in [json!(true), json!(1), json!("1"), json!("on"), json!("1.0")] {
            assert!(is_ticked(&ticked), "{ticked}");
        }
        for empty in [json!(false), json!("true"), json!("yes"), json!(2), json!(null), json!("")] {
            assert!(!is_ticked(&empty), "{empty}");
        }
    }

    #[test]
    fn dates_are_iso_or_in_the_users_own_order() {
        let madrid = formats("dd-mm-yyyy", ".", ",", "Europe/Madrid");
        assert_eq!(date("31-12-1990", &madrid), "1990-12-31");
        assert_eq!(date("1990-12-31", &madrid), "1990-12-31");
        assert_eq!(date("31-12-1990", &neutral()), NO_DATE);
        assert_eq!(date("31/12/1999", &neutral()), NO_DATE);
        assert_eq!(date("2026-02-31", &neutral()), NO_DATE);
        assert_eq!(date("", &neutral()), "");
        assert_eq!(date_time("2026-07-01 12:30:45", &madrid), "2026-07-01 10:30:00");
        assert_eq!(date_time("2026-07-01 12:30:45", &neutral()), "2026-07-01 12:30:00");
    }

    #[test]
    fn numbers_go_through_the_users_format() {
        assert_eq!(fixed(number("1.234,56", &neutral()), 6), "1.234560");
        assert_eq!(fixed(number("1.234,56", &formats("", ",", ".", "")), 6), "1234.560000");
        assert_eq!(fixed(number("12 apples", &neutral()), 3), "12.000");
        assert_eq!(fixed(number("none", &neutral()), 3), "0.000");
        assert_eq!(integer(number("-0.4", &neutral())), "0");
        assert_eq!(integer(number("1e99", &neutral())), "2147483647");
        assert_eq!(fixed(leading_number("1e"), 1), "1.0");
    }

    #[test]
    fn text_is_recoded_and_cut_as_the_database_does() {
        assert_eq!(three_byte("a😀b"), "a????b");
        assert_eq!(cut("ééé", Some(2)), "éé");
        assert_eq!(sanitized_email(" jo (x)é@acme.example "), "jox@acme.example");
        assert_eq!(multiple(&json!("A|##|B |##| C")), "A |##| B |##| C");
        assert_eq!(multiple(&json!(["A", " B"])), "A |##| B");
        assert_eq!(php_trim("\n x\u{a0} \t"), "x\u{a0}");
    }
}
