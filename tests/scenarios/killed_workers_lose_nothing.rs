//! A function that is killed in the middle of its work has done it once afterwards.

use std::time::Duration;

use scenarios::{Unusual, World, end_process, text, unusual_world};
use serde_json::json;
use simulators::faults::Fault;

use crate::BRIDGE;

/// A world whose push-corebos was started already, so that its process is known.
async fn world() -> World {
    let mut world = unusual_world(BRIDGE, Unusual::short_lives(), |config| config).await;
    world.linked_contact(&json!({ "lastname": "Before" })).await;
    world
}

/// Kills every process of push-corebos, without a word.
fn kill_workers(world: &mut World) -> usize {
    world.listen();
    let workers: Vec<u32> =
        world.processes.iter().filter(|(name, _)| name == "push-corebos").map(|p| p.1).collect();
    for id in &workers {
        end_process(*id);
    }
    workers.len()
}

/// How long coreBOS or Mautic thinks about a request: long enough for a kill, shorter than an invocation may take.
const THINKS: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_while_corebos_creates_makes_one_record() {
    let mut world = world().await;
    world.systems.corebos.faults().add(Fault::delay(THINKS).operation("create").times(1));
    // Without an e-mail only the id that travels with the create can tell that it was done.
    let id = world.new_contact(&json!({ "lastname": "Once" })).await;
    world.until("coreBOS to think", |s| (s.corebos.faults().active() == 0).then_some(())).await;
    assert!(kill_workers(&mut world) > 0);
    let hub = text(&world.corebos_contact_of(id).await, "id");
    world
        .until("the id in Mautic", |s| (text(&s.mautic.contact(id)?, "corebos_id") == hub).then_some(()))
        .await;
    world.quiet().await;
    assert_eq!(world.systems.corebos.records("Contacts").len(), 2);
    assert_eq!(world.parked().await.len(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_after_the_create_and_before_the_id_is_written_back_links_the_same_record() {
    let mut world = world().await;
    world.systems.mautic.faults().add(Fault::delay(THINKS).method("patch").times(1));
    let id = world.new_contact(&json!({ "lastname": "Once" })).await;
    world.until("Mautic to think", |s| (s.mautic.faults().active() == 0).then_some(())).await;
    assert!(kill_workers(&mut world) > 0);
    let hub = text(&world.corebos_contact_of(id).await, "id");
    world
        .until("the id in Mautic", |s| (text(&s.mautic.contact(id)?, "corebos_id") == hub).then_some(()))
        .await;
    world.quiet().await;
    assert_eq!(world.corebos_contacts_with("mautic_id", &id.to_string()), 1);
    assert!(world.systems.mautic.edit_contact(id, &json!({ "mobile": "600" })).await);
    world.until_field(&hub, "mobile", "600").await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_while_corebos_revises_has_written_once() {
    let mut world = world().await;
    let (id, hub) = world.linked_contact(&json!({ "lastname": "Once" })).await;
    let writes = world.corebos_writes();
    world.systems.corebos.faults().add(Fault::delay(THINKS).operation("revise").times(1));
    assert!(world.systems.mautic.edit_contact(id, &json!({ "mobile": "600" })).await);
    world.until("coreBOS to think", |s| (s.corebos.faults().active() == 0).then_some(())).await;
    assert!(kill_workers(&mut world) > 0);
    world.until_field(&hub, "mobile", "600").await;
    world.quiet().await;
    // The stand-in, like PHP, finishes what it has begun although nobody reads the answer.
    assert_eq!(world.corebos_writes() - writes, 1);
    assert!(world.systems.mautic.edit_contact(id, &json!({ "mobile": "700" })).await);
    world.until_field(&hub, "mobile", "700").await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_while_it_reads_begins_again() {
    let mut world = world().await;
    world.systems.mautic.faults().add(Fault::delay(THINKS).method("get").times(1));
    let id = world.new_contact(&json!({ "lastname": "Once" })).await;
    world.until("Mautic to think", |s| (s.mautic.faults().active() == 0).then_some(())).await;
    assert!(kill_workers(&mut world) > 0);
    world.corebos_contact_of(id).await;
    world.quiet().await;
    assert_eq!(world.corebos_writes(), 2);
    world.stop().await;
}
