//! Visitors, merges and deletes in Mautic, edits that come too early, and points: what must not make, lose or bring back
//! a record.

use scenarios::{World, text, world, world_with_workflows};
use serde_json::json;

use crate::BRIDGE;

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_becomes_a_contact_when_it_is_known_who_it_is_and_not_before() {
    let mut world = world(BRIDGE).await;
    let id = world.new_contact(&json!({ "mobile": "600" })).await;
    // Mautic tells of some things that happen to visitors.
    world.systems.mautic.set_do_not_contact(id, "email", 2).await;
    let told = json!({ "mautic.lead_points_change": [{ "contact": { "id": id } }] });
    assert_eq!(world.post(told.to_string()).await.0, 200);
    world.until_told("change pushed", |line| text(line, "reason") == "anonymous").await;
    world.quiet().await;
    assert_eq!((world.corebos_writes(), world.parked().await.len()), (0, 0));
    assert!(world.systems.mautic.edit_contact(id, &json!({ "lastname": "Pérez" })).await);
    let record = world.corebos_contact_of(id).await;
    assert_eq!(
        (text(&record, "mobile"), text(&record, "lastname"), text(&record, "emailoptout")),
        ("600".into(), "Pérez".into(), "1".into())
    );
    world.quiet().await;
    // Somebody who is known stays so, even without a name.
    let known = json!({ "mobile": "700", "lastname": "" });
    assert!(world.systems.mautic.edit_contact(id, &known).await);
    world.quiet().await;
    assert_eq!(world.systems.corebos.records("Contacts").len(), 1);
    world.stop().await;
}

