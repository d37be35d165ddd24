//! Conversions of single values to the form in which coreBOS gives them back.
//!
//! Recorded from a coreBOS of January 2025. Errors say what does not fit, without the value.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use model::Value;

use crate::wire::is_record_id;

/// Why a value does not fit.
pub(crate) type Unfit = String;

/// How many digits a number keeps behind the point: `annual_revenue` reads `1234.560000`.
const DECIMALS: usize = 6;
/// The most digits before the point that coreBOS's decimal columns hold.
const WHOLE_DIGITS: usize = 19;

/// The text of a value as it is.
pub(crate) fn text(value: &Value) -> Result<String, Unfit> {
    match value {
        Value::Array(_) => Err("a list cannot be stored here".to_owned()),
        Value::Bytes(_) => Err("the text is not UTF-8".to_owned()),
        other => Ok(other.php_string().into_owned()),
    }
}

/// Refuses text that coreBOS would cut without a word.
pub(crate) fn within(text: String, limit_chars: Option<usize>) -> Result<String, Unfit> {
    match limit_chars {
        Some(limit) if text.chars().count() > limit => {
            Err(format!("the text is longer than {limit} characters"))
        }
        _ => Ok(text),
    }
}

/// A boolean: `0` or `1`. Blank is no, as a field that was never saved reads ''.
pub(crate) fn boolean(value: &Value) -> Result<String, Unfit> {
    let yes = match value {
        Value::Bool(yes) => *yes,
        other => match text(other)?.trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "on" | "yes" => true,
            "" | "0" | "false" | "off" | "no" => false,
            _ => return Err("this is neither yes nor no".to_owned()),
        },
    };
    Ok(if yes { "1" } else { "0" }.to_owned())
}

/// What PHP's `FILTER_SANITIZE_EMAIL` leaves of a text; coreBOS stores that, valid or not.
pub(crate) fn email(text: &str) -> String {
    let kept = |c: &char| c.is_ascii_alphanumeric() || "!#$%&'*+-=?^_`{|}~@.[]".contains(*c);
    text.chars().filter(kept).collect()
}

/// A number in its shortest form, at most six digits behind the point: coreBOS gives `1234.560000` and `42` back. It
/// keeps no blank numbers: blank is 0.
pub(crate) fn decimal(text: &str) -> Result<String, Unfit> {
    let text = text.trim();
    if text.is_empty() {
        return Ok("0".to_owned());
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = match plain(digits) {
        Some(plain) => plain,
        // An exponent, as PHP writes large floats.
        None => exponent(digits)?,
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let whole = whole.trim_start_matches('0');
    if whole.len() > WHOLE_DIGITS {
        return Err("the number is too large".to_owned());
    }
    let rounded = round(whole, fraction)?;
    Ok(if negative && rounded != "0" { format!("-{rounded}") } else { rounded })
}

/// A whole number. coreBOS would round a fraction without a word.
pub(crate) fn integer(text: &str) -> Result<String, Unfit> {
    let number = decimal(text)?;
    if number.contains('.') { Err("this is not a whole number".to_owned()) } else { Ok(number) }
}

/// Digits with at most one point, of which at least one is a digit.
fn plain(text: &str) -> Option<String> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let points = text.bytes().filter(|b| *b == b'.').count();
    (digits > 0 && points <= 1 && digits + points == text.len() && text.len() <= 60).then(|| text.to_owned())
}

fn exponent(text: &str) -> Result<String, Unfit> {
    let scientific =
        text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    match text.parse::<f64>() {
        Ok(number) if scientific && number.is_finite() && (0.0..1e19).contains(&number) => {
            Ok(format!("{number:.DECIMALS$}"))
        }
        _ => Err("this is not a number".to_owned()),
    }
}

/// Rounds half away from zero, as the database does, and leaves out zeros at the end.
fn round(whole: &str, fraction: &str) -> Result<String, Unfit> {
    let kept: String = fraction.chars().chain(std::iter::repeat('0')).take(DECIMALS).collect();
    let up = fraction.as_bytes().get(DECIMALS).is_some_and(|digit| *digit >= b'5');
    let scaled: u128 = format!("{whole}{kept}").parse().map_err(|_| "this is not a number".to_owned())?;
    let scaled = scaled + u128::from(up);
    let unit = 10_u128.pow(6);
    let fraction = format!("{:06}", scaled % unit);
    let fraction = fraction.trim_end_matches('0');
    let whole = scaled / unit;
    Ok(if fraction.is_empty() { whole.to_string() } else { format!("{whole}.{fraction}") })
}

/// A date, as `YYYY-MM-DD`; blank for a date of zeros. A time of day is left out.
pub(crate) fn date(text: &str) -> Result<String, Unfit> {
    let text = text.trim();
    if text.is_empty() || is_zero_date(text) {
        return Ok(String::new());
    }
    let bad = || "this is not a date of the form YYYY-MM-DD".to_owned();
    let day: Date = text.get(..10).unwrap_or(text).parse().map_err(|_| bad())?;
    if text.len() > 10 && moment(text).is_none() {
        return Err(bad());
    }
    Ok(day.to_string())
}

/// A point in time in UTC, as `YYYY-MM-DD HH:MM:00`; blank for a date of zeros. Without a zone it is taken as UTC.
/// coreBOS keeps no seconds of what is written.
pub(crate) fn datetime(text: &str) -> Result<String, Unfit> {
    let text = text.trim();
    if text.is_empty() || is_zero_date(text) {
        return Ok(String::new());
    }
    let moment = moment(text).ok_or_else(|| "this is not a time of the form YYYY-MM-DD HH:MM".to_owned())?;
    Ok(moment.strftime("%Y-%m-%d %H:%M:00").to_string())
}

/// A time of day, as `HH:MM`, with seconds only where there are any.
pub(crate) fn time(text: &str) -> Result<String, Unfit> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(String::new());
    }
    let time: Time = text.parse().map_err(|_| "this is not a time of the form HH:MM".to_owned())?;
    let form = if time.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    Ok(time.strftime(form).to_string())
}

