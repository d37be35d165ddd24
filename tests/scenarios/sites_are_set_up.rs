//! `bridge setup wordpress` says what a site needs and makes nothing but an access key; `bridge doctor` tells every break;
//! relay mode lets WP Fusion do the work.

use bridge::config::Config;
use bridge::doctor::{Check, Verdict, examine};
use bridge::setup::{State, Wanted, wordpress};
use bridge::simulated::SITE;
use bridge::stack::Stack;
use connector_mautic::admin::events;
use scenarios::{Program, Unusual, World, text, wordpress_systems, world_of};
use serde_json::{Value, json};
use simulators::wordpress::WordPressOptions;

use crate::BRIDGE;

/// A world whose site part of the configuration file is changed.
async fn world(options: WordPressOptions, edit: impl FnOnce(&mut Value)) -> (World, Stack) {
    let (systems, _) = wordpress_systems(&json!({}), options).await;
    let mut part = systems.config_of_site().unwrap();
    edit(&mut part["sites"][SITE]);
    let mut config: Config = systems.config().unwrap();
    config.wordpress = Some(serde_json::from_value(part).unwrap());
    let world = world_of(BRIDGE, systems, &config, Unusual::default()).await;
    let stack = Stack::of(&world.local.stack, &std::env::temp_dir()).unwrap();
    (world, stack)
}

