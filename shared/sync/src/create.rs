//! Creating a record on the target side, once.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{FieldBase, Fields, Fingerprint, Intent, Link, RecordRef, RecordState, Side, Value};

use crate::announce::tell_other_pairs;
use crate::apply::{history, lease, new_link, release, unleased};
use crate::associations::{announce_again, translate_answer, unconfirmed};
use crate::decide::SourceNow;
use crate::error::ConnectorError;
use crate::plan::{FieldPlan, WriteBack};
use crate::ports::{
    Claimed, Clock, Connector, KeyClaimed, NaturalKey, Record, Settled, Settlement, StateStore, Writer,
};
use crate::project::{Projection, project};
use crate::push::{PushError, Report, Seen, World, parked_change, report};
use crate::recover::settle_unanswered_create;
use crate::refuse::{is_taken_meanwhile, park_unfit, with_holders};
use crate::related::{Related, look_up};
use crate::sabotage::{Break, broken};
use crate::settle::{Written, id_base, remember_own_writes, settle_bases};
use crate::write_back::{self, write_claimed_id};

/// How long to wait before looking for a record whose creation was not answered.
const DOUBT_PAUSE: Duration = Duration::from_millis(700);

/// Claims the source record and the natural key, creates with the source's id in the payload, links, and writes
/// the new id back.
pub(crate) async fn create<W: World>(
    seen: &Seen<'_, W>,
    plan: FieldPlan,
) -> Result<Option<Report>, PushError> {
    let environment = seen.environment;
    let SourceNow::Found(source) = &seen.source else { return Ok(None) };
    let state = &seen.states.source;
    // Whether an association was made is seen by looking at it: an intent does not vouch for it.
    let vouched = |x: &String| !environment.context.is_association(environment.direction, x);
    let intent = Intent::Create {
        pair: environment.context.pair.clone(),
        direction: environment.direction,
        fields: plan
            .settled
            .iter()
            .filter(|(x, _)| vouched(x))
            .map(|(x, b)| (x.clone(), b.clone()))
            .collect(),
        answers: expected_answers(seen, &plan).await?,
    };
    let claim = lease(environment, seen.notice, intent);
    let claimed = environment.store.claim(&source.reference, state.version, &claim).await?;
    let Claimed::Yes { version } = claimed else { return Ok(None) };
    let key = natural_key(seen, source);
    if let Some(key) = key.as_ref().filter(|_| !broken(Break::ClaimNoKey)) {
        let now = environment.clock.now();
        // Not given back after the creation: somebody who had looked for the record before it was there, and claims the
        // key only now, must not get it. Nobody's look is older than two leases.
        let key_until = claim.until + claim.until.duration_since(now);
        let key_until = if broken(Break::GiveTheKeyBack) { claim.until } else { key_until };
        if let KeyClaimed::Held { until, .. } =
            environment.store.claim_key(key, &source.reference, now, key_until).await?
        {
            release(environment, &source.reference, state, version).await?;
            return Err(PushError::Busy { until });
        }
    }
    let object = environment.context.spec.object(environment.direction.target());
    let mut answer = environment.target.create(&object, &plan.writes).await;
    if broken(Break::RepeatCreationsBlindly) && matches!(answer, Err(ConnectorError::Doubtful { .. })) {
        answer = environment.target.create(&object, &plan.writes).await;
    }
    let created = match answer {
        Ok(created) => created,
        Err(ConnectorError::Rejected { fields, .. })
            if is_taken_meanwhile(seen, &fields, &plan.writes).await =>
        {
            // The next round meets whoever has the e-mail now.
            let settlement = Settlement {
                states: vec![(source.reference.clone(), unleased(state, version))],
                key_released: key.map(|key| (key, source.reference.clone())),
                ..Settlement::default()
            };
            environment.store.settle(&settlement).await?;
            return Ok(None);
        }
        Err(ConnectorError::Rejected { message, fields }) => {
            let fields = with_holders(seen, fields, &plan.writes, None).await;
            return refused(seen, source, version, key, message, fields).await;
        }
        Err(error @ ConnectorError::Doubtful { .. }) => {
            environment.clock.sleep(DOUBT_PAUSE).await;
            if settle_unanswered_create(environment, &source.reference, state, version, &claim).await? {
                return Ok(None);
            }
            // Whether it was created is looked up again when the claim has ended.
            return Err(PushError::Unanswered { until: claim.until, detail: error.to_string() });
        }
        Err(error) => {
            release(environment, &source.reference, state, version).await?;
            return Err(error.into());
        }
    };
    settle_created(seen, source, plan, created, version, key).await
}

