//! What DynamoDB answers under load and between workers, which an emulator never does: conflicts of transactions,
//! throttling, items left out of a batch, a lookup that moves while it is followed.

use std::collections::HashMap;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use bridge_aws::DynamoStore;
use bridge_aws::store::keys;
use serde_dynamo::aws_sdk_dynamodb_1::to_item;
use serde_json::{Value, json};
use sync::{Claimed, Settled, Settlement, StateStore};

use crate::endpoint::{Answer, Endpoint, error};
use crate::nouns::{at, first_settlement, free, in_corebos, in_mautic, lease, natural_key, new_link, pair};

fn store(endpoint: &Endpoint) -> DynamoStore {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(&endpoint.url)
        .build();
    DynamoStore::new(aws_sdk_dynamodb::Client::from_conf(config), "bridge")
}

fn failure(code: &str) -> Answer {
    error(400, &format!("com.amazonaws.dynamodb.v20120810#{code}"), "told to nobody: Ana")
}

fn cancelled(codes: &[&str]) -> Answer {
    let (status, mut output) = failure("TransactionCanceledException");
    output["CancellationReasons"] = codes.iter().map(|code| json!({ "Code": code })).collect();
    (status, output)
}

/// Settles a state and the release of a key; the actions come in the order of their keys: claim, then record.
async fn settle_with(answers: Vec<Answer>) -> (Result<Settled, sync::StoreError>, Vec<usize>) {
    let mut answers = answers.into_iter();
    let endpoint = Endpoint::start(move |_, _| answers.next().unwrap()).await;
    let settlement = Settlement {
        states: vec![(in_mautic("47"), free(0))],
        key_released: Some((natural_key("ana@example.com"), in_mautic("47"))),
        ..Settlement::default()
    };
    let answer = store(&endpoint).settle(&settlement).await;
    let sizes =
        endpoint.calls().into_iter().map(|(_, input)| input["TransactItems"].as_array().unwrap().len());
    (answer, sizes.collect())
}

#[tokio::test]
async fn a_cancelled_transaction_is_a_conflict_where_somebody_was_faster() {
    let conflicts = [
        ["None", "ConditionalCheckFailed"],
        ["None", "TransactionConflict"],
        ["TransactionConflict", "None"],
        ["ConditionalCheckFailed", "ConditionalCheckFailed"],
        ["ThrottlingError", "ConditionalCheckFailed"],
    ];
    for codes in conflicts {
        let (answer, sizes) = settle_with(vec![cancelled(&codes)]).await;
        assert_eq!((answer.unwrap(), sizes), (Settled::Conflict, vec![2]), "{codes:?}");
    }
}

#[tokio::test]
async fn a_key_that_is_no_longer_ours_is_left_out_and_the_rest_is_settled() {
    let taken = cancelled(&["ConditionalCheckFailed", "None"]);
    let (answer, sizes) = settle_with(vec![taken, (200, json!({}))]).await;
    assert_eq!((answer.unwrap(), sizes), (Settled::Yes, vec![2, 1]));
}

#[tokio::test]
async fn throttling_and_everything_else_is_an_error_that_tells_no_item() {
    let answers = [
        cancelled(&["None", "ThrottlingError"]),
        cancelled(&["ConditionalCheckFailed", "ProvisionedThroughputExceeded"]),
        cancelled(&["None", "ValidationError"]),
        cancelled(&[]),
        failure("TransactionInProgressException"),
        failure("ProvisionedThroughputExceededException"),
        failure("ValidationException"),
        (503, json!("not even JSON of an object")),
    ];
    for answer in answers {
        let (answer, sizes) = settle_with(vec![answer]).await;
        let detail = answer.unwrap_err().detail;
        assert!(detail.starts_with("TransactWriteItems: ") && !detail.contains("Ana"), "{detail}");
        assert_eq!(sizes, [2]);
    }
}

#[tokio::test]
async fn a_claim_during_a_settle_of_the_same_record_means_read_again() {
    let endpoint = Endpoint::start(|_, _| failure("TransactionConflictException")).await;
    let claimed = store(&endpoint).claim(&in_mautic("47"), 1, &lease("a", at(45))).await.unwrap();
    assert_eq!(claimed, Claimed::Changed);
    let endpoint = Endpoint::start(|_, _| failure("ThrottlingException")).await;
    let error = store(&endpoint).claim(&in_mautic("47"), 1, &lease("a", at(45))).await.unwrap_err();
    assert_eq!(error.detail, "UpdateItem: ThrottlingException");
}

/// An item as DynamoDB's JSON.
fn wire(key: &keys::ItemKey, value: &impl serde::Serialize) -> Value {
    let item: HashMap<String, aws_sdk_dynamodb::types::AttributeValue> = to_item(value).unwrap();
    let mut item: serde_json::Map<String, Value> =
        item.into_iter().map(|(name, value)| (name, attribute(value))).collect();
    item.insert("pk".to_owned(), json!({ "S": key.pk }));
    item.insert("sk".to_owned(), json!({ "S": key.sk }));
    Value::Object(item)
}

