//! What holds for anything that anybody could send.

use connector_signal::facts::MOST_TRAITS;
use connector_signal::webhook::Received;
use connector_signal::{Fact, Facts, SignalPreferences, accept};
use jiff::Timestamp;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::recorded::secret;

fn any_json() -> impl Strategy<Value = Json> {
    let names = prop_oneof![
        Just("type"),
        Just("userId"),
        Just("anonymousId"),
        Just("traits"),
        Just("context"),
        Just("campaign"),
        Just("consent"),
        Just("canonical"),
        Just("marketing"),
        Just("page"),
        Just("url"),
        Just("email"),
        Just("ip"),
        Just("timestamp"),
        Just("batch"),
        Just("event"),
        Just("properties"),
        Just("address"),
        Just("name"),
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        ".{0,12}".prop_map(Json::from),
        Just(json!("identify")),
        Just(json!("track")),
        Just(json!("a@b.example")),
        Just(json!("Signed Up")),
    ];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Json::from),
            btree_map(names.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

fn take(body: &[u8]) -> Option<usize> {
    let header = |name: &str| (name.eq_ignore_ascii_case("authorization")).then_some("Bearer wk_test");
    let now = Timestamp::UNIX_EPOCH;
    let received = Received { path: "/signal", header: &header, body, source_ip: "", now };
    let accepted = accept(&received, &secret(), &SignalPreferences::default()).ok()?;
    for event in &accepted.events {
        assert!(event.user.is_some() || event.anonymous.is_some() || event.email.is_some());
        assert!(event.at <= now && event.facts.traits.len() <= MOST_TRAITS);
        let text = serde_json::to_string(event).unwrap();
        assert!(text.len() < 200 * 1024, "a message of a queue has 256 KB at most");
        assert_eq!(serde_json::from_str::<connector_signal::VisitorEvent>(&text).unwrap(), *event);
    }
    Some(accepted.events.len() + accepted.unmapped + accepted.errors.len())
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let at = || (0_i64..6).prop_map(|second| Timestamp::from_second(second).unwrap());
    let text = (at(), "[ab]{1,2}").prop_map(|(at, value)| Fact::new(value, at));
    let answer = (at(), any::<bool>()).prop_map(|(at, value)| Fact::new(value, at));
    let touch = (at(), "[ab]").prop_map(|(at, source)| {
        Fact::new(connector_signal::Campaign { source, ..connector_signal::Campaign::default() }, at)
    });
    (
        btree_map("[a-d]", text.clone(), 0..4),
        btree_map("[mn]", answer, 0..3),
        proptest::option::of(touch.clone()),
        proptest::option::of(touch),
        proptest::option::of(text),
        proptest::option::of(at()),
    )
        .prop_map(|(traits, consent, first_touch, last_touch, ip, seen)| Facts {
            traits,
            consent,
            first_touch,
            last_touch,
            ip,
            seen,
        })
}

fn merged(facts: &[&Facts]) -> Facts {
    let mut all = Facts::default();
    for facts in facts {
        all.merge(facts);
    }
    all
}

proptest! {
    #[test]
    fn any_bytes_are_events_or_an_error(body in vec(any::<u8>(), 0..200)) {
        take(&body);
    }

    #[test]
    fn any_packed_bytes_are_events_or_an_error(rest in vec(any::<u8>(), 0..200)) {
        take(&[&[0x1f, 0x8b, 8, 0], rest.as_slice()].concat());
    }

    #[test]
    fn any_json_is_events_or_an_error(body in any_json()) {
        let count = take(body.to_string().as_bytes());
        if let Json::Array(list) = &body {
            prop_assert_eq!(count, (!list.is_empty()).then_some(list.len()), "each element is told about");
        }
    }

    #[test]
    fn the_order_in_which_facts_arrive_does_not_matter(a in any_facts(), b in any_facts(), c in any_facts()) {
        let all = merged(&[&a, &b, &c]);
        for order in [[&a, &c, &b], [&b, &a, &c], [&b, &c, &a], [&c, &a, &b], [&c, &b, &a]] {
            prop_assert_eq!(&merged(&order), &all);
        }
        let mut again = all.clone();
        prop_assert!(!again.merge(&a) && !again.merge(&all), "nothing is new the second time");
        prop_assert_eq!(&again, &all);
        let mut grouped = merged(&[&b, &c]);
        grouped.merge(&a);
        prop_assert_eq!(&grouped, &all);
    }

    #[test]
    fn an_older_fact_never_stands_against_a_newer_one(a in any_facts(), b in any_facts()) {
        let all = merged(&[&a, &b]);
        for facts in [&a, &b] {
            for (name, fact) in &facts.traits {
                prop_assert!(all.traits[name].at >= fact.at);
            }
            for (name, fact) in &facts.consent {
                prop_assert!(all.consent[name].at >= fact.at);
            }
        }
    }
}
