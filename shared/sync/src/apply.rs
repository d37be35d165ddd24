//! Apply: carries out a plan. Claim, write, settle, in this order.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{
    Bases, Breaker, Direction, FieldBase, Fields, Fingerprint, HistoryEntry, Intent, IntentField, Lease,
    Link, LinkStatus, Lost, Notice, NoticeKind, ParkedChange, RecordRef, RecordState, Side,
};

use crate::create;
use crate::decide::{SourceNow, TargetNow};
use crate::error::ConnectorError;
use crate::plan::{FieldPlan, LinkChange, ParkReason, Plan, WriteBack};
use crate::ports::{
    ChangeQueue, Claimed, Clock, Connector, Reading, Record, Schema, Settled, Settlement, StateStore,
};
use crate::project::stored;
use crate::push::{Environment, PushError, Report, Seen, World, parked_change, report};
use crate::settings::PairSettings;
use crate::settle::{
    Written, changed_link, forget_refusals, id_base, remember_own_writes, remember_refusals, settle_bases,
    settled_without_write, written_of_intent,
};

/// How long to wait before looking whether a write whose answer was lost was done.
const DOUBT_PAUSE: Duration = Duration::from_millis(700);

/// Carries out a plan. `None`: somebody was faster; read everything again.
pub(crate) async fn apply<W: World>(seen: &Seen<'_, W>, plan: Plan) -> Result<Option<Report>, PushError> {
    let target = target_reference(seen);
    match plan {
        Plan::Skip(reason) => Ok(Some(report("skipped", reason.code(), seen.notice, target))),
        Plan::Park(reason) => park(seen, &reason).await,
        Plan::Unlink { gone, park } => unlink(seen, gone, park.as_ref()).await,
        Plan::MarkDeleted { gone, marks } => mark_deleted(seen, gone, &marks).await,
        Plan::Create { fields } => create::create(seen, fields).await,
        Plan::Update { fields, link, write_back } => update(seen, fields, link, write_back).await,
    }
}

/// The target record of this round.
fn target_record<'a, W: World>(seen: &'a Seen<'_, W>) -> Option<&'a Record> {
    match &seen.target {
        TargetNow::Linked(record) | TargetNow::Matched(record) => Some(record),
        TargetNow::MergedInto { survivor: record, .. } | TargetNow::Inherited { target: record, .. } => {
            Some(record)
        }
        TargetNow::Gone { successor } => successor.as_ref(),
        TargetNow::Ambiguous(_) | TargetNow::Taken { .. } | TargetNow::Nobody => None,
    }
}

fn target_reference<W: World>(seen: &Seen<'_, W>) -> Option<RecordRef> {
    let linked = seen.link.as_ref().map(|l| l.record(seen.environment.direction.target()).clone());
    target_record(seen).map(|r| r.reference.clone()).or(linked)
}

/// The source record of this round: a survivor stands for the record that was merged into it.
fn source_record<'a, W: World>(seen: &'a Seen<'_, W>) -> Option<&'a Record> {
    match &seen.source {
        SourceNow::Found(record) | SourceNow::MergedInto { survivor: record, .. } => Some(record),
        SourceNow::Gone => None,
    }
}

/// A lease that this push takes.
pub(crate) fn lease<W: World>(environment: &Environment<'_, W>, notice: &Notice, intent: Intent) -> Lease {
    let now = environment.clock.now();
    let until = now + jiff::SignedDuration::try_from(environment.lease).unwrap_or_default();
    Lease { holder: format!("{}@{now}", notice.receipt), until, intent }
}

/// The state of a record once its lease is given back.
pub(crate) fn unleased(state: &RecordState, version: u64) -> RecordState {
    RecordState { version, lease: None, ..state.clone() }
}

/// Gives a lease back without anything settled.
pub(crate) async fn release<W: World>(
    environment: &Environment<'_, W>,
    record: &RecordRef,
    state: &RecordState,
    version: u64,
) -> Result<(), PushError> {
    let states = vec![(record.clone(), unleased(state, version))];
    environment.store.settle(&Settlement { states, ..Settlement::default() }).await?;
    Ok(())
}

