//! Push: a notice becomes a decision, a write and a settlement.
//!
//! One round reads the states of both records, then the records, decides, claims, writes and settles. Whatever
//! changed in between ends the round, and the next one reads everything again.

use std::time::Duration;

use jiff::Timestamp;
use model::{Direction, Link, LinkStatus, Notice, NoticeKind, ParkedChange, RecordRef, System};

use crate::announce;
use crate::apply;
use crate::associations;
use crate::decide::{SourceNow, States, TargetNow};
use crate::error::{ConnectorError, Disposition, StoreError};
use crate::matching;
use crate::notice_context::NoticeContext;
use crate::pair_map::PairContext;
use crate::ports::{ChangeQueue, Clock, Connector, Reading, Settlement, StateStore};
use crate::reading::{read_both, read_under_state};
use crate::recover;
use crate::related::look_up_both;
use crate::sabotage::{Break, broken};
use crate::settings::PairSettings;
use crate::succession;

pub(crate) use crate::seen::Seen;

/// The systems, the table, the queues and the clock that a push works with.
pub trait World: Send + Sync {
    /// The system that is read.
    type Source: Connector;
    /// The system that is written.
    type Target: Connector;
    /// The table.
    type Store: StateStore;
    /// The queues.
    type Queue: ChangeQueue;
    /// The clock.
    type Clock: Clock;
}

/// Everything that a push needs.
pub struct Environment<'a, W: World> {
    /// The pair.
    pub context: &'a PairContext,
    /// Which way.
    pub direction: Direction,
    /// The system that is read.
    pub source: &'a W::Source,
    /// The system that is written.
    pub target: &'a W::Target,
    /// The table.
    pub store: &'a W::Store,
    /// The queues.
    pub queue: &'a W::Queue,
    /// The clock.
    pub clock: &'a W::Clock,
    /// How long a lease holds: longer than the function may run.
    pub lease: Duration,
    /// The systems of the other pairs of a coreBOS record: told after a write to coreBOS.
    pub other_remotes: &'a [System],
}

/// One delivery of a notice.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

/// What was done, for the log: ids and names of fields, never values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// `created`, `updated`, `settled`, `skipped`, `marked_deleted`, `unlinked`, `parked`.
    pub outcome: &'static str,
    /// Why, where there is a choice.
    pub reason: &'static str,
    /// The source record.
    pub source: RecordRef,
    /// The target record, where one is known.
    pub target: Option<RecordRef>,
    /// The target fields that were written.
    pub fields: Vec<String>,
}

/// What becomes of the notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is dealt with.
    Done(Report),
    /// It stays in the queue.
    Retry {
        /// When to try again at the earliest.
        after: Option<Duration>,
        /// A short code.
        reason: &'static str,
        /// What was seen, without personal data.
        detail: String,
    },
    /// It stays in the queue and an administrator must act.
    Stop {
        /// A short code.
        reason: &'static str,
        /// What is wrong and what to do.
        detail: String,
    },
}

/// Why a round did not come to a decision.
#[derive(Debug)]
pub(crate) enum PushError {
    Connector(ConnectorError),
    Store(StoreError),
    /// Somebody else is writing one of the records.
    Busy {
        until: Timestamp,
    },
    /// A write of our own was not answered, and it cannot be found either: its lease stays until it has ended.
    Unanswered {
        until: Timestamp,
        detail: String,
    },
    /// It is too early.
    Wait {
        after: Duration,
        reason: &'static str,
    },
}

impl From<ConnectorError> for PushError {
    fn from(error: ConnectorError) -> Self {
        Self::Connector(error)
    }
}

impl From<StoreError> for PushError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// How often a push reads again after somebody was faster, before it leaves the notice to a later attempt.
const ROUNDS: u32 = 6;

/// How long to wait at most before looking again whether a lease has ended.
const LEASE_POLL: Duration = Duration::from_secs(2);