fn moment(text: &str) -> Option<DateTime> {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(instant.to_zoned(TimeZone::UTC).datetime());
    }
    text.parse::<DateTime>().ok().or_else(|| text.parse::<Date>().ok().map(Date::into))
}

fn is_zero_date(text: &str) -> bool {
    text.starts_with("0000-00-00") && text.bytes().all(|b| matches!(b, b'0' | b'-' | b' ' | b':' | b'T'))
}

/// A value of a picklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// What is stored.
    pub(crate) value: String,
    /// What our user sees, in its language.
    pub(crate) label: String,
}

/// The value of a picklist that is meant: by its value, else by its label, without regard to case where only one fits.
/// Else the text as it is: coreBOS stores it.
pub(crate) fn choice(text: &str, options: &[Choice]) -> String {
    if options.iter().any(|option| option.value == text) {
        return text.to_owned();
    }
    let wanted = text.to_lowercase();
    let tests: [&dyn Fn(&Choice) -> bool; 3] =
        [&|option| option.label == text, &|option| option.value.to_lowercase() == wanted, &|option| {
            option.label.to_lowercase() == wanted
        }];
    let meant = tests.iter().find_map(|fits| {
        let mut fitting = options.iter().filter(|option| fits(option));
        fitting.next().filter(|_| fitting.next().is_none())
    });
    meant.map_or_else(|| text.to_owned(), |option| option.value.clone())
}

/// Several choices, as `A |##| B`, in alphabetical order, because other systems do not keep the order in which they
/// were chosen. Mautic's `a|b` is understood.
pub(crate) fn choices(value: &Value, options: &[Choice]) -> Result<String, Unfit> {
    let mut chosen = Vec::new();
    match value {
        Value::Array(array) => {
            for element in array.values() {
                chosen.push(text(element)?.trim().to_owned());
            }
        }
        other => {
            let joined = text(other)?;
            let separator = if joined.contains("|##|") { "|##|" } else { "|" };
            chosen.extend(joined.split(separator).map(|part| part.trim().to_owned()));
        }
    }
    chosen.retain(|choice| !choice.is_empty());
    for chosen in &mut chosen {
        *chosen = choice(chosen, options);
    }
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen.join(" |##| "))
}

/// The id of another record, or blank. `11x0` is what queries call no record.
pub(crate) fn reference(text: &str) -> Result<String, Unfit> {
    let text = text.trim();
    if text.is_empty() || text.ends_with("x0") && is_record_id(text) {
        return Ok(String::new());
    }
    if is_record_id(text) {
        Ok(text.to_owned())
    } else {
        Err("this is not the id of a record, like 11x74".to_owned())
    }
}
