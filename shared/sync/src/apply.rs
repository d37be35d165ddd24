//! Apply: carries out a plan. Claim, write, settle, in this order.

use std::collections::BTreeMap;

use model::{
    Bases, Direction, Fields, Fingerprint, HistoryEntry, Intent, Lease, Link, LinkStatus, Lost, Notice,
    RecordRef, RecordState, Side,
};

use crate::create;
use crate::decide::{SourceNow, TargetNow};
use crate::error::ConnectorError;
use crate::plan::{ParkReason, Plan, SkipReason};
use crate::ports::{Claimed, Clock, Connector, Record, Settled, Settlement, StateStore};
use crate::push::{Environment, PushError, Report, Seen, World, parked_change, report};
use crate::sabotage::{Break, broken};
use crate::update;

/// Carries out a plan. `None`: somebody was faster; read everything again.
pub(crate) async fn apply<W: World>(seen: &mut Seen<'_, W>, plan: Plan) -> Result<Option<Report>, PushError> {
    let target = target_reference(seen);
    match plan {
        Plan::Skip(reason) => Ok(Some(report("skipped", reason.code(), seen.notice, target))),
        Plan::Park(reason) => park(seen, &reason).await,
        Plan::Unlink { gone, park } => unlink(seen, gone, park.as_ref()).await,
        Plan::MarkDeleted { gone, marks, park } => {
            say_goodbye(seen, gone, Farewell::Marks(&marks), park.as_ref()).await
        }
        Plan::Archive => say_goodbye(seen, Side::Hub, Farewell::Archive, None).await,
        Plan::Pause => pause(seen).await,
        Plan::Forget => forget(seen).await,
        Plan::Create { fields } => create::create(seen, fields).await,
        Plan::Update { fields, link, write_back } => update::update(seen, fields, link, write_back).await,
    }
}

/// The target record of this round.
pub(crate) fn target_record<'a, W: World>(seen: &'a Seen<'_, W>) -> Option<&'a Record> {
    match &seen.target {
        TargetNow::Linked(record) | TargetNow::Matched(record) => Some(record),
        TargetNow::MergedInto { survivor: record, .. } | TargetNow::Inherited { target: record, .. } => {
            Some(record)
        }
        TargetNow::Gone { successor } => successor.as_ref(),
        TargetNow::Ambiguous(_) | TargetNow::Taken { .. } | TargetNow::Nobody => None,
    }
}

pub(crate) fn target_reference<W: World>(seen: &Seen<'_, W>) -> Option<RecordRef> {
    let linked = seen.link.as_ref().map(|l| l.record(seen.environment.direction.target()).clone());
    target_record(seen).map(|r| r.reference.clone()).or(linked)
}

