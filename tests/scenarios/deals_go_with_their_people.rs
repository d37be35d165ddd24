//! Deals of HubSpot and potentials of coreBOS: with their stage, their day, and the company or contact that they are about.

use model::PairKind;
use scenarios::{World, property, text};
use serde_json::{Value, json};
use simulators::hubspot::Kind;

use crate::BRIDGE;

fn potential(related_to: &str) -> Value {
    json!({
        "potentialname": "Engines", "related_to": related_to, "closingdate": "2027-03-31",
        "sales_stage": "Prospecting", "amount": "1000.50",
    })
}

async fn acme(world: &mut World) -> (String, String) {
    world.linked_to_hubspot("Accounts", Kind::Company, json!({ "accountname": "Acme" })).await
}

async fn ana(world: &mut World) -> (String, String) {
    let ana = json!({ "firstname": "Ana", "lastname": "Pérez", "email": "ana@example.org" });
    world.linked_to_hubspot("Contacts", Kind::Contact, ana).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_potential_becomes_a_deal_of_its_company_on_the_same_day_and_in_the_same_stage() {
    let mut world = World::with_hubspot(BRIDGE).await;
    let (account, company) = acme(&mut world).await;
    let (hub, id) = world.linked_to_hubspot("Potentials", Kind::Deal, potential(&account)).await;
    let portal = world.hubspot();
    assert_eq!(property(portal, Kind::Deal, &id, "dealname"), "Engines");
    assert_eq!(property(portal, Kind::Deal, &id, "dealstage"), "appointmentscheduled");
    assert_eq!(property(portal, Kind::Deal, &id, "amount"), "1000.5");
    // Noon in New York.
    assert_eq!(property(portal, Kind::Deal, &id, "closedate"), "2027-03-31T16:00:00Z");
    assert_eq!(portal.associated((Kind::Deal, &id), Kind::Company, true), [company]);
    world.hubspot().edit_as_user(Kind::Deal, &id, &[("dealstage", "closedwon"), ("amount", "900")]);
    world.until_field(&hub, "sales_stage", "Closed Won").await;
    world.quiet().await;
    assert_eq!(text(&world.systems.corebos.record(&hub).unwrap(), "closingdate"), "2027-03-31");
    world
        .systems
        .corebos
        .edit(&hub, &json!({ "closingdate": "2027-04-01", "sales_stage": "Needs Analysis" }))
        .await
        .unwrap();
    world.until_property(Kind::Deal, &id, "closedate", "2027-04-01T16:00:00Z").await;
    assert_eq!(property(world.hubspot(), Kind::Deal, &id, "dealstage"), "qualifiedtobuy");
    world.quiet().await;
    let record = world.systems.corebos.record(&hub).unwrap();
    assert_eq!(
        text(&record, "sales_stage"),
        "Needs Analysis",
        "HubSpot has no such stage, and coreBOS keeps its own"
    );
    assert_eq!(text(&record, "related_to"), account);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deal_waits_for_the_contact_that_it_is_about_and_arrives_with_it() {
    let mut world = World::with_hubspot(BRIDGE).await;
    let person = [("email", "eva@example.org"), ("lastname", "Gil"), ("lifecyclestage", "customer")];
    let contact = world.hubspot().create_as_user(Kind::Contact, &person).unwrap();
    let deal = [
        ("dealname", "Looms"),
        ("dealstage", "contractsent"),
        ("closedate", "2027-05-01"),
        ("pipeline", "default"),
    ];
    let deal = world.hubspot().create_as_user(Kind::Deal, &deal).unwrap();
    assert!(world.hubspot().associate_as_user((Kind::Deal, &deal), (Kind::Contact, &contact), false));
    let hub = world.corebos_record_of("Potentials", &deal).await;
    let eva = world.corebos_record_of("Contacts", &contact).await;
    world.quiet().await;
    let record = world.systems.corebos.record(&hub).unwrap();
    assert_eq!(
        (text(&record, "related_to"), text(&record, "sales_stage")),
        (eva, "Negotiation/Review".into())
    );
    // Midnight UTC is still the day before in New York, which is what its users see.
    assert_eq!(text(&record, "closingdate"), "2027-04-30");
    assert_eq!(text(&record, "hubspotcreated"), "1");
    world.stop().await;
}

/// What a deal that has both in HubSpot is related to in coreBOS: the contact, and the account.
async fn related(relate_deal_with: &str) -> (String, String, String) {
    let mut world = World::with_hubspot(BRIDGE).await;
    let key = format!("pair:{}", PairKind::HubSpotDeals.as_str());
    world.local.store.put_setting(&key, &json!({ "relate_deal_with": relate_deal_with })).await.unwrap();
    let (account, company) = acme(&mut world).await;
    let (person, contact) = ana(&mut world).await;
    let values = [
        ("dealname", "Looms"),
        ("dealstage", "contractsent"),
        ("closedate", "2027-05-01"),
        ("pipeline", "default"),
    ];
    let deal = world.hubspot().create_as_user(Kind::Deal, &values).unwrap();
    assert!(world.hubspot().associate_as_user((Kind::Deal, &deal), (Kind::Company, &company), true));
    assert!(world.hubspot().associate_as_user((Kind::Deal, &deal), (Kind::Contact, &contact), false));
    let hub = world.corebos_record_of("Potentials", &deal).await;
    world.quiet().await;
    let related = text(&world.systems.corebos.record(&hub).unwrap(), "related_to");
    let portal = world.hubspot();
    assert_eq!(
        portal.associated((Kind::Deal, &deal), Kind::Company, true),
        [company],
        "nobody lost the deal"
    );
    assert_eq!(portal.associated((Kind::Deal, &deal), Kind::Contact, false), [contact]);
    world.stop().await;
    (related, person, account)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deal_of_a_contact_and_a_company_is_related_to_the_contact() {
    let (related, person, _) = related("contacts").await;
    assert_eq!(related, person);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deal_of_a_contact_and_a_company_is_related_to_the_account_where_the_setting_says_so() {
    let (related, _, account) = related("accounts").await;
    assert_eq!(related, account);
}
