//! Links: two records that are the same thing in two systems, with the base of their last sync.
//!
//! A link is not an association: an association joins a contact and a company inside one system.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Direction, Fingerprint, Pair, RecordRef, Side};

/// The id of a link: text, made once, never reused.
pub type LinkId = String;

/// What one field projected to when it was last settled, and by which definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldBase {
    /// The projection.
    #[serde(rename = "v")]
    pub value: Fingerprint,
    /// The compiled definition that made it. An edited map takes the base away from the fields it changed.
    #[serde(rename = "d")]
    pub definition: Fingerprint,
}

/// The bases of one direction, by target field.
pub type DirectionBases = BTreeMap<String, FieldBase>;

/// The bases of both directions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bases {
    /// By coreBOS field.
    #[serde(default)]
    pub to_hub: DirectionBases,
    /// By field of the remote system.
    #[serde(default)]
    pub to_remote: DirectionBases,
}

impl Bases {
    /// The bases of a direction.
    pub fn of(&self, direction: Direction) -> &DirectionBases {
        match direction {
            Direction::ToHub => &self.to_hub,
            Direction::ToRemote => &self.to_remote,
        }
    }

    /// The bases of a direction, to change.
    pub fn of_mut(&mut self, direction: Direction) -> &mut DirectionBases {
        match direction {
            Direction::ToHub => &mut self.to_hub,
            Direction::ToRemote => &mut self.to_remote,
        }
    }
}

/// A value that a system refused. It does not count as changed until its projection or definition differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What was refused.
    pub value: Fingerprint,
    /// The definition that made it.
    pub definition: Fingerprint,
    /// Towards which side.
    pub direction: Direction,
    /// The field there.
    pub field: String,
}

/// Whether a link is alive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum LinkStatus {
    /// Both records are kept in step.
    Active,
    /// The record of a side is gone. The other side's next edit must not bring it back.
    Tombstone {
        /// The side whose record is gone.
        gone: Side,
        /// When the bridge found out.
        since: Timestamp,
    },
    /// The breaker lets it rest: it was written more often than the set rate.
    Broken {
        /// Since when.
        since: Timestamp,
    },
}

/// How often a link was written lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// Start of the window that is counted.
    pub since: Timestamp,
    /// Writes in it.
    pub writes: u32,
}

/// Two records that are the same thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its id.
    pub id: LinkId,
    /// Raised by every settle, which is conditional on it. 0 is a link that is not stored yet.
    pub version: u64,
    /// The pair that it belongs to.
    pub pair: Pair,
    /// The coreBOS record.
    pub hub: RecordRef,
    /// The other record.
    pub remote: RecordRef,
    /// Whether it is alive.
    pub status: LinkStatus,
    /// What both sides projected to at the last settled moment.
    #[serde(default)]
    pub bases: Bases,
    /// What was refused and not changed since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refusal>,
    /// The circuit breaker's counter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Breaker>,
    /// The coreBOS record says that it is not to be kept in step for now: bases stay, and nothing is carried, a delete
    /// neither.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
}

impl Link {
    /// The record on a side.
    pub fn record(&self, side: Side) -> &RecordRef {
        match side {
            Side::Hub => &self.hub,
            Side::Remote => &self.remote,
        }
    }

    /// The record on the other side than `record`'s, which may be an alias of the one that is linked.
    pub fn partner_of(&self, record: &RecordRef) -> &RecordRef {
        if self.hub.system == record.system { &self.remote } else { &self.hub }
    }

    /// The refusal of this value of this field, if the system refused exactly this.
    pub fn refusal(
        &self,
        direction: Direction,
        field: &str,
        value: &Fingerprint,
        definition: &Fingerprint,
    ) -> Option<&Refusal> {
        self.refused.iter().find(|r| {
            r.direction == direction && r.field == field && r.value == *value && r.definition == *definition
        })
    }
}