/// The source record of this round: a survivor stands for the record that was merged into it.
pub(crate) fn source_record<'a, W: World>(seen: &'a Seen<'_, W>) -> Option<&'a Record> {
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
pub fn park_text(reason: &ParkReason) -> (&'static str, String) {
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

pub(crate) fn history<W: World>(
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
        refused: Vec::new(),
        received_at: Some(seen.notice.received_at),
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
    park_too(seen, &mut settlement, park);
    settled(seen, &settlement, report("unlinked", "", seen.notice, target_reference(seen))).await
}

/// The settlement that makes a link a tombstone.
pub(crate) fn tombstone<W: World>(seen: &Seen<'_, W>, link: &Link, gone: Side, outcome: &str) -> Settlement {
    let since = seen.environment.clock.now();
    let link = Link { status: LinkStatus::Tombstone { gone, since }, ..link.clone() };
    let history = Some(history(seen, outcome, Vec::new(), Vec::new()));
    Settlement { link: Some(link), history, ..Settlement::default() }
}

pub(crate) async fn settled<W: World>(
    seen: &Seen<'_, W>,
    settlement: &Settlement,
    report: Report,
) -> Result<Option<Report>, PushError> {
    match seen.environment.store.settle(settlement).await? {
        Settled::Yes => Ok(Some(report)),
        Settled::Conflict => Ok(None),
    }
}

/// What a record gets whose partner is gone.
#[derive(Clone, Copy)]
enum Farewell<'a> {
    /// These values.
    Marks(&'a Fields),
    /// A place in the recycle bin of its system.
    Archive,
}

async fn done_to<C: Connector>(
    system: &C,
    record: &RecordRef,
    farewell: Farewell<'_>,
) -> Result<(), ConnectorError> {
    match farewell {
        Farewell::Marks(marks) => match system.update(record, marks).await {
            Ok(_) | Err(ConnectorError::Gone) => Ok(()),
            Err(error) => Err(error),
        },
        Farewell::Archive => system.archive(record).await,
    }
}

/// Marks or archives the record that is left. The mark of a source record is written to the source system.
async fn say_goodbye<W: World>(
    seen: &Seen<'_, W>,
    gone: Side,
    farewell: Farewell<'_>,
    park: Option<&ParkReason>,
) -> Result<Option<Report>, PushError> {
    let environment = seen.environment;
    let Some(link) = &seen.link else { return Ok(None) };
    let count = environment.store.count_delete(&environment.context.pair, environment.clock.now()).await?;
    if count > environment.context.settings.deletes_per_hour && !broken(Break::NoBrake) {
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
        // Towards the record that is marked, which may be the one that the notice is about.
        direction: if on_target || broken(Break::MarkTheWrongWay) {
            environment.direction
        } else {
            environment.direction.reverse()
        },
        fields: BTreeMap::new(),
        pending: Vec::new(),
        edited_at: None,
    };
    let claimed =
        environment.store.claim(&marked, state.version, &lease(environment, seen.notice, intent)).await?;
    let Claimed::Yes { version } = claimed else { return Ok(None) };
    let answer = if on_target {
        done_to(environment.target, &marked, farewell).await
    } else {
        done_to(environment.source, &marked, farewell).await
    };
    match answer {
        Ok(()) => {}
        // It was merged meanwhile: what becomes of the survivor is another decision.
        Err(ConnectorError::Gone) => {
            release(environment, &marked, state, version).await?;
            return Ok(None);
        }
        Err(error @ ConnectorError::Doubtful { .. }) => return Err(error.into()),
        Err(error) => {
            release(environment, &marked, state, version).await?;
            return Err(error.into());
        }
    }
    let (outcome, fields) = match farewell {
        Farewell::Marks(marks) => ("marked_deleted", marks.names().map(str::to_owned).collect()),
        Farewell::Archive => ("archived", Vec::new()),
    };
    let mut settlement = tombstone(seen, link, gone, outcome);
    settlement.states.push((marked.clone(), unleased(state, version)));
    park_too(seen, &mut settlement, park);
    let mut done = report(outcome, "", seen.notice, Some(marked));
    done.fields = fields;
    settled(seen, &settlement, done).await
}

/// Parks the notice of a push together with what it settles.
fn park_too<W: World>(seen: &Seen<'_, W>, settlement: &mut Settlement, reason: Option<&ParkReason>) {
    if let Some(reason) = reason {
        let (code, message) = park_text(reason);
        settlement.parked.push(parked_change(seen.environment, seen.notice, code, message));
    }
}

/// Lets a link rest with its bases, until its coreBOS record says otherwise.
async fn pause<W: World>(seen: &Seen<'_, W>) -> Result<Option<Report>, PushError> {
    let Some(link) = &seen.link else { return Ok(None) };
    let settlement = Settlement {
        link: Some(Link { paused: !broken(Break::ForgetThePause), ..link.clone() }),
        history: Some(history(seen, "paused", Vec::new(), Vec::new())),
        ..Settlement::default()
    };
    let reason = SkipReason::NotOptedIn.code();
    settled(seen, &settlement, report("skipped", reason, seen.notice, target_reference(seen))).await
}

/// Gives a tombstone up: neither record finds it any more, and the next round begins anew. What was settled goes now, the
/// history when its time has ended: nobody who wants to be forgotten later would find the link.
async fn forget<W: World>(seen: &Seen<'_, W>) -> Result<Option<Report>, PushError> {
    let Some(link) = &seen.link else { return Ok(None) };
    let bare = Link { bases: Bases::default(), refused: Vec::new(), ..link.clone() };
    let settlement = Settlement {
        link: Some(bare),
        lookups_removed: vec![link.hub.clone(), link.remote.clone()],
        history: Some(history(seen, "forgotten", Vec::new(), Vec::new())),
        ..Settlement::default()
    };
    seen.environment.store.settle(&settlement).await?;
    Ok(None)
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
        paused: false,
    }
}
