//! Recovery: what a worker that died may have done, found out before anything else is decided.

use std::collections::BTreeMap;

use model::{
    Bases, Direction, FieldBase, HistoryEntry, Intent, Lease, Link, LinkStatus, RecordRef, RecordState, Side,
};

use crate::announce::tell_other_pairs;
use crate::apply::{new_link, unleased};
use crate::associations;
use crate::matching::carriers_on;
use crate::ports::{Clock, Connector, Reading, Record, Schema, Settled, Settlement, StateStore, Writer};
use crate::project::project;
use crate::push::{Environment, PushError, World};
use crate::related::look_up;
use crate::sabotage::{Break, broken};
use crate::settle::{Written, remember_own_writes, settle_bases, written_of_intent};

/// How long an expired intent of another pair is left to that pair. Its notice comes back when the dead worker's
/// visibility has ended, and only that pair can tell what was written: whoever clears the intent loses that, and a later
/// edit could lose to our own write. If it never comes, because that pair was switched off or its system is away,
/// nobody waits for ever.
const OTHER_PAIRS_GRACE: jiff::SignedDuration = jiff::SignedDuration::from_mins(15);

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
    if !broken(Break::ClearWhatOthersIntend) && !is_of_this_pair(environment, &lease.intent).await? {
        let grace = lease.until + OTHER_PAIRS_GRACE;
        if grace > environment.clock.now() {
            return Err(PushError::Busy { until: grace });
        }
    }
    recover(environment, record, state, lease).await?;
    Ok(true)
}

/// Whether this push knows the maps and systems that it takes to find out what the intent did.
async fn is_of_this_pair<W: World>(
    environment: &Environment<'_, W>,
    intent: &Intent,
) -> Result<bool, PushError> {
    Ok(match intent {
        Intent::Create { pair, .. } => *pair == environment.context.pair,
        Intent::Write { link, .. } => {
            let link = environment.store.link(link).await?;
            link.is_none_or(|link| link.pair == environment.context.pair)
        }
    })
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
        && !broken(Break::ForgetTheIntent)
        && let Some(mut link) = environment.store.link(link).await?
        && link.pair == environment.context.pair
        && link.status == LinkStatus::Active
        && let Some((mut found, written)) = read_and_compare(environment, record, &lease.intent).await?
    {
        look_up(environment, direction.reverse(), &mut found, &[]).await?;
        settle_recovered(environment, *direction, &mut link.bases, &written, &mut found).await?;
        let told = direction.target() == Side::Hub && !written.fields.is_empty();
        if told && !broken(Break::RecoverInSilence) {
            tell_other_pairs(environment, &lease.holder, record).await?;
        }
        if found.last_writer == Writer::Us {
            remember_own_writes(&mut cleared, &written.fields, &found, *edited_at);
        }
        if !written.fields.is_empty() {
            settlement.history = Some(found_done(environment, lease, *direction, written.fields));
        }
        settlement.link = Some(link);
    }
    if !broken(Break::ForgetTheIntent)
        && let Some(link) = created_link(environment, record, lease).await?
    {
        tell_of_creation(environment, lease, &link).await?;
        settlement.history = found_created(environment, lease);
        settlement.lookups_added = vec![link.hub.clone(), link.remote.clone()];
        settlement.link = Some(link);
    }
    settlement.states.push((record.clone(), cleared));
    let conflict = environment.store.settle(&settlement).await? == Settled::Conflict;
    let made_anew = settlement.link.as_ref().is_some_and(|link| link.version == 0);
    if conflict && made_anew {
        // One of the records belongs to another by now: what was written is found by comparing, as with any record.
        // Only the lease must not stay. A link that was settled meanwhile is read again, and recovered then.
        let states = settlement.states;
        environment.store.settle(&Settlement { states, ..Settlement::default() }).await?;
    }
    Ok(())
}

