//! Queues over HTTP, with an endpoint that answers as SQS does, partial failures included.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use bridge_aws::SqsChangeQueue;
use bridge_aws::config::PushQueue;
use bridge_aws::events::{NotANotice, QueueControl, SqsQueueControl};
use model::Notice;
use serde_json::{Value, json};
use sync::ChangeQueue;

use crate::endpoint::{Answer, Endpoint, error};
use crate::nouns::{notice, system};

const URL: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/corebos-changes.fifo";

fn client(endpoint: &Endpoint) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(&endpoint.url)
        .build();
    aws_sdk_sqs::Client::from_conf(config)
}

fn queue(endpoint: &Endpoint) -> SqsChangeQueue {
    SqsChangeQueue::new(client(endpoint), BTreeMap::from([(system("corebos:main"), URL.to_owned())]))
}

/// Takes all entries of a batch except those whose body `is_refused`.
fn take_batch(input: &Value, sender_fault: bool, is_refused: impl Fn(&str) -> bool) -> Answer {
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    for entry in input["Entries"].as_array().unwrap() {
        if is_refused(entry["MessageBody"].as_str().unwrap()) {
            let code = if sender_fault { "InvalidParameterValue" } else { "InternalError" };
            refused.push(json!({ "Id": entry["Id"], "SenderFault": sender_fault, "Code": code }));
        } else {
            taken.push(json!({ "Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "d" }));
        }
    }
    (200, json!({ "Successful": taken, "Failed": refused }))
}

fn notices(count: usize) -> Vec<Notice> {
    (0..count).map(|index| notice(&format!("{}", index / 2), &format!("req-1/{index}"))).collect()
}

#[tokio::test]
async fn two_thousand_notices_are_two_hundred_calls_and_all_arrive() {
    let endpoint = Endpoint::start(|_, input| take_batch(input, false, |_| false)).await;
    let sent = notices(2000);
    queue(&endpoint).send(&system("corebos:main"), &sent).await.unwrap();
    let calls = endpoint.calls();
    assert_eq!(calls.len(), 200);
    let mut arrived = BTreeSet::new();
    let mut deduplication = BTreeSet::new();
    for (operation, input) in &calls {
        assert_eq!((operation.as_str(), input["QueueUrl"].as_str()), ("SendMessageBatch", Some(URL)));
        for entry in input["Entries"].as_array().unwrap() {
            let notice: Notice = serde_json::from_str(entry["MessageBody"].as_str().unwrap()).unwrap();
            assert_eq!(entry["MessageGroupId"], json!(notice.record.key()));
            deduplication.insert(entry["MessageDeduplicationId"].as_str().unwrap().to_owned());
            arrived.insert(notice.receipt);
        }
    }
    assert_eq!(arrived.len(), 2000);
    assert_eq!(deduplication.len(), 2000);
}

#[tokio::test]
async fn what_pushes_send_at_the_same_time_is_one_call() {
    let endpoint = Endpoint::start(|_, input| take_batch(input, false, |_| false)).await;
    let (queue, target) = (queue(&endpoint), system("corebos:main"));
    let all = notices(10);
    let sent = all.iter().map(|notice| queue.send(&target, std::slice::from_ref(notice)));
    assert!(futures::future::join_all(sent).await.iter().all(Result::is_ok));
    let calls = endpoint.calls();
    assert_eq!(
        calls.iter().map(|(_, input)| input["Entries"].as_array().unwrap().len()).collect::<Vec<_>>(),
        [10]
    );
}

#[tokio::test]
async fn entries_that_were_refused_are_sent_again_and_only_they() {
    let mut is_first = true;
    let endpoint = Endpoint::start(move |_, input| {
        let refuses = std::mem::take(&mut is_first);
        take_batch(input, false, |body| refuses && (body.contains("req-1/3\"") || body.contains("req-1/7\"")))
    })
    .await;
    queue(&endpoint).send(&system("corebos:main"), &notices(10)).await.unwrap();
    let again = endpoint.calls()[1].1.clone();
    let again: Vec<&str> = again["Entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["MessageDeduplicationId"].as_str().unwrap())
        .collect();
    assert_eq!(again, ["req-1/3", "req-1/7"]);
    assert_eq!(endpoint.calls().len(), 2);
}

#[tokio::test]
async fn an_entry_that_stays_refused_is_an_error_and_the_other_batches_arrive() {
    let endpoint =
        Endpoint::start(|_, input| take_batch(input, false, |body| body.contains("req-1/3\""))).await;
    let error = queue(&endpoint).send(&system("corebos:main"), &notices(30)).await.unwrap_err();
    assert!(error.detail.contains("1 of 3 batches") && error.detail.contains("InternalError"), "{error}");
    let others =
        endpoint.calls().iter().filter(|(_, input)| input["Entries"].as_array().unwrap().len() == 10).count();
    assert_eq!(others, 3);
    // The batch itself, and four more attempts with the one entry.
    assert_eq!(endpoint.calls().len(), 3 + 4);
}

#[tokio::test]
async fn what_is_our_fault_is_not_sent_again() {
    let endpoint =
        Endpoint::start(|_, input| take_batch(input, true, |body| body.contains("req-1/3\""))).await;
    let error = queue(&endpoint).send(&system("corebos:main"), &notices(5)).await.unwrap_err();
    assert!(error.detail.contains("InvalidParameterValue"), "{error}");
    assert_eq!(endpoint.calls().len(), 1);
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_named_and_the_notices_are_not_told() {
    let endpoint = Endpoint::start(|_, _| error(400, "QueueDoesNotExist", "The queue does not exist.")).await;
    let error = queue(&endpoint).send(&system("corebos:main"), &notices(1)).await.unwrap_err();
    assert!(error.detail.contains("QueueDoesNotExist") && !error.detail.contains("contact"), "{error}");
}

#[tokio::test]
async fn a_system_without_a_queue_is_not_reached() {
    let endpoint = Endpoint::start(|_, input| take_batch(input, false, |_| false)).await;
    let queue = queue(&endpoint);
    assert!(queue.reaches(&system("corebos:main")) && !queue.reaches(&system("mautic:main")));
    queue.send(&system("mautic:main"), &notices(1)).await.unwrap_err();
    queue.send(&system("corebos:main"), &[]).await.unwrap();
    assert!(endpoint.calls().is_empty());
}

fn control(endpoint: &Endpoint, dead_letters: bool) -> SqsQueueControl {
    let queue = PushQueue {
        target: system("corebos:main"),
        url: URL.to_owned(),
        dead_letters_url: dead_letters.then(|| format!("{URL}-dead")),
    };
    SqsQueueControl::new(client(endpoint), queue)
}

#[tokio::test]
async fn a_wait_is_the_visibility_of_all_messages_rounded_up_and_within_what_sqs_takes() {
    let endpoint = Endpoint::start(|_, _| (200, json!({ "Successful": [], "Failed": [] }))).await;
    let control = control(&endpoint, true);
    let handles = ["h1".to_owned(), "h2".to_owned()];
    for wait in [Duration::ZERO, Duration::from_millis(1200), Duration::from_secs(u64::MAX)] {
        control.make_wait(&handles, wait).await.unwrap();
    }
    let mut timeouts = Vec::new();
    for (operation, input) in endpoint.calls() {
        assert_eq!((operation.as_str(), &input["QueueUrl"]), ("ChangeMessageVisibilityBatch", &json!(URL)));
        let entries = input["Entries"].as_array().unwrap();
        assert_eq!(entries.iter().map(|e| e["ReceiptHandle"].as_str().unwrap()).collect::<Vec<_>>(), handles);
        assert_eq!(entries[0]["VisibilityTimeout"], entries[1]["VisibilityTimeout"]);
        timeouts.push(entries[0]["VisibilityTimeout"].as_i64().unwrap());
    }
    assert_eq!(timeouts, [0, 2, 42_300]);
}

#[tokio::test]
async fn a_wait_that_sqs_refuses_is_an_error() {
    let refused = json!([{ "Id": "0", "SenderFault": true, "Code": "ReceiptHandleIsInvalid" }]);
    let endpoint = Endpoint::start(move |_, _| (200, json!({ "Successful": [], "Failed": refused }))).await;
    let error = control(&endpoint, true).make_wait(&["h".to_owned()], Duration::ZERO).await.unwrap_err();
    assert!(error.detail.contains("ReceiptHandleIsInvalid"), "{error}");
}

#[tokio::test]
async fn a_buried_message_keeps_its_body_and_group() {
    let endpoint = Endpoint::start(|_, _| (200, json!({ "MessageId": "m", "MD5OfMessageBody": "d" }))).await;
    let message = NotANotice {
        message_id: "0a1b".to_owned(),
        group: "mautic:main#contact#47".to_owned(),
        body: "{\"new\":\"shape\"}".to_owned(),
    };
    control(&endpoint, true).bury(&message).await.unwrap();
    let (operation, input) = endpoint.calls().remove(0);
    assert_eq!((operation.as_str(), &input["QueueUrl"]), ("SendMessage", &json!(format!("{URL}-dead"))));
    assert_eq!(input["MessageBody"], json!(message.body));
    assert_eq!(input["MessageGroupId"], json!(message.group));
    assert_eq!(input["MessageDeduplicationId"], json!("0a1b"));
    assert_eq!(input["MessageAttributes"]["message_id"]["StringValue"], json!("0a1b"));

    let error = control(&endpoint, false).bury(&message).await.unwrap_err();
    assert!(error.detail.contains("COREBOS_CHANGES_DEAD_LETTERS_URL"), "{error}");
}
