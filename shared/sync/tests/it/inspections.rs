//! Inspections: what is told is what a push does, and nothing is done.

use std::time::Duration;

use model::{Direction, Side, Value};
use sync::inspect::{BaseState, FieldView, Inspected, Verdict};
use sync::memory::MemoryField;
use sync::{PairSettings, ParkReason, Plan, SkipReason};

use crate::world::World;

fn field<'a>(inspected: &'a Inspected, name: &str) -> &'a FieldView {
    inspected.fields.iter().find(|view| view.field == name).unwrap()
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn linked() -> (World, String, String) {
    let mut world = World::new(PairSettings::default());
    let fields = [("firstname", "Ana"), ("lastname", "Pérez"), ("phone", "1")];
    let ana = world.remote.person_creates(&fields);
    world.run_until_quiet();
    let hub = world.partner(Side::Remote, &ana).unwrap();
    (world, ana, hub)
}

#[test]
fn a_record_in_step_is_told_so_field_by_field() {
    let (world, ana, hub) = linked();
    for (side, id, direction) in
        [(Side::Remote, &ana, Direction::ToHub), (Side::Hub, &hub, Direction::ToRemote)]
    {
        let inspected = world.inspect(side, id);
        assert_eq!(inspected.direction, direction);
        assert_eq!(inspected.plan, Plan::Skip(SkipReason::Unchanged));
        for name in ["firstname", "lastname", "phone"] {
            let view = field(&inspected, name);
            assert_eq!((view.base, &view.verdict), (BaseState::Equal, &Verdict::InStep), "{name}");
            assert_eq!((&view.made, &view.value, &view.here), (&view.value, &view.made, &view.value));
        }
    }
    let label = world.inspect(Side::Remote, &ana);
    let label = field(&label, "label");
    assert_eq!((label.line, label.directive.as_str()), (Some(6), "firstname + lastname, joined by \" \""));
    assert_eq!(label.sources["lastname"], Some(text("Pérez")));
    let id = world.inspect(Side::Remote, &ana);
    assert_eq!(field(&id, "mautic_id").line, None, "the bridge adds the id");
}

#[test]
fn an_edit_is_foreseen_as_it_is_then_done_and_looking_changes_nothing() {
    let (mut world, ana, hub) = linked();
    world.remote.person_edits(&ana, &[("phone", "2")]);
    let before = (world.store.links(), world.hub.api_writes().len());
    let inspected = world.inspect(Side::Remote, &ana);
    assert_eq!((world.store.links(), world.hub.api_writes().len()), before);
    let Plan::Update { fields, .. } = &inspected.plan else { panic!("{:?}", inspected.plan) };
    assert_eq!(fields.writes.names().collect::<Vec<_>>(), ["phone"]);
    let phone = field(&inspected, "phone");
    assert_eq!((phone.base, &phone.verdict), (BaseState::Changed, &Verdict::Write { beats: None }));
    assert_eq!((&phone.value, &phone.here), (&Some(text("2")), &Some(text("1"))));
    // From the other side the same edit is pending, and nothing would be written over it.
    let reverse = world.inspect(Side::Hub, &hub);
    assert_eq!(field(&reverse, "phone").pending, ["phone"]);
    assert_eq!(field(&reverse, "phone").verdict, Verdict::InStep);
    world.run_until_quiet();
    assert_eq!(world.hub.value(&hub, "phone").as_deref(), Some("2"));
}

#[test]
fn a_conflict_tells_who_wins_and_why_in_both_directions() {
    let (mut world, ana, hub) = linked();
    world.hub.person_edits(&hub, &[("phone", "from-crm")]);
    world.clock.advance(Duration::from_secs(5));
    world.remote.person_edits(&ana, &[("phone", "from-mautic")]);
    let winner = world.inspect(Side::Remote, &ana);
    let winner = field(&winner, "phone");
    assert_eq!(winner.verdict, Verdict::Write { beats: Some("newest".to_owned()) });
    assert!(winner.source_edited > winner.target_edited);
    assert_eq!(winner.pending, ["phone"]);
    let loser = world.inspect(Side::Hub, &hub);
    assert_eq!(field(&loser, "phone").verdict, Verdict::Loses { to: "newest".to_owned() });
    world.run_until_quiet();
    assert_eq!(world.hub.value(&hub, "phone").as_deref(), Some("from-mautic"));
}

