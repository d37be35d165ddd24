//! Webhooks: signatures, which records a body names, and bodies that nobody should send.

use std::collections::BTreeMap;

use connector_mautic::webhook::{BodyError, Count, Parsed, SignatureError, parse, verify};
use jiff::Timestamp;
use model::{NoticeKind, System};
use proptest::prelude::*;
use secrecy::SecretString;

use crate::recorded::{webhook, webhooks};

const SECRET: &str = "peer-secret-1";

fn secrets() -> Vec<SecretString> {
    vec![SecretString::from(SECRET)]
}

fn system() -> System {
    "mautic:main".parse().unwrap()
}

/// Signs a body as Mautic does, and parses it.
fn received(raw: &[u8]) -> Result<Parsed, BodyError> {
    let signature = sign(raw);
    let verified = verify(&secrets(), Some(&signature), raw).unwrap();
    parse(verified, &system(), "request-1", Timestamp::UNIX_EPOCH)
}

fn sign(raw: &[u8]) -> String {
    use base64::Engine as _;
    use hmac::{KeyInit as _, Mac as _};
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(raw);
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}

/// Id and kind of every notice.
fn noticed(parsed: &Parsed) -> Vec<(&str, NoticeKind)> {
    parsed.notices.iter().map(|n| (n.record.id.as_str(), n.kind)).collect()
}

fn all(items: u64) -> Count {
    Count { items, noticed: items, ignored: 0 }
}

fn none(items: u64) -> Count {
    Count { items, noticed: 0, ignored: items }
}

#[test]
fn every_recorded_webhook_verifies_and_names_its_records_without_a_problem() {
    let recorded = webhooks();
    assert!(recorded.len() >= 40, "{}", recorded.len());
    for webhook in recorded {
        let verified = verify(&secrets(), Some(&webhook.signature), &webhook.raw)
            .unwrap_or_else(|error| panic!("{}: {error}", webhook.name));
        let parsed = parse(verified, &system(), "r", Timestamp::UNIX_EPOCH).unwrap();
        assert!(parsed.problems.is_empty(), "{}: {:?}", webhook.name, parsed.problems);
        assert!(!parsed.test_payload, "{}", webhook.name);
        // The tree says what the stream must have found.
        let tree: BTreeMap<String, Vec<serde_json::Value>> = serde_json::from_slice(&webhook.raw).unwrap();
        let counted: BTreeMap<String, u64> =
            parsed.counted.iter().map(|(k, c)| (k.clone(), c.items)).collect();
        let expected: BTreeMap<String, u64> = tree.iter().map(|(k, v)| (k.clone(), v.len() as u64)).collect();
        assert_eq!(counted, expected, "{}", webhook.name);
        let mut ids = Vec::new();
        for (event, items) in &tree {
            for item in items {
                let id = match event.as_str() {
                    "mautic.lead_post_delete" | "mautic.company_post_delete" => &item["id"],
                    "mautic.company_post_save" => &item["company"]["id"],
                    "mautic.lead_post_save_new"
                    | "mautic.lead_post_save_update"
                    | "mautic.lead_points_change"
                    | "mautic.lead_channel_subscription_changed"
                    | "mautic.lead_company_change" => &item["contact"]["id"],
                    _ => continue,
                };
                ids.push(id.to_string());
            }
        }
        ids.sort();
        ids.dedup();
        let mut found: Vec<String> = parsed.notices.iter().map(|n| n.record.id.clone()).collect();
        found.sort();
        assert_eq!(found, ids, "{}", webhook.name);
    }
}

#[test]
fn a_queued_body_of_five_event_types_gives_one_notice_per_record() {
    let webhook = webhook("five_events__I36-queue_process__1");
    let parsed = received(&webhook.raw).unwrap();
    let found: Vec<_> = parsed.notices.iter().map(|n| (n.record.key(), n.kind)).collect();
    let expected = [
        ("mautic:main#contact#1", NoticeKind::Saved),
        ("mautic:main#company#3", NoticeKind::Saved),
        ("mautic:main#contact#34", NoticeKind::Deleted),
    ];
    assert_eq!(found, expected.map(|(key, kind)| (key.to_owned(), kind)));
    assert_eq!(parsed.counted["mautic.lead_post_save_update"], all(6));
    assert_eq!(parsed.counted["mautic.lead_points_change"], all(1));
    assert_eq!(parsed.counted["mautic.lead_post_save_new"], all(1));
    assert_eq!(parsed.counted["mautic.lead_post_delete"], all(1));
    assert_eq!(parsed.counted["mautic.company_post_save"], all(1));
    let receipts: Vec<_> = parsed.notices.iter().map(|n| n.receipt.as_str()).collect();
    assert_eq!(receipts, ["request-1/0", "request-1/7", "request-1/8"]);
}

