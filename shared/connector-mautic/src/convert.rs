//! Conversions of single values to the form in which Mautic gives them back.
//!
//! Recorded from Mautic 5.1.0. Errors say what does not fit, without the value.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use model::Value;

/// Why a value does not fit.
pub(crate) type Unfit = String;

/// The text of a value, trimmed; `None` where it is blank.
pub(crate) fn text(value: &Value) -> Result<Option<String>, Unfit> {
    let text = match value {
        Value::Array(_) => return Err("a list cannot be stored here".to_owned()),
        Value::Bytes(_) => return Err("the text is not UTF-8".to_owned()),
        other => other.php_string().trim().to_owned(),
    };
    Ok((!text.is_empty()).then_some(text))
}

/// Text without tags, as Mautic strips them from everything but HTML fields.
pub(crate) fn without_tags(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let after = &rest[start + 1..];
        let is_tag = after.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
        let end = after.find('>');
        kept.push_str(&rest[..start]);
        match end {
            Some(end) if is_tag => rest = &after[end + 1..],
            // A lone `<` stays, as in "a < b".
            _ => {
                kept.push('<');
                rest = after;
            }
        }
    }
    kept.push_str(rest);
    kept
}

/// Refuses text that is longer than a column.
pub(crate) fn within(text: String, limit_chars: usize) -> Result<String, Unfit> {
    if text.chars().count() > limit_chars {
        return Err(format!("the text is longer than {limit_chars} characters"));
    }
    Ok(text)
}

/// An e-mail address; Mautic refuses what is none.
pub(crate) fn email(text: String) -> Result<String, Unfit> {
    let parts: Vec<&str> = text.split('@').collect();
    let well_formed = matches!(parts[..], [name, host] if !name.is_empty() && !host.is_empty());
    if !well_formed || text.chars().any(char::is_whitespace) {
        return Err("this is not an e-mail address".to_owned());
    }
    Ok(text)
}

/// The id of another record: a positive number; `None` where it is blank.
pub(crate) fn record_id(value: &Value) -> Result<Option<String>, Unfit> {
    let Some(text) = text(value)? else { return Ok(None) };
    match text.parse::<u64>() {
        Ok(id) if id > 0 => Ok(Some(id.to_string())),
        _ => Err("this is not the id of a record".to_owned()),
    }
}

/// A boolean. Mautic ignores any other spelling in silence.
pub(crate) fn boolean(text: &str) -> Result<bool, Unfit> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("this is neither yes nor no".to_owned()),
    }
}

/// How a number field rounds, by PHP's `NumberFormatter` constants; Mautic's default is 4.
pub(crate) fn rounded(number: f64, scale: u32, mode: u32) -> f64 {
    let factor = 10_f64.powi(i32::try_from(scale).unwrap_or(0));
    let scaled = number * factor;
    let whole = match mode {
        0 => scaled.ceil(),
        1 => scaled.floor(),
        2 => scaled.trunc(),
        // Away from zero.
        3 => scaled.abs().ceil().copysign(scaled),
        5 => {
            let down = scaled.trunc();
            if (scaled - down).abs() > 0.5 { down + scaled.signum() } else { down }
        }
        6 => scaled.round(),
        _ => scaled.round_ties_even(),
    };
    let back = whole / factor;
    if back.is_finite() { back } else { number }
}

/// A number: digits with an optional sign, point and exponent.
pub(crate) fn number(text: &str) -> Result<f64, Unfit> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    match text.parse::<f64>() {
        Ok(number) if plain && number.is_finite() => Ok(number),
        _ => Err("this is not a number".to_owned()),
    }
}

