//! What a setting may hold: read from what an administrator writes, checked as it is stored, shown.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use mapping::{FieldMap, Semantics};
use serde_json::{Value, json};

use crate::nurturing::NurturingRules;
use crate::poll::{DayHours, FasterHours, Weekday};

/// What a setting may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// On or off.
    Switch,
    /// One of these words, each with what it means.
    Choice(&'static [(&'static str, &'static str)]),
    /// A whole number in a range.
    Number {
        /// The least.
        least: u32,
        /// The most.
        most: u32,
    },
    /// A time span in a range, kept in seconds.
    Seconds {
        /// The least.
        least: u32,
        /// The most.
        most: u32,
    },
    /// Hours of each day, or none.
    Hours,
    /// Hours of each day with a frequency of their own, or none.
    FasterHours,
    /// Days of the week.
    Days,
    /// The name of a time zone.
    TimeZone,
    /// The id of a user or a group of coreBOS, or none.
    Owner,
    /// A short text, or none.
    Text,
    /// What begins in HubSpot when something happens in coreBOS, or none.
    Nurturing,
    /// A field map: coreBOS's XML.
    Map,
}

/// The days, as they are written.
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The longest text.
const LONGEST_TEXT: usize = 200;

/// The most seconds from one poll to the next, and the least.
pub(super) const POLL_SECONDS: (u32, u32) = (60, 90_000);

/// The word for nothing.
const NONE: &str = "none";

impl ValueKind {
    /// What may be written, in words: `on or off`.
    pub fn allowed(self) -> String {
        match self {
            Self::Switch => "on or off".to_owned(),
            Self::Choice(words) => {
                let words: Vec<String> =
                    words.iter().map(|(word, meaning)| format!("{word} ({meaning})")).collect();
                words.join(", ")
            }
            Self::Number { least, most } => format!("a number from {least} to {most}"),
            Self::Seconds { least, most } => {
                format!("a time from {} to {}, such as 90s or 5min", span(least), span(most))
            }
            Self::Hours => "hours such as 22:00-06:00, or none".to_owned(),
            Self::FasterHours => {
                "hours and a time span from 1 min to 25 h, such as 08:00-18:00 every 1min; or none".to_owned()
            }
            Self::Days => "days such as saturday,sunday; or none".to_owned(),
            Self::TimeZone => "a time zone such as Europe/Madrid".to_owned(),
            Self::Owner => "the id of a user or a group of coreBOS, such as 19x5 or 20x3; or none".to_owned(),
            Self::Text => format!("a text of at most {LONGEST_TEXT} characters, or none"),
            Self::Nurturing => {
                "rules such as `Leads.leadstatus=Hot -> list 12; trial -> event pe1_trial`, or none"
                    .to_owned()
            }
            Self::Map => "a field map of coreBOS, as @FILE".to_owned(),
        }
    }

    /// Reads what an administrator writes. `null` is nothing.
    ///
    /// # Errors
    /// What is wrong and what may be written.
    pub fn parse(self, text: &str) -> Result<Value, String> {
        let text = text.trim();
        let value = self.read(text).ok_or_else(|| self.refusal(text))?;
        self.check(&value).map(|()| value)
    }

    fn read(self, text: &str) -> Option<Value> {
        let lower = text.to_lowercase();
        let is_none = lower == NONE;
        Some(match self {
            Self::Switch => match lower.as_str() {
                "on" | "true" | "yes" | "1" => json!(true),
                "off" | "false" | "no" | "0" => json!(false),
                _ => return None,
            },
            Self::Choice(_) => json!(lower),
            Self::Number { .. } => json!(text.parse::<u32>().ok()?),
            Self::Seconds { .. } => json!(seconds(text)?),
            Self::Hours | Self::FasterHours | Self::Owner | Self::Text | Self::Nurturing if is_none => {
                Value::Null
            }
            Self::Hours => {
                let (from, to) = hours(text)?;
                json!({ "from": from, "to": to })
            }
            Self::FasterHours => {
                let (of_day, every) = text.split_once(' ')?;
                let (from, to) = hours(of_day)?;
                let every = every.trim();
                let every = seconds(every.strip_prefix("every ").unwrap_or(every))?;
                json!({ "from": from, "to": to, "every_seconds": every })
            }
            Self::Days if is_none => json!([]),
            Self::Days => {
                let words = lower.split([',', ' ']).filter(|word| !word.is_empty());
                let days: Option<Vec<&str>> = words.map(day).collect();
                json!(days.filter(|days| !days.is_empty())?)
            }
            Self::TimeZone | Self::Owner | Self::Text | Self::Nurturing | Self::Map => json!(text),
        })
    }

    fn refusal(self, text: &str) -> String {
        let allowed = self.allowed();
        let words: Vec<&str> = match self {
            Self::Choice(words) => words.iter().map(|(word, _)| *word).collect(),
            Self::Switch => vec!["on", "off", "true", "false"],
            Self::Days => DAYS.to_vec(),
            _ => Vec::new(),
        };
        match mapping::suggestion(text, words) {
            Some(meant) => format!("write {allowed}; did you mean `{meant}`?"),
            None => format!("write {allowed}"),
        }
    }

