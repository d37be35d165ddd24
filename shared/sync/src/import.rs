//! Import: an existing stock of records is brought in step, through the same decisions as pushes.
//!
//! Page by page, each record of a stock is pushed as if its system had just told of it; leases, claims, settlements and
//! history are those of any push, so live functions may be at work beside it. What makes it quick is the shelf: what
//! a page of pushes would read and search one by one is read in a few calls. The place in the stock is kept in the
//! table, and moves when a page is done: an import that was killed goes on there, and repeats at most a page, which
//! its decisions make harmless.

mod lane;
mod prefetch;
mod pretend;
mod preview;
mod progress;
mod shelf;
mod stock;
mod walk;

use std::time::Duration;

use model::RecordRef;

use crate::error::StoreError;
use crate::route::Candidate;

pub use lane::Told;
pub use preview::{Difference, FieldDifference, Foreseen, preview};
pub use progress::{ImportKey, ImportLeased, ImportStore, Progress, Scope, Tally};
pub use stock::{FoundMany, Stock, StockPage, Stocked};
pub use walk::import;

/// How an import goes about it.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// Unique: receipts begin with it.
    pub run: String,
    /// Which records.
    pub scope: Scope,
    /// Begins anew, whatever an earlier run has left.
    pub restart: bool,
    /// Ends after so many records.
    pub limit: Option<u64>,
    /// How long a system may be away before the import ends.
    pub patience: Duration,
    /// How long the lease of the import holds.
    pub lease: Duration,
    /// The pairs that share the object of the other system: records of another one of these are passed over. None where
    /// only one has it.
    pub candidates: Vec<Candidate>,
}

impl ImportOptions {
    /// How long a system may be away before the import ends. Default 5 minutes.
    pub const PATIENCE: Duration = Duration::from_secs(300);
    /// How long an import's lease holds after its last sign of life. Default 30 seconds.
    pub const LEASE: Duration = Duration::from_secs(30);

    /// An import of the whole stock with the defaults.
    pub fn new(run: impl Into<String>) -> Self {
        Self {
            run: run.into(),
            scope: Scope::Stock,
            restart: false,
            limit: None,
            patience: Self::PATIENCE,
            lease: Self::LEASE,
            candidates: Vec::new(),
        }
    }
}

/// What an import tells while it runs.
#[derive(Debug)]
pub enum ImportEvent<'a> {
    /// It goes on where an earlier run has ended.
    Resumed(&'a Progress),
    /// A page was read.
    Page {
        /// Records in it.
        records: u64,
        /// Of these, the ones that nobody is told of.
        passed_over: u64,
        /// Records from this page on, this page included, where the system tells.
        left: Option<u64>,
    },
    /// A record is done.
    Done {
        /// Which one.
        source: &'a RecordRef,
        /// What became of it.
        told: &'a Told,
    },
    /// A preview has found a record that would be written.
    Difference(&'a Difference),
    /// Something must wait: a system is away, or asks for patience.
    Waits {
        /// A short code.
        reason: &'static str,
        /// What was seen, without personal data.
        detail: &'a str,
    },
    /// Several records could not be read in one call; they are read one by one.
    Unfetched {
        /// What was seen, without personal data.
        detail: &'a str,
    },
}

/// Who looks on.
pub trait ImportWatch: Sync {
    /// Hears what happens.
    fn told(&self, event: &ImportEvent<'_>);

    /// Whether the import should end: the records under way are finished, no others are begun.
    fn stops(&self) -> bool;
}

/// Why an import has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// There is nothing left.
    Complete,
    /// The number of records that was asked for is done.
    Limit,
    /// It was asked to end.
    Interrupted,
    /// Somebody else has taken the lease: this process was asleep for too long.
    LeaseLost,
    /// A system was away for too long.
    Away {
        /// What was seen, without personal data.
        detail: String,
    },
    /// An administrator must act.
    Stopped {
        /// A short code.
        reason: &'static str,
        /// What is wrong and what to do.
        detail: String,
    },
}

/// What an import has done.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Why it has ended.
    pub ended: Ended,
    /// What became of the records in this run.
    pub tally: Tally,
    /// What became of the records of all pages that are done, those of earlier runs included.
    pub in_all: Tally,
}

/// Why an import does not begin.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Somebody else is at it.
    #[error("this import is under way elsewhere, or was killed a moment ago: its lease ends at {until}")]
    Busy {
        /// When his lease ends, unless he takes it again.
        until: jiff::Timestamp,
    },
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}
