//! Runs the queue checks against an endpoint, or against the embedded queues.
//!
//! `sqs-checks --embedded`, or `sqs-checks --endpoint URL [--oracle NAME]`. With `--oracle` the known differences of
//! that implementation are expected, and anything else that differs fails. Ends with `N passed, N failed`.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

mod checks;

use std::sync::Arc;

use anyhow::Context as _;
use embedded_aws::{Stack, StackOptions};

/// Where other implementations are known to differ from AWS: implementation, check, why.
const KNOWN_DIFFERENCES: [(&str, &str, &str); 17] = [
    (
        "fauxqs",
        "one_receive_takes_many_messages_of_a_group",
        "gives out one message per group; the developer guide promises as many of one group as possible",
    ),
    ("fauxqs", "a_deduplication_id_counts_per_group_when_the_scope_says_so", "has no DeduplicationScope"),
    ("fauxqs", "a_dead_letter_names_its_source", "has no DeadLetterQueueSourceArn"),
    ("fauxqs", "an_id_of_a_batch_may_have_80_characters_and_no_more", "checks no length"),
    ("fauxqs", "a_bad_receipt_handle_is_refused", "takes an unknown handle for a deleted message"),
    ("fauxqs", "a_bad_handle_in_a_batch_fails_alone", "takes an unknown handle for a deleted message"),
    ("fauxqs", "a_dead_letter_queue_must_be_of_the_same_type", "checks no type"),
    (
        "fauxqs",
        "an_expired_handle_of_a_fifo_queue_deletes_nothing",
        "says nothing; SQS refuses (aws/aws-sdk-js issue 1279, localstack pull request 12442)",
    ),
    (
        "fauxqs",
        "making_a_queue_twice_is_one_queue_unless_it_differs",
        "calls it QueueNameExists; the query code of the API model is QueueAlreadyExists",
    ),
    ("fauxqs", "a_standard_queue_refuses_a_deduplication_id", "ignores the id"),
    (
        "moto",
        "equal_bodies_are_sent_once_with_content_deduplication",
        "answers a repeated message with a new id",
    ),
    ("moto", "a_deduplication_id_counts_per_group_when_the_scope_says_so", "ignores DeduplicationScope"),
    ("moto", "sequence_numbers_rise", "makes random sequence numbers"),
    ("moto", "a_dead_letter_names_its_source", "has no DeadLetterQueueSourceArn"),
    (
        "moto",
        "one_entry_of_a_batch_fails_alone",
        "refuses the whole batch; the API lists the entry under Failed",
    ),
    (
        "moto",
        "an_expired_handle_of_a_fifo_queue_deletes_nothing",
        "says nothing; SQS refuses (aws/aws-sdk-js issue 1279, localstack pull request 12442)",
    ),
    ("moto", "a_standard_queue_refuses_a_deduplication_id", "ignores the id"),
];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1).cloned()
    };
    let oracle = value("--oracle");
    let embedded = if arguments.iter().any(|argument| argument == "--embedded") {
        let launcher = Arc::new(|_: &embedded_aws::FunctionSpec| tokio::process::Command::new("none"));
        Some(Stack::start(StackOptions::new("Resources: {}", launcher)).await?)
    } else {
        None
    };
    let endpoint = match &embedded {
        Some(stack) => stack.endpoints().sqs.clone(),
        None => value("--endpoint").context("give --embedded or --endpoint URL")?,
    };
    let (mut passed, mut failed, mut unexplained) = (0, 0, 0);
    for (name, result) in checks::run_all(&endpoint, embedded.is_some()).await {
        let known = KNOWN_DIFFERENCES
            .iter()
            .find(|(implementation, check, _)| Some(*implementation) == oracle.as_deref() && *check == name);
        match (result, known) {
            (Ok(()), None) => println!("ok    {name}"),
            (Ok(()), Some(_)) => {
                unexplained += 1;
                println!("LIST  {name}: agrees now; take it from the list of known differences");
            }
            (Err(error), Some((_, _, why))) => {
                failed += 1;
                println!("known {name}: {why} ({error:#})");
                continue;
            }
            (Err(error), None) => {
                failed += 1;
                unexplained += 1;
                println!("FAIL  {name}: {error:#}");
                continue;
            }
        }
        passed += 1;
    }
    println!("{passed} passed, {failed} failed");
    if unexplained > 0 {
        println!("{unexplained} not explained");
        std::process::exit(1);
    }
    Ok(())
}
