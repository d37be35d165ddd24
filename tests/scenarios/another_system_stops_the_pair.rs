//! A system that is suddenly another one than at first contact stops its pair until an administrator confirms it.

use scenarios::{Folder, Unusual, Written, simulators, text, world_of};
use serde_json::json;
use simulators::corebos::{self, CoreBosOptions};

use crate::BRIDGE;

#[tokio::test(flavor = "multi_thread")]
async fn another_corebos_is_not_written_before_it_is_confirmed() {
    let folder = Folder::new();
    let systems = simulators().await;
    let right = Written::of(&systems);
    let mut world = world_of(BRIDGE, systems, &right.config(), Unusual::kept_in(&folder)).await;
    world.linked_contact(&json!({ "lastname": "First" })).await;

    let other = corebos::start(CoreBosOptions::default()).await.unwrap();
    let wrong =
        Written { corebos_url: other.url(), access_key: other.access_key("sync").unwrap(), ..right.clone() };
    let mut world = world.with_stack(BRIDGE, &wrong.config(), Unusual::kept_in(&folder)).await;
    let id = world.new_contact(&json!({ "lastname": "Second" })).await;
    let stopped = |line: &serde_json::Value| text(line, "reason") == "identity";
    let line = world.until_told("change waits for an administrator", stopped).await;
    let detail = text(&line, "detail");
    for words in [right.corebos_url.as_str(), wrong.corebos_url.as_str(), "corebos:main", "confirm"] {
        assert!(detail.contains(words), "{words} is not in {detail}");
    }
    assert_eq!(other.records("Contacts").len(), 0);
    assert!(world.waiting() > 0);

    let confirmed = Unusual { confirm_identity: true, ..Unusual::kept_in(&folder) };
    let mut world = world.with_stack(BRIDGE, &wrong.config(), confirmed).await;
    world
        .until("the second contact in the other coreBOS", |_| {
            other.find("Contacts", "mautic_id", &id.to_string())
        })
        .await;
    world.quiet().await;
    assert_eq!(world.systems.corebos.records("Contacts").len(), 1, "the first coreBOS is left alone");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_url_that_is_put_back_needs_no_confirmation() {
    let folder = Folder::new();
    let systems = simulators().await;
    let right = Written::of(&systems);
    let mut world = world_of(BRIDGE, systems, &right.config(), Unusual::kept_in(&folder)).await;
    world.linked_contact(&json!({ "lastname": "First" })).await;
    let other = simulators().await;
    let wrong = Written { mautic_url: other.mautic.url(), ..right.clone() };
    let mut world = world.with_stack(BRIDGE, &wrong.config(), Unusual::kept_in(&folder)).await;
    let id = world.new_contact(&json!({ "lastname": "Second" })).await;
    let line = world.until_told("change waits for an administrator", |_| true).await;
    assert_eq!(text(&line, "reason"), "identity");
    let mut world = world.with_stack(BRIDGE, &right.config(), Unusual::kept_in(&folder)).await;
    world.corebos_contact_of(id).await;
    world.quiet().await;
    assert_eq!(world.corebos_writes(), 2);
    world.stop().await;
}