    /// Checks a value as it is stored.
    ///
    /// # Errors
    /// What may be written. The value itself is not told: it may be anything.
    pub fn check(self, value: &Value) -> Result<(), String> {
        let fits = match self {
            Self::Switch => value.is_boolean(),
            Self::Choice(words) => {
                let Some(text) = value.as_str() else { return Err(self.refusal("")) };
                if !words.iter().any(|(word, _)| *word == text) {
                    return Err(self.refusal(text));
                }
                true
            }
            Self::Number { least, most } | Self::Seconds { least, most } => {
                value.as_u64().is_some_and(|number| (u64::from(least)..=u64::from(most)).contains(&number))
            }
            Self::Hours => value.is_null() || typed::<DayHours>(value).is_some(),
            Self::FasterHours => {
                let range = POLL_SECONDS.0..=POLL_SECONDS.1;
                value.is_null()
                    || typed::<FasterHours>(value).is_some_and(|faster| range.contains(&faster.every_seconds))
            }
            Self::Days => typed::<Vec<Weekday>>(value).is_some(),
            Self::TimeZone => value.as_str().is_some_and(|name| TimeZone::get(name).is_ok()),
            Self::Owner => value.is_null() || value.as_str().is_some_and(is_wsid),
            Self::Nurturing if value.is_null() => true,
            Self::Nurturing => {
                let text = value.as_str().filter(|text| !text.trim().is_empty());
                let text = text.ok_or_else(|| self.refusal(""))?;
                return text.parse::<NurturingRules>().map(drop);
            }
            Self::Text => {
                let is_short = |text: &str| !text.is_empty() && text.chars().count() <= LONGEST_TEXT;
                value.is_null() || value.as_str().is_some_and(is_short)
            }
            Self::Map => return check_map(value),
        };
        if fits { Ok(()) } else { Err(self.refusal("")) }
    }

