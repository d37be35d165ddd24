//! Walks miss no association that changed alone: whatever the pages, dead workers, failing queues, records that come and
//! go. And they cost little where nothing changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use model::{NoticeKind, ObjectName, System};
use proptest::prelude::*;
use sync::memory::{MemoryClock, MemoryCursors};
use sync::poll::{Belonging, WalkPage, walk_key};
use sync::{
    Clock as _, ConnectorError, PollEnvironment, PollError, PollSettings, Polled, Tick, Walked, walk,
};

use crate::mortal::{Queue, after_steps};

/// A record, and how often what it belongs to has changed.
#[derive(Clone, Debug)]
struct Kept {
    company: u32,
    created: Timestamp,
}

/// A portal that lists its records by id.
#[derive(Clone)]
struct Portal {
    records: Arc<Mutex<BTreeMap<u64, Kept>>>,
    page: usize,
    calls: Arc<Mutex<usize>>,
}

impl Walked for Portal {
    async fn belongings(&self, _: &ObjectName, after: Option<&str>) -> Result<WalkPage, ConnectorError> {
        *self.calls.lock().unwrap() += 1;
        let records = self.records.lock().unwrap();
        let first: u64 = after.map_or(0, |after| after.parse().unwrap());
        let mut found: Vec<Belonging> = records
            .range(first..)
            .take(self.page + 1)
            .map(|(id, kept)| {
                let to = if kept.company == 0 { String::new() } else { kept.company.to_string() };
                Belonging { id: *id, to, created: Some(kept.created) }
            })
            .collect();
        let next =
            if found.len() > self.page { found.pop().map(|record| record.id.to_string()) } else { None };
        Ok(WalkPage { records: found, next })
    }
}

struct World {
    clock: MemoryClock,
    portal: Portal,
    queue: Queue,
    cursors: MemoryCursors,
    settings: PollSettings,
    ticks: u32,
    last_company: u32,
    /// Records that have belonged to nothing once: back to what was seen is no change.
    been_alone: BTreeSet<u64>,
}

impl World {
    fn new(page: usize, pages: u32) -> Self {
        Self {
            clock: MemoryClock::default(),
            portal: Portal { records: Arc::default(), page, calls: Arc::default() },
            queue: Queue::default(),
            cursors: MemoryCursors::default(),
            settings: PollSettings { walk_pages: pages, ..PollSettings::default() },
            ticks: 0,
            last_company: 0,
            been_alone: BTreeSet::new(),
        }
    }

    /// A portal with these records, whose first round is over.
    fn walked(page: usize, pages: u32, ids: impl IntoIterator<Item = u64>) -> Self {
        let mut world = Self::new(page, pages);
        for id in ids {
            world.create(id);
        }
        world.pass(600);
        world.round();
        assert_eq!(world.noticed(), [0_u64; 0], "what is older than the bridge is for an import");
        world
    }

    fn system() -> System {
        "hubspot:main".parse().unwrap()
    }

    fn object() -> ObjectName {
        ObjectName::new("contact")
    }

    fn create(&mut self, id: u64) {
        let created = self.clock.now();
        self.last_company += 1;
        self.portal.records.lock().unwrap().insert(id, Kept { company: self.last_company, created });
    }

    /// Moves a record to a company that nobody has belonged to, or to none.
    fn move_away(&mut self, id: u64, to_none: bool) -> bool {
        let mut records = self.portal.records.lock().unwrap();
        let Some(kept) = records.get_mut(&id) else { return false };
        self.last_company += 1;
        let alone = to_none && self.been_alone.insert(id);
        kept.company = if alone { 0 } else { self.last_company };
        true
    }

    fn delete(&mut self, id: u64) {
        self.portal.records.lock().unwrap().remove(&id);
    }

    /// A tick; it dies after so many steps.
    fn tick(&mut self, seconds: i64, steps: usize) -> Option<Result<Polled, PollError>> {
        self.ticks += 1;
        let id = format!("tick-{}", self.ticks);
        let targets = ["corebos:main".parse().unwrap()];
        let environment = PollEnvironment {
            feed: &self.portal,
            cursors: &self.cursors,
            queue: &self.queue,
            clock: &self.clock,
            targets: &targets,
            settings: &self.settings,
        };
        let until = self.clock.now() + SignedDuration::from_secs(seconds);
        let tick = Tick { id: &id, at_once: true, until, lease: Duration::from_secs(40) };
        let (system, object) = (Self::system(), Self::object());
        after_steps(steps, walk(&environment, &system, &object, &tick))
    }

