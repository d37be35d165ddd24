//! Imports: a stock is brought in step by the decisions of pushes, once, whatever happens meanwhile.

mod any_stocks;
mod edited_maps;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use model::{Direction, Side};
use sync::import::{
    Difference, Ended, Foreseen, ImportError, ImportEvent, ImportOptions, ImportWatch, Imported, import,
    preview,
};
use sync::memory::{MemoryImports, MemorySystem};
use sync::settings::Winner;
use sync::{PairSettings, Stock as _};

use crate::world::{Lanes, SHARED, World};

/// What an import has told.
#[derive(Default)]
struct Watch {
    done: Mutex<Vec<(String, String)>>,
    differences: Mutex<Vec<Difference>>,
    resumed_after: Mutex<Option<String>>,
    stops: AtomicBool,
    /// Stops by itself after so many records.
    stops_after: Option<usize>,
}

impl ImportWatch for Watch {
    fn told(&self, event: &ImportEvent<'_>) {
        match event {
            ImportEvent::Done { source, told } => {
                let mut done = self.done.lock().unwrap();
                done.push((source.id.clone(), told.outcome.to_owned()));
                if self.stops_after.is_some_and(|limit| done.len() >= limit) {
                    self.stops.store(true, Ordering::SeqCst);
                }
            }
            ImportEvent::Difference(difference) => {
                self.differences.lock().unwrap().push((*difference).clone());
            }
            ImportEvent::Resumed(progress) => {
                self.resumed_after.lock().unwrap().clone_from(&progress.after);
            }
            _ => {}
        }
    }

    fn stops(&self) -> bool {
        self.stops.load(Ordering::SeqCst)
    }
}

impl Watch {
    fn ids(&self) -> Vec<String> {
        self.done.lock().unwrap().iter().map(|(id, _)| id.clone()).collect()
    }
}

fn block<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    for _ in 0..2_000_000 {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return done;
        }
    }
    panic!("it never ends");
}

type Importing = Pin<Box<dyn Future<Output = Result<Imported, ImportError>>>>;

/// An import that runs when it is polled, and is killed when it is dropped.
fn importing(
    lanes: Lanes,
    imports: &MemoryImports,
    options: &ImportOptions,
    watch: &Arc<Watch>,
) -> Importing {
    let (imports, options, watch) = (imports.clone(), options.clone(), watch.clone());
    Box::pin(async move { import(&lanes.environments(), &imports, &options, &*watch).await })
}

fn imported(world: &World, direction: Direction, lanes: usize) -> Imported {
    let watch = Arc::default();
    let options = ImportOptions::new("run");
    block(importing(world.lanes(direction, lanes), &MemoryImports::default(), &options, &watch)).unwrap()
}

fn foreseen(world: &World, direction: Direction, options: &ImportOptions, watch: &Watch) -> Foreseen {
    block(preview(&world.lanes(direction, 1).environments(), options, watch))
}

fn person(world: &World, side: Side, name: &str, email: &str, phone: &str) -> String {
    world.system(side).person_creates(&[("firstname", name), ("email", email), ("phone", phone)])
}

fn snapshot(system: &MemorySystem) -> BTreeMap<String, BTreeMap<&'static str, String>> {
    let fields = |id: &str| SHARED.map(|field| (field, system.value(id, field).unwrap_or_default())).into();
    system.ids().into_iter().map(|id| (id.clone(), fields(&id))).collect()
}

#[test]
fn two_stocks_are_linked_by_e_mail_and_what_is_missing_is_created() {
    let world = World::new(PairSettings::default());
    let same = person(&world, Side::Hub, "Ana", "ana@x", "");
    let hers = person(&world, Side::Remote, "Ana", "ana@x", "600");
    for number in 0..20 {
        person(&world, Side::Remote, &format!("P{number}"), &format!("p{number}@x"), "1");
    }
    person(&world, Side::Hub, "Only", "only@x", "2");
    let first = imported(&world, Direction::ToHub, 3);
    assert_eq!(first.ended, Ended::Complete);
    assert_eq!(
        (first.tally.of("created"), first.tally.of("linked_updated"), first.tally.total()),
        (20, 1, 21)
    );
    assert_eq!(world.hub.value(&same, "phone").as_deref(), Some("600"), "a blank is filled");
    assert_eq!(world.hub.value(&same, "mautic_id").as_deref(), Some(hers.as_str()));
    let second = imported(&world, Direction::ToRemote, 3);
    assert_eq!((second.tally.of("created"), second.tally.of("skipped")), (1, 21), "{:?}", second.tally);
    assert_eq!((world.hub.ids().len(), world.remote.ids().len()), (22, 22));
    // Fields that are made one way only travel by their own way; then there is nothing to do, and nothing is written.
    assert_eq!(imported(&world, Direction::ToHub, 3).tally.of("updated"), 1);
    let (hub, remote) = (world.hub.api_writes().len(), world.remote.api_writes().len());
    assert_eq!(imported(&world, Direction::ToHub, 3).tally.of("skipped"), 22);
    assert_eq!((world.hub.api_writes().len(), world.remote.api_writes().len()), (hub, remote));
}