/// Merges a linked contact and one that nobody has linked; `newer` says which of them was created later and wins.
async fn merged(linked_is_newer: bool, linked_wins: bool) {
    let mut world = world(BRIDGE).await;
    let quiet = json!({ "mobile": "1" });
    let mut other = None;
    if linked_is_newer {
        other = Some(world.new_contact(&quiet).await);
    }
    let (linked, hub) =
        world.linked_contact(&json!({ "lastname": "Pérez", "email": "ana@example.org" })).await;
    let other = match other {
        Some(other) => other,
        None => world.new_contact(&quiet).await,
    };
    let (winner, loser) = if linked_wins { (linked, other) } else { (other, linked) };
    assert!(world.systems.mautic.merge_contacts(winner, loser).await);
    world.until_field(&hub, "mautic_id", &winner.to_string()).await;
    world.quiet().await;
    let record = world.systems.corebos.record(&hub).unwrap();
    assert_eq!((text(&record, "lastname"), text(&record, "deleted_in_mautic")), ("Pérez".into(), "0".into()));
    assert_eq!(world.systems.corebos.records("Contacts").len(), 1);
    // The link leads to the survivor, and an old webhook about the loser changes nothing.
    let old = json!({ "mautic.lead_post_save_update": [{ "contact": { "id": loser } }] });
    assert_eq!(world.post(old.to_string()).await.0, 200);
    assert!(world.systems.mautic.edit_contact(winner, &json!({ "city": "Vigo" })).await);
    world.until_field(&hub, "mailingcity", "Vigo").await;
    world.quiet().await;
    assert!(world.parked().await.is_empty());
    // Whoever is deleted afterwards is gone under both ids.
    assert!(world.systems.mautic.delete_contact(winner).await);
    world.until_field(&hub, "deleted_in_mautic", "1").await;
    world.quiet().await;
    assert_eq!(world.systems.corebos.records("Contacts").len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_into_an_older_contact_moves_the_link() {
    merged(true, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_into_a_newer_contact_moves_the_link() {
    merged(false, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_that_the_linked_contact_wins_leaves_the_link_where_it_is() {
    merged(true, true).await;
    merged(false, true).await;
}

async fn linked_company(world: &mut World, name: &str) -> (u64, String) {
    let id = world.systems.mautic.create_company(&json!({ "companyname": name })).await.unwrap();
    let account = world.until("the account", |s| s.corebos.find("Accounts", "accountname", name)).await;
    let hub = text(&account, "id");
    world
        .until("its id in Mautic", |s| {
            (text(&s.mautic.company(id)?, "company_corebos_id") == hub).then_some(())
        })
        .await;
    world.quiet().await;
    (id, hub)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_was_deleted_is_not_brought_back_by_an_edit_of_its_company() {
    let mut world = world_with_workflows(BRIDGE).await;
    let (id, hub) = linked_company(&mut world, "Engines").await;
    world.systems.corebos.delete(&hub).await.unwrap();
    world
        .until("the id to be blank", |s| {
            text(&s.mautic.company(id)?, "company_corebos_id").is_empty().then_some(())
        })
        .await;
    world.quiet().await;
    let writes = world.corebos_writes();
    assert!(world.systems.mautic.edit_company(id, &json!({ "companyemail": "info@engines.example" })).await);
    world.until_told("change pushed", |line| text(line, "reason") == "tombstone").await;
    world.quiet().await;
    assert_eq!((world.systems.corebos.records("Accounts").len(), world.corebos_writes()), (0, writes));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_that_is_merged_away_leaves_its_account_marked_and_named_by_nobody_twice() {
    // Mautic has no redirect for companies: the loser is gone, and keeps its account from being copied anew.
    let mut world = world_with_workflows(BRIDGE).await;
    let (winner, kept) = linked_company(&mut world, "Winner").await;
    let (loser, left) = linked_company(&mut world, "Loser").await;
    assert!(world.systems.mautic.merge_companies(winner, loser).await);
    world.until_field(&left, "deleted_in_mautic", "1").await;
    world.quiet().await;
    let (kept, left) =
        (world.systems.corebos.record(&kept).unwrap(), world.systems.corebos.record(&left).unwrap());
    assert_eq!((text(&kept, "mautic_id"), text(&left, "mautic_id")), (winner.to_string(), String::new()));
    assert_eq!(text(&kept, "deleted_in_mautic"), "0");
    assert_eq!(world.systems.corebos.records("Accounts").len(), 2);
    assert_eq!(world.systems.mautic.companies().len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_before_the_id_is_written_back_is_not_lost() {
    let mut world = world(BRIDGE).await;
    let id = world.new_contact(&json!({ "lastname": "Pérez", "email": "ana@example.org" })).await;
    for number in 1..=3 {
        assert!(world.systems.mautic.edit_contact(id, &json!({ "mobile": number.to_string() })).await);
    }
    let hub = text(&world.corebos_contact_of(id).await, "id");
    world.until_field(&hub, "mobile", "3").await;
    world.quiet().await;
    assert_eq!(world.systems.corebos.records("Contacts").len(), 1);
    assert_eq!(text(&world.systems.mautic.contact(id).unwrap(), "corebos_id"), hub);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn points_go_into_corebos_and_never_back() {
    let mut world = world_with_workflows(BRIDGE).await;
    let person = json!({ "lastname": "Pérez", "email": "ana@example.org", "leadsource": "Partner" });
    let (id, hub) = world.linked_corebos_contact(&person).await;
    assert_eq!(text(&world.systems.corebos.record(&hub).unwrap(), "contact_points"), "0");
    assert!(world.systems.mautic.set_points(id, 50).await);
    world.until_field(&hub, "contact_points", "50").await;
    world.quiet().await;
    let writes = world.mautic_writes();
    world.systems.corebos.edit(&hub, &json!({ "contact_points": "7", "mobile": "600" })).await.unwrap();
    world.until_mautic_field(id, "mobile", "600").await;
    world.quiet().await;
    assert_eq!(text(&world.systems.mautic.contact(id).unwrap(), "points"), "50");
    assert_eq!(world.mautic_writes(), writes + 1);
    world.stop().await;
}
