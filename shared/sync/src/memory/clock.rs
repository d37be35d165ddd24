//! A clock that stands still until it is moved.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{before, lock};
use crate::ports::Clock;

/// Shared by everything in one world.
#[derive(Clone, Debug)]
pub struct MemoryClock(Arc<Mutex<Timestamp>>);

impl MemoryClock {
    /// A clock that shows this time.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    /// Moves it forward.
    pub fn advance(&self, by: Duration) {
        let mut now = lock(&self.0);
        *now += SignedDuration::try_from(by).unwrap_or_default();
    }
}

impl Default for MemoryClock {
    fn default() -> Self {
        // A Saturday in November 2026; any time will do.
        Self::at(Timestamp::from_second(1_795_000_000).unwrap_or(Timestamp::UNIX_EPOCH))
    }
}

impl Clock for MemoryClock {
    fn now(&self) -> Timestamp {
        *lock(&self.0)
    }

    async fn sleep(&self, duration: Duration) {
        before("sleep").await;
        self.advance(duration);
    }
}
