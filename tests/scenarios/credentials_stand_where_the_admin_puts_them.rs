//! The credentials of all systems stand in one secret, or each system's in one of its own; both ways work, and what is
//! missing in the shared one is named.

use bridge::local::{SECRET, secret_of_its_own};
use model::SystemKind;
use scenarios::{Unusual, World, simulators, text, world_of};
use serde_json::{Value, json};

use crate::BRIDGE;

async fn world_with(unusual: Unusual) -> World {
    let systems = simulators().await;
    let config = systems.config().unwrap();
    world_of(BRIDGE, systems, &config, unusual).await
}

/// What Secrets Manager holds.
async fn stored(world: &World, arn: &str) -> Result<Value, String> {
    let asked = world.local.clients.secrets_manager.get_secret_value().secret_id(arn).send().await;
    let answer = asked.map_err(|error| format!("{:?}", error.into_service_error()))?;
    Ok(serde_json::from_str(answer.secret_string().unwrap()).unwrap())
}

/// A contact travels to coreBOS, and an edit of it back.
async fn travels_both_ways(world: &mut World) {
    let url = world.local.webhook_url("webhook-corebos");
    world.systems.point_workflows_at(&url).await.unwrap();
    let (id, hub) =
        world.linked_contact(&json!({ "lastname": "Ibarra", "email": "ibarra@example.org" })).await;
    world.systems.corebos.edit(&hub, &json!({ "mobile": "600 111 222" })).await.unwrap();
    world.until_mautic_field(id, "mobile", "600 111 222").await;
    world.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_secret_holds_a_part_for_each_system() {
    let mut world = world_with(Unusual::default()).await;
    let secret = stored(&world, SECRET).await.unwrap();
    let parts: Vec<&String> = secret.as_object().unwrap().keys().collect();
    assert_eq!(parts, ["corebos", "mautic"]);
    travels_both_ways(&mut world).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_system_may_have_a_secret_of_its_own() {
    let mut world = world_with(Unusual { secrets_apart: true, ..Unusual::default() }).await;
    assert!(stored(&world, SECRET).await.unwrap_err().contains("ResourceNotFound"));
    for (kind, key) in [(SystemKind::CoreBos, "access_key"), (SystemKind::Mautic, "webhook_secrets")] {
        let secret = stored(&world, &secret_of_its_own(kind)).await.unwrap();
        assert!(secret.get(key).is_some(), "{kind:?}");
    }
    travels_both_ways(&mut world).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_the_shared_secret_lacks_is_named_and_its_changes_wait() {
    let mut world = world_with(Unusual::default()).await;
    let whole = stored(&world, SECRET).await.unwrap();
    let put = async |world: &World, secret: &Value| {
        let secrets = &world.local.clients.secrets_manager;
        secrets.put_secret_value().secret_id(SECRET).secret_string(secret.to_string()).send().await.unwrap();
    };
    put(&world, &json!({ "mautic": whole["mautic"] })).await;
    let id = world.new_contact(&json!({ "lastname": "Patient" })).await;
    let line = world
        .until_told("change waits for an administrator", |line| {
            text(line, "detail").contains("\"corebos\" is missing")
        })
        .await;
    assert!(text(&line, "detail").contains(SECRET), "{line}");
    assert_eq!(world.corebos_writes(), 0);
    put(&world, &whole).await;
    world.corebos_contact_of(id).await;
    world.stop().await;
}
