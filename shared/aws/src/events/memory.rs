//! The in-memory twin of a push function's queue: remembers what it was asked for.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sync::StoreError;

use super::control::{NotANotice, QueueControl};

/// A queue that remembers.
#[derive(Debug, Default)]
pub struct MemoryQueueControl {
    waits: Mutex<Vec<(Vec<String>, Duration)>>,
    buried: Mutex<Vec<NotANotice>>,
    is_down: bool,
}

impl MemoryQueueControl {
    /// A queue of which every call fails.
    pub fn down() -> Self {
        Self { is_down: true, ..Self::default() }
    }

    /// The receipt handles that were made to wait, with their wait, sorted.
    pub fn waits(&self) -> Vec<(Vec<String>, Duration)> {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner).clone();
        waits.sort();
        waits
    }

    /// The messages that were sent to the dead-letter queue.
    pub fn buried(&self) -> Vec<NotANotice> {
        self.buried.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn answer(&self) -> Result<(), StoreError> {
        if self.is_down { Err(StoreError { detail: "the queue is down".to_owned() }) } else { Ok(()) }
    }
}

impl QueueControl for MemoryQueueControl {
    async fn make_wait(&self, receipt_handles: &[String], wait: Duration) -> Result<(), StoreError> {
        self.answer()?;
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.push((receipt_handles.to_vec(), wait));
        Ok(())
    }

    async fn bury(&self, message: &NotANotice) -> Result<(), StoreError> {
        self.answer()?;
        self.buried.lock().unwrap_or_else(PoisonError::into_inner).push(message.clone());
        Ok(())
    }
}
