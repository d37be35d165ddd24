//! Which records this process has looked at lately: what was noticed before that has been dealt with by it.
//!
//! A notice says that a record may have changed, and a push deals with the record as it is. Where more notices of a record
//! come than can be pushed, while a system was away or somebody edits in bulk, the first push after them has seen what all
//! of them are about, and the others need no call of any system and no read of the table.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use model::{Notice, NoticeKind, RecordRef};

/// How much earlier than the look a notice must have been taken: as long as a push waits for coreBOS to commit what it
/// has told of, and what the clocks of two functions may differ by.
const MARGIN: SignedDuration = SignedDuration::from_secs(3);
/// How long a look is remembered.
const LIFETIME: SignedDuration = SignedDuration::from_secs(60);
/// So many are remembered before old ones are looked for.
const MANY: usize = 1_000;

/// When each record was looked at last.
#[derive(Debug, Default)]
pub(crate) struct Looked(Mutex<HashMap<RecordRef, Timestamp>>);

impl Looked {
    /// Whether a look since then has dealt with what a notice is about.
    pub(crate) fn covers(&self, notice: &Notice, now: Timestamp) -> bool {
        let at = self.all().get(&notice.record).copied();
        asks_for_a_look(notice)
            && at.is_some_and(|at| {
                now.duration_since(at) < LIFETIME && at.duration_since(notice.received_at) >= MARGIN
            })
    }

    /// A push that began then has dealt with this notice.
    pub(crate) fn remember(&self, notice: &Notice, began: Timestamp) {
        if !asks_for_a_look(notice) {
            return;
        }
        let mut all = self.all();
        if all.len() >= MANY {
            all.retain(|_, at| began.duration_since(*at) < LIFETIME);
        }
        // Too many at once are looked at once more each.
        if all.len() < 2 * MANY || all.contains_key(&notice.record) {
            all.insert(notice.record.clone(), began);
        }
    }

    /// An administrator may have mended something: everything is looked at again.
    pub(crate) fn forget(&self) {
        self.all().clear();
    }

    fn all(&self) -> MutexGuard<'_, HashMap<RecordRef, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a notice asks for nothing but a look at a record that was saved: no delete to be confirmed, no command, and no
/// event that may start something.
fn asks_for_a_look(notice: &Notice) -> bool {
    notice.kind == NoticeKind::Saved && notice.command.is_none() && notice.event.is_none()
}

#[cfg(test)]
mod tests {
    use model::ObjectName;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
    }

    fn notice(id: &str, received: i64) -> Notice {
        Notice {
            record: RecordRef::new(&"mautic:main".parse().unwrap(), &ObjectName::new("contact"), id),
            kind: NoticeKind::Saved,
            receipt: format!("r{received}/0"),
            received_at: at(received),
            modified_at: None,
            command: None,
            event: None,
        }
    }

    #[test]
    fn a_look_covers_what_was_noticed_well_before_it_and_nothing_else() {
        let looked = Looked::default();
        assert!(!looked.covers(&notice("1", 0), at(10)), "nobody has looked");
        looked.remember(&notice("1", 0), at(10));
        let covered = |notice: &Notice, now| looked.covers(notice, at(now));
        assert!(covered(&notice("1", 7), 11) && covered(&notice("1", 7), 69));
        assert!(!covered(&notice("1", 8), 11), "what came while it looked may have been missed");
        assert!(!covered(&notice("2", 7), 11), "another record");
        assert!(!covered(&notice("1", 7), 70), "long ago");
        looked.forget();
        assert!(!covered(&notice("1", 7), 11));
    }

    #[test]
    fn who_asks_for_more_than_a_look_is_never_covered_and_covers_nobody() {
        let looked = Looked::default();
        let deleted = Notice { kind: NoticeKind::Deleted, ..notice("1", 0) };
        let event = Notice { event: Some("won".to_owned()), ..notice("1", 0) };
        for more in [&deleted, &event] {
            looked.remember(more, at(10));
            assert!(!looked.covers(&notice("1", 0), at(11)));
        }
        looked.remember(&notice("1", 0), at(10));
        assert!(looked.covers(&notice("1", 0), at(11)));
        assert!(!looked.covers(&deleted, at(11)) && !looked.covers(&event, at(11)));
    }

    #[test]
    fn memory_stays_small() {
        let looked = Looked::default();
        for id in 0..3 * MANY {
            looked.remember(&notice(&id.to_string(), 0), at(10));
        }
        assert_eq!(looked.all().len(), 2 * MANY);
        looked.remember(&notice("another", 60), at(80));
        assert_eq!(looked.all().len(), 1);
    }
}
