//! Recovery: what a worker that died may have done, found out before anything else is decided.

use std::collections::BTreeMap;

use model::{Bases, Direction, FieldBase, Intent, Lease, Link, LinkStatus, RecordRef, RecordState};

use crate::apply::{new_link, unleased};
use crate::matching::carriers_on;
use crate::ports::{Clock, Connector, Reading, Record, Schema, Settled, Settlement, StateStore, Writer};
use crate::project::project;
use crate::push::{Environment, PushError, World};
use crate::settle::{Written, remember_own_writes, settle_bases, written_of_intent};

/// Whether an intent stood in the way and was recovered; everything must be read again then.
///
/// A live intent is an error that waits: nothing is decided while somebody else is writing.
pub(crate) async fn in_the_way<W: World>(
    environment: &Environment<'_, W>,
    record: &RecordRef,
    state: &RecordState,
) -> Result<bool, PushError> {
    let Some(lease) = &state.lease else { return Ok(false) };
    if lease.until > environment.clock.now() {
        return Err(PushError::Busy { until: lease.until });
    }
    recover(environment, record, state, lease).await?;
    Ok(true)
}

async fn recover<W: World>(
    environment: &Environment<'_, W>,
    record: &RecordRef,
    state: &RecordState,
    lease: &Lease,
) -> Result<(), PushError> {
    let mut settlement = Settlement::default();
    let mut cleared = RecordState { lease: None, ..state.clone() };
    if let Intent::Write { link, direction, edited_at, .. } = &lease.intent
        && let Some(mut link) = environment.store.link(link).await?
        && link.pair == environment.context.pair
        && link.status == LinkStatus::Active
        && let Some((found, written)) = read_and_compare(environment, record, &lease.intent).await?
    {
        settle_recovered(environment, *direction, &mut link.bases, &written, &found).await?;
        if found.last_writer == Writer::Us {
            remember_own_writes(&mut cleared, &written.fields, &found, *edited_at);
        }
        settlement.link = Some(link);
    }
    if let Some(link) = created_link(environment, record, lease).await? {
        settlement.lookups_added = vec![link.hub.clone(), link.remote.clone()];
        settlement.link = Some(link);
    }
    settlement.states.push((record.clone(), cleared));
    let conflict = environment.store.settle(&settlement).await? == Settled::Conflict;
    if conflict && settlement.link.is_some() {
        // The link was settled meanwhile, or one of the records belongs to another by now: what was written is
        // found by comparing, as with any record. Only the lease must not stay.
        let states = settlement.states;
        environment.store.settle(&Settlement { states, ..Settlement::default() }).await?;
    }
    Ok(())
}

/// Settles a creation whose answer was lost, if the record is found. The lease is given back then.
pub(crate) async fn settle_unanswered_create<W: World>(
    environment: &Environment<'_, W>,
    record: &RecordRef,
    state: &RecordState,
    version: u64,
    lease: &Lease,
) -> Result<bool, PushError> {
    let Some(link) = created_link(environment, record, lease).await? else { return Ok(false) };
    let settlement = Settlement {
        lookups_added: vec![link.hub.clone(), link.remote.clone()],
        states: vec![(record.clone(), unleased(state, version))],
        link: Some(link),
        ..Settlement::default()
    };
    environment.store.settle(&settlement).await?;
    Ok(true)
}

/// The link of a record that an intent says was about to be created, if it was.
async fn created_link<W: World>(
    environment: &Environment<'_, W>,
    record: &RecordRef,
    lease: &Lease,
) -> Result<Option<Link>, PushError> {
    let Intent::Create { pair, direction, fields, answers } = &lease.intent else { return Ok(None) };
    if *pair != environment.context.pair {
        return Ok(None);
    }
    let found = if *direction == environment.direction {
        let schema = environment.source.schema(&record.object).await?;
        created_on(environment, environment.target, &schema, record, *direction).await?
    } else {
        let schema = environment.target.schema(&record.object).await?;
        created_on(environment, environment.source, &schema, record, *direction).await?
    };
    let Some((created, actual)) = found else { return Ok(None) };
    let mut link = new_link(environment, *direction, record, &created.reference, &lease.holder);
    link.bases.of_mut(*direction).extend(fields.clone());
    let mut bases = answers.clone();
    if created.last_writer == Writer::Us {
        // Nobody has touched it since: where it differs, the target has recoded what it was sent.
        bases.extend(actual.into_iter().filter(|(y, _)| answers.contains_key(y)));
    }
    link.bases.of_mut(direction.reverse()).extend(bases);
    Ok(Some(link))
}

/// The record that a creation made, found by the id that it carries, with what the reverse map makes of it.
async fn created_on<W: World, C: Connector, S: Schema>(
    environment: &Environment<'_, W>,
    system: &C,
    source_schema: &S,
    source: &RecordRef,
    direction: Direction,
) -> Result<Option<(Record, BTreeMap<String, FieldBase>)>, PushError> {
    let context = environment.context;
    let carriers = carriers_on(context.spec, direction.target(), system, source).await?;
    let [created] = carriers.as_slice() else { return Ok(None) };
    if environment.store.find_link(&created.reference, &context.pair).await?.is_some() {
        return Ok(None);
    }
    let projection =
        project(context.map(direction.reverse()), created, source_schema, environment.clock.now());
    let actual = projection.fields.into_iter().map(|(y, projected)| (y, projected.base)).collect();
    Ok(Some((created.clone(), actual)))
}

/// The leased record as it is now, with what of the intent it holds.
async fn read_and_compare<W: World>(
    environment: &Environment<'_, W>,
    record: &RecordRef,
    intent: &Intent,
) -> Result<Option<(Record, Written)>, PushError> {
    let (reading, written);
    if record.system == *environment.target.system() {
        reading = environment.target.read(record).await?;
        let Reading::Found(found) = &reading else { return Ok(None) };
        written = written_of_intent(intent, found, &environment.target.schema(&record.object).await?);
    } else {
        reading = environment.source.read(record).await?;
        let Reading::Found(found) = &reading else { return Ok(None) };
        written = written_of_intent(intent, found, &environment.source.schema(&record.object).await?);
    }
    let Reading::Found(found) = reading else { return Ok(None) };
    Ok(written.map(|written| (found, written)))
}

async fn settle_recovered<W: World>(
    environment: &Environment<'_, W>,
    direction: Direction,
    bases: &mut Bases,
    written: &Written,
    found: &Record,
) -> Result<(), PushError> {
    let context = environment.context;
    let other_object = context.spec.object(direction.source());
    if direction == environment.direction {
        let schema = environment.source.schema(&other_object).await?;
        settle_bases(context, direction, bases, written, found, &schema, environment.clock.now());
    } else {
        let schema = environment.target.schema(&other_object).await?;
        settle_bases(context, direction, bases, written, found, &schema, environment.clock.now());
    }
    Ok(())
}