fn told<'c>(checks: &'c [Check], name: &str) -> &'c Check {
    let found = checks.iter().find(|check| check.name.contains(name));
    found.unwrap_or_else(|| panic!("no check {name}: {checks:#?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_needs_an_access_key_which_the_setup_makes_and_nothing_on_the_site_is_changed() {
    let (mut world, stack) = world(WordPressOptions::default(), |site| site["access_keys"] = json!([])).await;
    let (status, _) = world.campaign(&[("wpf_action", "test")]).await;
    assert_eq!(status, 403, "no key is right yet");
    let mut setup = wordpress::look(&stack, Wanted::default()).await.unwrap();
    let missing: Vec<&str> = setup
        .plan
        .items
        .iter()
        .filter(|item| item.state == State::Missing)
        .map(|item| item.what.as_str())
        .collect();
    assert_eq!(missing, ["wordpress:shop: the access key of campaigns"]);
    assert!(setup.plan.steps[0].contains("/webhooks/campaign"), "{:?}", setup.plan.steps);
    let done = wordpress::apply(&mut setup).await.unwrap().join("\n");
    let key = done.split("access_keys = [\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let url = world.local.webhook_url("webhook-campaign");
    let answer = reqwest::get(format!("{url}?wpf_action=test&access_key={key}")).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert!(!wordpress::look(&stack, Wanted::default()).await.unwrap().plan.has_work());
    assert_eq!(world.site_writes(), 0);
    let checks = examine(&stack).await;
    for name in ["shop: account", "shop: must-use plugin", "shop: map", "shop: access keys"] {
        assert_eq!(told(&checks, name).verdict, Verdict::Ok, "{checks:#?}");
    }
    assert!(!serde_json::to_string(&checks).unwrap().contains(key), "a key is shown");
    world.listen();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_site_is_told_by_its_name() {
    let options = WordPressOptions { plugin: false, ..WordPressOptions::default() };
    let (world, stack) = world(options, |site| {
        site["access_keys"] = json!(["short"]);
        site["preferences"] = json!({ "when_deleted": "role" });
    })
    .await;
    let map = mapping::shipped::MAUTIC_TO_USERS.replacen("first_name", "billing_phone", 1);
    world.local.store.put_setting("map:MauticToUsers", &map).await.unwrap();
    let checks = examine(&stack).await;
    for (name, seen) in [
        ("shop: must-use plugin", "not there"),
        ("shop: map", "billing_phone"),
        ("shop: access keys", "guessed"),
    ] {
        let check = told(&checks, name);
        assert_eq!(check.verdict, Verdict::Warning, "{check:?}");
        assert!(check.seen.contains(seen) && check.remedy.is_some(), "{check:?}");
    }
    let plan = wordpress::look(&stack, Wanted::default()).await.unwrap().plan;
    let all: Vec<&str> = plan.items.iter().map(|item| item.what.as_str()).collect();
    assert!(all.iter().any(|what| what.ends_with("departed-role")), "{all:?}");
    world.site().set_maintenance(true);
    let checks = examine(&stack).await;
    assert_eq!(told(&checks, "shop: account").verdict, Verdict::Problem);
    world.stop().await;

    let (world, stack) =
        self::world(WordPressOptions::default(), |site| site["application_password"] = json!("no")).await;
    let checks = examine(&stack).await;
    let account = told(&checks, "shop: account");
    assert!(account.verdict == Verdict::Problem && account.seen.contains("stranger"), "{account:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wp_fusion_does_the_work_where_the_site_lets_it() {
    let (mut world, stack) = world(WordPressOptions::default(), |site| {
        site["wp_fusion_access_key"] = json!("a1b2c3d4");
        site["preferences"] = json!({ "relay": true });
        site.as_object_mut().unwrap().remove("application_password");
    })
    .await;
    let id = world.new_contact(&json!({ "firstname": "Ana", "email": "ana@x.test" })).await;
    // WP Fusion is not there yet: nothing is lost.
    let contact = id.to_string();
    let asked = [("wpf_action", "add"), ("contact_id", contact.as_str())];
    assert_eq!(world.campaign(&asked).await.0, 200);
    world.until_told("user waits", |line| line["reason"] == "unavailable").await;
    assert_eq!(told(&examine(&stack).await, "shop: WP Fusion").verdict, Verdict::Problem);
    world.site().install_fusion("a1b2c3d4", &[(contact.as_str(), "ana@x.test")]);
    world
        .until("the user", |systems| {
            (systems.wordpress.as_ref()?.users_with("ana@x.test").len() == 1).then_some(())
        })
        .await;
    world.quiet().await;
    assert_eq!(text(&world.last_pushed(), "outcome"), "relayed");
    assert_eq!(told(&examine(&stack).await, "shop: WP Fusion").verdict, Verdict::Ok);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_enters_a_segment_becomes_a_user() {
    let (systems, config) =
        wordpress_systems(&json!({ "users_segment": "members" }), WordPressOptions::default()).await;
    let mut world = world_of(BRIDGE, systems, &config, Unusual::default()).await;
    let segments: Vec<&str> =
        events(true).into_iter().filter(|event| !events(false).contains(event)).collect();
    let url = world.local.webhook_url("webhook-mautic");
    world.systems.mautic.add_webhook(&url, bridge::simulated::WEBHOOK_SECRET, &segments);
    let members = world.systems.mautic.create_segment("Members");
    let id = world.new_contact(&json!({ "firstname": "Ana", "email": "ana@x.test" })).await;
    world.quiet().await;
    assert!(world.site().users_with("ana@x.test").is_empty());
    world.systems.mautic.set_segment(members, id, true).await;
    world.quiet().await;
    world.user("ana@x.test");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_is_switched_off_is_told_later_and_the_poll_tells_it() {
    let mut world = World::with_wordpress_as(
        BRIDGE,
        &json!({ "active": false, "users_filter": "country=Spain" }),
        WordPressOptions::default(),
    )
    .await;
    // The first poll only finds out where to begin.
    world.poll_at_once("poll-mautic").await;
    let fields = json!({ "firstname": "Ana", "email": "ana@x.test", "country": "Spain" });
    world.new_contact(&fields).await;
    world.quiet().await;
    assert_eq!((world.site_writes(), text(&world.last_pushed(), "outcome")), (0, "switched_off".to_owned()));
    let key = "system:wordpress:shop";
    world.local.store.put_setting(key, &json!({ "users_filter": "country=Spain" })).await.unwrap();
    // Nobody tells of this one but the poll.
    world.forget_mautics_webhook();
    world.new_contact(&json!({ "firstname": "Bob", "email": "bob@x.test", "country": "Spain" })).await;
    world.poll_at_once("poll-mautic").await;
    world
        .until("both", |systems| {
            let site = systems.wordpress.as_ref()?;
            (site.users_with("ana@x.test").len() == 1 && site.users_with("bob@x.test").len() == 1)
                .then_some(())
        })
        .await;
    world.quiet().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plugin_is_written_where_it_is_wanted() {
    let folder = scenarios::Folder::new();
    let file = folder.path().join("corebos-bridge.php");
    let arguments = ["setup", "wordpress", "--write-plugin", file.to_str().unwrap()];
    let ended = Program::start(BRIDGE, arguments).end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let plugin = std::fs::read_to_string(file).unwrap();
    assert!(plugin.starts_with("<?php") && plugin.contains("register_meta"));
}
