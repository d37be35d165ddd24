//! Who may send, in which wrapper, and what one bad event does to the others.

use std::collections::BTreeMap;

use connector_signal::webhook::{MAX_EVENTS, Received, Refusal, sign};
use connector_signal::{Accepted, SignalPreferences, accept};
use secrecy::SecretString;
use serde_json::{Value as Json, json};

use crate::recorded::secret;

const NOW: &str = "2026-11-21T03:00:00Z";

fn send(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Accepted, Refusal> {
    let headers: BTreeMap<String, &str> =
        headers.iter().map(|(name, value)| (name.to_lowercase(), *value)).collect();
    let header = |name: &str| headers.get(&name.to_lowercase()).copied();
    let now = NOW.parse().unwrap();
    let received = Received { path, header: &header, body, source_ip: "10.0.0.1", now };
    accept(&received, &secret(), &SignalPreferences::default())
}

fn event() -> Json {
    json!({ "type": "identify", "userId": "u1", "traits": { "email": "a@b.example" }, "messageId": "m1" })
}

fn post(path: &str, body: &Json) -> Result<Accepted, Refusal> {
    send(path, &[("authorization", "Bearer wk_test")], body.to_string().as_bytes())
}

#[test]
fn every_documented_way_to_name_a_key_is_taken_and_no_other() {
    let body = event().to_string();
    let source =
        |headers: &[(&str, &str)]| send("/signal", headers, body.as_bytes()).map(|accepted| accepted.source);
    let shop = Ok("shop".to_owned());
    assert_eq!(source(&[("Authorization", "Bearer wk_test")]), shop);
    assert_eq!(source(&[("Authorization", "bearer  other")]), Ok("blog".to_owned()));
    assert_eq!(source(&[("Authorization", "Basic d2tfdGVzdDo=")]), shop, "wk_test as the user");
    assert_eq!(source(&[("Authorization", "Basic d2s6c2VjcmV0")]), shop, "wk:secret");
    assert_eq!(source(&[("X-Write-Key", "wk:secret")]), shop);
    for headers in [
        &[][..],
        &[("Authorization", "Bearer wk_tes")],
        &[("Authorization", "Bearer ")],
        &[("Authorization", "Basic !")],
        &[("Authorization", "Basic d2s6c2VjcmU=")],
        &[("X-Write-Key", "wk")],
    ] {
        assert_eq!(source(headers), Err(Refusal::Unauthorized), "{headers:?}");
    }
}

#[test]
fn a_key_in_the_body_counts_where_no_header_names_one() {
    let mut body = event();
    body["writeKey"] = json!("wk_test");
    let bytes = body.to_string();
    assert_eq!(send("/v1/identify", &[], bytes.as_bytes()).unwrap().source, "shop");
    let wrong = [("authorization", "Bearer wrong")];
    assert_eq!(send("/v1/identify", &wrong, bytes.as_bytes()).unwrap_err(), Refusal::Unauthorized);
    body["writeKey"] = json!("");
    let nobody = send("/v1/identify", &[], body.to_string().as_bytes());
    assert_eq!(nobody.unwrap_err(), Refusal::Unauthorized);
    assert_eq!(send("/v1/identify", &[], b"nonsense").unwrap_err(), Refusal::Unauthorized);
}

#[test]
fn a_signature_holds_for_its_body_and_for_five_minutes() {
    let body = event().to_string();
    let now: jiff::Timestamp = NOW.parse().unwrap();
    let try_at = |milliseconds: i64, secret: &str, signed: &[u8]| {
        let signature = sign(&SecretString::from(secret), milliseconds, signed);
        let time = milliseconds.to_string();
        send("/v1/events", &[("x-signature", &signature), ("x-timestamp", &time)], body.as_bytes())
            .map(|accepted| accepted.source)
    };
    let ms = now.as_millisecond();
    assert_eq!(try_at(ms, "signing-secret", body.as_bytes()), Ok("shop".to_owned()));
    assert_eq!(try_at(ms - 299_000, "signing-secret", body.as_bytes()), Ok("shop".to_owned()));
    for (time, secret, signed) in [
        (ms - 301_000, "signing-secret", body.as_bytes()),
        (ms + 301_000, "signing-secret", body.as_bytes()),
        (ms, "wrong", body.as_bytes()),
        (ms, "signing-secret", b"another body"),
        (ms, "", body.as_bytes()),
    ] {
        assert_eq!(try_at(time, secret, signed), Err(Refusal::Unauthorized));
    }
    let bare = send("/v1/events", &[("x-signature", "sha256=00")], body.as_bytes());
    assert_eq!(bare.unwrap_err(), Refusal::Unauthorized);
}

#[test]
fn every_wrapper_is_opened() {
    let wrappers = [event(), json!([event()]), json!({ "batch": [event()] }), json!({ "events": [event()] })];
    for body in wrappers {
        assert_eq!(post("/signal", &body).unwrap().events.len(), 1, "{body}");
    }
    for body in [json!("x"), json!(1), json!([]), json!({ "batch": [] }), json!({ "batch": "x" }), Json::Null]
    {
        assert_eq!(post("/signal", &body).unwrap_err(), Refusal::NoEvents, "{body}");
    }
    let many = json!({ "batch": vec![event(); MAX_EVENTS + 1] });
    assert_eq!(post("/v1/batch", &many).unwrap_err(), Refusal::TooManyEvents);
    let broken = send("/signal", &[("authorization", "Bearer wk_test")], b"{\"a\":");
    assert_eq!(broken.unwrap_err(), Refusal::NotJson);
}

#[test]
fn the_path_names_the_kind_where_the_event_does_not() {
    let bare = json!({ "userId": "u1", "event": "Signed Up" });
    for (path, kind) in [
        ("/v1/identify", "identify"),
        ("/v1/t", "track"),
        ("/api/s/page", "page"),
        ("/v1/s/", "screen"),
        ("/v1/a", "alias"),
    ] {
        assert_eq!(post(path, &bare).unwrap().events[0].kind.as_str(), kind, "{path}");
    }
    let accepted = post("/signal", &bare).unwrap();
    assert_eq!((accepted.events.len(), accepted.errors.len()), (0, 1));
}

#[test]
fn one_bad_event_sinks_nobody() {
    let huge = json!({ "type": "identify", "userId": "u", "traits": { "x": "y".repeat(70_000) } });
    let body = json!({ "batch": [
        event(), 7, { "type": "track", "userId": "u" }, { "type": "identify", "traits": {} },
        { "type": "dance", "userId": "u" }, huge, { "type": "track", "event": "Order Completed", "userId": "u" },
        { "type": "page", "anonymousId": 12 },
    ] });
    let accepted = post("/v1/batch", &body).unwrap();
    assert_eq!((accepted.events.len(), accepted.unmapped), (2, 1));
    let errors: Vec<_> = accepted.errors.iter().map(|error| error.index).collect();
    assert_eq!(errors, [1, 2, 3, 4, 5]);
}

#[test]
fn a_time_in_the_future_is_the_present_and_a_missing_one_is_that_of_the_batch() {
    let of = |time: Json, sent_at: Json| {
        let mut event = event();
        event["timestamp"] = time;
        let accepted = post("/v1/batch", &json!({ "batch": [event], "sentAt": sent_at })).unwrap();
        accepted.events[0].at.to_string()
    };
    assert_eq!(of(json!("2027-01-01T00:00:00Z"), Json::Null), NOW);
    assert_eq!(of(json!("2026-11-21T03:30:00+02:00"), Json::Null), "2026-11-21T01:30:00Z");
    assert_eq!(of(json!(1_795_227_285_000_i64), Json::Null), "2026-11-21T02:14:45Z");
    assert_eq!(of(json!("yesterday"), json!("2026-11-21T02:00:00Z")), "2026-11-21T02:00:00Z");
    assert_eq!(of(Json::Null, Json::Null), NOW);
}

#[test]
fn neither_errors_nor_debug_show_anybody() {
    let accepted = post("/signal", &event()).unwrap();
    let shown = format!("{accepted:?} {:?}", accepted.events[0].facts);
    assert!(!shown.contains("a@b.example"), "{shown}");
    let stored = serde_json::to_string(&accepted.events[0].user).unwrap();
    assert!(!stored.contains("u1"), "{stored}");
}