/// What `bridge why` tells of a write that was found done: its worker did not live to tell.
fn found_done<W: World>(
    environment: &Environment<'_, W>,
    lease: &Lease,
    direction: Direction,
    fields: Vec<String>,
) -> HistoryEntry {
    HistoryEntry {
        at: environment.clock.now(),
        receipt: lease.holder.clone(),
        direction,
        outcome: "recovered".to_owned(),
        fields,
        refused: Vec::new(),
        received_at: None,
        lost: Vec::new(),
    }
}

fn found_created<W: World>(environment: &Environment<'_, W>, lease: &Lease) -> Option<HistoryEntry> {
    let Intent::Create { direction, fields, .. } = &lease.intent else { return None };
    Some(found_done(environment, lease, *direction, fields.keys().cloned().collect()))
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
    tell_of_creation(environment, lease, &link).await?;
    let settlement = Settlement {
        lookups_added: vec![link.hub.clone(), link.remote.clone()],
        states: vec![(record.clone(), unleased(state, version))],
        link: Some(link),
        history: found_created(environment, lease),
        ..Settlement::default()
    };
    environment.store.settle(&settlement).await?;
    Ok(true)
}

/// Tells the other pairs of a coreBOS record that was found created.
async fn tell_of_creation<W: World>(
    environment: &Environment<'_, W>,
    lease: &Lease,
    link: &Link,
) -> Result<(), PushError> {
    match &lease.intent {
        Intent::Create { direction: Direction::ToHub, .. } if !broken(Break::RecoverInSilence) => {
            tell_other_pairs(environment, &lease.holder, &link.hub).await
        }
        _ => Ok(()),
    }
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
    let claimed_since = environment.store.state(&created.reference).await?.version > 0;
    if created.last_writer == Writer::Us && (!claimed_since || broken(Break::TrustTheLastWriter)) {
        // Nobody has touched it since, not even another pair of ours: where it differs, the target has recoded what
        // it was sent.
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
    let Ok([mut created]) = <[Record; 1]>::try_from(carriers) else { return Ok(None) };
    if environment.store.find_link(&created.reference, &context.pair).await?.is_some() {
        return Ok(None);
    }
    look_up(environment, direction.reverse(), &mut created, &[]).await?;
    let projection =
        project(context.map(direction.reverse()), &created, source_schema, environment.clock.now());
    let actual = projection.fields.into_iter().map(|(y, projected)| (y, projected.base)).collect();
    Ok(Some((created, actual)))
}

/// The leased record as it is now, with what of the intent it holds.
async fn read_and_compare<W: World>(
    environment: &Environment<'_, W>,
    record: &RecordRef,
    intent: &Intent,
) -> Result<Option<(Record, Written)>, PushError> {
    let (context, direction) = (environment.context, environment.direction);
    let (reading, written);
    if record.system == *environment.target.system() {
        reading = associations::read(context, direction.target(), environment.target, record).await?;
        let Reading::Found(found) = &reading else { return Ok(None) };
        written = written_of_intent(intent, found, &environment.target.schema(&record.object).await?);
    } else {
        reading = associations::read(context, direction.source(), environment.source, record).await?;
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
    found: &mut Record,
) -> Result<(), PushError> {
    let context = environment.context;
    let other_object = context.spec.object(direction.source());
    if direction == environment.direction {
        let stored = environment.target.schema(&found.reference.object).await?;
        associations::translate_answer(environment, direction, &written.fields, found, &stored).await?;
        let schema = environment.source.schema(&other_object).await?;
        settle_bases(context, direction, bases, written, found, &schema, environment.clock.now());
    } else {
        let stored = environment.source.schema(&found.reference.object).await?;
        associations::translate_answer(environment, direction, &written.fields, found, &stored).await?;
        let schema = environment.target.schema(&other_object).await?;
        settle_bases(context, direction, bases, written, found, &schema, environment.clock.now());
    }
    Ok(())
}
