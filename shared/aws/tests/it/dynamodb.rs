//! What DynamoDB's table does beyond the contract, against a DynamoDB in this process, through the real client.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use bridge_aws::DynamoStore;
use model::{
    Breaker, Direction, Fingerprint, Lost, ObjectName, OwnWrite, ParkedChange, RecordRef, Refusal, Side,
    Value,
};
use sync::{Claimed, CursorKey, SeenStore as _, Settled, Settlement, StateStore, Waiting};

use crate::contract::{keeps_the_contract, keeps_what_others_hold};
use crate::nouns::{
    at, first_settlement, free, history_entry, in_corebos, in_mautic, lease, natural_key, new_link, pair,
    parked_change, system,
};

keeps_the_contract!(dynamodb_store, crate::dynamodb::store);
keeps_what_others_hold!(dynamodb_store_of_many, crate::dynamodb::store);

pub(crate) const TABLE: &str = "bridge";

/// An empty table.
pub(crate) async fn store() -> DynamoStore {
    DynamoStore::new(client().await, TABLE)
}

pub(crate) async fn client() -> Client {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(dynoxide::server::serve_on(listener, dynoxide::Database::memory().unwrap()));
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
        .endpoint_url(format!("http://{address}"))
        .build();
    let client = Client::from_conf(config);
    let mut table = client.create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let attribute = AttributeDefinition::builder().attribute_name(name);
        let key = KeySchemaElement::builder().attribute_name(name).key_type(kind);
        table = table
            .attribute_definitions(attribute.attribute_type(ScalarAttributeType::S).build().unwrap())
            .key_schema(key.build().unwrap());
    }
    table.send().await.unwrap();
    client
}

/// Everything in the table, as plain JSON with the types of DynamoDB left out, by key.
async fn dump(client: &Client) -> serde_json::Value {
    let items = client.scan().table_name(TABLE).send().await.unwrap().items.unwrap();
    let mut by_key = BTreeMap::new();
    for item in items {
        let item: serde_json::Map<String, serde_json::Value> =
            serde_dynamo::aws_sdk_dynamodb_1::from_item(item).unwrap();
        let key = format!("{} / {}", item["pk"].as_str().unwrap(), item["sk"].as_str().unwrap());
        by_key.insert(key, item);
    }
    serde_json::to_value(by_key).unwrap()
}

#[cfg(feature = "measurements")]
#[tokio::test]
async fn what_fills_a_table_is_what_settlements_store() {
    let links: Vec<_> =
        (0..30).map(|n| new_link(&format!("l-{n}"), &format!("12x{n}"), &n.to_string())).collect();
    let settlements: Vec<Settlement> = links.iter().map(first_settlement).collect();
    let (filled, settled) = (client().await, client().await);
    DynamoStore::new(filled.clone(), TABLE).fill(&settlements).await.unwrap();
    let store = DynamoStore::new(settled.clone(), TABLE);
    for settlement in &settlements {
        assert_eq!(store.settle(settlement).await.unwrap(), Settled::Yes);
    }
    let (filled, settled) = (dump(&filled).await, dump(&settled).await);
    assert_eq!((filled.as_object().unwrap().len(), &filled), (90, &settled));
}

