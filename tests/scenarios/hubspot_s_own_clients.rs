//! HubSpot's own client libraries against the stand-in for HubSpot: what they send it takes, what it answers they understand,
//! and what it signs they believe. `.ci/hubspot-clients` runs it, on request only, since it needs their packages.

use std::process::Command;

use simulators::hubspot::{self, HubSpotOptions, Limits};

/// What HubSpot signs with and for, wherever the webhook really goes.
const CLIENT_SECRET: &str = "client-secret-of-the-app";
const SIGNED_URL: &str = "https://bridge.example.org/webhooks/hubspot";

/// Runs a program against a portal of its own, with a port on which it may listen for webhooks.
async fn plays(program: &str, script: &str) {
    let mut options = HubSpotOptions::default();
    let token = options.token.clone();
    options.limits = Limits { per_ten_seconds: 1_000, per_day: 100_000, searches_per_second: 100 };
    let portal = hubspot::start(options).await.unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    portal.set_webhook(&format!("http://127.0.0.1:{port}/webhooks/hubspot"), SIGNED_URL, CLIENT_SECRET);
    portal.subscribe("contact.creation", None, None);
    let folder = format!("{}/../.ci/hubspot", env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(program);
    command
        .arg(format!("{folder}/{script}"))
        .env("HUBSPOT_URL", portal.url())
        .env("HUBSPOT_TOKEN", token)
        .env("CLIENT_SECRET", CLIENT_SECRET)
        .env("SIGNED_URL", SIGNED_URL)
        .env("RECEIVER_PORT", port.to_string());
    let status = tokio::task::spawn_blocking(move || command.status()).await.unwrap();
    assert!(status.unwrap().success(), "{script} failed; what it said stands above");
}

#[expect(clippy::disallowed_methods, reason = "whoever starts the stories says where the libraries are")]
fn python() -> String {
    std::env::var("HUBSPOT_PYTHON").expect("HUBSPOT_PYTHON: run .ci/hubspot-clients")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs HubSpot's library for Node: .ci/hubspot-clients"]
async fn hubspot_s_library_for_node_works_with_the_stand_in() {
    plays("node", "node_client.cjs").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs HubSpot's library for Python: .ci/hubspot-clients"]
async fn hubspot_s_library_for_python_works_with_the_stand_in() {
    plays(&python(), "python_client.py").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs HubSpot's newer library for Python: .ci/hubspot-clients"]
async fn hubspot_s_newer_library_for_python_works_with_the_stand_in() {
    plays(&python(), "sdk_client.py").await;
}
