//! A change to a Mautic contact reaches coreBOS, once, with only what changed.

use scenarios::{text, world};
use serde_json::json;

use crate::BRIDGE;

#[tokio::test(flavor = "multi_thread")]
async fn a_new_contact_reaches_corebos_and_its_id_is_written_back() {
    let mut world = world(BRIDGE).await;
    let fields =
        json!({ "firstname": "Ana", "lastname": "Pérez", "email": "ana@example.org", "address1": "Calle 1" });
    let id = world.systems.mautic.create_contact(&fields).await.unwrap();
    let record = world.corebos_contact_of(id).await;
    let hub = text(&record, "id");
    world
        .until("the id in Mautic", |s| (text(&s.mautic.contact(id)?, "corebos_id") == hub).then_some(()))
        .await;
    world.quiet().await;
    assert_eq!(text(&record, "lastname"), "Pérez");
    assert_eq!(text(&record, "mailingstreet"), "Calle 1");
    assert_eq!(text(&record, "leadsource"), "Promoter");
    assert_eq!(text(&record, "birthday"), "", "coreBOS would have stored today");
    assert_eq!(world.corebos_writes(), 1, "one create and no echo");
    assert_eq!(world.waiting(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_writes_the_changed_field_only_and_never_the_owner() {
    let mut world = world(BRIDGE).await;
    let id = world.systems.mautic.create_contact(&json!({ "lastname": "Pérez" })).await.unwrap();
    let hub = text(&world.corebos_contact_of(id).await, "id");
    world.quiet().await;
    world
        .systems
        .corebos
        .edit(&hub, &json!({ "assigned_user_id": "19x1", "department": "Sales" }))
        .await
        .unwrap();
    world.systems.mautic.edit_contact(id, &json!({ "mobile": "600" })).await;
    world.until("the mobile", |s| (text(&s.corebos.record(&hub)?, "mobile") == "600").then_some(())).await;
    world.quiet().await;
    let record = world.systems.corebos.record(&hub).unwrap();
    assert_eq!(text(&record, "assigned_user_id"), "19x1");
    assert_eq!(text(&record, "department"), "Sales");
    assert_eq!(world.corebos_writes(), 2);
    world.stop().await;
}
