//! What a target does not take: remembered on the link, parked with the system's words.

use std::collections::BTreeMap;

use model::{FieldBase, Link, ParkedChange};

use crate::plan::FieldPlan;
use crate::ports::{Connector, Settlement};
use crate::push::{Seen, World, parked_change};
use crate::settle::remember_refusals;

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
