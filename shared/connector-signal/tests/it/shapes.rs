//! What stands in the queue and in the table keeps its shape: old and new functions read each other's.

use connector_signal::webhook::Received;
use connector_signal::{Identity, Known, Person, SignalPreferences, VisitorEvent, accept, note, resolve};
use connector_signal::{Seen, Sent};
use serde_json::{Value as Json, json};

use crate::recorded::secret;

fn event() -> VisitorEvent {
    let sent = json!({ "type": "track", "event": "Signed Up", "userId": "u1", "anonymousId": "b1", "messageId": "m1",
        "timestamp": "2026-11-21T02:00:00Z", "properties": { "method": "sso" },
        "context": { "ip": "203.0.113.50", "traits": { "email": "a@b.example" }, "campaign": { "source": "n" },
            "consent": { "marketing": true } } });
    let header = |name: &str| (name.eq_ignore_ascii_case("authorization")).then_some("Bearer wk_test");
    let (body, now) = (sent.to_string(), "2026-11-21T02:00:01Z".parse().unwrap());
    let received = Received { path: "/signal", header: &header, body: body.as_bytes(), source_ip: "", now };
    accept(&received, &secret(), &SignalPreferences::default()).unwrap().events.remove(0)
}

fn fact(value: &Json) -> Json {
    json!({ "value": value, "at": "2026-11-21T02:00:00Z" })
}

fn facts() -> Json {
    let campaign = json!({ "source": "n", "medium": "", "name": "", "content": "", "term": "", "url": "", "referrer": "" });
    json!({
        "traits": { "email": fact(&json!("a@b.example")), "signal_signup_method": fact(&json!("sso")) },
        "consent": { "marketing": fact(&json!(true)) },
        "first_touch": fact(&campaign),
        "last_touch": fact(&campaign),
        "ip": fact(&json!("203.0.113.50")),
        "seen": "2026-11-21T02:00:00Z",
    })
}

#[test]
fn an_event_in_the_queue() {
    let expected = json!({
        "source": "shop",
        "id": "1dde43fb6c9b8f3ef6e1cdbb2f3de8b9",
        "kind": "track",
        "name": "Signed Up",
        "action": "upsert",
        "user": "shop#user#0b1d0f8b2b6d1a0ff0ddcc5a0c1a1b1e",
        "anonymous": "shop#anonymous#x",
        "at": "2026-11-21T02:00:00Z",
        "received_at": "2026-11-21T02:00:01Z",
        "email": "a@b.example",
        "facts": facts(),
    });
    let mut stored = serde_json::to_value(event()).unwrap();
    for (member, prefix) in [("id", ""), ("user", "shop#user#"), ("anonymous", "shop#anonymous#")] {
        let text = stored[member].as_str().unwrap();
        let digest = text.strip_prefix(prefix).unwrap();
        assert!(digest.len() == 32 && digest.chars().all(|c| c.is_ascii_hexdigit()), "{text}");
        stored[member] = expected[member].clone();
    }
    assert_eq!(stored, expected);
}

#[test]
fn a_person_in_the_table() {
    let mut person = Person::default();
    person.learn(&resolve(&event(), &Known::default()));
    note(&mut person.seen, Seen { status: Some(201), ..Seen::of(&event(), "created") });
    person.sent = Sent { learned: Some(1), tag: Some(true), ..Sent::default() };
    let stored = serde_json::to_value(&person).unwrap();
    assert_eq!(stored["facts"], facts());
    assert_eq!(stored["sent"], json!({ "learned": 1, "fields": {}, "tag": true }));
    assert_eq!((&stored["learned"], stored["identities"].as_array().map(Vec::len)), (&json!(1), Some(2)));
    let seen = &stored["seen"][0];
    assert_eq!(
        (&seen["event"], &seen["outcome"], &seen["status"]),
        (&json!("Signed Up"), &json!("created"), &json!(201))
    );
    assert_eq!(serde_json::from_value::<Person>(stored).unwrap(), person);
}

#[test]
fn what_an_older_function_stored_is_read() {
    assert_eq!(serde_json::from_value::<Person>(json!({})).unwrap(), Person::default());
    assert_eq!(serde_json::from_value::<Identity>(json!({ "facts": {} })).unwrap(), Identity::default());
}