/// What the reverse map will make of the new record, if the target stores what it is sent.
async fn expected_answers<W: World>(
    seen: &Seen<'_, W>,
    plan: &FieldPlan,
) -> Result<BTreeMap<String, FieldBase>, ConnectorError> {
    let environment = seen.environment;
    let object = environment.context.spec.object(environment.direction.target());
    let blanks = plan.settled.keys().map(|name| (name.clone(), Value::Text(String::new())));
    let mut fields: Fields = blanks.collect();
    fields.extend(plan.writes.iter().map(|(name, value)| (name.to_owned(), value.clone())));
    let mut record = Record {
        reference: RecordRef::new(environment.target.system(), &object, ""),
        fields,
        modified: None,
        last_writer: Writer::Us,
        related: Related::default(),
    };
    look_up(environment, environment.direction.reverse(), &mut record, &[]).await?;
    let reverse = environment.context.map(environment.direction.reverse());
    let id_field = environment.context.spec.id_field(environment.direction.source());
    let projection = project(reverse, &record, &seen.source_schema, environment.clock.now());
    // A field that is made of what was written, and is no partner of it, travels by its own notice.
    // A constant, which is for records that come from there, does not travel at all.
    let settles = |y: &String| {
        let partner =
            || plan.settled.keys().any(|x| environment.context.are_partners(environment.direction, x, y));
        y != id_field && (reverse.rule(y).is_some_and(|rule| rule.constant) || partner())
    };
    let settled = projection.fields.into_iter().filter(|(y, _)| settles(y));
    Ok(settled.map(|(y, projected)| (y, projected.base)).collect())
}

/// The natural key of the record to be: the first that is not blank.
pub(crate) fn natural_key<W: World>(seen: &Seen<'_, W>, source: &Record) -> Option<NaturalKey> {
    let spec = seen.environment.context.spec;
    let side = seen.environment.direction.target();
    spec.natural_keys(side).into_iter().find_map(|(target_field, source_field)| {
        let value = source.fields.text(source_field)?.trim().to_lowercase();
        if value.is_empty() {
            return None;
        }
        Some(NaturalKey {
            system: seen.environment.target.system().clone(),
            object: spec.object(side),
            key: if broken(Break::ClaimKeyPerPair) {
                let pair = &seen.environment.context.pair;
                Fingerprint::of(&Value::Text(format!("{pair} {target_field}={value}")))
            } else {
                Fingerprint::of(&Value::Text(format!("{target_field}={value}")))
            },
        })
    })
}

/// A refused creation is remembered on the source record, and parked with the system's words.
async fn refused<W: World>(
    seen: &Seen<'_, W>,
    source: &Record,
    version: u64,
    key: Option<NaturalKey>,
    message: String,
    fields: BTreeMap<String, String>,
) -> Result<Option<Report>, PushError> {
    let environment = seen.environment;
    let projection = projection_of(seen, source);
    let mut state = unleased(&seen.states.source, version);
    let fingerprint = projection.fingerprint(environment.context.map(environment.direction));
    state.refused_creates.insert(environment.context.pair.to_string(), fingerprint);
    let mut parked = parked_change(environment, seen.notice, "refused", message);
    parked.fields = fields;
    let settlement = Settlement {
        states: vec![(source.reference.clone(), state)],
        parked: vec![parked],
        key_released: key.map(|key| (key, source.reference.clone())),
        ..Settlement::default()
    };
    environment.store.settle(&settlement).await?;
    Ok(Some(report("parked", "refused", seen.notice, None)))
}

fn projection_of<W: World>(seen: &Seen<'_, W>, source: &Record) -> Projection {
    project(
        seen.environment.context.map(seen.environment.direction),
        source,
        &seen.target_schema,
        seen.environment.clock.now(),
    )
}

