//! What a system answered.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;

use crate::retry_after::{parse_http_date, parse_retry_after, wait_until};

/// An answer, whatever its status, read to its end.
///
/// Its `Debug` form has no header and no body.
#[derive(Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, at most as large as the client's limit.
    pub body: Vec<u8>,
    headers: HeaderMap,
}

impl Answer {
    pub(crate) fn new(status: u16, headers: HeaderMap, body: Vec<u8>) -> Self {
        Self { status, body, headers }
    }

    /// Whether the status is 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the system wants us somewhere else. Redirects are never followed: credentials stay where they
    /// were meant to go.
    pub fn is_redirect(&self) -> bool {
        matches!(self.status, 301 | 302 | 303 | 307 | 308)
    }

    /// The text of a header, where it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON of a given shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// Whether the body calls itself HTML, by its header or by its first character.
    pub fn is_html(&self) -> bool {
        let declared =
            self.header("content-type").is_some_and(|t| t.to_ascii_lowercase().starts_with("text/html"));
        declared || self.body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<')
    }

    /// The server's own clock, from its `Date` header.
    pub fn server_time(&self) -> Option<Timestamp> {
        parse_http_date(self.header("date")?)
    }

    /// How long the server asks us to wait, from `Retry-After`.
    pub fn retry_after(&self) -> Option<Duration> {
        parse_retry_after(self.header("retry-after")?, self.server_time())
    }

    /// How long it is until a time in a header, given in seconds since 1970, by the server's own clock.
    pub fn wait_until_epoch(&self, name: &str) -> Option<Duration> {
        let until = Timestamp::from_second(self.header(name)?.trim().parse().ok()?).ok()?;
        Some(wait_until(until, self.server_time()?))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn answer(headers: &[(&'static str, &'static str)], body: &str) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_static(value));
        }
        Answer::new(429, map, body.as_bytes().to_vec())
    }

    #[test]
    fn a_reset_time_is_measured_by_the_servers_clock() {
        let date = ("date", "Sat, 21 Nov 2026 02:00:00 GMT");
        let with = answer(&[date, ("x-ratelimit-reset", "1795226460")], "");
        assert_eq!(with.wait_until_epoch("x-ratelimit-reset"), Some(Duration::from_mins(1)));
        let past = answer(&[date, ("x-ratelimit-reset", "5")], "");
        assert_eq!(past.wait_until_epoch("x-ratelimit-reset"), Some(Duration::ZERO));
        let bad = answer(&[date, ("x-ratelimit-reset", "99999999999999999999")], "");
        assert_eq!(bad.wait_until_epoch("x-ratelimit-reset"), None);
    }

    #[test]
    fn html_is_recognised_with_and_without_a_header() {
        assert!(answer(&[("content-type", "text/html; charset=UTF-8")], "x").is_html());
        assert!(answer(&[], "\n <!DOCTYPE html>").is_html());
        assert!(!answer(&[("content-type", "application/json")], "{}").is_html());
    }

    #[test]
    fn an_answer_in_a_log_has_no_body() {
        assert!(!format!("{:?}", answer(&[], "ana@example.org")).contains("ana"));
    }
}
