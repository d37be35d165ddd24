//! The stage: coreBOS, one or two other systems, the table, the queues, and pushes that can be stopped anywhere.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use model::{Direction, Notice, NoticeKind, RecordRef, Side, System};

use super::grounds::Grounds;
use super::setup::{self, Setup, Style};
use crate::memory::{self, MemoryClock, MemoryQueue, MemoryStore, MemorySystem};
use crate::pair_map::PairContext;
use crate::ports::{Clock, Writer};
use crate::push::{Delivery, Environment, Outcome, World, push};

/// Longer than a push may run, as everywhere.
const LEASE: Duration = Duration::from_secs(45);
/// How long a function may run; it is stopped then. Shorter than the lease.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(40);
/// When the notice of a dead worker shows again: longer than the lease.
const VISIBILITY: Duration = Duration::from_secs(60);
/// What a call takes. Clocks that stand still during a push would show things that cannot be.
const CALL: Duration = Duration::from_millis(1);

struct Twins;

impl World for Twins {
    type Source = Grounds;
    type Target = Grounds;
    type Store = MemoryStore;
    type Queue = MemoryQueue;
    type Clock = MemoryClock;
}

/// The queue of a pair and direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lane {
    pub(crate) remote: usize,
    pub(crate) direction: Direction,
    /// Companies travel on it, or what else stands beside people, and not people.
    pub(crate) of_firms: bool,
}

impl Lane {
    /// The number of the system on a side.
    pub(crate) fn system(self, side: Side) -> usize {
        if side == Side::Hub { 0 } else { self.remote + 1 }
    }

    pub(crate) fn target(self) -> usize {
        self.system(self.direction.target())
    }
}

/// A webhook on its way.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) lane: Lane,
    pub(crate) record: RecordRef,
    pub(crate) kind: NoticeKind,
}

#[derive(Debug)]
struct Waiting {
    lane: Lane,
    notice: Notice,
    attempt: u32,
    not_before: Timestamp,
}

/// A push that runs.
pub(crate) struct Task {
    future: Pin<Box<dyn Future<Output = Outcome>>>,
    pub(crate) lane: Lane,
    pub(crate) notice: Notice,
    attempt: u32,
    /// What it does next.
    pub(crate) about_to: &'static str,
    /// When it began, in the stage's own count of events.
    pub(crate) began: u64,
    since: Timestamp,
}

/// What came of a step.
pub(crate) struct Stepped {
    pub(crate) lane: Lane,
    pub(crate) did: &'static str,
    pub(crate) began: u64,
    pub(crate) record: RecordRef,
    pub(crate) outcome: Option<Outcome>,
}

pub(crate) struct Stage {
    pub(crate) clock: MemoryClock,
    /// coreBOS first.
    pub(crate) systems: Vec<MemorySystem>,
    pub(crate) store: MemoryStore,
    queue: MemoryQueue,
    /// The companies of each, or what else stands beside people there.
    pub(crate) firms: Vec<MemorySystem>,
    /// By remote.
    contexts: Vec<Arc<PairContext>>,
    /// The pairs of the companies, if they travel.
    firm_contexts: Vec<Arc<PairContext>>,
    others: Vec<Arc<[System]>>,
    pub(crate) air: Vec<Told>,
    waiting: Vec<Waiting>,
    pub(crate) running: Vec<Task>,
    receipts: u64,
    /// Counts everything that happens.
    pub(crate) events: u64,
    /// Webhooks about what the API wrote never come.
    deaf: bool,
    /// What stands beside people are lead records: both are partners of one record of coreBOS.
    lead_records: bool,
}

impl Stage {
    pub(crate) fn new(setup: &Setup) -> Self {
        let clock = MemoryClock::default();
        let systems = setup::systems(setup, &clock);
        let names = (0..=setup.remotes).map(|number| setup.system(number));
        let remote_names: Vec<System> = (1..=setup.remotes).map(|number| setup.system(number)).collect();
        // What one of two pairs writes that share a record of coreBOS, the other one is told, too.
        let lead_records = setup.style == Style::Leads;
        let is_told = |name: &System, remote: usize| lead_records || *name != remote_names[remote];
        Self {
            queue: MemoryQueue::towards(names).that_remember_receipts(clock.clone()),
            contexts: (0..setup.remotes).map(|remote| setup::context(setup, remote, false)).collect(),
            others: (0..setup.remotes)
                .map(|remote| remote_names.iter().filter(|name| is_told(name, remote)).cloned().collect())
                .collect(),
            systems,
            firms: setup::firms(setup, &clock),
            firm_contexts: (0..setup.remotes)
                .filter(|_| matches!(setup.style, Style::Families | Style::Leads))
                .map(|remote| setup::firms_context(setup, remote))
                .collect(),
            clock,
            store: MemoryStore::default(),
            air: Vec::new(),
            waiting: Vec::new(),
            running: Vec::new(),
            receipts: 0,
            events: 0,
            deaf: setup.deaf,
            lead_records,
        }
    }

