//! Redrives: what was refused is really tried again, and only then.

use sync::memory::MemoryField;
use sync::redrive::Redriven;
use sync::{Outcome, PairSettings};

use crate::world::{LEASE, World};

fn skipped_as_refused(world: &World) -> usize {
    let skipped = |outcome: &Outcome| matches!(outcome, Outcome::Done(report) if report.outcome == "skipped" && report.reason == "refused_before");
    world.outcomes.iter().filter(|(_, outcome)| skipped(outcome)).count()
}

#[test]
fn a_refused_creation_is_tried_again_after_a_redrive_and_not_before() {
    let mut world = World::new(PairSettings::default());
    world.hub.require("lastname");
    world.remote.person_creates(&[("firstname", "Cher")]);
    world.run_until_quiet();
    let parked = world.store.parked();
    assert_eq!(parked.len(), 1);
    world.poll_everything();
    world.run_until_quiet();
    assert_eq!((world.store.parked().len(), skipped_as_refused(&world)), (1, 1));
    let redriven = world.redrive(&parked[0]);
    assert!(matches!(redriven, Redriven::Queued { forgotten: 1, .. }), "{redriven:?}");
    world.run_until_quiet();
    assert_eq!(world.store.parked().len(), 2, "tried, refused and parked anew");
    assert_eq!(skipped_as_refused(&world), 1);
}

#[test]
fn a_refused_field_is_tried_again_after_a_redrive_and_the_others_are_left_alone() {
    let refuses = MemoryField { refuses: Some("bad".to_owned()), ..MemoryField::default() };
    let mut world = World::with(PairSettings::default(), refuses);
    let ana = world.remote.person_creates(&[("lastname", "Pérez"), ("phone", "1")]);
    world.run_until_quiet();
    world.remote.person_edits(&ana, &[("phone", "bad"), ("firstname", "Ana")]);
    world.run_until_quiet();
    let parked = world.store.parked();
    assert_eq!(parked.len(), 1);
    assert_eq!(world.store.links()[0].refused.len(), 1);
    let writes = world.hub.api_writes().len();
    assert!(matches!(world.redrive(&parked[0]), Redriven::Queued { forgotten: 1, .. }));
    assert!(world.store.links()[0].refused.is_empty());
    world.run_until_quiet();
    assert_eq!((world.store.parked().len(), world.hub.api_writes().len()), (2, writes));
}

#[test]
fn a_redrive_wakes_a_link_that_rests() {
    let mut world = World::new(PairSettings { writes_per_link: 2, ..PairSettings::default() });
    let ana = world.remote.person_creates(&[("lastname", "P"), ("phone", "0")]);
    world.run_until_quiet();
    for phone in ["1", "2", "3", "4"] {
        world.remote.person_edits(&ana, &[("phone", phone)]);
        world.webhooks(|_| 1);
        while world.start(0) {
            while !world.running.is_empty() {
                world.step(0);
            }
        }
    }
    let parked = world.store.parked();
    let breaker = parked.iter().find(|parked| parked.reason == "breaker").unwrap();
    assert!(matches!(world.store.links()[0].status, model::LinkStatus::Broken { .. }));
    assert!(matches!(world.redrive(breaker), Redriven::Queued { .. }));
    assert_eq!(world.store.links()[0].status, model::LinkStatus::Active);
}

#[test]
fn a_record_that_is_being_written_is_not_redriven() {
    let mut world = World::new(PairSettings::default());
    world.hub.require("lastname");
    let cher = world.remote.person_creates(&[("firstname", "Cher")]);
    world.run_until_quiet();
    let parked = world.store.parked();
    // The record differs now: a push of it takes the lease of its creation, and stops there.
    world.remote.person_edits(&cher, &[("phone", "1")]);
    world.webhooks(|_| 1);
    assert!(world.start(0));
    while world.store.leased().is_empty() {
        world.step(0);
    }
    let redriven = world.redrive(&parked[0]);
    assert!(matches!(redriven, Redriven::Busy { until: Some(_) }), "{redriven:?}");
    world.crash(0);
    world.clock.advance(LEASE + LEASE);
    assert!(matches!(world.redrive(&parked[0]), Redriven::Queued { .. }));
}
