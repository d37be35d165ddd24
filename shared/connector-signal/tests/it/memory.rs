//! The memory: who is who, whatever the order in which events arrive.

use std::collections::BTreeMap;

use connector_signal::webhook::Received;
use connector_signal::{
    Decision, Identity, IdentityKey, Known, Person, Reason, Resolved, SignalPreferences, VisitorEvent,
    accept, decide, person_key, resolve,
};
use jiff::Timestamp;
use model::{ObjectName, RecordRef};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::recorded::secret;

/// The table, in memory.
#[derive(Debug, Default)]
struct Memory {
    identities: BTreeMap<IdentityKey, Identity>,
    people: BTreeMap<String, Person>,
}

impl Memory {
    fn take(&mut self, event: &VisitorEvent) -> Resolved {
        let find = |key: &IdentityKey| self.identities.get(key).cloned();
        let anonymous = event.anonymous.as_ref().and_then(find);
        let owner =
            anonymous.as_ref().filter(|_| event.user.is_none()).and_then(|browser| browser.user.clone());
        let known = Known {
            user: event.user.as_ref().and_then(find),
            owner: owner.map(|fact| (fact.value.clone(), find(&fact.value).unwrap_or_default())),
            previous: event.previous.iter().filter_map(|key| Some((key.clone(), find(key)?))).collect(),
            anonymous,
        };
        let resolved = resolve(event, &known);
        for (key, identity) in &resolved.identities {
            self.identities.insert(key.clone(), identity.clone());
        }
        if let Some(email) = &resolved.email {
            self.people.entry(person_key(email)).or_default().learn(&resolved);
        }
        resolved
    }

    fn person(&self, email: &str) -> &Person {
        &self.people[&person_key(email)]
    }
}

fn at(second: i64) -> String {
    Timestamp::from_second(1_795_227_000 + second).unwrap().to_string()
}

fn event(second: i64, mut sent: Json) -> VisitorEvent {
    sent["timestamp"] = json!(at(second));
    sent["messageId"] = json!(format!("m{second}"));
    let header = |name: &str| (name.eq_ignore_ascii_case("authorization")).then_some("Bearer wk_test");
    let body = sent.to_string();
    let now = at(100_000).parse().unwrap();
    let received = Received { path: "/signal", header: &header, body: body.as_bytes(), source_ip: "", now };
    let accepted = accept(&received, &secret(), &SignalPreferences::default()).unwrap();
    accepted.events.into_iter().next().unwrap_or_else(|| panic!("not taken: {sent}"))
}

fn identify(second: i64, user: &str, traits: &Json) -> VisitorEvent {
    event(second, json!({ "type": "identify", "userId": user, "traits": traits }))
}

fn page(second: i64, ids: &Json, source: &str) -> VisitorEvent {
    let mut sent = json!({ "type": "page", "context": { "campaign": { "source": source } } });
    sent.as_object_mut().unwrap().extend(ids.as_object().unwrap().clone());
    event(second, sent)
}

#[test]
fn what_a_browser_did_before_belongs_to_who_signs_in_there() {
    let mut memory = Memory::default();
    memory.take(&page(1, &json!({ "anonymousId": "b1" }), "first"));
    memory.take(&event(2, json!({ "type": "identify", "userId": "u1", "anonymousId": "b1", "traits": { "email": "A@b.example" } })));
    let resolved = memory.take(&page(3, &json!({ "anonymousId": "b1" }), "last"));
    assert_eq!(resolved.email.as_deref(), Some("a@b.example"), "the browser is known now");
    let person = memory.person("a@b.example");
    let touches = (&person.facts.first_touch, &person.facts.last_touch);
    let (Some(first), Some(last)) = touches else { panic!("no campaign") };
    assert_eq!((first.value.source.as_str(), last.value.source.as_str()), ("first", "last"));
    assert_eq!(person.identities.len(), 2);
}

