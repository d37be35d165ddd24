//! Functions on dates and times, all in UTC.
//!
//! coreBOS takes a date it cannot read for 1970-01-01; under `Bridge` that is an error, and a blank date
//! gives a blank.

use model::Value;

use super::{empty, int_of, text_of};
use crate::expression::Scope;
use crate::php::date::{self, Civil, DAY};
use crate::php::fault::{Fault, type_name};
use crate::php::number::{Number, numeric, numeric_string, operands};
use crate::semantics::Semantics;

type Answer = Result<Value, Fault>;

fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

fn unreadable() -> Fault {
    Fault::new("the date cannot be read")
}

/// The latest moment a clock may show, in seconds: after the year 30,000.
const LATEST: i64 = 1_000_000_000_000;

/// Whether a date is blank: also the zero that databases write for none.
fn is_blank_date(value: &Value, scope: &Scope<'_>) -> bool {
    value.is_blank()
        || (scope.semantics == Semantics::Bridge && value.php_string().trim_start().starts_with("0000-00-00"))
}

/// The day of the surroundings' clock, or 1970 where it does not matter.
fn today(scope: &Scope<'_>) -> i64 {
    scope.surroundings.now.unwrap_or(0).clamp(-LATEST, LATEST)
}

/// What `strtotime` makes of a date; what it cannot read is 1970 to coreBOS and an error to us.
fn read(text: &str, scope: &Scope<'_>) -> Result<i64, Fault> {
    match date::parse(text, today(scope)) {
        Some(timestamp) => Ok(timestamp),
        None if scope.semantics == Semantics::CoreBos => Ok(0),
        None => Err(unreadable()),
    }
}

/// The date of a date or a date with a time: three parts with hyphens, whatever follows.
fn read_day(value: &Value, scope: &Scope<'_>) -> Result<i64, Fault> {
    let written = value.php_string();
    let day = written.trim().split(' ').next().unwrap_or_default();
    let day =
        if scope.semantics == Semantics::Bridge { day.split('T').next().unwrap_or_default() } else { day };
    if day.split('-').count() == 3 { read(day, scope) } else { read("no date", scope) }
}

/// Splits `[date, amount]` or `[amount]`; an empty date is now.
enum Base<'a> {
    At(&'a Value, &'a Value),
    Now(&'a Value),
    Blank,
}

fn base<'a>(args: &'a [Value], scope: &Scope<'_>) -> Base<'a> {
    match args {
        [date, ..] if args.len() > 1 && date.is_blank() && scope.semantics == Semantics::Bridge => {
            Base::Blank
        }
        [date, amount, ..] if !date.is_blank() => Base::At(date, amount),
        [_, amount, ..] | [amount] => Base::Now(amount),
        [] => Base::Now(&Value::Null),
    }
}

pub(super) fn add_days(args: &[Value], scope: &Scope<'_>) -> Answer {
    shift_days(args, scope, |amount| {
        let (amount, day) = operands(amount, "*", &Value::Int(DAY))?;
        Ok(crate::php::number::multiply(amount, day))
    })
}

pub(super) fn sub_days(args: &[Value], scope: &Scope<'_>) -> Answer {
    shift_days(args, scope, |amount| {
        let amount = numeric(amount).unwrap_or(Number::Int(0));
        Ok(crate::php::number::multiply(amount, Number::Int(-DAY)))
    })
}

fn shift_days(
    args: &[Value],
    scope: &Scope<'_>,
    seconds: impl Fn(&Value) -> Result<Number, Fault>,
) -> Answer {
    let (from, amount) = match base(args, scope) {
        Base::Blank => return Ok(empty()),
        Base::At(day, amount) => (read_day(day, scope)?, amount),
        Base::Now(amount) => (scope.surroundings.clock()?, amount),
    };
    let moved = crate::php::number::add(Number::Int(from), seconds(amount)?);
    Ok(text(date::iso_date(limited(moved.int())?)))
}

