//! Queues that keep what they are sent, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use model::{Notice, RecordRef, System};

use super::{MemoryClock, before, lock};
use crate::error::StoreError;
use crate::ports::{ChangeQueue, Clock};

/// How long a queue remembers a receipt: what comes with the same one meanwhile is dropped, as SQS does it.
const REMEMBERS: SignedDuration = SignedDuration::from_secs(300);

#[derive(Debug, Default)]
struct Sent {
    notices: BTreeMap<System, Vec<Notice>>,
    remembered: BTreeMap<(System, RecordRef, String), Timestamp>,
}

/// The queues of one world.
#[derive(Clone, Debug, Default)]
pub struct MemoryQueue {
    reached: BTreeSet<System>,
    clock: Option<MemoryClock>,
    sent: Arc<Mutex<Sent>>,
}

impl MemoryQueue {
    /// Queues towards these systems.
    pub fn towards(systems: impl IntoIterator<Item = System>) -> Self {
        Self { reached: systems.into_iter().collect(), ..Self::default() }
    }

    /// Queues that drop what comes twice with one receipt, by this clock.
    #[must_use]
    pub fn that_remember_receipts(self, clock: MemoryClock) -> Self {
        Self { clock: Some(clock), ..self }
    }

    /// Takes everything that was sent towards a system.
    pub fn take(&self, target: &System) -> Vec<Notice> {
        lock(&self.sent).notices.remove(target).unwrap_or_default()
    }
}

impl MemoryQueue {
    /// Takes what was sent towards a system about records of another one.
    pub fn take_from(&self, target: &System, source: &System) -> Vec<Notice> {
        let mut sent = lock(&self.sent);
        let Some(notices) = sent.notices.get_mut(target) else { return Vec::new() };
        let taken = notices.extract_if(.., |notice| notice.record.system == *source);
        taken.collect()
    }
}

impl ChangeQueue for MemoryQueue {
    fn reaches(&self, target: &System) -> bool {
        self.reached.contains(target)
    }

    async fn send(&self, target: &System, notices: &[Notice]) -> Result<(), StoreError> {
        before("send").await;
        let mut sent = lock(&self.sent);
        for notice in notices {
            if let Some(clock) = &self.clock {
                let (now, key) =
                    (clock.now(), (target.clone(), notice.record.clone(), notice.receipt.clone()));
                if sent.remembered.get(&key).is_some_and(|since| now.duration_since(*since) < REMEMBERS) {
                    continue;
                }
                sent.remembered.insert(key, now);
            }
            sent.notices.entry(target.clone()).or_default().push(notice.clone());
        }
        Ok(())
    }
}
