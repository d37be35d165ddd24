//! Stories played by hand, each named after what must hold.

use model::{LinkStatus, NoticeKind, Side};
use sync::memory::MemoryField;
use sync::memory::system::MemoryFault;
use sync::settings::{FirstLink, Operations, Winner};
use sync::{Clock, PairSettings};

use crate::world::World;

fn world() -> World {
    World::new(PairSettings::default())
}

fn ana(world: &World) -> String {
    world.remote.person_creates(&[("firstname", "Ana"), ("lastname", "Pérez"), ("email", "ana@example.org")])
}

#[test]
fn a_new_contact_is_created_once_and_its_id_is_written_back() {
    let mut world = world();
    let ana = ana(&world);
    world.run_until_quiet();
    let hub = world.partner(Side::Remote, &ana).unwrap();
    assert_eq!(world.hub.value(&hub, "lastname").as_deref(), Some("Pérez"));
    assert_eq!(world.hub.value(&hub, "mautic_id").as_deref(), Some(ana.as_str()));
    assert_eq!(world.remote.value(&ana, "corebos_id").as_deref(), Some(hub.as_str()));
    assert_eq!(world.hub.value(&hub, "label").as_deref(), Some("Ana Pérez"));
    assert_eq!((world.hub.api_creates(), world.remote.api_creates()), (1, 0));
    // The id, and nothing else, was written to the other system.
    assert_eq!(world.remote.api_writes().len(), 1);
    assert!(world.hub.api_writes().is_empty());
}

#[test]
fn an_edit_writes_only_what_changed_and_its_echo_writes_nothing() {
    let mut world = world();
    let ana = ana(&world);
    world.run_until_quiet();
    let writes = (world.hub.api_writes().len(), world.remote.api_writes().len());
    world.remote.person_edits(&ana, &[("phone", "555")]);
    world.run_until_quiet();
    let hub_writes = world.hub.api_writes();
    assert_eq!(hub_writes.len(), writes.0 + 1);
    assert_eq!(hub_writes.last().unwrap().1.keys().collect::<Vec<_>>(), ["phone"]);
    assert_eq!(world.remote.api_writes().len(), writes.1);
}

#[test]
fn two_people_who_edit_different_fields_lose_nothing() {
    let mut world = world();
    let ana = ana(&world);
    world.run_until_quiet();
    let hub = world.partner(Side::Remote, &ana).unwrap();
    world.remote.person_edits(&ana, &[("phone", "555")]);
    world.hub.person_edits(&hub, &[("firstname", "Anna")]);
    world.run_until_quiet();
    for (system, id) in [(&world.hub, &hub), (&world.remote, &ana)] {
        assert_eq!(system.value(id, "phone").as_deref(), Some("555"));
        assert_eq!(system.value(id, "firstname").as_deref(), Some("Anna"));
    }
}

#[test]
fn the_later_edit_wins_a_conflict_and_the_loser_is_kept_in_the_history() {
    let mut world = world();
    let ana = ana(&world);
    world.run_until_quiet();
    let hub = world.partner(Side::Remote, &ana).unwrap();
    world.hub.person_edits(&hub, &[("phone", "from-crm")]);
    world.clock.advance(std::time::Duration::from_secs(5));
    world.remote.person_edits(&ana, &[("phone", "from-mautic")]);
    world.run_until_quiet();
    assert_eq!(world.hub.value(&hub, "phone").as_deref(), Some("from-mautic"));
    assert_eq!(world.remote.value(&ana, "phone").as_deref(), Some("from-mautic"));
    let link = &world.store.links()[0];
    let lost: Vec<_> = world.store.history(&link.id).into_iter().flat_map(|h| h.lost).collect();
    assert!(lost.iter().any(|l| l.value.as_text() == Some("from-crm")), "{} entries", lost.len());
}