async fn park<W: World>(seen: &Seen<'_, W>, reason: &ParkReason) -> Result<Option<Report>, PushError> {
    let (code, message) = park_text(reason);
    let parked = parked_change(seen.environment, seen.notice, code, message);
    let settlement = Settlement { parked: vec![parked], ..Settlement::default() };
    seen.environment.store.settle(&settlement).await?;
    Ok(Some(report("parked", code, seen.notice, target_reference(seen))))
}

/// The code and the words of a park reason.
fn park_text(reason: &ParkReason) -> (&'static str, String) {
    let names = |records: &[RecordRef]| records.iter().map(RecordRef::key).collect::<Vec<_>>().join(", ");
    match reason {
        ParkReason::Ambiguous { candidates } => (
            "ambiguous",
            format!(
                "several records could be meant: {}; merge them or link one by its id, then redrive",
                names(candidates)
            ),
        ),
        ParkReason::Taken { candidate, by } => (
            "candidate_taken",
            format!(
                "{candidate} is the only match and belongs to {by}; merge the two, or give one another e-mail or name, then redrive"
            ),
        ),
        ParkReason::MergedIntoLinked { survivor, linked_to, left_over } => (
            "merged_into_linked",
            format!(
                "merged into {survivor}, which is linked to {linked_to}: {left_over} stands for the same one; merge the two records"
            ),
        ),
    }
}

fn history<W: World>(
    seen: &Seen<'_, W>,
    outcome: &str,
    fields: Vec<String>,
    lost: Vec<Lost>,
) -> HistoryEntry {
    HistoryEntry {
        at: seen.environment.clock.now(),
        receipt: seen.notice.receipt.clone(),
        direction: seen.environment.direction,
        outcome: outcome.to_owned(),
        fields,
        lost,
    }
}

async fn unlink<W: World>(
    seen: &Seen<'_, W>,
    gone: Side,
    park: Option<&ParkReason>,
) -> Result<Option<Report>, PushError> {
    let Some(link) = &seen.link else { return Ok(None) };
    let mut settlement = tombstone(seen, link, gone, "unlinked");
    if let Some(reason) = park {
        let (code, message) = park_text(reason);
        settlement.parked.push(parked_change(seen.environment, seen.notice, code, message));
    }
    settled(seen, &settlement, report("unlinked", "", seen.notice, target_reference(seen))).await
}

/// The settlement that makes a link a tombstone.
fn tombstone<W: World>(seen: &Seen<'_, W>, link: &Link, gone: Side, outcome: &str) -> Settlement {
    let since = seen.environment.clock.now();
    let link = Link { status: LinkStatus::Tombstone { gone, since }, ..link.clone() };
    let history = Some(history(seen, outcome, Vec::new(), Vec::new()));
    Settlement { link: Some(link), history, ..Settlement::default() }
}

async fn settled<W: World>(
    seen: &Seen<'_, W>,
    settlement: &Settlement,
    report: Report,
) -> Result<Option<Report>, PushError> {
    match seen.environment.store.settle(settlement).await? {
        Settled::Yes => Ok(Some(report)),
        Settled::Conflict => Ok(None),
    }
}

