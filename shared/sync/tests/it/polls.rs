//! Polls miss nothing: whatever the size of pages, dead workers, failing queues, and saves that commit late.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use model::{NoticeKind, ObjectName};
use proptest::prelude::*;
use sync::memory::{MemoryClock, MemoryCursors};
use sync::{
    Clock, ConnectorError, CursorKey, CursorStore as _, Feed, FeedPage, PollEnvironment, PollError,
    PollSettings, Polled, Tick, poll,
};

use crate::mortal::{Queue, after_steps};

const OVERLAP: u32 = 60;

/// A record: when it was changed, and when the change can be seen.
#[derive(Clone, Copy, Debug)]
struct Edit {
    modified: i64,
    visible: i64,
}

/// A system that tells what changed, in pages by id, as Mautic is asked.
#[derive(Clone)]
struct Records {
    clock: MemoryClock,
    /// All edits of each record, in order.
    edits: Arc<Mutex<BTreeMap<u32, Vec<Edit>>>>,
    page: usize,
}

impl Feed for Records {
    async fn changes(
        &self,
        _: &ObjectName,
        from: Timestamp,
        after: Option<&str>,
    ) -> Result<FeedPage, ConnectorError> {
        let now = self.clock.now().as_second();
        let after: Option<u32> = after.map(|after| after.parse().unwrap());
        let edits = self.edits.lock().unwrap();
        let found = edits.iter().filter(|(id, edits)| {
            let seen = edits.iter().rfind(|edit| edit.visible <= now);
            after.is_none_or(|after| **id > after)
                && seen.is_some_and(|edit| edit.modified >= from.as_second())
        });
        let changes: Vec<(String, NoticeKind)> =
            found.take(self.page).map(|(id, _)| (id.to_string(), NoticeKind::Saved)).collect();
        let next = (changes.len() == self.page).then(|| changes.last().unwrap().0.clone());
        Ok(FeedPage { changes, next, server_time: Some(self.clock.now()) })
    }
}

struct World {
    clock: MemoryClock,
    records: Records,
    queue: Queue,
    cursors: MemoryCursors,
    settings: PollSettings,
    ticks: u32,
}

impl World {
    fn new(page: usize) -> Self {
        let clock = MemoryClock::default();
        Self {
            records: Records { clock: clock.clone(), edits: Arc::default(), page },
            clock,
            queue: Queue::default(),
            cursors: MemoryCursors::default(),
            settings: PollSettings { overlap_seconds: OVERLAP, ..PollSettings::default() },
            ticks: 0,
        }
    }

    fn key() -> CursorKey {
        CursorKey { system: "mautic:main".parse().unwrap(), object: ObjectName::new("contact") }
    }

    fn edit(&mut self, id: u32, commits_after: u32) {
        let modified = self.clock.now().as_second();
        let edit = Edit { modified, visible: modified + i64::from(commits_after) };
        self.records.edits.lock().unwrap().entry(id).or_default().push(edit);
    }

    /// A tick; it dies after so many steps.
    fn tick(&mut self, seconds: i64, steps: usize) -> Option<Result<Polled, PollError>> {
        self.ticks += 1;
        let id = format!("tick-{}", self.ticks);
        let until = self.clock.now() + SignedDuration::from_secs(seconds);
        let targets = ["corebos:main".parse().unwrap()];
        let environment = PollEnvironment {
            feed: &self.records,
            cursors: &self.cursors,
            queue: &self.queue,
            clock: &self.clock,
            targets: &targets,
            settings: &self.settings,
        };
        let tick = Tick { id: &id, at_once: true, until, lease: Duration::from_secs(40) };
        let key = Self::key();
        after_steps(steps, poll(&environment, &key, &tick))
    }

    fn whole_tick(&mut self) -> Polled {
        self.tick(30, 10_000).unwrap().unwrap()
    }