#[test]
fn two_people_at_one_computer_are_two_people() {
    let mut memory = Memory::default();
    let both = |second, user: &str, traits: Json| {
        event(second, json!({ "type": "identify", "userId": user, "anonymousId": "b1", "traits": traits }))
    };
    memory.take(&page(1, &json!({ "anonymousId": "b1" }), "first"));
    memory.take(&both(2, "ana", json!({ "email": "ana@b.example", "city": "Leon" })));
    memory.take(&both(3, "ben", json!({ "email": "ben@b.example" })));
    memory.take(&page(4, &json!({ "anonymousId": "b1" }), "last"));
    let (ana, ben) = (memory.person("ana@b.example"), memory.person("ben@b.example"));
    assert_eq!((ana.facts.text("city"), ben.facts.text("city")), (Some("Leon"), None));
    assert_eq!(ana.facts.last_touch.as_ref().unwrap().value.source, "first");
    assert_eq!(ben.facts.last_touch.as_ref().unwrap().value.source, "last");
    assert_eq!(ben.facts.first_touch.as_ref().unwrap().value.source, "last");
}

#[test]
fn an_alias_brings_the_past_of_the_old_id_along() {
    let mut memory = Memory::default();
    memory.take(&identify(1, "old", &json!({ "email": "a@b.example", "plan": "pro" })));
    memory.take(&event(2, json!({ "type": "alias", "previousId": "old", "userId": "new" })));
    let resolved = memory.take(&page(3, &json!({ "userId": "new" }), "x"));
    assert_eq!(resolved.email.as_deref(), Some("a@b.example"));
    assert_eq!(memory.people.len(), 1);
}

#[test]
fn a_new_address_is_another_person_and_the_old_one_keeps_what_it_was_told() {
    let mut memory = Memory::default();
    memory.take(&identify(1, "u1", &json!({ "email": "old@b.example", "city": "Leon" })));
    memory.take(&identify(3, "u1", &json!({ "email": "new@b.example" })));
    let late = memory.take(&identify(2, "u1", &json!({ "email": "old@b.example", "plan": "pro" })));
    assert_eq!(late.email.as_deref(), Some("old@b.example"));
    assert_eq!(memory.person("old@b.example").facts.text("plan"), Some("pro"));
    assert_eq!(memory.person("new@b.example").facts.text("email"), Some("new@b.example"));
    let next = memory.take(&page(4, &json!({ "userId": "u1" }), "x"));
    assert_eq!(
        next.email.as_deref(),
        Some("new@b.example"),
        "a late event does not bring the old address back"
    );
}

fn marketing(answer: &Json) -> Json {
    json!({ "type": "page", "userId": "u1", "context": { "consent": { "canonical": { "marketing": answer } } } })
}

fn decision(memory: &Memory, event: &VisitorEvent, preferences: &SignalPreferences) -> Decision {
    decide(event, memory.person("a@b.example"), preferences, at(200).parse().unwrap())
}

fn know(memory: &mut Memory, tag: Option<bool>) {
    let person = memory.people.get_mut(&person_key("a@b.example")).unwrap();
    let system = "mautic:main".parse().unwrap();
    person.sent.contact = Some(RecordRef::new(&system, &ObjectName::new("contact"), "7"));
    person.sent.tag = tag;
    person.sent.at = Some(at(199).parse().unwrap());
    person.sent.learned = Some(person.learned);
    person.sent.campaign = person.facts.last_touch.as_ref().map(|touch| touch.value.clone());
}

#[test]
fn the_gate_lets_through_who_agreed_and_a_withdrawal_always_reaches_a_contact() {
    let (gate, open) = (
        SignalPreferences::default(),
        SignalPreferences { consent_gate: Vec::new(), ..SignalPreferences::default() },
    );
    let mut memory = Memory::default();
    let identified = identify(1, "u1", &json!({ "email": "a@b.example" }));
    memory.take(&identified);
    assert_eq!(decision(&memory, &identified, &gate), Decision::Nothing(Reason::Consent), "nobody asked");
    assert_eq!(decision(&memory, &identified, &open), Decision::Upsert { tag: None });

    let granted = event(2, marketing(&json!(true)));
    memory.take(&granted);
    for preferences in [&gate, &open] {
        assert_eq!(decision(&memory, &granted, preferences), Decision::Upsert { tag: Some(true) });
    }
    know(&mut memory, Some(true));

    let denied = event(4, marketing(&json!("denied")));
    memory.take(&denied);
    assert_eq!(decision(&memory, &denied, &gate), Decision::Withdraw);
    assert_eq!(decision(&memory, &denied, &open), Decision::Upsert { tag: Some(false) });
    let late = event(3, marketing(&json!(true)));
    memory.take(&late);
    assert_eq!(
        decision(&memory, &late, &gate),
        Decision::Withdraw,
        "an older yes says nothing against a newer no"
    );
    know(&mut memory, Some(false));
    assert_eq!(decision(&memory, &denied, &gate), Decision::Nothing(Reason::Consent), "once is enough");
}

