//! What people do on a website reaches Mautic as one current contact each, if they agreed.

use bridge::simulated::{SAMPLE_WRITE_KEY, with_visitors};
use scenarios::{Unusual, World, text, unusual_world, world_of};
use serde_json::{Value, json};

use simulators::faults::Fault;
use simulators::mautic::MauticOptions;

use crate::BRIDGE;

/// A world with sources of visitor events.
pub(crate) async fn world(preferences: Value) -> World {
    let edit = |config| {
        let mut config = with_visitors(config).unwrap();
        let signal = config.signal.as_mut().unwrap();
        let mut all = serde_json::to_value(&signal.preferences).unwrap();
        for (name, value) in preferences.as_object().unwrap() {
            all[name] = value.clone();
        }
        signal.preferences = serde_json::from_value(all).unwrap();
        config
    };
    unusual_world(BRIDGE, Unusual::default(), edit).await
}

fn base_url(world: &World) -> String {
    world.local.webhook_url("webhook-mautic").trim_end_matches("/webhooks/mautic").to_owned()
}

async fn send(world: &World, path: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}{path}", base_url(world));
    let request = reqwest::Client::new().post(url).bearer_auth(SAMPLE_WRITE_KEY).body(body.to_string());
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.text().await.unwrap();
    (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
}

pub(crate) async fn sent(world: &World, events: Value) {
    let (status, answer) = send(world, "/v1/batch", &json!({ "batch": events })).await;
    assert_eq!((status, &answer["success"]), (200, &json!(true)), "{answer}");
}

pub(crate) fn agreed() -> Value {
    json!({ "consent": { "canonical": { "marketing": true } }, "ip": "203.0.113.50" })
}

pub(crate) fn identify(user: &str, traits: &Value) -> Value {
    json!({ "type": "identify", "userId": user, "traits": traits, "context": agreed() })
}

