//! Batches of a queue: order within a group, partial failures, waits, what is no notice, and the invocation's end.

use std::sync::Mutex;
use std::time::Duration;

use bridge_aws::events::{BatchError, BatchOptions, Delivery, MemoryQueueControl, Outcome, run_batch};
use jiff::Timestamp;
use model::Notice;
use serde_json::{Value, json};
use sync::Clock;

use crate::nouns::{at, notice};

/// A clock that a handler may move. Sleeping ends at once when nothing is left to sleep.
struct Hands(Mutex<Timestamp>);

impl Hands {
    fn at(seconds: i64) -> Self {
        Self(Mutex::new(at(seconds)))
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        if !duration.is_zero() {
            std::future::pending::<()>().await;
        }
    }
}

const DONE: Outcome = Outcome::Done;

fn retry(seconds: u64) -> Outcome {
    Outcome::Retry { after: Some(Duration::from_secs(seconds)) }
}

fn message(id: &str, group: &str, body: &str) -> Value {
    json!({
        "messageId": id,
        "receiptHandle": format!("handle of {id}"),
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "3",
            "SentTimestamp": "1795248000000",
            "MessageGroupId": group,
        },
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:corebos-changes.fifo",
        "awsRegion": "eu-west-1",
    })
}

fn of(group: &str, ids: &[&str]) -> Vec<Value> {
    let body = |id: &str| serde_json::to_string(&notice(group, id)).unwrap();
    ids.iter().map(|id| message(id, group, &body(id))).collect()
}

/// Runs a batch that ends in 30 s; gives the messages that go back and the receipts that were handled, in order.
async fn run(
    records: Vec<Value>,
    queue: &MemoryQueueControl,
    outcome: impl Fn(&str) -> Outcome,
) -> (Vec<String>, Vec<String>) {
    let receipts = Mutex::new(Vec::new());
    let handler = |notice: Notice, _: Delivery| {
        receipts.lock().unwrap().push(notice.receipt.clone());
        let outcome = outcome(&notice.receipt);
        async move { outcome }
    };
    let event = json!({ "Records": records });
    let options = BatchOptions::default();
    let response = run_batch(event, at(30), queue, &Hands::at(0), options, handler).await.unwrap();
    let back = response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
    (back, receipts.into_inner().unwrap())
}

fn handles(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| format!("handle of {id}")).collect()
}

#[tokio::test]
async fn a_batch_that_is_done_leaves_the_queue() {
    let queue = MemoryQueueControl::default();
    let (back, handled) = run(of("1", &["a", "b"]), &queue, |_| DONE).await;
    assert!(back.is_empty() && queue.waits().is_empty());
    assert_eq!(handled, ["a", "b"]);
}

#[tokio::test]
async fn after_a_failure_the_rest_of_its_group_goes_back_untouched_and_other_groups_go_on() {
    let queue = MemoryQueueControl::default();
    let mut records = of("1", &["a", "b", "c"]);
    records.splice(1..1, of("2", &["x", "y"]));
    let (back, mut handled) = run(records, &queue, |id| if id == "b" { retry(7) } else { DONE }).await;
    handled.sort();
    assert_eq!(handled, ["a", "b", "x", "y"]);
    assert_eq!(back, ["b", "c"]);
    assert_eq!(queue.waits(), [(handles(&["b", "c"]), Duration::from_secs(7))]);
}

#[tokio::test]
async fn groups_run_at_the_same_time() {
    let queue = MemoryQueueControl::default();
    // Each handler waits for the other: one after the other, they would wait for ever.
    let barrier = tokio::sync::Barrier::new(2);
    let handler = |_: Notice, _: Delivery| async {
        barrier.wait().await;
        DONE
    };
    let records = [of("1", &["a"]), of("2", &["b"])].concat();
    let event = json!({ "Records": records });
    let options = BatchOptions::default();
    let response = run_batch(event, at(30), &queue, &Hands::at(0), options, handler).await.unwrap();
    assert!(response.batch_item_failures.is_empty());
}

#[tokio::test]
async fn a_retry_without_a_wait_leaves_the_visibility_alone() {
    let queue = MemoryQueueControl::default();
    let (back, _) = run(of("1", &["a", "b"]), &queue, |_| Outcome::Retry { after: None }).await;
    assert_eq!(back, ["a", "b"]);
    assert!(queue.waits().is_empty());
}

#[tokio::test]
async fn a_wait_that_cannot_be_set_still_gives_the_messages_back() {
    let queue = MemoryQueueControl::down();
    let (back, _) = run(of("1", &["a", "b"]), &queue, |_| retry(7)).await;
    assert_eq!(back, ["a", "b"]);
}