    fn noticed(&self) -> Vec<String> {
        self.queue.sent.lock().unwrap().iter().map(|notice| notice.record.id.clone()).collect()
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

#[test]
fn the_first_tick_begins_at_the_present_and_the_next_finds_what_has_changed() {
    let mut world = World::new(100);
    world.edit(1, 0);
    world.pass(OVERLAP.into());
    world.pass(1);
    assert_eq!(world.whole_tick(), Polled::Complete(0), "the existing stock is for an import");
    world.pass(10);
    world.edit(2, 0);
    world.pass(300);
    assert_eq!(world.whole_tick(), Polled::Complete(1));
    assert_eq!(world.noticed(), ["2"]);
    let receipts: Vec<String> = world.queue.sent.lock().unwrap().iter().map(|n| n.receipt.clone()).collect();
    assert_eq!(receipts, ["tick-2/contact/0"]);
}

#[test]
fn an_idle_system_is_not_told_about_for_ever() {
    let mut world = World::new(100);
    world.whole_tick();
    world.edit(1, 0);
    for _ in 0..10 {
        world.pass(300);
        world.whole_tick();
    }
    assert_eq!(world.noticed(), ["1"]);
}

#[test]
fn a_save_that_commits_after_the_tick_is_found_by_the_next() {
    let mut world = World::new(100);
    world.whole_tick();
    world.pass(100);
    world.edit(1, OVERLAP - 5);
    world.pass(1);
    assert_eq!(world.whole_tick(), Polled::Complete(0), "not committed yet");
    world.pass(360);
    assert_eq!(world.whole_tick(), Polled::Complete(1));
}

#[test]
fn a_tick_that_runs_out_of_time_is_gone_on_with() {
    let mut world = World::new(2);
    world.whole_tick();
    world.pass(100);
    for id in 1..=5 {
        world.edit(id, 0);
    }
    world.pass(1);
    // Time is over at once: no page is begun.
    assert_eq!(world.tick(0, 10_000).unwrap().unwrap(), Polled::Unfinished(0));
    assert_eq!(world.whole_tick(), Polled::Complete(5));
    assert_eq!(world.noticed(), ["1", "2", "3", "4", "5"]);
}

#[test]
fn a_tick_that_meets_a_running_one_ends_and_a_dead_one_is_taken_over() {
    let mut world = World::new(100);
    world.whole_tick();
    world.pass(100);
    world.edit(1, 0);
    assert!(world.tick(30, 3).is_none(), "it died with the lease");
    assert_eq!(world.whole_tick(), Polled::Busy);
    world.pass(60);
    assert_eq!(world.whole_tick(), Polled::Complete(1));
}

#[test]
fn a_queue_that_fails_keeps_the_cursor_where_it_is() {
    let mut world = World::new(1);
    world.whole_tick();
    world.pass(100);
    world.edit(1, 0);
    world.edit(2, 0);
    *world.queue.fails.lock().unwrap() = true;
    assert!(world.tick(30, 10_000).unwrap().is_err());
    *world.queue.fails.lock().unwrap() = false;
    assert_eq!(world.whole_tick(), Polled::Complete(2), "at once: the lease was given back");
}

#[test]
fn who_has_lost_the_lease_moves_nothing() {
    let world = World::new(1);
    let (key, now) = (World::key(), world.clock.now());
    let run = |future: std::pin::Pin<Box<dyn Future<Output = bool>>>| {
        let mut future = future;
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
                return done;
            }
        }
    };
    let cursors = world.cursors.clone();
    let lost = run(Box::pin(async move {
        let until = now + SignedDuration::from_secs(10);
        let cursor = cursors.lease_cursor(&key, "slow", now, until).await.unwrap().unwrap();
        let later = now + SignedDuration::from_secs(11);
        cursors
            .lease_cursor(&key, "other", later, later + SignedDuration::from_secs(10))
            .await
            .unwrap()
            .unwrap();
        !cursors.move_cursor(&key, "slow", &cursor).await.unwrap()
    }));
    assert!(lost);
}

#[derive(Clone, Debug)]
enum Step {
    Edit { id: u32, commits_after: u32 },
    Pass(u64),
    Tick { seconds: i64, dies_after: Option<usize>, queue_fails: bool },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let edit = (0..12_u32, 0..OVERLAP).prop_map(|(id, commits_after)| Step::Edit { id, commits_after });
    let pass = (0..200_u64).prop_map(Step::Pass);
    let tick = (0..3_i64, proptest::option::weighted(0.3, 0..12_usize), proptest::bool::weighted(0.2))
        .prop_map(|(seconds, dies_after, queue_fails)| Step::Tick {
            seconds: seconds * 20,
            dies_after,
            queue_fails,
        });
    proptest::collection::vec(prop_oneof![4 => edit, 3 => pass, 3 => tick], 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_change_is_missed(page in 1..5_usize, steps in steps()) {
        let mut world = World::new(page);
        world.whole_tick();
        let mut owed = BTreeSet::new();
        for step in steps {
            match step {
                Step::Edit { id, commits_after } => {
                    world.edit(id, commits_after);
                    owed.insert(id);
                }
                Step::Pass(seconds) => world.pass(seconds),
                Step::Tick { seconds, dies_after, queue_fails } => {
                    *world.queue.fails.lock().unwrap() = queue_fails;
                    world.tick(seconds, dies_after.unwrap_or(10_000));
                    *world.queue.fails.lock().unwrap() = false;
                }
            }
        }
        // Everything commits, leases end, and ticks go on.
        for _ in 0..3 {
            world.pass(OVERLAP.into());
            world.whole_tick();
        }
        for id in owed {
            // What was told before the last edit could be seen was told too early.
            let visible = world.records.edits.lock().unwrap()[&id].iter().map(|edit| edit.visible).max().unwrap();
            let sent = world.queue.sent.lock().unwrap();
            let told = sent.iter().any(|notice| {
                notice.record.id == id.to_string() && notice.received_at.as_second() >= visible
            });
            prop_assert!(told, "{id} was changed and never told");
        }
    }
}
