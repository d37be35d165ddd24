//! Tokens and sessions are shared by all functions: one process gets in, the others go through the same door.

use scenarios::{Folder, Unusual, Written, simulators, world_of};
use serde_json::json;
use simulators::mautic::MauticOptions;

use crate::BRIDGE;

/// How often the systems let somebody in: tokens of Mautic, logins of coreBOS.
fn entries(systems: &bridge::simulated::Simulated) -> (usize, usize) {
    let tokens = systems.mautic.requests();
    let logins = systems.corebos.calls();
    (
        tokens.iter().filter(|request| request.path.starts_with("/oauth/v2/token")).count(),
        logins.iter().filter(|call| call.operation == "login").count(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_share_one_token_and_four_sessions_and_replace_them_when_they_end() {
    let folder = Folder::new();
    let systems = simulators().await;
    let options = MauticOptions::default();
    let by_client = Written { client_secret: Some(options.client_secret.clone()), ..Written::of(&systems) };
    let mut world = world_of(BRIDGE, systems, &by_client.config(), Unusual::kept_in(&folder)).await;
    world.systems.point_workflows_at(&world.local.webhook_url("webhook-corebos")).await.unwrap();

    // Both push functions work at the same time, each in processes of its own, and so does a poll.
    let (id, hub) = world.linked_contact(&json!({ "lastname": "First", "email": "first@example.org" })).await;
    for number in 0..4 {
        world.new_contact(&json!({ "lastname": format!("Contact {number}") })).await;
    }
    world.quiet().await;
    let (tokens, logins) = entries(&world.systems);
    assert_eq!(tokens, 1, "one token serves all processes");
    assert!((1..=4).contains(&logins), "{logins} logins for at most four sessions");

    // New processes find the token and the sessions of the old ones.
    let mut world = world.with_stack(BRIDGE, &by_client.config(), Unusual::kept_in(&folder)).await;
    world.systems.mautic.clear_requests();
    world.systems.corebos.clear_requests();
    world.systems.mautic.edit_contact(id, &json!({ "firstname": "Ana" })).await;
    world.until_field(&hub, "firstname", "Ana").await;
    world.quiet().await;
    assert_eq!(entries(&world.systems), (0, 0), "nobody logs in again");

    // The systems end what they have given: it is replaced, and no change is lost by it.
    world.systems.corebos.expire_sessions();
    world.systems.mautic.expire_tokens();
    world.systems.mautic.edit_contact(id, &json!({ "firstname": "Berta" })).await;
    world.until_field(&hub, "firstname", "Berta").await;
    world.quiet().await;
    let (tokens, logins) = entries(&world.systems);
    assert_eq!(tokens, 1);
    assert!((1..=4).contains(&logins), "{logins}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_static_token_of_corebos_needs_no_login() {
    let systems = simulators().await;
    let token = "a-static-token-of-sync";
    assert!(systems.corebos.add_static_token("sync", token));
    let by_token = Written { auth_token: Some(token.to_owned()), ..Written::of(&systems) };
    let mut world = world_of(BRIDGE, systems, &by_token.config(), Unusual::default()).await;
    let id = world.new_contact(&json!({ "lastname": "Only", "email": "only@example.org" })).await;
    world.corebos_contact_of(id).await;
    world.quiet().await;
    assert_eq!(entries(&world.systems).1, 0);
    world.stop().await;
}
