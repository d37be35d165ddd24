//! The rate budget of a system: how often it may be called, by all processes together.
//!
//! A call takes a **turn** before it is made. Turns follow upon each other at a steady rate, and some may be taken at once
//! by whoever comes after a rest (the generic cell rate algorithm: one number, the time at which the next turn would be
//! due if all came evenly). So any span of the limit's length sees no more calls than the limit allows, whoever makes
//! them, and nobody asks in vain.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use model::System;

use crate::error::{ConnectorError, StoreError};

/// Whose turns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BudgetKey {
    /// Of which system.
    pub system: System,
    /// Which of its limits: `calls`, `search`.
    pub limit: &'static str,
}

/// How fast turns follow upon each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The time between two turns.
    pub interval: Duration,
    /// How many turns may be taken at once after a rest.
    pub at_once: u32,
}

impl Pace {
    /// A pace that stays below `calls` in any span of `within`, with a margin for calls that arrive later than they were
    /// sent: a fifth of them at once, and seven tenths evenly. No pace is slower than that of two calls.
    pub fn below(calls: u32, within: Duration) -> Self {
        let calls = calls.max(2);
        let at_once = (calls / 5).max(1);
        let evenly = (f64::from(calls) * 0.7).min(f64::from(calls - at_once));
        Self { interval: within.div_f64(evenly), at_once }
    }

    /// When a turn may be used that makes the next one due at `due`.
    pub fn usable_from(&self, due: Timestamp) -> Timestamp {
        due - SignedDuration::try_from(self.interval * self.at_once).unwrap_or_default()
    }
}

/// A turn that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is ours, to be used from then on.
    Ours {
        /// When.
        from: Timestamp,
    },
    /// None was taken: it would have been longer than was asked for.
    TooLate {
        /// When one could be had.
        from: Timestamp,
    },
}

/// Where turns are given.
///
/// A trait object, as the sessions are: connectors would otherwise all have the store as a type parameter.
pub trait BudgetStore: Debug + Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Waits for a moment.
    fn wait(&self, duration: Duration) -> BoxFuture<'_, ()>;

    /// Takes the next turn, if it can be used before `latest`.
    fn take<'a>(
        &'a self,
        key: &'a BudgetKey,
        pace: Pace,
        latest: Timestamp,
    ) -> BoxFuture<'a, Result<Turn, StoreError>>;

    /// Gives no turn before this time: the system has asked for patience.
    fn pause<'a>(&'a self, key: &'a BudgetKey, until: Timestamp) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// A budget that is kept somewhere.
pub type SharedBudget = Arc<dyn BudgetStore>;

/// How long a call waits for its turn; longer than that, its change goes back into the queue.
const PATIENCE: SignedDuration = SignedDuration::from_secs(6);

/// Waits for a turn.
///
/// # Errors
/// Rate limited: there is none soon. A store that does not answer is no error: the system's own limits are left then.
pub async fn wait_for_turn(
    store: &dyn BudgetStore,
    key: &BudgetKey,
    pace: Pace,
) -> Result<(), ConnectorError> {
    let now = store.now();
    match store.take(key, pace, now + PATIENCE).await {
        Ok(Turn::Ours { from }) => {
            if let Some(left) = positive(from.duration_since(now)) {
                store.wait(left).await;
            }
            Ok(())
        }
        Ok(Turn::TooLate { from }) => {
            Err(ConnectorError::RateLimited { retry_after: positive(from.duration_since(now)) })
        }
        Err(error) => {
            tracing::warn!(record.system = %key.system, detail = %error, "the rate budget cannot be shared at the moment");
            Ok(())
        }
    }
}

/// Lets everybody rest for as long as the system has asked for.
pub async fn rest(store: &dyn BudgetStore, key: &BudgetKey, duration: Duration) {
    let until = store.now() + SignedDuration::try_from(duration).unwrap_or_default();
    if let Err(error) = store.pause(key, until).await {
        tracing::warn!(record.system = %key.system, detail = %error, "the rate budget cannot be shared at the moment");
    }
}

fn positive(duration: SignedDuration) -> Option<Duration> {
    Duration::try_from(duration).ok().filter(|duration| !duration.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_span_sees_more_calls_than_the_limit_allows() {
        for calls in [2_u32, 5, 100, 110, 190, 250] {
            let within = Duration::from_secs(10);
            let pace = Pace::below(calls, within);
            let evenly = within.as_secs_f64() / pace.interval.as_secs_f64();
            let most = evenly + f64::from(pace.at_once);
            assert!(most <= f64::from(calls) + 0.001, "{calls}: {evenly} {pace:?}");
        }
    }
}
