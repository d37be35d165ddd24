//! What webhooks and workflows do not tell is found by the polls, repeats write nothing, and switched off webhooks are
//! told.

use scenarios::{World, text, world, world_with_workflows};
use serde_json::{Value, json};

use crate::BRIDGE;

/// A world without webhooks, whose cursors stand at the present.
async fn deaf_world() -> World {
    let mut world = world(BRIDGE).await;
    world.forget_mautics_webhook();
    for function in ["poll-mautic", "poll-corebos"] {
        world.poll_at_once(function).await;
    }
    world.quiet().await;
    world
}

fn ana() -> Value {
    json!({ "firstname": "Ana", "lastname": "Pérez", "email": "ana@example.org", "mobile": "1" })
}

/// A contact that both systems know, found by the polls alone.
async fn polled_contact(world: &mut World) -> (u64, String) {
    let id = world.new_contact(&ana()).await;
    world.poll_at_once("poll-mautic").await;
    let hub = text(&world.corebos_contact_of(id).await, "id");
    world.until_mautic_field(id, "corebos_id", &hub).await;
    world.quiet().await;
    (id, hub)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_and_its_edit_that_no_webhook_told_of_are_found() {
    let mut world = deaf_world().await;
    // New contacts have no modified date in Mautic 5.1: they are found by the date they were added.
    let (id, hub) = polled_contact(&mut world).await;
    let writes = (world.corebos_writes(), world.mautic_writes());
    world.systems.mautic.edit_contact(id, &json!({ "mobile": "2" })).await;
    world.poll_at_once("poll-mautic").await;
    world.until_field(&hub, "mobile", "2").await;
    world.quiet().await;
    // The overlap tells of everything again, and nothing is written for it.
    world.poll_at_once("poll-mautic").await;
    world.poll_at_once("poll-corebos").await;
    world.quiet().await;
    assert_eq!(
        (world.corebos_writes(), world.mautic_writes()),
        (writes.0 + 1, writes.1),
        "one edit, one write"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_and_a_delete_that_no_workflow_told_of_are_found() {
    let mut world = deaf_world().await;
    let (id, hub) = polled_contact(&mut world).await;
    world.systems.corebos.edit(&hub, &json!({ "mobile": "3" })).await.unwrap();
    world.poll_at_once("poll-corebos").await;
    world.until_mautic_field(id, "mobile", "3").await;
    world.quiet().await;
    world.systems.corebos.delete(&hub).await.unwrap();
    world.poll_at_once("poll-corebos").await;
    world.until_mautic_field(id, "corebos_id", "").await;
    world.quiet().await;
    assert_eq!(text(&world.systems.mautic.contact(id).unwrap(), "mobile"), "3", "marked, not deleted");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_in_mautic_that_no_webhook_told_of_is_found_and_a_merge_is_not_taken_for_one() {
    let mut world = deaf_world().await;
    let (gone, marked) = polled_contact(&mut world).await;
    let mut others = Vec::new();
    for (name, email) in [("Winner", "w@example.org"), ("Loser", "l@example.org")] {
        let id = world.new_contact(&json!({ "lastname": name, "email": email })).await;
        world.poll_at_once("poll-mautic").await;
        let hub = text(&world.corebos_contact_of(id).await, "id");
        world.until_mautic_field(id, "corebos_id", &hub).await;
        others.push((id, hub));
    }
    let company = world.systems.mautic.create_company(&json!({ "companyname": "Engines" })).await.unwrap();
    world.poll_at_once("poll-mautic").await;
    let account = world.until("the account", |s| s.corebos.find("Accounts", "accountname", "Engines")).await;
    world.quiet().await;
    // A contact that nobody has linked is nobody's loss.
    let unknown = world.systems.mautic.create_contact(&json!({ "phone": "1" })).await.unwrap();
    assert!(world.systems.mautic.delete_contact(gone).await);
    assert!(world.systems.mautic.delete_contact(unknown).await);
    assert!(world.systems.mautic.delete_company(company).await);
    assert!(world.systems.mautic.merge_contacts(others[0].0, others[1].0).await);
    let answer = world.poll_at_once("poll-mautic").await;
    assert_eq!(answer["roll"]["contact"], json!({ "outcome": "complete", "noticed": 2 }), "{answer}");
    assert_eq!(answer["roll"]["company"], json!({ "outcome": "complete", "noticed": 1 }), "{answer}");
    world.until_field(&marked, "deleted_in_mautic", "1").await;
    world.until_field(&text(&account, "id"), "deleted_in_mautic", "1").await;
    world.quiet().await;
    for (_, hub) in &others {
        assert_eq!(text(&world.systems.corebos.record(hub).unwrap(), "deleted_in_mautic"), "0");
    }
    // What is marked is not called again.
    let answer = world.poll_at_once("poll-mautic").await;
    assert_eq!(answer["roll"]["contact"]["noticed"], 0, "{answer}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn companies_are_found_although_their_answers_tell_no_date() {
    let mut world = deaf_world().await;
    let company = json!({ "companyname": "Engines", "companywebsite": "https://engines.example" });
    let id = world.systems.mautic.create_company(&company).await.unwrap();
    world.poll_at_once("poll-mautic").await;
    let account = world.until("the account", |s| s.corebos.find("Accounts", "accountname", "Engines")).await;
    world.quiet().await;
    world.systems.mautic.edit_company(id, &json!({ "companyemail": "info@engines.example" })).await;
    world.poll_at_once("poll-mautic").await;
    let hub = text(&account, "id");
    world.until_field(&hub, "email1", "info@engines.example").await;
    world.quiet().await;
    assert_eq!(world.systems.corebos.records("Accounts").len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_page_is_found_and_visitors_without_a_name_are_not() {
    let mut world = deaf_world().await;
    for number in 0..105 {
        world.new_contact(&json!({ "lastname": format!("L{number}") })).await;
        if number % 20 == 0 {
            // Anonymous: Mautic's webhooks do not tell of them either.
            world.systems.mautic.create_contact(&json!({ "phone": "1" })).await;
        }
    }
    let answer = world.poll_at_once("poll-mautic").await;
    assert_eq!(answer["contact"], json!({ "outcome": "complete", "noticed": 105 }), "{answer}");
    world
        .until("all contacts in coreBOS", |s| (s.corebos.records("Contacts").len() == 105).then_some(()))
        .await;
    world.quiet().await;
    assert!(world.parked().await.is_empty(), "a visitor was taken for a person");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_at_once_without_webhooks_lose_nothing() {
    let mut world = deaf_world().await;
    let (id, hub) = polled_contact(&mut world).await;
    world.systems.mautic.edit_contact(id, &json!({ "city": "Vigo" })).await;
    world.systems.corebos.edit(&hub, &json!({ "mobile": "9" })).await.unwrap();
    world.poll_at_once("poll-mautic").await;
    world.poll_at_once("poll-corebos").await;
    world.until_mautic_field(id, "mobile", "9").await;
    world.until_field(&hub, "mailingcity", "Vigo").await;
    world.quiet().await;
    assert_eq!(text(&world.systems.mautic.contact(id).unwrap(), "city"), "Vigo");
    assert_eq!(text(&world.systems.corebos.record(&hub).unwrap(), "mobile"), "9");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_mautic_has_switched_off_is_told_and_repaired_where_the_setting_says_so() {
    let mut world = world_with_workflows(BRIDGE).await;
    let hook = world.mautics_webhook();
    assert_eq!(world.poll_at_once("poll-mautic").await["webhooks"], json!({ "off": 0, "repaired": 0 }));
    world.systems.mautic.switch_webhook_off(hook);
    let answer = world.poll_at_once("poll-mautic").await;
    assert_eq!(answer["webhooks"], json!({ "off": 1, "repaired": 0 }));
    world.until_told("Mautic has switched a webhook of ours off", |line| line["webhook"] == hook).await;
    assert_eq!(world.systems.mautic.webhook_published(hook), Some(false), "told only");
    let repair = json!({ "repair_webhooks": true });
    world.local.store.put_setting("poll:mautic:main", &repair).await.unwrap();
    let answer = world.poll_at_once("poll-mautic").await;
    assert_eq!(answer["webhooks"], json!({ "off": 0, "repaired": 1 }));
    assert_eq!(world.systems.mautic.webhook_published(hook), Some(true));
    world.linked_contact(&ana()).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_are_none_stop_the_poll_and_name_the_mistake() {
    let mut world = world(BRIDGE).await;
    let wrong = json!({ "every_seconds": 1 });
    world.local.store.put_setting("poll:corebos:main", &wrong).await.unwrap();
    assert_eq!(world.poll_at_once("poll-corebos").await["outcome"], "stopped");
    let told = world.until_told("polls wait for an administrator", |_| true).await;
    assert!(text(&told, "detail").contains("every_seconds"), "{told}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_keeps_the_cursor_and_everything_is_found_afterwards() {
    let mut world = deaf_world().await;
    let id = world.new_contact(&ana()).await;
    world.systems.mautic.stop_listening().await;
    assert_eq!(world.poll_at_once("poll-mautic").await["outcome"], "unavailable");
    world.systems.mautic.listen_again().await.unwrap();
    world.poll_at_once("poll-mautic").await;
    world.corebos_contact_of(id).await;
    world.quiet().await;
    world.stop().await;
}
