//! Conversions of single values to the form in which HubSpot gives them back.
//!
//! HubSpot's API guide, "Property values"; errors say what does not fit, without the value.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use model::Value;

/// Why a value does not fit.
pub(crate) type Unfit = String;

/// The longest text of a property, in characters.
const TEXT_LIMIT_CHARS: usize = 65_536;

/// The text of a value, trimmed; `None` where it is blank.
pub(crate) fn text(value: &Value) -> Result<Option<String>, Unfit> {
    let text = match value {
        Value::Array(_) => return Err("a list cannot be stored here".to_owned()),
        Value::Bytes(_) => return Err("the text is not UTF-8".to_owned()),
        other => other.php_string().trim().to_owned(),
    };
    if text.chars().count() > TEXT_LIMIT_CHARS {
        return Err(format!("the text is longer than {TEXT_LIMIT_CHARS} characters"));
    }
    Ok((!text.is_empty()).then_some(text))
}

/// An e-mail address; HubSpot keeps it in lower case and refuses what is none.
pub(crate) fn email(text: &str) -> Result<String, Unfit> {
    let lower = text.to_lowercase();
    match lower.split_once('@') {
        Some((name, host))
            if !name.is_empty()
                && host.contains('.')
                && !host.contains('@')
                && !lower.contains(char::is_whitespace) =>
        {
            Ok(lower)
        }
        _ => Err("this is not an e-mail address".to_owned()),
    }
}

/// `true` or `false`.
pub(crate) fn boolean(value: &Value) -> Result<String, Unfit> {
    let yes = match value {
        Value::Bool(yes) => *yes,
        other => match other.php_string().trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => true,
            "0" | "false" | "no" | "off" => false,
            _ => return Err("this is neither yes nor no".to_owned()),
        },
    };
    Ok(yes.to_string())
}

/// A number in its plain form: no exponent, no separators, no zeros that say nothing.
pub(crate) fn number(text: &str) -> Result<String, Unfit> {
    let bad = || "this is not a number".to_owned();
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.'));
    let parsed: f64 = text.parse().map_err(|_| bad())?;
    if !parsed.is_finite() {
        return Err(bad());
    }
    // Digits are kept as they are: a float would lose some of a long id or amount.
    let digits = if plain { text.to_owned() } else { format!("{parsed:.6}") };
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", digits.strip_prefix('+').unwrap_or(&digits)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    Ok(match (whole, fraction) {
        ("0", "") => "0".to_owned(),
        (whole, "") => format!("{sign}{whole}"),
        (whole, fraction) => format!("{sign}{whole}.{fraction}"),
    })
}

/// A day. Of a moment with a zone it is the day in `zone`.
pub(crate) fn day(text: &str, zone: &TimeZone) -> Result<Option<String>, Unfit> {
    if is_zero(text) {
        return Ok(None);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(Some(at.to_zoned(zone.clone()).date().to_string()));
    }
    if let Some(at) = milliseconds(text) {
        return Ok(Some(at.to_zoned(zone.clone()).date().to_string()));
    }
    let date: Date = text
        .parse::<DateTime>()
        .map(DateTime::date)
        .or_else(|_| text.parse::<Date>())
        .map_err(|_| "this is not a date of the form YYYY-MM-DD".to_owned())?;
    Ok(Some(date.to_string()))
}

/// A moment in UTC. Without a zone it is taken as UTC, as coreBOS's web service gives times.
pub(crate) fn moment(text: &str) -> Result<Option<String>, Unfit> {
    if is_zero(text) {
        return Ok(None);
    }
    let bad = || "this is not a time of the form YYYY-MM-DD HH:MM:SS".to_owned();
    let at = match text.parse::<Timestamp>() {
        Ok(at) => at,
        Err(_) => match milliseconds(text) {
            Some(at) => at,
            None => text
                .parse::<DateTime>()
                .or_else(|_| text.parse::<Date>().map(Date::into))
                .map_err(|_| bad())?
                .to_zoned(TimeZone::UTC)
                .map_err(|_| bad())?
                .timestamp(),
        },
    };
    Ok(Some(written(at)))
}

