//! The six fields of a `cron(...)` expression.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};

/// EventBridge knows the years 1970 to 2199.
const YEARS: (i16, i16) = (1970, 2199);
const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cron {
    minutes: BTreeSet<i16>,
    hours: BTreeSet<i16>,
    days: Days,
    months: BTreeSet<i16>,
    years: BTreeSet<i16>,
}

#[derive(Debug, Clone, PartialEq)]
enum Days {
    OfMonth(Vec<DayOfMonth>),
    OfWeek(Vec<DayOfWeek>),
}

#[derive(Debug, Clone, PartialEq)]
enum DayOfMonth {
    In(BTreeSet<i16>),
    /// `L`, or `L-3`: that many days before the last.
    BeforeLast(i16),
    /// `15W`: the weekday nearest to the day, within its month.
    NearestWeekday(i16),
    /// `LW`.
    LastWeekday,
}

/// Weekdays count from 1, Sunday.
#[derive(Debug, Clone, PartialEq)]
enum DayOfWeek {
    In(BTreeSet<i16>),
    /// `6L`: the last Friday.
    Last(i16),
    /// `2#1`: the first Monday.
    Nth(i16, i16),
}

impl Cron {
    pub(super) fn parse(inner: &str) -> Result<Self, String> {
        let fields: Vec<&str> = inner.split_whitespace().collect();
        let [minutes, hours, day_of_month, months, day_of_week, years] = fields.as_slice() else {
            return Err(
                "cron() takes six fields: minute, hour, day of month, month, day of week, year".to_owned()
            );
        };
        let days = match (*day_of_month, *day_of_week) {
            ("?", "?") => return Err("only one of the two day fields may be `?`".to_owned()),
            (field, "?") => Days::OfMonth(list(field, day_of_month_item)?),
            ("?", field) => Days::OfWeek(list(field, day_of_week_item)?),
            _ => return Err("one of the two day fields must be `?`".to_owned()),
        };
        Ok(Self {
            minutes: numbers(minutes, "minute", (0, 59), &[])?,
            hours: numbers(hours, "hour", (0, 23), &[])?,
            days,
            months: numbers(months, "month", (1, 12), &MONTHS)?,
            years: numbers(years, "year", YEARS, &[])?,
        })
    }