/// Marks the record that is left. The mark of a source record is written to the source system.
async fn mark_deleted<W: World>(
    seen: &Seen<'_, W>,
    gone: Side,
    marks: &Fields,
) -> Result<Option<Report>, PushError> {
    let environment = seen.environment;
    let Some(link) = &seen.link else { return Ok(None) };
    let hour = environment.clock.now().round(jiff::Unit::Hour).unwrap_or_else(|_| environment.clock.now());
    let count = environment.store.count_delete(&environment.context.pair, hour).await?;
    if count > environment.context.settings.deletes_per_hour {
        let message = format!(
            "delete number {count} of this pair in this hour: the brake is on. If these deletes are meant, raise \
             deletes_per_hour and redrive the parked changes; if not, look at what deletes records in {}",
            environment.context.pair.system(gone)
        );
        let parked = parked_change(environment, seen.notice, "brake", message);
        let settlement = Settlement { parked: vec![parked], ..Settlement::default() };
        environment.store.settle(&settlement).await?;
        return Ok(Some(report("parked", "brake", seen.notice, target_reference(seen))));
    }
    let marked = link.record(gone.other()).clone();
    let on_target = gone.other() == environment.direction.target();
    let state = if on_target { &seen.states.target } else { &seen.states.source };
    let intent = Intent::Write {
        link: link.id.clone(),
        direction: environment.direction,
        fields: BTreeMap::new(),
        pending: Vec::new(),
        edited_at: None,
    };
    let claimed =
        environment.store.claim(&marked, state.version, &lease(environment, seen.notice, intent)).await?;
    let Claimed::Yes { version } = claimed else { return Ok(None) };
    let answer = if on_target {
        environment.target.update(&marked, marks).await
    } else {
        environment.source.update(&marked, marks).await
    };
    match answer {
        Ok(_) | Err(ConnectorError::Gone) => {}
        Err(error @ ConnectorError::Doubtful { .. }) => return Err(error.into()),
        Err(error) => {
            release(environment, &marked, state, version).await?;
            return Err(error.into());
        }
    }
    let mut settlement = tombstone(seen, link, gone, "marked_deleted");
    settlement.states.push((marked.clone(), unleased(state, version)));
    let mut done = report("marked_deleted", "", seen.notice, Some(marked));
    done.fields = marks.names().map(str::to_owned).collect();
    settled(seen, &settlement, done).await
}

/// A new link between the two records of a push.
pub(crate) fn new_link<W: World>(
    environment: &Environment<'_, W>,
    direction: Direction,
    source: &RecordRef,
    target: &RecordRef,
    receipt: &str,
) -> Link {
    let (hub, remote) = if direction.target() == Side::Hub { (target, source) } else { (source, target) };
    // Made once, from what it joins and the notice that joined it.
    let made_of = format!("{}|{hub}|{remote}|{receipt}", environment.context.pair);
    Link {
        id: Fingerprint::of_bytes(made_of.as_bytes()).as_str().to_owned(),
        version: 0,
        pair: environment.context.pair.clone(),
        hub: hub.clone(),
        remote: remote.clone(),
        status: LinkStatus::Active,
        bases: Bases::default(),
        refused: Vec::new(),
        breaker: None,
    }
}

/// Counts a write of a link; `None` when it is one too many.
fn counted(link: &Link, settings: &PairSettings, now: jiff::Timestamp) -> Option<Breaker> {
    let window = jiff::SignedDuration::try_from(PairSettings::BREAKER_WINDOW).unwrap_or_default();
    let breaker = match &link.breaker {
        Some(breaker) if now.duration_since(breaker.since) < window => {
            Breaker { since: breaker.since, writes: breaker.writes + 1 }
        }
        _ => Breaker { since: now, writes: 1 },
    };
    (breaker.writes <= settings.writes_per_link).then_some(breaker)
}

/// What came of a write to the target.
struct WriteResult {
    answer: Record,
    written: Vec<String>,
    refused: BTreeMap<String, String>,
}

