//! How far an import has come, kept in the table, and who is at it.

use std::collections::BTreeMap;
use std::future::Future;

use jiff::Timestamp;
use model::{Direction, Pair};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;

/// Which records an import goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// All of them.
    Stock,
    /// The linked ones that have a field whose definition in the map was edited since it was settled.
    EditedMaps,
}

/// Which import: one per pair, direction and scope.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImportKey {
    /// The pair.
    pub pair: Pair,
    /// Which way.
    pub direction: Direction,
    /// Which records.
    pub scope: Scope,
}

/// How many records had each outcome: `created`, `parked/ambiguous`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tally(pub BTreeMap<String, u64>);

impl Tally {
    /// Counts one more. The reason is counted apart where there is one.
    pub fn count(&mut self, outcome: &str, reason: &str) {
        let key = if reason.is_empty() { outcome.to_owned() } else { format!("{outcome}/{reason}") };
        *self.0.entry(key).or_default() += 1;
    }

    /// How many records had this outcome, for whatever reason.
    pub fn of(&self, outcome: &str) -> u64 {
        let same = |key: &str| key.split('/').next() == Some(outcome);
        self.0.iter().filter(|(key, _)| same(key)).map(|(_, count)| count).sum()
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        for (key, count) in &other.0 {
            *self.0.entry(key.clone()).or_default() += count;
        }
    }
}

/// How far an import has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The id of the last record that is done; nothing at the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// When it was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<Timestamp>,
    /// What became of the records so far.
    #[serde(default)]
    pub tally: Tally,
}

/// What became of an attempt to take the lease of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportLeased {
    /// It is ours.
    Yes(Progress),
    /// Somebody else is at it, or has died and his lease has not ended.
    Held {
        /// When his lease ends, unless he takes it again.
        until: Timestamp,
    },
}

/// The progress of imports, in the table.
pub trait ImportStore: Send + Sync {
    /// Takes the lease of an import and gives how far it has come; a new one where there is none.
    fn lease_import(
        &self,
        key: &ImportKey,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<ImportLeased, StoreError>> + Send;

    /// Stores how far an import has come and takes its lease again, if it is still the holder's; whether it was.
    fn move_import(
        &self,
        key: &ImportKey,
        holder: &str,
        progress: &Progress,
        until: Timestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Gives the lease back, if it is still the holder's, and stores how far the import has come; nothing when it has
    /// come to its end: the next one begins anew.
    fn release_import(
        &self,
        key: &ImportKey,
        holder: &str,
        progress: Option<&Progress>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_counted_by_reason_and_added_up_without() {
        let mut tally = Tally::default();
        tally.count("created", "");
        tally.count("parked", "ambiguous");
        tally.count("parked", "candidate_taken");
        assert_eq!((tally.of("parked"), tally.of("created"), tally.of("park"), tally.total()), (2, 1, 0, 3));
        tally.add(&tally.clone());
        assert_eq!(tally.0["parked/ambiguous"], 2);
    }
}