/// No calendar of anybody's goes further.
fn limited(timestamp: i64) -> Result<i64, Fault> {
    const LIMIT: i64 = 400_000 * 366 * DAY;
    if (-LIMIT..=LIMIT).contains(&timestamp) { Ok(timestamp) } else { Err(unreadable()) }
}

pub(super) fn add_months(args: &[Value], scope: &Scope<'_>) -> Answer {
    shift_months(args, scope, '+')
}

pub(super) fn sub_months(args: &[Value], scope: &Scope<'_>) -> Answer {
    shift_months(args, scope, '-')
}

fn shift_months(args: &[Value], scope: &Scope<'_>, sign: char) -> Answer {
    let (from, amount) = match base(args, scope) {
        Base::Blank => return Ok(empty()),
        Base::At(day, amount) => (read_day(day, scope)?, amount),
        Base::Now(amount) => (scope.surroundings.clock()?, amount),
    };
    let Some((count, shift)) = relative(amount, sign) else {
        return unread_amount(scope).map(|()| text("1970-01-01"));
    };
    let mut at = Civil::from_timestamp(from);
    at.month += count;
    Ok(text(date::iso_date(limited(at.timestamp() + shift)?)))
}

pub(super) fn add_time(args: &[Value], scope: &Scope<'_>) -> Answer {
    shift_minutes(args, scope, '+')
}

pub(super) fn sub_time(args: &[Value], scope: &Scope<'_>) -> Answer {
    shift_minutes(args, scope, '-')
}

fn shift_minutes(args: &[Value], scope: &Scope<'_>, sign: char) -> Answer {
    let (from, amount) = match base(args, scope) {
        Base::Blank => return Ok(empty()),
        Base::At(time, amount) => (read(&time.php_string(), scope)?, amount),
        Base::Now(amount) => (scope.surroundings.clock()?, amount),
    };
    let Some((count, shift)) = relative(amount, sign) else {
        return unread_amount(scope).map(|()| text("00:00:00"));
    };
    Ok(text(date::format(limited(from + count * 60 + shift)?, "H:i:s")))
}

fn unread_amount(scope: &Scope<'_>) -> Result<(), Fault> {
    if scope.semantics == Semantics::CoreBos {
        return Ok(());
    }
    Err(Fault::new("the amount is not a whole number"))
}

/// What `strtotime` makes of `+{amount} months`: how many, and a shift in seconds.
///
/// `+1.5` is read as the time zone +1 and `.5`, so it is five months less an hour.
fn relative(amount: &Value, sign: char) -> Option<(i64, i64)> {
    let written = amount.php_string();
    let direction = if sign == '+' { 1 } else { -1 };
    let digits = |text: &str| {
        let valid = !text.is_empty() && text.len() <= 8 && text.bytes().all(|byte| byte.is_ascii_digit());
        if valid { text.parse::<i64>().ok() } else { None }
    };
    let unsigned = written.trim_start_matches(['+', '-']);
    let minuses = written.bytes().take(written.len() - unsigned.len()).filter(|byte| *byte == b'-').count();
    let direction = if minuses % 2 == 1 { -direction } else { direction };
    if let Some(count) = digits(unsigned) {
        return Some((direction * count, 0));
    }
    let (hours, count) = written.split_once('.')?;
    let (hours, count) = (digits(hours).filter(|hours| *hours <= 99)?, digits(count)?);
    Some((count, -direction * hours * 3600))
}

pub(super) fn add_workdays(args: &[Value], scope: &Scope<'_>) -> Answer {
    let saturdays = args.get(2).is_none_or(|flag| !flag.is_php_empty());
    shift_workdays(args, scope, 1, saturdays)
}

pub(super) fn sub_workdays(args: &[Value], scope: &Scope<'_>) -> Answer {
    let saturdays = args.get(2).is_some_and(|flag| crate::php::compare::equal(flag, &Value::Int(1)));
    shift_workdays(args, scope, -1, saturdays)
}

/// The most working days that are counted: thirty years.
const MAX_WORKDAYS: f64 = 10_000.0;

