//! What a target does not take: remembered on the link, parked with the system's words.

use std::collections::BTreeMap;

use model::{FieldBase, Fields, Link, ParkedChange, RecordRef};

use crate::plan::FieldPlan;
use crate::ports::{Connector, Lookup, Settlement};
use crate::push::{Seen, World, parked_change};
use crate::settle::remember_refusals;

/// Adds to the words about a refused natural key who holds its value: an e-mail that must be unique is mended by
/// somebody who sees both records. A search that fails adds nothing, for what was written must be settled.
pub(crate) async fn with_holders<W: World>(
    seen: &Seen<'_, W>,
    mut refused: BTreeMap<String, String>,
    values: &Fields,
    target: Option<&RecordRef>,
) -> BTreeMap<String, String> {
    let environment = seen.environment;
    let (spec, side) = (environment.context.spec, environment.direction.target());
    for (field, _) in spec.natural_keys(side) {
        let (Some(words), Some(value)) = (refused.get_mut(field), values.text(field)) else { continue };
        let lookup = Lookup { field: field.to_owned(), value: value.trim().to_owned() };
        if lookup.value.is_empty() {
            continue;
        }
        let Ok(found) = environment.target.find(&spec.object(side), &lookup).await else { continue };
        let others = found.iter().map(|record| &record.reference).filter(|found| Some(*found) != target);
        let others = others.map(RecordRef::key).collect::<Vec<_>>().join(", ");
        if others.is_empty() {
            continue;
        }
        let ours = target.map_or_else(String::new, |target| format!("; this record is {target}"));
        *words = format!("{words} ({others} has this value{ours}: merge them, or correct one)");
    }
    refused
}

/// Remembers and parks what the target refused.
pub(crate) fn refuse<W: World>(
    seen: &Seen<'_, W>,
    settlement: &mut Settlement,
    link: &mut Link,
    plan: &FieldPlan,
    refused: &BTreeMap<String, String>,
) {
    if refused.is_empty() {
        return;
    }
    let bases: BTreeMap<String, FieldBase> =
        refused.keys().filter_map(|name| Some((name.clone(), plan.settled.get(name)?.clone()))).collect();
    remember_refusals(link, seen.environment.direction, &bases);
    settlement.parked.push(parked_fields(seen, "refused", refused.clone()));
}

/// Remembers and parks values that the target cannot hold.
pub(crate) fn park_unfit<W: World>(
    seen: &Seen<'_, W>,
    settlement: &mut Settlement,
    link: &mut Link,
    plan: &FieldPlan,
) {
    if plan.unfit.is_empty() {
        return;
    }
    let bases: BTreeMap<String, FieldBase> =
        plan.unfit.iter().map(|(x, (base, _))| (x.clone(), base.clone())).collect();
    remember_refusals(link, seen.environment.direction, &bases);
    let words = plan.unfit.iter().map(|(x, (_, reason))| (x.clone(), reason.clone())).collect();
    settlement.parked.push(parked_fields(seen, "unfit_value", words));
}

fn parked_fields<W: World>(
    seen: &Seen<'_, W>,
    reason: &str,
    fields: BTreeMap<String, String>,
) -> ParkedChange {
    let target = seen.environment.target.system();
    let names = fields.keys().cloned().collect::<Vec<_>>().join(", ");
    let message = format!(
        "{target} does not take {names}; the other fields were written. Correct the value or the map: the field is tried again when it differs"
    );
    ParkedChange { fields, ..parked_change(seen.environment, seen.notice, reason, message) }
}