#[test]
fn the_setting_decides_a_conflict_where_it_says_so() {
    let mut world = World::new(PairSettings { conflict: Winner::Corebos, ..PairSettings::default() });
    let ana = ana(&world);
    world.run_until_quiet();
    let hub = world.partner(Side::Remote, &ana).unwrap();
    world.hub.person_edits(&hub, &[("phone", "from-crm")]);
    world.clock.advance(std::time::Duration::from_secs(5));
    world.remote.person_edits(&ana, &[("phone", "from-mautic")]);
    world.run_until_quiet();
    assert_eq!(world.hub.value(&hub, "phone").as_deref(), Some("from-crm"));
    assert_eq!(world.remote.value(&ana, "phone").as_deref(), Some("from-crm"));
}

#[test]
fn a_value_that_the_target_cuts_settles_and_never_comes_back() {
    let cut = MemoryField { cut_at: Some(3), ..MemoryField::default() };
    let mut world = World::with(PairSettings::default(), cut);
    let ana = world.remote.person_creates(&[("lastname", "P"), ("phone", "123456")]);
    world.run_until_quiet();
    let hub = world.partner(Side::Remote, &ana).unwrap();
    assert_eq!(world.hub.value(&hub, "phone").as_deref(), Some("123"));
    assert_eq!(world.remote.value(&ana, "phone").as_deref(), Some("123456"));
    let writes = world.hub.api_writes().len() + world.remote.api_writes().len();
    world.poll_everything();
    world.run_until_quiet();
    assert_eq!(world.hub.api_writes().len() + world.remote.api_writes().len(), writes);
}

#[test]
fn two_existing_records_meet_by_email_and_neither_loses_a_field() {
    let mut world = world();
    let hub =
        world.hub.person_creates(&[("lastname", "Pérez"), ("email", "ana@example.org"), ("phone", "111")]);
    let ana = world.remote.person_creates(&[
        ("firstname", "Ana"),
        ("lastname", "Perez"),
        ("email", "ana@example.org"),
    ]);
    world.hub.take_events();
    world.run_until_quiet();
    assert_eq!(world.partner(Side::Remote, &ana).as_deref(), Some(hub.as_str()));
    assert_eq!((world.hub.api_creates(), world.remote.api_creates()), (0, 0));
    for (system, id) in [(&world.hub, &hub), (&world.remote, &ana)] {
        assert_eq!(system.value(id, "firstname").as_deref(), Some("Ana"));
        assert_eq!(system.value(id, "phone").as_deref(), Some("111"), "a blank must not erase");
        assert_eq!(system.value(id, "lastname").as_deref(), Some("Pérez"), "coreBOS wins a first meeting");
    }
}

#[test]
fn the_first_meeting_goes_to_the_other_system_where_the_setting_says_so() {
    let mut world = World::new(PairSettings { first_link: FirstLink::Remote, ..PairSettings::default() });
    let hub = world.hub.person_creates(&[("lastname", "Old"), ("email", "ana@example.org")]);
    world.hub.take_events();
    world.remote.person_creates(&[("lastname", "New"), ("email", "ana@example.org")]);
    world.run_until_quiet();
    assert_eq!(world.hub.value(&hub, "lastname").as_deref(), Some("New"));
}

#[test]
fn several_candidates_are_parked_and_nothing_is_created() {
    let mut world = world();
    for _ in 0..2 {
        world.hub.person_creates(&[("lastname", "Twin"), ("email", "twin@example.org")]);
    }
    world.hub.take_events();
    world.remote.person_creates(&[("lastname", "Twin"), ("email", "twin@example.org")]);
    world.run_until_quiet();
    assert_eq!(world.hub.api_creates(), 0);
    assert_eq!(world.store.parked().len(), 1);
    assert_eq!(world.store.parked()[0].reason, "ambiguous");
}

