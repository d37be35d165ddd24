//! Searches of pushes that run side by side, made together: one `query` for all who look in the same field.
//!
//! coreBOS serialises the calls of one session, so ten searches one by one wait for each other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use model::ObjectName;
use sync::error::Disposition;
use sync::import::FoundMany;
use sync::together::Together;
use sync::{ConnectorError, Lookup, Record, Stock as _};

use crate::client::CoreBos;

/// As many as one search gives: more than one is already too many.
const ENOUGH: usize = 3;

/// Who looks for what in one field: a value, and the records that have it; nothing if it must be looked for alone.
type Search = Together<String, Option<Vec<Record>>, ConnectorError>;

/// The searches of a process, by module and field.
#[derive(Debug, Default)]
pub(crate) struct Searches(Mutex<HashMap<(ObjectName, String), Arc<Search>>>);

impl Searches {
    fn of(&self, module: &ObjectName, field: &str) -> Arc<Search> {
        let mut searches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        searches.entry((module.clone(), field.to_owned())).or_default().clone()
    }
}

/// At most three records whose field has this value.
pub(crate) async fn find(
    corebos: &CoreBos,
    module: &ObjectName,
    lookup: &Lookup,
) -> Result<Vec<Record>, ConnectorError> {
    let search = corebos.searches.of(module, &lookup.field);
    let fetch = |values| fetch(corebos, module, &lookup.field, values);
    match search.ask(lookup.value.clone(), fetch, |found, value| pick(found, value)).await? {
        Some(found) => Ok(found),
        None => corebos.find_alone(module, lookup).await,
    }
}

async fn fetch(
    corebos: &CoreBos,
    module: &ObjectName,
    field: &str,
    mut values: Vec<String>,
) -> Result<FoundMany, ConnectorError> {
    values.sort_unstable();
    values.dedup();
    if let [only] = values.as_slice() {
        let lookup = Lookup { field: field.to_owned(), value: only.clone() };
        let found = corebos.find_alone(module, &lookup).await?;
        return Ok(vec![(lookup.value, found)]);
    }
    match corebos.find_many(module, field, &values).await {
        // One value that coreBOS does not like must not be the trouble of the others.
        Err(error) if !matches!(error.disposition(), Disposition::Retry { .. }) => Ok(FoundMany::new()),
        other => other,
    }
}

fn pick(found: &[(String, Vec<Record>)], value: &str) -> Option<Vec<Record>> {
    let (_, records) = found.iter().find(|(wanted, _)| wanted == value)?;
    Some(records.iter().take(ENOUGH).cloned().collect())
}
