//! History entries and parked changes: what lets an administrator see why.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Direction, Notice, Pair, Side, Value};

/// One settled decision on a link. Kept with the link, in the encrypted table, for a limited time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// When it was settled.
    pub at: Timestamp,
    /// The receipt of the notice that led to it.
    pub receipt: String,
    /// Which way the change travelled.
    pub direction: Direction,
    /// What was done: `created`, `updated`, `settled`, `marked_deleted`, `relinked`, `recovered`, ...
    pub outcome: String,
    /// The target fields that were written. Names only: the values are in the systems.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// The target fields that the target refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<String>,
    /// When the bridge took the notice that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
    /// Values that lost a conflict or were overwritten, by field, so that nothing vanishes without a trace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<Lost>,
}

/// A value that did not survive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lost {
    /// The side that held it.
    pub side: Side,
    /// The target field of the push that decided.
    pub field: String,
    /// The value.
    pub value: Value,
    /// Why the other one won: `master`, `newest`, `setting`, `first_link`, `not_a_partner`.
    pub reason: String,
}

/// A change taken out of the flow, with the reason and the fix, without blocking the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParkedChange {
    /// The pair.
    pub pair: Pair,
    /// What was being pushed. Redriving sends it again.
    pub notice: Notice,
    /// When it was parked.
    pub at: Timestamp,
    /// A short code: `refused`, `ambiguous`, `brake`, `breaker`, `unfit_value`, ...
    pub reason: String,
    /// What happened, in the system's own words, and what to do about it.
    pub message: String,
    /// The fields it concerns, with the words about each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}
