//! An edit in Mautic is one write in coreBOS, an echo is none, and what people did in coreBOS survives.

use scenarios::{Unusual, text, unusual_world, world};
use serde_json::json;

use crate::BRIDGE;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_already_there_makes_no_write() {
    let mut world = world(BRIDGE).await;
    let (id, _) = world.linked_contact(&json!({ "lastname": "Echo", "mobile": "600" })).await;
    let (writes, patches) = (world.corebos_writes(), mautic_writes(&world));
    for fields in [json!({ "tags": ["a"] }), json!({ "mobile": "600" }), json!({ "tags": ["b"] })] {
        assert!(world.systems.mautic.edit_contact(id, &fields).await);
    }
    let body = json!({ "mautic.lead_post_save_update": [{ "contact": { "id": id } }] });
    assert_eq!(world.post(body.to_string()).await.0, 200);
    world.quiet().await;
    assert_eq!((world.corebos_writes(), mautic_writes(&world)), (writes, patches));
    let skipped =
        world.told("change pushed").iter().filter(|line| text(line, "reason") == "unchanged").count();
    assert!(skipped >= 2, "the echo of our own id and the repeats are recognised");
    world.stop().await;
}

fn mautic_writes(world: &scenarios::World) -> usize {
    world.systems.mautic.requests().iter().filter(|request| request.method != "GET").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_value_that_is_stored_arrives_and_not_the_one_in_the_webhook() {
    let mut world = world(BRIDGE).await;
    let (id, hub) = world.linked_contact(&json!({ "lastname": "Stale", "mobile": "600" })).await;
    world.systems.mautic.set_delivery(simulators::mautic::Delivery::Queue);
    // Two edits wait in the queue; the first body that names the old value is sent after the second edit.
    assert!(world.systems.mautic.edit_contact(id, &json!({ "mobile": "601" })).await);
    assert!(world.systems.mautic.edit_contact(id, &json!({ "mobile": "602" })).await);
    let writes = world.corebos_writes();
    world.systems.mautic.process_queue().await;
    world.until_field(&hub, "mobile", "602").await;
    world.quiet().await;
    assert_eq!(world.corebos_writes() - writes, 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_somebody_changed_in_corebos_is_not_touched_by_an_edit_of_another() {
    let mut world = world(BRIDGE).await;
    let (id, hub) =
        world.linked_contact(&json!({ "lastname": "Both", "mobile": "600", "city": "Madrid" })).await;
    let edit = json!({ "mailingcity": "Valencia", "assigned_user_id": "19x1", "department": "Sales" });
    world.systems.corebos.edit(&hub, &edit).await.unwrap();
    assert!(world.systems.mautic.edit_contact(id, &json!({ "mobile": "700" })).await);
    world.until_field(&hub, "mobile", "700").await;
    world.quiet().await;
    let record = world.systems.corebos.record(&hub).unwrap();
    for (field, value) in [("mailingcity", "Valencia"), ("assigned_user_id", "19x1"), ("department", "Sales")]
    {
        assert_eq!(text(&record, field), value);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn points_arrive_as_the_sum_that_mautic_holds() {
    let mut world = world(BRIDGE).await;
    let (id, hub) = world.linked_contact(&json!({ "lastname": "Points" })).await;
    assert!(world.systems.mautic.set_points(id, 50).await);
    world.until_field(&hub, "contact_points", "50").await;
    assert!(world.systems.mautic.set_points(id, 20).await);
    world.until_field(&hub, "contact_points", "20").await;
    world.quiet().await;
    assert_eq!(world.corebos_writes(), 3);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blank_in_mautic_blanks_corebos_unless_the_pair_says_otherwise() {
    for overwrites in [true, false] {
        let mut world = unusual_world(BRIDGE, Unusual::default(), |mut config| {
            let mut pair = sync::PairSettings::default();
            pair.to_hub.blank_overwrites = overwrites;
            config.settings.insert("mautic-contacts".to_owned(), pair.into());
            config
        })
        .await;
        let (id, hub) =
            world.linked_contact(&json!({ "lastname": "Blank", "mobile": "600", "city": "Madrid" })).await;
        assert!(world.systems.mautic.edit_contact(id, &json!({ "mobile": "", "city": "Valencia" })).await);
        world.until_field(&hub, "mailingcity", "Valencia").await;
        world.quiet().await;
        let mobile = text(&world.systems.corebos.record(&hub).unwrap(), "mobile");
        assert_eq!(mobile, if overwrites { "" } else { "600" });
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_written_too_often_is_put_to_rest_and_its_edits_wait() {
    let mut world = unusual_world(BRIDGE, Unusual::default(), |mut config| {
        let pair = sync::PairSettings { writes_per_link: 3, ..sync::PairSettings::default() };
        config.settings.insert("mautic-contacts".to_owned(), pair.into());
        config
    })
    .await;
    let (id, hub) = world.linked_contact(&json!({ "lastname": "Busy" })).await;
    let (other, other_hub) = world.linked_contact(&json!({ "lastname": "Calm" })).await;
    for number in 1..=3 {
        assert!(world.systems.mautic.edit_contact(id, &json!({ "mobile": number.to_string() })).await);
        world.quiet().await;
    }
    for number in 4..=6 {
        assert!(world.systems.mautic.edit_contact(id, &json!({ "mobile": number.to_string() })).await);
    }
    world.until_told("change waits", |line| text(line, "reason") == "breaker").await;
    // Only this link is stopped.
    assert!(world.systems.mautic.edit_contact(other, &json!({ "mobile": "600" })).await);
    world.until_field(&other_hub, "mobile", "600").await;
    // What waits is not lost; the calm one's message is dealt with.
    world.until_waiting(3).await;
    assert_eq!(text(&world.systems.corebos.record(&hub).unwrap(), "mobile"), "3");
    let parked = world.parked().await;
    assert_eq!(parked.iter().map(|change| change.reason.as_str()).collect::<Vec<_>>(), ["breaker"]);
    assert!(
        parked[0].message.contains(&hub) && parked[0].message.contains("3 times"),
        "{}",
        parked[0].message
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_switched_off_does_not_happen() {
    let mut world = unusual_world(BRIDGE, Unusual::default(), |mut config| {
        let mut pair = sync::PairSettings { delete_confirm_seconds: 1, ..sync::PairSettings::default() };
        (pair.to_hub.create, pair.to_hub.delete) = (false, false);
        config.settings.insert("mautic-contacts".to_owned(), pair.into());
        config
    })
    .await;
    let new = world.new_contact(&json!({ "lastname": "New" })).await;
    let hub = world
        .systems
        .corebos
        .create("Contacts", &json!({ "lastname": "Known", "email": "k@example.org" }))
        .await;
    let hub = hub.unwrap();
    let known =
        world.new_contact(&json!({ "lastname": "Known", "email": "k@example.org", "mobile": "600" })).await;
    world.until_field(&hub, "mobile", "600").await;
    world.quiet().await;
    assert!(world.systems.mautic.delete_contact(known).await);
    world.quiet().await;
    assert_eq!(world.corebos_contacts_with("mautic_id", &new.to_string()), 0);
    assert_eq!(text(&world.systems.corebos.record(&hub).unwrap(), "mautic_id"), known.to_string());
    let off =
        world.told("change pushed").iter().filter(|line| text(line, "reason") == "switched_off").count();
    assert_eq!(off, 2, "{:#?}", world.told("change pushed"));
    world.stop().await;
}
