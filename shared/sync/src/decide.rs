//! The decision: one pure function over a closed set of outcomes.
//!
//! No clock, no I/O. What it is told about the records was read just before, with the versions of their states;
//! what it decides is claimed against those versions before anything is written.

use jiff::Timestamp;
use model::{Direction, Fingerprint, Link, LinkStatus, RecordRef, RecordState, Side, Value};

use crate::fields::Meeting;
use crate::gate;
use crate::marks::{bereaved, lacks_parent, marks, remove_marks, riding_along, superseded};
use crate::pair_map::PairContext;
use crate::pairs::PairSpec;
use crate::plan::{FieldPlan, LinkChange, ParkReason, Plan, SkipReason, WriteBack};
use crate::ports::{Canonical, Record, Schema};
use crate::project::{is_blank, project, stored};
use crate::sabotage::{Break, broken};
use crate::succession::opt_in_along;

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
    if let Some(plan) = gate::closed(situation) {
        return plan;
    }
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
    match situation.target {
        TargetNow::Linked(target) => bereaved(situation, direction.source(), target, None),
        _ => Plan::Unlink { gone: direction.source(), park: None },
    }
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
        let left = match situation.target {
            TargetNow::Linked(target) => Some(target),
            _ => None,
        };
        return superseded(situation, side, left, reason);
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

/// Whether a record of the other system is nobody yet. The first edit that names it is told.
fn is_anonymous(spec: &PairSpec, side: Side, source: &Record) -> bool {
    let known_by = spec.identified_by.filter(|_| side == Side::Remote);
    known_by.and_then(|field| source.fields.get(field)).is_some_and(is_blank)
}

fn create<S: Schema, T: Schema>(situation: &Situation<'_, S, T>, source: &Record) -> Plan {
    if is_anonymous(situation.context.spec, situation.direction.source(), source) {
        return Plan::Skip(SkipReason::Anonymous);
    }
    let map = situation.context.map(situation.direction);
    let projection = project(map, source, situation.target_schema, situation.now);
    if lacks_parent(situation, source, &projection) {
        return Plan::Skip(SkipReason::AwaitsParent);
    }
    let refused = situation.states.source.refused_creates.get(&situation.context.pair.to_string());
    if refused == Some(&projection.fingerprint(map)) {
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
        (LinkStatus::Tombstone { gone, .. }, TargetNow::Linked(target)) if !broken(Break::IgnoreRestores) => {
            if *gone == target_side && is_marked(situation, source) {
                // The target is readable although it counts as gone, and nobody cleared the mark.
                return Plan::Skip(SkipReason::Tombstone);
            }
            if !operations.update {
                return Plan::Skip(SkipReason::SwitchedOff);
            }
            let again = LinkChange::Again { side: source_side, to: source.reference.clone() };
            update(situation, Some(link), broken(Break::KeepBasesOfTheDead), source, target, again)
        }
        (LinkStatus::Tombstone { .. }, _) if broken(Break::IgnoreTombstones) => create(situation, source),
        // The gate is open: an administrator has opened what the bridge had closed, or the record itself is back, and
        // nobody can take its partner out of the recycle bin.
        (LinkStatus::Tombstone { .. }, _)
            if target_side == Side::Remote
                && situation.context.spec.gate.is_some()
                && !broken(Break::IgnoreClearedMarks) =>
        {
            if operations.create {
                Plan::Forget
            } else {
                Plan::Skip(SkipReason::SwitchedOff)
            }
        }
        (LinkStatus::Tombstone { gone, .. }, TargetNow::Gone { successor: None }) => {
            still_gone(situation, link, *gone, source)
        }
        (LinkStatus::Tombstone { .. }, _) => Plan::Skip(SkipReason::Tombstone),
        (_, TargetNow::Linked(target)) => {
            let plan = update(situation, Some(link), true, source, target, LinkChange::None);
            match plan {
                Plan::Update { ref fields, ref write_back, .. }
                    if fields.is_empty() && write_back.is_none() && !fields.leftovers && !link.paused =>
                {
                    let off = fields.switched_off;
                    Plan::Skip(if off { SkipReason::SwitchedOff } else { SkipReason::Unchanged })
                }
                other => other,
            }
        }
        (_, TargetNow::MergedInto { survivor, linked }) => match linked {
            Some(other) if other.id != link.id => {
                let reason = ParkReason::MergedIntoLinked {
                    survivor: survivor.reference.clone(),
                    linked_to: other.record(source_side).clone(),
                    left_over: source.reference.clone(),
                };
                superseded(situation, target_side, Some(source), reason)
            }
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
            bereaved(situation, target_side, source, None)
        }
    }
}

/// What becomes of a record that is there, while its partner is gone and stays so. `gone` is what the tombstone says.
fn still_gone<S: Schema, T: Schema>(
    situation: &Situation<'_, S, T>,
    link: &Link,
    gone: Side,
    source: &Record,
) -> Plan {
    let (direction, spec) = (situation.direction, situation.context.spec);
    if spec.gate.is_some() || is_marked(situation, source) {
        return Plan::Skip(SkipReason::Tombstone);
    }
    let names_it = {
        let named = source.fields.text(spec.id_field(direction.source())).unwrap_or_default().trim();
        named == link.record(direction.target()).id
    };
    // The box is clear and the id still blank: an administrator wants the record back.
    if gone == Side::Remote && direction.target() == gone && !names_it {
        let wanted = situation.context.operations(direction).create && !broken(Break::IgnoreClearedMarks);
        return if wanted { Plan::Forget } else { Plan::Skip(SkipReason::Tombstone) };
    }
    // Both were gone, so that there was nobody to mark, and this one came back.
    let carried = situation.context.settings.operations(direction.reverse()).delete;
    if names_it && carried && !broken(Break::LeaveTheReturnedUnmarked) {
        return bereaved(situation, direction.target(), source, None);
    }
    Plan::Skip(SkipReason::Tombstone)
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
        target,
        (situation.source_schema, situation.now),
    );
    Plan::Update { fields, link: change, write_back }
}

/// The id that the source record must carry, unless it is settled that it does.
pub(crate) fn write_back_of<S: Schema>(
    context: &PairContext,
    direction: Direction,
    link: Option<&Link>,
    source: &Record,
    target: &Record,
    (source_schema, now): (&S, Timestamp),
) -> Option<WriteBack> {
    let reverse = direction.reverse();
    let id = &target.reference.id;
    let field = context.spec.id_field(direction.source());
    let Canonical::Value(wanted) = source_schema.canonical(field, &Value::Text(id.clone())) else {
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
    if broken(Break::WriteNoIdBack) {
        return None;
    }
    let settled =
        link.and_then(|l| l.bases.of(reverse).get(field)).is_some_and(|base| base.value == fingerprint);
    let already_there = stored(source, field, source_schema) == wanted;
    // A settled id that somebody has overwritten is put right again: the ids are the bridge's own.
    let mut along = opt_in_along(context.spec, direction, source, source_schema);
    let already_there = already_there && along.is_empty();
    if settled && already_there {
        return None;
    }
    let riding = riding_along(context, reverse, target, source_schema, now);
    along.extend(riding.iter().map(|(name, value)| (name.to_owned(), value.clone())));
    Some(WriteBack { field, value: id.clone(), already_there, along })
}
