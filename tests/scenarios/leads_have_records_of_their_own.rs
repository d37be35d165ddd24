//! Leads of coreBOS where HubSpot keeps lead records: one contact and one record each, whichever side begins.

use model::PairKind;
use scenarios::{World, property, text};
use serde_json::{Value, json};
use simulators::hubspot::Kind;

use crate::BRIDGE;

/// A world whose setting `hubspot.leads` is this.
async fn kept_as(mode: &str) -> World {
    let world = World::with_hubspot(BRIDGE).await;
    let key = sync::settings::system_key(&World::hubspot_pair(PairKind::HubSpotLeads).remote);
    world.local.store.put_setting(&key, &json!({ "leads": mode })).await.unwrap();
    world
}

fn lead() -> Value {
    json!({
        "firstname": "Ana", "lastname": "Pérez", "email": "ana@example.org", "company": "Acme", "leadstatus": "Hot",
        "hubspotsyncwith": "1",
    })
}

/// A ticked Lead of coreBOS with its contact and its lead record.
async fn lead_with_record(world: &mut World) -> (String, String, String) {
    let (hub, contact) = world.linked_to_hubspot("Leads", Kind::Contact, lead()).await;
    let record = world.hubspot_record_of(Kind::Lead, &hub).await;
    world.quiet().await;
    (hub, contact, record)
}

/// A customer with a lead record in HubSpot, of which no webhook has told, and whom the poll has found: both ids.
async fn found_customer(world: &mut World, label: &str) -> (String, String) {
    world.hubspot_was_polled_hours_ago(2).await;
    world.hubspot().set_silent(true);
    let customer = [("email", "c@example.org"), ("lastname", "C"), ("lifecyclestage", "customer")];
    let customer = world.hubspot().create_as_user(Kind::Contact, &customer).unwrap();
    let values = [("hs_lead_name", "C, once more"), ("hs_lead_label", label)];
    let record = world.hubspot().create_lead_as_user(&customer, &values).unwrap();
    world.hubspot().set_silent(false);
    // Search is behind.
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    world.poll_at_once("poll-hubspot").await;
    (customer, record)
}

