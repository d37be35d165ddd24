//! Links, leases and notices for the tests.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use model::{
    Bases, Direction, FieldBase, Fingerprint, HistoryEntry, Intent, IntentField, Lease, Link, LinkStatus,
    Notice, NoticeKind, ObjectName, Pair, PairKind, ParkedChange, RecordRef, RecordState, System,
};
use sync::{NaturalKey, Settlement};

pub(crate) fn pair() -> Pair {
    Pair { kind: PairKind::MauticContacts, hub: system("corebos:main"), remote: system("mautic:main") }
}

pub(crate) fn system(text: &str) -> System {
    text.parse().unwrap()
}

pub(crate) fn in_mautic(id: &str) -> RecordRef {
    RecordRef::new(&pair().remote, &ObjectName::new("contact"), id)
}

pub(crate) fn in_corebos(id: &str) -> RecordRef {
    RecordRef::new(&pair().hub, &ObjectName::new("Contacts"), id)
}

/// A moment, so many seconds after a fixed one.
pub(crate) fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
    start + SignedDuration::from_secs(seconds)
}

pub(crate) fn base(text: &str) -> FieldBase {
    FieldBase {
        value: Fingerprint::of_bytes(text.as_bytes()),
        definition: Fingerprint::of_bytes(b"definition"),
    }
}

/// A link that is not stored yet.
pub(crate) fn new_link(id: &str, hub: &str, remote: &str) -> Link {
    let bases = Bases {
        to_hub: BTreeMap::from([("firstname".to_owned(), base("Ana"))]),
        to_remote: BTreeMap::from([("company".to_owned(), base("Acme"))]),
    };
    Link {
        id: id.to_owned(),
        version: 0,
        pair: pair(),
        hub: in_corebos(hub),
        remote: in_mautic(remote),
        status: LinkStatus::Active,
        bases,
        refused: Vec::new(),
        breaker: None,
        paused: false,
    }
}

/// A settlement that stores a new link with its lookups.
pub(crate) fn first_settlement(link: &Link) -> Settlement {
    Settlement {
        link: Some(link.clone()),
        lookups_added: vec![link.hub.clone(), link.remote.clone()],
        ..Settlement::default()
    }
}

pub(crate) fn lease(holder: &str, until: Timestamp) -> Lease {
    let field = IntentField { projection: base("Ana"), before: Fingerprint::of_bytes(b"Anna") };
    Lease {
        holder: holder.to_owned(),
        until,
        intent: Intent::Write {
            link: "l-1".to_owned(),
            direction: Direction::ToHub,
            fields: BTreeMap::from([("firstname".to_owned(), field)]),
            pending: vec!["lastname".to_owned()],
            edited_at: Some(at(-5)),
        },
    }
}

/// A state as a settle wants it: nothing is about to be written any more.
pub(crate) fn free(version: u64) -> RecordState {
    RecordState { version, ..RecordState::default() }
}

pub(crate) fn natural_key(text: &str) -> NaturalKey {
    NaturalKey {
        system: pair().hub,
        object: ObjectName::new("Contacts"),
        key: Fingerprint::of_bytes(text.as_bytes()),
    }
}

pub(crate) fn notice(id: &str, receipt: &str) -> Notice {
    Notice {
        record: in_mautic(id),
        kind: NoticeKind::Saved,
        receipt: receipt.to_owned(),
        received_at: at(0),
        modified_at: None,
        command: None,
        event: None,
    }
}

pub(crate) fn history_entry(receipt: &str, outcome: &str) -> HistoryEntry {
    HistoryEntry {
        at: at(0),
        receipt: receipt.to_owned(),
        direction: Direction::ToHub,
        outcome: outcome.to_owned(),
        fields: vec!["firstname".to_owned()],
        refused: vec!["lastname".to_owned()],
        received_at: Some(at(0)),
        lost: Vec::new(),
    }
}

pub(crate) fn parked_change(receipt: &str, message: &str) -> ParkedChange {
    ParkedChange {
        pair: pair(),
        notice: notice("47", receipt),
        at: at(0),
        reason: "refused".to_owned(),
        message: message.to_owned(),
        fields: BTreeMap::from([("lastname".to_owned(), "mandatory".to_owned())]),
    }
}
