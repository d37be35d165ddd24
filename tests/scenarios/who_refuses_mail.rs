//! Mautic's do-not-contact and coreBOS's e-mail opt-out are one thing, and a refusal is never lost on the way.

use scenarios::{Unusual, World, text, unusual_world, world_with_workflows};
use serde_json::{Value, json};

use crate::BRIDGE;

const UNSUBSCRIBED: u8 = 1;
const BOUNCED: u8 = 2;
const MANUAL: u8 = 3;

fn ana() -> Value {
    json!({ "firstname": "Ana", "lastname": "Pérez", "email": "ana@example.org", "leadsource": "Partner" })
}

/// The reason why mail must not go to a contact.
fn reason(world: &World, id: u64) -> Option<u8> {
    let entries = world.systems.mautic.do_not_contact(id);
    entries.iter().find(|(channel, _)| channel == "email").and_then(|(_, reason)| u8::try_from(*reason).ok())
}

async fn until_reason(world: &mut World, id: u64, wanted: Option<u8>) {
    world
        .until(&format!("the entry of contact {id} to be {wanted:?}"), |systems| {
            let entries = systems.mautic.do_not_contact(id);
            let found = entries.iter().find(|(channel, _)| channel == "email").map(|(_, reason)| *reason);
            (found == wanted.map(i64::from)).then_some(())
        })
        .await;
}