/// Pushes what a notice points at.
pub async fn push<W: World>(
    environment: &Environment<'_, W>,
    notice: &Notice,
    delivery: &Delivery,
) -> Outcome {
    for _ in 0..ROUNDS {
        match round(environment, notice, delivery).await {
            Ok(Some(report)) => {
                let after = async {
                    associations::take_up_children(environment, notice, &report).await?;
                    forget_erased(environment, notice, &report).await
                };
                return match after.await {
                    Ok(()) => Outcome::Done(report),
                    Err(error) => outcome_of(environment, notice, error.into()).await,
                };
            }
            Ok(None) => {}
            Err(error) => return outcome_of(environment, notice, error).await,
        }
    }
    let detail = "others kept changing the same records".to_owned();
    give_up_or_retry(environment, notice, None, "contended", detail).await
}

/// Forgets what is kept about a record whose person wants to be forgotten, once it is seen to be gone.
async fn forget_erased<W: World>(
    environment: &Environment<'_, W>,
    notice: &Notice,
    report: &Report,
) -> Result<(), StoreError> {
    if notice.kind != NoticeKind::Erased || broken(Break::ForgetNobody) {
        return Ok(());
    }
    let link = environment.store.find_link(&notice.record, &environment.context.pair).await?;
    let is_gone = |link: &Link| matches!(link.status, LinkStatus::Tombstone { .. });
    // The mark may be switched off, and what was kept goes all the same.
    let unmarked = matches!(report.reason, "switched_off" | "not_opted_in" | "brake");
    match link.filter(|link| is_gone(link) || unmarked) {
        Some(link) => environment.store.forget(&link).await,
        None => Ok(()),
    }
}

/// What an error means for the notice.
async fn outcome_of<W: World>(
    environment: &Environment<'_, W>,
    notice: &Notice,
    error: PushError,
) -> Outcome {
    let left = |until: Timestamp| {
        Duration::try_from(until.duration_since(environment.clock.now())).unwrap_or_default()
    };
    let connector = match error {
        PushError::Store(error) => {
            return Outcome::Retry { after: None, reason: "store", detail: error.to_string() };
        }
        PushError::Busy { until } => {
            let after = Some(left(until).clamp(Duration::from_secs(1), LEASE_POLL));
            return Outcome::Retry { after, reason: "leased", detail: format!("leased until {until}") };
        }
        PushError::Unanswered { until, detail } => {
            let after = Some(left(until).max(Duration::from_secs(1)));
            return give_up_or_retry(environment, notice, after, "doubtful", detail).await;
        }
        PushError::Wait { after, reason } => {
            return Outcome::Retry { after: Some(after), reason, detail: reason.to_owned() };
        }
        PushError::Connector(error) => error,
    };
    let (reason, detail) = (connector.code(), connector.to_string());
    match connector.disposition() {
        Disposition::Stop => Outcome::Stop { reason, detail },
        Disposition::Park => park(environment, notice, reason, connector.words()).await,
        Disposition::Retry { after } => match connector {
            ConnectorError::Doubtful { .. } | ConnectorError::Gone => {
                give_up_or_retry(environment, notice, after, reason, detail).await
            }
            _ => Outcome::Retry { after, reason, detail },
        },
    }
}

/// Parks a change that failed too often for reasons of its own. An outage, however long, is not one of them.
async fn give_up_or_retry<W: World>(
    environment: &Environment<'_, W>,
    notice: &Notice,
    after: Option<Duration>,
    reason: &'static str,
    detail: String,
) -> Outcome {
    match environment.store.count_failure(&notice.receipt, environment.clock.now()).await {
        Ok(failures) if failures >= environment.context.settings.max_attempts => {
            park(environment, notice, reason, &format!("given up after {failures} attempts: {detail}")).await
        }
        Ok(_) => Outcome::Retry { after, reason, detail },
        Err(error) => Outcome::Retry { after: None, reason: "store", detail: error.to_string() },
    }
}

/// Takes a change out of the flow.
async fn park<W: World>(
    environment: &Environment<'_, W>,
    notice: &Notice,
    reason: &'static str,
    detail: &str,
) -> Outcome {
    let parked = parked_change(environment, notice, reason, detail.to_owned());
    let settlement = Settlement { parked: vec![parked], ..Settlement::default() };
    match environment.store.settle(&settlement).await {
        Ok(_) => Outcome::Done(report("parked", reason, notice, None)),
        Err(error) => Outcome::Retry { after: None, reason: "store", detail: error.to_string() },
    }
}