fn attribute(value: aws_sdk_dynamodb::types::AttributeValue) -> Value {
    use aws_sdk_dynamodb::types::AttributeValue::{Bool, L, M, N, S};
    match value {
        S(text) => json!({ "S": text }),
        N(number) => json!({ "N": number }),
        Bool(value) => json!({ "BOOL": value }),
        L(list) => json!({ "L": list.into_iter().map(attribute).collect::<Vec<_>>() }),
        M(map) => json!({ "M": map.into_iter().map(|(n, v)| (n, attribute(v))).collect::<HashMap<_, _>>() }),
        _ => json!({ "NULL": true }),
    }
}

#[tokio::test]
async fn items_that_a_batch_left_out_are_asked_for_again() {
    let records = [in_mautic("1"), in_mautic("2")];
    // Each call gives the first item that it was asked for and leaves out the others.
    let endpoint = Endpoint::start(|_, input| {
        let keys = input["RequestItems"]["bridge"]["Keys"].as_array().unwrap().clone();
        assert_eq!(input["RequestItems"]["bridge"]["ConsistentRead"], json!(true));
        let mut first = keys[0].clone();
        first["version"] = json!({ "N": "5" });
        let rest = &keys[1..];
        let left = if rest.is_empty() { json!({}) } else { json!({ "bridge": { "Keys": rest } }) };
        (200, json!({ "Responses": { "bridge": [first] }, "UnprocessedKeys": left }))
    })
    .await;
    let states = store(&endpoint).states(&records).await.unwrap();
    assert_eq!(states, [free(5), free(5)]);
    assert_eq!(endpoint.calls().len(), 2);
}

#[tokio::test]
async fn items_that_are_never_given_are_an_error_not_a_state_of_version_zero() {
    let endpoint = Endpoint::start(|_, input| {
        (200, json!({ "Responses": { "bridge": [] }, "UnprocessedKeys": input["RequestItems"] }))
    })
    .await;
    let error = store(&endpoint).states(&[in_mautic("1")]).await.unwrap_err();
    assert!(error.detail.starts_with("BatchGetItem"), "{error}");
}

#[tokio::test]
async fn a_lookup_that_moves_while_it_is_followed_leads_to_the_link_that_names_the_record() {
    let record = in_mautic("47");
    // The record left l-1 for l-2 after the lookup was read: l-1 names another one by now.
    let (before, after) = (new_link("l-1", "12x1", "50"), new_link("l-2", "12x2", "47"));
    let lookup = keys::lookup(&record, &pair());
    let mut lookups = ["l-1", "l-2"].into_iter();
    let endpoint = Endpoint::start(move |_, input| {
        let item = match input["Key"]["pk"]["S"].as_str().unwrap() {
            "link#l-1" => wire(&keys::link(&before.id), &before),
            "link#l-2" => wire(&keys::link(&after.id), &after),
            _ => wire(&lookup, &json!({ "link": lookups.next().unwrap() })),
        };
        (200, json!({ "Item": item }))
    })
    .await;
    let found = store(&endpoint).find_link(&record, &pair()).await.unwrap().unwrap();
    assert_eq!((found.id.as_str(), found.hub), ("l-2", in_corebos("12x2")));
}

#[tokio::test]
async fn every_read_is_consistent() {
    let endpoint = Endpoint::start(|_, _| (200, json!({}))).await;
    let store = store(&endpoint);
    store.find_link(&in_mautic("47"), &pair()).await.unwrap();
    store.state(&in_mautic("47")).await.unwrap();
    store.list_parked(&pair()).await.unwrap();
    store.history(&"l-1".to_owned(), at(0)).await.unwrap();
    for (operation, input) in endpoint.calls() {
        assert_eq!(input["ConsistentRead"], json!(true), "{operation}");
    }
    assert_eq!(endpoint.calls().len(), 4);
}

#[tokio::test]
async fn a_repeated_transaction_carries_the_token_of_the_first() {
    let mut answers = vec![(500, json!({ "__type": "InternalServerError" })), (200, json!({}))].into_iter();
    let endpoint = Endpoint::start(move |_, _| answers.next().unwrap()).await;
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
        .retry_config(RetryConfig::standard().with_initial_backoff(std::time::Duration::from_millis(1)))
        .endpoint_url(&endpoint.url)
        .build();
    let store = DynamoStore::new(aws_sdk_dynamodb::Client::from_conf(config), "bridge");
    let settled = store.settle(&first_settlement(&new_link("l-1", "12x1", "47"))).await.unwrap();
    assert_eq!(settled, Settled::Yes);
    let tokens: Vec<Value> =
        endpoint.calls().into_iter().map(|(_, input)| input["ClientRequestToken"].clone()).collect();
    assert!(tokens.len() == 2 && tokens[0].is_string() && tokens[0] == tokens[1], "{tokens:?}");
}
