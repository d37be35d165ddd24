//! The decision: one pure function over a closed set of outcomes.
//!
//! No clock, no I/O. What it is told about the records was read just before, with the versions of their states;
//! what it decides is claimed against those versions before anything is written.

use jiff::Timestamp;
use model::{Direction, Fields, Fingerprint, Link, LinkStatus, RecordRef, RecordState, Side, Value};

use crate::fields::Meeting;
use crate::pair_map::PairContext;
use crate::plan::{FieldPlan, LinkChange, ParkReason, Plan, SkipReason, WriteBack};
use crate::ports::{Canonical, Record, Schema};
use crate::project::{is_blank, project, stored};

/// The source record, as it was found.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one per push; a box would only hide the survivor's link")]
pub enum SourceNow {
    /// It is there.
    Found(Record),
    /// Another record answers for its id. `linked` is the link of the survivor in this pair.
    MergedInto {
        /// The survivor.
        survivor: Record,
        /// Its link, if it has one of its own.
        linked: Option<Link>,
    },
    /// It is gone.
    Gone,
}

/// The target record, as it was found.
#[derive(Clone, Debug)]
pub enum TargetNow {
    /// The linked record.
    Linked(Record),
    /// The linked record is gone; `successor` is the one that carries the source's id now, where exactly one does.
    Gone {
        /// The record that took its place.
        successor: Option<Record>,
    },
    /// The linked record was merged into another one. `linked` is the link of the survivor in this pair.
    MergedInto {
        /// The survivor.
        survivor: Record,
        /// Its link, if it has one of its own.
        linked: Option<Link>,
    },
    /// Not linked; this record is meant, and it is linked to nobody.
    Matched(Record),
    /// Not linked; this record is meant, and it is linked to a record that is gone or was merged into the source.
    Inherited {
        /// The record.
        target: Record,
        /// Its link, which the source takes over.
        link: Link,
        /// Whether its bases hold: the old record was merged into the source and lives on in it.
        merged: bool,
    },
    /// Not linked, and several records could be meant.
    Ambiguous(Vec<RecordRef>),
    /// Not linked, and the record that is meant is linked to another living record.
    Taken {
        /// The record.
        candidate: RecordRef,
        /// Who has it.
        by: RecordRef,
    },
    /// Not linked, and nobody matches.
    Nobody,
}

/// The states of both records, read before the records.
#[derive(Clone, Debug, Default)]
pub struct States {
    /// Of the source record.
    pub source: RecordState,
    /// Of the target record.
    pub target: RecordState,
}

/// Everything a decision is made from.
#[derive(Debug)]
pub struct Situation<'a, S, T> {
    /// The pair, its maps and its settings.
    pub context: &'a PairContext,
    /// Which way the push goes.
    pub direction: Direction,
    /// The link of the source record in this pair.
    pub link: Option<&'a Link>,
    /// The source record.
    pub source: &'a SourceNow,
    /// The target record.
    pub target: &'a TargetNow,
    /// What is kept about both.
    pub states: &'a States,
    /// The time that maps are told.
    pub now: Timestamp,
    /// The source system's fields.
    pub source_schema: &'a S,
    /// The target system's fields.
    pub target_schema: &'a T,
}

/// Decides what to do about a notice.
pub fn decide<S: Schema, T: Schema>(situation: &Situation<'_, S, T>) -> Plan {
    match (situation.source, situation.link) {
        (SourceNow::Gone | SourceNow::MergedInto { .. }, None) => Plan::Skip(SkipReason::NeverLinked),
        (SourceNow::Gone, Some(link)) => source_gone(situation, link),
        (SourceNow::MergedInto { survivor, linked }, Some(link)) => {
            merged(situation, link, survivor, linked.as_ref())
        }
        (SourceNow::Found(source), None) => unlinked(situation, source),
        (SourceNow::Found(source), Some(link)) => linked(situation, link, source),
    }
}

fn source_gone<S: Schema, T: Schema>(situation: &Situation<'_, S, T>, link: &Link) -> Plan {
    let direction = situation.direction;
    if matches!(link.status, LinkStatus::Tombstone { .. }) {
        return Plan::Skip(SkipReason::Tombstone);
    }
    if !situation.context.operations(direction).delete {
        return Plan::Skip(SkipReason::SwitchedOff);
    }
    let gone = direction.source();
    match situation.target {
        TargetNow::Linked(target) => {
            let marks = marks(situation, direction.target(), target);
            if marks.is_empty() {
                Plan::Unlink { gone, park: None }
            } else {
                Plan::MarkDeleted { gone, marks }
            }
        }
        _ => Plan::Unlink { gone, park: None },
    }
}

