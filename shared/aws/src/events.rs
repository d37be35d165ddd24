//! The envelope of push functions: SQS batches of a FIFO queue, with partial failures.
//!
//! Messages of one group (one record) run in order, groups run side by side. After the first message of a group that
//! is to be tried again, that message and everything behind it in its group go back to the queue; done messages
//! of the group, and all other groups, are not touched by it. A wait is made by changing the visibility of all
//! messages that go back: SQS gives no message of a group while another one of it is invisible.
//!
//! **A message that is not a notice** would fail for ever, and its record would stand still until the queue gave up
//! on it after a thousand receives. So it is sent to the dead-letter queue at once, as it is, where an alarm tells
//! of it, and counts as done when it has arrived there; the messages behind it go on. Where that queue cannot be
//! reached or is not configured, the message stays in its queue and blocks its own record only. Redriving it needs
//! the destination to be named, since SQS knows no source queue for what was sent there directly.
//!
//! **Time.** No message is begun when the invocation is about to end, and one that still runs then is dropped, as
//! Lambda would do, but with the outcome of all others reported. What was not begun is visible again at once.

mod batch;
mod control;
mod memory;

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use model::{Notice, System};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sync::Clock;

pub use batch::{BatchResponse, run_batch};
pub use control::{NotANotice, QueueControl, SqsQueueControl};
pub use memory::MemoryQueueControl;

/// What the queue says about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The message's id.
    pub message_id: String,
    /// How often it was received, this time included.
    pub receive_count: u32,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// The system that it leads to, where its queue leads to several.
    pub target: Option<System>,
}

impl Delivery {
    /// A wait that grows with the attempts: 1 s, 2 s, 4 s, ... up to 15 minutes.
    pub fn backoff(&self) -> Duration {
        const LONGEST: Duration = Duration::from_secs(15 * 60);
        let doublings = self.receive_count.saturating_sub(1).min(10);
        Duration::from_secs(1 << doublings).min(LONGEST)
    }
}

/// What a message of a queue holds.
pub trait Job: DeserializeOwned {
    /// What log lines say about it: ids and names, never personal data.
    fn span(&self, delivery: &Delivery) -> tracing::Span;
}

impl Job for Notice {
    fn span(&self, delivery: &Delivery) -> tracing::Span {
        tracing::info_span!(
            "change",
            change.id = self.receipt,
            record.system = %self.record.system,
            record.object = %self.record.object,
            record.id = self.record.id,
            message.id = delivery.message_id,
            receive_count = delivery.receive_count,
        )
    }
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is dealt with: settled, skipped or parked. It leaves the queue.
    Done,
    /// It goes back to the queue.
    Retry {
        /// How long it shall wait, 12 hours at most. `None`: as long as the queue's visibility timeout lasts.
        after: Option<Duration>,
    },
}

/// How a batch is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchOptions {
    /// Groups that run at the same time.
    pub groups_at_once: usize,
    /// With less time than this before the invocation's end, no message is begun; half of the time at most.
    pub begin_before_end: Duration,
    /// So long before the invocation's end, what still runs is dropped.
    pub drop_before_end: Duration,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self {
            groups_at_once: 10,
            begin_before_end: Duration::from_secs(5),
            drop_before_end: Duration::from_millis(500),
        }
    }
}

/// Why a whole batch fails: nothing of it leaves the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Something else than a queue has invoked the function.
    #[error("not an event of a queue")]
    NotAQueueEvent,
    /// A message without id cannot be reported, so nothing can be.
    #[error("a message without an id")]
    NoMessageId,
}

impl From<BatchError> for Diagnostic {
    fn from(error: BatchError) -> Self {
        let error_type = match error {
            BatchError::NotAQueueEvent => "NotAQueueEvent",
            BatchError::NoMessageId => "NoMessageId",
        };
        Self { error_type: error_type.to_owned(), error_message: error.to_string() }
    }
}

/// Runs a push function until Lambda ends the process.
///
/// # Errors
/// The Runtime API cannot be reached.
pub async fn serve_batch<M, Q, C, H, F>(
    queue: &Q,
    clock: &C,
    options: BatchOptions,
    handler: H,
) -> Result<(), lambda_runtime::Error>
where
    Q: QueueControl,
    C: Clock,
    M: Job,
    H: Fn(M, Delivery) -> F,
    F: Future<Output = Outcome>,
{
    let handler = &handler;
    let service = service_fn(move |event: LambdaEvent<Value>| async move {
        let (event, context) = event.into_parts();
        let end = i64::try_from(context.deadline).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        run_batch(event, end.unwrap_or(Timestamp::MAX), queue, clock, options, handler).await
    });
    lambda_runtime::run(service).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backoff_grows_and_has_an_end() {
        let wait = |receive_count| {
            Delivery { message_id: String::new(), receive_count, sent_at: None, target: None }
                .backoff()
                .as_secs()
        };
        assert_eq!([wait(0), wait(1), wait(2), wait(5), wait(11), wait(u32::MAX)], [1, 1, 2, 16, 900, 900]);
    }
}
