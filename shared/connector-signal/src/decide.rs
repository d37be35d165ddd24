//! What is sent to Mautic about a person, and why nothing is. Pure.

use jiff::{SignedDuration, Timestamp};

use crate::event::VisitorEvent;
use crate::event_table::Action;
use crate::identity::Person;
use crate::settings::{MARKETING, SignalPreferences};

/// Why nothing is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nobody has named an e-mail of the visitor.
    NoEmail,
    /// The e-mail that was named is none.
    BadEmail,
    /// The visitor refused what the gate asks for, or did not say.
    Consent,
    /// It only tells of a visit, and one was told a moment ago.
    Throttled,
    /// The table of events says that it is only remembered.
    Remembered,
}

impl Reason {
    /// The code for logs, counts and the list of events.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoEmail => "dropped_no_email",
            Self::BadEmail => "dropped_bad_email",
            Self::Consent => "dropped_consent",
            Self::Throttled => "throttled",
            Self::Remembered => "remembered",
        }
    }
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing is sent.
    Nothing(Reason),
    /// Only the withdrawal reaches the contact, if there is one.
    Withdraw,
    /// The contact is brought up to date. `tag`: whether the tag is given or taken away, where that is known and new.
    Upsert {
        /// The tag.
        tag: Option<bool>,
    },
}

/// Decides what an event of a person whose e-mail is known makes us send. `person` holds what the event told.
pub fn decide(
    event: &VisitorEvent,
    person: &Person,
    preferences: &SignalPreferences,
    now: Timestamp,
) -> Decision {
    let marketing = person.facts.agreed_to([MARKETING]);
    let tag =
        marketing.filter(|answer| person.sent.tag != Some(*answer) && !preferences.consent_tag.is_empty());
    let gate = person.facts.agreed_to(preferences.consent_gate.iter().map(String::as_str));
    if gate == Some(false) {
        // Once is enough. Whoever was forgotten meanwhile may still be in Mautic, with the tag.
        return if tag == Some(false) { Decision::Withdraw } else { Decision::Nothing(Reason::Consent) };
    }
    if gate.is_none() {
        return Decision::Nothing(Reason::Consent);
    }
    if event.action == Action::Remember {
        return Decision::Nothing(Reason::Remembered);
    }
    if tag.is_none() && is_visit_only(person, preferences) && told_lately(person, preferences, now) {
        return Decision::Nothing(Reason::Throttled);
    }
    Decision::Upsert { tag }
}

/// Whether nothing is new since something was sent, but the visit itself.
fn is_visit_only(person: &Person, preferences: &SignalPreferences) -> bool {
    let Some(sent_at) = person.sent.learned else { return false };
    let campaign = match (&person.facts.last_touch, &person.sent.campaign) {
        (Some(now), Some(sent)) => !now.value.is_same(sent),
        (Some(_), None) => true,
        (None, _) => false,
    };
    sent_at == person.learned && !(campaign && preferences.utm.has_tags())
}

fn told_lately(person: &Person, preferences: &SignalPreferences, now: Timestamp) -> bool {
    let pause = SignedDuration::from_mins(i64::from(preferences.page_minutes));
    person.sent.at.is_some_and(|at| now.duration_since(at) < pause)
}
