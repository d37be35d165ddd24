//! Routes: to which of several pairs a record of the other system belongs whose object they share.
//!
//! A HubSpot contact is the partner of a contact or of a lead in coreBOS. What is linked stays where it is; what is
//! known in coreBOS goes to the record that is known; the rest is a rule of the connector's.

use model::{Pair, PairKind, RecordRef, Side, System};

use crate::error::{ConnectorError, StoreError};
use crate::pairs::{PairSpec, pair_spec};
use crate::ports::{Connector, Lookup, Reading, Record, StateStore};

/// A pair that may be the one.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Its row.
    pub spec: &'static PairSpec,
    /// Whether it creates records in coreBOS.
    pub creates: bool,
}

/// Why nobody knows.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// A system did not answer, or refused.
    #[error(transparent)]
    System(#[from] ConnectorError),
    /// The table did not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The pair of a record of the other system, of at least one candidate; the first one where nothing speaks for another.
///
/// # Errors
/// A system or the table did not answer.
pub async fn route<H: Connector, R: Connector, S: StateStore>(
    candidates: &[Candidate],
    record: &RecordRef,
    (hub, remote): (&H, &R),
    store: &S,
) -> Result<&'static PairSpec, RouteError> {
    let first = candidates.first().map_or_else(|| pair_spec(PairKind::ALL[0]), |candidate| candidate.spec);
    if candidates.len() < 2 {
        return Ok(first);
    }
    let pair = Pair { kind: first.kind, hub: hub.system().clone(), remote: record.system.clone() };
    if let Some(link) = store.find_link(record, &pair).await? {
        return Ok(pair_spec(link.pair.kind));
    }
    let found = match remote.read(record).await? {
        Reading::Gone => return Ok(first),
        Reading::Found(found) => found,
        Reading::MergedInto(survivor) => match store.find_link(&survivor.reference, &pair).await? {
            Some(link) => return Ok(pair_spec(link.pair.kind)),
            None => survivor,
        },
    };
    if let Some(known) = known_in_hub(candidates, &found, hub).await? {
        return Ok(known);
    }
    let creating = || candidates.iter().filter(|candidate| candidate.creates);
    let wanted = remote.lands_in(&found);
    let chosen =
        creating().find(|candidate| Some(candidate.spec.kind) == wanted).or_else(|| creating().next());
    Ok(chosen.map_or(first, |candidate| candidate.spec))
}

/// The pair whose coreBOS record the new one names, or is like.
async fn known_in_hub<H: Connector>(
    candidates: &[Candidate],
    found: &Record,
    hub: &H,
) -> Result<Option<&'static PairSpec>, ConnectorError> {
    for Candidate { spec, .. } in candidates {
        let carried = found.fields.text(spec.id_field(Side::Remote)).unwrap_or_default().trim();
        if !carried.is_empty() && is_there(hub.system(), spec, carried, hub).await? {
            return Ok(Some(spec));
        }
    }
    for Candidate { spec, .. } in candidates {
        for (field, source) in spec.natural_keys(Side::Hub) {
            let value = found.fields.text(source).unwrap_or_default().trim();
            if value.is_empty() {
                continue;
            }
            let lookup = Lookup { field: field.to_owned(), value: value.to_owned() };
            if !hub.find(&spec.object(Side::Hub), &lookup).await?.is_empty() {
                return Ok(Some(spec));
            }
        }
    }
    Ok(None)
}

/// Whether coreBOS has this record. What may not be read is not there for us.
async fn is_there<H: Connector>(
    system: &System,
    spec: &PairSpec,
    id: &str,
    hub: &H,
) -> Result<bool, ConnectorError> {
    let reference = RecordRef::new(system, &spec.object(Side::Hub), id);
    match hub.read(&reference).await {
        Ok(reading) => Ok(reading != Reading::Gone),
        Err(ConnectorError::Forbidden { .. } | ConnectorError::Rejected { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