#[test]
fn a_delete_becomes_a_mark_and_the_crm_record_does_not_bring_it_back() {
    let mut world = world();
    let ana = ana(&world);
    world.run_until_quiet();
    let hub = world.partner(Side::Remote, &ana).unwrap();
    world.remote.person_deletes(&ana);
    world.run_until_quiet();
    assert_eq!(world.hub.value(&hub, "mautic_id").as_deref(), Some(""));
    assert_eq!(world.hub.value(&hub, "deleted_in_mautic").as_deref(), Some("1"));
    world.hub.person_edits(&hub, &[("phone", "1")]);
    world.run_until_quiet();
    assert!(world.remote.ids().is_empty());
    assert!(matches!(world.store.links()[0].status, LinkStatus::Tombstone { .. }));
}

#[test]
fn a_merge_moves_the_link_and_marks_nothing() {
    let mut world = world();
    let ana = ana(&world);
    world.run_until_quiet();
    let hub = world.partner(Side::Remote, &ana).unwrap();
    // A form submission merges the known contact into the new visitor: the id changes.
    let visitor = world.remote.person_creates(&[("phone", "9")]);
    world.remote.take_events();
    world.remote.person_merges(&visitor, &ana);
    world.run_until_quiet();
    assert_eq!(world.partner(Side::Remote, &visitor).as_deref(), Some(hub.as_str()));
    assert_eq!(world.hub.value(&hub, "mautic_id").as_deref(), Some(visitor.as_str()));
    assert_ne!(world.hub.value(&hub, "deleted_in_mautic").as_deref(), Some("1"));
    assert_eq!(world.hub.api_creates(), 1);
}

#[test]
fn a_merge_of_two_linked_records_parks_and_names_both() {
    let mut world = world();
    let ana = ana(&world);
    let bea = world.remote.person_creates(&[("lastname", "B"), ("email", "bea@example.org")]);
    world.run_until_quiet();
    world.remote.person_merges(&bea, &ana);
    world.run_until_quiet();
    assert_eq!(world.hub.ids().len(), 2);
    let parked = world.store.parked();
    assert_eq!(parked.iter().map(|p| p.reason.as_str()).collect::<Vec<_>>(), ["merged_into_linked"]);
}

#[test]
fn a_delete_of_an_unknown_record_is_nothing() {
    let mut world = world();
    let stranger = world.remote.reference("c99");
    world.notice(stranger, NoticeKind::Deleted);
    world.run_until_quiet();
    assert_eq!(world.reports("skipped"), 1);
}

#[test]
fn the_brake_stops_a_mass_delete() {
    let mut world = World::new(PairSettings { deletes_per_hour: 3, ..PairSettings::default() });
    let all: Vec<_> =
        (0..6).map(|i| world.remote.person_creates(&[("lastname", &format!("L{i}"))])).collect();
    world.run_until_quiet();
    for id in &all {
        world.remote.person_deletes(id);
    }
    world.run_until_quiet();
    assert_eq!(world.reports("marked_deleted"), 3);
    assert_eq!(world.store.parked().iter().filter(|p| p.reason == "brake").count(), 3);
}

#[test]
fn a_create_whose_answer_is_lost_is_found_and_not_repeated() {
    let mut world = world();
    world.hub.fail_next(MemoryFault::AnswerLost);
    let ana = ana(&world);
    world.run_until_quiet();
    assert_eq!(world.hub.ids().len(), 1);
    assert!(world.partner(Side::Remote, &ana).is_some());
}

#[test]
fn an_update_whose_answer_is_lost_is_found_and_not_repeated() {
    let mut world = world();
    let ana = ana(&world);
    world.run_until_quiet();
    world.hub.fail_next(MemoryFault::AnswerLost);
    world.remote.person_edits(&ana, &[("phone", "7")]);
    world.run_until_quiet();
    assert_eq!(world.hub.api_writes().len(), 1);
}

