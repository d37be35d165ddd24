//! While coreBOS or Mautic fails, is slow or is away, changes wait; afterwards each is there once.

use std::time::Duration;

use scenarios::{World, text, world};
use serde_json::json;
use simulators::faults::{Fault, FaultKind, Faults};

use crate::BRIDGE;

/// Which system goes wrong.
#[derive(Clone, Copy, Debug)]
enum Who {
    CoreBos,
    Mautic,
}

fn faults(world: &World, who: Who) -> &Faults {
    match who {
        Who::CoreBos => world.systems.corebos.faults(),
        Who::Mautic => world.systems.mautic.faults(),
    }
}

/// A new contact and an edit of a linked one arrive, once each, although the system goes wrong so for a while.
async fn arrives_in_spite_of(who: Who, fault: Fault, told: Option<&str>) {
    let mut world = world(BRIDGE).await;
    let (known, hub) = world.linked_contact(&json!({ "lastname": "Known" })).await;
    let before = world.corebos_writes();
    faults(&world, who).add(fault);
    let new = world.new_contact(&json!({ "lastname": "New", "email": "new@example.org" })).await;
    assert!(world.systems.mautic.edit_contact(known, &json!({ "mobile": "600" })).await);
    world.corebos_contact_of(new).await;
    world.until_field(&hub, "mobile", "600").await;
    world.quiet().await;
    assert_eq!(faults(&world, who).active(), 0, "everything that was to go wrong went wrong");
    if let Some(reason) = told {
        let waits = world.told("change waits");
        assert!(waits.iter().any(|line| text(line, "reason") == reason), "{waits:#?}");
    }
    assert_eq!(world.corebos_contacts_with("mautic_id", &new.to_string()), 1);
    assert_eq!(world.corebos_writes() - before, 2, "one create, one revise");
    assert_eq!(world.parked().await.len(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn corebos_asks_for_patience() {
    arrives_in_spite_of(Who::CoreBos, Fault::rate_limit(1).times(3), Some("rate_limited")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mautic_asks_for_patience() {
    arrives_in_spite_of(Who::Mautic, Fault::rate_limit(1).times(3), Some("rate_limited")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn corebos_answers_500() {
    arrives_in_spite_of(Who::CoreBos, Fault::status(500).times(3), Some("unavailable")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mautic_answers_500() {
    arrives_in_spite_of(Who::Mautic, Fault::status(500).times(3), Some("unavailable")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn corebos_answers_503_with_a_page_of_the_proxy() {
    let page = "<html><body>Bad gateway</body></html>".to_owned();
    let kind = FaultKind::Status { code: 503, retry_after_seconds: Some(1), body: Some(page) };
    arrives_in_spite_of(Who::CoreBos, Fault::new(kind).times(3), Some("unavailable")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn corebos_is_slow() {
    arrives_in_spite_of(Who::CoreBos, Fault::delay(Duration::from_millis(700)).times(6), None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mautic_is_slow() {
    arrives_in_spite_of(Who::Mautic, Fault::delay(Duration::from_millis(700)).times(6), None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_corebos_break() {
    let fault = Fault::new(FaultKind::DropConnection).operation("retrieve").times(3);
    arrives_in_spite_of(Who::CoreBos, fault, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_mautic_break() {
    let fault = Fault::new(FaultKind::DropConnection).method("get").times(3);
    arrives_in_spite_of(Who::Mautic, fault, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn corebos_is_away_and_comes_back() {
    let mut world = world(BRIDGE).await;
    world.systems.corebos.stop_listening().await;
    let mut ids = Vec::new();
    for number in 1..=5 {
        ids.push(world.new_contact(&json!({ "lastname": format!("Night {number}") })).await);
    }
    world.until_told("change waits", |line| text(line, "reason") == "unavailable").await;
    assert!(world.waiting() > 0);
    world.systems.corebos.listen_again().await.unwrap();
    for id in &ids {
        world.corebos_contact_of(*id).await;
    }
    world.quiet().await;
    assert_eq!(world.corebos_writes(), 5);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mautic_is_away_and_comes_back() {
    let mut world = world(BRIDGE).await;
    // Contacts of the night: the webhooks were sent just before Mautic went away.
    world.systems.mautic.set_delivery(simulators::mautic::Delivery::Queue);
    let id = world.new_contact(&json!({ "lastname": "Night" })).await;
    world.systems.mautic.stop_listening().await;
    assert_eq!(world.systems.mautic.process_queue().await.posts, 1);
    world.until_told("change waits", |line| text(line, "reason") == "unavailable").await;
    assert!(world.waiting() > 0);
    world.systems.mautic.listen_again().await.unwrap();
    world.corebos_contact_of(id).await;
    world.quiet().await;
    assert_eq!(world.corebos_writes(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_expires_in_the_middle_of_a_batch_is_replaced() {
    let mut world = world(BRIDGE).await;
    world.linked_contact(&json!({ "lastname": "Before" })).await;
    world.systems.mautic.set_delivery(simulators::mautic::Delivery::Queue);
    let mut ids = Vec::new();
    for number in 1..=6 {
        ids.push(world.new_contact(&json!({ "lastname": format!("Number {number}") })).await);
    }
    // The searches are done with the old session; it ends while the creates are on their way.
    world.systems.corebos.faults().add(Fault::delay(Duration::from_secs(2)).operation("create").times(6));
    assert_eq!(world.systems.mautic.process_queue().await.events, 6);
    // Each create takes the delay once: it is over when all six are there.
    world
        .until("six creates on their way", |systems| (systems.corebos.faults().active() == 0).then_some(()))
        .await;
    world.systems.corebos.expire_sessions();
    for id in &ids {
        world.corebos_contact_of(*id).await;
        assert_eq!(world.corebos_contacts_with("mautic_id", &id.to_string()), 1);
    }
    world.quiet().await;
    let workers = world.processes.iter().filter(|(function, _)| function == "push-corebos").count();
    let logins = world.corebos_calls("login");
    assert!(logins > workers, "{workers} processes have logged in {logins} times");
    assert_eq!(world.systems.corebos.records("Contacts").len(), 7);
    assert_eq!(world.parked().await.len(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_edits_of_one_record_during_an_outage_are_looked_at_together_once_it_ends() {
    let mut world = world(BRIDGE).await;
    let (id, hub) = world.linked_contact(&json!({ "lastname": "Busy" })).await;
    world.quiet().await;
    world.systems.corebos.faults().add(Fault::status(503));
    for number in 1..=20 {
        assert!(world.systems.mautic.edit_contact(id, &json!({ "mobile": format!("600{number}") })).await);
    }
    // What was noticed less than a moment before a look may have been missed by it.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let writes = world.corebos_writes();
    world.systems.corebos.faults().clear();
    world.until_field(&hub, "mobile", "60020").await;
    world.quiet().await;
    let pushed = world.told("change pushed");
    let covered = pushed.iter().filter(|line| text(line, "reason") == "looked_at_since").count();
    assert!(covered >= 16, "{covered} of 20 needed no look of their own");
    assert_eq!((world.corebos_writes() - writes, world.parked().await.len()), (1, 0));
    world.stop().await;
}