async fn settle_created<W: World>(
    seen: &Seen<'_, W>,
    source: &Record,
    mut plan: FieldPlan,
    mut created: Record,
    version: u64,
    key: Option<NaturalKey>,
) -> Result<Option<Report>, PushError> {
    let environment = seen.environment;
    let (context, direction) = (environment.context, environment.direction);
    look_up(environment, direction.reverse(), &mut created, &[&source.related]).await?;
    let receipt = &seen.notice.receipt;
    let missing = unconfirmed(context, direction, &mut plan, &created, &seen.target_schema);
    let mut link: Link = new_link(environment, direction, &source.reference, &created.reference, receipt);
    let fields: Vec<String> = plan.writes.names().map(str::to_owned).collect();
    // Everything that the map makes was dealt with: what is blank here is blank there.
    let all: Vec<String> = plan.settled.keys().cloned().collect();
    translate_answer(environment, direction, &all, &mut created, &seen.target_schema).await?;
    let created = created;
    let written = Written { settled: plan.settled.clone(), fields: all, pending: Vec::new(), created: true };
    settle_bases(
        context,
        direction,
        &mut link.bases,
        &written,
        &created,
        &seen.source_schema,
        environment.clock.now(),
    );
    let back = write_back_of(seen, source, &created);
    if let Some(back) = back.as_ref().filter(|b| b.already_there)
        && let Some((field, base)) = id_base(context, direction.reverse(), &back.value, &seen.source_schema)
    {
        link.bases.of_mut(direction.reverse()).insert(field, base);
    }
    let mut source_state = unleased(&seen.states.source, version);
    source_state.refused_creates.remove(&context.pair.to_string());
    // The lease for writing the id back is taken together with the settlement, in place of the one for the creation.
    let unwritten = back.filter(|back| !back.already_there);
    let prepared = unwritten.and_then(|back| Some((back.field, write_back::prepare(seen, &link.id, &back)?)));
    let lease = prepared.as_ref().map(|(_, prepared)| prepared.lease.clone());
    let mut settlement = Settlement {
        lookups_added: vec![link.hub.clone(), link.remote.clone()],
        states: vec![(source.reference.clone(), RecordState { lease, ..source_state.clone() })],
        history: Some(history(seen, "created", fields.clone(), Vec::new())),
        key_released: key
            .filter(|_| broken(Break::GiveTheKeyBack))
            .map(|key| (key, source.reference.clone())),
        ..Settlement::default()
    };
    park_unfit(seen, &mut settlement, &mut link, &plan);
    settlement.link = Some(link.clone());
    if environment.direction.target() == Side::Hub {
        tell_other_pairs(environment, receipt, &created.reference).await?;
    }
    if !missing.is_empty() {
        announce_again(seen, source).await?;
    }
    let mut own_writes = RecordState::default();
    remember_own_writes(&mut own_writes, &fields, &created, plan.edited_at);
    if settle_with_new(seen, settlement, &created.reference, own_writes).await? == Settled::Conflict {
        // The lease on the source ends by itself; matching then finds the record by the id that it carries.
        return Ok(None);
    }
    link.version += 1;
    if let Some((id_field, prepared)) = prepared {
        let leased = (&source_state, source_state.version + 1);
        write_claimed_id(seen, link, &source.reference, leased, id_field, prepared).await?;
    }
    let mut done = report("created", "", seen.notice, Some(created.reference.clone()));
    done.fields = fields;
    Ok(Some(done))
}

/// Settles a creation, with the state of the new record.
///
/// Nobody has a state of a record that is just made, but for another pair that has found it already and has written it, or
/// is about to: its lease is its own, and what is known of its times is that pair's to say.
async fn settle_with_new<W: World>(
    seen: &Seen<'_, W>,
    settlement: Settlement,
    created: &RecordRef,
    own_writes: RecordState,
) -> Result<Settled, PushError> {
    let store = seen.environment.store;
    let with = |state: RecordState| {
        let mut settlement = settlement.clone();
        settlement.states.push((created.clone(), state));
        settlement
    };
    let settled = store.settle(&with(own_writes)).await?;
    if settled == Settled::Yes || broken(Break::SettleCreationsOnce) {
        return Ok(settled);
    }
    let state = store.state(created).await?;
    if (state.lease.is_none() || broken(Break::ClearAnyLease))
        && store.settle(&with(RecordState { lease: None, ..state })).await? == Settled::Yes
    {
        return Ok(Settled::Yes);
    }
    Ok(store.settle(&settlement).await?)
}

fn write_back_of<W: World>(seen: &Seen<'_, W>, source: &Record, created: &Record) -> Option<WriteBack> {
    crate::decide::write_back_of(
        seen.environment.context,
        seen.environment.direction,
        None,
        source,
        created,
        (&seen.source_schema, seen.now()),
    )
}
