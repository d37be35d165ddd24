//! Plans: the closed set of what can come out of a decision.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{FieldBase, Fields, Lost, RecordRef, Side};

/// Why nothing is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// Every projection equals its base: an echo, a repeat, or a change that no map reads.
    Unchanged,
    /// The switch of this operation is off.
    SwitchedOff,
    /// A delete of a record that was never linked.
    NeverLinked,
    /// The other side's record is gone: an edit must not bring it back.
    Tombstone,
    /// The target refused exactly this before.
    RefusedBefore,
    /// The record is nobody yet: a visitor without a name or an address.
    Anonymous,
    /// The coreBOS record does not say that it is to be kept in step with this system.
    NotOptedIn,
    /// The system takes no record without its parent, and that is not linked yet.
    AwaitsParent,
}

impl SkipReason {
    /// The short code for logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::SwitchedOff => "switched_off",
            Self::NeverLinked => "never_linked",
            Self::Tombstone => "tombstone",
            Self::RefusedBefore => "refused_before",
            Self::Anonymous => "anonymous",
            Self::NotOptedIn => "not_opted_in",
            Self::AwaitsParent => "awaits_parent",
        }
    }
}

/// Why a change is parked.
#[derive(Clone, Debug, PartialEq)]
pub enum ParkReason {
    /// Several records could be meant.
    Ambiguous {
        /// All of them.
        candidates: Vec<RecordRef>,
    },
    /// The only candidate is linked to another living record.
    Taken {
        /// The candidate.
        candidate: RecordRef,
        /// The record that it is linked to.
        by: RecordRef,
    },
    /// The record was merged into one that is linked already: two records stand for one.
    MergedIntoLinked {
        /// The survivor.
        survivor: RecordRef,
        /// The record on this push's target side that the survivor is linked to.
        linked_to: RecordRef,
        /// The record that the merged one was linked to.
        left_over: RecordRef,
    },
}

/// What is written to a target record and settled afterwards.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldPlan {
    /// Target field to canonical value. Empty: only bases are settled.
    pub writes: Fields,
    /// The projections that the forward base takes, written and already there.
    pub settled: BTreeMap<String, FieldBase>,
    /// The projections of reverse fields that already agree on both sides.
    pub settled_reverse: BTreeMap<String, FieldBase>,
    /// Fields of the other direction that are pending and stay so.
    pub pending: Vec<String>,
    /// Something is left for the other direction to carry: a loser or a pending field.
    pub leftovers: bool,
    /// Target fields whose own edit, pending until now, loses to what is written.
    pub overruled: Vec<String>,
    /// Values that do not survive.
    pub lost: Vec<Lost>,
    /// Values that the target cannot hold, by field, with the reason; new ones only.
    pub unfit: BTreeMap<String, (FieldBase, String)>,
    /// Something would have been written if the direction were not switched off.
    pub switched_off: bool,
    /// The time of the edit that the write carries.
    pub edited_at: Option<Timestamp>,
}

impl FieldPlan {
    /// Takes out what would be written: the direction is switched off. What agrees already is settled all the same,
    /// and what is pending on the other side has not lost and travels.
    pub(crate) fn leave_unwritten(&mut self) {
        let writes = std::mem::take(&mut self.writes);
        self.switched_off = !writes.is_empty();
        self.settled.retain(|field, _| !writes.contains(field));
        self.lost.clear();
        self.unfit.clear();
    }

    /// Whether there is nothing to write and nothing to settle.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
            && self.settled.is_empty()
            && self.settled_reverse.is_empty()
            && self.lost.is_empty()
            && self.unfit.is_empty()
    }
}

/// The id that the source record must carry.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteBack {
    /// The field of the source system.
    pub field: &'static str,
    /// The id, or blank.
    pub value: String,
    /// Whether the source already holds it: settled, not written.
    pub already_there: bool,
    /// What is written with it, if it is written.
    pub along: Fields,
}

/// How the link changes besides its bases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkChange {
    /// It stays as it is.
    None,
    /// Two records meet for the first time.
    New,
    /// The record of a side is another one now; bases are kept.
    Moved {
        /// Which side.
        side: Side,
        /// The record that stands there now.
        to: RecordRef,
    },
    /// The record of a side is another one, or is back: linked again without base.
    Again {
        /// Which side.
        side: Side,
        /// The record that stands there now.
        to: RecordRef,
    },
}

/// What to do about a notice.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// Nothing.
    Skip(SkipReason),
    /// Create the record on the target side.
    Create {
        /// What to write.
        fields: FieldPlan,
    },
    /// Write fields of the target record, or only settle.
    Update {
        /// What to write.
        fields: FieldPlan,
        /// How the link changes.
        link: LinkChange,
        /// The id for the source record.
        write_back: Option<WriteBack>,
    },
    /// The record of side `gone` is gone: mark the other one, keep a tombstone.
    MarkDeleted {
        /// Whose record is gone.
        gone: Side,
        /// What the surviving record is marked with.
        marks: Fields,
        /// What an administrator should know.
        park: Option<ParkReason>,
    },
    /// The coreBOS record is gone: the other one goes into its system's recycle bin; keep a tombstone.
    Archive,
    /// The coreBOS record says that it is not to be kept in step for now: the link keeps its bases and rests.
    Pause,
    /// An administrator wants a deleted record back: the link with the tombstone is given up, and all begins anew.
    Forget,
    /// Keep a tombstone and write nothing.
    Unlink {
        /// Whose record is gone.
        gone: Side,
        /// What an administrator should know.
        park: Option<ParkReason>,
    },
    /// Take it out of the flow.
    Park(ParkReason),
}
