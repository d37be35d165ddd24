//! Requests that are forged, truncated, written anew, signed for something else or too old are refused by every
//! webhook, leave nothing in any queue, and are told nothing of use; a replayed one is taken and changes nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bridge::simulated::{
    SAMPLE_ACCESS_KEY, SAMPLE_CLIENT_SECRET, SAMPLE_KEYS, SAMPLE_SECRETS, SAMPLE_SIGNING_SECRET,
    SAMPLE_WRITE_KEY, with_visitors,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use scenarios::{Unusual, World, simulators, text, world_of};
use serde_json::{Value, json};
use sha2::Sha256;
use simulators::hubspot::{HubSpotOptions, Kind};
use simulators::wordpress::WordPressOptions;

use crate::BRIDGE;

/// A request to a webhook.
#[derive(Clone)]
struct Asked {
    function: &'static str,
    headers: Vec<(&'static str, String)>,
    body: String,
}

fn mac(secret: &str, signed: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(signed);
    mac.finalize().into_bytes().to_vec()
}

/// All systems and two sources of visitors; nobody reads the queues.
async fn world() -> World {
    let mut systems = simulators().await;
    systems.add_hubspot(HubSpotOptions::default()).await.unwrap();
    systems.add_wordpress(WordPressOptions::default(), None).await.unwrap();
    let config = with_visitors(systems.config().unwrap()).unwrap();
    let batch = "BatchSize: 10\n";
    let template = bridge::local::TEMPLATE;
    let edits = [batch, "BatchSize: 10 # The most"].into_iter().filter(|text| template.contains(text));
    let unread = |text: &str| (text.to_owned(), format!("Enabled: false\n            {text}"));
    let unusual = Unusual { template_edits: edits.map(unread).collect(), ..Unusual::default() };
    world_of(BRIDGE, systems, &config, unusual).await
}

fn address(world: &World, function: &str) -> String {
    match function {
        "webhook-signal" => world.local.webhook_url("webhook-mautic").replace("/webhooks/mautic", "/signal"),
        other => world.local.webhook_url(other),
    }
}

async fn ask(world: &World, asked: &Asked) -> (u16, String) {
    let mut request = reqwest::Client::new().post(address(world, asked.function));
    request = request.header("content-type", "application/json");
    for (name, value) in &asked.headers {
        request = request.header(*name, value);
    }
    let answer = request.body(asked.body.clone()).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

fn waiting(world: &World) -> usize {
    let queues = world.local.stack.status().queues;
    queues.values().map(|queue| queue.visible + queue.in_flight + queue.delayed).sum()
}

fn mautic(secret: &str, body: &str) -> Asked {
    let signature = STANDARD.encode(mac(secret, body.as_bytes()));
    Asked {
        function: "webhook-mautic",
        headers: vec![("webhook-signature", signature)],
        body: body.to_owned(),
    }
}

fn hubspot(world: &World, secret: &str, body: &str, age_ms: i64) -> Asked {
    let url = address(world, "webhook-hubspot").replacen("http://", "https://", 1);
    let sent = sync::Clock::now(&aws::SystemClock).as_millisecond() - age_ms;
    let signature = STANDARD.encode(mac(secret, format!("POST{url}{body}{sent}").as_bytes()));
    let headers =
        vec![("x-hubspot-signature-v3", signature), ("x-hubspot-request-timestamp", sent.to_string())];
    Asked { function: "webhook-hubspot", headers, body: body.to_owned() }
}

fn corebos(key: &str, body: &str) -> Asked {
    let headers = vec![("x-bridge-key", key.to_owned())];
    Asked { function: "webhook-corebos", headers, body: body.to_owned() }
}

fn campaign(key: &str, body: &str) -> Asked {
    let headers = vec![("x-bridge-key", key.to_owned())];
    Asked { function: "webhook-campaign", headers, body: body.to_owned() }
}

/// How a webhook refuses a stranger. Mautic shows the status of a campaign action that failed.
fn refusal(asked: &Asked) -> u16 {
    if asked.function == "webhook-campaign" { 403 } else { 401 }
}

fn signal(secret: &str, body: &str, age_ms: i64) -> Asked {
    let sent = sync::Clock::now(&aws::SystemClock).as_millisecond() - age_ms;
    let signature = connector_signal::webhook::sign(&secret.to_owned().into(), sent, body.as_bytes());
    let headers = vec![("x-signature", signature), ("x-timestamp", sent.to_string())];
    Asked { function: "webhook-signal", headers, body: body.to_owned() }
}

/// The same JSON in other bytes: what a proxy makes of a body that it reads and writes again.
fn written_anew(asked: &Asked) -> Asked {
    let json: Value = serde_json::from_str(&asked.body).unwrap();
    Asked { body: serde_json::to_string_pretty(&json).unwrap(), ..asked.clone() }
}

fn truncated(asked: &Asked) -> Asked {
    Asked { body: asked.body[..asked.body.len() - 7].to_owned(), ..asked.clone() }
}

/// What comes after the genuine one: somebody else's record under the same signature.
fn altered(asked: &Asked) -> Asked {
    Asked { body: asked.body.replace('7', "8"), ..asked.clone() }
}

fn unsigned(asked: &Asked) -> Asked {
    Asked { headers: Vec::new(), ..asked.clone() }
}

const MAUTIC: &str = r#"{"mautic.lead_post_save_new":[{"contact":{"id":7}}]}"#;
const HUBSPOT: &str =
    r#"[{"eventId":7,"subscriptionType":"contact.creation","objectId":777,"occurredAt":1795228130000}]"#;
const COREBOS: &str = r#"{"event":"save","module":"Contacts","id":"12x7"}"#;
const CAMPAIGN: &str = r#"{"wpf_action":"add","contact_id":"7"}"#;
const SIGNAL: &str =
    r#"{"type":"identify","userId":"u-7","messageId":"m-7","traits":{"email":"eva7@example.org"}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn no_webhook_takes_what_is_forged_truncated_written_anew_or_too_old() {
    let world = world().await;
    let minute = 60_000;
    let genuine = [
        mautic(SAMPLE_SECRETS[0], MAUTIC),
        hubspot(&world, SAMPLE_CLIENT_SECRET, HUBSPOT, 0),
        signal(SAMPLE_SIGNING_SECRET, SIGNAL, 0),
    ];
    let mut forged: Vec<(&str, Asked)> = Vec::new();
    for asked in &genuine {
        forged.push(("without a signature", unsigned(asked)));
        forged.push(("truncated", truncated(asked)));
        forged.push(("written anew", written_anew(asked)));
        forged.push(("altered", altered(asked)));
    }
    let old = hubspot(&world, SAMPLE_CLIENT_SECRET, HUBSPOT, 6 * minute);
    let mut moved = old.clone();
    moved.headers[1].1 = hubspot(&world, "x", HUBSPOT, 0).headers[1].1.clone();
    forged.extend([
        ("another secret", mautic("not-the-secret", MAUTIC)),
        ("another secret", hubspot(&world, "not-the-secret", HUBSPOT, 0)),
        ("six minutes old", old),
        ("old, under a new time", moved),
        ("six minutes ahead", hubspot(&world, SAMPLE_CLIENT_SECRET, HUBSPOT, -6 * minute)),
        ("another secret", signal("not-the-secret", SIGNAL, 0)),
        ("six minutes old", signal(SAMPLE_SIGNING_SECRET, SIGNAL, 6 * minute)),
        ("six minutes ahead", signal(SAMPLE_SIGNING_SECRET, SIGNAL, -6 * minute)),
        ("without its time", {
            let mut asked = signal(SAMPLE_SIGNING_SECRET, SIGNAL, 0);
            asked.headers.truncate(1);
            asked
        }),
        ("no key", unsigned(&corebos("", COREBOS))),
        ("another key", corebos("not-the-key", COREBOS)),
        ("a part of the key", corebos(&SAMPLE_KEYS[0][1..], COREBOS)),
        ("the key and more", corebos(&format!("{}x", SAMPLE_KEYS[0]), COREBOS)),
        ("an empty key", corebos("", COREBOS)),
        ("no key", unsigned(&campaign("", CAMPAIGN))),
        ("another key", campaign("not-the-key", CAMPAIGN)),
        ("a part of the key", campaign(&SAMPLE_ACCESS_KEY[1..], CAMPAIGN)),
        ("the key and more", campaign(&format!("{SAMPLE_ACCESS_KEY}x"), CAMPAIGN)),
        ("an empty key", campaign("", CAMPAIGN)),
        ("the key of another webhook", campaign(SAMPLE_KEYS[0], CAMPAIGN)),
        ("the key of another webhook", corebos(SAMPLE_ACCESS_KEY, COREBOS)),
    ]);
    for (how, asked) in &forged {
        let (status, answer) = ask(&world, asked).await;
        assert_eq!(status, refusal(asked), "{} {how}: {answer}", asked.function);
        for secret in [
            SAMPLE_SECRETS[0],
            SAMPLE_CLIENT_SECRET,
            SAMPLE_SIGNING_SECRET,
            SAMPLE_KEYS[0],
            SAMPLE_WRITE_KEY,
            SAMPLE_ACCESS_KEY,
        ] {
            assert!(!answer.contains(secret), "{} {how}: {answer}", asked.function);
        }
        // Nor the signature that would have been right, with which the next one could be forged.
        for right in genuine.iter().flat_map(|asked| &asked.headers).map(|(_, value)| value) {
            assert!(!answer.contains(right.as_str()), "{} {how}: {answer}", asked.function);
        }
        assert_eq!(waiting(&world), 0, "{} {how}", asked.function);
    }
    // What was forged is refused for that, and for nothing else.
    let keyed = [corebos(SAMPLE_KEYS[0], COREBOS), campaign(SAMPLE_ACCESS_KEY, CAMPAIGN)];
    for (number, asked) in genuine.iter().chain(&keyed).enumerate() {
        let (status, answer) = ask(&world, asked).await;
        assert_eq!(status, 200, "{}: {answer}", asked.function);
        assert!(waiting(&world) > number, "{}: {answer}", asked.function);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_request_is_taken_and_changes_nothing() {
    let mut systems = simulators().await;
    systems.add_hubspot(HubSpotOptions::default()).await.unwrap();
    systems.add_wordpress(WordPressOptions::default(), None).await.unwrap();
    let config = with_visitors(systems.config().unwrap()).unwrap();
    let mut world = world_of(BRIDGE, systems, &config, Unusual::default()).await;
    let url = world.local.webhook_url("webhook-corebos");
    world.systems.point_workflows_at(&url).await.unwrap();
    let (id, hub) = world.linked_contact(&json!({ "lastname": "Once", "email": "once@example.org" })).await;
    world.systems.corebos.edit(&hub, &json!({ "hubspotsyncwith": "1" })).await.unwrap();
    let remote = world.hubspot_record_of(Kind::Contact, &hub).await;
    world.until_field(&hub, "hubspotid", &remote).await;
    world.quiet().await;
    let told = format!(r#"{{"mautic.lead_post_save_update":[{{"contact":{{"id":{id}}}}}]}}"#);
    let change = format!(
        r#"[{{"eventId":9,"subscriptionType":"contact.propertyChange","propertyName":"city","objectId":{remote},"occurredAt":1795228130000}}]"#
    );
    let visit = json!({ "type": "identify", "userId": "u-1", "messageId": "m-1", "traits": { "email": "visitor@example.org" },
        "context": { "consent": { "canonical": { "marketing": true } }, "ip": "203.0.113.50" } });
    let command = format!(r#"{{"wpf_action":"add","contact_id":"{id}"}}"#);
    let once = [signal(SAMPLE_SIGNING_SECRET, &visit.to_string(), 0), campaign(SAMPLE_ACCESS_KEY, &command)];
    for asked in &once {
        let (status, answer) = ask(&world, asked).await;
        assert_eq!(status, 200, "{}: {answer}", asked.function);
        world.quiet().await;
    }
    let [visit, command] = once;
    let replayed = [
        visit,
        command,
        hubspot(&world, SAMPLE_CLIENT_SECRET, &change, 0),
        mautic(SAMPLE_SECRETS[0], &told),
        corebos(SAMPLE_KEYS[0], &format!(r#"{{"event":"save","module":"Contacts","id":"{hub}"}}"#)),
    ];
    let effects = |world: &World| {
        (world.corebos_writes(), world.mautic_writes(), world.hubspot_writes(), world.site_writes())
    };
    let before = effects(&world);
    assert!(before.3 > 0, "the campaign has made a user");
    for asked in replayed.iter().chain(&replayed).chain(&replayed) {
        let (status, answer) = ask(&world, asked).await;
        assert_eq!(status, 200, "{}: {answer}", asked.function);
    }
    world.quiet().await;
    assert_eq!(effects(&world), before);
    assert_eq!(text(&world.systems.corebos.record(&hub).unwrap(), "lastname"), "Once");
    world.stop().await;
}
