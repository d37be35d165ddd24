//! Lost answers, repeated webhooks and a create that fails although it succeeded never make a second record, and a
//! value that is there is not written again.

use scenarios::{World, Written, simulators, text, world, world_of};
use serde_json::json;
use simulators::faults::{Fault, FaultKind};

use crate::BRIDGE;

/// A contact whose creation goes wrong so is in coreBOS once, and linked.
async fn created_once(world: &mut World, fault: Option<Fault>) {
    if let Some(fault) = fault {
        world.systems.corebos.faults().add(fault);
    }
    // Without an e-mail only the id that travels with the create can tell that it was done.
    let (id, hub) = world.linked_contact(&json!({ "lastname": "Once" })).await;
    assert_eq!(world.systems.corebos.faults().active(), 0, "what was to go wrong went wrong");
    assert_eq!(world.systems.corebos.records("Contacts").len(), 1);
    assert_eq!(world.corebos_calls("create"), 1);
    // Linked, not only there: an edit travels to the same record, with one write.
    let before = world.corebos_writes();
    assert!(world.systems.mautic.edit_contact(id, &json!({ "mobile": "600" })).await);
    world.until_field(&hub, "mobile", "600").await;
    world.quiet().await;
    assert_eq!(world.corebos_writes() - before, 1);
    assert_eq!(world.systems.corebos.records("Contacts").len(), 1);
    assert_eq!(world.parked().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_whose_answer_is_lost_makes_one_record() {
    let mut world = world(BRIDGE).await;
    created_once(&mut world, Some(Fault::new(FaultKind::LoseAnswer).operation("create").times(1))).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_answers_500_although_it_was_done_makes_one_record() {
    let mut world = world(BRIDGE).await;
    created_once(&mut world, Some(Fault::new(FaultKind::AnswerAfterWork(500)).operation("create").times(1)))
        .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_answers_502_although_it_was_done_makes_one_record() {
    let mut world = world(BRIDGE).await;
    created_once(&mut world, Some(Fault::new(FaultKind::AnswerAfterWork(502)).operation("create").times(1)))
        .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_sent_twice_makes_one_record_and_one_write() {
    let mut world = world(BRIDGE).await;
    world.systems.mautic.set_repeated_delivery(true);
    created_once(&mut world, None).await;
    assert!(world.journal.counts.webhooks >= 4, "everything was told twice");
    world.stop().await;
}

/// coreBOS answers `DATABASE_QUERY_ERROR` to a create with an owner whom it does not know, and keeps the record.
#[tokio::test(flavor = "multi_thread")]
async fn a_create_with_an_owner_who_does_not_exist_makes_one_record_however_often_it_is_tried() {
    let systems = simulators().await;
    let written = Written { default_owner: Some("19x4711".to_owned()), ..Written::of(&systems) };
    let mut world = world_of(BRIDGE, systems, &written.config(), scenarios::Unusual::short_lives()).await;
    let id = world.new_contact(&json!({ "lastname": "Once" })).await;
    world
        .until("the create that fails", |systems| {
            let calls = systems.corebos.calls();
            let failed =
                |call: &&simulators::corebos::CallRecord| call.operation == "create" && call.error.is_some();
            calls.iter().find(failed).map(|_| ())
        })
        .await;
    for _ in 0..3 {
        assert!(world.systems.mautic.edit_contact(id, &json!({ "tags": ["again"] })).await);
        world.quiet_or_waiting(2).await;
    }
    assert_eq!(world.corebos_calls("create"), 1);
    assert!(world.waiting() > 0, "the change is not given up");
    // Somebody gives the record, the first of this coreBOS, an owner who exists.
    world.systems.corebos.edit("12x8588", &json!({ "assigned_user_id": "19x1" })).await.unwrap();
    world
        .until("the id in Mautic", |s| {
            (text(&s.mautic.contact(id)?, "corebos_id") == "12x8588").then_some(())
        })
        .await;
    world.quiet().await;
    assert_eq!((world.corebos_calls("create"), world.systems.corebos.records("Contacts").len()), (1, 1));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revise_whose_answer_is_lost_is_not_repeated() {
    let mut world = world(BRIDGE).await;
    let (id, hub) = world.linked_contact(&json!({ "lastname": "Once" })).await;
    for (number, kind) in [FaultKind::LoseAnswer, FaultKind::AnswerAfterWork(500)].into_iter().enumerate() {
        let before = world.corebos_writes();
        world.systems.corebos.faults().add(Fault::new(kind).operation("revise").times(1));
        let mobile = format!("60{number}");
        assert!(world.systems.mautic.edit_contact(id, &json!({ "mobile": mobile })).await);
        world.until_field(&hub, "mobile", &mobile).await;
        world.quiet().await;
        assert_eq!(world.systems.corebos.faults().active(), 0);
        assert_eq!(world.corebos_writes() - before, 1);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_connection_broke_before_it_was_done_is_done_once() {
    let mut world =
        scenarios::unusual_world(BRIDGE, scenarios::Unusual::short_lives(), |config| config).await;
    for operation in ["create", "revise"] {
        world
            .systems
            .corebos
            .faults()
            .add(Fault::new(FaultKind::DropConnection).operation(operation).times(1));
    }
    let (id, hub) = world.linked_contact(&json!({ "lastname": "Once", "email": "once@example.org" })).await;
    assert!(world.systems.mautic.edit_contact(id, &json!({ "mobile": "600" })).await);
    world.until_field(&hub, "mobile", "600").await;
    world.quiet().await;
    assert_eq!(world.systems.corebos.faults().active(), 0);
    assert_eq!((world.corebos_writes(), world.systems.corebos.records("Contacts").len()), (2, 1));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_whose_writing_back_was_not_answered_is_there_once_and_the_next_edit_travels() {
    for kind in [FaultKind::LoseAnswer, FaultKind::AnswerAfterWork(500)] {
        let mut world =
            scenarios::unusual_world(BRIDGE, scenarios::Unusual::short_lives(), |config| config).await;
        world.systems.mautic.faults().add(Fault::new(kind).method("patch").times(1));
        let (id, hub) = world.linked_contact(&json!({ "lastname": "Once" })).await;
        assert_eq!(world.systems.mautic.faults().active(), 0);
        assert!(world.systems.mautic.edit_contact(id, &json!({ "mobile": "600" })).await);
        world.until_field(&hub, "mobile", "600").await;
        world.quiet().await;
        assert_eq!(world.corebos_writes(), 2);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_could_not_be_written_back_is_written_later() {
    let mut world = world(BRIDGE).await;
    world.systems.mautic.faults().add(Fault::status(503).method("patch").times(2));
    let (id, hub) = world.linked_contact(&json!({ "lastname": "Once" })).await;
    assert_eq!(world.systems.mautic.faults().active(), 0);
    // Somebody clears the id in Mautic; it is the bridge's own, so it comes back with the next notice.
    assert!(world.systems.mautic.edit_contact(id, &json!({ "corebos_id": "" })).await);
    world.until("the id again", |s| (text(&s.mautic.contact(id)?, "corebos_id") == hub).then_some(())).await;
    world.quiet().await;
    assert_eq!(world.corebos_writes(), 1);
    world.stop().await;
}

/// coreBOS's own integration takes three: it reads, writes, and writes again.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_contact_takes_two_writes_wherever_it_is_made() {
    const PEOPLE: usize = 20;
    let mut world = scenarios::world_with_workflows(BRIDGE).await;
    let person = |at: &str, n: usize| json!({ "firstname": "New", "lastname": format!("{at} {n}"), "email": format!("{at}-{n}@example.org") });
    for number in 0..PEOPLE {
        world.systems.mautic.create_contact(&person("mautic", number)).await.unwrap();
        world.systems.corebos.create("Contacts", &person("corebos", number)).await.unwrap();
    }
    world
        .until("everybody on both sides", |systems| {
            let (contacts, records) = (systems.mautic.contacts(), systems.corebos.records("Contacts"));
            let linked = contacts.iter().filter(|contact| !text(contact, "corebos_id").is_empty()).count()
                + records.iter().filter(|record| !text(record, "mautic_id").is_empty()).count();
            (contacts.len() == 2 * PEOPLE && records.len() == 2 * PEOPLE && linked == 4 * PEOPLE)
                .then_some(())
        })
        .await;
    world.quiet().await;
    // The record on the other side, and its id on this one.
    assert_eq!((world.corebos_writes(), world.mautic_writes()), (2 * PEOPLE, 2 * PEOPLE));
    world.stop().await;
}
