//! Contacts and accounts that are ticked for HubSpot are in step with its contacts and companies, both ways; what is
//! not ticked never leaves coreBOS.

use scenarios::{World, property, text};
use serde_json::{Value, json};
use simulators::hubspot::Kind;

use crate::BRIDGE;

fn ana() -> Value {
    json!({ "firstname": "Ana", "lastname": "Pérez", "email": "ana@example.org", "phone": "600" })
}

/// A contact of HubSpot that nobody takes for a lead.
const CUSTOMER: [(&str, &str); 4] =
    [("email", "eva@example.org"), ("firstname", "Eva"), ("lastname", "Gil"), ("lifecyclestage", "customer")];

#[tokio::test(flavor = "multi_thread")]
async fn a_ticked_contact_reaches_hubspot_once_and_its_id_and_address_are_written_back() {
    let mut world = World::with_hubspot(BRIDGE).await;
    let (hub, id) = world.linked_to_hubspot("Contacts", Kind::Contact, ana()).await;
    let portal = world.hubspot();
    for (name, value) in [("lastname", "Pérez"), ("email", "ana@example.org"), ("phone", "600")] {
        assert_eq!(property(portal, Kind::Contact, &id, name), value);
    }
    assert_eq!(world.hubspot_writes(), 1, "one create, and no echo");
    assert_eq!(portal.ids(Kind::Contact).len(), 1);
    let record = world.systems.corebos.record(&hub).unwrap();
    assert_eq!(text(&record, "hubspotcreated"), "0", "it does not come from HubSpot");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_travel_both_ways_with_only_what_changed_and_nothing_echoes() {
    let mut world = World::with_hubspot(BRIDGE).await;
    let (hub, id) = world.linked_to_hubspot("Contacts", Kind::Contact, ana()).await;
    world.hubspot().edit_as_user(Kind::Contact, &id, &[("jobtitle", "Boss")]);
    world.until_field(&hub, "title", "Boss").await;
    world.quiet().await;
    world.hubspot().clear_requests();
    let before = world.corebos_writes();
    world.systems.corebos.edit(&hub, &json!({ "phone": "700", "mailingcity": "Vigo" })).await.unwrap();
    world.until_property(Kind::Contact, &id, "city", "Vigo").await;
    world.quiet().await;
    assert_eq!(property(world.hubspot(), Kind::Contact, &id, "phone"), "700");
    assert_eq!(property(world.hubspot(), Kind::Contact, &id, "jobtitle"), "Boss");
    assert_eq!((world.hubspot_writes(), world.corebos_writes()), (1, before), "one write there, none back");
    world.systems.corebos.edit(&hub, &json!({ "phone": "" })).await.unwrap();
    world.until_property(Kind::Contact, &id, "phone", "").await;
    assert_eq!(property(world.hubspot(), Kind::Contact, &id, "city"), "Vigo");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_of_hubspot_arrives_ticked_and_marked_as_created_there() {
    let mut world = World::with_hubspot(BRIDGE).await;
    let id = world.hubspot().create_as_user(Kind::Contact, &CUSTOMER).unwrap();
    let hub = world.corebos_record_of("Contacts", &id).await;
    world.until_property(Kind::Contact, &id, "corebos_id", &hub).await;
    world.quiet().await;
    let record = world.systems.corebos.record(&hub).unwrap();
    for (field, value) in
        [("lastname", "Gil"), ("hubspotsyncwith", "1"), ("hubspotcreated", "1"), ("hubspotdeleted", "0")]
    {
        assert_eq!(text(&record, field), value, "{field}");
    }
    assert!(text(&record, "hubspotrecord").contains(&format!("/record/0-1/{id}")), "{record}");
    assert_eq!(world.systems.corebos.records("Contacts").len(), 1);
    assert!(world.systems.corebos.records("Leads").is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_without_the_tick_never_leaves_corebos_and_one_that_loses_it_rests_until_it_is_back() {
    let mut world = World::with_hubspot(BRIDGE).await;
    world
        .systems
        .corebos
        .create("Contacts", &json!({ "lastname": "Secret", "email": "s@example.org" }))
        .await
        .unwrap();
    let (hub, id) = world.linked_to_hubspot("Contacts", Kind::Contact, ana()).await;
    assert_eq!(world.hubspot().ids(Kind::Contact).len(), 1, "the other one stayed at home");
    world.systems.corebos.edit(&hub, &json!({ "hubspotsyncwith": "0", "phone": "1" })).await.unwrap();
    world.quiet().await;
    world.hubspot().edit_as_user(Kind::Contact, &id, &[("jobtitle", "Boss")]);
    world.systems.corebos.edit(&hub, &json!({ "phone": "2" })).await.unwrap();
    world.quiet().await;
    assert_eq!(property(world.hubspot(), Kind::Contact, &id, "phone"), "600");
    assert_eq!(text(&world.systems.corebos.record(&hub).unwrap(), "title"), "");
    world.systems.corebos.edit(&hub, &json!({ "hubspotsyncwith": "1" })).await.unwrap();
    world.until_property(Kind::Contact, &id, "phone", "2").await;
    world.until_field(&hub, "title", "Boss").await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unticked_record_that_is_deleted_takes_nothing_with_it() {
    let mut world = World::with_hubspot(BRIDGE).await;
    let (hub, id) = world.linked_to_hubspot("Contacts", Kind::Contact, ana()).await;
    world.systems.corebos.edit(&hub, &json!({ "hubspotsyncwith": "0" })).await.unwrap();
    world.quiet().await;
    world.systems.corebos.delete(&hub).await.unwrap();
    world.quiet_or_waiting(6).await;
    assert_eq!(world.hubspot().ids(Kind::Contact), [id], "it was told to leave HubSpot alone");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_belongs_to_the_company_of_its_account_on_both_sides() {
    let mut world = World::with_hubspot(BRIDGE).await;
    let acme = json!({ "accountname": "Acme", "website": "acme.example" });
    let (account, company) = world.linked_to_hubspot("Accounts", Kind::Company, acme).await;
    let mut contact = ana();
    contact["account_id"] = json!(account);
    let (hub, id) = world.linked_to_hubspot("Contacts", Kind::Contact, contact).await;
    world
        .until("the association", |systems| {
            let portal = systems.hubspot.as_ref()?;
            (portal.associated((Kind::Contact, &id), Kind::Company, true) == [company.clone()]).then_some(())
        })
        .await;
    let beta = world
        .hubspot()
        .create_as_user(Kind::Company, &[("name", "Beta"), ("domain", "beta.example")])
        .unwrap();
    let beta_account = world.corebos_record_of("Accounts", &beta).await;
    world.quiet().await;
    world.hubspot().associate_as_user((Kind::Contact, &id), (Kind::Company, &beta), true);
    world.until_field(&hub, "account_id", &beta_account).await;
    world.quiet().await;
    assert_eq!(world.hubspot().associated((Kind::Contact, &id), Kind::Company, true), [beta]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_in_mautic_reaches_hubspot_through_corebos_and_nothing_echoes() {
    let mut world = World::with_hubspot(BRIDGE).await;
    let (hub, id) = world.linked_to_hubspot("Contacts", Kind::Contact, ana()).await;
    let mautic = world.mautic_contact_of(&hub).await;
    world.until_field(&hub, "mautic_id", &mautic.to_string()).await;
    world.quiet().await;
    world.hubspot().clear_requests();
    let before = (world.corebos_writes(), world.mautic_writes());
    world.systems.mautic.edit_contact(mautic, &json!({ "mobile": "800" })).await;
    world.until_property(Kind::Contact, &id, "mobilephone", "800").await;
    world.quiet().await;
    assert_eq!(text(&world.systems.corebos.record(&hub).unwrap(), "mobile"), "800");
    assert_eq!(world.hubspot_writes(), 1);
    assert_eq!((world.corebos_writes(), world.mautic_writes()), (before.0 + 1, before.1));
    world.hubspot().edit_as_user(Kind::Contact, &id, &[("jobtitle", "Boss")]);
    world.until_mautic_field(mautic, "title", "Boss").await;
    world.stop().await;
}
