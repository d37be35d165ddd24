//! Queues: the checks against our own, and the event source mapper.

use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use embedded_aws::{QueueStatus, StackEvent};
use serde_json::json;

use crate::support::{Running, start, until};

const TEMPLATE: &str = r"
Resources:
  Dead:
    Type: AWS::SQS::Queue
    Properties: {QueueName: changes-dead.fifo, FifoQueue: true}
  Changes:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: changes.fifo
      FifoQueue: true
      VisibilityTimeout: 4
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}
  Plain:
    Type: AWS::SQS::Queue
    Properties: {QueueName: plain, VisibilityTimeout: 400}
  Soon:
    Type: AWS::SQS::Queue
    Properties: {QueueName: soon, VisibilityTimeout: 4}
  Off:
    Type: AWS::SQS::Queue
    Properties: {QueueName: off, VisibilityTimeout: 4}
  Long:
    Type: AWS::SQS::Queue
    Properties: {QueueName: long.fifo, FifoQueue: true, VisibilityTimeout: 60}
  PushLong:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: push-long
      CodeUri: functions/push-long
      Timeout: 60
      Events:
        Long: {Type: SQS, Properties: {Queue: !GetAtt Long.Arn, ScalingConfig: {MaximumConcurrency: 3}}}
  Push:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: push
      CodeUri: functions/push
      Timeout: 4
      Events:
        Changes:
          Type: SQS
          Properties:
            Queue: !GetAtt Changes.Arn
            BatchSize: 10
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: {MaximumConcurrency: 3}
        Plain:
          Type: SQS
          Properties: {Queue: !GetAtt Plain.Arn, BatchSize: 5, MaximumBatchingWindowInSeconds: 300}
        Soon:
          Type: SQS
          Properties: {Queue: !GetAtt Soon.Arn, BatchSize: 5, MaximumBatchingWindowInSeconds: 1}
        Off:
          Type: SQS
          Properties: {Queue: !GetAtt Off.Arn, Enabled: false}
";

async fn send(running: &Running, body: serde_json::Value, group: &str, id: &str) {
    running.stack.send_message("changes.fifo", &body.to_string(), Some(group), Some(id)).await.unwrap();
}

async fn empty(running: &Running, queue: &str) {
    until(&format!("{queue} is empty"), async || {
        running.stack.status().queues[queue] == QueueStatus::default()
    })
    .await;
}

/// Waits until somebody has received every message of a queue.
async fn received(running: &Running, queue: &str) {
    until(&format!("{queue} is received"), async || running.stack.status().queues[queue].visible == 0).await;
}