#[test]
fn whoever_could_be_several_is_parked_with_all_names() {
    let world = World::new(PairSettings::default());
    let twins =
        [person(&world, Side::Hub, "One", "twin@x", ""), person(&world, Side::Hub, "Two", "twin@x", "")];
    person(&world, Side::Remote, "Twin", "twin@x", "");
    let imported = imported(&world, Direction::ToHub, 2);
    assert_eq!(imported.tally.0, BTreeMap::from([("parked/ambiguous".to_owned(), 1)]));
    let parked = world.store.parked();
    assert!(twins.iter().all(|id| parked[0].message.contains(id.as_str())), "{}", parked[0].message);
    assert_eq!(world.hub.api_writes(), []);
}

#[test]
fn an_import_that_was_killed_goes_on_and_repeats_at_most_a_page() {
    for steps in (40..2_400).step_by(67) {
        let mut world = World::new(PairSettings::default());
        for number in 0..30 {
            person(&world, Side::Remote, "P", &format!("p{number:02}@x"), "1");
        }
        let (imports, options) = (MemoryImports::default(), ImportOptions::new("first"));
        let first = Arc::<Watch>::default();
        let mut running = importing(world.lanes(Direction::ToHub, 2), &imports, &options, &first);
        let mut context = Context::from_waker(Waker::noop());
        let ended = (0..steps).any(|_| running.as_mut().poll(&mut context).is_ready());
        drop(running);
        let second = Arc::<Watch>::default();
        let options = ImportOptions::new("second");
        if !ended {
            let busy = block(importing(world.lanes(Direction::ToHub, 2), &imports, &options, &second));
            assert!(matches!(busy, Err(ImportError::Busy { .. })), "its lease has not ended");
            world.clock.advance(ImportOptions::LEASE + crate::world::LEASE);
        }
        let done = block(importing(world.lanes(Direction::ToHub, 2), &imports, &options, &second)).unwrap();
        assert_eq!(done.ended, Ended::Complete);
        if !ended {
            let repeated = first.ids().iter().filter(|id| second.ids().contains(id)).count();
            assert!(repeated <= 7, "{repeated} of a page of 7, after {steps} steps");
            assert_eq!(done.in_all.total(), 30, "{:?} after {steps} steps", done.in_all);
        }
        assert_eq!((world.hub.ids().len(), world.hub.api_creates()), (30, 30), "after {steps} steps");
        world.run_until_quiet();
        assert_eq!(world.hub.ids().len(), 30);
    }
}

#[test]
fn an_import_that_is_asked_to_end_finishes_what_is_under_way() {
    let world = World::new(PairSettings::default());
    for number in 0..30 {
        person(&world, Side::Remote, "P", &format!("p{number:02}@x"), "1");
    }
    let imports = MemoryImports::default();
    let watch = Arc::new(Watch { stops_after: Some(10), ..Watch::default() });
    let options = ImportOptions::new("first");
    let ended = block(importing(world.lanes(Direction::ToHub, 2), &imports, &options, &watch)).unwrap();
    assert_eq!(ended.ended, Ended::Interrupted);
    assert!(world.store.leased().is_empty(), "nothing is left half done");
    // It can go on at once: the lease was given back.
    let again = Arc::<Watch>::default();
    let options = ImportOptions::new("second");
    let done = block(importing(world.lanes(Direction::ToHub, 2), &imports, &options, &again)).unwrap();
    assert!(again.resumed_after.lock().unwrap().is_some());
    assert_eq!((done.ended, world.hub.api_creates()), (Ended::Complete, 30));
    // And a third one begins anew, since the second came to the end.
    let third = Arc::<Watch>::default();
    let done = block(importing(world.lanes(Direction::ToHub, 2), &imports, &options, &third)).unwrap();
    assert_eq!((third.resumed_after.lock().unwrap().clone(), done.tally.of("skipped")), (None, 30));
}

