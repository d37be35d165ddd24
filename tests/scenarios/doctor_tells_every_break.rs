//! `bridge doctor` is content with what works, and tells every break by its name.

use aws::DynamoStore;
use bridge::doctor::{Check, Verdict, examine};
use bridge::setup::{Wanted, corebos, mautic};
use bridge::simulated::start_untouched;
use bridge::stack::Stack;
use scenarios::{Folder, Program, Unusual, World, world_of};
use serde_json::json;
use sync::{Clock as _, CursorStore as _, StateStore as _};

use crate::BRIDGE;

/// Systems that were set up, and whose polls have run.
async fn healthy() -> (World, Stack) {
    let systems = start_untouched().await.unwrap();
    let config = systems.config().unwrap();
    let mut world = world_of(BRIDGE, systems, &config, Unusual::default()).await;
    world.forget_mautics_webhook();
    let stack = Stack::of(&world.local.stack, &std::env::temp_dir()).unwrap();
    mautic::apply(&mut mautic::look(&stack, Wanted::default()).await.unwrap()).await.unwrap();
    corebos::apply(&mut corebos::look(&stack, Wanted::default()).await.unwrap()).await.unwrap();
    world.systems.click_workflows();
    for function in ["poll-mautic", "poll-corebos"] {
        world.poll_at_once(function).await;
    }
    world.quiet().await;
    (world, stack)
}

fn problems(checks: &[Check]) -> Vec<&Check> {
    checks.iter().filter(|check| check.verdict == Verdict::Problem).collect()
}