fn contact_of(world: &World, record: &str) -> Vec<String> {
    world.hubspot().associated((Kind::Lead, record), Kind::Contact, true)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticked_lead_becomes_a_contact_with_a_lead_record_and_edits_travel_both_ways() {
    for mode in ["objects", "both"] {
        let mut world = kept_as(mode).await;
        let (hub, contact, record) = lead_with_record(&mut world).await;
        let portal = world.hubspot();
        assert_eq!(property(portal, Kind::Lead, &record, "hs_lead_name"), "Ana Pérez");
        assert_eq!(property(portal, Kind::Lead, &record, "hs_lead_label"), "HOT");
        assert_eq!(contact_of(&world, &record), std::slice::from_ref(&contact));
        world.systems.corebos.edit(&hub, &json!({ "leadstatus": "Cold", "lastname": "Gil" })).await.unwrap();
        world.until_property(Kind::Lead, &record, "hs_lead_label", "COLD").await;
        world.until_property(Kind::Lead, &record, "hs_lead_name", "Ana Gil").await;
        world.until_property(Kind::Contact, &contact, "lastname", "Gil").await;
        world.hubspot().edit_as_user(Kind::Lead, &record, &[("hs_lead_label", "WARM")]);
        world.until_field(&hub, "leadstatus", "Warm").await;
        // The name of the person is the contact's, and the record follows.
        world.hubspot().edit_as_user(Kind::Contact, &contact, &[("firstname", "Eva")]);
        world.until_field(&hub, "firstname", "Eva").await;
        world.until_property(Kind::Lead, &record, "hs_lead_name", "Eva Gil").await;
        world.quiet().await;
        world.hubspot().clear_requests();
        for poll in ["poll-hubspot", "poll-corebos"] {
            world.poll_at_once(poll).await;
        }
        world.quiet().await;
        assert_eq!(world.hubspot_writes(), 0, "{mode}: nothing is left to say");
        assert_eq!((world.hubspot().ids(Kind::Lead).len(), world.hubspot().ids(Kind::Contact).len()), (1, 1));
        assert_eq!(world.systems.corebos.records("Leads").len(), 1);
        assert!(world.systems.corebos.records("Contacts").is_empty());
        assert_eq!(text(&world.systems.corebos.record(&hub).unwrap(), "hubspotid"), contact);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_of_hubspot_is_a_lead_by_its_record_alone() {
    let mut world = kept_as("objects").await;
    let portal = world.hubspot();
    // Early in its life, and without a lead record.
    let reader = [("email", "r@example.org"), ("lastname", "R"), ("lifecyclestage", "subscriber")];
    let reader = portal.create_as_user(Kind::Contact, &reader).unwrap();
    world.corebos_record_of("Contacts", &reader).await;
    // Whoever is a lead has the record before anybody looks.
    let (customer, record) = found_customer(&mut world, "HOT").await;
    let hub = world.corebos_record_of("Leads", &customer).await;
    world.until_field(&hub, "leadstatus", "Hot").await;
    world.until_property(Kind::Lead, &record, "corebos_id", &hub).await;
    world.until_property(Kind::Contact, &customer, "corebos_id", &hub).await;
    world.quiet().await;
    assert_eq!(world.hubspot().ids(Kind::Lead), std::slice::from_ref(&record), "no second record was made");
    // A record of a contact that is a Contact here is nobody's business.
    let other = world.hubspot().create_lead_as_user(&reader, &[("hs_lead_name", "R")]).unwrap();
    world.quiet_or_waiting(8).await;
    assert_eq!(property(world.hubspot(), Kind::Lead, &other, "corebos_id"), "");
    let modules = ["Leads", "Contacts"].map(|module| world.systems.corebos.records(module).len());
    assert_eq!(modules, [1, 1]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_both_a_contact_early_in_its_life_is_a_lead_and_gets_one_record_whoever_makes_it() {
    let mut world = kept_as("both").await;
    let form = world.hubspot().create_as_user(Kind::Contact, &[("email", "form@example.org")]).unwrap();
    let hub = world.corebos_record_of("Leads", &form).await;
    let record = world.hubspot_record_of(Kind::Lead, &hub).await;
    assert_eq!(contact_of(&world, &record), std::slice::from_ref(&form));
    let (customer, of_customer) = found_customer(&mut world, "WARM").await;
    let second = world.corebos_record_of("Leads", &customer).await;
    world.until_field(&second, "leadstatus", "Warm").await;
    world.quiet().await;
    let mut records = world.hubspot().ids(Kind::Lead);
    records.sort();
    let mut expected = [record, of_customer];
    expected.sort();
    assert_eq!(records, expected);
    assert!(world.systems.corebos.records("Contacts").is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_hands_the_contact_over_and_leaves_the_lead_record_alone() {
    for mode in ["objects", "both"] {
        let mut world = kept_as(mode).await;
        let (hub, id, record) = lead_with_record(&mut world).await;
        let contact = world.converted(&hub, &id).await;
        // HubSpot's own people go on with it, and nobody is brought back to life.
        world.hubspot().edit_as_user(Kind::Lead, &record, &[("hs_lead_label", "COLD")]);
        world.systems.corebos.edit(&contact, &json!({ "phone": "900" })).await.unwrap();
        world.until_property(Kind::Contact, &id, "phone", "900").await;
        world.quiet_or_waiting(8).await;
        assert_eq!(world.hubspot().ids(Kind::Contact), std::slice::from_ref(&id), "{mode}");
        assert_eq!(world.hubspot().ids(Kind::Lead), std::slice::from_ref(&record), "{mode}");
        assert_eq!(contact_of(&world, &record), std::slice::from_ref(&id));
        assert!(world.systems.corebos.records("Leads").is_empty(), "it stays converted");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_record_that_is_deleted_marks_the_lead_and_leaves_its_contact() {
    let mut world = kept_as("objects").await;
    let (hub, contact, record) = lead_with_record(&mut world).await;
    world.hubspot().delete_as_user(Kind::Lead, &record);
    world.until_field(&hub, "hubspotdeleted", "1").await;
    world.until_field(&hub, "hubspotsyncwith", "0").await;
    world.quiet_or_waiting(8).await;
    assert_eq!(world.hubspot().ids(Kind::Contact), std::slice::from_ref(&contact));
    // Who ticks it again gets another record for the same contact.
    let wanted = json!({ "hubspotsyncwith": "1", "hubspotdeleted": "0" });
    world.systems.corebos.edit(&hub, &wanted).await.unwrap();
    let again = world.hubspot_record_of(Kind::Lead, &hub).await;
    assert_ne!(again, record);
    assert_eq!(contact_of(&world, &again), std::slice::from_ref(&contact));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_is_deleted_in_corebos_takes_both_into_the_recycle_bin() {
    let mut world = kept_as("both").await;
    let (hub, _, _) = lead_with_record(&mut world).await;
    world.systems.corebos.delete(&hub).await.unwrap();
    world
        .until("both in the recycle bin", |systems| {
            let portal = systems.hubspot.as_ref()?;
            [Kind::Contact, Kind::Lead].iter().all(|kind| portal.ids(*kind).is_empty()).then_some(())
        })
        .await;
    world.quiet_or_waiting(8).await;
    assert!(world.systems.corebos.records("Leads").is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_leads_that_corebos_merges_leave_the_survivor_with_the_contact_and_its_record() {
    let mut world = kept_as("objects").await;
    let (hub, contact, record) = lead_with_record(&mut world).await;
    let mut twin = lead();
    (twin["firstname"], twin["hubspotsyncwith"]) = (json!("Anna"), json!("0"));
    let other = world.systems.corebos.create("Leads", &twin).await.unwrap();
    world.quiet().await;
    let ticked = json!({ "hubspotid": contact, "hubspotsyncwith": "1" });
    world.systems.corebos.edit(&other, &ticked).await.unwrap();
    world.systems.corebos.merge(&other, &hub).await.unwrap();
    world.until_property(Kind::Contact, &contact, "corebos_id", &other).await;
    world.until_property(Kind::Lead, &record, "corebos_id", &other).await;
    world.quiet_or_waiting(8).await;
    assert_eq!(world.hubspot().ids(Kind::Contact), [contact]);
    assert_eq!(world.hubspot().ids(Kind::Lead), [record]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lead_records_are_left_alone_as_long_as_leads_are_contacts() {
    let mut world = World::with_hubspot(BRIDGE).await;
    let (_, contact) = world.linked_to_hubspot("Leads", Kind::Contact, lead()).await;
    let record = world.hubspot().create_lead_as_user(&contact, &[("hs_lead_name", "Ana")]).unwrap();
    world.quiet_or_waiting(8).await;
    assert_eq!(world.hubspot().ids(Kind::Lead), std::slice::from_ref(&record));
    assert_eq!(property(world.hubspot(), Kind::Lead, &record, "corebos_id"), "");
    assert_eq!(world.systems.corebos.records("Leads").len(), 1);
    world.stop().await;
}
