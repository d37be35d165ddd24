//! Whatever is posted to the webhook gets a clear answer; what is good arrives, what is not changes nothing.

use std::fmt::Write as _;

use bridge::simulated::{SAMPLE_SECRETS, WEBHOOK_SECRET};
use scenarios::{Unusual, World, signature, text, unusual_world, world};
use serde_json::{Value, json};

use crate::BRIDGE;

fn queued(world: &World) -> usize {
    world.local.stack.status().queues.get("corebos-changes.fifo").map_or(0, |queue| queue.visible)
}

async fn unread() -> World {
    unusual_world(BRIDGE, Unusual::unread_queue(), |config| config).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_signed_by_a_live_secret_is_refused_and_says_what_to_compare() {
    let world = unread().await;
    let body = br#"{"mautic.lead_post_save_new":[{"contact":{"id":1}}]}"#.to_vec();
    let other = br#"{"mautic.lead_post_save_new":[{"contact":{"id":2}}]}"#;
    for wrong in [
        None,
        Some(String::new()),
        Some("not base64 at all".to_owned()),
        Some(signature("not-the-secret", &body)),
        Some(signature(WEBHOOK_SECRET, other)),
    ] {
        let (status, answer) = world.post_signed(body.clone(), wrong.as_deref()).await;
        assert_eq!(status, 401, "{wrong:?}");
        assert!(text(&answer, "error").contains("secret in Mautic"), "{answer}");
    }
    assert_eq!(queued(&world), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_previous_secret_is_accepted_while_secrets_are_rotated() {
    let world = unread().await;
    for (number, secret) in [WEBHOOK_SECRET, SAMPLE_SECRETS[0], SAMPLE_SECRETS[1]].into_iter().enumerate() {
        let body = format!(r#"{{"mautic.lead_post_save_new":[{{"contact":{{"id":{}}}}}]}}"#, number + 1);
        let (status, answer) =
            world.post_signed(body.clone().into_bytes(), Some(&signature(secret, body.as_bytes()))).await;
        assert_eq!((status, &answer["notices"]), (200, &json!(1)));
    }
    assert_eq!(queued(&world), 3);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_nonsense_is_a_400_and_the_next_webhook_is_taken() {
    let world = unread().await;
    for nonsense in
        ["", "not JSON", "{\"mautic.lead_post_save_new\":[{\"contact\":{\"id\":1}}", "[1]", "\"x\"", "null"]
    {
        let (status, answer) = world.post(nonsense).await;
        assert_eq!(status, 400, "{nonsense:?}: {answer}");
        assert!(text(&answer, "error").contains("the body is not"), "{nonsense:?}: {answer}");
    }
    assert_eq!(queued(&world), 0);
    let (status, _) = world.post(r#"{"mautic.lead_post_save_new":[{"contact":{"id":1}}]}"#).await;
    assert_eq!((status, queued(&world)), (200, 1));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_odd_bodies_everything_usable_is_taken() {
    let world = unread().await;
    for (body, notices) in [
        (&b"{}"[..], 0),
        (br#"{"mautic.from_the_future":[{"contact":{"id":1}}],"mautic.lead_post_save_update":[{"contact":{"id":1}}]}"#, 1),
        (br#"{"mautic.lead_post_save_update":[{"contact":{"id":2,"fields":[]}}]}"#, 1),
        (b"{\"mautic.lead_post_save_update\":[{\"contact\":{\"id\":3,\"name\":\"\xff\xfe\xc0\"}}]}", 1),
        (br#"{"mautic.lead_post_save_update":[7,null,[],{"contact":"x"},{"contact":{"id":{}}},{"contact":{"id":4}}]}"#, 1),
        (br#"{"mautic.lead_post_save_update":"x","mautic.lead_post_delete":[{"id":5,"contact":{"id":null}}]}"#, 1),
    ] {
        let (status, answer) = world.post(body).await;
        assert_eq!((status, &answer["notices"]), (200, &json!(notices)), "{}", String::from_utf8_lossy(body));
    }
    assert_eq!(queued(&world), 5);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_contacts_that_are_gone_change_nothing() {
    let mut world = world(BRIDGE).await;
    let (id, hub) = world.linked_contact(&json!({ "lastname": "Real" })).await;
    let gone = world.new_contact(&json!({ "firstname": "Nobody can be created without a last name" })).await;
    world.quiet().await;
    let before = world.corebos_writes();
    assert!(world.systems.mautic.delete_contact(gone).await);
    let events = json!({
        "mautic.lead_post_save_update": [{ "contact": { "id": gone } }, { "contact": { "id": 4_000_000_000_u64 } }],
        "mautic.lead_post_delete": [{ "id": 4_000_000_001_u64, "contact": { "id": null } }, { "id": id, "contact": {} }],
    });
    let (status, answer) = world.post(events.to_string()).await;
    assert_eq!((status, &answer["notices"]), (200, &json!(4)));
    world.quiet().await;
    assert_eq!(world.corebos_writes(), before);
    let record = world.systems.corebos.record(&hub).expect("the living contact");
    assert_eq!(text(&record, "mautic_id"), id.to_string(), "a deletion that never was is no deletion");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_test_payload_changes_nothing() {
    let mut world = world(BRIDGE).await;
    let mut last = 0;
    // The sample names contact 52, which may be anybody's.
    while last < 52 {
        last = world.new_contact(&json!({ "firstname": format!("Nameless {last}") })).await;
    }
    world.quiet().await;
    let hook = world.systems.mautic.deliveries().last().expect("a webhook was sent").hook;
    let (parked, told) = (world.parked().await.len(), world.told("change pushed").len());
    assert_eq!(world.systems.mautic.send_test_payload(hook).await, Some(200));
    world.quiet().await;
    assert_eq!((world.parked().await.len(), world.told("change pushed").len()), (parked, told));
    world.stop().await;
}

/// A body of this many events of so many contacts, and so much padding each.
fn large(events: usize, contacts: usize, padding: &str) -> String {
    let mut body = String::from("{\"mautic.lead_post_save_update\":[");
    for number in 0..events {
        let separator = if number == 0 { "" } else { "," };
        let id = number % contacts + 1;
        write!(body, "{separator}{{\"contact\":{{\"id\":{id},\"fields\":{{\"core\":{{\"about\":{{\"value\":\"{padding}\"}}}}}}}}}}")
            .unwrap();
    }
    body.push_str("]}");
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_contacts_in_one_body_are_two_thousand_messages() {
    let world = unread().await;
    let (status, answer) = world.post(large(2_000, 2_000, "")).await;
    assert_eq!((status, &answer["notices"]), (200, &json!(2_000)));
    assert_eq!(queued(&world), 2_000);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_4_mb_with_2000_events_is_answered_by_us_and_arrives() {
    let mut world = world(BRIDGE).await;
    // Created in the dark: only the large body tells of them.
    let hook = {
        world.systems.mautic.set_delivery(simulators::mautic::Delivery::Queue);
        for number in 1..=4 {
            world.new_contact(&json!({ "lastname": format!("Number {number}") })).await;
        }
        world.systems.mautic.queue_length()
    };
    assert_eq!(hook, 4, "Mautic keeps its own events back");
    let body = large(2_048, 4, &"x".repeat(2_000));
    assert!(body.len() > 4_000_000 && body.len() < 5_000_000, "{}", body.len());
    let (status, answer) = world.post(body).await;
    assert_eq!((status, &answer["notices"]), (200, &json!(4)), "coalesced per record");
    for id in 1..=4 {
        world.corebos_contact_of(id).await;
    }
    world.quiet().await;
    assert_eq!(world.corebos_writes(), 4);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lambda_or_the_gateway_cannot_carry_is_refused_before_it_reaches_us() {
    let world = unread().await;
    // 3.9 MB of quotes are more than 6 MB once they are escaped in the event.
    let escaped = format!("{{\"x\":[{}]}}", vec!["\"\""; 1_300_000].join(","));
    let too_large = " ".repeat(10 * 1024 * 1024 + 1);
    for body in [escaped, too_large] {
        let before = world.local.stack.status().functions["webhook-mautic"].invocations;
        let (status, _) = world.post(body).await;
        assert_eq!(status, 413);
        assert_eq!(world.local.stack.status().functions["webhook-mautic"].invocations, before);
    }
    let (status, answer): (u16, Value) = world.post(large(1, 1, "")).await;
    assert_eq!((status, &answer["notices"]), (200, &json!(1)), "and the next one is taken");
    world.stop().await;
}