async fn update<W: World>(
    seen: &Seen<'_, W>,
    plan: FieldPlan,
    change: LinkChange,
    write_back: Option<WriteBack>,
) -> Result<Option<Report>, PushError> {
    let environment = seen.environment;
    let (Some(source), Some(target)) = (source_record(seen), target_record(seen)) else { return Ok(None) };
    let held = match (&seen.link, &seen.target) {
        (Some(link), _) | (None, TargetNow::Inherited { link, .. }) => Some(link),
        (None, _) => None,
    };
    let mut link = match held {
        Some(link) => changed_link(link, &change),
        None => new_link(
            environment,
            environment.direction,
            &source.reference,
            &target.reference,
            &seen.notice.receipt,
        ),
    };
    let mut settlement = Settlement::default();
    moved_lookups(&mut settlement, held, &link);
    let mut states = vec![];
    let mut written = Vec::new();

    if !plan.writes.is_empty() {
        let Some(breaker) = counted(&link, &environment.context.settings, environment.clock.now()) else {
            return trip(seen, held).await;
        };
        link.breaker = Some(breaker);
        let (answer, version) = match write_claimed(seen, &plan, &link, target).await? {
            Some(done) => done,
            None => return Ok(None),
        };
        let mut state = unleased(&seen.states.target, version);
        remember_own_writes(&mut state, &answer.written, &answer.answer, plan.edited_at);
        states.push((target.reference.clone(), state));
        let facts = Written {
            settled: plan
                .settled
                .iter()
                .filter(|(x, _)| answer.written.contains(x))
                .map(|(x, b)| (x.clone(), b.clone()))
                .collect(),
            fields: answer.written.clone(),
            pending: plan.pending.clone(),
        };
        settle_bases(
            environment.context,
            environment.direction,
            &mut link.bases,
            &facts,
            &answer.answer,
            &seen.source_schema,
        );
        forget_refusals(&mut link, environment.direction, &facts.settled);
        refuse(seen, &mut settlement, &mut link, &plan, &answer.refused);
        written = answer.written;
    }
    let already = settled_without_write(&plan);
    forget_refusals(&mut link, environment.direction, &already);
    link.bases.of_mut(environment.direction).extend(already);
    link.bases.of_mut(environment.direction.reverse()).extend(plan.settled_reverse.clone());
    park_unfit(seen, &mut settlement, &mut link, &plan);
    if let Some(back) = write_back.as_ref().filter(|b| b.already_there)
        && let Some((field, base)) =
            id_base(environment.context, environment.direction.reverse(), &back.value, &seen.source_schema)
    {
        link.bases.of_mut(environment.direction.reverse()).insert(field, base);
    }

    let outcome = if !written.is_empty() {
        "updated"
    } else if held.is_none() {
        "linked"
    } else {
        "settled"
    };
    announce(seen, &target.reference, &plan, &written).await?;
    let unchanged = held == Some(&link) && states.is_empty();
    settlement.states = states;
    if !unchanged {
        settlement.history = Some(history(seen, outcome, written.clone(), plan.lost.clone()));
        settlement.link = Some(link.clone());
        if environment.store.settle(&settlement).await? == Settled::Conflict {
            return resettle(seen, settlement, &plan, &written).await;
        }
        link.version += 1;
    }
    if let Some(back) = write_back.filter(|b| !b.already_there) {
        write_id_back(seen, link, &source.reference, &seen.states.source, &back).await?;
    }
    let mut done =
        report(outcome, if unchanged { "pending" } else { "" }, seen.notice, Some(target.reference.clone()));
    done.fields = written;
    Ok(Some(done))
}

/// Which records find the link now, and which no longer do.
fn moved_lookups(settlement: &mut Settlement, held: Option<&Link>, link: &Link) {
    for side in [Side::Hub, Side::Remote] {
        let now = link.record(side);
        match held.map(|l| l.record(side)) {
            Some(before) if before == now => {}
            Some(before) => {
                settlement.lookups_removed.push(before.clone());
                settlement.lookups_added.push(now.clone());
            }
            None => settlement.lookups_added.push(now.clone()),
        }
    }
}