/// Waits until as many events were dealt with, and coreBOS has heard of them.
pub(crate) async fn dealt_with(world: &mut World, count: usize) -> Vec<Value> {
    let begun = std::time::Instant::now();
    while world.told("visitor event pushed").len() < count {
        world.listen();
        assert!(begun.elapsed().as_secs() < 60, "{count} events are not dealt with: {:#?}", world.log);
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    }
    world.quiet().await;
    world.told("visitor event pushed")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_who_signs_up_is_a_contact_with_all_that_was_said() {
    let mut world = world(json!({})).await;
    let context = json!({ "consent": { "canonical": { "marketing": true } }, "ip": "203.0.113.50",
        "campaign": { "source": "newsletter", "medium": "email", "name": "june" } });
    sent(&world, json!([
        { "type": "page", "anonymousId": "b1", "context": context },
        { "type": "identify", "userId": "u1", "anonymousId": "b1", "context": agreed(), "traits": {
            "email": "Jane.Doe@example.com", "firstName": "Jane", "lastName": "Doe", "phone": "+44 7700 900123",
            "city": "London", "country": "GB" } },
        { "type": "track", "event": "Signed Up", "userId": "u1", "properties": { "method": "email" } },
    ]))
    .await;
    dealt_with(&mut world, 3).await;
    let contacts = world.systems.mautic.contacts();
    assert_eq!(contacts.len(), 1, "{contacts:#?}");
    let contact = &contacts[0];
    for (field, value) in [
        ("email", "jane.doe@example.com"),
        ("firstname", "Jane"),
        ("lastname", "Doe"),
        ("phone", "+44 7700 900123"),
        ("city", "London"),
        ("country", "United Kingdom"),
    ] {
        assert_eq!(text(contact, field), value, "{field}");
    }
    world.stop().await;
}

/// Stand-ins of which Mautic works for a moment before it saves.
async fn slow_mautic() -> bridge::simulated::Simulated {
    let mut systems = scenarios::simulators().await;
    let work_time = std::time::Duration::from_millis(300);
    let options = MauticOptions { work_time, ..MauticOptions::default() };
    systems.mautic = simulators::mautic::start(options).await.unwrap();
    systems
}

/// A contact as Mautic's API shows it.
async fn shown(world: &World, id: u64) -> Value {
    let MauticOptions { username, password, .. } = MauticOptions::default();
    let url = format!("{}/api/contacts/{id}", world.systems.mautic.url());
    let answer = reqwest::Client::new().get(url).basic_auth(username, Some(password)).send().await.unwrap();
    serde_json::from_str::<Value>(&answer.text().await.unwrap()).unwrap()["contact"].clone()
}

fn tags(contact: &Value) -> Vec<String> {
    let tags = contact["tags"].as_array().into_iter().flatten();
    tags.map(|tag| text(tag, "tag")).collect()
}

fn campaigns(contact: &Value) -> Vec<String> {
    contact["utmtags"].as_array().into_iter().flatten().map(|utm| text(utm, "utmSource")).collect()
}

fn at(second: u32) -> String {
    format!("2026-11-21T02:00:{second:02}Z")
}

fn outcomes(told: &[Value]) -> Vec<String> {
    told.iter().map(|line| text(line, "outcome")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn four_events_of_a_new_visitor_at_once_make_one_contact() {
    // Mautic itself makes two of two requests that overlap: it looks first, works, and saves then.
    let systems = slow_mautic().await;
    let config = with_visitors(systems.config().unwrap()).unwrap();
    let mut world = world_of(BRIDGE, systems, &config, Unusual::default()).await;
    let events = ["u1", "u2", "u3", "u4"]
        .map(|user| identify(user, &json!({ "email": "jane@example.com", "last_name": user })));
    let [a, b, c, d] = &events;
    let path = "/v1/identify";
    let answers = tokio::join!(
        send(&world, path, a),
        send(&world, path, b),
        send(&world, path, c),
        send(&world, path, d)
    );
    assert_eq!([answers.0.0, answers.1.0, answers.2.0, answers.3.0], [200; 4]);
    dealt_with(&mut world, 4).await;
    assert_eq!(world.systems.mautic.contacts().len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mautic_itself_would_have_made_two_of_them() {
    let systems = slow_mautic().await;
    let MauticOptions { username, password, .. } = MauticOptions::default();
    let new = || {
        let url = format!("{}/api/contacts/new", systems.mautic.url());
        let request = reqwest::Client::new().post(url).basic_auth(&username, Some(&password));
        let body = json!({ "email": "jane@example.com" }).to_string();
        request.header("content-type", "application/json").body(body).send()
    };
    let _ = tokio::join!(new(), new());
    assert_eq!(systems.mautic.contacts().len(), 2, "so the story above proves something");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_visitor_says_reaches_the_crm_through_the_link_and_nothing_loops() {
    let mut world = world(json!({})).await;
    let jane = json!({ "firstname": "Jane", "lastname": "Doe", "email": "jane@example.com", "mobile": "1" });
    let (id, hub) = world.linked_contact(&jane).await;
    let before = (world.corebos_writes(), world.mautic_writes());
    sent(
        &world,
        json!([identify(
            "u1",
            &json!({ "email": "jane@example.com", "phone": "600", "first_name": "Jane" })
        )]),
    )
    .await;
    world.until_field(&hub, "homephone", "600").await;
    dealt_with(&mut world, 1).await;
    assert_eq!(world.systems.mautic.contacts().len(), 1);
    assert_eq!(text(&world.systems.mautic.contact(id).unwrap(), "mobile"), "1", "what nobody said stays");
    assert_eq!(world.corebos_writes() - before.0, 1);
    assert_eq!(world.mautic_writes() - before.1, 1, "the visitor's own write and no echo");
    // An edit in the CRM stands against what the visitor said before.
    world.systems.corebos.edit(&hub, &json!({ "homephone": "700" })).await.unwrap();
    // A poll leaves the second that is running to the next one.
    let begun = std::time::Instant::now();
    while text(&world.systems.mautic.contact(id).unwrap(), "phone") != "700" {
        assert!(begun.elapsed().as_secs() < 60, "no poll finds the edit");
        world.poll_at_once("poll-corebos").await;
        world.quiet().await;
    }
    sent(&world, json!([{ "type": "identify", "userId": "u1", "context": agreed(), "traits": { "email": "jane@example.com", "phone": "600", "city": "Leon" } }])).await;
    dealt_with(&mut world, 2).await;
    let contact = world.systems.mautic.contact(id).unwrap();
    assert_eq!((text(&contact, "phone"), text(&contact, "city")), ("700".into(), "Leon".into()));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_without_consent_and_a_withdrawal_reaches_who_was() {
    let mut world = world(json!({})).await;
    let email = json!({ "email": "jane@example.com", "city": "Leon" });
    let said = |second: u32, answer: &str, traits: &Value| {
        json!({ "type": "identify", "userId": "u1", "timestamp": at(second), "traits": traits,
            "context": { "consent": { "categoryPreferences": { "marketing": answer } } } })
    };
    sent(&world, json!([{ "type": "identify", "userId": "u1", "timestamp": at(1), "traits": email }])).await;
    sent(&world, json!([said(2, "denied", &email)])).await;
    assert_eq!(outcomes(&dealt_with(&mut world, 2).await), ["dropped_consent", "dropped_consent"]);
    assert_eq!(world.systems.mautic.contacts().len(), 0);

    sent(&world, json!([said(3, "granted", &email)])).await;
    dealt_with(&mut world, 3).await;
    let contacts = world.systems.mautic.contacts();
    let id: u64 = text(&contacts[0], "id").parse().unwrap();
    assert_eq!(tags(&shown(&world, id).await), ["signal-marketing-consent"]);

    sent(&world, json!([said(5, "denied", &json!({ "city": "Madrid" }))])).await;
    // A yes that comes late, and is older, says nothing.
    sent(&world, json!([said(4, "granted", &json!({ "city": "Vigo" }))])).await;
    let told = dealt_with(&mut world, 5).await;
    assert_eq!(outcomes(&told)[3..], ["withdrawn", "dropped_consent"]);
    assert_eq!(tags(&shown(&world, id).await), Vec::<String>::new());
    assert_eq!(text(&world.systems.mautic.contact(id).unwrap(), "city"), "Leon", "nothing else was sent");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_campaign_is_told_once_and_the_place_of_the_visitor_too() {
    let mut world = world(json!({})).await;
    let page = |second: u32, source: &str, ids: Value| {
        let mut event = json!({ "type": "page", "timestamp": at(second), "context": agreed() });
        event["context"]["campaign"] = json!({ "source": source, "medium": "email" });
        event.as_object_mut().unwrap().extend(ids.as_object().unwrap().clone());
        event
    };
    sent(&world, json!([page(1, "first", json!({ "anonymousId": "b1" }))])).await;
    sent(&world, json!([page(2, "second", json!({ "anonymousId": "b1" }))])).await;
    dealt_with(&mut world, 2).await;
    let mut who = identify("u1", &json!({ "email": "jane@example.com" }));
    who["anonymousId"] = json!("b1");
    who["timestamp"] = json!(at(3));
    sent(&world, json!([who])).await;
    dealt_with(&mut world, 3).await;
    sent(&world, json!([page(4, "second", json!({ "userId": "u1" }))])).await;
    sent(&world, json!([page(5, "third", json!({ "userId": "u1" }))])).await;
    let told = dealt_with(&mut world, 5).await;
    assert_eq!(outcomes(&told), ["dropped_no_email", "dropped_no_email", "created", "throttled", "updated"]);
    let contact = shown(&world, 1).await;
    assert_eq!(campaigns(&contact), ["first", "second", "third"]);
    assert_eq!(text(&contact, "lastActive"), "2026-11-21T02:00:05+00:00");
    assert!(contact["ipAddresses"].to_string().contains("203.0.113.50"), "{contact:#}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_mautic_refuses_is_left_out_and_told_and_the_rest_arrives() {
    let mut world = world(json!({})).await;
    let traits =
        json!({ "email": "jane@example.com", "first_name": "Jane", "country": "Atlantis", "city": "Leon" });
    sent(&world, json!([identify("u1", &traits)])).await;
    let told = dealt_with(&mut world, 1).await;
    assert_eq!((text(&told[0], "outcome"), text(&told[0], "refused")), ("created".into(), "country".into()));
    let contact = world.systems.mautic.contact(1).unwrap();
    assert_eq!((text(&contact, "city"), text(&contact, "country")), ("Leon".into(), String::new()));
    // The same value is not tried again, another one is.
    sent(&world, json!([{ "type": "identify", "userId": "u1", "context": agreed(), "traits": { "country": "Atlantis", "city": "Vigo" } }])).await;
    let told = dealt_with(&mut world, 2).await;
    assert_eq!(text(&told[1], "refused"), "");
    sent(
        &world,
        json!([{ "type": "identify", "userId": "u1", "context": agreed(), "traits": { "country": "ES" } }]),
    )
    .await;
    dealt_with(&mut world, 3).await;
    let contact = world.systems.mautic.contact(1).unwrap();
    assert_eq!((text(&contact, "city"), text(&contact, "country")), ("Vigo".into(), "Spain".into()));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_wait_while_mautic_is_away_and_an_older_one_changes_nothing() {
    let mut world = world(json!({})).await;
    world.systems.mautic.faults().add(Fault::status(503).times(3));
    let said = |second: u32, city: &str| {
        let mut event = identify("u1", &json!({ "email": "jane@example.com", "city": city }));
        event["timestamp"] = json!(at(second));
        event
    };
    sent(&world, json!([said(5, "Leon")])).await;
    dealt_with(&mut world, 1).await;
    assert!(world.told("visitor event waits").iter().any(|line| text(line, "reason") == "unavailable"));
    sent(&world, json!([said(1, "Vigo")])).await;
    dealt_with(&mut world, 2).await;
    let contacts = world.systems.mautic.contacts();
    assert_eq!((contacts.len(), text(&contacts[0], "city")), (1, "Leon".into()));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_mautic_refuses_stop_the_events_and_lose_none() {
    let mut world = world(json!({})).await;
    world.systems.mautic.set_api_enabled(true, false);
    sent(&world, json!([identify("u1", &json!({ "email": "jane@example.com" }))])).await;
    let line = world.until_told("visitor event waits for an administrator", |_| true).await;
    assert_eq!(text(&line, "reason"), "configuration");
    world.systems.mautic.set_api_enabled(true, true);
    dealt_with(&mut world, 1).await;
    assert_eq!(world.systems.mautic.contacts().len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_events_and_the_map_are_the_administrator_s() {
    let table = json!([
        { "kind": "track", "names": ["Order Completed"], "action": "upsert", "stamps": { "last_order": ["order_id"] } },
        { "kind": "identify", "action": "remember" },
    ]);
    let mut world = world(json!({ "events": table, "consent_gate": [], "consent_tag": "" })).await;
    let map = mapping::shipped::find("SignalToMautic")
        .unwrap()
        .xml
        .replace("<OrgfieldName>phone<", "<OrgfieldName>last_order<");
    world.local.store.put_setting("map:SignalToMautic", &map).await.unwrap();
    sent(&world, json!([
        { "type": "identify", "userId": "u1", "traits": { "email": "jane@example.com" } },
        { "type": "track", "userId": "u1", "event": "order_completed", "properties": { "orderId": 4711 } },
    ]))
    .await;
    let (status, answer) = send(&world, "/v1/page", &json!({ "userId": "u1" })).await;
    assert_eq!((status, &answer["dropped"]), (200, &json!(1)), "nobody asked for pages");
    assert_eq!(outcomes(&dealt_with(&mut world, 2).await), ["remembered", "created"]);
    let contact = world.systems.mautic.contact(1).unwrap();
    assert_eq!(
        (text(&contact, "phone"), text(&contact, "email")),
        ("4711".into(), "jane@example.com".into())
    );
    assert!(tags(&shown(&world, 1).await).is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_the_map_needs_are_made_by_the_setup_and_the_doctor_sees_them() {
    let systems = bridge::simulated::start_untouched().await.unwrap();
    let config = with_visitors(systems.config().unwrap()).unwrap();
    let mut world = world_of(BRIDGE, systems, &config, Unusual::default()).await;
    let stack = bridge::stack::Stack::of(&world.local.stack, &std::env::temp_dir()).unwrap();
    let about = |checks: &[bridge::doctor::Check], name: &str| {
        let check = checks.iter().find(|check| check.name == format!("signal:main: {name}"));
        check.map_or_else(|| panic!("{name}: {checks:#?}"), |check| (check.verdict, check.seen.clone()))
    };
    let before = bridge::doctor::examine(&stack).await;
    let (verdict, seen) = about(&before, "map");
    assert!(verdict == bridge::doctor::Verdict::Warning && seen.contains("signal_signup_method"), "{seen}");
    assert_eq!(about(&before, "e-mail").0, bridge::doctor::Verdict::Ok);
    assert_eq!(
        about(&before, "sources: shop").0,
        bridge::doctor::Verdict::Warning,
        "short keys can be guessed"
    );
    let mut setup = bridge::setup::mautic::look(&stack, bridge::setup::Wanted::default()).await.unwrap();
    bridge::setup::mautic::apply(&mut setup).await.unwrap();
    let again = bridge::setup::mautic::look(&stack, bridge::setup::Wanted::default()).await.unwrap();
    assert!(!again.plan.has_work(), "{:#?}", again.plan);
    assert_eq!(about(&bridge::doctor::examine(&stack).await, "map").0, bridge::doctor::Verdict::Ok);
    let mut who = identify("u1", &json!({ "email": "jane@example.com" }));
    who["context"]["campaign"] = json!({ "source": "newsletter" });
    let signed_up =
        json!({ "type": "track", "event": "signup", "userId": "u1", "properties": { "method": "sso" } });
    sent(&world, json!([who, signed_up])).await;
    dealt_with(&mut world, 2).await;
    let contact = world.systems.mautic.contact(1).unwrap();
    assert_eq!(
        (text(&contact, "signal_signup_method"), text(&contact, "utm_source")),
        ("sso".into(), "newsletter".into())
    );
    world.stop().await;
}