    /// The first match strictly after `last`. A local time that the change of the clock leaves out is skipped; one
    /// that comes twice fires the first time only.
    pub(super) fn after(&self, last: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local = zone.to_datetime(last);
        // One hour earlier, because local clocks go back; candidates not after `last` are dropped below.
        let mut day = local.checked_sub(1.hour()).ok()?.date();
        while day.year() <= *self.years.last()? {
            if !self.years.contains(&day.year()) {
                let year = self.years.range(day.year()..).next()?;
                day = Date::new(*year, 1, 1).ok()?;
                continue;
            }
            if !self.months.contains(&i16::from(day.month())) {
                day = day.last_of_month().tomorrow().ok()?;
                continue;
            }
            if self.days.contain(day)
                && let Some(found) = self.times(day).find_map(|time| {
                    let ambiguous = zone.to_ambiguous_timestamp(time);
                    if matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
                        return None;
                    }
                    ambiguous.earlier().ok().filter(|time| *time > last)
                })
            {
                return Some(found);
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    fn times(&self, day: Date) -> impl Iterator<Item = DateTime> {
        self.hours.iter().flat_map(move |hour| {
            self.minutes.iter().filter_map(move |minute| {
                Some(day.at(i8::try_from(*hour).ok()?, i8::try_from(*minute).ok()?, 0, 0))
            })
        })
    }
}

impl Days {
    fn contain(&self, day: Date) -> bool {
        let last = i16::from(day.days_in_month());
        let number = i16::from(day.day());
        match self {
            Self::OfMonth(items) => items.iter().any(|item| match item {
                DayOfMonth::In(days) => days.contains(&number),
                DayOfMonth::BeforeLast(before) => number == last - before,
                DayOfMonth::NearestWeekday(wanted) => {
                    *wanted <= last && nearest_weekday(day, *wanted, last) == Some(number)
                }
                DayOfMonth::LastWeekday => nearest_weekday(day, last, last) == Some(number),
            }),
            Self::OfWeek(items) => {
                let weekday = i16::from(day.weekday().to_sunday_one_offset());
                items.iter().any(|item| match item {
                    DayOfWeek::In(days) => days.contains(&weekday),
                    DayOfWeek::Last(wanted) => weekday == *wanted && number + 7 > last,
                    DayOfWeek::Nth(wanted, nth) => weekday == *wanted && (number - 1) / 7 + 1 == *nth,
                })
            }
        }
    }
}

/// The weekday nearest to a day of a month without leaving that month.
fn nearest_weekday(month: Date, wanted: i16, last: i16) -> Option<i16> {
    let day = Date::new(month.year(), month.month(), i8::try_from(wanted).ok()?).ok()?;
    Some(match day.weekday() {
        Weekday::Saturday if wanted > 1 => wanted - 1,
        Weekday::Saturday => wanted + 2,
        Weekday::Sunday if wanted < last => wanted + 1,
        Weekday::Sunday => wanted - 2,
        _ => wanted,
    })
}

fn list<T>(field: &str, item: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    field.split(',').map(item).collect()
}

fn day_of_month_item(item: &str) -> Result<DayOfMonth, String> {
    let wrong = || format!("`{item}` is no day of month");
    if item == "L" {
        return Ok(DayOfMonth::BeforeLast(0));
    }
    if item == "LW" {
        return Ok(DayOfMonth::LastWeekday);
    }
    if let Some(before) = item.strip_prefix("L-") {
        return before
            .parse()
            .ok()
            .filter(|before| (1..=30).contains(before))
            .map(DayOfMonth::BeforeLast)
            .ok_or_else(wrong);
    }
    if let Some(day) = item.strip_suffix('W') {
        return day
            .parse()
            .ok()
            .filter(|day| (1..=31).contains(day))
            .map(DayOfMonth::NearestWeekday)
            .ok_or_else(wrong);
    }
    numbers(item, "day of month", (1, 31), &[]).map(DayOfMonth::In)
}

fn day_of_week_item(item: &str) -> Result<DayOfWeek, String> {
    let wrong = || format!("`{item}` is no day of week");
    let weekday = |text: &str| number(text, "day of week", (1, 7), &WEEKDAYS);
    if item == "L" {
        return Ok(DayOfWeek::In(BTreeSet::from([7])));
    }
    if let Some((day, nth)) = item.split_once('#') {
        let nth: i16 = nth.parse().ok().filter(|nth| (1..=5).contains(nth)).ok_or_else(wrong)?;
        return Ok(DayOfWeek::Nth(weekday(day)?, nth));
    }
    if let Some(day) = item.strip_suffix('L') {
        return Ok(DayOfWeek::Last(weekday(day)?));
    }
    numbers(item, "day of week", (1, 7), &WEEKDAYS).map(DayOfWeek::In)
}

/// `*`, `5`, `1-5`, `*/10`, `3/10`, `1-30/5`, and lists of them.
fn numbers(field: &str, what: &str, range: (i16, i16), names: &[&str]) -> Result<BTreeSet<i16>, String> {
    let mut found = BTreeSet::new();
    for item in field.split(',') {
        let wrong = || format!("`{item}` is no {what}");
        let (span, step) = match item.split_once('/') {
            Some((span, step)) => (span, step.parse().ok().filter(|step: &i16| *step > 0).ok_or_else(wrong)?),
            None => (item, 1),
        };
        let (low, high) = match span.split_once('-') {
            _ if span == "*" => range,
            Some((low, high)) => (number(low, what, range, names)?, number(high, what, range, names)?),
            None => {
                let low = number(span, what, range, names)?;
                (low, if item.contains('/') { range.1 } else { low })
            }
        };
        if low > high {
            return Err(wrong());
        }
        found.extend((low..=high).step_by(usize::from(step.unsigned_abs())));
    }
    Ok(found)
}

fn number(text: &str, what: &str, range: (i16, i16), names: &[&str]) -> Result<i16, String> {
    let wrong = || format!("`{text}` is no {what}");
    if let Some(index) = names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        return i16::try_from(index + 1).map_err(|_| wrong());
    }
    text.parse().ok().filter(|number| (range.0..=range.1).contains(number)).ok_or_else(wrong)
}