/// The problem or warning whose name holds `name`; its text holds `seen`, and it says what to do.
fn tells(checks: &[Check], verdict: Verdict, name: &str, seen: &str) {
    let fits =
        |check: &&Check| check.verdict == verdict && check.name.contains(name) && check.seen.contains(seen);
    let found = checks.iter().find(fits);
    let ill: Vec<_> = checks.iter().filter(|check| check.verdict != Verdict::Ok).collect();
    let found = found.unwrap_or_else(|| panic!("no {verdict:?} {name:?} with {seen:?}, but {ill:#?}"));
    assert!(found.remedy.is_some(), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_set_up_is_well_and_nothing_is_changed_by_looking() {
    let (mut world, stack) = healthy().await;
    let writes = (world.corebos_writes(), world.mautic_writes());
    let checks = examine(&stack).await;
    assert!(problems(&checks).is_empty(), "{:#?}", problems(&checks));
    assert!(checks.len() > 30, "{}", checks.len());
    let tried = checks.iter().filter(|check| check.seen.contains("knows our signature")).count();
    assert_eq!(tried, 2, "{checks:#?}");
    world.quiet().await;
    assert_eq!((world.corebos_writes(), world.mautic_writes()), writes);
    assert_eq!(world.waiting(), 0, "the test bodies make no notices");
    let shown = serde_json::to_string(&checks).unwrap();
    let key = world.systems.corebos.setting("bridge_key").unwrap();
    for secret in [key.as_str(), "mautic-password", bridge::simulated::WEBHOOK_SECRET] {
        assert!(!shown.contains(secret), "a secret is shown");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_break_of_mautic_is_told_apart() {
    let (world, stack) = healthy().await;
    let systems = &world.systems;
    systems.mautic.set_api_enabled(false, true);
    tells(&examine(&stack).await, Verdict::Problem, "mautic:main: login", "API disabled");
    systems.mautic.set_api_enabled(true, false);
    tells(&examine(&stack).await, Verdict::Problem, "mautic:main: login", "Basic Auth disabled");
    systems.mautic.set_api_enabled(true, true);
    systems.mautic.stop_listening().await;
    tells(&examine(&stack).await, Verdict::Problem, "mautic:main: login", "not available");
    systems.mautic.listen_again().await.unwrap();

    systems.mautic.set_rights(&[("api:access", &["full"]), ("lead:leads", &["viewown", "viewother"])]);
    let checks = examine(&stack).await;
    tells(&checks, Verdict::Problem, "mautic:main: role", "lead:leads create");
    tells(&checks, Verdict::Warning, "mautic:main: webhooks", "webhook:webhooks");
    tells(&checks, Verdict::Warning, "mautic:main: other integrations", "cannot be seen");
    let error = mautic::look(&stack, Wanted::default()).await.unwrap_err().to_string();
    assert!(error.contains("lead:fields view"), "{error}");
    let writing: &[&str] = &["viewown", "viewother", "create", "editown", "editother"];
    systems.mautic.set_rights(&[("lead:leads", writing), ("lead:fields", &["view"])]);
    tells(&examine(&stack).await, Verdict::Warning, "mautic:main: webhooks", "viewother");
    systems.mautic.set_rights(&[
        ("lead:leads", writing),
        ("lead:fields", &["full"]),
        ("webhook:webhooks", &["full"]),
    ]);

    let rival = "https://crm.example.com/notifications.php?type=mauticcontact";
    let rival = systems.mautic.add_webhook(rival, "s", &["mautic.lead_post_delete"]);
    tells(&examine(&stack).await, Verdict::Problem, "mautic:main: other integrations", "do not start");
    assert!(systems.mautic.switch_webhook_off(rival));
    assert!(problems(&examine(&stack).await).is_empty(), "it is off now");

    let url = world.local.webhook_url("webhook-mautic");
    let second = systems.mautic.add_webhook(&url, "x", &["mautic.lead_post_delete"]);
    tells(&examine(&stack).await, Verdict::Warning, "mautic:main: webhook", "2 lead to us");
    systems.mautic.remove_webhook(second);
    systems.mautic.remove_webhooks();
    tells(&examine(&stack).await, Verdict::Problem, "mautic:main: webhook", "none leads to");
    let strange =
        systems.mautic.add_webhook(&url, "a secret of somebody else", &connector_mautic::admin::EVENTS);
    tells(&examine(&stack).await, Verdict::Problem, "mautic:main: webhook", "do not know");
    assert!(systems.mautic.switch_webhook_off(strange));
    tells(&examine(&stack).await, Verdict::Problem, "mautic:main: webhook", "switched off");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn systems_that_were_never_set_up_are_told_with_the_command_that_does_it() {
    let systems = start_untouched().await.unwrap();
    let config = systems.config().unwrap();
    let world = world_of(BRIDGE, systems, &config, Unusual::default()).await;
    world.forget_mautics_webhook();
    let checks = examine(&Stack::of(&world.local.stack, &std::env::temp_dir()).unwrap()).await;
    tells(&checks, Verdict::Problem, "field corebos_id", "no such field");
    tells(&checks, Verdict::Problem, "field company_corebos_id", "no such field");
    tells(&checks, Verdict::Problem, "mautic:main: webhook", "none leads to");
    tells(&checks, Verdict::Warning, "business map BridgeSave", "there is none");
    tells(&checks, Verdict::Problem, "corebos:main: key", "not there");
    tells(&checks, Verdict::Warning, "poll of company", "never");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_break_of_corebos_is_told_apart() {
    let (world, stack) = healthy().await;
    let systems = &world.systems;
    systems.corebos.show_integration_fields(false);
    tells(&examine(&stack).await, Verdict::Problem, "control fields of Contacts", "mautic_id");
    systems.corebos.show_integration_fields(true);
    systems.corebos.put_setting("bridge_key", "another key");
    tells(&examine(&stack).await, Verdict::Problem, "corebos:main: key", "do not know");
    systems.corebos.clear_workflow_hooks();
    tells(&examine(&stack).await, Verdict::Warning, "workflows of Accounts", "Bridge: Accounts deleted");
    let own = systems.corebos.put_map("ContactsToMautic", "<map><fields>").await.unwrap();
    tells(&examine(&stack).await, Verdict::Problem, "map ContactsToMautic", "from coreBOS (37x");
    systems.corebos.delete(&own).await.unwrap();
    systems.corebos.rotate_access_key("sync");
    systems.corebos.expire_sessions();
    tells(&examine(&stack).await, Verdict::Problem, "corebos:main: login", "credentials");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_break_of_the_stack_is_told_apart() {
    let (mut world, stack) = healthy().await;
    let store: DynamoStore = world.local.store.clone();
    store.put_setting("identity#mautic:main", &"https://elsewhere as user 9").await.unwrap();
    tells(&examine(&stack).await, Verdict::Problem, "mautic:main: identity", "elsewhere");
    store.delete_setting("identity#mautic:main").await.unwrap();
    store.put_setting("map:MauticToContacts", &"<map><fields>").await.unwrap();
    tells(
        &examine(&stack).await,
        Verdict::Problem,
        "map MauticToContacts",
        "from the settings, cannot be used",
    );
    store.delete_setting("map:MauticToContacts").await.unwrap();
    let unknown = mapping::shipped::find("ContactsToMautic").unwrap().xml.replace("lastname", "lastnam");
    store.put_setting("map:ContactsToMautic", &unknown).await.unwrap();
    tells(&examine(&stack).await, Verdict::Warning, "map ContactsToMautic", "lastnam");
    store.delete_setting("map:ContactsToMautic").await.unwrap();
    store.put_setting("poll:mautic:main", &json!({ "every_seconds": 1 })).await.unwrap();
    tells(&examine(&stack).await, Verdict::Problem, "poll of contact in mautic:main", "every_seconds");
    store.delete_setting("poll:mautic:main").await.unwrap();
    let key = sync::CursorKey {
        system: "corebos:main".parse().unwrap(),
        object: model::ObjectName::new("Accounts"),
    };
    let (then, until) = ("2026-01-01T00:00:00Z".parse().unwrap(), "2026-01-01T00:01:00Z".parse().unwrap());
    store.lease_cursor(&key, "story", then, until).await.unwrap().unwrap();
    let stale = sync::Cursor { position: None, polled_at: Some(then) };
    store.release_cursor(&key, "story", &stale).await.unwrap();
    tells(&examine(&stack).await, Verdict::Problem, "poll of Accounts in corebos:main", "min ago");
    // One delete more than the pair may have in an hour.
    let pair = model::Pair {
        kind: model::PairKind::MauticContacts,
        hub: "corebos:main".parse().unwrap(),
        remote: "mautic:main".parse().unwrap(),
    };
    store.put_setting("pair:mautic-contacts", &json!({ "deletes_per_hour": 1 })).await.unwrap();
    for _ in 0..2 {
        store.count_delete(&pair, aws::SystemClock.now()).await.unwrap();
    }
    tells(&examine(&stack).await, Verdict::Problem, "brake of mautic-contacts", "2 deletes in this hour");
    store.delete_setting("pair:mautic-contacts").await.unwrap();
    // A person whom nobody can tell from another is parked.
    let same = json!({ "lastname": "Same", "email": "same@example.org" });
    world.forget_mautics_webhook();
    for _ in 0..2 {
        world.systems.corebos.clear_workflow_hooks();
        world.systems.corebos.create("Contacts", &same).await.unwrap();
    }
    world.new_contact(&json!({ "lastname": "Same", "email": "same@example.org" })).await;
    world.quiet().await;
    assert_eq!(world.parked().await.len(), 1);
    tells(&examine(&stack).await, Verdict::Warning, "parked changes of mautic-contacts", "1 ambiguous");
    let dead = stack.environment.push_queue(model::SystemKind::CoreBos).unwrap().dead_letters_url.unwrap();
    let letter = stack.clients.sqs.send_message().queue_url(&dead).message_body("a change");
    letter.message_group_id("a-record").message_deduplication_id("once").send().await.unwrap();
    tells(&examine(&stack).await, Verdict::Problem, "dead letters towards corebos:main", "1");
    let secrets = stack.secrets();
    let arn = stack.environment.secret(model::SystemKind::Mautic).unwrap().secret;
    secrets
        .change(&arn, |members| drop(members.insert("webhook_secrets".to_owned(), json!([]))))
        .await
        .unwrap();
    let checks = examine(&stack).await;
    tells(&checks, Verdict::Problem, "mautic:main: secret", "webhook_secrets is empty");
    secrets
        .change(&arn, |members| drop(members.insert("password".to_owned(), json!("wrong"))))
        .await
        .unwrap();
    tells(&examine(&stack).await, Verdict::Problem, "mautic:main: login", "credentials refused");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_find_a_running_bridge_and_tell_by_their_exit_code() {
    let folder = Folder::new();
    let data = folder.path().join("data").display().to_string();
    let nobody = Program::start(BRIDGE, ["doctor", "--data", &data]).end().await;
    assert_eq!(nobody.code, Some(1));
    assert!(nobody.text().contains("is not running"), "{}", nobody.text());
    let mut up = Program::start(BRIDGE, ["up", "--simulators", "--port", "0", "--data", &data]);
    up.until_said("Ctrl-C stops").await;
    let doctor = Program::start(BRIDGE, ["doctor", "--data", &data]).end().await;
    assert_eq!(doctor.code, Some(0), "{}", doctor.text());
    assert!(doctor.text().contains("mautic:main: webhook"), "{}", doctor.text());
    let json = Program::start(BRIDGE, ["doctor", "--json", "--data", &data]).end().await;
    let checks: serde_json::Value = serde_json::from_str(&json.text()).unwrap();
    assert!(checks.as_array().unwrap().iter().all(|check| check["verdict"] != "problem"), "{checks:#}");
    let setup = Program::start(BRIDGE, ["setup", "corebos", "--data", &data]).end().await;
    assert!(setup.text().contains("Do it with --apply"), "{}", setup.text());
    let setup = Program::start(BRIDGE, ["setup", "corebos", "--apply", "--data", &data]).end().await;
    assert_eq!(setup.code, Some(0), "{}", setup.text());
    // Only the fields that coreBOS keeps closed are left, which nobody needs.
    assert!(setup.text().contains("Nothing left that the bridge can do."), "{}", setup.text());
    let setup = Program::start(BRIDGE, ["setup", "hubspot", "--apply", "--data", &data]).end().await;
    assert_eq!(setup.code, Some(0), "{}", setup.text());
    assert!(setup.text().contains("UPDATE vtiger_field"), "{}", setup.text());
    let setup = Program::start(BRIDGE, ["setup", "mautic", "--apply", "--data", &data]).end().await;
    assert!(setup.text().contains("done"), "the order of its webhook was not set: {}", setup.text());
    up.interrupt();
    assert_eq!(up.end().await.code, Some(0));
}
