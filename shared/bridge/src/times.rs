//! Times as people read and write them: UTC, to the second.

use anyhow::{Result, anyhow};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

/// A time: `2026-11-21 08:15:30`.
pub(crate) fn shown(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%F %T").to_string()
}

/// How long ago a time is: `3 min`.
pub(crate) fn ago(time: Timestamp, now: Timestamp) -> String {
    let passed = now.duration_since(time);
    let told = lasting(passed.unsigned_abs());
    if passed.is_negative() { format!("in {told}") } else { format!("{told} ago") }
}

/// A duration with one unit.
pub(crate) fn lasting(duration: std::time::Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Reads a time that lies back: a time (`2026-11-21T08:00:00Z`), a date, or how long ago (`2h`, `3 days`).
///
/// # Errors
/// It is none of these.
pub(crate) fn since(text: &str, now: Timestamp) -> Result<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    if let Ok(date) = text.parse::<DateTime>() {
        return Ok(date.to_zoned(TimeZone::UTC)?.timestamp());
    }
    let no_time = || {
        anyhow!(
            "`{text}` is no time: write 2026-11-21, 2026-11-21T08:00:00Z, or how long ago, such as 2h or 3d"
        )
    };
    let span: Span = text.parse().map_err(|_| no_time())?;
    let then = now.to_zoned(TimeZone::UTC).checked_sub(span).map_err(|_| no_time())?;
    Ok(then.timestamp())
}

/// Later by this much.
pub(crate) fn later(time: Timestamp, by: std::time::Duration) -> Timestamp {
    time.checked_add(SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn times_are_read_as_people_write_them() {
        let now: Timestamp = "2026-11-21T08:15:30Z".parse().unwrap();
        for (text, told) in [
            ("2h", "2026-11-21 06:15:30"),
            ("3d", "2026-11-18 08:15:30"),
            ("2026-11-20", "2026-11-20 00:00:00"),
            ("2026-11-20T12:00:00", "2026-11-20 12:00:00"),
            ("2026-11-20T12:00:00+02:00", "2026-11-20 10:00:00"),
        ] {
            assert_eq!(shown(since(text, now).unwrap()), told, "{text}");
        }
        assert!(since("yesterday-ish", now).unwrap_err().to_string().contains("such as 2h"));
    }

    #[test]
    fn durations_are_told_with_the_unit_that_fits() {
        let told = [400, 1_000, 119_000, 120_000, 7_200_000, 200_000_000_000]
            .map(|ms| lasting(Duration::from_millis(ms)));
        assert_eq!(told, ["400 ms", "1 s", "119 s", "2 min", "2 h", "2314 days"]);
    }
}