#[test]
fn a_refused_field_is_parked_once_and_the_rest_is_written() {
    let refuses = MemoryField { refuses: Some("bad".to_owned()), ..MemoryField::default() };
    let mut world = World::with(PairSettings::default(), refuses);
    let ana = ana(&world);
    world.run_until_quiet();
    let hub = world.partner(Side::Remote, &ana).unwrap();
    world.remote.person_edits(&ana, &[("phone", "bad-1"), ("firstname", "Anna")]);
    world.run_until_quiet();
    assert_eq!(world.hub.value(&hub, "firstname").as_deref(), Some("Anna"));
    assert_eq!(world.store.parked().len(), 1);
    world.poll_everything();
    world.run_until_quiet();
    assert_eq!(world.store.parked().len(), 1, "a refusal is remembered");
    world.remote.person_edits(&ana, &[("phone", "good")]);
    world.run_until_quiet();
    assert_eq!(world.hub.value(&hub, "phone").as_deref(), Some("good"));
}

#[test]
fn a_refused_creation_is_parked_once_and_tried_again_when_the_record_differs() {
    let mut world = world();
    world.hub.require("lastname");
    let ana = world.remote.person_creates(&[("firstname", "Ana"), ("email", "ana@example.org")]);
    world.run_until_quiet();
    assert_eq!(world.store.parked().len(), 1);
    world.poll_everything();
    world.run_until_quiet();
    assert_eq!(world.store.parked().len(), 1);
    world.remote.person_edits(&ana, &[("lastname", "Pérez")]);
    world.run_until_quiet();
    assert!(world.partner(Side::Remote, &ana).is_some());
}

#[test]
fn a_switched_off_direction_is_not_waited_for() {
    let off = Operations { create: false, update: false, delete: false, ..Operations::default() };
    let mut world = World::new(PairSettings { to_remote: off, ..PairSettings::default() });
    let ana = ana(&world);
    world.run_until_quiet();
    let hub = world.partner(Side::Remote, &ana).unwrap();
    world.hub.person_edits(&hub, &[("phone", "crm")]);
    world.run_until_quiet();
    assert_eq!(world.remote.value(&ana, "phone").as_deref(), Some(""));
    world.remote.person_edits(&ana, &[("phone", "mautic")]);
    world.run_until_quiet();
    assert_eq!(world.hub.value(&hub, "phone").as_deref(), Some("mautic"));
}

#[test]
fn a_blank_leaves_the_other_side_alone_where_the_setting_says_so() {
    let keep = Operations { blank_overwrites: false, ..Operations::default() };
    let mut world = World::new(PairSettings { to_hub: keep, ..PairSettings::default() });
    let ana = world.remote.person_creates(&[("lastname", "P"), ("phone", "1")]);
    world.run_until_quiet();
    let hub = world.partner(Side::Remote, &ana).unwrap();
    world.remote.person_edits(&ana, &[("phone", "")]);
    world.run_until_quiet();
    assert_eq!(world.hub.value(&hub, "phone").as_deref(), Some("1"));
}

#[test]
fn an_outage_loses_nothing() {
    let mut world = world();
    for _ in 0..5 {
        world.hub.fail_next(MemoryFault::Unavailable);
    }
    let ana = ana(&world);
    world.run_until_quiet();
    assert!(world.partner(Side::Remote, &ana).is_some());
}

#[test]
fn a_link_that_something_outside_keeps_changing_rests_and_loses_nothing() {
    let mut world = World::new(PairSettings { writes_per_link: 5, ..PairSettings::default() });
    let ana = ana(&world);
    world.run_until_quiet();
    let hub = world.partner(Side::Remote, &ana).unwrap();
    let begun = world.clock.now();
    for i in 0..8 {
        world.remote.person_edits(&ana, &[("phone", &i.to_string())]);
        world.run_until_quiet();
    }
    assert_eq!(world.store.parked().iter().filter(|p| p.reason == "breaker").count(), 1);
    let rest = world.clock.now().duration_since(begun);
    assert!(rest.as_secs() >= 1800, "the link rested for {rest}");
    assert_eq!(world.hub.value(&hub, "phone").as_deref(), Some("7"));
    assert_eq!(world.store.links()[0].status, LinkStatus::Active);
}