#[tokio::test]
async fn stored_items_keep_their_shape() {
    let client = client().await;
    let store = DynamoStore::new(client.clone(), TABLE);
    let mut link = new_link("l-1", "12x1", "47");
    link.refused.push(Refusal {
        value: Fingerprint::of_bytes(b"x"),
        definition: Fingerprint::of_bytes(b"d"),
        direction: Direction::ToHub,
        field: "email".to_owned(),
    });
    link.breaker = Some(Breaker { since: at(0), writes: 2 });
    let mut entry = history_entry("req-1/0", "created");
    entry.lost.push(Lost {
        side: Side::Remote,
        field: "phone".to_owned(),
        value: Value::Float(1.0),
        reason: "newest".to_owned(),
    });
    let mut state = free(0);
    let write = OwnWrite { produced: at(2), stands_for: at(-5) };
    state.own_writes.insert("firstname".to_owned(), write);
    state.refused_creates.insert(pair().to_string(), Fingerprint::of_bytes(b"x"));
    let settlement = Settlement {
        states: vec![(in_corebos("12x1"), state)],
        history: Some(entry),
        parked: vec![parked_change("req-1/1", "LASTNAME is mandatory")],
        ..first_settlement(&link)
    };
    assert_eq!(store.settle(&settlement).await.unwrap(), Settled::Yes);
    store.claim(&in_mautic("47"), 0, &lease("worker", at(45))).await.unwrap();
    store.claim_key(&natural_key("ana@example.com"), &in_mautic("48"), at(0), at(45)).await.unwrap();
    store.count_delete(&pair(), at(1800)).await.unwrap();
    let parent = RecordRef::new(&pair().hub, &ObjectName::new("Accounts"), "11x74");
    let waiting = Waiting { parent, child: in_corebos("12x1"), towards: pair().remote };
    store.wait(&waiting, at(60)).await.unwrap();
    store.first_identity(&system("mautic:main"), "https://mautic.example.com#admin").await.unwrap();
    store.put_setting("pair:mautic-contacts", &serde_json::json!({ "conflict": "newest" })).await.unwrap();
    let walk = CursorKey { system: system("hubspot:main"), object: ObjectName::new("contact.walk") };
    let seen = BTreeMap::from([(51, BTreeMap::from([(51, "0123456789ab".to_owned()), (52, String::new())]))]);
    store.keep_stretches(&walk, &seen).await.unwrap();
    insta::assert_json_snapshot!(dump(&client).await);
}

#[tokio::test]
async fn a_notices_context_is_what_the_single_reads_say() {
    let store = store().await;
    let nothing = store.notice_context(&in_mautic("47"), &pair()).await.unwrap().unwrap();
    assert_eq!((nothing.state, nothing.link, nothing.partner), (free(0), None, free(0)));

    let mut settlement = first_settlement(&new_link("l-1", "12x1", "47"));
    settlement.lookups_added.push(in_mautic("46"));
    settlement.states = vec![(in_mautic("47"), free(0))];
    assert_eq!(store.settle(&settlement).await.unwrap(), Settled::Yes);
    store.claim(&in_corebos("12x1"), 0, &lease("worker", at(45))).await.unwrap();
    for record in [in_mautic("47"), in_mautic("46"), in_corebos("12x1")] {
        let context = store.notice_context(&record, &pair()).await.unwrap().unwrap();
        assert_eq!(context.state, store.state(&record).await.unwrap());
        assert_eq!(context.link, store.find_link(&record, &pair()).await.unwrap());
        let partner = if record.system == pair().hub { in_mautic("47") } else { in_corebos("12x1") };
        assert_eq!(context.partner, store.state(&partner).await.unwrap());
        assert_eq!(Some(context), sync::one_by_one(&store, &record, &pair()).await.unwrap());
    }
    let states = store.states(&[in_corebos("12x1"), in_mautic("99"), in_mautic("47")]).await.unwrap();
    assert_eq!(states.iter().map(|s| s.version).collect::<Vec<_>>(), [1, 0, 1]);
    assert_eq!(states[0].lease, Some(lease("worker", at(45))));
}

#[tokio::test]
async fn who_reads_at_the_same_time_gets_what_is_there_all_the_same() {
    let store = store().await;
    for number in 1..=5_u32 {
        let link = new_link(&format!("l-{number}"), &format!("12x{number}"), &format!("{}", 40 + number));
        store.settle(&first_settlement(&link)).await.unwrap();
    }
    // One of them twice, and some that are not there.
    let ids = ["41", "42", "43", "43", "44", "45", "46", "47"];
    let asked = ids.map(in_mautic);
    let (pair, single) = (pair(), store.clone());
    let together = asked.iter().map(|record| store.notice_context(record, &pair));
    let together = futures::future::join_all(together).await;
    for (record, context) in asked.iter().zip(together) {
        let alone = sync::one_by_one(&single, record, &pair).await.unwrap();
        assert_eq!(context.unwrap(), alone, "{record}");
        let is_there = record.id.as_str() < "46";
        assert_eq!(alone.unwrap().link.is_some(), is_there, "{record}");
    }
}