fn shift_workdays(args: &[Value], scope: &Scope<'_>, step: i64, saturdays: bool) -> Answer {
    let Some(first) = args.first().filter(|date| !is_blank_date(date, scope)) else {
        if scope.semantics == Semantics::Bridge && !args.is_empty() {
            return Ok(empty());
        }
        return Err(Fault::new("the date is missing"));
    };
    let from = date::parse(&first.php_string(), today(scope)).ok_or_else(unreadable)?;
    let count = match args.get(1) {
        None => 0.0,
        Some(count) => numeric(count)
            .map(Number::float)
            .ok_or_else(|| Fault::new("the number of days is no number, and coreBOS would count for ever"))?,
    };
    if count > MAX_WORKDAYS {
        return Err(Fault::new("that are more than ten thousand working days"));
    }
    let holidays = args.get(3).map(Value::php_string).unwrap_or_default();
    let holidays: Vec<&str> = holidays.split(',').collect();
    let mut at = from;
    let mut counted = 0.0;
    while counted < count {
        at += step * DAY;
        let day = Civil::from_timestamp(at);
        let works = day.is_workday() || (saturdays && day.weekday() == 6);
        if works && !holidays.contains(&date::iso_date(at).as_str()) {
            counted += 1.0;
        }
    }
    Ok(text(date::iso_date(at)))
}

/// The greatest year, month, day, hour, minute or second that is calculated with.
const MAX_PART: i64 = 1_000_000;

pub(super) fn format_date(args: &[Value], scope: &Scope<'_>) -> Answer {
    let Some(first) = args.first().filter(|date| !date.is_php_empty() && !is_blank_date(date, scope)) else {
        return Ok(empty());
    };
    let pattern = match args.get(1).map(Value::php_string) {
        Some(pattern) if !pattern.is_empty() => pattern,
        _ => "Y-m-d".into(),
    };
    let written = first.php_string();
    if scope.semantics == Semantics::Bridge {
        let at = date::parse(&written, today(scope)).ok_or_else(unreadable)?;
        return Ok(text(date::format(at, &pattern)));
    }
    // coreBOS cuts the text at blanks, hyphens and colons and gives the pieces to mktime.
    let mut pieces = written.trim().split(' ');
    let mut day = pieces.next().unwrap_or_default().split('-');
    let mut part = |name: &str| match day.next() {
        Some(piece) => int_of(&Value::from(piece)),
        None => Err(Fault::new(format!("the {name} is missing, and coreBOS would take the clock's"))),
    };
    let (year, month, day) = (part("year")?, part("month")?, part("day")?);
    let (mut hour, mut minute, mut second) = (0, 0, 0);
    if let Some(time) = pieces.next() {
        let mut parts = time.split(':');
        let mut part = |name: &str| match parts.next() {
            Some(piece) => int_of(&Value::from(piece)),
            None => scope.surroundings.clock().map(|now| {
                let now = Civil::from_timestamp(now);
                if name == "minute" { now.minute } else { now.second }
            }),
        };
        (hour, minute, second) = (part("hour")?, part("minute")?, part("second")?);
    }
    let year = match year {
        0..=69 => year + 2000,
        70..=100 => year + 1900,
        year => year,
    };
    let parts = [year, month, day, hour, minute, second];
    if parts.iter().any(|part| !(-MAX_PART..=MAX_PART).contains(part)) {
        return Err(unreadable());
    }
    let at = Civil { year, month, day, hour, minute, second }.timestamp();
    Ok(text(date::format(limited(at)?, &pattern)))
}

/// The two moments of a difference; `None` if one is blank.
fn pair(args: &[Value], scope: &Scope<'_>) -> Result<Option<(i64, i64)>, Fault> {
    let moment = |at: usize| match args.get(at) {
        None => scope.surroundings.clock().map(Some),
        Some(value) if value.is_php_empty() || is_blank_date(value, scope) => Ok(None),
        Some(value) => read(&value.php_string(), scope).map(Some),
    };
    Ok(moment(0)?.zip(moment(1)?))
}

