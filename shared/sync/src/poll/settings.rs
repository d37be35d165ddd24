//! When a system is polled: the settings `poll:<system>`. What may be written is in [`crate::settings::table`].

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::cursor::Cursor;

/// The schedule fires every minute, and never to the second.
const SLACK_SECONDS: i64 = 10;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "days need no explanation")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// Hours of each day. They may span midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayHours {
    /// From this time on: `22:00`.
    pub from: Time,
    /// Until before this time: `06:00`.
    pub to: Time,
}

/// Hours with a frequency of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FasterHours {
    /// From this time on.
    pub from: Time,
    /// Until before this time.
    pub to: Time,
    /// The frequency then.
    pub every_seconds: u32,
}

/// When a system is polled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PollSettings {
    /// Whether it is polled at all. Default true.
    pub enabled: bool,
    /// Time from one poll to the next, in seconds, 60 to 90,000; rounded up to the schedule's minute. Default 360, as
    /// `hubspot_pollfrequency` of coreBOS.
    pub every_seconds: u32,
    /// Hours with another frequency. Default none.
    pub faster_hours: Option<FasterHours>,
    /// Hours without polls. Default none.
    pub quiet_hours: Option<DayHours>,
    /// Days without polls. Default none.
    pub quiet_days: Vec<Weekday>,
    /// The time zone of hours and days. Default UTC.
    pub time_zone: String,
    /// How much is read again each time, in seconds, up to 3,600: longer than a save takes from its modified time to
    /// its commit. Default 60.
    pub overlap_seconds: u32,
    /// Whether a webhook of ours that the system has switched off is switched on again. Default false: it is told.
    pub repair_webhooks: bool,
    /// Whether ids are called in order to find deletes that no webhook told of, a few hundred at each poll. Default true.
    /// Only for systems that tell deletes by webhooks alone: Mautic.
    pub call_roll: bool,
    /// How many pages of a hundred records are looked at for associations that changed alone, of each object at each
    /// poll, 0 to 100. Default 5: at a poll each six minutes 120,000 records of each object a day. Only for systems where
    /// an association moves no date: HubSpot.
    pub walk_pages: u32,
}

impl Default for PollSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            every_seconds: 360,
            faster_hours: None,
            quiet_hours: None,
            quiet_days: Vec::new(),
            time_zone: "UTC".to_owned(),
            overlap_seconds: 60,
            repair_webhooks: false,
            call_roll: true,
            walk_pages: 5,
        }
    }
}

impl PollSettings {
    /// Whether it is time, given what the last passes were. A pass that is under way goes on except in quiet times.
    pub fn is_due(&self, now: Timestamp, cursor: &Cursor) -> bool {
        if !self.enabled {
            return false;
        }
        let local = now.to_zoned(TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC));
        let quiet_day = self.quiet_days.iter().any(|day| weekday(*day) == local.weekday());
        if quiet_day || self.quiet_hours.is_some_and(|hours| within(hours.from, hours.to, local.time())) {
            return false;
        }
        let under_way = cursor.position.as_ref().is_some_and(|position| position.pass.is_some());
        let Some(polled_at) = cursor.polled_at.filter(|_| !under_way) else { return true };
        let faster = self.faster_hours.filter(|hours| within(hours.from, hours.to, local.time()));
        let every = faster.map_or(self.every_seconds, |faster| faster.every_seconds);
        let waited = now.duration_since(polled_at).as_secs();
        // A clock that was set back must not stop the polls.
        waited + SLACK_SECONDS >= i64::from(every) || waited < -SLACK_SECONDS
    }
}

fn within(from: Time, to: Time, time: Time) -> bool {
    if from <= to { from <= time && time < to } else { time >= from || time < to }
}

fn weekday(day: Weekday) -> jiff::civil::Weekday {
    match day {
        Weekday::Monday => jiff::civil::Weekday::Monday,
        Weekday::Tuesday => jiff::civil::Weekday::Tuesday,
        Weekday::Wednesday => jiff::civil::Weekday::Wednesday,
        Weekday::Thursday => jiff::civil::Weekday::Thursday,
        Weekday::Friday => jiff::civil::Weekday::Friday,
        Weekday::Saturday => jiff::civil::Weekday::Saturday,
        Weekday::Sunday => jiff::civil::Weekday::Sunday,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poll::{Pass, Position};

    fn settings(json: serde_json::Value) -> PollSettings {
        serde_json::from_value(json).unwrap()
    }

    fn due(settings: &PollSettings, now: &str, polled_at: &str) -> bool {
        let cursor = Cursor { polled_at: Some(polled_at.parse().unwrap()), position: None };
        settings.is_due(now.parse().unwrap(), &cursor)
    }

    #[test]
    fn it_is_due_after_its_time_and_the_first_time() {
        let usual = PollSettings::default();
        assert!(usual.is_due("2026-11-21T10:00:00Z".parse().unwrap(), &Cursor::default()));
        assert!(!due(&usual, "2026-11-21T10:05:00Z", "2026-11-21T10:00:00Z"));
        assert!(
            due(&usual, "2026-11-21T10:05:52Z", "2026-11-21T10:00:00Z"),
            "the schedule is not to the second"
        );
        assert!(due(&usual, "2026-11-21T09:00:00Z", "2026-11-21T10:00:00Z"), "the clock was set back");
    }

    #[test]
    fn quiet_times_are_those_of_the_time_zone_and_may_span_midnight() {
        let quiet = settings(serde_json::json!({
            "time_zone": "Europe/Madrid", "quiet_hours": { "from": "22:00", "to": "06:00" }, "quiet_days": ["sunday"]
        }));
        let long_ago = "2026-11-01T00:00:00Z";
        // A Saturday; Madrid is an hour ahead.
        assert!(due(&quiet, "2026-11-21T20:59:00Z", long_ago));
        assert!(!due(&quiet, "2026-11-21T21:00:00Z", long_ago));
        assert!(!due(&quiet, "2026-11-21T04:59:00Z", long_ago));
        assert!(due(&quiet, "2026-11-21T05:00:00Z", long_ago));
        assert!(!due(&quiet, "2026-11-22T12:00:00Z", long_ago), "a Sunday");
    }

    #[test]
    fn faster_hours_have_their_own_frequency_and_off_is_off() {
        let faster = settings(serde_json::json!({
            "faster_hours": { "from": "08:00", "to": "18:00", "every_seconds": 60 }
        }));
        assert!(due(&faster, "2026-11-21T10:01:00Z", "2026-11-21T10:00:00Z"));
        assert!(!due(&faster, "2026-11-21T20:01:00Z", "2026-11-21T20:00:00Z"));
        let off = settings(serde_json::json!({ "enabled": false }));
        assert!(!off.is_due("2026-11-21T10:00:00Z".parse().unwrap(), &Cursor::default()));
    }

    #[test]
    fn a_pass_that_is_under_way_goes_on_at_the_next_tick() {
        let at: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let pass = Some(Pass { from: at, began: at, after: "100".to_owned() });
        let cursor = Cursor { position: Some(Position { since: at, pass }), polled_at: Some(at) };
        assert!(PollSettings::default().is_due("2026-11-21T10:01:00Z".parse().unwrap(), &cursor));
    }
}