/// The marks that the record of a side lacks.
fn marks<S: Schema, T: Schema>(situation: &Situation<'_, S, T>, side: Side, record: &Record) -> Fields {
    let on_target = side == situation.direction.target();
    let mut marks = Fields::default();
    for (field, value) in situation.context.spec.marks(side) {
        let wanted = Value::Text(value.to_owned());
        let canonical = if on_target {
            situation.target_schema.canonical(field, &wanted)
        } else {
            situation.source_schema.canonical(field, &wanted)
        };
        let Canonical::Value(wanted) = canonical else { continue };
        let here = if on_target {
            stored(record, field, situation.target_schema)
        } else {
            stored(record, field, situation.source_schema)
        };
        if here != wanted && !(is_blank(&here) && is_blank(&wanted)) {
            marks.insert(field.to_owned(), wanted);
        }
    }
    marks
}

fn merged<S: Schema, T: Schema>(
    situation: &Situation<'_, S, T>,
    link: &Link,
    survivor: &Record,
    survivors_link: Option<&Link>,
) -> Plan {
    let side = situation.direction.source();
    if matches!(link.status, LinkStatus::Tombstone { .. }) {
        return Plan::Skip(SkipReason::Tombstone);
    }
    if let Some(other) = survivors_link.filter(|other| other.id != link.id) {
        let target_side = situation.direction.target();
        let reason = ParkReason::MergedIntoLinked {
            survivor: survivor.reference.clone(),
            linked_to: other.record(target_side).clone(),
            left_over: link.record(target_side).clone(),
        };
        return Plan::Unlink { gone: side, park: Some(reason) };
    }
    let TargetNow::Linked(target) = situation.target else {
        return Plan::Unlink { gone: side, park: None };
    };
    let moved = LinkChange::Moved { side, to: survivor.reference.clone() };
    update(situation, Some(link), true, survivor, target, moved)
}

fn unlinked<S: Schema, T: Schema>(situation: &Situation<'_, S, T>, source: &Record) -> Plan {
    let operations = situation.context.operations(situation.direction);
    match situation.target {
        TargetNow::Ambiguous(candidates) => {
            Plan::Park(ParkReason::Ambiguous { candidates: candidates.clone() })
        }
        TargetNow::Taken { candidate, by } => {
            Plan::Park(ParkReason::Taken { candidate: candidate.clone(), by: by.clone() })
        }
        TargetNow::Inherited { .. } | TargetNow::Matched(_) if !operations.update => {
            Plan::Skip(SkipReason::SwitchedOff)
        }
        TargetNow::Inherited { target, link, merged } => {
            let (side, to) = (situation.direction.source(), source.reference.clone());
            let keep_bases = *merged && link.status == LinkStatus::Active;
            let change =
                if keep_bases { LinkChange::Moved { side, to } } else { LinkChange::Again { side, to } };
            update(situation, Some(link), keep_bases, source, target, change)
        }
        TargetNow::Matched(target) | TargetNow::Linked(target) => {
            update(situation, None, false, source, target, LinkChange::New)
        }
        TargetNow::Nobody | TargetNow::Gone { .. } | TargetNow::MergedInto { .. } => {
            if operations.create {
                create(situation, source)
            } else {
                Plan::Skip(SkipReason::SwitchedOff)
            }
        }
    }
}

fn create<S: Schema, T: Schema>(situation: &Situation<'_, S, T>, source: &Record) -> Plan {
    let map = situation.context.map(situation.direction);
    let projection = project(map, source, situation.target_schema, situation.now);
    let refused = situation.states.source.refused_creates.get(&situation.context.pair.to_string());
    if refused == Some(&projection.fingerprint()) {
        return Plan::Skip(SkipReason::RefusedBefore);
    }
    let mut fields = FieldPlan { edited_at: source.modified, ..FieldPlan::default() };
    for (name, projected) in &projection.fields {
        if !is_blank(&projected.value) {
            fields.writes.insert(name.clone(), projected.value.clone());
        }
        fields.settled.insert(name.clone(), projected.base.clone());
    }
    for (name, unfit) in &projection.unfit {
        fields.unfit.insert(name.clone(), (unfit.base.clone(), unfit.reason.clone()));
    }
    Plan::Create { fields }
}

