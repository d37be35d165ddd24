//! Rate limits: calls in ten seconds for each app, calls in a day, and search's own limit for the whole account.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::answer::Answer;

/// What a portal allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Calls in ten seconds: 100 in free portals, 190 from Professional on.
    pub per_ten_seconds: u32,
    /// Calls in a day.
    pub per_day: u32,
    /// Searches in a second, for all apps together.
    pub searches_per_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_ten_seconds: 190, per_day: 625_000, searches_per_second: 5 }
    }
}

const TEN_SECONDS: SignedDuration = SignedDuration::from_secs(10);
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// What was used.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    calls: VecDeque<Timestamp>,
    searches: VecDeque<Timestamp>,
    day: Option<jiff::civil::Date>,
    today: u32,
    /// Calls that were refused since the start.
    pub(crate) refused: u32,
}

/// Which limit a call met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    TenSeconds,
    Day,
    Search,
}

impl Usage {
    /// Counts a call. The answer is the refusal, if it is one too many.
    pub(crate) fn count(&mut self, limits: Limits, now: Timestamp, is_search: bool) -> Option<Answer> {
        let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        if self.day != Some(today) {
            self.day = Some(today);
            self.today = 0;
        }
        forget_before(&mut self.calls, now, TEN_SECONDS);
        forget_before(&mut self.searches, now, SECOND);
        let met = if self.today >= limits.per_day {
            Some(Policy::Day)
        } else if self.calls.len() >= limits.per_ten_seconds as usize {
            Some(Policy::TenSeconds)
        } else if is_search && self.searches.len() >= limits.searches_per_second as usize {
            Some(Policy::Search)
        } else {
            None
        };
        if let Some(policy) = met {
            self.refused += 1;
            return Some(refusal(policy));
        }
        self.calls.push_back(now);
        self.today += 1;
        if is_search {
            self.searches.push_back(now);
        }
        None
    }

    /// What is left, as headers. Search answers without them.
    pub(crate) fn headers(&self, limits: Limits) -> Vec<(&'static str, String)> {
        let left = limits.per_ten_seconds.saturating_sub(u32::try_from(self.calls.len()).unwrap_or(u32::MAX));
        vec![
            ("x-hubspot-ratelimit-max", limits.per_ten_seconds.to_string()),
            ("x-hubspot-ratelimit-remaining", left.to_string()),
            ("x-hubspot-ratelimit-interval-milliseconds", "10000".to_owned()),
            ("x-hubspot-ratelimit-daily", limits.per_day.to_string()),
            ("x-hubspot-ratelimit-daily-remaining", limits.per_day.saturating_sub(self.today).to_string()),
        ]
    }
}

fn forget_before(times: &mut VecDeque<Timestamp>, now: Timestamp, span: SignedDuration) {
    while times.front().is_some_and(|at| now.duration_since(*at) >= span) {
        times.pop_front();
    }
}

fn refusal(policy: Policy) -> Answer {
    let (name, words) = match policy {
        Policy::TenSeconds => ("TEN_SECONDLY_ROLLING", "You have reached your ten_secondly_rolling limit."),
        Policy::Day => ("DAILY", "You have reached your daily limit."),
        Policy::Search => ("SECONDLY", "You have reached your secondly limit."),
    };
    Answer::of(
        429,
        json!({
            "status": "error",
            "message": words,
            "errorType": "RATE_LIMIT",
            "correlationId": uuid::Uuid::new_v4().to_string(),
            "policyName": name,
            "groupName": "publicapi:private-apps:api-calls-daily:0",
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_rolls_and_searches_have_their_own() {
        let limits = Limits { per_ten_seconds: 3, per_day: 100, searches_per_second: 1 };
        let mut usage = Usage::default();
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        assert!(usage.count(limits, at(0), true).is_none());
        let refused = usage.count(limits, at(0), true).unwrap();
        assert_eq!(refused.body.unwrap()["policyName"], "SECONDLY");
        assert!(usage.count(limits, at(5), false).is_none() && usage.count(limits, at(5), true).is_none());
        let refused = usage.count(limits, at(9), false).unwrap();
        assert_eq!(refused.body.unwrap()["policyName"], "TEN_SECONDLY_ROLLING");
        assert!(usage.count(limits, at(10), false).is_none(), "the first call is ten seconds old");
        assert_eq!(usage.refused, 2);
    }
}