#[test]
fn a_merge_tells_of_the_winner_and_of_the_dead_id() {
    let dead = webhook("lead_post_delete__F38-ui_contact_merge__4");
    assert_eq!(noticed(&received(&dead.raw).unwrap()), [("21", NoticeKind::Deleted)]);
    let winner = webhook("lead_post_save_update__F38-ui_contact_merge__2");
    assert_eq!(noticed(&received(&winner.raw).unwrap()), [("20", NoticeKind::Saved)]);
}

#[test]
fn a_body_that_was_changed_on_its_way_is_refused() {
    let webhook = webhook("lead_post_delete__F38-ui_contact_merge__4");
    let mut raw = webhook.raw.clone();
    let position = raw.len() / 2;
    raw[position] ^= 1;
    assert_eq!(verify(&secrets(), Some(&webhook.signature), &raw).unwrap_err(), SignatureError::Mismatch);
    let other = [SecretString::from("other")];
    assert_eq!(verify(&other, Some(&webhook.signature), &webhook.raw).unwrap_err(), SignatureError::Mismatch);
}

#[test]
fn mautics_test_payload_changes_nothing() {
    let after =
        br#"{"mautic.lead_post_save_new":[{"contact":{"id":52}}],"timestamp":"2017-04-19T13:02:08+00:00"}"#;
    let before = br#"{"timestamp":"2017-04-19T13:02:08+00:00","mautic.lead_post_delete":[{"id":26}]}"#;
    for raw in [&after[..], before] {
        let parsed = received(raw).unwrap();
        assert!(parsed.test_payload);
        assert!(parsed.notices.is_empty());
        assert_eq!(parsed.counted.values().map(|c| c.ignored).sum::<u64>(), 1);
    }
}

#[test]
fn events_that_nobody_knows_are_counted_and_the_rest_is_taken() {
    let parsed = received(
        br#"{"plugin.thing":[{"id":1},{"id":2}],"mautic.lead_points_change":[{"contact":{"id":3}}]}"#,
    )
    .unwrap();
    assert_eq!(parsed.counted["plugin.thing"], none(2));
    assert_eq!(noticed(&parsed), [("3", NoticeKind::Saved)]);
}