#[test]
fn a_refused_value_is_told_as_such() {
    let refuses = MemoryField { refuses: Some("bad".to_owned()), ..MemoryField::default() };
    let mut world = World::with(PairSettings::default(), refuses);
    let ana = world.remote.person_creates(&[("lastname", "Pérez"), ("phone", "1")]);
    world.run_until_quiet();
    world.remote.person_edits(&ana, &[("phone", "bad")]);
    world.run_until_quiet();
    let inspected = world.inspect(Side::Remote, &ana);
    assert_eq!(field(&inspected, "phone").verdict, Verdict::RefusedBefore);
    assert_eq!(field(&inspected, "phone").base, BaseState::Changed);
    assert_eq!(inspected.link.unwrap().refused.len(), 1);
}

#[test]
fn a_record_that_is_not_linked_tells_what_a_push_would_do() {
    let world = World::new(PairSettings::default());
    let ana = world.remote.person_creates(&[("lastname", "Pérez"), ("email", "ana@example.org")]);
    let inspected = world.inspect(Side::Remote, &ana);
    assert!(matches!(inspected.plan, Plan::Create { .. }) && inspected.target.is_none());
    assert_eq!(field(&inspected, "lastname").verdict, Verdict::Write { beats: None });
    assert_eq!(field(&inspected, "phone").verdict, Verdict::Blank);
    assert!(inspected.natural_key.is_some());
    for name in ["one", "two"] {
        world.hub.person_creates(&[("lastname", name), ("email", "ana@example.org")]);
    }
    world.hub.take_events();
    let inspected = world.inspect(Side::Remote, &ana);
    assert!(
        matches!(&inspected.plan, Plan::Park(ParkReason::Ambiguous { candidates }) if candidates.len() == 2)
    );
    assert_eq!((world.store.links().len(), world.hub.api_creates()), (0, 0));
    assert!(world.store.leased().is_empty());
    world.remote.person_deletes(&ana);
    assert_eq!(world.inspect(Side::Remote, &ana).plan, Plan::Skip(SkipReason::NeverLinked));
}

#[test]
fn a_record_that_somebody_writes_is_looked_at_all_the_same_and_the_lease_is_told() {
    let (mut world, ana, _) = linked();
    world.remote.person_edits(&ana, &[("phone", "2")]);
    world.webhooks(|_| 1);
    assert!(world.start(0));
    while world.store.leased().is_empty() {
        world.step(0);
    }
    let inspected = world.inspect(Side::Remote, &ana);
    assert_eq!(inspected.leases().count(), 1);
    assert!(matches!(inspected.plan, Plan::Update { .. }), "{:?}", inspected.plan);
    assert_eq!(world.store.leased().len(), 1, "the lease is where it was");
}

#[test]
fn an_edited_map_is_told_where_its_field_has_lost_its_base() {
    let (mut world, ana, _) = linked();
    world.map_to_hub_gets(
        "<field><fieldname>phone</fieldname><Orgfields><Orgfield><OrgfieldName>uppercase(phone)</OrgfieldName><OrgfieldID>EXPRESSION</OrgfieldID></Orgfield></Orgfields></field>",
    );
    let inspected = world.inspect(Side::Remote, &ana);
    assert_eq!(field(&inspected, "phone").base, BaseState::Edited);
    assert_eq!(field(&inspected, "phone").directive, "EXPRESSION uppercase(phone)");
    assert_eq!(field(&inspected, "firstname").base, BaseState::Equal);
}