#[tokio::test]
async fn a_context_follows_a_link_whose_other_side_has_moved() {
    let store = store().await;
    store.settle(&first_settlement(&new_link("l-1", "12x1", "47"))).await.unwrap();
    let mut link = store.link(&"l-1".to_owned()).await.unwrap().unwrap();
    link.remote = in_mautic("50");
    let settlement = Settlement {
        link: Some(link),
        lookups_added: vec![in_mautic("50")],
        lookups_removed: vec![in_mautic("47")],
        states: vec![(in_mautic("50"), free(0))],
        ..Settlement::default()
    };
    assert_eq!(store.settle(&settlement).await.unwrap(), Settled::Yes);
    // The lookup of the coreBOS record still hints at contact 47.
    let context = store.notice_context(&in_corebos("12x1"), &pair()).await.unwrap().unwrap();
    assert_eq!(context.link.map(|link| link.remote), Some(in_mautic("50")));
    assert_eq!(context.partner, free(1));
}

#[tokio::test]
async fn a_repeated_claim_whose_first_answer_was_lost_is_ours() {
    let store = store().await;
    let (record, ours) = (in_corebos("12x1"), lease("attempt 1", at(45)));
    let yes = Claimed::Yes { version: 1 };
    assert_eq!(store.claim(&record, 0, &ours).await.unwrap(), yes);
    assert_eq!(store.claim(&record, 0, &ours).await.unwrap(), yes);
    assert_eq!(store.claim(&record, 0, &lease("attempt 2", at(45))).await.unwrap(), Claimed::Changed);
}

#[tokio::test]
async fn two_settles_of_one_push_at_one_moment_are_two_entries_in_order() {
    let store = store().await;
    let mut link = new_link("l-1", "12x1", "47");
    for outcome in ["recovered", "updated", "settled"] {
        let history = Some(history_entry("req-1/0", outcome));
        let settlement = Settlement { link: Some(link.clone()), history, ..Settlement::default() };
        assert_eq!(store.settle(&settlement).await.unwrap(), Settled::Yes);
        link.version += 1;
    }
    let history = store.history(&link.id, at(0)).await.unwrap();
    let outcomes: Vec<_> = history.iter().map(|entry| entry.outcome.as_str()).collect();
    assert_eq!(outcomes, ["recovered", "updated", "settled"]);
}

