//! What a system refuses is parked once, with its words, and nothing else waits for it.

use model::{PairKind, ParkedChange};
use scenarios::{World, property, text, world};
use serde_json::json;
use simulators::hubspot::Kind;
use simulators::mautic::Delivery;

use crate::BRIDGE;

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_without_a_last_name_is_parked_with_the_words_of_corebos_and_the_next_of_the_batch_goes_through()
 {
    let mut world = world(BRIDGE).await;
    world.systems.mautic.set_delivery(Delivery::Queue);
    let cher = world.new_contact(&json!({ "firstname": "Cher", "email": "cher@example.org" })).await;
    let joan = world.new_contact(&json!({ "firstname": "Joan", "lastname": "Clarke" })).await;
    assert_eq!(world.systems.mautic.process_queue().await.posts, 1);
    world.corebos_contact_of(joan).await;
    world.quiet().await;
    let parked = world.parked().await;
    assert_eq!(parked.len(), 1, "{parked:#?}");
    assert_eq!(parked[0].reason, "refused");
    assert_eq!(parked[0].notice.record.id, cher.to_string());
    assert_eq!(parked[0].message, "Last Name (lastname) does not have a value");
    assert_eq!(parked[0].fields.keys().collect::<Vec<_>>(), ["lastname"]);
    assert_eq!(world.systems.corebos.records("Contacts").len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_contact_is_not_tried_again_before_it_differs_and_goes_through_once_it_is_complete() {
    let mut world = world(BRIDGE).await;
    let id = world.new_contact(&json!({ "firstname": "Cher", "email": "cher@example.org" })).await;
    world.until_told("change pushed", |line| text(line, "outcome") == "parked").await;
    world.quiet().await;
    let asked = world.corebos_calls("create");
    for tag in ["one", "two", "three"] {
        assert!(world.systems.mautic.edit_contact(id, &json!({ "tags": [tag] })).await);
        world.quiet().await;
    }
    assert_eq!((world.parked().await.len(), world.corebos_calls("create")), (1, asked));
    assert!(world.told("change pushed").iter().any(|line| text(line, "reason") == "refused_before"));
    assert!(world.systems.mautic.edit_contact(id, &json!({ "lastname": "Sarkisian" })).await);
    let record = world.corebos_contact_of(id).await;
    assert_eq!(text(&record, "lastname"), "Sarkisian");
    world.quiet().await;
    assert_eq!((world.parked().await.len(), world.systems.corebos.records("Contacts").len()), (1, 1));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_edit_the_field_that_corebos_refuses_is_parked_and_the_rest_is_written() {
    let mut world = world(BRIDGE).await;
    let (id, hub) = world.linked_contact(&json!({ "firstname": "Ada", "lastname": "Lovelace" })).await;
    let changes = json!({ "lastname": "", "mobile": "600" });
    assert!(world.systems.mautic.edit_contact(id, &changes).await);
    world.until_field(&hub, "mobile", "600").await;
    world.quiet().await;
    let record = world.systems.corebos.record(&hub).unwrap();
    assert_eq!(text(&record, "lastname"), "Lovelace");
    let parked = world.parked().await;
    assert_eq!(parked.len(), 1, "{parked:#?}");
    assert!(parked[0].fields.contains_key("lastname"), "{:?}", parked[0].fields);
    // Repeats of the same refusal are neither tried nor parked; the other fields go on.
    let writes = world.corebos_writes();
    assert!(world.systems.mautic.edit_contact(id, &json!({ "tags": ["again"] })).await);
    world.quiet().await;
    assert_eq!((world.corebos_writes(), world.parked().await.len()), (writes, 1));
    assert!(world.systems.mautic.edit_contact(id, &json!({ "mobile": "700" })).await);
    world.until_field(&hub, "mobile", "700").await;
    world.quiet().await;
    assert_eq!((world.corebos_writes(), world.parked().await.len()), (writes + 1, 1));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_becomes_mandatory_parks_the_contacts_that_lack_it() {
    let mut world = world(BRIDGE).await;
    assert!(world.systems.corebos.set_mandatory("Contacts", "mobile", true));
    let without = world.new_contact(&json!({ "lastname": "Without" })).await;
    let with = world.new_contact(&json!({ "lastname": "With", "mobile": "600" })).await;
    world.corebos_contact_of(with).await;
    world.quiet().await;
    let parked = world.parked().await;
    assert_eq!(parked.len(), 1, "{parked:#?}");
    assert_eq!(parked[0].notice.record.id, without.to_string());
    assert!(parked[0].message.contains("(mobile) does not have a value"), "{}", parked[0].message);
    world.stop().await;
}

/// What is parked of the contacts of coreBOS and HubSpot.
async fn parked_for_hubspot(world: &World) -> Vec<ParkedChange> {
    let pair = World::hubspot_pair(PairKind::HubSpotContacts);
    let parked = world.local.store.list_parked(&pair).await.unwrap();
    parked.into_iter().map(|parked| parked.change).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_another_contact_of_hubspot_has_is_parked_with_both_ids_and_the_rest_is_written() {
    let mut world = World::with_hubspot(BRIDGE).await;
    let mut people = Vec::new();
    for n in 0..4 {
        let person = json!({ "lastname": format!("L{n}"), "email": format!("l{n}@example.org") });
        people.push(world.linked_to_hubspot("Contacts", Kind::Contact, person).await);
    }
    world.quiet().await;
    // Nobody tells the bridge of this one.
    world.hubspot().set_silent(true);
    let other = world.hubspot().create_as_user(Kind::Contact, &[("email", "taken@example.org")]).unwrap();
    for (n, (hub, _)) in people.iter().enumerate() {
        let email = if n == 2 { "taken@example.org".to_owned() } else { format!("new{n}@example.org") };
        world.systems.corebos.edit(hub, &json!({ "mailingcity": "Vigo", "email": email })).await.unwrap();
    }
    for (_, id) in &people {
        world.until_property(Kind::Contact, id, "city", "Vigo").await;
    }
    world.quiet().await;
    for (n, (_, id)) in people.iter().enumerate() {
        let email = if n == 2 { "l2@example.org".to_owned() } else { format!("new{n}@example.org") };
        assert_eq!(property(world.hubspot(), Kind::Contact, id, "email"), email);
    }
    let parked = parked_for_hubspot(&world).await;
    assert_eq!(parked.len(), 1, "{parked:#?}");
    let words = &parked[0].fields["email"];
    assert!(words.contains(&other) && words.contains(&people[2].1), "{words}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hubspot_refuses_by_a_rule_of_its_administrator_is_parked_once_with_its_words() {
    let mut world = World::with_hubspot(BRIDGE).await;
    world.hubspot().set_required_when(Kind::Contact, ("city", "Vigo"), "fax");
    let mut people = Vec::new();
    for n in 0..3 {
        let person = json!({ "lastname": format!("L{n}"), "email": format!("l{n}@example.org") });
        people.push(world.linked_to_hubspot("Contacts", Kind::Contact, person).await);
    }
    world.quiet().await;
    for (n, (hub, _)) in people.iter().enumerate() {
        let city = if n == 1 { "Vigo" } else { "Lugo" };
        world.systems.corebos.edit(hub, &json!({ "mailingcity": city })).await.unwrap();
    }
    for place in [0, 2] {
        world.until_property(Kind::Contact, &people[place].1, "city", "Lugo").await;
    }
    world.quiet().await;
    assert_eq!(property(world.hubspot(), Kind::Contact, &people[1].1, "city"), "");
    let parked = parked_for_hubspot(&world).await;
    assert_eq!(parked.len(), 1, "{parked:#?}");
    assert_eq!(parked[0].reason, "refused");
    let told = format!("{} {:?}", parked[0].message, parked[0].fields);
    assert!(told.contains("fax is required when city is Vigo"), "HubSpot's own words: {told}");
    world.stop().await;
}
