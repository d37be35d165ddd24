//! A contact of Mautic that coreBOS knows already is linked to its record, and nothing that was there is lost.

use scenarios::{text, world};
use serde_json::json;

use crate::BRIDGE;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_e_mail_links_fills_blanks_and_keeps_what_corebos_holds() {
    let mut world = world(BRIDGE).await;
    let there = json!({ "lastname": "Lovelace", "email": "Ada@Example.org", "mobile": "600", "department": "Engines" });
    let hub = world.systems.corebos.create("Contacts", &there).await.unwrap();
    let fields =
        json!({ "firstname": "Ada", "lastname": "King", "email": "ada@example.org", "city": "London" });
    let id = world.new_contact(&fields).await;
    world.until_field(&hub, "mautic_id", &id.to_string()).await;
    world.quiet().await;
    let record = world.systems.corebos.record(&hub).unwrap();
    for (field, value, why) in [
        ("firstname", "Ada", "a blank is filled"),
        ("mailingcity", "London", "a blank is filled"),
        ("lastname", "Lovelace", "coreBOS wins what differs"),
        ("mobile", "600", "nothing is erased by a blank"),
        ("department", "Engines", "no map names it"),
    ] {
        assert_eq!(text(&record, field), value, "{field}: {why}");
    }
    assert_eq!(world.systems.corebos.records("Contacts").len(), 1);
    assert_eq!(text(&world.systems.mautic.contact(id).unwrap(), "corebos_id"), hub);
    assert_eq!((world.corebos_calls("create"), world.parked().await.len()), (0, 0));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_system_wins_the_first_meeting_where_the_setting_says_so() {
    let mut world = scenarios::unusual_world(BRIDGE, scenarios::Unusual::default(), |mut config| {
        let pair = sync::PairSettings {
            first_link: sync::settings::FirstLink::Remote,
            ..sync::PairSettings::default()
        };
        config.settings.insert("mautic-contacts".to_owned(), pair.into());
        config
    })
    .await;
    let there = json!({ "lastname": "Lovelace", "email": "ada@example.org", "mobile": "600" });
    let hub = world.systems.corebos.create("Contacts", &there).await.unwrap();
    world.new_contact(&json!({ "lastname": "King", "email": "ada@example.org" })).await;
    world.until_field(&hub, "lastname", "King").await;
    world.quiet().await;
    assert_eq!(text(&world.systems.corebos.record(&hub).unwrap(), "mobile"), "600");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_records_with_the_same_e_mail_are_named_and_left_alone() {
    let mut world = world(BRIDGE).await;
    let mut hubs = Vec::new();
    for name in ["One", "Two"] {
        let twin = json!({ "lastname": name, "email": "twin@example.org" });
        hubs.push(world.systems.corebos.create("Contacts", &twin).await.unwrap());
    }
    let id = world.new_contact(&json!({ "lastname": "Twin", "email": "twin@example.org" })).await;
    world.until_told("change pushed", |line| text(line, "reason") == "ambiguous").await;
    world.quiet().await;
    let parked = world.parked().await;
    assert_eq!(parked.len(), 1, "{parked:#?}");
    assert_eq!(parked[0].notice.record.id, id.to_string());
    for hub in &hubs {
        assert!(parked[0].message.contains(hub), "{}", parked[0].message);
    }
    assert_eq!((world.corebos_writes(), world.systems.corebos.records("Contacts").len()), (0, 2));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_carries_the_id_of_a_record_is_linked_to_it_whatever_its_e_mail() {
    let mut world = world(BRIDGE).await;
    let there = json!({ "lastname": "Carried", "email": "old@example.org" });
    let hub = world.systems.corebos.create("Contacts", &there).await.unwrap();
    let fields =
        json!({ "lastname": "Carried", "email": "new@example.org", "corebos_id": hub, "mobile": "600" });
    let id = world.new_contact(&fields).await;
    world.until_field(&hub, "mobile", "600").await;
    world.quiet().await;
    let record = world.systems.corebos.record(&hub).unwrap();
    assert_eq!(
        (text(&record, "mautic_id"), text(&record, "email")),
        (id.to_string(), "old@example.org".to_owned())
    );
    assert_eq!(world.systems.corebos.records("Contacts").len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_was_copied_with_a_contact_or_that_leads_nowhere_is_not_believed() {
    let mut world = world(BRIDGE).await;
    let (_, hub) = world.linked_contact(&json!({ "lastname": "Original", "email": "one@example.org" })).await;
    let copy = world
        .new_contact(&json!({ "lastname": "Copy", "email": "two@example.org", "corebos_id": hub }))
        .await;
    let lost = world.new_contact(&json!({ "lastname": "Lost", "corebos_id": "12x99999" })).await;
    let odd = world.new_contact(&json!({ "lastname": "Odd", "corebos_id": "no id at all" })).await;
    for id in [copy, lost, odd] {
        let record = world.corebos_contact_of(id).await;
        let own = text(&record, "id");
        assert_ne!(own, hub);
        world
            .until("its own id", |s| (text(&s.mautic.contact(id)?, "corebos_id") == own).then_some(()))
            .await;
    }
    world.quiet().await;
    assert_eq!(world.systems.corebos.records("Contacts").len(), 4);
    assert_eq!(text(&world.systems.corebos.record(&hub).unwrap(), "lastname"), "Original");
    world.stop().await;
}