/// How many messages of a queue's next batch succeeded and failed.
async fn batch(running: &mut Running, name: &str) -> (usize, usize) {
    running
        .wait("a batch", |event| match event {
            StackEvent::BatchFinished { queue, succeeded, failed, .. } if queue == name => {
                Some((*succeeded, *failed))
            }
            _ => None,
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn our_queues_pass_every_check() {
    let running = start("Resources: {}").await;
    let results = crate::checks::run_all(&running.stack.endpoints().sqs, true).await;
    let failed: Vec<_> =
        results.iter().filter_map(|(name, result)| Some((name, result.as_ref().err()?))).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(results.len(), 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_a_group_are_handled_in_order_and_deleted() {
    let mut running = start(TEMPLATE).await;
    for number in 0..5 {
        send(&running, json!({"name": number.to_string()}), "g", &number.to_string()).await;
    }
    for number in 0..5 {
        assert_eq!(running.line_from("done").await, format!("done {number} 1"));
    }
    empty(&running, "changes.fifo").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partial_failure_brings_back_the_rest_of_its_group_in_order() {
    let mut running = start(TEMPLATE).await;
    // One batch, so that the whole group is in one event.
    let client = crate::checks::client(&running.stack.endpoints().sqs);
    let url = running.stack.queue_urls()["changes.fifo"].clone();
    let mut batch = client.send_message_batch().queue_url(&url);
    for (id, body) in [
        ("a", json!({"name": "a"})),
        ("b", json!({"name": "b", "failUntil": 2})),
        ("c", json!({"name": "c"})),
    ] {
        let entry =
            aws_sdk_sqs::types::SendMessageBatchRequestEntry::builder().id(id).message_body(body.to_string());
        batch = batch.entries(entry.message_group_id("g").message_deduplication_id(id).build().unwrap());
    }
    batch.send().await.unwrap();
    running.line("done a 1").await;
    running.line("failed b 1").await;
    let finished = running
        .wait("the batch", |event| match event {
            StackEvent::BatchFinished { succeeded, failed, queue, function } => {
                Some((*succeeded, *failed, queue.clone(), function.clone()))
            }
            _ => None,
        })
        .await;
    assert_eq!(finished, (1, 2, "changes.fifo".to_owned(), "push".to_owned()));
    assert_eq!(running.stack.status().queues["changes.fifo"].in_flight, 2);
    // When their visibility has ended, and in order.
    running.line("done b 2").await;
    running.line("done c 2").await;
    empty(&running, "changes.fifo").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_function_deletes_nothing_and_too_many_go_to_the_dead_letters() {
    let mut running = start(TEMPLATE).await;
    send(&running, json!({"name": "poison", "failUntil": 99, "wholeBatch": true}), "g", "1").await;
    for count in 1..=3 {
        running.line(&format!("failed poison {count}")).await;
    }
    let letter = running
        .wait("the dead letter", |event| match event {
            StackEvent::DeadLettered(letter) => Some(letter.clone()),
            _ => None,
        })
        .await;
    assert_eq!(
        (letter.queue.as_str(), letter.dead_letter_queue.as_str()),
        ("changes.fifo", "changes-dead.fifo")
    );
    assert_eq!(letter.receive_count, 3);
    // The group goes on.
    send(&running, json!({"name": "after"}), "g", "2").await;
    running.line("done after 1").await;
    assert_eq!(running.stack.status().queues["changes-dead.fifo"].visible, 1);
    // And redriving brings the letter back as a new message.
    let client = crate::checks::client(&running.stack.endpoints().sqs);
    let dead = "arn:aws:sqs:us-east-1:000000000000:changes-dead.fifo";
    client.start_message_move_task().source_arn(dead).send().await.unwrap();
    running.line("failed poison 1").await;
    let tasks = client.list_message_move_tasks().source_arn(dead).send().await.unwrap();
    assert_eq!(tasks.results()[0].status(), Some("COMPLETED"));
    assert_eq!(tasks.results()[0].approximate_number_of_messages_moved(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_handled_at_the_same_time_up_to_the_concurrency() {
    let mut running = start(TEMPLATE).await;
    let directory = tempfile::tempdir().unwrap();
    let go_on = directory.path().join("go-on");
    // Sent one by one while the others are being worked on, so each is a batch of its own.
    for group in ["a", "b", "c", "d"] {
        let body = json!({"name": group, "waitFor": go_on}).to_string();
        running.stack.send_message("long.fifo", &body, Some(group), Some(group)).await.unwrap();
        if group != "d" {
            running.line(&format!("working {group}")).await;
        }
    }
    let counts = running.stack.status().queues["long.fifo"];
    assert_eq!(running.stack.status().functions["push-long"].running, 3);
    assert_eq!((counts.visible, counts.in_flight), (1, 3));
    std::fs::write(&go_on, "").unwrap();
    for _ in 0..4 {
        running.line_from("done").await;
    }
    empty(&running, "long.fifo").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_process_dies_comes_again() {
    let mut running = start(TEMPLATE).await;
    send(&running, json!({"name": "once", "exitFirst": true}), "g", "1").await;
    let error = running
        .wait("the failed invocation", |event| match event {
            StackEvent::InvocationFinished { error: Some(error), .. } => Some(error.clone()),
            _ => None,
        })
        .await;
    assert_eq!(error, "Runtime.ExitError");
    running.line("done once 2").await;
    empty(&running, "changes.fifo").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standard_queue_gathers_a_batch_within_its_window() {
    let mut running = start(TEMPLATE).await;
    for number in 0..5 {
        running.stack.send_message("plain", &json!({"name": number}).to_string(), None, None).await.unwrap();
        // Each is received alone: it is the window that makes them one batch.
        received(&running, "plain").await;
    }
    assert_eq!(batch(&mut running, "plain").await, (5, 0));
    // A batch that does not fill is delivered at the end of its window.
    running.stack.send_message("soon", r#"{"name": "alone"}"#, None, None).await.unwrap();
    assert_eq!(batch(&mut running, "soon").await, (1, 0));
    // A source that is switched off is left alone.
    running.stack.send_message("off", "{}", None, None).await.unwrap();
    send(&running, json!({"name": "last"}), "g", "1").await;
    running.line("done last 1").await;
    assert_eq!(running.stack.status().queues["off"].visible, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_finishes_the_batch_that_is_under_way() {
    let mut running = start(TEMPLATE).await;
    let directory = tempfile::tempdir().unwrap();
    let go_on = directory.path().join("go-on");
    let body = json!({"name": "slow", "waitFor": go_on}).to_string();
    running.stack.send_message("long.fifo", &body, Some("g"), Some("1")).await.unwrap();
    running.line("working slow").await;
    let Running { stack, mut events, .. } = running;
    let stopping = tokio::spawn(stack.stop(Duration::from_secs(60)));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!stopping.is_finished());
    std::fs::write(&go_on, "").unwrap();
    stopping.await.unwrap();
    let mut finished = None;
    while let Ok(event) = events.try_recv() {
        if let StackEvent::BatchFinished { succeeded, failed, .. } = event {
            finished = Some((succeeded, failed));
        }
    }
    assert_eq!(finished, Some((1, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_gives_up_work_that_takes_too_long() {
    let mut running = start(TEMPLATE).await;
    let body = json!({"name": "endless", "waitFor": "/no/such/file"}).to_string();
    running.stack.send_message("long.fifo", &body, Some("g"), Some("1")).await.unwrap();
    running.line("working endless").await;
    let Running { stack, mut events, .. } = running;
    stack.stop(Duration::from_millis(200)).await;
    let mut seen = Vec::new();
    while let Ok(event) = events.try_recv() {
        match event {
            StackEvent::BatchFinished { succeeded, failed, .. } => seen.push(format!("{succeeded} {failed}")),
            StackEvent::InvocationFinished { error, .. } => seen.push(error.unwrap_or_default()),
            StackEvent::ProcessExited { status, .. } => seen.push(status),
            _ => {}
        }
    }
    assert_eq!(seen, ["signal: 9 (SIGKILL)", "Sandbox.Stopped", "0 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_have_the_attributes_of_the_template() {
    let running = start(TEMPLATE).await;
    let client = crate::checks::client(&running.stack.endpoints().sqs);
    let url = running.stack.queue_urls()["changes.fifo"].clone();
    let request = client.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All);
    let attributes = request.send().await.unwrap().attributes.unwrap();
    assert_eq!(attributes[&QueueAttributeName::VisibilityTimeout], "4");
    assert_eq!(attributes[&QueueAttributeName::FifoQueue], "true");
    assert_eq!(
        attributes[&QueueAttributeName::RedrivePolicy],
        r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:changes-dead.fifo","maxReceiveCount":3}"#
    );
    let listed = client.list_queues().queue_name_prefix("changes").send().await.unwrap();
    assert_eq!(listed.queue_urls().len(), 2);
    let dead = running.stack.queue_urls()["changes-dead.fifo"].clone();
    let sources = client.list_dead_letter_source_queues().queue_url(dead).send().await.unwrap();
    assert_eq!(sources.queue_urls(), [url]);
}
