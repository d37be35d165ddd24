//! What a target does not take: remembered on the link, parked with the system's words.

use std::collections::BTreeMap;

use model::{FieldBase, Fields, Link, ParkedChange, RecordRef};

use crate::error::ConnectorError;
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
        let Some(words) = refused.get_mut(field) else { continue };
        let Ok(found) = holders(seen, field, values).await else { continue };
        let others = found.iter().filter(|found| Some(*found) != target);
        let others = others.map(RecordRef::key).collect::<Vec<_>>().join(", ");
        if others.is_empty() {
            continue;
        }
        let ours = target.map_or_else(String::new, |target| format!("; this record is {target}"));
        *words = format!("{words} ({others} has this value{ours}: merge them, or correct one)");
    }
    refused
}

/// The records of the target side that have the value of a field.
async fn holders<W: World>(
    seen: &Seen<'_, W>,
    field: &str,
    values: &Fields,
) -> Result<Vec<RecordRef>, ConnectorError> {
    let environment = seen.environment;
    let value = values.text(field).unwrap_or_default().trim();
    if value.is_empty() {
        return Ok(Vec::new());
    }
    let lookup = Lookup { field: field.to_owned(), value: value.to_owned() };
    let object = environment.context.spec.object(environment.direction.target());
    let found = environment.target.find(&object, &lookup).await?;
    Ok(found.into_iter().map(|record| record.reference).collect())
}

/// Whether a creation was refused for a natural key that somebody has by now: nobody had it when we looked.
pub(crate) async fn is_taken_meanwhile<W: World>(
    seen: &Seen<'_, W>,
    refused: &BTreeMap<String, String>,
    values: &Fields,
) -> bool {
    let (spec, side) = (seen.environment.context.spec, seen.environment.direction.target());
    // The id, too: it is in every create, and a first one whose answer was lost may have made the record.
    let keys = spec.natural_keys(side).into_iter().map(|(field, _)| field).chain([spec.id_field(side)]);
    for field in keys {
        if refused.contains_key(field)
            && holders(seen, field, values).await.is_ok_and(|found| !found.is_empty())
        {
            return true;
        }
    }
    false
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