/// A date, as `Y-m-d`; `None` for a date of zeros. A time of day is left out. Mautic ignores other forms in silence.
pub(crate) fn date(text: &str) -> Result<Option<String>, Unfit> {
    if is_zero_date(text) {
        return Ok(None);
    }
    let day = text.get(..10).unwrap_or(text);
    let rest = text.get(10..).unwrap_or_default();
    let date: Date = day.parse().map_err(|_| "this is not a date of the form YYYY-MM-DD".to_owned())?;
    if !rest.is_empty() {
        moment(text)?;
    }
    Ok(Some(date.to_string()))
}

/// A point in time in UTC, as `Y-m-d H:i:00`; `None` for a date of zeros. Without a zone it is taken as UTC; Mautic
/// keeps no seconds.
pub(crate) fn datetime(text: &str) -> Result<Option<String>, Unfit> {
    if is_zero_date(text) {
        return Ok(None);
    }
    Ok(Some(moment(text)?.strftime("%Y-%m-%d %H:%M:00").to_string()))
}

/// The same, in the form that Mautic reads whatever its own time zone is.
pub(crate) fn datetime_for_writing(canonical: &str) -> String {
    format!("{}+00:00", canonical.replacen(' ', "T", 1))
}

/// A time of day, as `H:i:00`: Mautic keeps no seconds.
pub(crate) fn time(text: &str) -> Result<String, Unfit> {
    let time: Time = text.parse().map_err(|_| "this is not a time of the form HH:MM".to_owned())?;
    Ok(time.strftime("%H:%M:00").to_string())
}

/// A date, a date with a time, or either with a zone, in UTC.
fn moment(text: &str) -> Result<DateTime, Unfit> {
    let bad = || "this is not a time of the form YYYY-MM-DD HH:MM".to_owned();
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Ok(instant.to_zoned(TimeZone::UTC).datetime());
    }
    text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(Date::into)).map_err(|_| bad())
}

fn is_zero_date(text: &str) -> bool {
    text.starts_with("0000-00-00") && text.bytes().all(|b| matches!(b, b'0' | b'-' | b' ' | b':' | b'T'))
}

/// An option of a select field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// What is stored.
    pub(crate) value: String,
    /// What people see.
    pub(crate) label: String,
}

/// The value of the option that is meant: by its value, else by its label, without regard to case where only one fits.
/// Mautic itself takes values only. Fields without options take anything.
pub(crate) fn option(text: &str, options: &[Choice]) -> Option<String> {
    if options.is_empty() || options.iter().any(|option| option.value == text) {
        return Some(text.to_owned());
    }
    let wanted = text.to_lowercase();
    let tests: [&dyn Fn(&Choice) -> bool; 3] =
        [&|option| option.label == text, &|option| option.value.to_lowercase() == wanted, &|option| {
            option.label.to_lowercase() == wanted
        }];
    tests.iter().find_map(|fits| {
        let mut fitting = options.iter().filter(|option| fits(option));
        fitting.next().filter(|_| fitting.next().is_none()).map(|option| option.value.clone())
    })
}

/// The options of a multi-select in one order: the alphabetical one, which Mautic stores after an edit.
pub(crate) fn multiselect(value: &Value, options: &[Choice]) -> Result<Option<String>, Unfit> {
    let mut chosen: Vec<String> = match value {
        Value::Array(array) => {
            let mut chosen = Vec::with_capacity(array.len());
            for element in array.values() {
                chosen.extend(text(element)?);
            }
            chosen
        }
        // Mautic's own form is `a|b`, coreBOS's is `a |##| b`.
        other => match text(other)? {
            Some(joined) => {
                let separator = if joined.contains("|##|") { "|##|" } else { "|" };
                joined.split(separator).map(|part| part.trim().to_owned()).filter(|p| !p.is_empty()).collect()
            }
            None => Vec::new(),
        },
    };
    for choice in &mut chosen {
        *choice = option(choice, options)
            .ok_or_else(|| "one of the values is not among the options of this field".to_owned())?;
    }
    chosen.sort_unstable();
    chosen.dedup();
    Ok((!chosen.is_empty()).then(|| chosen.join("|")))
}
