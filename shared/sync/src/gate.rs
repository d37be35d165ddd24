//! The gate: what a coreBOS record itself says about being kept in step with another system. Pure.

use model::{Direction, LinkStatus, Side};

use crate::decide::{Situation, SourceNow, TargetNow};
use crate::pairs::PairSpec;
use crate::plan::{Plan, SkipReason};
use crate::ports::{Record, Schema};
use crate::sabotage::{Break, broken};

/// Whether a coreBOS record may be kept in step in this pair.
pub(crate) fn is_open(spec: &PairSpec, hub: &Record) -> bool {
    let Some(gate) = spec.gate else { return true };
    says_yes(hub, gate.opted_in) && !says_yes(hub, gate.gone)
}

/// Whether a field of yes and no says yes.
fn says_yes(record: &Record, field: &str) -> bool {
    let told = record.fields.get(field).map(|value| value.php_string().trim().to_lowercase());
    told.is_some_and(|told| matches!(told.as_str(), "1" | "true" | "yes" | "on"))
}

/// What is decided because the gate is closed; nothing where it is open.
///
/// A link whose record has closed it rests with its bases. The marks of a delete close it, too: they are taken away by
/// the record that is back, or by an administrator.
pub(crate) fn closed<S: Schema, T: Schema>(situation: &Situation<'_, S, T>) -> Option<Plan> {
    let spec = situation.context.spec;
    spec.gate.filter(|_| !broken(Break::IgnoreTheGate))?;
    let link = situation.link;
    let is_paused = link.is_some_and(|link| link.paused);
    let Some(hub) = hub_record(situation) else {
        // Gone: what it said last stands on the link.
        return is_paused.then_some(Plan::Skip(SkipReason::NotOptedIn));
    };
    if is_open(spec, hub) {
        return None;
    }
    let tombstone = |side: Side| {
        let link = match situation.target {
            TargetNow::Inherited { link, .. } => Some(link),
            _ => link,
        };
        link.is_some_and(|link| matches!(link.status, LinkStatus::Tombstone { gone, .. } if gone == side))
    };
    let is_back = situation.direction == Direction::ToHub
        && matches!(situation.source, SourceNow::Found(_))
        && tombstone(Side::Remote);
    // A record that comes of a linked one is kept in step as that was.
    let succeeds = matches!(situation.target, TargetNow::Inherited { link, .. } if link.hub.object != hub.reference.object);
    if is_back || succeeds {
        return None;
    }
    match link {
        Some(link) if link.status == LinkStatus::Active && !link.paused => Some(Plan::Pause),
        _ => Some(Plan::Skip(SkipReason::NotOptedIn)),
    }
}

/// The coreBOS record of a situation, as far as it is there.
fn hub_record<'a, S, T>(situation: &'a Situation<'_, S, T>) -> Option<&'a Record> {
    if situation.direction.source() == Side::Hub {
        return match situation.source {
            SourceNow::Found(record) | SourceNow::MergedInto { survivor: record, .. } => Some(record),
            SourceNow::Gone => None,
        };
    }
    match situation.target {
        TargetNow::Linked(record)
        | TargetNow::Matched(record)
        | TargetNow::Inherited { target: record, .. }
        | TargetNow::MergedInto { survivor: record, .. } => Some(record),
        TargetNow::Gone { successor } => successor.as_ref(),
        TargetNow::Ambiguous(_) | TargetNow::Taken { .. } | TargetNow::Nobody => None,
    }
}
