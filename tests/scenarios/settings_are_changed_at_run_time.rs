//! `bridge settings` shows what is set and changes it on a running stack; what cannot be meant is refused or told.

use std::collections::BTreeMap;
use std::time::Duration;

use scenarios::{Ended, Folder, Program, World, cloud_formation, end_process, text, world_with_workflows};
use serde_json::{Value, json};

use crate::BRIDGE;

async fn bridge(folder: &Folder, arguments: &[&str]) -> Ended {
    let data = folder.path().display().to_string();
    let arguments = arguments.iter().copied().chain(["--data", data.as_str()]);
    Program::start(BRIDGE, arguments).end().await
}

/// What a command says that must end well.
async fn said(folder: &Folder, arguments: &[&str]) -> String {
    let ended = bridge(folder, arguments).await;
    assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.text());
    ended.text()
}

/// What a command says that must fail.
async fn refused(folder: &Folder, arguments: &[&str]) -> String {
    let ended = bridge(folder, arguments).await;
    assert_eq!(ended.code, Some(1), "{arguments:?}: {}", ended.text());
    ended.text()
}

fn says(text: &str, words: &[&str]) {
    for words in words {
        assert!(text.contains(words), "no {words:?} in\n{text}");
    }
}

/// Pushes use what they have read for a minute. New processes have read nothing.
async fn forget_what_was_read(world: &mut World) {
    world.listen();
    for (_, process) in world.processes.iter().filter(|(function, _)| function.starts_with("push-")) {
        end_process(*process);
    }
    // The stack notices before the next invocation that they have ended.
    tokio::time::sleep(Duration::from_millis(500)).await;
}

/// A tick of the schedule, at a time at which no poll is due.
async fn tick(world: &World, function: &str) {
    let answer = world.local.stack.invoke(function, &json!({})).await.unwrap();
    let answer: Value = serde_json::from_slice(&answer.payload).unwrap();
    assert!(answer.to_string().contains("not due"), "{answer}");
}