    /// A value as an administrator would write it.
    pub fn show(self, value: &Value) -> String {
        let shown = match self {
            Self::Switch => value.as_bool().map(|on| if on { "on" } else { "off" }.to_owned()),
            Self::Seconds { .. } => value.as_u64().and_then(|seconds| u32::try_from(seconds).ok()).map(span),
            Self::Hours => typed::<DayHours>(value).map(|hours| clock(hours.from, hours.to)),
            Self::FasterHours => typed::<FasterHours>(value).map(|faster| {
                format!("{} every {}", clock(faster.from, faster.to), span(faster.every_seconds))
            }),
            Self::Days => value.as_array().map(|days| {
                let days: Vec<&str> = days.iter().filter_map(Value::as_str).collect();
                if days.is_empty() { NONE.to_owned() } else { days.join(",") }
            }),
            Self::Map => value.as_str().map(|xml| format!("a map of {} bytes", xml.len())),
            Self::Choice(_)
            | Self::Number { .. }
            | Self::TimeZone
            | Self::Owner
            | Self::Text
            | Self::Nurturing => None,
        };
        shown.unwrap_or_else(|| match value {
            Value::Null => NONE.to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }
}

fn typed<T: serde::de::DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}

fn check_map(value: &Value) -> Result<(), String> {
    let Some(xml) = value.as_str() else { return Err(format!("write {}", ValueKind::Map.allowed())) };
    match FieldMap::compile("the map", xml.as_bytes(), Semantics::Bridge) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// `19x5`.
fn is_wsid(text: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    text.split_once('x').is_some_and(|(entity, id)| is_number(entity) && is_number(id))
}

fn day(word: &str) -> Option<&'static str> {
    DAYS.into_iter().find(|day| *day == word || word.len() == 3 && day.starts_with(word))
}

fn hours(text: &str) -> Option<(String, String)> {
    let (from, to) = text.split_once('-')?;
    let time = |text: &str| {
        let time = format!("{:0>5}", text.trim()).parse::<Time>().ok()?;
        Some(time.strftime("%H:%M").to_string())
    };
    Some((time(from)?, time(to)?))
}

fn clock(from: Time, to: Time) -> String {
    format!("{}-{}", from.strftime("%H:%M"), to.strftime("%H:%M"))
}

/// `90`, `90s`, `5 min`, `2h`, `1d`.
fn seconds(text: &str) -> Option<u32> {
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let factor = match unit.trim().to_lowercase().as_str() {
        "" | "s" | "sec" | "second" | "seconds" => 1,
        "m" | "min" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 86_400,
        _ => return None,
    };
    number.parse::<u32>().ok()?.checked_mul(factor)
}

/// Seconds in the largest unit that divides them.
fn span(seconds: u32) -> String {
    for (unit, length) in [("h", 3_600), ("min", 60)] {
        if seconds != 0 && seconds.is_multiple_of(length) {
            return format!("{} {unit}", seconds / length);
        }
    }
    format!("{seconds} s")
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLL: ValueKind = ValueKind::Seconds { least: POLL_SECONDS.0, most: POLL_SECONDS.1 };
    const WINNER: ValueKind = ValueKind::Choice(&[("newest", "the later edit"), ("corebos", "coreBOS")]);

    #[test]
    fn what_is_written_is_stored_and_shown_as_it_was_meant() {
        for (kind, written, stored, shown) in [
            (ValueKind::Switch, "off", json!(false), "off"),
            (ValueKind::Switch, "1", json!(true), "on"),
            (ValueKind::Switch, "No", json!(false), "off"),
            (WINNER, "Newest", json!("newest"), "newest"),
            (ValueKind::Number { least: 1, most: 9 }, " 7 ", json!(7), "7"),
            (POLL, "360", json!(360), "6 min"),
            (POLL, "90s", json!(90), "90 s"),
            (POLL, "2 hours", json!(7200), "2 h"),
            (ValueKind::Seconds { least: 0, most: 9 }, "0", json!(0), "0 s"),
            (ValueKind::Hours, "22:00-6:00", json!({ "from": "22:00", "to": "06:00" }), "22:00-06:00"),
            (ValueKind::Hours, "none", Value::Null, "none"),
            (ValueKind::Days, "sat, Sunday", json!(["saturday", "sunday"]), "saturday,sunday"),
            (ValueKind::Days, "none", json!([]), "none"),
            (ValueKind::TimeZone, "Europe/Madrid", json!("Europe/Madrid"), "Europe/Madrid"),
            (ValueKind::Owner, "20x3", json!("20x3"), "20x3"),
            (ValueKind::Text, "none", Value::Null, "none"),
            (ValueKind::Nurturing, "a -> list 1", json!("a -> list 1"), "a -> list 1"),
            (ValueKind::Nurturing, "none", Value::Null, "none"),
        ] {
            let value = kind.parse(written).unwrap_or_else(|problem| panic!("{written}: {problem}"));
            assert_eq!(value, stored, "{written}");
            assert_eq!(kind.show(&value), shown, "{written}");
            assert_eq!(kind.parse(shown), Ok(value), "what is shown can be written");
        }
        let faster = ValueKind::FasterHours.parse("08:00-18:00 every 1 min").unwrap();
        assert_eq!(faster, json!({ "from": "08:00", "to": "18:00", "every_seconds": 60 }));
        assert_eq!(ValueKind::FasterHours.show(&faster), "08:00-18:00 every 1 min");
    }

    #[test]
    fn nonsense_is_refused_with_what_may_be_written() {
        for (kind, written, told) in [
            (ValueKind::Switch, "maybe", "on or off"),
            (ValueKind::Switch, "flase", "did you mean `false`?"),
            (WINNER, "newst", "did you mean `newest`?"),
            (WINNER, "", "newest (the later edit), corebos (coreBOS)"),
            (ValueKind::Number { least: 1, most: 9 }, "10", "a number from 1 to 9"),
            (ValueKind::Number { least: 1, most: 9 }, "-1", "a number from 1 to 9"),
            (POLL, "5", "from 1 min to 25 h"),
            (POLL, "99999999d", "from 1 min to 25 h"),
            (POLL, "five", "from 1 min to 25 h"),
            (ValueKind::Hours, "25:00-06:00", "22:00-06:00"),
            (ValueKind::FasterHours, "08:00-18:00 every 5s", "08:00-18:00 every 1min"),
            (ValueKind::FasterHours, "08:00-18:00", "08:00-18:00 every 1min"),
            (ValueKind::Days, "caturday", "did you mean `saturday`?"),
            (ValueKind::Days, "", "saturday,sunday"),
            (ValueKind::TimeZone, "Europe/Atlantis", "Europe/Madrid"),
            (ValueKind::Owner, "admin", "19x5"),
            (ValueKind::Text, "", "or none"),
            (ValueKind::Nurturing, "a -> mail 1", "neither a list nor an event"),
            (ValueKind::Nurturing, "", "or none"),
            (ValueKind::Map, "<map><fields>", "is never closed"),
        ] {
            let problem = kind.parse(written).unwrap_err();
            assert!(problem.contains(told), "{written}: {problem}");
        }
    }

    #[test]
    fn stored_values_of_another_type_are_refused() {
        for (kind, stored) in [
            (ValueKind::Switch, json!("true")),
            (ValueKind::Switch, Value::Null),
            (WINNER, json!(1)),
            (ValueKind::Number { least: 0, most: 9 }, json!(1.5)),
            (ValueKind::Hours, json!({ "from": "22:00" })),
            (ValueKind::Hours, json!({ "from": "22:00", "to": "23:00", "of": "x" })),
            (ValueKind::Days, json!("sunday")),
            (ValueKind::Map, json!({})),
        ] {
            assert!(kind.check(&stored).is_err(), "{stored}");
        }
    }
}