#[test]
fn shapes_of_other_versions_are_read() {
    let cases: &[(&str, &[(&str, NoticeKind)])] = &[
        (r#"{"mautic.lead_post_save_update":[{"lead":{"id":"7"}}]}"#, &[("7", NoticeKind::Saved)]),
        (
            r#"{"mautic.lead_post_save_update":[{"lead":{"id":7},"contact":{"id":8}}]}"#,
            &[("8", NoticeKind::Saved)],
        ),
        (
            r#"{"mautic.lead_post_save_update":[{"contact":{"id":9,"fields":[]}}]}"#,
            &[("9", NoticeKind::Saved)],
        ),
        (
            r#"{"mautic.lead_post_delete":[{"contact":{"id":null,"tags":[[]]},"id":5}]}"#,
            &[("5", NoticeKind::Deleted)],
        ),
        (r#"{"mautic.lead_post_save_new":{"0":{"contact":{"id":1}}},"mautic.lead_post_delete":7}"#, &[]),
        ("{}", &[]),
    ];
    for (raw, expected) in cases {
        let parsed = received(raw.as_bytes()).unwrap();
        assert_eq!(noticed(&parsed), *expected, "{raw}");
        assert!(parsed.problems.is_empty(), "{raw}");
    }
}

#[test]
fn elements_without_a_usable_id_are_told_and_do_not_stop_the_others() {
    let bad = [
        "null",
        "[]",
        "[[]]",
        "7",
        "\"x\"",
        "{}",
        r#"{"contact":null}"#,
        r#"{"contact":[]}"#,
        r#"{"contact":{}}"#,
        r#"{"contact":{"id":0}}"#,
        r#"{"contact":{"id":-3}}"#,
        r#"{"contact":{"id":1.5}}"#,
        r#"{"contact":{"id":"07"}}"#,
        r#"{"contact":{"id":"1 or 1=1"}}"#,
        r#"{"contact":{"id":{"id":1}}}"#,
        r#"{"contact":{"id":[4]}}"#,
        r#"{"contact":{"id":"999999999999999999999"}}"#,
        r#"{"contact":{"id":true}}"#,
    ];
    for element in bad {
        let raw = format!(r#"{{"mautic.lead_post_save_update":[{element},{{"contact":{{"id":47}}}}]}}"#);
        let parsed = received(raw.as_bytes()).unwrap();
        assert_eq!(noticed(&parsed), [("47", NoticeKind::Saved)], "{element}");
        assert_eq!(parsed.problems.len(), 1, "{element}");
        let count = parsed.counted["mautic.lead_post_save_update"];
        assert_eq!((count.items, count.noticed, count.ignored), (2, 1, 1), "{element}");
    }
}

#[test]
fn problems_name_no_person_and_do_not_grow_without_end() {
    let item = r#"{"contact":{"id":"ana@example.org","email":"ana@example.org"}}"#;
    let raw = format!(r#"{{"mautic.lead_post_save_update":[{}]}}"#, vec![item; 500].join(","));
    let parsed = received(raw.as_bytes()).unwrap();
    assert_eq!(parsed.problems.len(), 21);
    assert_eq!(parsed.problems[20], "and 480 more");
    assert!(!parsed.problems.concat().contains("ana"));
    let keys = received(br#"{"ana@example.org":[{}]}"#).unwrap();
    assert_eq!(keys.counted.keys().collect::<Vec<_>>(), ["other"]);
}

#[test]
fn what_is_no_body_of_a_webhook_is_refused_by_its_reason() {
    for raw in ["", "{", "nonsense", r#"{"a":[}"#, "{} x", "\u{feff}{}", r#"{"a":[{"id":"\ud800"}]}"#] {
        assert!(matches!(received(raw.as_bytes()), Err(BodyError::NotJson { .. })), "{raw}");
    }
    for raw in ["[]", "7", "null", "\"x\"", "[{\"id\":1}]"] {
        assert_eq!(received(raw.as_bytes()), Err(BodyError::NotAnObject), "{raw}");
    }
}

#[test]
fn bytes_that_are_no_text_hurt_only_where_an_id_should_be() {
    let mut raw = br#"{"mautic.lead_post_save_update":[{"contact":{"id":47,"city":"X"},"X":1}]}"#.to_vec();
    for byte in &mut raw {
        if *byte == b'X' {
            *byte = 0xff;
        }
    }
    assert_eq!(noticed(&received(&raw).unwrap()), [("47", NoticeKind::Saved)]);
}

#[test]
fn two_thousand_items_are_two_thousand_notices() {
    let items: Vec<String> = (1..=2_000).map(|id| format!(r#"{{"contact":{{"id":{id}}}}}"#)).collect();
    let raw = format!(r#"{{"mautic.lead_post_save_update":[{}]}}"#, items.join(","));
    let parsed = received(raw.as_bytes()).unwrap();
    assert_eq!(parsed.notices.len(), 2_000);
    let receipts: std::collections::BTreeSet<_> = parsed.notices.iter().map(|n| &n.receipt).collect();
    assert_eq!(receipts.len(), 2_000);
}

#[test]
fn more_items_than_any_mautic_sends_are_refused() {
    let raw = format!(r#"{{"mautic.lead_post_save_update":[{}0]}}"#, "0,".repeat(100_000));
    assert_eq!(received(raw.as_bytes()), Err(BodyError::TooManyItems));
}

#[test]
fn nesting_of_any_depth_is_survived() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    for raw in [
        format!(r#"{{"mautic.lead_post_save_update":[{{"x":{deep},"contact":{{"id":1}}}}]}}"#),
        format!(
            r#"{{"mautic.lead_post_save_update":[{{"contact":{{"id":{deep}}}}},{{"contact":{{"id":1}}}}]}}"#
        ),
        format!(r#"{{"mautic.lead_post_save_update":[{deep},{{"contact":{{"id":1}}}}]}}"#),
    ] {
        assert_eq!(noticed(&received(raw.as_bytes()).unwrap()), [("1", NoticeKind::Saved)]);
    }
    let objects =
        format!("{}1{}", r#"{"mautic.lead_post_save_update":"#.repeat(100_000), "}".repeat(100_000));
    assert!(received(objects.as_bytes()).unwrap().notices.is_empty());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(raw in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = received(&raw);
    }

    #[test]
    fn no_signature_makes_it_panic(signature in ".{0,100}", raw in prop::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(verify(&secrets(), Some(&signature), &raw).is_err());
    }

    #[test]
    fn no_mutilated_body_makes_it_panic_or_invent_an_id(
        which in any::<prop::sample::Index>(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        length in any::<prop::sample::Index>(),
    ) {
        let recorded = webhooks();
        let mut raw = recorded[which.index(recorded.len())].raw.clone();
        for (at, byte) in cuts {
            let at = at.index(raw.len());
            raw[at] = byte;
        }
        raw.truncate(length.index(raw.len()) + 1);
        if let Ok(parsed) = received(&raw) {
            for notice in parsed.notices {
                prop_assert!(notice.record.id.parse::<u64>().unwrap() > 0);
            }
        }
    }

    #[test]
    fn any_json_is_counted_completely(json in any_json()) {
        let raw = serde_json::to_vec(&serde_json::json!({ "mautic.lead_post_save_update": json })).unwrap();
        let parsed = received(&raw).unwrap();
        let expected = json.as_array().map_or(0, Vec::len) as u64;
        let found = parsed.counted.get("mautic.lead_post_save_update").copied().unwrap_or_default();
        prop_assert_eq!(found.items, expected);
        prop_assert_eq!(found.noticed + found.ignored, expected);
    }
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    let name =
        prop_oneof![Just("id".to_owned()), Just("contact".to_owned()), Just("lead".to_owned()), ".{0,4}"];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}