#[test]
fn who_refuses_is_looked_for_once_since_mautic_may_know_what_we_have_forgotten() {
    let mut memory = Memory::default();
    memory.take(&identify(1, "u1", &json!({ "email": "a@b.example" })));
    let denied = event(2, marketing(&json!(false)));
    memory.take(&denied);
    let gate = SignalPreferences::default();
    assert_eq!(decision(&memory, &denied, &gate), Decision::Withdraw);
    know(&mut memory, Some(false));
    assert_eq!(decision(&memory, &denied, &gate), Decision::Nothing(Reason::Consent));
    let untagged = SignalPreferences { consent_tag: String::new(), ..gate };
    memory.people.values_mut().for_each(|person| person.sent.tag = None);
    assert_eq!(decision(&memory, &denied, &untagged), Decision::Nothing(Reason::Consent));
}

#[test]
fn a_visit_alone_is_told_once_in_a_while_and_anything_new_at_once() {
    let open = SignalPreferences { consent_gate: Vec::new(), ..SignalPreferences::default() };
    let mut memory = Memory::default();
    memory.take(&identify(1, "u1", &json!({ "email": "a@b.example" })));
    let first = page(2, &json!({ "userId": "u1" }), "a");
    memory.take(&first);
    know(&mut memory, None);
    let again = page(3, &json!({ "userId": "u1" }), "a");
    memory.take(&again);
    let mut same = page(4, &json!({ "userId": "u1" }), "a");
    same.facts.first_touch = None;
    same.facts.last_touch = None;
    let resolved = memory.take(&same);
    assert!(!resolved.changed, "a visit is nothing new");
    know(&mut memory, None);
    memory.take(&same);
    assert_eq!(decision(&memory, &same, &open), Decision::Nothing(Reason::Throttled));
    let later = decide(&same, memory.person("a@b.example"), &open, at(199 + 15 * 60).parse().unwrap());
    assert_eq!(later, Decision::Upsert { tag: None });
    let other = page(5, &json!({ "userId": "u1" }), "b");
    memory.take(&other);
    assert_eq!(decision(&memory, &other, &open), Decision::Upsert { tag: None }, "another campaign");
}

/// The events of one visitor: pages of a browser, an identify without it, one event that joins both, a later identify.
fn one_visitor() -> Vec<VisitorEvent> {
    vec![
        page(1, &json!({ "anonymousId": "b1" }), "first"),
        identify(2, "u1", &json!({ "email": "a@b.example", "first_name": "Jane", "city": "Leon" })),
        page(3, &json!({ "userId": "u1", "anonymousId": "b1" }), "second"),
        event(
            4,
            json!({ "type": "track", "event": "Signed Up", "userId": "u1", "properties": { "method": "email" } }),
        ),
        identify(5, "u1", &json!({ "email": "a@b.example", "first_name": "Joan" })),
        page(6, &json!({ "anonymousId": "b1" }), "last"),
    ]
}

proptest! {
    #[test]
    fn the_order_of_arrival_makes_no_difference_to_a_person(
        order in Just((0..6).chain(0..6).collect::<Vec<usize>>()).prop_shuffle()
    ) {
        let events = one_visitor();
        let mut in_order = Memory::default();
        for event in &events {
            in_order.take(event);
        }
        let mut shuffled = Memory::default();
        for index in order {
            shuffled.take(&events[index]);
        }
        prop_assert_eq!(shuffled.people.len(), 1);
        let (expected, found) = (in_order.person("a@b.example"), shuffled.person("a@b.example"));
        prop_assert_eq!(&expected.facts, &found.facts);
        prop_assert_eq!(found.facts.text("first_name"), Some("Joan"));
    }
}
