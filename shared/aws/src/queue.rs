//! The queues: `sync::ChangeQueue` on SQS FIFO queues, one per target system.

pub mod dead_letters;
mod depth;
pub(crate) mod message;
mod outgoing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchRequestEntry};
use backon::{ExponentialBuilder, Retryable};
use futures::StreamExt;
use futures::future::join_all;
use model::{Notice, System};
use sync::together::Together;
use sync::{ChangeQueue, StoreError};

use crate::aws_error::describe;
pub use depth::{Depth, depth};
use message::Message;
pub use outgoing::{MemoryMessageQueue, MessageQueue, Outgoing, SqsMessageQueue};

/// Messages in one call.
const BATCH_ENTRIES: usize = 10;
/// Bytes of all bodies in one call. SQS takes 1 MiB with attributes; a notice has about 250 bytes.
const BATCH_BYTES: usize = 256 * 1024;
/// Calls at the same time. 2,000 notices are 200 calls of some ten milliseconds: in groups of 16 they take a moment.
const CALLS_AT_ONCE: usize = 16;
/// How often entries that a call has refused are sent again, and the first wait; doubled each time, with jitter.
const RETRIES: usize = 4;
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// The queues of a stack, by the system that they lead to.
///
/// Notices of one record run in the order in which they were sent by one call, except where more than one call of
/// SQS was needed and one of them had to be repeated: a push reads records as they are now, so order between notices
/// is a courtesy. Sending the same notice twice within five minutes queues it once.
#[derive(Clone, Debug)]
pub struct SqsChangeQueue {
    client: aws_sdk_sqs::Client,
    urls: BTreeMap<System, String>,
    /// What pushes that run side by side send: each has a notice or two, and a call takes ten.
    gathering: Arc<Together<(System, Vec<Message>), (), StoreError>>,
}

impl SqsChangeQueue {
    /// The queues at these URLs: see [`crate::Environment::changes_queues`].
    pub fn new(client: aws_sdk_sqs::Client, urls: BTreeMap<System, String>) -> Self {
        Self { client, urls, gathering: Arc::default() }
    }

    async fn send_together(&self, asked: Vec<(System, Vec<Message>)>) -> Result<(), StoreError> {
        let mut by_target = BTreeMap::<System, Vec<Message>>::new();
        for (target, messages) in asked {
            by_target.entry(target).or_default().extend(messages);
        }
        let sent = by_target.into_iter().map(async |(target, messages)| {
            let Some(url) = self.urls.get(&target) else {
                return Err(StoreError { detail: format!("no queue leads to {target}") });
            };
            send_all(&self.client, url, messages, &target.to_string()).await
        });
        // What leads elsewhere is sent even if one fails.
        join_all(sent).await.into_iter().collect()
    }
}

impl ChangeQueue for SqsChangeQueue {
    fn reaches(&self, target: &System) -> bool {
        self.urls.contains_key(target)
    }

    async fn send(&self, target: &System, notices: &[Notice]) -> Result<(), StoreError> {
        if !self.reaches(target) {
            return Err(StoreError { detail: format!("no queue leads to {target}") });
        }
        let messages: Vec<Message> =
            notices.iter().map(|notice| Message::of(target, notice)).collect::<Result<_, _>>()?;
        let send = |asked| self.send_together(asked);
        self.gathering.ask((target.clone(), messages), send, |(), _| ()).await
    }
}

/// Sends messages in as many calls as they need.
async fn send_all(
    client: &aws_sdk_sqs::Client,
    url: &str,
    messages: Vec<Message>,
    towards: &str,
) -> Result<(), StoreError> {
    let batches = batches(messages);
    let count = batches.len();
    let calls = batches.into_iter().map(|batch| send_batch(client, url, batch));
    // All calls are made even if one fails: what gets through need not be found by a poll later.
    let outcomes: Vec<Result<(), Unsent>> =
        futures::stream::iter(calls).buffer_unordered(CALLS_AT_ONCE).collect().await;
    let failed: Vec<Unsent> = outcomes.into_iter().filter_map(Result::err).collect();
    match failed.first() {
        None => Ok(()),
        Some(first) => {
            let (failed, first) = (failed.len(), &first.detail);
            Err(StoreError {
                detail: format!("{failed} of {count} batches towards {towards} not sent: {first}"),
            })
        }
    }
}

/// What is left of a batch.
struct Unsent {
    detail: String,
    /// Whether SQS may take the rest later.
    may_pass: bool,
}

/// Splits messages into calls: ten at most, and no more bytes than a call may have.
fn batches(messages: Vec<Message>) -> Vec<Vec<Message>> {
    let mut batches: Vec<Vec<Message>> = Vec::new();
    let mut bytes = 0;
    for message in messages {
        let size = message.body.len();
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH_ENTRIES && bytes + size <= BATCH_BYTES => {
                bytes += size;
                batch.push(message);
            }
            _ => {
                bytes = size;
                batches.push(vec![message]);
            }
        }
    }
    batches
}

/// Sends one batch, and again what was refused of it.
async fn send_batch(client: &aws_sdk_sqs::Client, url: &str, batch: Vec<Message>) -> Result<(), Unsent> {
    let rest = tokio::sync::Mutex::new(batch);
    let attempt = || async {
        let mut rest = rest.lock().await;
        let refused = send_once(client, url, &rest).await?;
        let Some(first) = refused.first() else { return Ok(()) };
        let may_pass = !refused.iter().any(|entry| entry.sender_fault);
        let detail = format!("SendMessageBatch: {} entries refused: {}", refused.len(), first.code);
        let kept = std::mem::take(&mut *rest).into_iter().enumerate();
        let is_refused = |index: &usize| refused.iter().any(|entry| entry.id == index.to_string());
        *rest = kept.filter(|(index, _)| is_refused(index)).map(|(_, message)| message).collect();
        Err(Unsent { detail, may_pass })
    };
    let waits = ExponentialBuilder::new().with_min_delay(FIRST_WAIT).with_jitter().with_max_times(RETRIES);
    attempt.retry(waits).when(|unsent: &Unsent| unsent.may_pass).await
}

async fn send_once(
    client: &aws_sdk_sqs::Client,
    url: &str,
    messages: &[Message],
) -> Result<Vec<BatchResultErrorEntry>, Unsent> {
    let incomplete =
        |_| Unsent { detail: "SendMessageBatch: an entry is incomplete".to_owned(), may_pass: false };
    let entries = messages.iter().enumerate().map(|(index, message)| {
        SendMessageBatchRequestEntry::builder()
            .id(index.to_string())
            .message_body(&message.body)
            .message_group_id(&message.group)
            .message_deduplication_id(&message.deduplication)
            .build()
            .map_err(incomplete)
    });
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    let answer = client.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await;
    // The client has repeated a failed call already.
    let answer =
        answer.map_err(|error| Unsent { detail: describe("SendMessageBatch", &error), may_pass: false })?;
    Ok(answer.failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: usize) -> Message {
        Message { body: "x".repeat(bytes), group: "g".to_owned(), deduplication: "d".to_owned() }
    }

    #[test]
    fn a_batch_has_ten_entries_and_no_more_bytes_than_a_call_takes() {
        let sizes = |messages: Vec<Message>| batches(messages).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes((0..25).map(|_| message(250)).collect()), [10, 10, 5]);
        assert_eq!(sizes((0..5).map(|_| message(100 * 1024)).collect()), [2, 2, 1]);
        assert_eq!(sizes(vec![message(1), message(300 * 1024), message(1)]), [1, 1, 1]);
        assert!(sizes(Vec::new()).is_empty());
    }
}
