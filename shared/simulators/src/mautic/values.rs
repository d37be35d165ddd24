//! What Mautic makes of a value that is sent for a field: converts it, ignores it, or refuses it.

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;

use super::php::Php;
use super::places::{is_country, is_region};
use super::schema::{Field, TEXT_LIMIT};
use super::stamp;

/// What came of a sent value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sent {
    /// The field is to be empty; whether that happens depends on `overwriteWithBlank`.
    Blank,
    /// The value is dropped without a word.
    Ignored,
    /// The field is to hold this.
    Value(Php),
}

/// The words of a refusal, without the alias in front.
pub(crate) type Refusal = String;

const INVALID: &str = "This value is not valid.";

/// Converts what was sent for `field`; `current` is what the record holds.
pub(crate) fn convert(field: &Field, given: &Php, current: &Php) -> Result<Sent, Refusal> {
    if *given == Php::Null || (field.kind == "multiselect" && given.items().is_empty() && is_array(given)) {
        return Ok(Sent::Blank);
    }
    if given.is_blank() {
        // Source: capture F15. An empty text leaves dates as they are, only null clears them.
        let date = matches!(field.kind.as_str(), "date" | "datetime" | "time");
        return Ok(if date { Sent::Ignored } else { Sent::Blank });
    }
    if field.kind == "multiselect" {
        return multiselect(field, given, current);
    }
    let text = given.as_text().ok_or_else(|| INVALID.to_owned())?;
    match field.kind.as_str() {
        "boolean" => Ok(boolean(given)),
        "number" => number(field, given),
        "date" => Ok(text_or_ignored(date(&text))),
        "datetime" => Ok(text_or_ignored(moment(&text).map(minute))),
        "time" => Ok(text_or_ignored(time_of_day(&text))),
        "select" => choice(field.options().iter().any(|(value, _)| *value == text), text),
        "country" => choice(is_country(&text), text),
        "region" => choice(is_region(&text), text),
        "timezone" => choice(text == "UTC" || text.contains('/'), text),
        "locale" => choice(is_locale(&text), text),
        _ => free_text(field, &text),
    }
}

fn is_array(value: &Php) -> bool {
    matches!(value, Php::List(_) | Php::Map(_))
}

fn text_or_ignored(text: Option<String>) -> Sent {
    text.map_or(Sent::Ignored, |text| Sent::Value(Php::Text(text)))
}

fn choice(known: bool, text: String) -> Result<Sent, Refusal> {
    if known { Ok(Sent::Value(Php::Text(text))) } else { Err(INVALID.to_owned()) }
}

/// Source: captures F02 to F08. Words such as "false" and "no" are ignored.
fn boolean(given: &Php) -> Sent {
    match given {
        Php::Bool(value) => Sent::Value(Php::Int(i64::from(*value))),
        Php::Int(number @ (0 | 1)) => Sent::Value(Php::Int(*number)),
        Php::Text(text) if text == "0" || text == "1" => Sent::Value(Php::Int(i64::from(text == "1"))),
        _ => Sent::Ignored,
    }
}

fn number(field: &Field, given: &Php) -> Result<Sent, Refusal> {
    if let Php::Int(number) = given {
        return Ok(Sent::Value(Php::Int(*number)));
    }
    let number = given.as_number().ok_or_else(|| INVALID.to_owned())?;
    let power = 10_f64.powi(i32::try_from(field.scale().clamp(0, 12)).unwrap_or(0));
    let rounded = (number * power).round() / power;
    Ok(Sent::Value(Php::Float(rounded)))
}

/// Options that are held already keep their places, new ones come after them (captures B01, B27).
fn multiselect(field: &Field, given: &Php, current: &Php) -> Result<Sent, Refusal> {
    let wanted: Vec<String> = if is_array(given) {
        given
            .items()
            .into_iter()
            .map(|item| item.as_text().ok_or_else(|| INVALID.to_owned()))
            .collect::<Result<_, _>>()?
    } else {
        let text = given.as_text().ok_or_else(|| INVALID.to_owned())?;
        text.split('|').map(str::to_owned).collect()
    };
    let options = field.options();
    if !wanted.iter().all(|value| options.iter().any(|(option, _)| option == value)) {
        return Err(INVALID.to_owned());
    }
    let held = current.as_text().unwrap_or_default();
    let mut result: Vec<&str> =
        held.split('|').filter(|value| wanted.iter().any(|each| each == value)).collect();
    for value in &wanted {
        if !result.contains(&value.as_str()) {
            result.push(value);
        }
    }
    Ok(Sent::Value(Php::Text(result.join("|"))))
}