fn is_time(value: &Value) -> bool {
    let written = value.php_string();
    written.contains(':') && !written.contains('-')
}

/// Seconds between two dates; `HH:MM:SS` between two times.
pub(super) fn time_diff(args: &[Value], scope: &Scope<'_>) -> Answer {
    let Some((first, second)) = pair(args, scope)? else {
        return Ok(Value::Int(0));
    };
    if args.len() > 1 && args.iter().take(2).all(is_time) {
        return Ok(text(date::format((first - second).abs(), "H:i:s")));
    }
    Ok(Value::Int(first - second))
}

pub(super) fn time_diff_days(args: &[Value], scope: &Scope<'_>) -> Answer {
    let days = pair(args, scope)?.map_or(0, |(first, second)| (first - second).div_euclid(DAY));
    Ok(Value::Float(Number::Int(days).float()))
}

pub(super) fn time_diff_years(args: &[Value], scope: &Scope<'_>) -> Answer {
    let Some((first, second)) = pair(args, scope)? else {
        return Ok(Value::Int(0));
    };
    let (from, to) = (first.min(second), first.max(second));
    let (begin, end) = (Civil::from_timestamp(from), Civil::from_timestamp(to));
    let within = |at: Civil| (at.month, at.day, at.hour, at.minute, at.second);
    Ok(Value::Int(end.year - begin.year - i64::from(within(end) < within(begin))))
}

pub(super) fn time_diff_weekdays(args: &[Value], scope: &Scope<'_>) -> Answer {
    // The class that coreBOS uses here does not read an hour without minutes.
    let has_bare_hour = |value: &Value| {
        let written = value.php_string();
        written.split_once(' ').is_some_and(|(_, time)| !time.contains(':'))
    };
    if scope.semantics == Semantics::CoreBos && args.iter().take(2).any(has_bare_hour) {
        return Err(unreadable());
    }
    let Some((first, second)) = pair(args, scope)? else {
        return Ok(Value::Int(0));
    };
    let (from, to) = (first.min(second), first.max(second));
    let days = (to - from) / DAY;
    if days > 400_000 {
        return Err(Fault::new("the dates are more than a thousand years apart"));
    }
    let workdays = (0..days).filter(|day| Civil::from_timestamp(from + day * DAY).is_workday()).count();
    Ok(Value::Int(i64::try_from(workdays).unwrap_or(0)))
}

/// The day of a week of a year.
pub(super) fn iso_date(args: &[Value], _: &Scope<'_>) -> Answer {
    let number = |at: usize| match args.get(at) {
        Some(value) if *value != Value::Null => match value {
            Value::Text(_) if numeric_string(&text_of(value)?).is_none() => {
                Err(Fault::new("TypeError: a number is expected, a text was given"))
            }
            value => int_of(value),
        },
        _ => {
            Err(Fault::new(format!("TypeError: a number is expected, {} was given", type_name(&Value::Null))))
        }
    };
    let (year, week, day) = (number(0)?, number(1)?, number(2)?);
    let small = |number: i64| number.clamp(-1_000_000, 1_000_000);
    // The fourth of January is always in the first week.
    let fourth = Civil::date(small(year), 1, 4);
    let monday = fourth.timestamp() / DAY - (fourth.weekday() + 6) % 7;
    let at = (monday + (small(week) - 1) * 7 + small(day) - 1) * DAY;
    Ok(text(date::iso_date(limited(at)?)))
}

/// Now, today, tomorrow, yesterday, or the time.
pub(super) fn get_date(args: &[Value], scope: &Scope<'_>) -> Answer {
    let now = scope.surroundings.clock()?;
    let what = args.first().map(Value::php_string).unwrap_or_default();
    Ok(text(match what.to_ascii_lowercase().as_str() {
        "time" => date::format(now, "H:i:s"),
        "now" => date::format(now, "Y-m-d H:i:s"),
        "tomorrow" => date::iso_date(now + DAY),
        "yesterday" => date::iso_date(now - DAY),
        _ => date::iso_date(now),
    }))
}
