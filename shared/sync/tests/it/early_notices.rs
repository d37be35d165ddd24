//! Notices that come before what they tell of is true: a system that calls us inside its transaction.

use std::time::Duration;

use model::{LinkStatus, NoticeKind, Side};
use sync::{Clock, PairSettings};

use crate::world::World;

fn world() -> World {
    World::new(PairSettings::default())
}

/// Lets the running push take steps until it waits for the `nth` time: the clock tells.
fn until_it_waits(world: &mut World) {
    let before = world.clock.now();
    for _ in 0..200 {
        world.step(0);
        if world.clock.now() > before {
            return;
        }
    }
    panic!("the push never waits");
}

#[test]
fn a_save_that_is_told_before_its_commit_is_waited_for() {
    let mut world = world();
    let record = world.hub.reference("C1");
    let now = world.clock.now();
    world.timed_notice(record, NoticeKind::Saved, Some(now));
    assert!(world.start(0));
    until_it_waits(&mut world);
    // The transaction commits.
    let id = world.hub.person_creates(&[("lastname", "Early")]);
    assert_eq!(id, "C1", "the record that the notice named");
    world.hub.take_events();
    world.run_until_quiet();
    assert!(world.partner(Side::Hub, &id).is_some(), "the new record was copied by its own notice");
}

#[test]
fn an_edit_that_is_told_before_its_commit_is_waited_for() {
    let mut world = world();
    let id = world.hub.person_creates(&[("lastname", "Old")]);
    world.run_until_quiet();
    world.clock.advance(Duration::from_secs(10));
    let now = world.clock.now();
    world.timed_notice(world.hub.reference(&id), NoticeKind::Saved, Some(now));
    assert!(world.start(0));
    until_it_waits(&mut world);
    world.hub.person_edits(&id, &[("lastname", "New")]);
    world.hub.take_events();
    world.run_until_quiet();
    let remote = world.partner(Side::Hub, &id).unwrap();
    assert_eq!(world.remote.value(&remote, "lastname").as_deref(), Some("New"));
}

#[test]
fn a_save_of_a_record_that_never_comes_is_let_go() {
    let mut world = world();
    let begun = world.clock.now();
    world.timed_notice(world.hub.reference("C9"), NoticeKind::Saved, Some(begun));
    world.run_until_quiet();
    assert_eq!(world.reports("skipped"), 1);
    let waited = world.clock.now().duration_since(begun);
    assert!(waited.as_secs() < 5, "a rolled back save holds nobody up for long: {waited}");
}

#[test]
fn a_delete_that_is_told_before_it_is_done_is_waited_for() {
    let mut world = world();
    let id = world.hub.person_creates(&[("lastname", "Soon gone")]);
    world.run_until_quiet();
    let remote = world.partner(Side::Hub, &id).unwrap();
    world.notice(world.hub.reference(&id), NoticeKind::Deleted);
    assert!(world.start(0));
    while !world.running.is_empty() {
        world.step(0);
    }
    assert!(matches!(world.store.links()[0].status, LinkStatus::Active), "it is still there");
    world.hub.person_deletes(&id);
    world.hub.take_events();
    world.run_until_quiet();
    assert!(matches!(world.store.links()[0].status, LinkStatus::Tombstone { .. }));
    assert_eq!(world.remote.value(&remote, "corebos_id").as_deref(), Some(""), "blanked, not deleted");
}

#[test]
fn a_new_record_that_is_about_to_be_deleted_is_not_copied() {
    let mut world = world();
    let id = world.hub.person_creates(&[("lastname", "Mistake")]);
    world.hub.take_events();
    world.notice(world.hub.reference(&id), NoticeKind::Deleted);
    assert!(world.start(0));
    while !world.running.is_empty() {
        world.step(0);
    }
    world.hub.person_deletes(&id);
    world.hub.take_events();
    world.run_until_quiet();
    assert!(world.remote.ids().is_empty());
}

#[test]
fn a_delete_that_was_not_one_loses_no_edit() {
    let mut world = world();
    let id = world.hub.person_creates(&[("lastname", "Here")]);
    world.run_until_quiet();
    world.hub.person_edits(&id, &[("phone", "7")]);
    world.hub.take_events();
    world.notice(world.hub.reference(&id), NoticeKind::Deleted);
    world.run_until_quiet();
    let remote = world.partner(Side::Hub, &id).unwrap();
    assert_eq!(world.remote.value(&remote, "phone").as_deref(), Some("7"));
}

#[test]
fn a_taken_email_is_parked_with_both_records_named_and_the_rest_is_written() {
    let mut world = World::with_unique_emails();
    let ana = world.hub.person_creates(&[("lastname", "A"), ("email", "ana@example.org")]);
    let holder = world.remote.person_creates(&[("lastname", "B"), ("email", "bea@example.org")]);
    world.run_until_quiet();
    let remote = world.partner(Side::Hub, &ana).unwrap();
    world.hub.person_edits(&ana, &[("email", "bea@example.org"), ("phone", "5")]);
    world.run_until_quiet();
    assert_eq!(world.remote.value(&remote, "phone").as_deref(), Some("5"));
    let parked = world.store.parked();
    assert_eq!(parked.len(), 1, "{parked:?}");
    let words = &parked[0].fields["email"];
    for record in [world.remote.reference(&holder), world.remote.reference(&remote)] {
        assert!(words.contains(&record.key()), "{record} is not named in: {words}");
    }
}
