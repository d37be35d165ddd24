//! The records of one page, pushed in several lanes at once; what must wait is tried again.

use std::collections::VecDeque;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use model::{Direction, Notice, NoticeKind, RecordRef};

use super::prefetch::Item;
use super::progress::Tally;
use super::shelf::{Shelf, Shelved};
use super::{Ended, ImportEvent, ImportOptions, ImportWatch};
use crate::error::{Disposition, StoreError};
use crate::ports::{ChangeQueue as _, Clock as _, Connector as _};
use crate::push::{Delivery, Environment, Outcome, World, push};
use crate::route::{RouteError, route};

/// The shortest and the longest wait between two attempts when a system is away.
const OUTAGE_FIRST_WAIT: Duration = Duration::from_secs(1);
const OUTAGE_LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long to wait where nobody says how long.
const USUAL_WAIT: Duration = Duration::from_secs(1);
/// After how many leases a record that is never free is left to the push function.
const LEASES_TO_WAIT: u32 = 3;

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// `created`, `linked`, `linked_updated`, `updated`, `settled`, `skipped`, `parked`, `marked_deleted`, `unlinked`;
    /// `left` for the push function, where a notice is queued.
    pub outcome: &'static str,
    /// Why, where there is a choice.
    pub reason: &'static str,
    /// The target record, where one is known.
    pub target: Option<RecordRef>,
    /// The target fields that were written.
    pub fields: Vec<String>,
}

impl Told {
    pub(super) fn new(outcome: &'static str, reason: &'static str) -> Self {
        Self { outcome, reason, target: None, fields: Vec::new() }
    }
}