#[tokio::test]
async fn what_is_no_notice_is_buried_and_its_record_goes_on() {
    for body in ["", "hello", "{}", "[1]", "null", r#"{"record":{"system":"no such","object":"","id":""}}"#] {
        let queue = MemoryQueueControl::default();
        let mut records = of("1", &["a", "c"]);
        records.insert(1, message("b", "1", body));
        let (back, handled) = run(records, &queue, |_| DONE).await;
        assert!(back.is_empty(), "{body}: {back:?}");
        assert_eq!(handled, ["a", "c"]);
        let buried = queue.buried();
        assert_eq!(
            (buried[0].message_id.as_str(), buried[0].group.as_str(), buried[0].body.as_str()),
            ("b", "1", body)
        );
    }
}

#[tokio::test]
async fn what_is_no_notice_and_cannot_be_buried_stays_in_the_queue() {
    let queue = MemoryQueueControl::down();
    let mut records = of("1", &["c"]);
    records.insert(0, message("b", "1", "hello"));
    records.extend(of("2", &["x"]));
    let (back, handled) = run(records, &queue, |_| DONE).await;
    assert_eq!(back, ["b", "c"]);
    assert_eq!(handled, ["x"]);
}

#[tokio::test]
async fn near_the_end_nothing_is_begun_and_what_was_not_is_visible_at_once() {
    let (queue, clock) = (MemoryQueueControl::default(), Hands::at(0));
    let handler = |notice: Notice, _: Delivery| {
        // The first message takes until five seconds before the end.
        assert_eq!(notice.receipt, "a");
        *clock.0.lock().unwrap() = at(25);
        async { DONE }
    };
    let event = json!({ "Records": of("1", &["a", "b", "c"]) });
    let response = run_batch(event, at(30), &queue, &clock, BatchOptions::default(), handler).await.unwrap();
    let back: Vec<_> = response.batch_item_failures.iter().map(|f| f.item_identifier.as_str()).collect();
    assert_eq!(back, ["b", "c"]);
    assert_eq!(queue.waits(), [(handles(&["b", "c"]), Duration::ZERO)]);
}

#[tokio::test]
async fn a_short_timeout_does_not_mean_that_nothing_is_ever_begun() {
    let queue = MemoryQueueControl::default();
    let event = json!({ "Records": of("1", &["a"]) });
    let handler = |_: Notice, _: Delivery| async { DONE };
    let options = BatchOptions::default();
    let response = run_batch(event, at(3), &queue, &Hands::at(0), options, handler).await.unwrap();
    assert!(response.batch_item_failures.is_empty());
}

#[tokio::test]
async fn what_still_runs_at_the_end_is_dropped_and_the_rest_is_reported() {
    let queue = MemoryQueueControl::default();
    let handler = |notice: Notice, _: Delivery| async move {
        if notice.receipt == "a" {
            std::future::pending::<()>().await;
        }
        DONE
    };
    let records = [of("2", &["x"]), of("1", &["a", "b"])].concat();
    let event = json!({ "Records": records });
    // All of the time is kept for the end: whatever does not answer at once is dropped.
    let options = BatchOptions { drop_before_end: Duration::from_secs(30), ..BatchOptions::default() };
    let response = run_batch(event, at(30), &queue, &Hands::at(0), options, handler).await.unwrap();
    let back: Vec<_> = response.batch_item_failures.iter().map(|f| f.item_identifier.as_str()).collect();
    assert_eq!(back, ["a", "b"]);
    assert!(queue.waits().is_empty());
}

#[tokio::test]
async fn a_handler_is_told_how_often_and_when() {
    let queue = MemoryQueueControl::default();
    let seen = Mutex::new(Vec::new());
    let handler = |_: Notice, delivery: Delivery| {
        seen.lock().unwrap().push(delivery);
        async { DONE }
    };
    let mut bare = of("1", &["b"]);
    bare[0]["attributes"] = Value::Null;
    let records = [of("1", &["a"]), bare].concat();
    let event = json!({ "Records": records });
    run_batch(event, at(30), &queue, &Hands::at(0), BatchOptions::default(), handler).await.unwrap();
    let delivery = |id: &str, receive_count, sent_at| Delivery {
        message_id: id.to_owned(),
        receive_count,
        sent_at,
        target: None,
    };
    let mut seen = seen.into_inner().unwrap();
    seen.sort_by(|a, b| a.message_id.cmp(&b.message_id));
    assert_eq!(seen, [delivery("a", 3, Some(at(0))), delivery("b", 1, None)]);
}

#[tokio::test]
async fn what_cannot_be_reported_fails_as_a_whole() {
    let queue = MemoryQueueControl::default();
    let mut nameless = of("1", &["a"]);
    nameless[0]["messageId"] = json!("");
    let cases = [
        (json!({ "Records": nameless }), BatchError::NoMessageId),
        (json!({ "source": "aws.events" }), BatchError::NotAQueueEvent),
        (Value::Null, BatchError::NotAQueueEvent),
        (json!({ "Records": [1] }), BatchError::NotAQueueEvent),
    ];
    for (event, expected) in cases {
        let handler = |_: Notice, _: Delivery| async { panic!("the handler was called") };
        let options = BatchOptions::default();
        let answer = run_batch(event, at(30), &queue, &Hands::at(0), options, handler).await;
        assert_eq!(answer.unwrap_err(), expected);
    }
}
