//! Notices: hints that a record may have changed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Command, RecordRef};

/// What a notice says has happened. Never trusted: a push reads the record as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// Created or changed.
    Saved,
    /// Gone, or merged into another record: both look alike from outside.
    Deleted,
    /// Gone for good, because the person asked for it: what is kept about the record must go, too.
    Erased,
}

/// "This record may have changed", as it travels in a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The record that may have changed.
    pub record: RecordRef,
    /// What the sender said.
    pub kind: NoticeKind,
    /// Unique per receipt: request id and index, poll tick and index, or the settle that caused it.
    pub receipt: String,
    /// When the bridge took it.
    pub received_at: Timestamp,
    /// The modified time that the sender named. A push that reads an older record than this reads again:
    /// coreBOS calls before its transaction commits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_at: Option<Timestamp>,
    /// What a campaign action asks for, besides looking at the record. Only notices towards users of a site have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
    /// The name with which a workflow of coreBOS has called, where it is one of the user's own: it may start something in
    /// HubSpot, besides looking at the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
}

impl Notice {
    /// Merges the notices of one request that name the same record: the last kind wins, the newest time stays.
    ///
    /// The order of first appearance is kept. A push reads the record as it is now, so several notices of one
    /// record in one request say no more than one does.
    pub fn coalesce(notices: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut merged: indexmap::IndexMap<RecordRef, Self> = indexmap::IndexMap::new();
        for notice in notices {
            match merged.entry(notice.record.clone()) {
                indexmap::map::Entry::Vacant(slot) => {
                    slot.insert(notice);
                }
                indexmap::map::Entry::Occupied(mut slot) => {
                    let kept = slot.get_mut();
                    // Nothing that comes beside it takes back that a person is to be forgotten.
                    kept.kind = if kept.kind == NoticeKind::Erased { kept.kind } else { notice.kind };
                    kept.modified_at = kept.modified_at.max(notice.modified_at);
                    kept.event = notice.event.or(kept.event.take());
                }
            }
        }
        merged.into_values().collect()
    }

    /// Whether the system of the record has told of it itself, by a webhook, just then: not a poll, an import, an
    /// administrator or a push. Told by the receipt: the id of the request, and the place in it.
    pub fn is_from_webhook(&self) -> bool {
        let told = self.receipt.split_once('/');
        told.is_some_and(|(request, place)| {
            let is_place = !place.is_empty() && place.bytes().all(|byte| byte.is_ascii_digit());
            is_place && !request.contains(['>', ':'])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ObjectName, System};

    #[test]
    fn a_receipt_tells_a_webhook_from_all_else() {
        let from_webhook = |receipt| notice("1", NoticeKind::Saved, receipt).is_from_webhook();
        assert!(from_webhook("JKJaXmPLvHcESHA=/0") && from_webhook("b5e2/17"));
        let others = [
            "b5e2/contact/0",
            "b5e2/contact.roll/1",
            "b5e2/on-1-0",
            "b5e2/0>hubspot:main@2026-11-21T08:00:00Z",
            "import:b5e2:7",
            "b5e2",
        ];
        for other in others {
            assert!(!from_webhook(other), "{other}");
        }
    }

    fn notice(id: &str, kind: NoticeKind, receipt: &str) -> Notice {
        let system: System = "mautic:main".parse().unwrap();
        Notice {
            record: RecordRef::new(&system, &ObjectName::new("contact"), id),
            kind,
            receipt: receipt.to_owned(),
            received_at: Timestamp::UNIX_EPOCH,
            modified_at: None,
            command: None,
            event: None,
        }
    }

    #[test]
    fn a_notice_is_stored_in_this_shape() {
        let json = serde_json::to_value(notice("47", NoticeKind::Saved, "req-1/0")).unwrap();
        let expected = serde_json::json!({
            "record": { "system": "mautic:main", "object": "contact", "id": "47" },
            "kind": "saved",
            "receipt": "req-1/0",
            "received_at": "1970-01-01T00:00:00Z",
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn notices_of_one_record_become_one_and_the_last_kind_wins() {
        let all = [
            notice("1", NoticeKind::Saved, "a"),
            notice("2", NoticeKind::Saved, "b"),
            notice("1", NoticeKind::Deleted, "c"),
        ];
        let merged = Notice::coalesce(all);
        let seen: Vec<_> = merged.iter().map(|n| (n.record.id.as_str(), n.kind)).collect();
        assert_eq!(seen, [("1", NoticeKind::Deleted), ("2", NoticeKind::Saved)]);
    }
}