    pub(crate) fn context(&self, lane: Lane) -> &PairContext {
        if lane.of_firms { &self.firm_contexts[lane.remote] } else { &self.contexts[lane.remote] }
    }

    /// The records of one side of a lane.
    pub(crate) fn at(&self, lane: Lane, side: Side) -> &MemorySystem {
        let number = lane.system(side);
        if lane.of_firms && !(self.lead_records && side == Side::Hub) {
            &self.firms[number]
        } else {
            &self.systems[number]
        }
    }

    /// The records that the notices of a lane are about.
    pub(crate) fn source(&self, lane: Lane) -> &MemorySystem {
        self.at(lane, lane.direction.source())
    }

    /// An administrator edits the map into coreBOS of a pair. Pushes that run keep the one they began with.
    pub(crate) fn edit_map(&mut self, setup: &Setup, remote: usize) {
        self.contexts[remote] = setup::context(setup, remote, true);
    }

    pub(crate) fn lanes(&self) -> impl Iterator<Item = Lane> + use<> {
        let people = (0..self.contexts.len()).map(|remote| (remote, false));
        let firms = (0..self.firm_contexts.len()).map(|remote| (remote, true));
        people.chain(firms).flat_map(|(remote, of_firms)| {
            [Direction::ToHub, Direction::ToRemote].map(|direction| Lane { remote, direction, of_firms })
        })
    }

    /// The lanes on which the changes of a system travel.
    fn lanes_from(&self, system: usize, of_firms: bool) -> Vec<Lane> {
        let both = self.lead_records && system == 0;
        let from = |lane: &Lane| {
            lane.system(lane.direction.source()) == system && (both || lane.of_firms == of_firms)
        };
        self.lanes().filter(from).collect()
    }

    /// Takes what the systems tell: it is in the air then.
    pub(crate) fn listen(&mut self) {
        for number in 0..self.systems.len() {
            for (of_firms, system) in [(false, &self.systems[number]), (true, &self.firms[number])] {
                for (record, kind, writer) in system.take_told() {
                    if self.deaf && writer == Writer::Us {
                        continue;
                    }
                    for lane in self.lanes_from(number, of_firms) {
                        self.air.push(Told { lane, record: record.clone(), kind });
                    }
                }
            }
        }
        for remote in 0..self.contexts.len() {
            for direction in [Direction::ToHub, Direction::ToRemote] {
                // The pushes of all pairs towards coreBOS share a queue, and so do theirs towards each other system.
                let pair = &self.contexts[remote].pair;
                let (target, source) = (pair.system(direction.target()), pair.system(direction.source()));
                for notice in self.queue.take_from(target, source) {
                    let of_firms =
                        self.firms.iter().any(|firms| firms.reference("").object == notice.record.object);
                    let not_before = self.clock.now();
                    let beside = (self.lead_records && direction == Direction::ToRemote).then_some(true);
                    for of_firms in std::iter::once(of_firms).chain(beside) {
                        let (lane, notice) = (Lane { remote, direction, of_firms }, notice.clone());
                        self.waiting.push(Waiting { lane, notice, attempt: 1, not_before });
                    }
                }
            }
        }
    }

    /// A notice arrives.
    pub(crate) fn arrive(&mut self, told: &Told) {
        self.receipts += 1;
        let now = self.clock.now();
        let notice = Notice {
            record: told.record.clone(),
            kind: told.kind,
            receipt: format!("n{}", self.receipts),
            received_at: now,
            modified_at: None,
            command: None,
            event: None,
        };
        self.waiting.push(Waiting { lane: told.lane, notice, attempt: 1, not_before: now });
    }

