//! Writing an id back into the source record.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{
    FieldBase, Fields, Fingerprint, HistoryEntry, Intent, IntentField, Lease, Link, LinkId, RecordRef,
    RecordState, Value,
};

use crate::apply::{history, lease, release, source_record, unleased};
use crate::error::ConnectorError;
use crate::plan::WriteBack;
use crate::ports::{Canonical, Claimed, Connector, Schema, Settled, Settlement, StateStore};
use crate::project::stored;
use crate::push::{PushError, Seen, World, parked_change};
use crate::settle::{id_base, remember_own_writes, remember_refusals};

/// An id that is about to be written into the source record.
pub(crate) struct Prepared {
    /// The lease under which it is written.
    pub(crate) lease: Lease,
    /// The field, and what is settled of it.
    base: (String, FieldBase),
    /// What is written: the id, and what goes along with it.
    values: Fields,
}

/// What it takes to write the target's id into the source record. `None`: the source has no place for it.
pub(crate) fn prepare<W: World>(seen: &Seen<'_, W>, link: &LinkId, back: &WriteBack) -> Option<Prepared> {
    let environment = seen.environment;
    let reverse = environment.direction.reverse();
    let (field, base) = id_base(environment.context, reverse, &back.value, &seen.source_schema)?;
    let wanted = Value::Text(back.value.clone());
    let Canonical::Value(value) = seen.source_schema.canonical(back.field, &wanted) else { return None };
    let mut values = back.along.clone();
    values.insert(back.field, value);
    let before = source_record(seen).map_or_else(
        || Fingerprint::of_bytes(b""),
        |record| Fingerprint::of(&stored(record, back.field, &seen.source_schema)),
    );
    let intent = Intent::Write {
        link: link.clone(),
        direction: reverse,
        fields: BTreeMap::from([(field.clone(), IntentField { projection: base.clone(), before })]),
        pending: Vec::new(),
        edited_at: source_record(seen).and_then(|record| record.modified),
    };
    Some(Prepared { lease: lease(environment, seen.notice, intent), base: (field, base), values })
}

/// Writes the target's id into the source record, under a lease of its own.
pub(crate) async fn write_id_back<W: World>(
    seen: &Seen<'_, W>,
    link: Link,
    source: &RecordRef,
    state: &RecordState,
    back: &WriteBack,
) -> Result<(), PushError> {
    let Some(prepared) = prepare(seen, &link.id, back) else { return Ok(()) };
    let claimed = seen.environment.store.claim(source, state.version, &prepared.lease).await?;
    // Somebody else writes the source right now: the next notice writes the id, since it is not settled.
    let Claimed::Yes { version } = claimed else {
        return Err(PushError::Wait { after: Duration::from_secs(1), reason: "write_back_waits" });
    };
    write_claimed_id(seen, link, source, (state, version), back.field, prepared).await
}

/// Writes an id into the source record, whose lease is taken: its state has this version.
pub(crate) async fn write_claimed_id<W: World>(
    seen: &Seen<'_, W>,
    mut link: Link,
    source: &RecordRef,
    (state, version): (&RecordState, u64),
    id_field: &str,
    Prepared { lease, base: (field, base), values }: Prepared,
) -> Result<(), PushError> {
    let environment = seen.environment;
    let reverse = environment.direction.reverse();
    let mut settlement = Settlement::default();
    let mut after = unleased(state, version);
    match environment.source.update(source, &values).await {
        Ok(answer) => {
            link.bases.of_mut(reverse).insert(field, base);
            let edited_at = source_record(seen).and_then(|record| record.modified);
            remember_own_writes(&mut after, &[id_field.to_owned()], &answer, edited_at);
            let told = history(seen, "id_written", vec![id_field.to_owned()], Vec::new());
            settlement.history = Some(HistoryEntry { direction: reverse, ..told });
        }
        Err(ConnectorError::Rejected { message, fields }) => {
            let words = fields.get(id_field).cloned().unwrap_or(message);
            remember_refusals(&mut link, reverse, &BTreeMap::from([(field, base)]));
            settlement.parked.push(parked_change(environment, seen.notice, "id_refused", words));
        }
        Err(error @ ConnectorError::Doubtful { .. }) => {
            return Err(PushError::Unanswered { until: lease.until, detail: error.to_string() });
        }
        Err(error) => {
            release(environment, source, state, version).await?;
            return Err(error.into());
        }
    }
    settlement.link = Some(link);
    settlement.states.push((source.clone(), after));
    // A conflict leaves the id unsettled: the next notice finds it already there and settles it.
    if environment.store.settle(&settlement).await? == Settled::Conflict {
        release(environment, source, state, version).await?;
    }
    Ok(())
}
