//! A rate budget in this process only: what is shared by clones of one store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::lock;
use crate::budget::{BudgetKey, BudgetStore, Pace, Turn};
use crate::error::StoreError;

#[derive(Debug, Default)]
struct Turns {
    /// When the next one would be due if all came evenly.
    due: Timestamp,
    paused: Timestamp,
}

/// Turns of this process. Its clock begins when it is made, and runs as tokio's does.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    turns: Arc<Mutex<BTreeMap<BudgetKey, Turns>>>,
    began: Instant,
}

impl Default for MemoryBudget {
    fn default() -> Self {
        Self { turns: Arc::default(), began: Instant::now() }
    }
}

impl MemoryBudget {
    /// Takes the next turn by a clock of the caller's own.
    pub fn take_at(&self, now: Timestamp, key: &BudgetKey, pace: Pace, latest: Timestamp) -> Turn {
        let mut all = lock(&self.turns);
        let turns = all.entry(key.clone()).or_default();
        let next = turns.due.max(now) + SignedDuration::try_from(pace.interval).unwrap_or_default();
        let from = pace.usable_from(next).max(turns.paused);
        if from > latest {
            return Turn::TooLate { from };
        }
        turns.due = next;
        Turn::Ours { from }
    }
}

impl BudgetStore for MemoryBudget {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::try_from(self.began.elapsed()).unwrap_or_default()
    }

    fn wait(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn take<'a>(
        &'a self,
        key: &'a BudgetKey,
        pace: Pace,
        latest: Timestamp,
    ) -> BoxFuture<'a, Result<Turn, StoreError>> {
        Box::pin(async move { Ok(self.take_at(self.now(), key, pace, latest)) })
    }

    fn pause<'a>(&'a self, key: &'a BudgetKey, until: Timestamp) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut all = lock(&self.turns);
            let turns = all.entry(key.clone()).or_default();
            turns.paused = turns.paused.max(until);
            Ok(())
        })
    }
}
