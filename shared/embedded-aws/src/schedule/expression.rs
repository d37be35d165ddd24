//! When a schedule fires: `rate(5 minutes)`, `cron(0 18 ? * MON-FRI *)`, `at(2026-11-21T10:00:00)`.
//!
//! Source: EventBridge Scheduler user guide, "Schedule types". Fields of `cron` are minute, hour, day of month, month,
//! day of week, year; `L`, `W` and `#` are understood; one of the two day fields must be `?`.

mod cron;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil::DateTime};

use cron::Cron;

/// When a schedule fires.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    kind: Kind,
    zone: TimeZone,
    text: String,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Rate(SignedDuration),
    Cron(Cron),
    At(DateTime),
}

/// An expression that EventBridge would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the schedule expression `{expression}` is not valid: {reason}")]
pub struct ExpressionError {
    /// The expression as written.
    pub expression: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Expression {
    /// Reads an expression; `zone` is `ScheduleExpressionTimezone`, UTC if absent.
    pub fn parse(text: &str, zone: Option<&str>) -> Result<Self, ExpressionError> {
        let fail = |reason: String| ExpressionError { expression: text.to_owned(), reason };
        let zone = match zone {
            None | Some("UTC") => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|_| fail(format!("`{name}` is no time zone")))?,
        };
        let (name, inner) = text
            .trim()
            .strip_suffix(')')
            .and_then(|text| text.split_once('('))
            .ok_or_else(|| fail("it must be rate(...), cron(...) or at(...)".to_owned()))?;
        let kind = match name {
            "rate" => Kind::Rate(rate(inner).map_err(fail)?),
            "cron" => Kind::Cron(Cron::parse(inner).map_err(fail)?),
            "at" => {
                Kind::At(inner.trim().parse().map_err(|_| fail("at() takes yyyy-mm-ddThh:mm:ss".to_owned()))?)
            }
            other => return Err(fail(format!("`{other}` is neither rate, cron nor at"))),
        };
        Ok(Self { kind, zone, text: text.to_owned() })
    }

    /// The expression as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first time it fires after the start of the stack.
    ///
    /// A rate without a start date fires at once, as EventBridge Scheduler does after the schedule was made.
    pub fn first(&self, start: Timestamp) -> Option<Timestamp> {
        match &self.kind {
            Kind::Rate(_) => Some(start),
            Kind::Cron(_) | Kind::At(_) => self.after(start),
        }
    }

    /// The next time it fires strictly after `last`; `None` when it never fires again.
    pub fn after(&self, last: Timestamp) -> Option<Timestamp> {
        match &self.kind {
            Kind::Rate(step) => last.checked_add(*step).ok(),
            Kind::Cron(cron) => cron.after(last, &self.zone),
            Kind::At(time) => {
                let time = self.zone.to_timestamp(*time).ok()?;
                (time > last).then_some(time)
            }
        }
    }
}

