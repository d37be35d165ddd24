//! Apply: carries out a plan. Claim, write, settle, in this order.

use std::collections::BTreeMap;

use model::{
    Bases, Direction, Fields, Fingerprint, HistoryEntry, Intent, Lease, Link, LinkStatus, Lost, Notice,
    RecordRef, RecordState, Side,
};

use crate::create;
use crate::decide::{SourceNow, TargetNow};
use crate::error::ConnectorError;
use crate::plan::{ParkReason, Plan};
use crate::ports::{Claimed, Clock, Connector, Record, Settled, Settlement, StateStore};
use crate::push::{Environment, PushError, Report, Seen, World, parked_change, report};
use crate::update;

/// Carries out a plan. `None`: somebody was faster; read everything again.
pub(crate) async fn apply<W: World>(seen: &Seen<'_, W>, plan: Plan) -> Result<Option<Report>, PushError> {
    let target = target_reference(seen);
    match plan {
        Plan::Skip(reason) => Ok(Some(report("skipped", reason.code(), seen.notice, target))),
        Plan::Park(reason) => park(seen, &reason).await,
        Plan::Unlink { gone, park } => unlink(seen, gone, park.as_ref()).await,
        Plan::MarkDeleted { gone, marks } => mark_deleted(seen, gone, &marks).await,
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
pub(crate) fn park_text(reason: &ParkReason) -> (&'static str, String) {
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

/// Marks the record that is left. The mark of a source record is written to the source system.
async fn mark_deleted<W: World>(
    seen: &Seen<'_, W>,
    gone: Side,
    marks: &Fields,
) -> Result<Option<Report>, PushError> {
    let environment = seen.environment;
    let Some(link) = &seen.link else { return Ok(None) };
    let count = environment.store.count_delete(&environment.context.pair, environment.clock.now()).await?;
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
