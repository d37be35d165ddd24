//! The sample events of the functions that speak to HubSpot.

use aws::gateway::Request;
use bridge::simulated::SAMPLE_CLIENT_SECRET;
use model::System;
use scenarios::{Unusual, World, property, text};
use serde_json::{Value, json};
use simulators::hubspot::{HubSpotOptions, Kind};
use sync::memory::{MemoryClock, MemoryQueue};
use webhook_hubspot::{HubSpotSecret, Ports};

use super::{event, pushed, tick, told};
use crate::BRIDGE;

/// File, status, notices.
pub(super) const WEBHOOKS: &[(&str, u16, &str)] = &[
    ("another-url", 401, ""),
    ("association-changed", 200, "541935480007 company 541935480014"),
    ("contact-created", 200, "541935480007"),
    ("contact-deleted", 200, "-541935480007"),
    ("contact-restored", 200, "541935480007"),
    // Both old ids and the new one: what became of them is seen by reading.
    ("contacts-merged", 200, "-541935480007 -541935480021 541935480028"),
    ("deal-created", 200, "deal 541935480035"),
    ("lead-object", 200, "lead 541935480042"),
    ("not-a-list", 400, ""),
    ("old-signature", 401, ""),
    ("privacy-deletion", 200, "-541935480007"),
    ("properties-changed", 200, "541935480007 company 541935480014"),
    ("too-old", 401, ""),
    ("unknown-events", 200, "541935480007"),
    ("wrong-signature", 401, ""),
];

/// The files for the poll and push functions; each has a test below.
pub(super) const OTHERS: &[&str] = &[
    "poll-hubspot.at-once",
    "poll-hubspot.tick",
    "push-corebos.hubspot-contact-saved",
    "push-hubspot.account-saved",
    "push-hubspot.contact-deleted",
    "push-hubspot.contact-saved",
    "push-hubspot.not-ours",
];

#[tokio::test]
async fn a_webhook_of_hubspot_becomes_the_notices_that_its_body_names() {
    let (hubspot, corebos): (System, System) =
        ("hubspot:main".parse().unwrap(), "corebos:main".parse().unwrap());
    let secret = HubSpotSecret::of(vec![SAMPLE_CLIENT_SECRET.to_owned().into()]);
    let targets = [corebos.clone()];
    let clock = MemoryClock::at("2026-11-21T02:28:54Z".parse().unwrap());
    let configured = "https://abc123.execute-api.eu-west-1.amazonaws.com/webhooks/hubspot";
    for (case, status, notices) in WEBHOOKS {
        let request = Request::from_event(event(&format!("webhook-hubspot.{case}"))).expect(case);
        // Nobody has to write the address down while it is the gateway's own.
        for url in [None, Some(configured)] {
            let queue = MemoryQueue::towards(targets.clone());
            let ports = Ports { hubspot: &hubspot, url, targets: &targets, queue: &queue, clock: &clock };
            let answer = webhook_hubspot::handle(&request, &secret, &ports).await;
            let queued = queue.take(&corebos);
            assert_eq!(
                (answer.status, told(&queued).as_str()),
                (*status, *notices),
                "{case}: {}",
                answer.body
            );
        }
    }
}

/// A contact as the sample names it, ticked for HubSpot.
async fn ada(world: &World) -> String {
    let fields = json!({
        "firstname": "Ada", "lastname": "Lovelace", "email": "ada@example.org", "hubspotsyncwith": "1"
    });
    world.systems.corebos.create("Contacts", &fields).await.unwrap()
}

/// All three systems, and nobody tells anything.
async fn silent_world() -> World {
    World::with_untold_hubspot(BRIDGE, Unusual::default(), HubSpotOptions::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_contact_is_pushed_to_hubspot_and_one_of_hubspot_to_corebos() {
    let mut world = silent_world().await;
    assert_eq!(ada(&world).await, "12x8588", "the id in the sample");
    assert_eq!(pushed(&mut world, "push-hubspot.contact-saved").await, Vec::<String>::new());
    let [id] = world.hubspot().ids(Kind::Contact).try_into().expect("one contact");
    assert_eq!(id, "541935480007", "the id in the sample");
    assert_eq!(property(world.hubspot(), Kind::Contact, &id, "lastname"), "Lovelace");
    assert!(world.hubspot().edit_as_user(Kind::Contact, &id, &[("jobtitle", "Countess")]));
    assert_eq!(pushed(&mut world, "push-corebos.hubspot-contact-saved").await, Vec::<String>::new());
    assert_eq!(text(&world.systems.corebos.record("12x8588").unwrap(), "title"), "Countess");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_account_is_pushed_to_hubspot() {
    let mut world = silent_world().await;
    let account = json!({ "accountname": "Analytical Engines", "hubspotsyncwith": "1" });
    assert_eq!(world.systems.corebos.create("Accounts", &account).await.unwrap(), "11x8588");
    assert_eq!(pushed(&mut world, "push-hubspot.account-saved").await, Vec::<String>::new());
    let [id] = world.hubspot().ids(Kind::Company).try_into().expect("one company");
    assert_eq!(property(world.hubspot(), Kind::Company, &id, "corebos_id"), "11x8588");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_push_hubspot_has_nothing_to_do_with_changes_nothing() {
    let mut world = silent_world().await;
    assert_eq!(pushed(&mut world, "push-hubspot.contact-deleted").await, Vec::<String>::new());
    assert_eq!(text(&world.told("change pushed")[0], "reason"), "never_linked");
    assert_eq!(pushed(&mut world, "push-hubspot.not-ours").await.len(), 1);
    let told = world.told("change waits for an administrator");
    assert!(text(&told[0], "detail").contains("Products"), "{told:?}");
    assert_eq!(world.hubspot_writes(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_polls_hubspot_once_and_then_waits_for_its_time() {
    let mut world = silent_world().await;
    let first: Value = tick(&mut world, "poll-hubspot", "tick").await;
    let second: Value = tick(&mut world, "poll-hubspot", "tick").await;
    let forced: Value = tick(&mut world, "poll-hubspot", "at-once").await;
    for object in ["contact", "company", "deal"] {
        assert!(first[object] == "not due" || first[object]["outcome"] == "complete", "{first}");
        assert_eq!(second[object], "not due");
        assert_eq!(forced[object]["outcome"], "complete", "{forced}");
    }
    world.stop().await;
}
