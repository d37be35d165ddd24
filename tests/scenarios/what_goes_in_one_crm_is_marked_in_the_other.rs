//! Deletes, restores and merges between coreBOS and HubSpot: marks in coreBOS, the recycle bin in HubSpot, and nobody is
//! brought back who was deleted.

use model::PairKind;
use scenarios::{World, property, text};
use serde_json::{Value, json};
use simulators::hubspot::Kind;

use crate::BRIDGE;

fn person(name: &str) -> Value {
    json!({ "firstname": name, "lastname": "Pérez", "email": format!("{}@example.org", name.to_lowercase()) })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_deleted_in_hubspot_is_marked_and_stays_away_until_it_is_ticked_again() {
    let mut world = World::with_hubspot(BRIDGE).await;
    let (hub, id) = world.linked_to_hubspot("Contacts", Kind::Contact, person("Ana")).await;
    world.hubspot().delete_as_user(Kind::Contact, &id);
    world.until_field(&hub, "hubspotdeleted", "1").await;
    world.quiet().await;
    let record = world.systems.corebos.record(&hub).unwrap();
    assert_eq!((text(&record, "hubspotsyncwith"), text(&record, "hubspotid")), ("0".into(), id.clone()));
    world.systems.corebos.edit(&hub, &json!({ "phone": "1" })).await.unwrap();
    world.quiet().await;
    assert!(world.hubspot().ids(Kind::Contact).is_empty(), "an edit does not bring it back");
    world
        .systems
        .corebos
        .edit(&hub, &json!({ "hubspotsyncwith": "1", "hubspotdeleted": "0" }))
        .await
        .unwrap();
    let again = world.hubspot_record_of(Kind::Contact, &hub).await;
    assert_ne!(again, id, "HubSpot has no way to restore a record by its API");
    world.until_field(&hub, "hubspotid", &again).await;
    world.quiet().await;
    assert_eq!(property(world.hubspot(), Kind::Contact, &again, "phone"), "1");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_restored_in_hubspot_loses_its_marks_and_is_in_step_again() {
    let mut world = World::with_hubspot(BRIDGE).await;
    let (hub, id) = world.linked_to_hubspot("Contacts", Kind::Contact, person("Ana")).await;
    world.hubspot().delete_as_user(Kind::Contact, &id);
    world.until_field(&hub, "hubspotdeleted", "1").await;
    world.quiet().await;
    assert!(world.hubspot().restore_as_user(Kind::Contact, &id));
    world.until_field(&hub, "hubspotdeleted", "0").await;
    world.until_field(&hub, "hubspotsyncwith", "1").await;
    world.quiet().await;
    world.systems.corebos.edit(&hub, &json!({ "phone": "7" })).await.unwrap();
    world.until_property(Kind::Contact, &id, "phone", "7").await;
    assert_eq!(world.hubspot().ids(Kind::Contact), [id]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_deleted_in_corebos_goes_into_the_recycle_bin_of_hubspot() {
    let mut world = World::with_hubspot(BRIDGE).await;
    let (hub, id) =
        world.linked_to_hubspot("Accounts", Kind::Company, json!({ "accountname": "Acme" })).await;
    world.systems.corebos.delete(&hub).await.unwrap();
    world
        .until("an empty portal", |systems| {
            systems.hubspot.as_ref()?.ids(Kind::Company).is_empty().then_some(())
        })
        .await;
    world.quiet().await;
    assert!(world.systems.corebos.records("Accounts").is_empty(), "and its echo brings nothing back");
    assert!(world.hubspot().restore_as_user(Kind::Company, &id), "it was archived, not erased");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_survivor_of_a_merge_in_corebos_keeps_the_contact_in_hubspot() {
    let mut world = World::with_hubspot(BRIDGE).await;
    let (loser, id) = world.linked_to_hubspot("Contacts", Kind::Contact, person("Ana")).await;
    let mut twin = person("Ana");
    twin["firstname"] = json!("Anna");
    let survivor = world.systems.corebos.create("Contacts", &twin).await.unwrap();
    world.quiet().await;
    world.systems.corebos.edit(&survivor, &json!({ "hubspotid": id, "hubspotsyncwith": "1" })).await.unwrap();
    world.systems.corebos.merge(&survivor, &loser).await.unwrap();
    world.until_property(Kind::Contact, &id, "corebos_id", &survivor).await;
    world.quiet_or_waiting(8).await;
    assert_eq!(world.hubspot().ids(Kind::Contact), [id]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_contacts_merged_in_hubspot_leave_the_one_that_was_primary_there_linked() {
    let mut world = World::with_hubspot(BRIDGE).await;
    let (ana, first) = world.linked_to_hubspot("Contacts", Kind::Contact, person("Ana")).await;
    let (eva, second) = world.linked_to_hubspot("Contacts", Kind::Contact, person("Eva")).await;
    let third = world.hubspot().merge_as_user(Kind::Contact, &first, &second).unwrap();
    world.until_field(&ana, "hubspotid", &third).await;
    world.until_field(&eva, "hubspotdeleted", "1").await;
    world.quiet().await;
    let left = world.systems.corebos.record(&eva).unwrap();
    assert_eq!(text(&left, "hubspotsyncwith"), "0");
    world.systems.corebos.edit(&ana, &json!({ "phone": "9" })).await.unwrap();
    world.until_property(Kind::Contact, &third, "phone", "9").await;
    world.systems.corebos.edit(&eva, &json!({ "phone": "8" })).await.unwrap();
    world.quiet().await;
    assert_eq!(property(world.hubspot(), Kind::Contact, &third, "phone"), "9");
    assert_eq!(world.systems.corebos.records("Contacts").len(), 2, "nothing is merged or deleted in coreBOS");
    let pair = World::hubspot_pair(PairKind::HubSpotContacts);
    let parked = world.local.store.list_parked(&pair).await.unwrap();
    assert!(parked.iter().any(|parked| parked.change.reason == "merged_into_linked"), "{parked:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_wants_to_be_forgotten_in_hubspot_is_forgotten_by_the_bridge() {
    let mut world = World::with_hubspot(BRIDGE).await;
    let (hub, id) = world.linked_to_hubspot("Contacts", Kind::Contact, person("Ana")).await;
    world.hubspot().edit_as_user(Kind::Contact, &id, &[("phone", "1")]);
    world.until_field(&hub, "phone", "1").await;
    world.quiet().await;
    let link = world.hubspot_link("contact", &id).await.unwrap();
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    assert!(!world.local.store.history(&link.id, now).await.unwrap().is_empty());
    world.hubspot().erase_as_user(&id);
    world.until_field(&hub, "hubspotdeleted", "1").await;
    world.quiet().await;
    assert!(world.local.store.history(&link.id, now).await.unwrap().is_empty());
    let link = world.hubspot_link("contact", &id).await.unwrap();
    assert_eq!(link.bases, model::Bases::default(), "only that there was something is left");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_webhooks_of_hubspot_have_lost_is_found_by_the_poll() {
    let mut world = World::with_hubspot(BRIDGE).await;
    let (hub, id) = world.linked_to_hubspot("Contacts", Kind::Contact, person("Ana")).await;
    let (gone, gone_id) = world.linked_to_hubspot("Contacts", Kind::Contact, person("Eva")).await;
    world.hubspot_was_polled_hours_ago(2).await;
    world.hubspot().set_silent(true);
    world.hubspot().edit_as_user(Kind::Contact, &id, &[("jobtitle", "Boss")]);
    world.hubspot().delete_as_user(Kind::Contact, &gone_id);
    let new = [("email", "new@example.org"), ("lastname", "New"), ("lifecyclestage", "customer")];
    let new = world.hubspot().create_as_user(Kind::Contact, &new).unwrap();
    // Search is behind.
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    let told = world.poll_at_once("poll-hubspot").await;
    assert_eq!(told["contact"]["outcome"], "complete", "{told}");
    world.until_field(&hub, "title", "Boss").await;
    world.until_field(&gone, "hubspotdeleted", "1").await;
    world.corebos_record_of("Contacts", &new).await;
    world.stop().await;
}