/// A parked change of this notice.
pub(crate) fn parked_change<W: World>(
    environment: &Environment<'_, W>,
    notice: &Notice,
    reason: &str,
    message: String,
) -> ParkedChange {
    ParkedChange {
        pair: environment.context.pair.clone(),
        notice: notice.clone(),
        at: environment.clock.now(),
        reason: reason.to_owned(),
        message,
        fields: std::collections::BTreeMap::new(),
    }
}

pub(crate) fn report(
    outcome: &'static str,
    reason: &'static str,
    notice: &Notice,
    target: Option<RecordRef>,
) -> Report {
    Report { outcome, reason, source: notice.record.clone(), target, fields: Vec::new() }
}

/// One round. `None`: something changed in between, or an intent was recovered; start again.
async fn round<W: World>(
    environment: &Environment<'_, W>,
    notice: &Notice,
    delivery: &Delivery,
) -> Result<Option<Report>, PushError> {
    let Some(mut seen) = see(environment, notice, delivery).await? else { return Ok(None) };
    if associations::wait_for_parents(&seen).await? {
        return Ok(None);
    }
    succession::tell_successors(&seen).await?;
    let plan = seen.plan();
    announce::tell_matched(&seen, &plan).await?;
    apply::apply(&mut seen, plan).await
}

/// Reads everything that a decision is made from, states before records. Writes nothing, unless an expired intent is
/// in the way. `None`: something changed in between; start again.
pub(crate) async fn see<'a, W: World>(
    environment: &'a Environment<'a, W>,
    notice: &'a Notice,
    delivery: &Delivery,
) -> Result<Option<Seen<'a, W>>, PushError> {
    let Environment { context, direction, store, .. } = environment;
    let known = store.notice_context(&notice.record, &context.pair).await?;
    let Some(NoticeContext { state: source_state, link, partner: target_state }) = known else {
        return Ok(None);
    };
    let link = rested(environment, link)?;
    if !broken(Break::MindOnlyTheTarget)
        && recover::in_the_way(environment, &notice.record, &source_state).await?
    {
        return Ok(None);
    }
    let (source_schema, target_schema) = schemas(environment).await?;
    let linked_target = link.as_ref().map(|l| l.record(direction.target()).clone());
    if let Some(target) = &linked_target
        && recover::in_the_way(environment, target, &target_state).await?
    {
        return Ok(None);
    }

    let (source, target) = read_both(environment, notice, linked_target.as_ref()).await?;
    let source = source_now(environment, source).await?;
    let source = succession::heir(environment, source, link.as_ref(), target.as_ref()).await?;
    confirm_delete(environment, notice, &source, link.as_ref())?;
    let target = match (target, &source) {
        (Some(reading), _) => matching::linked_target(environment, notice, reading).await?,
        (None, SourceNow::Found(record)) => matching::unlinked_target(environment, record, delivery).await?,
        (None, _) => TargetNow::Nobody,
    };
    let states = States { source: source_state, target: target_state };
    let Some((mut source, mut target, states)) = settle_on(environment, source, target, states).await? else {
        return Ok(None);
    };
    look_up_both(environment, &mut source, &mut target).await?;
    if link.is_none() && store.find_link(&notice.record, &context.pair).await?.is_some() {
        return Ok(None);
    }
    let (from, to) = ((&mut source, &source_schema), (&mut target, &target_schema));
    let parents = associations::translate(environment, link.as_ref(), from, to).await?;
    Ok(Some(Seen {
        environment,
        notice,
        link,
        states,
        source,
        target,
        source_schema,
        target_schema,
        parents,
    }))
}

/// A link that the breaker has put to rest: its notices wait, so that nothing is lost, and it is active afterwards.
fn rested<W: World>(environment: &Environment<'_, W>, link: Option<Link>) -> Result<Option<Link>, PushError> {
    let Some(link) = link else { return Ok(None) };
    let LinkStatus::Broken { since } = link.status else { return Ok(Some(link)) };
    let rest = environment.clock.now().duration_since(since);
    match PairSettings::BREAKER_PAUSE.checked_sub(Duration::try_from(rest).unwrap_or_default()) {
        Some(left) if !left.is_zero() => Err(PushError::Wait { after: left, reason: "breaker" }),
        _ => Ok(Some(Link { status: LinkStatus::Active, ..link })),
    }
}

