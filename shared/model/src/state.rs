//! What is kept about one record across all its links: the lease, the intent, the times of our own writes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Direction, FieldBase, Fingerprint, LinkId, Pair};

/// The state of a record. A record that has none stored is version 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordState {
    /// Raised by every change; claims are conditional on it.
    pub version: u64,
    /// Who is about to write the record, and what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// By field: the modified time that our last write produced, and the edit that it stands for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub own_writes: BTreeMap<String, OwnWrite>,
    /// Per pair: the fingerprint of the whole projection whose creation on the other side was refused.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refused_creates: BTreeMap<String, Fingerprint>,
}

/// A claim on a record that is about to be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Who holds it: unique per attempt.
    pub holder: String,
    /// Until when; longer than the function can run. An older one belongs to a worker that died.
    pub until: Timestamp,
    /// What the holder is about to do.
    pub intent: Intent,
}

/// What a worker is about to do to the leased record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Intent {
    /// Write fields of this record, the target of a link.
    Write {
        /// Which link.
        link: LinkId,
        /// Which way the change travels.
        direction: Direction,
        /// The fields about to be written, by target field.
        fields: BTreeMap<String, IntentField>,
        /// Fields of the other direction that were pending before the write and did not lose.
        pending: Vec<String>,
        /// The time of the edit that this write carries.
        edited_at: Option<Timestamp>,
    },
    /// Create the other side of this record, which is the source.
    Create {
        /// In which pair.
        pair: Pair,
        /// Which way.
        direction: Direction,
        /// The projections that are settled when the record is found created, by target field.
        fields: BTreeMap<String, FieldBase>,
        /// What the reverse map makes of the record if the target stores it as it was sent, by source field.
        answers: BTreeMap<String, FieldBase>,
    },
}

/// A field about to be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentField {
    /// The projection that is settled when the write is found done.
    pub projection: FieldBase,
    /// What the target held before.
    pub before: Fingerprint,
}

/// A write of ours to a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnWrite {
    /// The record's modified time that the write produced.
    pub produced: Timestamp,
    /// The time of the edit that it carried.
    pub stands_for: Timestamp,
}

impl RecordState {
    /// When the field's value came about: the carried edit's time where the record's last change is our own
    /// write of that field, else the record's modified time.
    pub fn edited_at(&self, field: &str, modified: Option<Timestamp>) -> Option<Timestamp> {
        match (self.own_writes.get(field), modified) {
            (Some(own), Some(modified)) if own.produced >= modified => Some(own.stands_for),
            _ => modified,
        }
    }
}