#[test]
fn a_restored_record_is_linked_again_without_a_second_one() {
    let mut world = world();
    let ana = ana(&world);
    world.run_until_quiet();
    let hub = world.partner(Side::Remote, &ana).unwrap();
    world.remote.person_deletes(&ana);
    world.run_until_quiet();
    // A new contact with the same e-mail is the same person.
    let again = world.remote.person_creates(&[("lastname", "Pérez"), ("email", "ana@example.org")]);
    world.run_until_quiet();
    assert_eq!(world.partner(Side::Remote, &again).as_deref(), Some(hub.as_str()));
    assert_eq!(world.hub.value(&hub, "deleted_in_mautic").as_deref(), Some("0"));
    assert_eq!(world.hub.ids().len(), 1);
}

#[test]
fn a_crm_record_that_is_deleted_blanks_its_id_in_the_other_system_and_stays_deleted() {
    let mut world = world();
    let ana = ana(&world);
    world.run_until_quiet();
    let hub = world.partner(Side::Remote, &ana).unwrap();
    world.hub.person_deletes(&hub);
    world.run_until_quiet();
    assert_eq!(world.remote.value(&ana, "corebos_id").as_deref(), Some(""));
    world.remote.person_edits(&ana, &[("phone", "1")]);
    world.run_until_quiet();
    assert!(world.hub.ids().is_empty());
}

#[test]
fn an_owner_that_the_map_names_is_set_at_the_creation_and_never_touched_again() {
    let mut world = world();
    world.map_to_hub_gets(
        "<field><fieldname>assigned_user_id</fieldname><Orgfields><Orgfield><OrgfieldName>owner</OrgfieldName></Orgfield></Orgfields></field>",
    );
    let ana = world.remote.person_creates(&[("lastname", "P"), ("owner", "19x1")]);
    world.run_until_quiet();
    let hub = world.partner(Side::Remote, &ana).unwrap();
    assert_eq!(world.hub.value(&hub, "assigned_user_id").as_deref(), Some("19x1"));
    world.hub.person_edits(&hub, &[("assigned_user_id", "19x7")]);
    world.remote.person_edits(&ana, &[("owner", "19x2"), ("phone", "2")]);
    world.run_until_quiet();
    assert_eq!(world.hub.value(&hub, "phone").as_deref(), Some("2"));
    assert_eq!(world.hub.value(&hub, "assigned_user_id").as_deref(), Some("19x7"));
}

#[test]
fn what_a_worker_wrote_before_it_died_is_in_the_history() {
    let mut world = world();
    let ana = ana(&world);
    let recovered = |world: &World| {
        let link = world.store.links().into_iter().find(|link| link.remote.id == ana).unwrap();
        let told = world.store.history(&link.id).into_iter().filter(|entry| entry.outcome == "recovered");
        told.map(|entry| entry.fields).collect::<Vec<_>>()
    };
    world.webhooks(|_| 1);
    world.start(0);
    while world.hub.api_creates() == 0 {
        world.step(0);
    }
    world.crash(0);
    world.run_until_quiet();
    assert!(recovered(&world)[0].contains(&"email".to_owned()), "{:?}", recovered(&world));
    let hub = world.partner(Side::Remote, &ana).unwrap();
    world.remote.person_edits(&ana, &[("phone", "555")]);
    world.webhooks(|_| 1);
    world.start(0);
    while world.hub.value(&hub, "phone").as_deref() != Some("555") {
        world.step(0);
    }
    world.crash(0);
    world.run_until_quiet();
    assert_eq!(recovered(&world).last().unwrap(), &["phone"]);
}