/// Whether a link was settled since it was read: one that was read before the states must still be the same.
async fn is_stale<W: World>(environment: &Environment<'_, W>, link: &Link) -> Result<bool, StoreError> {
    if broken(Break::TrustAnOldLink) {
        return Ok(false);
    }
    let now = environment.store.link(&link.id).await?;
    Ok(now.is_none_or(|now| now.version != link.version))
}

/// Reads the state of every record that is not the one the notice or the link named, and then the record again.
///
/// `None`: an intent was in the way, or the record is another one by now.
async fn settle_on<W: World>(
    environment: &Environment<'_, W>,
    source: SourceNow,
    target: TargetNow,
    mut states: States,
) -> Result<Option<(SourceNow, TargetNow, States)>, PushError> {
    let source = match source {
        SourceNow::MergedInto { survivor, linked } => {
            let Some((survivor, state)) =
                read_under_state(environment, environment.source, &survivor.reference).await?
            else {
                return Ok(None);
            };
            states.source = state;
            SourceNow::MergedInto { survivor, linked }
        }
        other => other,
    };
    let meant = match &target {
        TargetNow::Matched(record)
        | TargetNow::Inherited { target: record, .. }
        | TargetNow::MergedInto { survivor: record, .. }
        | TargetNow::Gone { successor: Some(record) } => record.reference.clone(),
        _ => return Ok(Some((source, target, states))),
    };
    let Some((again, state)) = read_under_state(environment, environment.target, &meant).await? else {
        return Ok(None);
    };
    states.target = state;
    let target = match target {
        TargetNow::Matched(_) => TargetNow::Matched(again),
        TargetNow::Inherited { link, merged, .. } => {
            if is_stale(environment, &link).await? {
                return Ok(None);
            }
            TargetNow::Inherited { target: again, link, merged }
        }
        TargetNow::MergedInto { linked, .. } => TargetNow::MergedInto { survivor: again, linked },
        _ => TargetNow::Gone { successor: Some(again) },
    };
    Ok(Some((source, target, states)))
}

async fn schemas<W: World>(
    environment: &Environment<'_, W>,
) -> Result<(<W::Source as Connector>::Schema, <W::Target as Connector>::Schema), ConnectorError> {
    let spec = environment.context.spec;
    let source_object = spec.object(environment.direction.source());
    let target_object = spec.object(environment.direction.target());
    futures::future::try_join(
        environment.source.schema(&source_object),
        environment.target.schema(&target_object),
    )
    .await
}

async fn source_now<W: World>(
    environment: &Environment<'_, W>,
    reading: Reading,
) -> Result<SourceNow, StoreError> {
    Ok(match reading {
        Reading::Found(record) => SourceNow::Found(record),
        Reading::Gone => SourceNow::Gone,
        Reading::MergedInto(_) if broken(Break::TakeMergesForDeletes) => SourceNow::Gone,
        Reading::MergedInto(survivor) => {
            let linked = succession::link_of_survivor(environment, &survivor).await?;
            SourceNow::MergedInto { survivor, linked }
        }
    })
}

/// A delete is a question, not an order: it is asked again after a moment, since a merge looks like a delete until
/// the system has finished it, and coreBOS tells of a delete while the record is still there.
fn confirm_delete<W: World>(
    environment: &Environment<'_, W>,
    notice: &Notice,
    source: &SourceNow,
    link: Option<&Link>,
) -> Result<(), PushError> {
    let in_doubt = match source {
        SourceNow::Gone => link.is_some_and(|l| l.status == LinkStatus::Active),
        SourceNow::Found(_) => notice.kind != NoticeKind::Saved,
        SourceNow::MergedInto { .. } => false,
    };
    if !in_doubt {
        return Ok(());
    }
    let confirm = Duration::from_secs(environment.context.settings.delete_confirm_seconds.into());
    let age =
        Duration::try_from(environment.clock.now().duration_since(notice.received_at)).unwrap_or_default();
    if age < confirm {
        return Err(PushError::Wait { after: confirm.saturating_sub(age), reason: "delete_unconfirmed" });
    }
    Ok(())
}