#[test]
fn a_limit_ends_an_import_and_the_next_one_goes_on_behind_it() {
    let world = World::new(PairSettings::default());
    for number in 0..30 {
        person(&world, Side::Remote, "P", &format!("p{number:02}@x"), "1");
    }
    let imports = MemoryImports::default();
    let options = ImportOptions { limit: Some(10), ..ImportOptions::new("run") };
    let mut seen = BTreeSet::new();
    for expected in [Ended::Limit, Ended::Limit, Ended::Complete] {
        let watch = Arc::<Watch>::default();
        let done = block(importing(world.lanes(Direction::ToHub, 2), &imports, &options, &watch)).unwrap();
        assert_eq!((done.ended, done.tally.total()), (expected, 10));
        seen.extend(watch.ids());
    }
    assert_eq!((seen.len(), world.hub.api_creates()), (30, 30));
}

#[test]
fn a_system_that_stays_away_ends_an_import_that_can_go_on_later() {
    let world = World::new(PairSettings::default());
    person(&world, Side::Remote, "Ana", "ana@x", "1");
    for _ in 0..200 {
        world.hub.fail_next(sync::memory::system::MemoryFault::Unavailable);
    }
    let imports = MemoryImports::default();
    let options = ImportOptions::new("run");
    let watch = Arc::default();
    let done = block(importing(world.lanes(Direction::ToHub, 2), &imports, &options, &watch)).unwrap();
    assert!(matches!(done.ended, Ended::Away { .. }), "{:?}", done.ended);
    assert!(world.store.parked().is_empty(), "an outage parks nothing");
}

/// An import of seven people in one lane that has read its page and done the first of them.
fn begun(world: &World) -> Importing {
    let watch = Arc::<Watch>::default();
    let options = ImportOptions::new("run");
    let lanes = world.lanes(Direction::ToHub, 1);
    let mut running = importing(lanes, &MemoryImports::default(), &options, &watch);
    let mut context = Context::from_waker(Waker::noop());
    while watch.ids().is_empty() {
        assert!(running.as_mut().poll(&mut context).is_pending());
    }
    running
}

#[test]
fn what_a_page_has_read_is_not_believed_once_the_bridge_has_written_it() {
    let mut world = World::new(PairSettings { conflict: Winner::Remote, ..PairSettings::default() });
    let remotes: Vec<String> =
        (0..7).map(|n| person(&world, Side::Remote, "P", &format!("{n}@x"), "")).collect();
    world.run_until_quiet();
    let hub = world.partner(Side::Remote, &remotes[6]).unwrap();
    let running = begun(&world);
    world.hub.person_edits(&hub, &[("lastname", "New")]);
    world.run_until_quiet();
    assert_eq!(world.remote.value(&remotes[6], "lastname").as_deref(), Some("New"));
    world.hub.person_edits(&hub, &[("lastname", "Newer")]);
    block(running).unwrap();
    world.run_until_quiet();
    assert_eq!(world.remote.value(&remotes[6], "lastname").as_deref(), Some("Newer"));
    assert_eq!(world.hub.value(&hub, "lastname").as_deref(), Some("Newer"));
}

#[test]
fn what_people_write_after_a_page_was_read_is_not_overwritten() {
    let world = World::new(PairSettings::default());
    for number in 0..7 {
        person(&world, Side::Remote, "P", &format!("{number}@x"), "600");
    }
    let there = person(&world, Side::Hub, "P", "6@x", "");
    let running = begun(&world);
    world.hub.person_edits(&there, &[("phone", "700")]);
    block(running).unwrap();
    assert_eq!(world.hub.value(&there, "phone").as_deref(), Some("700"));
}

#[test]
fn whom_people_create_after_a_page_was_read_is_not_created_again() {
    let world = World::new(PairSettings::default());
    for number in 0..7 {
        person(&world, Side::Remote, "P", &format!("{number}@x"), "600");
    }
    let running = begun(&world);
    person(&world, Side::Hub, "P", "6@x", "");
    let done = block(running).unwrap();
    assert_eq!((done.tally.of("created"), done.tally.of("linked_updated"), world.hub.ids().len()), (6, 1, 7));
}

#[test]
fn pages_go_by_id_whatever_is_written_meanwhile() {
    let world = World::new(PairSettings::default());
    for number in 0..20 {
        person(&world, Side::Remote, "P", &format!("{number}@x"), "");
    }
    let object = world.remote.reference("x").object;
    let page = block(world.remote.stock(&object, None)).unwrap();
    let last = page.rows.last().map(|(id, _)| id.clone()).unwrap();
    world.remote.person_deletes(&page.rows[0].0);
    let next = block(world.remote.stock(&object, Some(&last))).unwrap();
    assert!(next.rows[0].0 > last && page.left == Some(20) && next.left == Some(13));
}