fn free_text(field: &Field, text: &str) -> Result<Sent, Refusal> {
    let cleaned =
        if field.kind == "html" { text.trim().to_owned() } else { strip_tags(text).trim().to_owned() };
    let unlimited = matches!(field.kind.as_str(), "html" | "textarea") || field.alias.contains("description");
    if !unlimited && cleaned.chars().count() > TEXT_LIMIT {
        return Err(format!("This value is too long. It should have {TEXT_LIMIT} characters or less."));
    }
    if field.kind == "email" && !is_email(&cleaned) {
        return Err(format!("{cleaned} is invalid."));
    }
    Ok(if cleaned.is_empty() { Sent::Blank } else { Sent::Value(Php::Text(cleaned)) })
}

/// Removes HTML tags as PHP's `strip_tags` does: what follows `<` and a blank or a digit stays.
pub(crate) fn strip_tags(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        result.push_str(before);
        let opens = tag.chars().nth(1).is_some_and(|next| next.is_ascii_alphabetic() || "/!?".contains(next));
        if !opens {
            result.push('<');
            rest = tag.get(1..).unwrap_or_default();
            continue;
        }
        rest = tag.find('>').and_then(|end| tag.get(end + 1..)).unwrap_or_default();
    }
    result.push_str(rest);
    result
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.is_empty()
        && !text.chars().any(|character| character.is_whitespace() || "<>()[],;:\\\"".contains(character))
        && !local.contains('@')
        && domain.split('.').count() > 1
        && domain.split('.').all(|label| !label.is_empty())
}

fn is_locale(text: &str) -> bool {
    let (language, country) = text.split_once('_').unwrap_or((text, "XX"));
    (2..=3).contains(&language.len())
        && language.chars().all(|character| character.is_ascii_lowercase())
        && country.len() >= 2
        && country.chars().all(|character| character.is_ascii_alphanumeric())
}

/// A moment in UTC, read from ISO 8601 or `Y-m-d H:i[:s]`; a text without a zone is UTC (capture J06).
///
/// PHP also reads words such as "tomorrow"; those are ignored here.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if !text.contains(|character: char| ('1'..='9').contains(&character)) {
        return None;
    }
    if let Ok(absolute) = text.parse::<Timestamp>() {
        return Some(absolute);
    }
    let naive = text
        .parse::<civil::DateTime>()
        .ok()
        .or_else(|| text.parse::<civil::Date>().ok().map(|date| date.to_datetime(civil::Time::midnight())))?;
    naive.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn minute(moment: Timestamp) -> String {
    moment.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:00").to_string()
}

fn date(text: &str) -> Option<String> {
    moment(text).map(|moment| moment.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d").to_string())
}

fn time_of_day(text: &str) -> Option<String> {
    let mut parts = text.trim().split(':');
    let hour: u8 = parts.next()?.parse().ok().filter(|hour| *hour < 24)?;
    let minute: u8 = parts.next()?.parse().ok().filter(|minute| *minute < 60)?;
    Some(format!("{hour:02}:{minute:02}:00"))
}

/// A moment as `lastActive` keeps it; what cannot be read becomes the present.
pub(crate) fn last_active(text: &str, now: Timestamp) -> Timestamp {
    let read = moment(text).unwrap_or(now);
    Timestamp::from_second(read.as_second()).unwrap_or(read)
}

/// The value as a column holds it: numbers as floats, everything else as it is; nothing for a blank.
pub(crate) fn column(field: &Field, value: &Php) -> Option<Php> {
    if value.is_blank() {
        return None;
    }
    Some(match field.kind.as_str() {
        "number" => Php::Float(value.as_number()?),
        "boolean" => Php::Int(i64::from(!value.is_empty())),
        _ => value.clone(),
    })
}

/// A moment as a date-time column shows it, or null.
pub(crate) fn column_moment(moment: Option<Timestamp>) -> Php {
    moment.map_or(Php::Null, |moment| Php::Text(stamp::sql(moment)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_stripped_as_php_strips_them() {
        assert_eq!(strip_tags("A <b>B</b> & \"C\" 'D'"), "A B & \"C\" 'D'");
        assert_eq!(strip_tags("1 < 2 <3 <br>x<i"), "1 < 2 <3 x");
        assert_eq!(strip_tags("<é>"), "<é>");
    }

    #[test]
    fn moments_lose_their_seconds_and_keep_their_offset() {
        assert_eq!(moment("2026-03-04T05:06:07+02:00").map(minute).as_deref(), Some("2026-03-04 03:06:00"));
        assert_eq!(moment("2026-01-02 03:04:05").map(minute).as_deref(), Some("2026-01-02 03:04:00"));
        assert_eq!(moment("0000-00-00 00:00:00"), None);
        assert_eq!(moment("yesterdayish"), None);
        assert_eq!(date("31/12/2020"), None);
        assert_eq!(time_of_day("01:02:03").as_deref(), Some("01:02:00"));
    }

    #[test]
    fn an_email_needs_a_name_and_a_domain() {
        assert!(is_email("o'x+1@example.test"));
        for bad in ["not-an-email", "a@b", "@b.c", "a b@c.d", "a@b..c"] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
