//! What the two systems write differently arrives as the other one writes it, and does not wander to and fro.

use scenarios::{World, text, world_with_workflows};
use serde_json::json;

use crate::BRIDGE;

/// Writes to coreBOS and to Mautic so far.
fn writes(world: &World) -> (usize, usize) {
    (world.corebos_writes(), world.mautic_writes())
}

fn field(target: &str, source: &str, directive: &str) -> String {
    format!(
        "<field><fieldname>{target}</fieldname><Orgfields><Orgfield><OrgfieldName>{source}</OrgfieldName>\
         <OrgfieldID>{directive}</OrgfieldID></Orgfield></Orgfields></field>"
    )
}

/// A world with maps of its own: the last name, and these fields.
async fn world_of_maps(out: &[String], back: &[String]) -> World {
    let world = world_with_workflows(BRIDGE).await;
    for (name, fields) in [("ContactsToMautic", out), ("MauticToContacts", back)] {
        let fields = fields.concat();
        let xml = format!("<map><fields>{}{fields}</fields></map>", field("lastname", "lastname", ""));
        world.local.store.put_setting(&format!("map:{name}"), &xml).await.unwrap();
    }
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn countries_and_regions_get_the_names_that_mautic_accepts_and_keep_their_own_in_corebos() {
    let mut world = world_with_workflows(BRIDGE).await;
    let ana = json!({
        "lastname": "Pérez", "email": "ana@example.org", "leadsource": "Partner",
        "mailingcountry": "España", "mailingstate": "Cádiz",
    });
    let (id, hub) = world.linked_corebos_contact(&ana).await;
    let contact = world.systems.mautic.contact(id).unwrap();
    assert_eq!((text(&contact, "country"), text(&contact, "state")), ("Spain".into(), "Cadiz".into()));
    let before = writes(&world);
    world.systems.mautic.edit_contact(id, &json!({ "city": "Vejer" })).await;
    world.until_field(&hub, "mailingcity", "Vejer").await;
    world.systems.corebos.edit(&hub, &json!({ "mailingcountry": "DE" })).await.unwrap();
    world.until_mautic_field(id, "country", "Germany").await;
    world.quiet().await;
    let record = world.systems.corebos.record(&hub).unwrap();
    assert_eq!(
        (text(&record, "mailingcountry"), text(&record, "mailingstate")),
        ("DE".into(), "Cádiz".into())
    );
    assert_eq!(writes(&world), (before.0 + 1, before.1 + 1), "one write for each edit");
    world.systems.mautic.edit_contact(id, &json!({ "country": "France" })).await;
    world.until_field(&hub, "mailingcountry", "France").await;
    world.quiet().await;
    assert!(world.parked().await.is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_country_that_mautic_does_not_know_is_parked_by_name_and_the_rest_arrives() {
    let mut world = world_with_workflows(BRIDGE).await;
    let (id, hub) =
        world.linked_corebos_contact(&json!({ "lastname": "Pérez", "leadsource": "Partner" })).await;
    let edit = json!({ "mailingcountry": "Atlantis", "mailingcity": "Poseidonis" });
    world.systems.corebos.edit(&hub, &edit).await.unwrap();
    world.until_mautic_field(id, "city", "Poseidonis").await;
    world.quiet().await;
    let parked = world.parked().await;
    assert_eq!(parked.len(), 1, "{parked:#?}");
    assert_eq!(parked[0].fields.keys().collect::<Vec<_>>(), ["country"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_arrive_whatever_decimals_our_corebos_user_has_set() {
    let mut world = world_with_workflows(BRIDGE).await;
    let fields =
        field("accountname", "companyname", "") + &field("annual_revenue", "companyannual_revenue", "");
    let xml = format!("<map><fields>{fields}</fields></map>");
    world.local.store.put_setting("map:MauticToAccounts", &xml).await.unwrap();
    let comma = json!({ "currency_decimal_separator": ",", "currency_grouping_separator": "." });
    world.systems.corebos.edit("19x5", &comma).await.unwrap();
    let company = json!({ "companyname": "Engines", "companyannual_revenue": 1234.5 });
    let id = world.systems.mautic.create_company(&company).await.unwrap();
    let account = world.until("the account", |s| s.corebos.find("Accounts", "accountname", "Engines")).await;
    let hub = text(&account, "id");
    assert_eq!(text(&account, "annual_revenue").parse(), Ok(1234.5));
    world.quiet().await;
    let before = writes(&world);
    world.systems.mautic.edit_company(id, &json!({ "companyannual_revenue": -0.25 })).await;
    world
        .until("the new number", |s| {
            (text(&s.corebos.record(&hub)?, "annual_revenue").parse() == Ok(-0.25)).then_some(())
        })
        .await;
    world.quiet().await;
    assert_eq!(writes(&world), (before.0 + 1, before.1));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_nought_in_corebos_says_nothing_where_mautic_has_one() {
    let (out, back) = ([field("score_n", "contact_points", "")], [field("contact_points", "score_n", "")]);
    let mut world = world_of_maps(&out, &back).await;
    let hub = world
        .systems
        .corebos
        .create("Contacts", &json!({ "lastname": "Pérez", "email": "ana@example.org" }))
        .await
        .unwrap();
    let id = world.mautic_contact_of(&hub).await;
    world.until_field(&hub, "mautic_id", &id.to_string()).await;
    world.quiet().await;
    assert!(world.parked().await.is_empty(), "0 and blank are one towards a contact");
    // A number, and back to nought.
    world.systems.mautic.edit_contact(id, &json!({ "score_n": 7 })).await;
    world.until_field(&hub, "contact_points", "7").await;
    world.quiet().await;
    world.systems.corebos.edit(&hub, &json!({ "contact_points": "0" })).await.unwrap();
    world.until_mautic_field(id, "score_n", "").await;
    world.quiet().await;
    assert!(world.parked().await.is_empty());
    // At a first meeting the number wins.
    world.forget_mautics_webhook();
    let there =
        world.new_contact(&json!({ "lastname": "Otra", "email": "otra@example.org", "score_n": 9 })).await;
    let person = json!({ "lastname": "Otra", "email": "otra@example.org" });
    let other = world.systems.corebos.create("Contacts", &person).await.unwrap();
    world.until_field(&other, "mautic_id", &there.to_string()).await;
    world.until_field(&other, "contact_points", "9").await;
    world.quiet().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_travel_by_e_mail_where_the_maps_ask_for_it() {
    let out = [field("owner", "$(assigned_user_id : (Users) email1)", "TEMPLATE")];
    let back = [field("assigned_user_id", "owner", "")];
    let mut world = world_of_maps(&out, &back).await;
    let (sync, admin) = ("sync@people.example", "admin@people.example");
    for (user, email) in [("19x5", sync), ("19x1", admin)] {
        world.systems.corebos.edit(user, &json!({ "email1": email })).await.unwrap();
    }
    let seller = world.systems.mautic.add_user("seller", sync);
    // A new contact of Mautic: its owner's e-mail is that of a user of coreBOS.
    let id = world.new_contact(&json!({ "lastname": "Pérez", "owner": seller })).await;
    let record = world.corebos_contact_of(id).await;
    assert_eq!(text(&record, "assigned_user_id"), "19x5");
    world.quiet().await;
    // And the other way round.
    let hub = world
        .systems
        .corebos
        .create("Contacts", &json!({ "lastname": "Otra", "assigned_user_id": "19x5" }))
        .await
        .unwrap();
    let other = world.mautic_contact_of(&hub).await;
    world.until_field(&hub, "mautic_id", &other.to_string()).await;
    world.quiet().await;
    assert_eq!(world.systems.mautic.owner(other), Some(seller));
    // A record that changes hands in coreBOS changes them in Mautic; nobody there has that e-mail.
    world.systems.corebos.edit(&hub, &json!({ "assigned_user_id": "19x1" })).await.unwrap();
    world
        .until_told("change pushed", |line| {
            text(line, "reason") == "refused" || text(line, "outcome") == "settled"
        })
        .await;
    world.quiet().await;
    assert_eq!(world.systems.mautic.owner(other), Some(seller));
    let parked = world.parked().await;
    assert!(parked.iter().any(|parked| parked.fields.contains_key("owner")), "{parked:#?}");
    // The owner of a record that is there is never changed in coreBOS.
    world.systems.mautic.edit_contact(id, &json!({ "owner": 1, "lastname": "Ana" })).await;
    world
        .until("the name", |s| {
            (text(&s.corebos.find("Contacts", "mautic_id", &id.to_string())?, "lastname") == "Ana")
                .then_some(())
        })
        .await;
    world.quiet().await;
    assert_eq!(text(&world.corebos_contact_of(id).await, "assigned_user_id"), "19x5");
    world.stop().await;
}
