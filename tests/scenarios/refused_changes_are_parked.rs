//! What coreBOS refuses is parked once, with its words, and nothing else waits for it.

use scenarios::{text, world};
use serde_json::json;
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
