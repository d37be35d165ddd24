//! When a webhook of a system was heard last, so that `bridge doctor` can say so: HubSpot has no API that tells whether
//! an app sends anything.
//!
//! The webhook functions touch no table. A push that gets a notice of a webhook writes the time down, each process once
//! in ten minutes at most, and never while nothing happens.

use std::sync::{Mutex, MutexGuard, PoisonError};

use aws::DynamoStore;
use jiff::{SignedDuration, Timestamp};
use model::Notice;

/// How often a process writes the time down at most.
const EVERY: SignedDuration = SignedDuration::from_mins(10);

/// What this process has written down last.
#[derive(Debug, Default)]
pub(crate) struct Heard(Mutex<Option<Timestamp>>);

impl Heard {
    /// Writes down when the webhook of a notice came, unless what was written down last is as good. A table that does not
    /// answer is asked again with the next notice.
    pub(crate) async fn remember(&self, store: &DynamoStore, notice: &Notice) {
        if !notice.is_from_webhook() || !self.is_news(notice.received_at) {
            return;
        }
        if let Err(error) = store.remember_heard(&notice.record.system, notice.received_at).await {
            tracing::debug!(reason = "store", detail = %error, "when a webhook was heard is not written down");
            *self.last() = None;
        }
    }

    /// Whether nobody has written down a time that is as good, who does so now.
    fn is_news(&self, at: Timestamp) -> bool {
        let mut last = self.last();
        let is_news = last.is_none_or(|last| at.duration_since(last) >= EVERY);
        if is_news {
            *last = Some(at);
        }
        is_news
    }

    fn last(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_minutes_of_webhooks_are_written_down_once() {
        let heard = Heard::default();
        let at = |minute: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute);
        let news: Vec<bool> = [0, 0, 9, 10, 12, 3, 20].map(|minute| heard.is_news(at(minute))).to_vec();
        assert_eq!(news, [true, false, false, true, false, false, true]);
    }
}
