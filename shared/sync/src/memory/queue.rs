//! Queues that keep what they are sent, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use model::{Notice, System};

use super::{lock, step};
use crate::error::StoreError;
use crate::ports::ChangeQueue;

/// The queues of one world.
#[derive(Clone, Debug, Default)]
pub struct MemoryQueue {
    reached: BTreeSet<System>,
    sent: Arc<Mutex<BTreeMap<System, Vec<Notice>>>>,
}

impl MemoryQueue {
    /// Queues towards these systems.
    pub fn towards(systems: impl IntoIterator<Item = System>) -> Self {
        Self { reached: systems.into_iter().collect(), sent: Arc::default() }
    }

    /// Takes everything that was sent towards a system.
    pub fn take(&self, target: &System) -> Vec<Notice> {
        lock(&self.sent).remove(target).unwrap_or_default()
    }
}

impl ChangeQueue for MemoryQueue {
    fn reaches(&self, target: &System) -> bool {
        self.reached.contains(target)
    }

    async fn send(&self, target: &System, notices: &[Notice]) -> Result<(), StoreError> {
        step().await;
        lock(&self.sent).entry(target.clone()).or_default().extend(notices.iter().cloned());
        Ok(())
    }
}
