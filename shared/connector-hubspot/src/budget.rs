//! The portal's rate limits: calls in ten seconds, and searches in a second, for all our processes together.
//!
//! "API usage guidelines", <https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>, read
//! 2026-11-21: 100 calls in ten seconds in free portals, 190 from Professional on, 110 for an OAuth app; five searches in a
//! second for the whole account, other apps included.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http_client::Answer;
use model::System;
use sync::budget::{rest, wait_for_turn};
use sync::{BudgetKey, ConnectorError, Pace, SharedBudget};

use crate::error::patience;

/// The calls in ten seconds that every portal allows; more is learnt from its answers.
const LEAST_CALLS: u32 = 100;
/// The most calls in ten seconds that any portal allows; whatever an answer says.
const MOST_CALLS: u32 = 500;
/// Searches in a second. Other apps search, too.
const SEARCHES: u32 = 4;
/// The spans of both limits.
const TEN_SECONDS: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);

/// The turns of a portal.
#[derive(Debug)]
pub(crate) struct Budget {
    store: SharedBudget,
    calls: BudgetKey,
    searches: BudgetKey,
    /// Calls in ten seconds, as far as is known.
    limit: AtomicU32,
    /// An administrator has set the limit: what the portal says does not raise it.
    is_set: bool,
    /// Turns that were waited for and not used yet.
    taken: AtomicU32,
}

impl Budget {
    /// `limit`: what an administrator has set; 0 where nobody has.
    pub(crate) fn new(system: &System, store: SharedBudget, limit: u32) -> Self {
        let key = |limit| BudgetKey { system: system.clone(), limit };
        Self {
            store,
            calls: key("calls"),
            searches: key("search"),
            limit: AtomicU32::new(if limit == 0 { LEAST_CALLS } else { limit }),
            is_set: limit != 0,
            taken: AtomicU32::new(0),
        }
    }

    /// Waits until a call may be made, for whoever makes one next: others may join until then.
    pub(crate) async fn take_turn(&self) -> Result<(), ConnectorError> {
        self.wait_for_turn(false).await?;
        self.taken.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Waits until a call may be made.
    pub(crate) async fn wait_for_turn(&self, is_search: bool) -> Result<(), ConnectorError> {
        if is_search {
            wait_for_turn(&*self.store, &self.searches, Pace::below(SEARCHES, SECOND)).await?;
        }
        let one_less = |taken: u32| taken.checked_sub(1);
        if self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
            return Ok(());
        }
        let pace = Pace::below(self.limit.load(Ordering::Relaxed), TEN_SECONDS);
        wait_for_turn(&*self.store, &self.calls, pace).await
    }

    /// Takes what an answer says about the limits.
    pub(crate) async fn learn(&self, answer: &Answer, is_search: bool) {
        let told = answer.header("x-hubspot-ratelimit-max").and_then(|max| max.trim().parse::<u32>().ok());
        // Searches may tell of a limit of their own.
        if let Some(told) = told.filter(|_| !is_search && !self.is_set) {
            self.limit.store(told.clamp(LEAST_CALLS, MOST_CALLS), Ordering::Relaxed);
        }
        if answer.status == 429 {
            let key = if is_search { &self.searches } else { &self.calls };
            rest(&*self.store, key, patience(answer)).await;
        }
    }
}
