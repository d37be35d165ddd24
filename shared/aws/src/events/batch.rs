//! One batch: groups side by side, each in order, and what goes back to the queue.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures::StreamExt;
use futures::future::{Either, select};
use jiff::{SignedDuration, Timestamp};
use model::System;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sync::Clock;
use tracing::Instrument;

use super::{BatchError, BatchOptions, Delivery, Job, NotANotice, Outcome, QueueControl};

/// What a push function answers: the messages that go back to the queue.
pub type BatchResponse = SqsBatchResponse;

/// The body of a message: a job, and whom it leads to in a queue that leads to several systems.
#[derive(Deserialize)]
#[serde(bound = "M: DeserializeOwned")]
struct Addressed<M> {
    #[serde(flatten)]
    job: M,
    #[serde(default)]
    target: Option<System>,
}

/// A message, as far as it is needed.
struct Message {
    /// Its place in the batch.
    place: usize,
    id: String,
    group: String,
    receipt_handle: Option<String>,
    body: String,
    delivery: Delivery,
}

/// The messages of a group that go back, and why.
struct GoesBack {
    messages: Vec<Message>,
    /// `None` leaves their visibility as it is.
    wait: Option<Duration>,
}

/// When to stop.
#[derive(Clone, Copy)]
struct Ends {
    begin_until: Timestamp,
    drop_at: Timestamp,
}

/// Works on the messages of one event; the invocation ends at `end`.
///
/// # Errors
/// What is not a queue's event, or has a message that cannot be named in the answer, is refused as a whole; then
/// nothing leaves the queue.
pub async fn run_batch<M, Q, C, H, F>(
    event: Value,
    end: Timestamp,
    queue: &Q,
    clock: &C,
    options: BatchOptions,
    handler: H,
) -> Result<BatchResponse, BatchError>
where
    Q: QueueControl,
    C: Clock,
    M: Job,
    H: Fn(M, Delivery) -> F,
    F: Future<Output = Outcome>,
{
    let event: SqsEvent = serde_json::from_value(event).map_err(|_| BatchError::NotAQueueEvent)?;
    let ends = ends(clock.now(), end, options);
    let handler = &handler;
    let groups =
        by_group(event.records)?.into_values().map(|group| run_group(group, ends, queue, clock, handler));
    let groups = futures::stream::iter(groups).buffer_unordered(options.groups_at_once.max(1));
    let mut back: Vec<Message> = groups.flat_map(futures::stream::iter).collect().await;
    back.sort_by_key(|message| message.place);
    let mut response = BatchResponse::default();
    response.set_failures(back.into_iter().map(|message| message.id));
    Ok(response)
}

fn ends(now: Timestamp, end: Timestamp, options: BatchOptions) -> Ends {
    let left = Duration::try_from(end.duration_since(now)).unwrap_or_default();
    // A short timeout must not mean that nothing is ever begun.
    let begin_before = options.begin_before_end.min(left / 2);
    let earlier = |by: Duration| {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::ZERO);
        end.checked_sub(by).unwrap_or(end)
    };
    Ends { begin_until: earlier(begin_before), drop_at: earlier(options.drop_before_end) }
}

fn by_group(records: Vec<SqsMessage>) -> Result<BTreeMap<String, Vec<Message>>, BatchError> {
    let mut groups = BTreeMap::<String, Vec<Message>>::new();
    for (place, record) in records.into_iter().enumerate() {
        let message = message(place, record)?;
        groups.entry(message.group.clone()).or_default().push(message);
    }
    Ok(groups)
}

fn message(place: usize, record: SqsMessage) -> Result<Message, BatchError> {
    let id = record.message_id.filter(|id| !id.is_empty()).ok_or(BatchError::NoMessageId)?;
    let number = |name: &str| record.attributes.get(name).and_then(|text| text.parse::<i64>().ok());
    let receive_count = number("ApproximateReceiveCount").and_then(|count| u32::try_from(count).ok());
    let delivery = Delivery {
        message_id: id.clone(),
        receive_count: receive_count.unwrap_or(1),
        sent_at: number("SentTimestamp").and_then(|ms| Timestamp::from_millisecond(ms).ok()),
        target: None,
    };
    // A message without a group depends on no other.
    let group = record.attributes.get("MessageGroupId").cloned().unwrap_or_else(|| id.clone());
    let body = record.body.unwrap_or_default();
    Ok(Message { place, id, group, receipt_handle: record.receipt_handle, body, delivery })
}

/// Runs the messages of a group in order; gives those that go back.
async fn run_group<M, Q, C, H, F>(
    group: Vec<Message>,
    ends: Ends,
    queue: &Q,
    clock: &C,
    handler: &H,
) -> Vec<Message>
where
    Q: QueueControl,
    C: Clock,
    M: Job,
    H: Fn(M, Delivery) -> F,
    F: Future<Output = Outcome>,
{
    let mut rest = group.into_iter();
    while let Some(message) = rest.next() {
        let wait = if clock.now() >= ends.begin_until {
            tracing::info!(message.id = message.id, outcome = "not_begun", "no time left for a message");
            Some(Duration::ZERO)
        } else {
            match run_message(&message, ends, queue, clock, handler).await {
                Outcome::Done => continue,
                Outcome::Retry { after } => after,
            }
        };
        let messages = std::iter::once(message).chain(rest).collect();
        return give_back(GoesBack { messages, wait }, queue).await;
    }
    Vec::new()
}

async fn run_message<M, Q, C, H, F>(
    message: &Message,
    ends: Ends,
    queue: &Q,
    clock: &C,
    handler: &H,
) -> Outcome
where
    Q: QueueControl,
    C: Clock,
    M: Job,
    H: Fn(M, Delivery) -> F,
    F: Future<Output = Outcome>,
{
    let Ok(Addressed { job, target }) = serde_json::from_str::<Addressed<M>>(&message.body) else {
        return bury(message, queue).await;
    };
    let span = job.span(&message.delivery);
    let left = Duration::try_from(ends.drop_at.duration_since(clock.now())).unwrap_or_default();
    let delivery = Delivery { target, ..message.delivery.clone() };
    let work = pin!(handler(job, delivery).instrument(span.clone()));
    match select(work, pin!(clock.sleep(left))).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(((), _)) => {
            span.in_scope(|| {
                tracing::warn!(outcome = "dropped", "the invocation ends while a change is pushed");
            });
            // Its lease may be alive still: leave it invisible as long as the queue says.
            Outcome::Retry { after: None }
        }
    }
}

async fn bury<Q: QueueControl>(message: &Message, queue: &Q) -> Outcome {
    let unreadable = NotANotice {
        message_id: message.id.clone(),
        group: message.group.clone(),
        body: message.body.clone(),
    };
    match queue.bury(&unreadable).await {
        Ok(()) => {
            tracing::error!(
                message.id = message.id,
                outcome = "buried",
                "not a notice: sent to the dead-letter queue"
            );
            Outcome::Done
        }
        Err(error) => {
            tracing::error!(message.id = message.id, outcome = "blocked", reason = %error, "not a notice: blocks its record");
            Outcome::Retry { after: None }
        }
    }
}

async fn give_back<Q: QueueControl>(back: GoesBack, queue: &Q) -> Vec<Message> {
    if let Some(wait) = back.wait {
        let handles: Vec<String> = back.messages.iter().filter_map(|m| m.receipt_handle.clone()).collect();
        if let Err(error) = queue.make_wait(&handles, wait).await {
            // They come back all the same, when the queue's own visibility timeout is over.
            tracing::warn!(reason = %error, "the wait of messages could not be set");
        }
    }
    back.messages
}