/// Claims the target, writes, and gives back the answer with the version that the claim made.
async fn write_claimed<W: World>(
    seen: &Seen<'_, W>,
    plan: &FieldPlan,
    link: &Link,
    target: &Record,
) -> Result<Option<(WriteResult, u64)>, PushError> {
    let environment = seen.environment;
    let mut fields = BTreeMap::new();
    for (name, _) in plan.writes.iter() {
        let before = Fingerprint::of(&stored(target, name, &seen.target_schema));
        // A mark that is taken away has no projection of its own; it needs no base.
        if let Some(projection) = plan.settled.get(name) {
            fields.insert(name.to_owned(), IntentField { projection: projection.clone(), before });
        }
    }
    let intent = Intent::Write {
        link: link.id.clone(),
        direction: environment.direction,
        fields,
        pending: plan.pending.clone(),
        edited_at: plan.edited_at,
    };
    let lease = lease(environment, seen.notice, intent);
    let claimed = environment.store.claim(&target.reference, seen.states.target.version, &lease).await?;
    let Claimed::Yes { version } = claimed else { return Ok(None) };
    match write(seen, plan, &target.reference, &lease).await {
        Ok(result) => Ok(Some((result, version))),
        // The lease stays: whether the write was done is found out when it has ended.
        Err(ConnectorError::Doubtful { .. }) => Err(PushError::Busy { until: lease.until }),
        Err(ConnectorError::Gone) => {
            release(environment, &target.reference, &seen.states.target, version).await?;
            Ok(None)
        }
        Err(error) => {
            release(environment, &target.reference, &seen.states.target, version).await?;
            Err(error.into())
        }
    }
}