fn rate(inner: &str) -> Result<SignedDuration, String> {
    let words: Vec<&str> = inner.split_whitespace().collect();
    let [value, unit] = words.as_slice() else { return Err("rate() takes a number and a unit".to_owned()) };
    let value: i64 =
        value.parse().ok().filter(|value| *value > 0).ok_or("the number of rate() must be positive")?;
    let (unit, plural) = match *unit {
        "minute" => (60, false),
        "minutes" => (60, true),
        "hour" => (3_600, false),
        "hours" => (3_600, true),
        "day" => (86_400, false),
        "days" => (86_400, true),
        _ => return Err("the unit of rate() is minute(s), hour(s) or day(s)".to_owned()),
    };
    if (value == 1) == plural {
        return Err("rate() takes a singular unit for 1 and a plural unit otherwise".to_owned());
    }
    value.checked_mul(unit).map(SignedDuration::from_secs).ok_or_else(|| "the rate is too large".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(expression: &str, zone: Option<&str>, after: &str) -> String {
        let expression = Expression::parse(expression, zone).unwrap();
        expression.after(after.parse().unwrap()).map_or("never".to_owned(), |time| time.to_string())
    }

    #[test]
    fn a_rate_fires_at_once_and_then_in_steps() {
        let rate = Expression::parse("rate(5 minutes)", None).unwrap();
        let start: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        assert_eq!(rate.first(start), Some(start));
        assert_eq!(next("rate(5 minutes)", None, "2026-11-21T10:00:00Z"), "2026-11-21T10:05:00Z");
        assert_eq!(next("rate(1 day)", None, "2026-11-21T10:00:00Z"), "2026-11-22T10:00:00Z");
    }

    #[test]
    fn cron_expressions_of_the_user_guide_fire_when_it_says() {
        for (expression, after, expected) in [
            ("cron(0 10 * * ? *)", "2026-11-21T10:00:00Z", "2026-11-22T10:00:00Z"),
            ("cron(15 12 * * ? *)", "2026-11-21T10:00:00Z", "2026-11-21T12:15:00Z"),
            ("cron(0 18 ? * MON-FRI *)", "2026-11-21T10:00:00Z", "2026-11-23T18:00:00Z"),
            ("cron(0 8 1 * ? *)", "2026-11-21T10:00:00Z", "2026-12-01T08:00:00Z"),
            ("cron(0/15 * * * ? *)", "2026-11-21T10:07:30Z", "2026-11-21T10:15:00Z"),
            ("cron(0/10 * ? * MON-FRI *)", "2026-11-20T23:55:00Z", "2026-11-23T00:00:00Z"),
            ("cron(0/5 8-17 ? * MON-FRI *)", "2026-11-20T17:55:00Z", "2026-11-23T08:00:00Z"),
            ("cron(30 9 L * ? *)", "2026-11-21T10:00:00Z", "2026-11-30T09:30:00Z"),
            ("cron(30 9 L-2 * ? *)", "2026-11-21T10:00:00Z", "2026-11-28T09:30:00Z"),
            ("cron(0 9 15W * ? *)", "2026-11-16T10:00:00Z", "2026-12-15T09:00:00Z"),
            ("cron(0 9 LW * ? *)", "2027-01-01T00:00:00Z", "2027-01-29T09:00:00Z"),
            ("cron(0 9 ? * 6L *)", "2026-11-21T10:00:00Z", "2026-11-27T09:00:00Z"),
            ("cron(0 9 ? * 2#1 *)", "2026-11-21T10:00:00Z", "2026-12-07T09:00:00Z"),
            ("cron(0 9 29 2 ? *)", "2026-11-21T10:00:00Z", "2028-02-29T09:00:00Z"),
            ("cron(0 9 1 1 ? 2020)", "2026-11-21T10:00:00Z", "never"),
            ("cron(0 9 1 JAN,MAR ? *)", "2026-11-21T10:00:00Z", "2027-01-01T09:00:00Z"),
            ("cron(0 9 ? * SUN *)", "2026-11-21T10:00:00Z", "2026-11-22T09:00:00Z"),
        ] {
            assert_eq!(next(expression, None, after), expected, "{expression}");
        }
    }

    #[test]
    fn a_cron_expression_follows_its_time_zone_through_the_change_of_the_clock() {
        let (expression, zone) = ("cron(30 2 * * ? *)", Some("Europe/Madrid"));
        assert_eq!(next(expression, zone, "2026-10-24T12:00:00Z"), "2026-10-25T00:30:00Z");
        // 2:30 does not exist on 2027-03-28 in Madrid, so the schedule skips that day.
        assert_eq!(next(expression, zone, "2027-03-27T12:00:00Z"), "2027-03-29T00:30:00Z");
    }

    #[test]
    fn at_fires_once() {
        assert_eq!(next("at(2026-12-24T18:00:00)", None, "2026-11-21T10:00:00Z"), "2026-12-24T18:00:00Z");
        assert_eq!(next("at(2026-12-24T18:00:00)", None, "2026-12-24T18:00:00Z"), "never");
    }

    #[test]
    fn an_expression_that_eventbridge_refuses_is_refused_with_its_reason() {
        for (expression, reason) in [
            ("rate(5 minute)", "singular"),
            ("rate(1 minutes)", "singular"),
            ("rate(0 minutes)", "positive"),
            ("rate(5 weeks)", "unit"),
            ("every 5 minutes", "must be"),
            ("cron(0 10 * * *)", "six fields"),
            ("cron(0 10 * * * *)", "`?`"),
            ("cron(0 10 ? * ? *)", "`?`"),
            ("cron(60 10 * * ? *)", "minute"),
            ("cron(0 24 * * ? *)", "hour"),
            ("cron(0 10 ? * 8 *)", "day of week"),
            ("cron(0 10 ? * 2#6 *)", "day of week"),
            ("cron(0 10 32 * ? *)", "day of month"),
            ("cron(0 10 1 13 ? *)", "month"),
            ("cron(0 10 1 1 ? 1969)", "year"),
            ("cron(5-1 10 1 1 ? *)", "minute"),
            ("cron(0/0 10 1 1 ? *)", "minute"),
            ("at(tomorrow)", "yyyy"),
        ] {
            let error = Expression::parse(expression, None).unwrap_err();
            assert!(error.reason.contains(reason), "{expression}: {error}");
        }
        assert!(Expression::parse("cron(0 10 * * ? *)", Some("Mars/Base")).is_err());
    }
}
