//! Queues: order, dead letters, and the times that must not overtake one another.

use serde_json::{Value, json};

use super::document::{Template, items, name_of, target_of, template};

/// As long as SQS keeps a message: an outage of a system must not lose a change.
const LONGEST_RETENTION_SECONDS: i64 = 14 * 24 * 60 * 60;

/// Queues that feed a function, each with its dead-letter queue, as logical id and properties.
fn fed_from(template: &Template) -> Vec<[(&str, &Value); 2]> {
    let functions = template.functions();
    let sources = functions.iter().flat_map(|(_, function)| template.queues_of(function));
    let pairs: Vec<_> = sources
        .map(|(id, queue)| {
            let dead_letters = target_of(&queue["RedrivePolicy"]["deadLetterTargetArn"], "Arn");
            [(id, queue), (dead_letters, &template.resource(dead_letters)["Properties"])]
        })
        .collect();
    assert!(!pairs.is_empty(), "no function is fed from a queue");
    pairs
}

#[test]
fn a_worker_is_dead_before_its_lease_ends_and_its_lease_before_its_message_is_seen_again() {
    let template = template();
    let mut checked = 0;
    for (id, function) in template.functions() {
        for (queue, properties) in template.queues_of(function) {
            let timeout = template.of_function(function, "Timeout").as_i64().unwrap();
            let lease: i64 =
                function["Environment"]["Variables"]["LEASE_SECONDS"].as_str().unwrap().parse().unwrap();
            let visibility = properties["VisibilityTimeout"].as_i64().unwrap();
            assert!(timeout < lease, "{id}: timeout {timeout} s, lease {lease} s");
            assert!(lease < visibility, "{id}: lease {lease} s, visibility of {queue} {visibility} s");
            checked += 1;
        }
    }
    assert!(checked > 0, "no function is fed from a queue");
}

#[test]
fn a_batch_reports_which_messages_failed_and_its_workers_are_counted() {
    let template = template();
    for (id, function) in template.functions() {
        for source in super::document::events_of(function, "SQS") {
            assert_eq!(source["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]), "{id}");
            assert_eq!(source["BatchSize"], 10, "{id}: a FIFO queue gives 10 at most, and fewer cost more");
            let concurrency = source["ScalingConfig"]["MaximumConcurrency"]["Ref"].as_str();
            let concurrency = concurrency.unwrap_or_else(|| panic!("{id}: the concurrency is no parameter"));
            let parameter = &template.section("Parameters")[concurrency];
            assert!(parameter["MinValue"].as_i64() >= Some(2), "{id}: Lambda refuses a concurrency below 2");
            assert!(parameter["Default"].as_i64() >= parameter["MinValue"].as_i64(), "{id}");
            assert!(
                parameter["MaxValue"].as_i64() <= Some(1000),
                "{id}: Lambda refuses a concurrency above 1,000"
            );
        }
    }
}

#[test]
fn changes_and_dead_letters_are_fifo_by_record_and_kept_as_long_as_possible() {
    let template = template();
    for (id, queue) in fed_from(&template).into_iter().flatten() {
        assert_eq!(queue["FifoQueue"], true, "{id}");
        assert!(name_of(&queue["QueueName"], "").strip_suffix(".fifo").is_some(), "{id}");
        assert_eq!(queue["DeduplicationScope"], "messageGroup", "{id}");
        assert_eq!(queue["FifoThroughputLimit"], "perMessageGroupId", "{id}");
        assert_eq!(queue["MessageRetentionPeriod"], LONGEST_RETENTION_SECONDS, "{id}");
        assert!(queue["DelaySeconds"].is_null(), "{id}: a delay would be added to every change");
        let by_content = queue["ContentBasedDeduplication"].as_bool().unwrap_or(false);
        assert!(!by_content, "{id}: two edits within one second look alike, and the second would be dropped");
    }
}

#[test]
fn an_outage_does_not_empty_a_queue_into_its_dead_letters() {
    let template = template();
    for [(id, queue), (dead_id, dead_letters)] in fed_from(&template) {
        assert_eq!(
            queue["RedrivePolicy"]["maxReceiveCount"], 1000,
            "{id}: the function parks by its own count"
        );
        assert!(dead_letters["RedrivePolicy"].is_null(), "{dead_id}: dead letters go nowhere by themselves");
        let allow = &dead_letters["RedriveAllowPolicy"];
        assert_eq!(allow["redrivePermission"], "byQueue", "{dead_id}");
        let prefix = "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:";
        let sources: Vec<&str> =
            items(&allow["sourceQueueArns"]).into_iter().map(|source| name_of(source, prefix)).collect();
        assert_eq!(sources, [name_of(&queue["QueueName"], "")], "{dead_id}");
    }
}

#[test]
fn every_queue_is_encrypted_and_refuses_plain_http() {
    let template = template();
    let policies = template.resources_of("AWS::SQS::QueuePolicy");
    for (id, queue) in template.resources_of("AWS::SQS::Queue") {
        assert_eq!(queue["SqsManagedSseEnabled"], true, "{id}");
        let of_queue = policies.iter().filter(|(_, policy)| policy["Queues"] == json!([{ "Ref": id }]));
        let statements: Vec<&Value> =
            of_queue.flat_map(|(_, policy)| items(&policy["PolicyDocument"]["Statement"])).collect();
        let [statement] = statements[..] else {
            panic!("{id}: one policy with one statement, not {statements:?}")
        };
        assert_eq!(statement["Effect"], "Deny", "{id}");
        assert_eq!(statement["Principal"], "*", "{id}");
        assert_eq!(statement["Action"], "sqs:*", "{id}");
        assert_eq!(target_of(&statement["Resource"], "Arn"), id);
        assert_eq!(statement["Condition"], json!({"Bool": {"aws:SecureTransport": false}}), "{id}");
    }
}

#[test]
fn no_queue_is_without_a_reader_or_a_reason() {
    let template = template();
    let known: Vec<&str> = fed_from(&template).into_iter().flatten().map(|(id, _)| id).collect();
    for (id, _) in template.resources_of("AWS::SQS::Queue") {
        assert!(
            known.contains(&id),
            "{id} neither feeds a function nor takes the dead letters of one that does"
        );
    }
}

#[test]
fn a_poll_fires_every_minute_is_not_repeated_and_is_dead_before_its_lease_ends() {
    let template = template();
    let mut checked = 0;
    for (id, function) in template.functions() {
        for schedule in super::document::events_of(function, "ScheduleV2") {
            assert_eq!(schedule["ScheduleExpression"], "rate(1 minute)", "{id}: the settings say how often");
            // The next minute brings the next tick; a repeated one would only meet its lease.
            assert_eq!(schedule["RetryPolicy"]["MaximumRetryAttempts"], 0, "{id}");
            assert_eq!(function["EventInvokeConfig"]["MaximumRetryAttempts"], 0, "{id}");
            let timeout = template.of_function(function, "Timeout").as_i64().unwrap();
            let lease = function["Environment"]["Variables"]["LEASE_SECONDS"].as_str().unwrap();
            assert!(timeout < lease.parse().unwrap(), "{id}: timeout {timeout} s, lease {lease} s");
            checked += 1;
        }
    }
    assert!(checked > 0, "nothing is polled");
}
