//! What a push function may do to its queue besides answering: make messages wait, and bury what nobody can read.

use std::future::Future;
use std::time::Duration;

use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, MessageAttributeValue};
use sync::StoreError;

use crate::aws_error::store_error;
use crate::config::PushQueue;
use crate::queue::message::queue_id;

/// The longest wait that SQS takes is 12 hours from the receive on; the receive was up to 15 minutes ago.
const LONGEST_WAIT: Duration = Duration::from_secs(11 * 3600 + 45 * 60);

/// A message that is not a notice.
#[derive(Clone, PartialEq, Eq)]
pub struct NotANotice {
    /// Its id in the queue it came from.
    pub message_id: String,
    /// Its group.
    pub group: String,
    /// Its body, as it came.
    pub body: String,
}

/// Not the body: nobody knows what it holds.
impl std::fmt::Debug for NotANotice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NotANotice({}, {} bytes)", self.message_id, self.body.len())
    }
}

/// The queue that a push function is fed from.
pub trait QueueControl: Send + Sync {
    /// Makes received messages visible again after `wait`; at once where it is zero.
    fn make_wait(
        &self,
        receipt_handles: &[String],
        wait: Duration,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Sends a message to the dead-letter queue. When this has answered, the message is safe there.
    fn bury(&self, message: &NotANotice) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// The queue on SQS.
#[derive(Clone, Debug)]
pub struct SqsQueueControl {
    client: aws_sdk_sqs::Client,
    queue: PushQueue,
}

impl SqsQueueControl {
    /// The control of a queue.
    pub fn new(client: aws_sdk_sqs::Client, queue: PushQueue) -> Self {
        Self { client, queue }
    }
}

impl QueueControl for SqsQueueControl {
    async fn make_wait(&self, receipt_handles: &[String], wait: Duration) -> Result<(), StoreError> {
        let seconds = wait.min(LONGEST_WAIT).as_millis().div_ceil(1000);
        let seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
        // A batch of a FIFO queue has ten messages at most, and so has a call.
        for handles in receipt_handles.chunks(10) {
            let entries = handles.iter().enumerate().map(|(index, handle)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(handle)
                    .visibility_timeout(seconds)
                    .build()
            });
            let entries = entries.collect::<Result<Vec<_>, _>>().map_err(|_| StoreError {
                detail: "ChangeMessageVisibilityBatch: an entry is incomplete".to_owned(),
            })?;
            let call = self.client.change_message_visibility_batch().queue_url(&self.queue.url);
            let answer = call.set_entries(Some(entries)).send().await;
            let answer = answer.map_err(|error| store_error("ChangeMessageVisibilityBatch", &error))?;
            if let Some(first) = answer.failed.first() {
                let detail = format!("ChangeMessageVisibilityBatch: {}", first.code);
                return Err(StoreError { detail });
            }
        }
        Ok(())
    }

    async fn bury(&self, message: &NotANotice) -> Result<(), StoreError> {
        let Some(url) = &self.queue.dead_letters_url else {
            let target = self.queue.target.kind().as_str().to_uppercase();
            let detail = format!("no dead-letter queue is known: set {target}_CHANGES_DEAD_LETTERS_URL");
            return Err(StoreError { detail });
        };
        let text =
            |text: &str| MessageAttributeValue::builder().data_type("String").string_value(text).build();
        let incomplete = |_| StoreError { detail: "SendMessage: an attribute is incomplete".to_owned() };
        self.client
            .send_message()
            .queue_url(url)
            .message_body(&message.body)
            .message_group_id(queue_id(&message.group))
            // The same message buried twice, because it was not deleted in time, is one.
            .message_deduplication_id(queue_id(&message.message_id))
            .message_attributes("reason", text("not_a_notice").map_err(incomplete)?)
            .message_attributes("message_id", text(&message.message_id).map_err(incomplete)?)
            .send()
            .await
            .map_err(|error| store_error("SendMessage", &error))?;
        Ok(())
    }
}