#[tokio::test]
async fn lost_values_come_back_as_they_were() {
    let store = store().await;
    let array: Value = serde_json::from_str(r#"{"z":1,"a":[true,null,"é"]}"#).unwrap();
    let values = [
        Value::Float(1.0),
        Value::Float(1e300),
        Value::Float(f64::INFINITY),
        Value::Int(i64::MAX),
        Value::Bytes(vec![0xff, 0xfe]),
        Value::Text(String::new()),
        array,
    ];
    let lost = |value: &Value| Lost {
        side: Side::Hub,
        field: "f".to_owned(),
        value: value.clone(),
        reason: "newest".to_owned(),
    };
    let mut entry = history_entry("req-1/0", "updated");
    entry.lost = values.iter().map(lost).collect();
    let link = new_link("l-1", "12x1", "47");
    let settlement = Settlement { history: Some(entry.clone()), ..first_settlement(&link) };
    store.settle(&settlement).await.unwrap();
    assert_eq!(store.history(&link.id, at(0)).await.unwrap(), [entry]);
}

#[tokio::test]
async fn history_whose_time_is_over_is_gone() {
    let store = store().await;
    let link = new_link("l-1", "12x1", "47");
    let settlement =
        Settlement { history: Some(history_entry("req-1/0", "created")), ..first_settlement(&link) };
    store.settle(&settlement).await.unwrap();
    let days = |days: i64| at(days * 24 * 3600);
    assert_eq!(store.history(&link.id, days(90)).await.unwrap().len(), 1);
    assert_eq!(store.history(&link.id, days(91)).await.unwrap().len(), 0);
}

#[tokio::test]
async fn parked_changes_are_listed_read_and_removed() {
    let store = store().await;
    let mut later = parked_change("req-0/0", "no city");
    later.at = at(0) + jiff::SignedDuration::from_millis(1);
    // Twice the same change in one settlement is one item.
    let parked =
        vec![later.clone(), parked_change("req-9/0", "no name"), parked_change("req-9/0", "no name")];
    store.settle(&Settlement { parked, ..Settlement::default() }).await.unwrap();
    let listed = store.list_parked(&pair()).await.unwrap();
    let messages: Vec<_> = listed.iter().map(|parked| parked.change.message.as_str()).collect();
    assert_eq!(messages, ["no name", "no city"]);
    assert_eq!(listed[1].change, later);
    let name = &listed[1].name;
    assert_eq!(store.parked(&pair(), name).await.unwrap().as_ref(), Some(&listed[1]));
    assert!(store.delete_parked(&pair(), name).await.unwrap());
    assert!(!store.delete_parked(&pair(), name).await.unwrap());
    assert_eq!(store.parked(&pair(), name).await.unwrap(), None);
    assert_eq!(store.list_parked(&pair()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn more_parked_changes_than_one_page_are_all_listed() {
    let store = store().await;
    // 30 items of 60 KB: a page of DynamoDB ends at 1 MB.
    for index in 0..30 {
        let change = parked_change(&format!("req-{index:02}/0"), &"x".repeat(60_000));
        store.settle(&Settlement { parked: vec![change], ..Settlement::default() }).await.unwrap();
    }
    let listed = store.list_parked(&pair()).await.unwrap();
    let receipts: Vec<_> = listed.iter().map(|parked| parked.change.notice.receipt.clone()).collect();
    assert_eq!(receipts, (0..30).map(|index| format!("req-{index:02}/0")).collect::<Vec<_>>());
}

#[tokio::test]
async fn settings_are_typed_and_a_wrong_one_is_named_without_its_value() {
    let store = store().await;
    assert_eq!(store.setting::<u32>("writes").await.unwrap(), None);
    store.put_setting("writes", &30_u32).await.unwrap();
    assert_eq!(store.setting::<u32>("writes").await.unwrap(), Some(30));
    store.put_setting("writes", &"personal").await.unwrap();
    let error = store.setting::<u32>("writes").await.unwrap_err();
    assert!(error.detail.contains("`writes`") && !error.detail.contains("personal"), "{error}");
    assert!(store.delete_setting("writes").await.unwrap());
    assert!(!store.delete_setting("writes").await.unwrap());
}

#[tokio::test]
async fn a_setting_is_changed_only_over_what_was_read() {
    let store = store().await;
    let (first, second) =
        (serde_json::json!({ "to_hub": { "delete": false } }), serde_json::json!({ "n": 1 }));
    let by = (at(0), "ana");
    assert!(store.change_setting("pair:x", None, Some(&first), by).await.unwrap());
    assert!(!store.change_setting("pair:x", None, Some(&second), by).await.unwrap(), "it is there by now");
    let read = store.stored_setting("pair:x").await.unwrap().unwrap();
    assert_eq!((&read.value, read.changed.clone()), (&first, Some((at(0), "ana".to_owned()))));
    assert_eq!(store.setting::<serde_json::Value>("pair:x").await.unwrap(), Some(first));
    // Somebody edits the item by hand, without a word about it.
    store.put_setting("pair:x", &second).await.unwrap();
    assert!(!store.change_setting("pair:x", Some(&read), None, by).await.unwrap());
    assert!(!store.change_setting("pair:x", Some(&read), Some(&second), by).await.unwrap());
    let read = store.stored_setting("pair:x").await.unwrap().unwrap();
    assert_eq!((&read.value, &read.changed), (&second, &None));
    store.first_identity(&system("mautic:main"), "https://a.example#1").await.unwrap();
    let keys: Vec<String> = store.stored_settings().await.unwrap().into_iter().map(|read| read.key).collect();
    assert_eq!(keys, ["identity#mautic:main", "pair:x"]);
    assert!(store.change_setting("pair:x", Some(&read), None, by).await.unwrap());
    assert_eq!(store.stored_setting("pair:x").await.unwrap(), None);
    assert!(store.change_setting("pair:x", None, None, by).await.unwrap());
}

#[tokio::test]
async fn a_confirmed_identity_replaces_the_first_one() {
    let store = store().await;
    let mautic = system("mautic:main");
    store.first_identity(&mautic, "https://a.example#1").await.unwrap();
    store.confirm_identity(&mautic, "https://b.example#1").await.unwrap();
    assert_eq!(store.first_identity(&mautic, "https://c.example#1").await.unwrap(), "https://b.example#1");
}

#[tokio::test]
async fn an_identity_met_by_many_at_once_is_one() {
    let store = store().await;
    let mautic = system("mautic:main");
    let seen: Vec<String> = (0..8).map(|n| format!("https://{n}.example")).collect();
    let answers =
        futures::future::join_all(seen.iter().map(|seen| store.first_identity(&mautic, seen))).await;
    let answers: Vec<String> = answers.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn what_dynamodb_would_refuse_is_refused_by_name() {
    let store = store().await;
    let mut link = new_link("l-1", "12x1", "47");
    let name = |index: usize| format!("field_{index}");
    link.bases.to_hub = (0..6000).map(|index| (name(index), crate::nouns::base("x"))).collect();
    let error = store.settle(&first_settlement(&link)).await.unwrap_err();
    assert!(error.detail.contains("link#l-1 / link") && error.detail.contains("409600"), "{error}");

    let parked = (0..101).map(|index| parked_change(&format!("req-{index}/0"), "no name")).collect();
    let error = store.settle(&Settlement { parked, ..Settlement::default() }).await.unwrap_err();
    assert!(error.detail.contains("101 items"), "{error}");

    let parked = (0..15).map(|n| parked_change(&format!("req-{n}/0"), &"x".repeat(300_000))).collect();
    let error = store.settle(&Settlement { parked, ..Settlement::default() }).await.unwrap_err();
    assert!(error.detail.contains("4194304"), "{error}");
    assert!(store.list_parked(&pair()).await.unwrap().is_empty());
}

#[tokio::test]
async fn settlements_that_contradict_themselves_are_refused() {
    let store = store().await;
    let link = new_link("l-1", "12x1", "47");
    let twice = Settlement {
        states: vec![(in_mautic("47"), free(0)), (in_mautic("47"), free(0))],
        ..Settlement::default()
    };
    let both = Settlement { lookups_removed: vec![in_mautic("47")], ..first_settlement(&link) };
    let history = Settlement { history: Some(history_entry("r", "updated")), ..Settlement::default() };
    for settlement in [twice, both, history] {
        store.settle(&settlement).await.unwrap_err();
    }
}

#[tokio::test]
async fn a_missing_table_is_named_and_an_item_that_is_no_link_is_an_error() {
    let client = client().await;
    let error = DynamoStore::new(client.clone(), "elsewhere").link(&"l-1".to_owned()).await.unwrap_err();
    assert!(error.detail.starts_with("GetItem: ResourceNotFoundException"), "{error}");

    let text = |text: &str| AttributeValue::S(text.to_owned());
    let item = HashMap::from([("pk".to_owned(), text("link#l-1")), ("sk".to_owned(), text("link"))]);
    client.put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap();
    let error = DynamoStore::new(client, TABLE).link(&"l-1".to_owned()).await.unwrap_err();
    assert_eq!(error.detail, "a link cannot be read: missing field `id`");
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_an_error_that_says_so() {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
        .retry_config(aws_sdk_dynamodb::config::retry::RetryConfig::disabled())
        // Nothing listens on port 1.
        .endpoint_url("http://127.0.0.1:1")
        .build();
    let store = DynamoStore::new(Client::from_conf(config), TABLE);
    let error = store.state(&in_mautic("47")).await.unwrap_err();
    assert!(error.detail.starts_with("GetItem: no connection"), "{error}");
}

#[tokio::test]
async fn parked_changes_are_listed_from_a_time_on() {
    let store = store().await;
    let moments = [0, 10, 20].map(at);
    let changes = moments.map(|at| ParkedChange { at, ..parked_change("req-1/0", "words") });
    let settlement = Settlement { parked: changes.to_vec(), ..Settlement::default() };
    store.settle(&settlement).await.unwrap();
    let listed = store.list_parked_since(&pair(), at(10)).await.unwrap();
    assert_eq!(listed.iter().map(|parked| parked.change.at).collect::<Vec<_>>(), moments[1..]);
    assert_eq!(store.list_parked_since(&pair(), at(21)).await.unwrap().len(), 0);
}

#[tokio::test]
async fn who_claims_a_natural_key_is_known_until_the_claim_is_over() {
    let store = store().await;
    let key = natural_key("ana");
    assert_eq!(store.key_claim(&key, at(0)).await.unwrap(), None);
    store.claim_key(&key, &in_mautic("47"), at(0), at(45)).await.unwrap();
    assert_eq!(store.key_claim(&key, at(44)).await.unwrap(), Some((in_mautic("47"), at(45))));
    assert_eq!(store.key_claim(&key, at(45)).await.unwrap(), None);
}