    /// Starts the `nth` notice that may run: one at a time of each record in each queue, in order.
    pub(crate) fn start(&mut self, nth: usize) -> bool {
        self.listen();
        let now = self.clock.now();
        let ready: Vec<usize> =
            self.next_of_each().filter(|at| self.waiting[*at].not_before <= now).collect();
        if ready.is_empty() {
            return false;
        }
        let waiting = self.waiting.remove(ready[nth % ready.len()]);
        self.events += 1;
        self.running.push(Task {
            future: self.push(waiting.lane, waiting.notice.clone(), waiting.attempt),
            lane: waiting.lane,
            notice: waiting.notice,
            attempt: waiting.attempt,
            about_to: "begin",
            began: self.events,
            since: now,
        });
        true
    }

    /// The notices that nobody is before: the first of each record in each queue, unless one of them runs.
    fn next_of_each(&self) -> impl Iterator<Item = usize> {
        self.waiting.iter().enumerate().filter_map(|(index, waiting)| {
            let same =
                |lane: Lane, record: &RecordRef| lane == waiting.lane && *record == waiting.notice.record;
            let blocked = self.running.iter().any(|task| same(task.lane, &task.notice.record))
                || self.waiting[..index].iter().any(|before| same(before.lane, &before.notice.record));
            (!blocked).then_some(index)
        })
    }

    fn push(&self, lane: Lane, notice: Notice, attempt: u32) -> Pin<Box<dyn Future<Output = Outcome>>> {
        let contexts = if lane.of_firms { &self.firm_contexts } else { &self.contexts };
        let (context, others) = (contexts[lane.remote].clone(), self.others[lane.remote].clone());
        let (store, queue, clock) = (self.store.of_pair(lane.remote), self.queue.clone(), self.clock.clone());
        let grounds = |number: usize| Grounds {
            people: self.systems[number].clone(),
            firms: self.firms[number].clone(),
        };
        let source = grounds(lane.system(lane.direction.source()));
        let target = grounds(lane.target());
        Box::pin(async move {
            let environment = Environment::<Twins> {
                context: &context,
                direction: lane.direction,
                source: &source,
                target: &target,
                store: &store,
                queue: &queue,
                clock: &clock,
                lease: LEASE,
                other_remotes: &others,
            };
            push(&environment, &notice, &Delivery { attempt }).await
        })
    }

    /// Lets the `nth` running push make one call.
    pub(crate) fn step(&mut self, nth: usize) -> Option<Stepped> {
        if self.running.is_empty() {
            return None;
        }
        self.events += 1;
        self.clock.advance(CALL);
        let nth = nth % self.running.len();
        let task = &mut self.running[nth];
        let (lane, did, began, record) = (task.lane, task.about_to, task.began, task.notice.record.clone());
        let polled = task.future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let outcome = match polled {
            Poll::Pending => {
                task.about_to = memory::about_to();
                None
            }
            Poll::Ready(outcome) => {
                let task = self.running.remove(nth);
                match &outcome {
                    Outcome::Done(_) => {}
                    Outcome::Retry { after, .. } => {
                        self.give_back(task, after.unwrap_or(Duration::from_secs(1)));
                    }
                    Outcome::Stop { .. } => self.give_back(task, VISIBILITY),
                }
                Some(outcome)
            }
        };
        Some(Stepped { lane, did, began, record, outcome })
    }

    /// The `nth` running push dies here; its notice comes back after the visibility timeout.
    pub(crate) fn crash(&mut self, nth: usize) -> Option<(Lane, RecordRef, &'static str)> {
        if self.running.is_empty() {
            return None;
        }
        let nth = nth % self.running.len();
        let task = self.running.remove(nth);
        self.events += 1;
        let died = (task.lane, task.notice.record.clone(), task.about_to);
        self.give_back(task, VISIBILITY);
        Some(died)
    }

    /// A running push whose function has run too long by now.
    pub(crate) fn timed_out(&self) -> Option<usize> {
        let now = self.clock.now();
        self.running.iter().position(|task| now.duration_since(task.since) >= TIMEOUT)
    }

    fn give_back(&mut self, task: Task, wait: Duration) {
        let not_before = self.clock.now() + SignedDuration::try_from(wait).unwrap_or_default();
        let attempt = task.attempt + 1;
        // In front: the notices of one record keep their order.
        self.waiting.insert(0, Waiting { lane: task.lane, notice: task.notice, attempt, not_before });
    }

    /// Moves the clock to the moment at which the next notice may run. `false`: there is none.
    pub(crate) fn wait(&mut self) -> bool {
        let next = self.next_of_each().map(|at| self.waiting[at].not_before).min();
        let Some(next) = next else { return false };
        let left = next.duration_since(self.clock.now());
        self.clock.advance(Duration::try_from(left).unwrap_or_default() + CALL);
        true
    }
}
