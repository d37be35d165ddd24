//! Every recorded request of a real client is taken, and its events say what the client was told to say.

use std::io::Write as _;

use connector_signal::webhook::Received;
use connector_signal::{Accepted, Action, EventKind, SignalPreferences, SignalSecret, VisitorEvent, accept};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value as Json, json};

fn recorded(name: &str) -> Json {
    let file = format!("{}/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    serde_json::from_str(&text).unwrap()
}

pub(crate) fn secret() -> SignalSecret {
    let secret = json!({ "sources": {
        "shop": { "keys": ["wk_test", "wk:secret"], "hmac_secrets": ["signing-secret"] },
        "blog": { "keys": ["other"] },
    } });
    serde_json::from_value(secret).unwrap()
}

/// Sends the recorded request again, byte for byte as the client's library packed it.
fn replay(name: &str, preferences: &SignalPreferences) -> Accepted {
    let exchange = recorded(name);
    let request = &exchange["request"];
    let mut body = request["body"].to_string().into_bytes();
    if request["content_encoding"] == "gzip" {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&body).unwrap();
        body = encoder.finish().unwrap();
    }
    let headers = request["headers"].as_object().unwrap();
    let header = |wanted: &str| {
        let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.and_then(|(_, value)| value.as_str())
    };
    let received = Received {
        path: request["path"].as_str().unwrap(),
        header: &header,
        body: &body,
        source_ip: "198.51.100.7",
        now: "2026-11-21T03:00:00Z".parse().unwrap(),
    };
    accept(&received, &secret(), preferences).unwrap_or_else(|refusal| panic!("{name}: {refusal}"))
}

fn kinds(events: &[VisitorEvent]) -> Vec<EventKind> {
    events.iter().map(|event| event.kind).collect()
}

fn text<'a>(event: &'a VisitorEvent, name: &str) -> &'a str {
    event.facts.text(name).unwrap_or_default()
}

#[test]
fn every_recorded_client_is_understood() {
    use EventKind::{Alias, Identify, Page, Screen, Track};
    let rows: [(&str, &[EventKind]); 11] = [
        ("segment-node-001", &[Identify, Track, Page, Alias, Screen]),
        ("segment-python-007", &[Identify, Track, Page]),
        ("segment-browser-022", &[Identify]),
        ("segment-browser-023", &[Track]),
        ("segment-browser-024", &[Page]),
        ("rudder-node-002", &[Identify]),
        ("rudder-node-003", &[Track, Page]),
        ("rudder-python-008", &[Identify, Track]),
        ("jitsu-node-004", &[Identify]),
        ("jitsu-node-005", &[Track]),
        ("jitsu-node-006", &[Page]),
    ];
    for (name, expected) in rows {
        let accepted = replay(name, &SignalPreferences::default());
        assert_eq!(kinds(&accepted.events), expected, "{name}");
        assert_eq!((accepted.source.as_str(), accepted.errors.len()), ("shop", 0), "{name}");
        let mut ids: Vec<&str> = accepted.events.iter().map(|event| event.id.as_str()).collect();
        ids.dedup();
        assert_eq!(ids.len(), expected.len(), "{name}");
        for event in &accepted.events {
            assert!(event.user.is_some() && event.at.to_string().starts_with("2026-11-21T02:1"), "{name}");
        }
    }
}

#[test]
fn an_identify_tells_who_and_where() {
    let accepted = replay("segment-node-001", &SignalPreferences::default());
    assert_eq!(accepted.unmapped, 1, "the group event");
    let event = &accepted.events[0];
    assert_eq!(event.email.as_deref(), Some("jane.doe@example.com"));
    let rows = [
        ("first_name", "Jane"),
        ("last_name", "Doe"),
        ("phone", "+44 7700 900123"),
        ("company", "ACME"),
        ("city", "London"),
        ("state", "LDN"),
        ("postal_code", "N1"),
        ("country", "GB"),
    ];
    for (name, value) in rows {
        assert_eq!(text(event, name), value);
    }
    let touch = event.facts.last_touch.as_ref().unwrap();
    assert_eq!((touch.value.source.as_str(), touch.value.name.as_str()), ("newsletter", "june"));
    assert_eq!(event.facts.ip.as_ref().unwrap().value, "203.0.113.50");
    assert!(event.facts.consent["marketing"].value);
    assert!(event.anonymous.is_some() && event.action == Action::Upsert);
}

#[test]
fn stamps_are_taken_from_properties() {
    assert_eq!(
        text(&replay("segment-browser-023", &SignalPreferences::default()).events[0], "signal_signup_method"),
        "email"
    );
    let accepted = replay("segment-python-007", &SignalPreferences::default());
    assert_eq!(text(&accepted.events[1], "signal_lead_source"), "webinar");
    assert_eq!(accepted.events[1].email.as_deref(), Some("jane.doe@example.com"), "from context.traits");
    assert!(!accepted.events[0].facts.consent["marketing"].value, "a withdrawal");
    assert_eq!(accepted.events[2].email, None, "the page call of this client repeats no traits");
}

#[test]
fn a_browser_sends_its_campaign_and_a_server_never_its_own_address() {
    let mut preferences = SignalPreferences::default();
    let accepted = replay("segment-browser-024", &preferences);
    let touch = accepted.events[0].facts.last_touch.as_ref().unwrap();
    assert_eq!((touch.value.medium.as_str(), touch.value.name.as_str()), ("email", "june"));
    assert_eq!(accepted.events[0].facts.ip, None, "the source is not one of browsers");
    preferences.sources =
        serde_json::from_value(json!({ "shop": { "browser_origins": ["https://shop.example.com"] } }))
            .unwrap();
    let accepted = replay("segment-browser-024", &preferences);
    assert_eq!(accepted.events[0].facts.ip.as_ref().unwrap().value, "198.51.100.7");
}

#[test]
fn a_client_that_repeats_sends_the_same_ids() {
    let ids = |name: &str| {
        replay(name, &SignalPreferences::default())
            .events
            .into_iter()
            .map(|event| event.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("segment-node-001"), ids("segment-node-001"));
    assert_ne!(ids("jitsu-node-004"), ids("jitsu-node-005"));
}