async fn announced() -> (Folder, World) {
    let folder = Folder::new();
    let mut world = world_with_workflows(BRIDGE).await;
    world.announce(&folder);
    (folder, world)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_is_changed_read_and_put_back() {
    let (folder, world) = announced().await;
    let delete = "mautic-contacts.to-corebos.delete";
    let set = said(&folder, &["settings", "set", delete, "off"]).await;
    says(&set, &["on (the default) ▶ off", "whether deletes are marked", "In effect within a minute"]);
    let stored = world.local.store.setting::<Value>("pair:mautic-contacts").await.unwrap();
    assert_eq!(stored, Some(json!({ "to_hub": { "delete": false } })), "only what is set is stored");
    says(&said(&folder, &["settings", "set", delete, "no"]).await, &["is off already"]);
    let got = said(&folder, &["settings", "get", delete]).await;
    says(
        &got,
        &["off", "may be    on or off", "default   on", "settings / pair:mautic-contacts, to_hub.delete"],
    );
    says(&got, &["changed   2"]);

    // coreBOS's own name, a time in a unit, days, hours.
    said(&folder, &["settings", "set", "MAUTIC_ISACTIVE", "0"]).await;
    says(&said(&folder, &["settings", "get", "mautic.active"]).await, &["off", "coreBOS   mautic_isactive"]);
    said(&folder, &["settings", "set", "mautic_isactive", "1"]).await;
    said(&folder, &["settings", "set", "corebos.poll-frequency", "2 min"]).await;
    said(&folder, &["settings", "set", "corebos.quiet-days", "sat,sun"]).await;
    said(&folder, &["settings", "set", "corebos.quiet-hours", "22:00-06:00"]).await;
    let stored = world.local.store.setting::<Value>("poll:corebos:main").await.unwrap().unwrap();
    let hours = json!({ "from": "22:00", "to": "06:00" });
    let days = json!(["saturday", "sunday"]);
    assert_eq!(stored, json!({ "every_seconds": 120, "quiet_days": days, "quiet_hours": hours }));

    let listed = said(&folder, &["settings", "list", "--pair", "mautic-contacts", "--json"]).await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let of = |name: &str| {
        listed["settings"].as_array().unwrap().iter().find(|setting| setting["name"] == name).unwrap().clone()
    };
    assert_eq!((&of(delete)["value"], &of(delete)["set"]), (&json!(false), &json!(true)));
    let create = of("mautic-contacts.to-mautic.create");
    assert_eq!((&create["value"], &create["set"]), (&json!(true), &json!(false)));
    assert!(
        listed["settings"]
            .as_array()
            .unwrap()
            .iter()
            .all(|setting| setting["key"] != "pair:mautic-companies")
    );
    let listed = said(&folder, &["settings", "list"]).await;
    says(&listed, &["corebos.poll-frequency", "2 min (set)", "mautic-companies.to-mautic.create"]);

    says(&said(&folder, &["settings", "unset", delete]).await, &["off ▶ on (the default)"]);
    assert_eq!(world.local.store.setting::<Value>("pair:mautic-contacts").await.unwrap(), None);
    for name in ["corebos.poll-frequency", "corebos.quiet-days"] {
        said(&folder, &["settings", "unset", name]).await;
    }
    said(&folder, &["settings", "set", "corebos.quiet-hours", "none"]).await;
    let left = said(&folder, &["settings", "list", "--set"]).await;
    assert!(!left.contains("corebos."), "{left}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployed_stack_is_changed_by_its_name() {
    let world = world_with_workflows(BRIDGE).await;
    let table = world.local.stack.resources().tables[0].name.clone();
    let secret = "arn:aws:secretsmanager:eu-west-1:1:secret:bridge";
    let cloud = cloud_formation(&BTreeMap::from([
        ("BridgeTableName", table),
        ("CorebosUrl", world.systems.corebos.url()),
        ("CorebosSecretArn", secret.to_owned()),
        ("MauticUrl", world.systems.mautic.url()),
        ("MauticSecretArn", secret.to_owned()),
    ]))
    .await;
    let dynamodb = world.local.stack.endpoints().dynamodb.clone();
    let environment = [
        ("AWS_ENDPOINT_URL_CLOUDFORMATION", cloud.as_str()),
        ("AWS_ENDPOINT_URL_DYNAMODB", &dynamodb),
        ("AWS_REGION", world.local.stack.region()),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("USER", "ana"),
    ];
    let command = async |arguments: &[&str]| {
        let arguments = arguments.iter().copied().chain(["--stack", "bridge-prod"]);
        let ended = Program::start_in(BRIDGE, arguments, &environment).end().await;
        assert_eq!(ended.code, Some(0), "{}", ended.text());
        ended.text()
    };
    let name = "mautic-companies.to-mautic.create";
    says(&command(&["settings", "set", name, "off"]).await, &["on (the default) ▶ off"]);
    let stored = world.local.store.setting::<Value>("pair:mautic-companies").await.unwrap();
    assert_eq!(stored, Some(json!({ "to_remote": { "create": false } })));
    says(&command(&["settings", "get", name]).await, &["off", "by ana"]);
    says(&command(&["settings", "list", "--set"]).await, &[name]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_refused_and_changes_nothing() {
    let (folder, world) = announced().await;
    let contacts = |name: &str| format!("mautic-contacts.{name}");
    for (name, value, told) in [
        (contacts("to-corebos.delete"), "perhaps", "write on or off"),
        (contacts("conflict"), "newst", "did you mean `newest`?"),
        (contacts("writes-per-link"), "-1", "a number from 1 to 1000000"),
        (contacts("delete-confirm"), "2h", "a time from 0 s to 10 min"),
        ("mautic.poll-frequency".to_owned(), "5", "a time from 1 min to 25 h"),
        ("mautic.time-zone".to_owned(), "Mars/Olympus", "a time zone such as Europe/Madrid"),
        ("corebos.default-owner".to_owned(), "admin", "such as 19x5 or 20x3"),
        ("corebos.sessions".to_owned(), "17", "a number from 1 to 16"),
        (contacts("to-corebos.delte"), "off", "did you mean `mautic-contacts.to-corebos.delete`?"),
        ("mautic_isactiv".to_owned(), "1", "did you mean `mautic_isactive`?"),
        ("maleadsync".to_owned(), "1", "bridge import --pair contacts --from mautic"),
        ("mauticwebhooksecret".to_owned(), "s3cret", "bridge setup mautic"),
        ("map.ContactsToMautic".to_owned(), "<map/>", "@FILE"),
        ("map.ContactsToMautic".to_owned(), "@/dev/null", "map.ContactsToMautic"),
        ("map.ContactsToMautic".to_owned(), "@/nowhere", "cannot read /nowhere"),
        (String::new(), "1", "there is no setting"),
    ] {
        let text = refused(&folder, &["settings", "set", &name, value]).await;
        says(&text, &[told]);
        assert!(!text.contains("s3cret"), "{text}");
    }
    says(&refused(&folder, &["settings", "get", "nonsense"]).await, &["there is no setting nonsense"]);
    says(&refused(&folder, &["settings", "list", "--pair", "contacts"]).await, &["mautic-contacts"]);
    let stored = world.local.store.stored_settings().await.unwrap();
    assert!(
        stored.iter().all(|stored| stored.key.starts_with("identity#") || stored.key.starts_with("rivals#"))
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_has_put_into_the_table_by_hand_is_never_ignored() {
    let (folder, mut world) = announced().await;
    let store = world.local.store.clone();
    let wrong = json!({ "to_hub": { "delte": false }, "writes_per_link": 0 });
    store.put_setting("pair:mautic-contacts", &wrong).await.unwrap();
    store.put_setting("pair:mautic-contact", &json!({})).await.unwrap();
    let ended = bridge(&folder, &["settings", "list"]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.text());
    let told = [
        "pair:mautic-contact): no function of this stack reads it; did you mean `pair:mautic-contacts`?",
        "mautic-contacts.to-corebos.delte (to_hub.delte in pair:mautic-contacts): there is no such setting; did you mean `delete`?",
        "mautic-contacts.writes-per-link (writes_per_link in pair:mautic-contacts): write a number from 1",
    ];
    says(&ended.text(), &told);
    let doctor = bridge(&folder, &["doctor"]).await;
    assert_eq!(doctor.code, Some(1));
    says(&doctor.text(), &told);

    // The pair stops and says why; nothing is lost.
    let id = world.new_contact(&json!({ "lastname": "Waits" })).await;
    let stopped = |line: &Value| text(line, "reason") == "configuration";
    let line = world.until_told("change waits for an administrator", stopped).await;
    says(&text(&line, "detail"), &["pair:mautic-contacts", "bridge settings"]);
    // Something else can be set meanwhile, and what is wrong is removed by its name.
    said(&folder, &["settings", "set", "mautic-contacts.conflict", "corebos"]).await;
    for name in ["pair:mautic-contact", "mautic-contacts.to-corebos.delte", "mautic-contacts.writes-per-link"]
    {
        says(&said(&folder, &["settings", "unset", name]).await, &["is removed"]);
    }
    said(&folder, &["settings", "list"]).await;
    let stored = store.setting::<Value>("pair:mautic-contacts").await.unwrap();
    assert_eq!(stored, Some(json!({ "conflict": "corebos" })));
    world.corebos_contact_of(id).await;
    world.quiet().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_system_s_identity_is_shown_and_confirmed() {
    let (folder, mut world) = announced().await;
    world.linked_contact(&json!({ "lastname": "First" })).await;
    let confirm = ["settings", "confirm-identity", "mautic"];
    says(&said(&folder, &confirm).await, &["Nothing to confirm"]);
    let key = "identity#mautic:main";
    let now = world.local.store.setting::<String>(key).await.unwrap().unwrap();
    world.local.store.put_setting(key, &"https://elsewhere.example as user 9").await.unwrap();
    let shown = said(&folder, &confirm).await;
    says(&shown, &["https://elsewhere.example as user 9", &now, "--apply"]);
    let kept = world.local.store.setting::<String>(key).await.unwrap().unwrap();
    assert!(kept.contains("elsewhere"), "nothing without --apply");
    says(&said(&folder, &[&confirm[..], &["--apply"]].concat()).await, &["Confirmed"]);
    assert_eq!(world.local.store.setting::<String>(key).await.unwrap().as_deref(), Some(now.as_str()));
    says(
        &refused(&folder, &["settings", "confirm-identity", "signal"]).await,
        &["there are corebos, mautic"],
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_is_switched_off_and_on_again_has_lost_nothing() {
    let (folder, mut world) = announced().await;
    let ana = json!({ "firstname": "Ana", "lastname": "Off", "email": "ana@example.org" });
    let (ana, ana_in_corebos) = world.linked_contact(&ana).await;
    let (bob, bob_in_corebos) = world.linked_contact(&json!({ "lastname": "Deleted" })).await;
    let (carla, carla_in_corebos) = world.linked_contact(&json!({ "lastname": "Deleted too" })).await;
    world.poll_at_once("poll-mautic").await;
    world.poll_at_once("poll-corebos").await;
    world.quiet().await;

    said(&folder, &["settings", "set", "mautic_isactive", "0"]).await;
    // What pushes have read holds for a minute: another process has read nothing.
    forget_what_was_read(&mut world).await;
    let writes = (world.corebos_writes(), world.mautic_writes());
    let asked = world.systems.mautic.requests().len();
    assert!(world.systems.mautic.edit_contact(ana, &json!({ "city": "Vigo" })).await);
    world.systems.corebos.edit(&ana_in_corebos, &json!({ "mobile": "600" })).await.unwrap();
    let dora = world.new_contact(&json!({ "lastname": "New in Mautic" })).await;
    let emil = json!({ "lastname": "New in coreBOS", "email": "emil@example.org" });
    let emil = world.systems.corebos.create("Contacts", &emil).await.unwrap();
    // Mautic lists no deletes: only the webhook tells of this one.
    assert!(world.systems.mautic.delete_contact(bob).await);
    world.systems.corebos.delete(&carla_in_corebos).await.unwrap();
    world.until_told("change pushed", |line| text(line, "reason") == "system_off").await;
    world.quiet().await;
    assert_eq!((world.corebos_writes(), world.mautic_writes()), writes, "nothing is written");
    assert_eq!(world.systems.mautic.requests().len(), asked, "and Mautic is not even asked");
    let refused_by_mautic = world.systems.mautic.deliveries();
    assert!(refused_by_mautic.iter().all(|sent| sent.status == Some(200)), "webhooks are answered as always");
    assert_eq!(world.poll_at_once("poll-mautic").await["contact"], "switched off");
    assert_eq!(world.poll_at_once("poll-corebos").await["Contacts"], "switched off");
    says(&bridge(&folder, &["doctor"]).await.text(), &["switched off by the settings; ", "remembered"]);
    says(&bridge(&folder, &["why", "ana@example.org"]).await.text(), &["mautic:main is switched off"]);
    let import = bridge(&folder, &["import", "--pair", "contacts", "--from", "mautic"]).await;
    says(&import.text(), &["mautic:main is switched off", "bridge settings set mautic.active on"]);

    said(&folder, &["settings", "set", "mautic_isactive", "1"]).await;
    // What was remembered alone brings everything, before any poll has looked for what was changed.
    tick(&world, "poll-mautic").await;
    tick(&world, "poll-corebos").await;
    world.until_field(&ana_in_corebos, "mailingcity", "Vigo").await;
    world.until_mautic_field(ana, "mobile", "600").await;
    let dora_in_corebos = text(&world.corebos_contact_of(dora).await, "id");
    world.mautic_contact_of(&emil).await;
    world.until_field(&bob_in_corebos, "deleted_in_mautic", "1").await;
    world.until_mautic_field(carla, "corebos_id", "").await;
    world.until_mautic_field(dora, "corebos_id", &dora_in_corebos).await;
    world.quiet().await;
    assert_eq!(text(&world.systems.mautic.contact(ana).unwrap(), "city"), "Vigo");
    assert_eq!(world.corebos_contacts_with("lastname", "New in coreBOS"), 1);
    assert_eq!(world.corebos_contacts_with("lastname", "New in Mautic"), 1);
    let doctor = bridge(&folder, &["doctor"]).await.text();
    assert!(!doctor.contains("switched off by the settings"), "{doctor}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_while_it_was_off_is_found_by_the_polls_too() {
    let (folder, mut world) = announced().await;
    let (ana, hub) = world.linked_contact(&json!({ "lastname": "Deaf", "email": "deaf@example.org" })).await;
    world.poll_at_once("poll-mautic").await;
    world.poll_at_once("poll-corebos").await;
    world.quiet().await;
    said(&folder, &["settings", "set", "mautic.active", "off"]).await;
    forget_what_was_read(&mut world).await;
    world.forget_mautics_webhook();
    assert!(world.systems.mautic.edit_contact(ana, &json!({ "city": "Vigo" })).await);
    for _ in 0..2 {
        assert_eq!(world.poll_at_once("poll-mautic").await["contact"], "switched off");
    }
    said(&folder, &["settings", "set", "mautic.active", "on"]).await;
    world.poll_at_once("poll-mautic").await;
    world.until_field(&hub, "mailingcity", "Vigo").await;
    world.quiet().await;
    world.stop().await;
}