/// Writes, leaving out what the target refuses by name.
async fn write<W: World>(
    seen: &Seen<'_, W>,
    plan: &FieldPlan,
    target: &RecordRef,
    lease: &Lease,
) -> Result<WriteResult, ConnectorError> {
    let environment = seen.environment;
    let mut writes = plan.writes.clone();
    let mut refused: BTreeMap<String, String> = BTreeMap::new();
    loop {
        match environment.target.update(target, &writes).await {
            Ok(answer) => {
                let written = writes.names().map(str::to_owned).collect();
                return Ok(WriteResult { answer, written, refused });
            }
            Err(ConnectorError::Rejected { message, fields }) => {
                let named: Vec<(String, String)> =
                    fields.into_iter().filter(|(name, _)| writes.contains(name)).collect();
                if named.is_empty() {
                    refused.extend(writes.names().map(|name| (name.to_owned(), message.clone())));
                    writes = Fields::default();
                }
                for (name, words) in named {
                    writes.remove(&name);
                    refused.insert(name, words);
                }
                if writes.is_empty() {
                    let Some(answer) = target_record(seen).cloned() else { return Err(ConnectorError::Gone) };
                    return Ok(WriteResult { answer, written: Vec::new(), refused });
                }
            }
            Err(doubt @ ConnectorError::Doubtful { .. }) => {
                environment.clock.sleep(DOUBT_PAUSE).await;
                let Reading::Found(found) = environment.target.read(target).await? else { return Err(doubt) };
                let Some(facts) = written_of_intent(&lease.intent, &found, &seen.target_schema) else {
                    return Err(doubt);
                };
                if writes.names().all(|name| facts.fields.iter().any(|f| f == name)) {
                    return Ok(WriteResult { answer: found, written: facts.fields, refused });
                }
                return Err(doubt);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Remembers and parks what the target refused.
fn refuse<W: World>(
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

/// Tells the other direction what is left for it, and the other pairs of a coreBOS record that it was written.
///
/// Before the settlement, so that nothing is lost in between: a notice too many does no harm.
async fn announce<W: World>(
    seen: &Seen<'_, W>,
    target: &RecordRef,
    plan: &FieldPlan,
    written: &[String],
) -> Result<(), PushError> {
    let environment = seen.environment;
    let now = environment.clock.now();
    let notice = |suffix: &str| Notice {
        record: target.clone(),
        kind: NoticeKind::Saved,
        receipt: format!("{}>{suffix}", seen.notice.receipt),
        received_at: now,
        modified_at: None,
    };
    let source_system = environment.source.system();
    let reverse = environment.context.operations(environment.direction.reverse());
    if plan.leftovers && reverse.update && environment.queue.reaches(source_system) {
        environment.queue.send(source_system, &[notice("left")]).await?;
    }
    if written.is_empty() || environment.direction.target() != Side::Hub {
        return Ok(());
    }
    for remote in environment.other_remotes.iter().filter(|remote| environment.queue.reaches(remote)) {
        environment.queue.send(remote, &[notice(&remote.to_string())]).await?;
    }
    Ok(())
}

/// Tells the other pairs of a coreBOS record that it was created.
pub(crate) async fn announce_created<W: World>(
    seen: &Seen<'_, W>,
    target: &RecordRef,
) -> Result<(), PushError> {
    announce(seen, target, &FieldPlan::default(), &["id".to_owned()]).await
}

/// Somebody settled the link between our read and our settlement, although the write was done under our lease:
/// what was written is a fact, and is put onto the link as it is now.
async fn resettle<W: World>(
    seen: &Seen<'_, W>,
    settlement: Settlement,
    plan: &FieldPlan,
    written: &[String],
) -> Result<Option<Report>, PushError> {
    let environment = seen.environment;
    let Some(ours) = settlement.link.clone().filter(|l| l.version > 0 && !written.is_empty()) else {
        // Nothing was written, or the link itself was new: begin again.
        for (record, state) in &settlement.states {
            environment
                .store
                .settle(&Settlement {
                    states: vec![(record.clone(), state.clone())],
                    ..Settlement::default()
                })
                .await?;
        }
        return Ok(None);
    };
    let Some(mut fresh) = environment.store.link(&ours.id).await? else { return Ok(None) };
    let direction = environment.direction;
    for x in written {
        if let Some(base) = plan.settled.get(x) {
            fresh.bases.of_mut(direction).insert(x.clone(), base.clone());
        }
        let partners: Vec<_> = ours
            .bases
            .of(direction.reverse())
            .iter()
            .filter(|(y, _)| environment.context.are_partners(direction, x, y) && !plan.pending.contains(y))
            .map(|(y, b)| (y.clone(), b.clone()))
            .collect();
        fresh.bases.of_mut(direction.reverse()).extend(partners);
    }
    fresh.breaker.clone_from(&ours.breaker);
    // Whatever else the plan meant to settle is decided afresh in the next round.
    let again = Settlement {
        link: Some(fresh),
        lookups_added: Vec::new(),
        lookups_removed: Vec::new(),
        ..settlement
    };
    environment.store.settle(&again).await?;
    Ok(None)
}

async fn trip<W: World>(seen: &Seen<'_, W>, held: Option<&Link>) -> Result<Option<Report>, PushError> {
    let Some(link) = held else { return Ok(None) };
    let since = seen.environment.clock.now();
    let message = format!(
        "{} and {} were written more than {} times in {} minutes; something outside keeps changing them. Find out \
         what, then redrive: the link is mended by redriving",
        link.hub,
        link.remote,
        seen.environment.context.settings.writes_per_link,
        PairSettings::BREAKER_WINDOW.as_secs() / 60
    );
    let settlement = Settlement {
        link: Some(Link { status: LinkStatus::Broken { since }, ..link.clone() }),
        history: Some(history(seen, "broken", Vec::new(), Vec::new())),
        parked: vec![parked_change(seen.environment, seen.notice, "breaker", message)],
        ..Settlement::default()
    };
    settled(seen, &settlement, report("parked", "breaker", seen.notice, target_reference(seen))).await
}

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
    let value = match seen.source_schema.canonical(back.field, &model::Value::Text(back.value.clone())) {
        crate::ports::Canonical::Value(value) => value,
        _ => return release(environment, source, state, version).await,
    };
    let values: Fields = [(back.field, value)].into_iter().collect();
    let mut settlement = Settlement::default();
    let mut after = unleased(state, version);
    match environment.source.update(source, &values).await {
        Ok(answer) => {
            link.bases.of_mut(reverse).insert(field, base);
            let edited_at = source_record(seen).and_then(|record| record.modified);
            remember_own_writes(&mut after, &[back.field.to_owned()], &answer, edited_at);
        }
        Err(ConnectorError::Rejected { message, fields }) => {
            let words = fields.get(back.field).cloned().unwrap_or(message);
            remember_refusals(&mut link, reverse, &BTreeMap::from([(field, base)]));
            settlement.parked.push(parked_change(environment, seen.notice, "id_refused", words));
        }
        Err(ConnectorError::Doubtful { .. }) => return Err(PushError::Busy { until: lease.until }),
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
