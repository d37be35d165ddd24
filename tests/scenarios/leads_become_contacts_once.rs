//! Leads of coreBOS and contacts of HubSpot: one record there, one link, whatever the person is here.

use scenarios::{World, property, text};
use serde_json::{Value, json};
use simulators::hubspot::Kind;

use crate::BRIDGE;

fn lead() -> Value {
    json!({ "firstname": "Ana", "lastname": "Pérez", "email": "ana@example.org", "company": "Acme", "phone": "600" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticked_lead_becomes_a_contact_at_the_beginning_of_its_life_and_edits_travel_both_ways() {
    let mut world = World::with_hubspot(BRIDGE).await;
    let (hub, id) = world.linked_to_hubspot("Leads", Kind::Contact, lead()).await;
    let portal = world.hubspot();
    for (name, value) in [("lifecyclestage", "lead"), ("company", "Acme"), ("lastname", "Pérez")] {
        assert_eq!(property(portal, Kind::Contact, &id, name), value);
    }
    world.hubspot().edit_as_user(Kind::Contact, &id, &[("jobtitle", "Boss")]);
    world.until_field(&hub, "designation", "Boss").await;
    world.systems.corebos.edit(&hub, &json!({ "phone": "700" })).await.unwrap();
    world.until_property(Kind::Contact, &id, "phone", "700").await;
    world.quiet().await;
    assert!(world.systems.corebos.records("Contacts").is_empty(), "it did not come back as a contact");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_fills_in_a_form_of_hubspot_arrives_as_a_lead_and_a_customer_as_a_contact() {
    let mut world = World::with_hubspot(BRIDGE).await;
    let form = world.hubspot().create_as_user(Kind::Contact, &[("email", "form@example.org")]).unwrap();
    let customer = [("email", "c@example.org"), ("lastname", "C"), ("lifecyclestage", "customer")];
    let customer = world.hubspot().create_as_user(Kind::Contact, &customer).unwrap();
    let hub = world.corebos_record_of("Leads", &form).await;
    world.corebos_record_of("Contacts", &customer).await;
    world.quiet().await;
    let record = world.systems.corebos.record(&hub).unwrap();
    // coreBOS takes no lead without a name and a company.
    for field in ["lastname", "company", "email"] {
        assert_eq!(text(&record, field), "form@example.org", "{field}");
    }
    assert_eq!(property(world.hubspot(), Kind::Contact, &form, "lastname"), "", "what stands in stays here");
    assert_eq!(
        (world.systems.corebos.records("Leads").len(), world.systems.corebos.records("Contacts").len()),
        (1, 1)
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_whom_corebos_knows_stays_what_it_is_there() {
    let mut world = World::with_hubspot(BRIDGE).await;
    let known = json!({ "lastname": "Gil", "email": "eva@example.org", "hubspotsyncwith": "1" });
    world.systems.corebos.clear_workflow_hooks();
    let hub = world.systems.corebos.create("Contacts", &known).await.unwrap();
    // By its stage alone it would be a lead.
    let id = world.hubspot().create_as_user(Kind::Contact, &[("email", "eva@example.org")]).unwrap();
    world.until_field(&hub, "hubspotid", &id).await;
    world.quiet().await;
    assert!(world.systems.corebos.records("Leads").is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_converted_lead_hands_its_contact_in_hubspot_over_and_nothing_is_deleted_or_doubled() {
    let mut world = World::with_hubspot(BRIDGE).await;
    let (hub, id) = world.linked_to_hubspot("Leads", Kind::Contact, lead()).await;
    let contact = world.converted(&hub, &id).await;
    assert_eq!(world.hubspot().ids(Kind::Contact), std::slice::from_ref(&id));
    world.systems.corebos.edit(&contact, &json!({ "phone": "900" })).await.unwrap();
    world.until_property(Kind::Contact, &id, "phone", "900").await;
    world.hubspot().edit_as_user(Kind::Contact, &id, &[("jobtitle", "Boss")]);
    world.until_field(&contact, "title", "Boss").await;
    world.stop().await;
}
