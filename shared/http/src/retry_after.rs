//! `Retry-After` and `Date`: how long a server asks us to wait.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;

/// The longest wait that is taken from a header. A server that asks for more is asked again after a day.
const LONGEST: Duration = Duration::from_hours(24);

/// Reads `Retry-After`: seconds, or an HTTP date, which is compared with the server's own clock.
///
/// `None` where it is neither, or where a date comes without the server's time: our clock may differ from theirs.
pub fn parse_retry_after(value: &str, server_time: Option<Timestamp>) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit are a very long time all the same.
        let seconds = value.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(LONGEST));
    }
    let until = parse_http_date(value)?;
    Some(wait_until(until, server_time?))
}

/// How long it is from the server's present to a time it named; nothing for a time that is past.
pub fn wait_until(until: Timestamp, server_time: Timestamp) -> Duration {
    let seconds = until.as_second().saturating_sub(server_time.as_second());
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0)).min(LONGEST)
}

/// Reads an HTTP date in any of its three forms (RFC 9110, section 5.6.7).
pub fn parse_http_date(value: &str) -> Option<Timestamp> {
    let value = value.trim();
    if let Ok(zoned) = rfc2822::parse(value) {
        return Some(zoned.timestamp());
    }
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"].into_iter().find_map(|form| {
        let civil = DateTime::strptime(form, value).ok()?;
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn seconds_are_read_and_bounded() {
        assert_eq!(parse_retry_after("120", None), Some(Duration::from_mins(2)));
        assert_eq!(parse_retry_after(" 0 ", None), Some(Duration::ZERO));
        assert_eq!(parse_retry_after("99999999999999999999999", None), Some(LONGEST));
    }

    #[test]
    fn dates_are_compared_with_the_servers_clock() {
        let now = Some(at("2026-11-21T02:00:00Z"));
        assert_eq!(parse_retry_after("Sat, 21 Nov 2026 02:01:30 GMT", now), Some(Duration::from_secs(90)));
        assert_eq!(parse_retry_after("Sat, 21 Nov 2026 01:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(parse_retry_after("Sat, 21 Nov 2026 02:01:30 GMT", None), None);
    }

    #[test]
    fn all_three_forms_of_a_date_are_one_time() {
        let expected = Some(at("1994-11-06T08:49:37Z"));
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(parse_http_date(text), expected, "{text}");
        }
    }

    #[test]
    fn nonsense_is_no_hint() {
        for text in ["", "soon", "-5", "1.5", "12:00", "Sun, 99 Nov 1994 08:49:37 GMT", "١٢"] {
            assert_eq!(parse_retry_after(text, Some(Timestamp::UNIX_EPOCH)), None, "{text}");
        }
    }
}