/// Noon of a day in a zone: it is the same day wherever HubSpot's users look at it from, or nearly so.
pub(crate) fn noon(day: &str, zone: &TimeZone) -> Option<String> {
    let date: Date = day.parse().ok()?;
    let noon = date.at(12, 0, 0, 0).to_zoned(zone.clone()).ok()?;
    Some(written(noon.timestamp()))
}

/// A moment as HubSpot writes it: no fraction where it is 0.
fn written(at: Timestamp) -> String {
    if at.subsec_millisecond() == 0 {
        at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    } else {
        at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }
}

/// Milliseconds since 1970, as older clients of HubSpot write times: at least nine digits, so that no year is one.
fn milliseconds(text: &str) -> Option<Timestamp> {
    (text.len() >= 9).then(|| text.parse().ok()).flatten().and_then(|ms| Timestamp::from_millisecond(ms).ok())
}

fn is_zero(text: &str) -> bool {
    text.starts_with("0000-00-00")
}

/// Several values, in one order: HubSpot separates by `;`, coreBOS by ` |##| `, Mautic by `|`.
pub(crate) fn several(value: &Value) -> Result<Vec<String>, Unfit> {
    let mut chosen = Vec::new();
    match value {
        Value::Array(array) => {
            for element in array.values() {
                chosen.extend(text(element)?);
            }
        }
        other => {
            if let Some(joined) = text(other)? {
                let separator = if joined.contains("|##|") { "|##|" } else { ";" };
                let parts = joined.split(separator).map(|part| part.trim().to_owned());
                chosen.extend(parts.filter(|part| !part.is_empty()));
            }
        }
    }
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_york() -> TimeZone {
        TimeZone::get("America/New_York").unwrap()
    }

    #[test]
    fn a_close_date_is_the_same_day_after_a_round_trip() {
        let noon_there = noon("2026-05-01", &new_york()).unwrap();
        assert_eq!(noon_there, "2026-05-01T16:00:00Z");
        assert_eq!(day(&noon_there, &new_york()).unwrap().as_deref(), Some("2026-05-01"));
        // What others wrote: midnight UTC is still the day before in New York, which is what its users see.
        assert_eq!(day("2026-05-01T00:00:00Z", &new_york()).unwrap().as_deref(), Some("2026-04-30"));
        assert_eq!(day("2026-05-01 23:59:00", &new_york()).unwrap().as_deref(), Some("2026-05-01"));
        assert_eq!(day("0000-00-00", &new_york()).unwrap(), None);
    }

    #[test]
    fn numbers_lose_what_says_nothing_and_no_digit_else() {
        for (from, to) in [
            ("1000.50", "1000.5"),
            ("007", "7"),
            ("-0.0", "0"),
            ("1234567890123456789.25", "1234567890123456789.25"),
            ("1e3", "1000"),
            ("+.5", "0.5"),
        ] {
            assert_eq!(number(from).unwrap(), to);
        }
        for bad in ["1,000", "ten", "", "NaN", "1.2.3"] {
            assert!(number(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn several_values_come_in_one_order_from_either_side() {
        let from_corebos = several(&Value::from("B |##| A")).unwrap();
        assert_eq!(from_corebos, several(&Value::from("A;B;")).unwrap());
    }

    #[test]
    fn moments_are_in_utc() {
        assert_eq!(moment("2026-05-01 10:00:00").unwrap().as_deref(), Some("2026-05-01T10:00:00Z"));
        assert_eq!(
            moment("2026-05-01T10:00:00.250+02:00").unwrap().as_deref(),
            Some("2026-05-01T08:00:00.250Z")
        );
        assert_eq!(moment("1777636800000").unwrap().as_deref(), Some("2026-05-01T12:00:00Z"));
        assert!(moment("2026").is_err() && moment("soon").is_err());
    }
}