fn linked<S: Schema, T: Schema>(situation: &Situation<'_, S, T>, link: &Link, source: &Record) -> Plan {
    let operations = situation.context.operations(situation.direction);
    let (source_side, target_side) = (situation.direction.source(), situation.direction.target());
    match (&link.status, situation.target) {
        // The record was restored: link it again.
        (LinkStatus::Tombstone { gone, .. }, TargetNow::Linked(target)) => {
            if *gone == target_side && is_marked(situation, source) {
                // The target is readable although it counts as gone, and nobody cleared the mark.
                return Plan::Skip(SkipReason::Tombstone);
            }
            if !operations.update {
                return Plan::Skip(SkipReason::SwitchedOff);
            }
            let again = LinkChange::Again { side: source_side, to: source.reference.clone() };
            update(situation, Some(link), false, source, target, again)
        }
        (LinkStatus::Tombstone { .. }, _) => Plan::Skip(SkipReason::Tombstone),
        (_, TargetNow::Linked(target)) => {
            let plan = update(situation, Some(link), true, source, target, LinkChange::None);
            match plan {
                Plan::Update { ref fields, ref write_back, .. }
                    if fields.is_empty() && write_back.is_none() && !fields.leftovers =>
                {
                    Plan::Skip(SkipReason::Unchanged)
                }
                Plan::Update { ref fields, .. } if !fields.writes.is_empty() && !operations.update => {
                    Plan::Skip(SkipReason::SwitchedOff)
                }
                other => other,
            }
        }
        (_, TargetNow::MergedInto { survivor, linked }) => match linked {
            Some(other) if other.id != link.id => Plan::Unlink {
                gone: target_side,
                park: Some(ParkReason::MergedIntoLinked {
                    survivor: survivor.reference.clone(),
                    linked_to: other.record(source_side).clone(),
                    left_over: source.reference.clone(),
                }),
            },
            _ => {
                let moved = LinkChange::Moved { side: target_side, to: survivor.reference.clone() };
                update(situation, Some(link), true, source, survivor, moved)
            }
        },
        // The CRM merged two records: the survivor keeps the remote one.
        (_, TargetNow::Gone { successor: Some(successor) }) => {
            let again = LinkChange::Again { side: target_side, to: successor.reference.clone() };
            update(situation, Some(link), false, source, successor, again)
        }
        _ => {
            if !situation.context.settings.operations(situation.direction.reverse()).delete {
                return Plan::Skip(SkipReason::SwitchedOff);
            }
            let marks = marks(situation, source_side, source);
            if marks.is_empty() {
                Plan::Unlink { gone: target_side, park: None }
            } else {
                Plan::MarkDeleted { gone: target_side, marks }
            }
        }
    }
}

/// Whether the source still carries the marks that say its partner is gone.
fn is_marked<S: Schema, T: Schema>(situation: &Situation<'_, S, T>, source: &Record) -> bool {
    marks(situation, situation.direction.source(), source).is_empty()
}

fn update<S: Schema, T: Schema>(
    situation: &Situation<'_, S, T>,
    link: Option<&Link>,
    keep_bases: bool,
    source: &Record,
    target: &Record,
    change: LinkChange,
) -> Plan {
    let meeting = Meeting::new(
        situation.context,
        situation.direction,
        situation.now,
        link,
        keep_bases,
        (source, &situation.states.source, situation.source_schema),
        (target, &situation.states.target, situation.target_schema),
    );
    let mut fields = meeting.plan();
    if let LinkChange::Again { .. } = change {
        remove_marks(situation, target, &mut fields);
    }
    let write_back = write_back_of(
        situation.context,
        situation.direction,
        link.filter(|_| keep_bases),
        source,
        &target.reference,
        situation.source_schema,
    );
    Plan::Update { fields, link: change, write_back }
}

/// A record that is linked again loses the marks of its deletion. The id mark is a field of the projection.
fn remove_marks<S: Schema, T: Schema>(
    situation: &Situation<'_, S, T>,
    target: &Record,
    fields: &mut FieldPlan,
) {
    let side = situation.direction.target();
    let id_field = situation.context.spec.id_field(side);
    for (field, marked) in situation.context.spec.marks(side) {
        if field == id_field || marked.is_empty() {
            continue;
        }
        let unmarked = situation.target_schema.canonical(field, &Value::Text("0".to_owned()));
        let Canonical::Value(unmarked) = unmarked else { continue };
        let here = stored(target, field, situation.target_schema);
        if here != unmarked && !is_blank(&here) {
            fields.writes.insert(field.to_owned(), unmarked);
        }
    }
}

/// The id that the source record must carry, unless it is settled that it does.
pub(crate) fn write_back_of<S: Schema>(
    context: &PairContext,
    direction: Direction,
    link: Option<&Link>,
    source: &Record,
    target: &RecordRef,
    source_schema: &S,
) -> Option<WriteBack> {
    let reverse = direction.reverse();
    let field = context.spec.id_field(direction.source());
    let Canonical::Value(wanted) = source_schema.canonical(field, &Value::Text(target.id.clone())) else {
        // The system has no field for the id: setup and doctor say so; the link table holds it all the same.
        return None;
    };
    let fingerprint = Fingerprint::of(&wanted);
    let refused = link.is_some_and(|l| {
        let rule = context.map(reverse).rule(field);
        rule.is_some_and(|rule| l.refusal(reverse, field, &fingerprint, &rule.definition).is_some())
    });
    if refused {
        return None;
    }
    let settled =
        link.and_then(|l| l.bases.of(reverse).get(field)).is_some_and(|base| base.value == fingerprint);
    let already_there = stored(source, field, source_schema) == wanted;
    // A settled id that somebody has overwritten is put right again: the ids are the bridge's own.
    if settled && already_there {
        return None;
    }
    Some(WriteBack { field, value: target.id.clone(), already_there })
}
