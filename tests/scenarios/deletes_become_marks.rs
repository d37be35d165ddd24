//! A contact that is deleted in Mautic is marked in coreBOS, a merged one is not, and deletes have a brake.

use bridge::config::Config;
use scenarios::{Unusual, World, text, unusual_world, world};
use serde_json::{Value, json};

use crate::BRIDGE;

/// Settings of the pair, of which only the deletes differ from the default.
fn settings(config: Config, deletes_per_hour: u32) -> Config {
    let mut config = config;
    let pair =
        sync::PairSettings { deletes_per_hour, delete_confirm_seconds: 1, ..sync::PairSettings::default() };
    config.settings.insert("mautic-contacts".to_owned(), pair.into());
    config
}

async fn quick_world() -> World {
    unusual_world(BRIDGE, Unusual::default(), |config| settings(config, 50)).await
}

async fn marked(world: &mut World, hub: &str) -> Value {
    world.until_field(hub, "deleted_in_mautic", "1").await;
    world.quiet().await;
    world.systems.corebos.record(hub).expect("the record is still there")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_becomes_a_mark_and_the_record_stays() {
    // With the default wait before a delete is believed.
    let mut world = world(BRIDGE).await;
    let (id, hub) = world.linked_contact(&json!({ "lastname": "Gone", "mobile": "600" })).await;
    let writes = world.corebos_writes();
    assert!(world.systems.mautic.delete_contact(id).await);
    let record = marked(&mut world, &hub).await;
    assert_eq!((text(&record, "mautic_id"), text(&record, "mobile")), (String::new(), "600".to_owned()));
    assert_eq!(world.corebos_writes() - writes, 1);
    assert!(world.told("change waits").iter().any(|line| text(line, "reason") == "delete_unconfirmed"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_marked_stays_marked_when_old_webhooks_come_again() {
    let mut world = quick_world().await;
    let (id, hub) = world.linked_contact(&json!({ "lastname": "Gone" })).await;
    assert!(world.systems.mautic.delete_contact(id).await);
    marked(&mut world, &hub).await;
    let writes = world.corebos_writes();
    let old = json!({ "mautic.lead_post_save_update": [{ "contact": { "id": id } }] });
    let again = json!({ "mautic.lead_post_delete": [{ "id": id, "contact": { "id": null } }] });
    for body in [old, again] {
        assert_eq!(world.post(body.to_string()).await.0, 200);
        world.quiet().await;
    }
    assert_eq!(world.corebos_writes(), writes);
    assert_eq!(world.systems.corebos.records("Contacts").len(), 1);
    assert_eq!(
        world.told("change pushed").iter().filter(|line| text(line, "reason") == "tombstone").count(),
        2
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_person_who_comes_back_takes_over_the_marked_record() {
    let mut world = quick_world().await;
    let person = json!({ "lastname": "Back", "email": "back@example.org" });
    let (old, hub) = world.linked_contact(&person).await;
    assert!(world.systems.mautic.delete_contact(old).await);
    marked(&mut world, &hub).await;
    let new = world.new_contact(&person).await;
    world.until_field(&hub, "mautic_id", &new.to_string()).await;
    world.quiet().await;
    let record = world.systems.corebos.record(&hub).unwrap();
    assert_ne!(text(&record, "deleted_in_mautic"), "1");
    assert_eq!(world.systems.corebos.records("Contacts").len(), 1);
    assert_eq!(text(&world.systems.mautic.contact(new).unwrap(), "corebos_id"), hub);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marked_record_goes_to_mautic_again_when_its_mark_is_cleared_and_not_before() {
    let mut world = quick_world().await;
    let webhook = world.local.webhook_url("webhook-corebos");
    world.systems.point_workflows_at(&webhook).await.unwrap();
    let (id, hub) = world.linked_contact(&json!({ "lastname": "Gone", "email": "gone@example.org" })).await;
    assert!(world.systems.mautic.delete_contact(id).await);
    marked(&mut world, &hub).await;
    world.systems.corebos.edit(&hub, &json!({ "mobile": "600" })).await.unwrap();
    world.quiet().await;
    assert!(world.systems.mautic.contacts().is_empty(), "an edit does not bring it back");
    world.systems.corebos.edit(&hub, &json!({ "deleted_in_mautic": "0" })).await.unwrap();
    let again = world.mautic_contact_of(&hub).await;
    assert_ne!(again, id);
    world.until_field(&hub, "mautic_id", &again.to_string()).await;
    world.quiet().await;
    assert_eq!(text(&world.systems.mautic.contact(again).unwrap(), "mobile"), "600");
    assert_eq!(world.systems.mautic.contacts().len(), 1);
    assert_ne!(text(&world.systems.corebos.record(&hub).unwrap(), "deleted_in_mautic"), "1");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_a_form_merges_into_a_new_id_keeps_its_record() {
    let mut world = quick_world().await;
    let (old, hub) = world.linked_contact(&json!({ "lastname": "Pérez", "email": "ana@example.org" })).await;
    let form = json!({ "email": "ana@example.org", "firstname": "Ana" });
    let new = world.systems.mautic.submit_form(&form).await.unwrap();
    assert_ne!(new, old);
    world.until_field(&hub, "mautic_id", &new.to_string()).await;
    world.until_field(&hub, "firstname", "Ana").await;
    world.quiet().await;
    let record = world.systems.corebos.record(&hub).unwrap();
    assert_eq!((text(&record, "lastname"), text(&record, "deleted_in_mautic")), ("Pérez".into(), "0".into()));
    assert_eq!(world.systems.corebos.records("Contacts").len(), 1);
    // The link moved with it: an edit of the new id arrives.
    assert!(world.systems.mautic.edit_contact(new, &json!({ "mobile": "600" })).await);
    world.until_field(&hub, "mobile", "600").await;
    world.quiet().await;
    assert_eq!(world.parked().await.len(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_linked_contacts_that_are_merged_the_loser_is_told_with_both_records() {
    let mut world = quick_world().await;
    let (winner, kept) = world.linked_contact(&json!({ "lastname": "Winner" })).await;
    let (loser, left) = world.linked_contact(&json!({ "lastname": "Loser", "mobile": "600" })).await;
    assert!(world.systems.mautic.merge_contacts(winner, loser).await);
    world.until_told("change pushed", |line| text(line, "outcome") == "unlinked").await;
    world.quiet().await;
    let record = world.systems.corebos.record(&kept).unwrap();
    assert_eq!((text(&record, "mautic_id"), text(&record, "mobile")), (winner.to_string(), "600".to_owned()));
    assert_ne!(text(&record, "deleted_in_mautic"), "1");
    let parked = world.parked().await;
    assert_eq!(parked.len(), 1, "{parked:#?}");
    assert_eq!(parked[0].reason, "merged_into_linked");
    for named in [&kept, &left, &winner.to_string()] {
        assert!(parked[0].message.contains(named.as_str()), "{}", parked[0].message);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_deletes_than_allowed_in_an_hour_are_parked() {
    let mut world = unusual_world(BRIDGE, Unusual::default(), |config| settings(config, 2)).await;
    let mut hubs = Vec::new();
    let mut ids = Vec::new();
    for number in 1..=4 {
        let (id, hub) = world.linked_contact(&json!({ "lastname": format!("Number {number}") })).await;
        hubs.push(hub);
        ids.push(id);
    }
    for id in ids {
        assert!(world.systems.mautic.delete_contact(id).await);
    }
    world.quiet().await;
    let marked = hubs
        .iter()
        .filter(|hub| text(&world.systems.corebos.record(hub).unwrap(), "deleted_in_mautic") == "1");
    assert_eq!(marked.count(), 2);
    let parked = world.parked().await;
    assert_eq!(parked.iter().map(|change| change.reason.as_str()).collect::<Vec<_>>(), ["brake", "brake"]);
    assert!(parked[0].message.contains("deletes_per_hour"), "{}", parked[0].message);
    world.stop().await;
}
