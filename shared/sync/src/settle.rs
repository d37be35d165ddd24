//! Settlements: what becomes true in the table after a write, and only that.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{
    Bases, Direction, FieldBase, Fingerprint, Intent, Link, OwnWrite, RecordState, Refusal, Side, Value,
};

use crate::pair_map::PairContext;
use crate::plan::{FieldPlan, LinkChange};
use crate::ports::{Canonical, Record, Schema};
use crate::project::project;
use crate::sabotage::{Break, broken};

/// What was really written, as the intent said and the target's answer confirms.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    /// Forward base of the fields that are settled: written, or already there.
    pub(crate) settled: BTreeMap<String, FieldBase>,
    /// Target fields that were really written.
    pub(crate) fields: Vec<String>,
    /// Reverse fields that were pending before the write and did not lose.
    pub(crate) pending: Vec<String>,
    /// The target record is new, made of the source record. What the reverse map gives everybody is for records that
    /// come from there: the source record, which was here first, does without.
    pub(crate) created: bool,
}

/// Settles the bases of a link after a write (rule 5).
///
/// Forward: every field that was dealt with takes its projection. Reverse: only the partners of fields that were
/// written, and of these only the ones that were not pending or lost; they take what the reverse map makes of the
/// target's answer. Everything else stays as it was.
pub(crate) fn settle_bases<S: Schema>(
    context: &PairContext,
    direction: Direction,
    bases: &mut Bases,
    written: &Written,
    answer: &Record,
    source_schema: &S,
    now: Timestamp,
) {
    bases.of_mut(direction).extend(written.settled.clone());
    let reverse = direction.reverse();
    let answered = project(context.map(reverse), answer, source_schema, now);
    let id_field = context.spec.id_field(direction.source());
    for (y, projected) in &answered.fields {
        let reads = |x: &String| context.map(reverse).rule(y).is_some_and(|rule| rule.sources.contains(x));
        let constant = || context.map(reverse).rule(y).is_some_and(|rule| rule.constant);
        let partner = written.fields.iter().any(|x| context.are_partners(direction, x, y))
            || (broken(Break::SettleReadersReverse) && written.fields.iter().any(reads))
            || broken(Break::SettleAllReverse);
        if (partner || (written.created && constant())) && y != id_field && !written.pending.contains(y) {
            bases.of_mut(reverse).insert(y.clone(), projected.base.clone());
        }
    }
}

/// What the intent of a write says was written, given what the target holds now.
///
/// A field that holds the intended projection was written; one that holds the value from before was not; another
/// value is our write recoded by the target when the record's last writer is our own user, else a later edit.
pub(crate) fn written_of_intent<T: Schema>(
    intent: &Intent,
    target: &Record,
    target_schema: &T,
) -> Option<Written> {
    let Intent::Write { fields, pending, .. } = intent else { return None };
    let mut written =
        Written { settled: BTreeMap::new(), fields: Vec::new(), pending: pending.clone(), created: false };
    for (name, field) in fields {
        let now = Fingerprint::of(&crate::project::stored(target, name, target_schema));
        let ours = now == field.projection.value
            || (now != field.before
                && target.last_writer == crate::ports::Writer::Us
                && !broken(Break::TakeRecodedForAnEdit));
        if ours {
            written.settled.insert(name.clone(), field.projection.clone());
            written.fields.push(name.clone());
        }
    }
    Some(written)
}

/// The times of our own writes, kept per field of the record that was written.
pub(crate) fn remember_own_writes(
    state: &mut RecordState,
    fields: &[String],
    answer: &Record,
    edited_at: Option<Timestamp>,
) {
    let (Some(produced), Some(stands_for)) = (answer.modified, edited_at) else { return };
    // Only the latest write's time can still be the record's modified time.
    state.own_writes.retain(|_, own| own.produced >= produced);
    for field in fields {
        state.own_writes.insert(field.clone(), OwnWrite { produced, stands_for });
    }
}

/// Remembers refusals and forgets those whose field was settled or refused anew.
pub(crate) fn remember_refusals(
    link: &mut Link,
    direction: Direction,
    refused: &BTreeMap<String, FieldBase>,
) {
    if broken(Break::ForgetRefusals) {
        return;
    }
    for (field, base) in refused {
        link.refused.retain(|r| !(r.direction == direction && r.field == *field));
        link.refused.push(Refusal {
            value: base.value.clone(),
            definition: base.definition.clone(),
            direction,
            field: field.clone(),
        });
    }
}

/// Forgets the refusals of fields that are settled now.
pub(crate) fn forget_refusals(link: &mut Link, direction: Direction, settled: &BTreeMap<String, FieldBase>) {
    link.refused.retain(|r| !(r.direction == direction && settled.contains_key(&r.field)));
}

/// The link as a plan changes it, before its bases are settled.
pub(crate) fn changed_link(context: &PairContext, link: &Link, change: &LinkChange) -> Link {
    // A record that comes of one in another pair takes its link over into its own.
    let mut changed = Link { pair: context.pair.clone(), ..link.clone() };
    match change {
        LinkChange::None | LinkChange::New => {}
        LinkChange::Moved { side, to } => {
            match side {
                Side::Hub => changed.hub = to.clone(),
                Side::Remote => changed.remote = to.clone(),
            }
            for direction in [Direction::ToHub, Direction::ToRemote] {
                let forgets = |field: &str| {
                    context.map(direction).rule(field).is_some_and(|rule| rule.forgets_at_merge)
                };
                changed.bases.of_mut(direction).retain(|field, _| !forgets(field));
            }
        }
        LinkChange::Again { side, to } => {
            match side {
                Side::Hub => changed.hub = to.clone(),
                Side::Remote => changed.remote = to.clone(),
            }
            changed.status = model::LinkStatus::Active;
            if !broken(Break::KeepBasesOfTheDead) {
                changed.bases = Bases::default();
            }
            changed.refused.clear();
        }
    }
    changed
}

/// The base of an id field.
pub(crate) fn id_base<S: Schema>(
    context: &PairContext,
    direction: Direction,
    id: &str,
    schema: &S,
) -> Option<(String, FieldBase)> {
    let field = context.spec.id_field(direction.target());
    let Canonical::Value(value) = schema.canonical(field, &Value::Text(id.to_owned())) else { return None };
    let definition = context.map(direction).rule(field)?.definition.clone();
    Some((field.to_owned(), FieldBase { value: Fingerprint::of(&value), definition }))
}

/// What of a plan counts as settled without a write, besides the fields that are written.
pub(crate) fn settled_without_write(plan: &FieldPlan) -> BTreeMap<String, FieldBase> {
    plan.settled
        .iter()
        .filter(|(x, _)| plan.writes.get(x).is_none())
        .map(|(x, b)| (x.clone(), b.clone()))
        .collect()
}