fn writes(world: &World) -> (usize, usize) {
    (world.corebos_writes(), world.mautic_writes())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_in_corebos_stops_mail_in_mautic_and_taking_it_back_allows_it() {
    let mut world = world_with_workflows(BRIDGE).await;
    let (id, hub) = world.linked_corebos_contact(&ana()).await;
    let before = writes(&world);
    world.systems.corebos.edit(&hub, &json!({ "emailoptout": "1" })).await.unwrap();
    until_reason(&mut world, id, Some(MANUAL)).await;
    world.quiet().await;
    world.systems.corebos.edit(&hub, &json!({ "emailoptout": "0" })).await.unwrap();
    until_reason(&mut world, id, None).await;
    world.quiet().await;
    assert_eq!(writes(&world), (before.0, before.1 + 2), "one write each, and no echo");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_unsubscribes_in_mautic_is_opted_out_in_corebos_and_who_comes_back_is_not() {
    let mut world = world_with_workflows(BRIDGE).await;
    let (id, hub) = world.linked_corebos_contact(&ana()).await;
    let before = writes(&world);
    world.systems.mautic.set_do_not_contact(id, "email", UNSUBSCRIBED).await;
    world.until_field(&hub, "emailoptout", "1").await;
    world.quiet().await;
    assert_eq!(reason(&world, id), Some(UNSUBSCRIBED), "our echo must not make it a manual entry");
    // Another channel is nobody's business here.
    world.systems.mautic.set_do_not_contact(id, "sms", UNSUBSCRIBED).await;
    world.systems.mautic.set_do_not_contact(id, "email", 0).await;
    world.until_field(&hub, "emailoptout", "0").await;
    world.quiet().await;
    assert_eq!(writes(&world), (before.0 + 2, before.1));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_edits_neither_bring_mail_back_nor_change_the_reason() {
    let mut world = world_with_workflows(BRIDGE).await;
    let (id, hub) = world.linked_corebos_contact(&ana()).await;
    world.systems.mautic.set_do_not_contact(id, "email", BOUNCED).await;
    world.until_field(&hub, "emailoptout", "1").await;
    world.quiet().await;
    for edit in [json!({ "mobile": "600" }), json!({ "emailoptout": "1", "mobile": "700" })] {
        world.systems.corebos.edit(&hub, &edit).await.unwrap();
        world.until_mautic_field(id, "mobile", edit["mobile"].as_str().unwrap()).await;
        world.quiet().await;
    }
    assert_eq!(reason(&world, id), Some(BOUNCED));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_on_either_side_survives_a_first_meeting() {
    // Unsubscribed in Mautic; coreBOS, which wins what differs, has never heard of it.
    let mut world = world_with_workflows(BRIDGE).await;
    world.forget_mautics_webhook();
    let id = world.new_contact(&json!({ "lastname": "Pérez", "email": "ana@example.org" })).await;
    world.systems.mautic.set_do_not_contact(id, "email", UNSUBSCRIBED).await;
    let hub = world.systems.corebos.create("Contacts", &ana()).await.unwrap();
    world.until_field(&hub, "mautic_id", &id.to_string()).await;
    world.until_field(&hub, "emailoptout", "1").await;
    // The other way round: opted out in coreBOS, and Mautic tells first.
    let other = world.new_contact(&json!({ "lastname": "Other", "email": "other@example.org" })).await;
    let opted = json!({ "lastname": "Other", "email": "other@example.org", "emailoptout": "1" });
    let there = world.systems.corebos.create("Contacts", &opted).await.unwrap();
    world.until_field(&there, "mautic_id", &other.to_string()).await;
    until_reason(&mut world, other, Some(MANUAL)).await;
    world.quiet().await;
    assert_eq!(reason(&world, id), Some(UNSUBSCRIBED));
    assert_eq!(text(&world.systems.corebos.record(&there).unwrap(), "emailoptout"), "1");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_survives_when_mautic_tells_first_of_a_contact_that_corebos_has() {
    let mut world = scenarios::world(BRIDGE).await;
    let opted = json!({ "lastname": "Pérez", "email": "ana@example.org", "emailoptout": "1" });
    let hub = world.systems.corebos.create("Contacts", &opted).await.unwrap();
    let id = world.new_contact(&json!({ "lastname": "Pérez", "email": "ana@example.org" })).await;
    world.until_field(&hub, "mautic_id", &id.to_string()).await;
    until_reason(&mut world, id, Some(MANUAL)).await;
    world.quiet().await;
    assert_eq!(text(&world.systems.corebos.record(&hub).unwrap(), "emailoptout"), "1");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_contacts_bring_their_refusal_with_them() {
    let mut world = world_with_workflows(BRIDGE).await;
    let mut opted = ana();
    opted["emailoptout"] = json!("1");
    let before = world.mautic_writes();
    let (id, _) = world.linked_corebos_contact(&opted).await;
    assert_eq!((reason(&world, id), world.mautic_writes() - before), (Some(MANUAL), 1));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_survives_the_form_that_merges_its_contact_away() {
    // Mautic forgets do-not-contact entries of the contact that it merges into the new one.
    let mut world = world_with_workflows(BRIDGE).await;
    let (old, hub) = world.linked_corebos_contact(&ana()).await;
    world.systems.mautic.set_do_not_contact(old, "email", UNSUBSCRIBED).await;
    world.until_field(&hub, "emailoptout", "1").await;
    world.quiet().await;
    let form = json!({ "email": "ana@example.org", "firstname": "Anna" });
    let new = world.systems.mautic.submit_form(&form).await.unwrap();
    world.until_field(&hub, "mautic_id", &new.to_string()).await;
    until_reason(&mut world, new, Some(MANUAL)).await;
    world.quiet().await;
    assert_eq!(text(&world.systems.corebos.record(&hub).unwrap(), "emailoptout"), "1");
    // Afterwards it is taken back like any other.
    world.systems.corebos.edit(&hub, &json!({ "emailoptout": "0" })).await.unwrap();
    until_reason(&mut world, new, None).await;
    world.quiet().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_gets_through_to_a_contact_that_mautic_lets_nobody_edit() {
    let mut world = world_with_workflows(BRIDGE).await;
    let (id, hub) = world.linked_corebos_contact(&ana()).await;
    // A second contact with the same e-mail, as parallel forms make them: from now on Mautic refuses every edit.
    let twin = world.systems.mautic.duplicate_contact(id).unwrap();
    let edit = json!({ "emailoptout": "1", "mobile": "600" });
    world.systems.corebos.edit(&hub, &edit).await.unwrap();
    until_reason(&mut world, id, Some(MANUAL)).await;
    world.quiet().await;
    let parked = world.parked().await;
    assert_eq!(parked.len(), 1, "{parked:#?}");
    let words = &parked[0].fields["mobile"];
    for named in [id, twin] {
        assert!(words.contains(&format!("mautic:main#contact#{named}")), "{words}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_switch_of_each_direction_stops_it() {
    let mut world = unusual_world(BRIDGE, Unusual::default(), |mut config| {
        let mut pair = sync::PairSettings::default();
        pair.to_remote.opt_outs = false;
        config.settings.insert("mautic-contacts".to_owned(), pair.into());
        config
    })
    .await;
    let url = world.local.webhook_url("webhook-corebos");
    world.systems.point_workflows_at(&url).await.unwrap();
    let mut opted = ana();
    opted["emailoptout"] = json!("1");
    let (id, hub) = world.linked_corebos_contact(&opted).await;
    assert_eq!(reason(&world, id), None);
    world.systems.mautic.set_do_not_contact(id, "email", UNSUBSCRIBED).await;
    world.quiet().await;
    world.systems.mautic.set_do_not_contact(id, "email", 0).await;
    world.until_field(&hub, "emailoptout", "0").await;
    world.quiet().await;
    world.stop().await;
}