/// What became of one attempt.
pub(super) enum Attempt {
    Done(Told),
    Retry { after: Option<Duration>, reason: &'static str, detail: String },
    Stop { reason: &'static str, detail: String },
}

/// What is done with each record.
pub(super) trait Job<W: World>: Sync {
    /// Does it.
    fn attempt(
        &self,
        lane: &Environment<'_, W>,
        shelf: &Shelf,
        item: &Item,
        attempt: u32,
    ) -> impl Future<Output = Attempt>;

    /// A sign of life; whether the job is still ours.
    fn alive(&self) -> impl Future<Output = bool>;

    /// A page is done up to the record with this id; whether the job is still ours.
    fn page_done(&self, after: &str, tally: &Tally) -> impl Future<Output = Result<bool, StoreError>>;

    /// Leaves a record that is never free to somebody who can wait longer. Whether somebody can.
    fn leave(&self, lane: &Environment<'_, W>, item: &Item) -> impl Future<Output = bool>;
}

/// A record that is to be done, now or later.
struct Due {
    item: Item,
    attempt: u32,
    not_before: Timestamp,
    /// When it had to wait first.
    waits_since: Option<Timestamp>,
}

#[derive(Default)]
struct Shared {
    due: VecDeque<Due>,
    tally: Tally,
    ended: Option<Ended>,
    /// Since when a system is away, how often it was asked since, and when it is asked again.
    away: Option<(Timestamp, u32, Timestamp)>,
}

/// The records of a page.
pub(super) struct PageWork<'a> {
    shelf: &'a Shelf,
    options: &'a ImportOptions,
    watch: &'a dyn ImportWatch,
    shared: Mutex<Shared>,
}

impl<'a> PageWork<'a> {
    pub(super) fn new(
        shelf: &'a Shelf,
        options: &'a ImportOptions,
        watch: &'a dyn ImportWatch,
        items: Vec<Item>,
        now: Timestamp,
    ) -> Self {
        let due = items.into_iter().map(|item| Due { item, attempt: 1, not_before: now, waits_since: None });
        let shared = Mutex::new(Shared { due: due.collect(), ..Shared::default() });
        Self { shelf, options, watch, shared }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does all of it. Why it ended before everything was done, if it did.
    pub(super) async fn run<W: World, J: Job<W>>(
        self,
        lanes: &[Environment<'_, W>],
        job: &J,
    ) -> (Tally, Option<Ended>) {
        futures::future::join_all(lanes.iter().map(|lane| self.lane(lane, job))).await;
        let shared = self.shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        let interrupted = (!shared.due.is_empty()).then_some(Ended::Interrupted);
        (shared.tally, shared.ended.or(interrupted))
    }

    async fn lane<W: World, J: Job<W>>(&self, lane: &Environment<'_, W>, job: &J) {
        loop {
            if self.shared().ended.is_some() || self.watch.stops() {
                return;
            }
            if !job.alive().await {
                self.shared().ended.get_or_insert(Ended::LeaseLost);
                return;
            }
            let mut due = match self.next(lane.clock.now()) {
                Next::Nothing => return,
                Next::At(time) => {
                    let wait = Duration::try_from(time.duration_since(lane.clock.now())).unwrap_or_default();
                    // In short pieces: somebody may want to stop it.
                    lane.clock.sleep(wait.clamp(Duration::from_millis(10), Duration::from_millis(500))).await;
                    continue;
                }
                Next::Now(due) => *due,
            };
            match Box::pin(job.attempt(lane, self.shelf, &due.item, due.attempt)).await {
                Attempt::Done(told) => self.done(&due.item, &told),
                Attempt::Stop { reason, detail } => {
                    self.shared().ended.get_or_insert(Ended::Stopped { reason, detail });
                    return;
                }
                Attempt::Retry { after, reason, detail } if is_outage(reason) => {
                    due.not_before = self.away(lane.clock.now(), after, reason, &detail);
                    self.shared().due.push_back(due);
                }
                Attempt::Retry { after, reason, .. } => self.waits(lane, job, due, after, reason).await,
            }
        }
    }

    fn next(&self, now: Timestamp) -> Next {
        let mut shared = self.shared();
        if let Some((_, _, until)) = shared.away
            && until > now
            && !shared.due.is_empty()
        {
            return Next::At(until);
        }
        if let Some(ready) = shared.due.iter().position(|due| due.not_before <= now) {
            return shared.due.remove(ready).map_or(Next::Nothing, |due| Next::Now(Box::new(due)));
        }
        shared.due.iter().map(|due| due.not_before).min().map_or(Next::Nothing, Next::At)
    }

    fn done(&self, item: &Item, told: &Told) {
        let mut shared = self.shared();
        shared.away = None;
        shared.tally.count(told.outcome, told.reason);
        drop(shared);
        self.watch.told(&ImportEvent::Done { source: &item.record, told });
    }

    /// A system is away, for everybody. When it is asked again.
    fn away(&self, now: Timestamp, after: Option<Duration>, reason: &'static str, detail: &str) -> Timestamp {
        let mut shared = self.shared();
        let (since, times, until) = shared.away.unwrap_or((now, 0, now));
        if until > now {
            // Another lane has found out at the same time.
            return until;
        }
        let patience = SignedDuration::try_from(self.options.patience).unwrap_or_default();
        if now.duration_since(since) > patience {
            shared.ended.get_or_insert(Ended::Away { detail: detail.to_owned() });
        }
        let backoff = (OUTAGE_FIRST_WAIT * 2_u32.saturating_pow(times)).min(OUTAGE_LONGEST_WAIT);
        let until = now + SignedDuration::try_from(after.unwrap_or(backoff)).unwrap_or_default();
        shared.away = Some((since, times + 1, until));
        drop(shared);
        self.watch.told(&ImportEvent::Waits { reason, detail });
        until
    }

    /// A record waits for reasons of its own; for too long a wait there is the queue.
    async fn waits<W: World, J: Job<W>>(
        &self,
        lane: &Environment<'_, W>,
        job: &J,
        mut due: Due,
        after: Option<Duration>,
        reason: &'static str,
    ) {
        let now = lane.clock.now();
        let since = *due.waits_since.get_or_insert(now);
        due.attempt += 1;
        due.not_before = now + SignedDuration::try_from(after.unwrap_or(USUAL_WAIT)).unwrap_or_default();
        let longest = SignedDuration::try_from(lane.lease * LEASES_TO_WAIT).unwrap_or_default();
        if due.not_before.duration_since(since) <= longest {
            self.shared().due.push_back(due);
        } else if job.leave(lane, &due.item).await {
            self.done(&due.item, &Told::new("left", reason));
        } else {
            due.not_before = now + SignedDuration::try_from(USUAL_WAIT).unwrap_or_default();
            self.shared().due.push_back(due);
        }
    }
}

enum Next {
    Now(Box<Due>),
    At(Timestamp),
    Nothing,
}

/// Whether everybody has to wait, not only this record.
fn is_outage(reason: &str) -> bool {
    matches!(reason, "unavailable" | "rate_limited" | "store")
}

/// The world of a push whose systems answer from the shelf.
pub(super) struct Importing<'a, W>(PhantomData<fn() -> &'a W>);

impl<'a, W: World> World for Importing<'a, W> {
    type Source = Shelved<'a, W::Source, W::Store>;
    type Target = Shelved<'a, W::Target, W::Store>;
    type Store = W::Store;
    type Queue = W::Queue;
    type Clock = W::Clock;
}

/// The source and the target of a lane, answering from the shelf.
type BothShelved<'a, W> = (
    Shelved<'a, <W as World>::Source, <W as World>::Store>,
    Shelved<'a, <W as World>::Target, <W as World>::Store>,
);

/// Both systems of a lane, answering from the shelf.
pub(super) fn shelved<'a, W: World>(lane: &Environment<'a, W>, shelf: &'a Shelf) -> BothShelved<'a, W> {
    let (spec, direction, store) = (lane.context.spec, lane.direction, lane.store);
    let id_field = spec.id_field(direction.source());
    let source = Shelved { inner: lane.source, store, shelf, id_field, is_target: false };
    let id_field = spec.id_field(direction.target());
    (source, Shelved { inner: lane.target, store, shelf, id_field, is_target: true })
}

/// The notice of a record, as if its system had just told of it.
pub(super) fn notice(run: &str, item: &Item, now: Timestamp) -> Notice {
    Notice {
        record: item.record.clone(),
        kind: NoticeKind::Saved,
        receipt: format!("import:{run}:{}", item.number),
        received_at: now,
        modified_at: None,
        command: None,
        event: None,
    }
}

/// What becomes of a record that belongs to another pair with the same object, by the rule of pushes: nothing here. Also
/// why it cannot be told now.
pub(super) async fn of_another_pair<W: World>(
    lane: &Environment<'_, W>,
    shelf: &Shelf,
    options: &ImportOptions,
    item: &Item,
) -> Option<Attempt> {
    if options.candidates.len() < 2 || lane.direction != Direction::ToHub {
        return None;
    }
    let (source, _) = shelved(lane, shelf);
    // Not the shelf of the target: it holds what was found in one module only.
    let ends = (lane.target, &source);
    let error = match Box::pin(route(&options.candidates, &item.record, ends, lane.store)).await {
        Ok(spec) if spec.kind == lane.context.spec.kind => return None,
        Ok(_) => return Some(Attempt::Done(Told::new("skipped", "other_pair"))),
        Err(RouteError::System(error)) => error,
        Err(RouteError::Store(error)) => {
            let detail = error.to_string();
            return Some(Attempt::Retry { after: None, reason: "table", detail });
        }
    };
    let (reason, detail) = (error.code(), error.to_string());
    match error.disposition() {
        Disposition::Retry { after } => Some(Attempt::Retry { after, reason, detail }),
        Disposition::Stop => Some(Attempt::Stop { reason, detail }),
        // The push meets the same, and parks it.
        Disposition::Park => None,
    }
}

/// Pushes a record.
pub(super) async fn push_one<W: World>(
    lane: &Environment<'_, W>,
    shelf: &Shelf,
    run: &str,
    item: &Item,
    attempt: u32,
) -> Attempt {
    let (source, target) = shelved(lane, shelf);
    let environment = Environment::<Importing<'_, W>> {
        context: lane.context,
        direction: lane.direction,
        source: &source,
        target: &target,
        store: lane.store,
        queue: lane.queue,
        clock: lane.clock,
        lease: lane.lease,
        other_remotes: lane.other_remotes,
    };
    let notice = notice(run, item, lane.clock.now());
    match Box::pin(push(&environment, &notice, &Delivery { attempt })).await {
        Outcome::Done(report) => {
            let outcome = match report.outcome {
                "updated" if item.link.is_none() => "linked_updated",
                other => other,
            };
            // Only what it was parked or skipped for is told apart; the rest is the same to whoever counts.
            let reason = if matches!(outcome, "skipped" | "parked") { report.reason } else { "" };
            Attempt::Done(Told { outcome, reason, target: report.target, fields: report.fields })
        }
        Outcome::Retry { after, reason, detail } => Attempt::Retry { after, reason, detail },
        Outcome::Stop { reason, detail } => Attempt::Stop { reason, detail },
    }
}

/// Queues the notice of a record towards its push function.
pub(super) async fn leave_to_queue<W: World>(lane: &Environment<'_, W>, run: &str, item: &Item) -> bool {
    let target = lane.target.system();
    lane.queue.reaches(target)
        && lane.queue.send(target, &[notice(run, item, lane.clock.now())]).await.is_ok()
}
