//! Marks of deletes, and what else is written on the bridge's own account besides the projection. Pure.

use jiff::Timestamp;
use model::{Direction, Fields, Side, Value};

use crate::decide::Situation;
use crate::pair_map::PairContext;
use crate::pairs::{HubGone, Marked};
use crate::plan::{FieldPlan, ParkReason, Plan};
use crate::ports::{Canonical, Record, Schema};
use crate::project::{Projection, is_blank, project, stored, time_text};

/// What becomes of a record whose partner, on side `gone`, is gone.
pub(crate) fn bereaved<S: Schema, T: Schema>(
    situation: &Situation<'_, S, T>,
    gone: Side,
    left: &Record,
    park: Option<ParkReason>,
) -> Plan {
    if gone == Side::Hub && situation.context.spec.hub_gone == HubGone::RemoteIsArchived {
        return Plan::Archive;
    }
    let marks = marks(situation, gone.other(), left);
    if marks.is_empty() { Plan::Unlink { gone, park } } else { Plan::MarkDeleted { gone, marks, park } }
}

/// What becomes of a record whose partner was merged into one that another record stands for.
pub(crate) fn superseded<S: Schema, T: Schema>(
    situation: &Situation<'_, S, T>,
    gone: Side,
    left: Option<&Record>,
    reason: ParkReason,
) -> Plan {
    match left {
        // Only records that open a gate of their own would otherwise be taken up again.
        Some(left) if gone == Side::Remote && situation.context.spec.gate.is_some() => {
            bereaved(situation, gone, left, Some(reason))
        }
        _ => Plan::Unlink { gone, park: Some(reason) },
    }
}

/// The marks that the record of a side lacks.
pub(crate) fn marks<S: Schema, T: Schema>(
    situation: &Situation<'_, S, T>,
    side: Side,
    record: &Record,
) -> Fields {
    let on_target = side == situation.direction.target();
    let mut marks = Fields::default();
    let mut times = Fields::default();
    for mark in situation.context.spec.marks(side) {
        let field = mark.field;
        let wanted = Value::Text(match mark.marked {
            Marked::As(value) => value.to_owned(),
            Marked::Now => time_text(situation.now),
        });
        let canonical = if on_target {
            situation.target_schema.canonical(field, &wanted)
        } else {
            situation.source_schema.canonical(field, &wanted)
        };
        let Canonical::Value(wanted) = canonical else { continue };
        if matches!(mark.marked, Marked::Now) {
            times.insert(field.to_owned(), wanted);
            continue;
        }
        let here = if on_target {
            stored(record, field, situation.target_schema)
        } else {
            stored(record, field, situation.source_schema)
        };
        if here != wanted && !(is_blank(&here) && is_blank(&wanted)) {
            marks.insert(field.to_owned(), wanted);
        }
    }
    if !marks.is_empty() {
        marks.extend(times.iter().map(|(name, value)| (name.to_owned(), value.clone())));
    }
    marks
}

/// A record that is linked again loses the marks of its deletion. The id mark is a field of the projection.
pub(crate) fn remove_marks<S: Schema, T: Schema>(
    situation: &Situation<'_, S, T>,
    target: &Record,
    fields: &mut FieldPlan,
) {
    for mark in situation.context.spec.marks(situation.direction.target()) {
        let Some(unmarked) = mark.unmarked else { continue };
        let unmarked = situation.target_schema.canonical(mark.field, &Value::Text(unmarked.to_owned()));
        let Canonical::Value(unmarked) = unmarked else { continue };
        let here = stored(target, mark.field, situation.target_schema);
        if here != unmarked && !is_blank(&here) {
            fields.writes.insert(mark.field.to_owned(), unmarked);
        }
    }
}

/// Whether the target would refuse the record for want of a parent that is not linked yet; in coreBOS, of one that is
/// named. Who stands beside a record of coreBOS makes none there.
pub(crate) fn lacks_parent<S: Schema, T: Schema>(
    situation: &Situation<'_, S, T>,
    source: &Record,
    projection: &Projection,
) -> bool {
    let map = situation.context.map(situation.direction);
    let lacks = |x: &str| map.carries(x) && projection.fields.get(x).is_none_or(|there| there.blank);
    let mut specs = situation.context.associations.iter().map(|association| association.spec);
    match situation.direction {
        Direction::ToRemote => specs.any(|spec| spec.needed_on_remote && lacks(spec.remote_field)),
        Direction::ToHub => specs.any(|spec| {
            let names_one = !is_blank(&stored(source, spec.remote_field, situation.source_schema));
            spec.is_itself() || spec.needed_on_hub && names_one && lacks(spec.hub_field)
        }),
    }
}

/// What is written together with other fields in a direction, and only then.
pub(crate) fn riding_along<S: Schema>(
    context: &PairContext,
    direction: Direction,
    from: &Record,
    schema: &S,
    now: Timestamp,
) -> Fields {
    let ride = if direction == Direction::ToHub { context.spec.rides_along } else { &[] };
    if ride.is_empty() {
        return Fields::default();
    }
    let projection = project(context.map(direction), from, schema, now);
    let is_riding = |name: &String| ride.iter().any(|(field, _)| field == name);
    let riding = projection.fields.into_iter().filter(|(name, _)| is_riding(name));
    riding.map(|(name, projected)| (name, projected.value)).collect()
}
