//! Writing an id back into the source record.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{Fingerprint, HistoryEntry, Intent, IntentField, Link, RecordRef, RecordState};

use crate::apply::{history, lease, release, source_record, unleased};
use crate::error::ConnectorError;
use crate::plan::WriteBack;
use crate::ports::{Claimed, Connector, Schema, Settled, Settlement, StateStore};
use crate::project::stored;
use crate::push::{PushError, Seen, World, parked_change};
use crate::settle::{id_base, remember_own_writes, remember_refusals};

/// Writes the target's id into the source record, under a lease of its own.
pub(crate) async fn write_id_back<W: World>(
    seen: &Seen<'_, W>,
    mut link: Link,
    source: &RecordRef,
    state: &RecordState,
    back: &WriteBack,
) -> Result<(), PushError> {
    let environment = seen.environment;
    let reverse = environment.direction.reverse();
    let Some((field, base)) = id_base(environment.context, reverse, &back.value, &seen.source_schema) else {
        return Ok(());
    };
    let before = source_record(seen).map_or_else(
        || Fingerprint::of_bytes(b""),
        |record| Fingerprint::of(&stored(record, back.field, &seen.source_schema)),
    );
    let intent = Intent::Write {
        link: link.id.clone(),
        direction: reverse,
        fields: BTreeMap::from([(field.clone(), IntentField { projection: base.clone(), before })]),
        pending: Vec::new(),
        edited_at: source_record(seen).and_then(|record| record.modified),
    };
    let lease = lease(environment, seen.notice, intent);
    let claimed = environment.store.claim(source, state.version, &lease).await?;
    // Somebody else writes the source right now: the next notice writes the id, since it is not settled.
    let Claimed::Yes { version } = claimed else {
        return Err(PushError::Wait { after: Duration::from_secs(1), reason: "write_back_waits" });
    };
    let wanted = model::Value::Text(back.value.clone());
    let crate::ports::Canonical::Value(value) = seen.source_schema.canonical(back.field, &wanted) else {
        return release(environment, source, state, version).await;
    };
    let mut values = back.along.clone();
    values.insert(back.field, value);
    let mut settlement = Settlement::default();
    let mut after = unleased(state, version);
    match environment.source.update(source, &values).await {
        Ok(answer) => {
            link.bases.of_mut(reverse).insert(field, base);
            let edited_at = source_record(seen).and_then(|record| record.modified);
            remember_own_writes(&mut after, &[back.field.to_owned()], &answer, edited_at);
            let told = history(seen, "id_written", vec![back.field.to_owned()], Vec::new());
            settlement.history = Some(HistoryEntry { direction: reverse, ..told });
        }
        Err(ConnectorError::Rejected { message, fields }) => {
            let words = fields.get(back.field).cloned().unwrap_or(message);
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
