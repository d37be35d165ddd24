//! The table of events: which ones reach Mautic, which properties they stamp, and which are dropped.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::EventKind;
use crate::traits::plain;

/// What an event does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Its facts go into the memory, and the contact is brought up to date.
    Upsert,
    /// The same, but no more often than the setting `page_minutes` says, unless something else than the visit is new.
    Refresh,
    /// Its facts go into the memory only.
    Remember,
    /// Nothing.
    Drop,
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventRule {
    /// The kind of event.
    #[serde(default = "track")]
    pub kind: EventKind,
    /// The names of track events, compared without case, blanks, underscores and hyphens; none: every event of the kind.
    #[serde(default)]
    pub names: Vec<String>,
    /// What the event does.
    pub action: Action,
    /// Field to the properties that fill it: the first that is there counts.
    #[serde(default)]
    pub stamps: BTreeMap<String, Vec<String>>,
}

fn track() -> EventKind {
    EventKind::Track
}

impl EventRule {
    fn of_kind(kind: EventKind, action: Action) -> Self {
        Self { kind, names: Vec::new(), action, stamps: BTreeMap::new() }
    }

    fn of_event(names: &[&str], stamps: &[(&str, &[&str])]) -> Self {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let stamps = stamps.iter().map(|(field, properties)| ((*field).to_owned(), texts(properties)));
        Self { kind: EventKind::Track, names: texts(names), action: Action::Upsert, stamps: stamps.collect() }
    }

    fn fits(&self, kind: EventKind, name: &str) -> bool {
        let named = || self.names.iter().any(|known| plain(known) == name);
        self.kind == kind && (self.names.is_empty() || named())
    }
}

/// The table of the source document: what is not in it is dropped.
pub(crate) fn default_table() -> Vec<EventRule> {
    vec![
        EventRule::of_kind(EventKind::Identify, Action::Upsert),
        EventRule::of_event(&["Identified", "identify"], &[]),
        EventRule::of_kind(EventKind::Page, Action::Refresh),
        EventRule::of_kind(EventKind::Screen, Action::Refresh),
        EventRule::of_event(&["Signed Up", "sign_up"], &[("signal_signup_method", &["method"])]),
        EventRule::of_event(
            &["Lead Captured", "generate_lead"],
            &[("signal_lead_source", &["source", "lead_source", "form_name"])],
        ),
        EventRule::of_kind(EventKind::Alias, Action::Remember),
    ]
}

/// The row of an event: the first that fits.
pub(crate) fn rule<'a>(table: &'a [EventRule], kind: EventKind, name: &str) -> Option<&'a EventRule> {
    let name = plain(name);
    table.iter().find(|rule| rule.fits(kind, &name)).filter(|rule| rule.action != Action::Drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_and_separators() {
        let table = default_table();
        for name in ["Signed Up", "signed_up", "SIGNEDUP", "sign_up", "signup", "Sign-Up"] {
            let rule = rule(&table, EventKind::Track, name).unwrap();
            assert!(rule.stamps.contains_key("signal_signup_method"), "{name}");
        }
        for name in ["generate_lead", "lead captured", "LeadCaptured"] {
            assert!(rule(&table, EventKind::Track, name).unwrap().stamps.contains_key("signal_lead_source"));
        }
        assert_eq!(rule(&table, EventKind::Track, "Order Completed"), None);
        assert_eq!(rule(&table, EventKind::Group, ""), None);
        assert_eq!(rule(&table, EventKind::Screen, "x").unwrap().action, Action::Refresh);
    }

    #[test]
    fn a_row_that_drops_stands_before_those_behind_it() {
        let mut table = vec![EventRule {
            names: vec!["sign_up".into()],
            ..EventRule::of_kind(EventKind::Track, Action::Drop)
        }];
        table.extend(default_table());
        assert_eq!(rule(&table, EventKind::Track, "Sign Up"), None);
        assert!(rule(&table, EventKind::Track, "Signed Up").is_some());
    }
}