    fn whole_tick(&mut self) -> Polled {
        self.tick(30, 100_000).unwrap().unwrap()
    }

    /// Ticks to the end of the round that is under way.
    fn round(&mut self) {
        for _ in 0..10_000 {
            self.pass(61);
            if matches!(self.whole_tick(), Polled::Complete(_)) {
                return;
            }
        }
        panic!("the round has no end");
    }

    fn noticed(&self) -> Vec<u64> {
        let sent = self.queue.sent.lock().unwrap();
        assert!(sent.iter().all(|notice| notice.kind == NoticeKind::Saved));
        sent.iter().map(|notice| notice.record.id.parse().unwrap()).collect()
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

#[test]
fn a_record_that_belongs_elsewhere_or_nowhere_is_noticed_once() {
    let mut world = World::walked(100, 5, 1..=450);
    assert!(world.move_away(7, false) && world.move_away(333, true));
    world.round();
    assert_eq!(world.noticed(), [7, 333]);
    let receipts: BTreeSet<String> =
        world.queue.sent.lock().unwrap().iter().map(|notice| notice.receipt.clone()).collect();
    assert_eq!(receipts.len(), 2, "{receipts:?}");
    world.round();
    assert_eq!(world.noticed(), [7, 333], "once");
}

#[test]
fn a_portal_where_nothing_changes_costs_a_call_for_each_page_and_writes_nothing_that_was_seen() {
    let mut world = World::walked(100, 5, 1..=1_200);
    let (calls, kept) = (*world.portal.calls.lock().unwrap(), world.cursors.kept_stretches());
    assert_eq!(kept, 12, "one for each hundred");
    assert_eq!(world.whole_tick(), Polled::Unfinished(0));
    assert_eq!(world.whole_tick(), Polled::Unfinished(0));
    assert_eq!(world.whole_tick(), Polled::Complete(0), "twelve pages, five at each tick");
    assert_eq!(*world.portal.calls.lock().unwrap(), calls + 12);
    assert_eq!(world.cursors.kept_stretches(), kept);
    assert_eq!(world.noticed(), [0_u64; 0]);
}

#[test]
fn what_was_made_since_the_walk_began_is_noticed_when_it_is_seen_first() {
    let mut world = World::new(2, 1);
    for id in 1..=4 {
        world.create(id);
    }
    world.pass(600);
    // The first round is under way. Whoever is new may have moved since the feed told of it.
    assert_eq!(world.whole_tick(), Polled::Unfinished(0));
    world.pass(61);
    world.create(5);
    world.round();
    assert_eq!(world.noticed(), [5]);
    world.create(6);
    world.round();
    world.round();
    assert_eq!(world.noticed(), [5, 6]);
    // What comes out of the recycle bin is new again, however old it is.
    world.delete(2);
    world.round();
    assert_eq!(world.cursors.remembered(&walk_key(&World::system(), &World::object())), [1, 3, 4, 5, 6]);
    let old = Kept { company: 2, created: world.portal.records.lock().unwrap()[&1].created };
    world.portal.records.lock().unwrap().insert(2, old);
    world.round();
    assert_eq!(world.noticed(), [5, 6, 2]);
}

#[test]
fn a_walk_goes_on_where_it_was_stopped_or_killed() {
    let mut world = World::walked(2, 3, 1..=12);
    assert_eq!(world.tick(0, 100_000).unwrap().unwrap(), Polled::Unfinished(0), "time is over at once");
    let calls = *world.portal.calls.lock().unwrap();
    // It dies in its third page: two are behind it.
    assert!(world.tick(30, 6).is_none());
    assert_eq!(*world.portal.calls.lock().unwrap() - calls, 3);
    assert_eq!(world.whole_tick(), Polled::Busy, "it died with the lease");
    world.pass(61);
    world.round();
    assert_eq!(
        *world.portal.calls.lock().unwrap() - calls,
        7,
        "six pages, and again the one that it died in"
    );
}

#[test]
fn a_queue_that_fails_loses_nothing() {
    let mut world = World::walked(2, 3, 1..=4);
    world.move_away(3, false);
    *world.queue.fails.lock().unwrap() = true;
    assert!(world.tick(30, 100_000).unwrap().is_err());
    *world.queue.fails.lock().unwrap() = false;
    assert_eq!(world.whole_tick(), Polled::Complete(1), "at once: the lease was given back");
    assert_eq!(world.noticed(), [3]);
}

#[test]
fn a_list_out_of_order_is_told_and_does_not_go_on_for_ever() {
    struct Circle;
    impl Walked for Circle {
        async fn belongings(&self, _: &ObjectName, _: Option<&str>) -> Result<WalkPage, ConnectorError> {
            let records = vec![Belonging { id: 1, ..Belonging::default() }];
            Ok(WalkPage { records, next: Some("1".to_owned()) })
        }
    }
    let world = World::new(2, 100);
    let targets = ["corebos:main".parse().unwrap()];
    let environment = PollEnvironment {
        feed: &Circle,
        cursors: &world.cursors,
        queue: &world.queue,
        clock: &world.clock,
        targets: &targets,
        settings: &world.settings,
    };
    let until = world.clock.now() + SignedDuration::from_secs(30);
    let tick = Tick { id: "tick", at_once: true, until, lease: Duration::from_secs(40) };
    let (system, object) = (World::system(), World::object());
    let outcome = after_steps(1_000, walk(&environment, &system, &object, &tick));
    assert!(
        matches!(outcome, Some(Err(PollError::System(ConnectorError::Unavailable { .. })))),
        "{outcome:?}"
    );
}

#[derive(Clone, Debug)]
enum Step {
    Create(u64),
    Move { id: u64, to_none: bool },
    Delete(u64),
    Tick { dies_after: Option<usize>, queue_fails: bool },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let id = || 1..400_u64;
    let tick = (proptest::option::weighted(0.3, 0..15_usize), proptest::bool::weighted(0.2))
        .prop_map(|(dies_after, queue_fails)| Step::Tick { dies_after, queue_fails });
    let moved = (id(), proptest::bool::weighted(0.2)).prop_map(|(id, to_none)| Step::Move { id, to_none });
    let step = prop_oneof![
        2 => id().prop_map(Step::Create), 3 => moved, 2 => id().prop_map(Step::Delete), 4 => tick,
    ];
    proptest::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_association_that_changed_alone_is_missed_and_nobody_else_is_noticed(
        page in 1..40_usize, pages in 1..4_u32, there in proptest::collection::btree_set(1..400_u64, 0..300),
        steps in steps(),
    ) {
        let mut world = World::walked(page, pages, there);
        // By record: how many notices had been sent when it moved last.
        let mut owed = BTreeMap::new();
        let mut touched = BTreeSet::new();
        for step in steps {
            let sent = world.queue.sent.lock().unwrap().len();
            match step {
                Step::Create(id) => {
                    if !world.portal.records.lock().unwrap().contains_key(&id) {
                        world.create(id);
                        owed.insert(id, sent);
                        touched.insert(id);
                    }
                }
                Step::Move { id, to_none } => {
                    if world.move_away(id, to_none) {
                        owed.insert(id, sent);
                        touched.insert(id);
                    }
                }
                Step::Delete(id) => {
                    world.delete(id);
                    owed.remove(&id);
                }
                Step::Tick { dies_after, queue_fails } => {
                    world.pass(61);
                    *world.queue.fails.lock().unwrap() = queue_fails;
                    world.tick(30, dies_after.unwrap_or(100_000));
                    *world.queue.fails.lock().unwrap() = false;
                }
            }
        }
        // The round that is under way, and a whole one.
        world.pass(61);
        world.round();
        world.round();
        let noticed = world.noticed();
        for (id, sent) in owed {
            prop_assert!(noticed[sent..].contains(&id), "{id} moved and was never noticed");
        }
        for id in &noticed {
            prop_assert!(touched.contains(id), "{id} was noticed for nothing");
        }
        let here: Vec<u64> = world.portal.records.lock().unwrap().keys().copied().collect();
        let mut remembered = world.cursors.remembered(&walk_key(&World::system(), &World::object()));
        remembered.sort_unstable();
        prop_assert_eq!(remembered, here);
        let count = world.queue.sent.lock().unwrap().len();
        world.round();
        prop_assert_eq!(world.queue.sent.lock().unwrap().len(), count, "nothing moved any more");
    }
}
