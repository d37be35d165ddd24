//! Messages that are no notices, for a queue of their own: visitor events.

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use sync::StoreError;

use super::message::{Message, queue_id};
use super::send_all;

/// A message to be queued.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its body: JSON.
    pub body: String,
    /// Messages of one group run in order. No personal data.
    pub group: String,
    /// The same for the same message sent again: within five minutes it is queued once.
    pub deduplication: String,
}

/// Not the body: it holds personal data.
impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Outgoing({}, {} bytes)", self.group, self.body.len())
    }
}

/// A queue that takes messages.
pub trait MessageQueue: Send + Sync {
    /// Queues messages. Nothing is lost once this has answered.
    fn send(&self, messages: Vec<Outgoing>) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// The queue on SQS.
#[derive(Clone, Debug)]
pub struct SqsMessageQueue {
    client: aws_sdk_sqs::Client,
    url: String,
}

impl SqsMessageQueue {
    /// The queue at this URL.
    pub fn new(client: aws_sdk_sqs::Client, url: String) -> Self {
        Self { client, url }
    }
}

impl MessageQueue for SqsMessageQueue {
    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), StoreError> {
        let messages = messages.into_iter().map(|message| Message {
            body: message.body,
            group: queue_id(&message.group).into_owned(),
            deduplication: queue_id(&message.deduplication).into_owned(),
        });
        send_all(&self.client, &self.url, messages.collect(), "visitor events").await
    }
}

/// The in-memory twin: remembers what was queued.
#[derive(Debug, Default)]
pub struct MemoryMessageQueue {
    queued: Mutex<Vec<Outgoing>>,
    is_down: bool,
}

impl MemoryMessageQueue {
    /// A queue of which every call fails.
    pub fn down() -> Self {
        Self { is_down: true, ..Self::default() }
    }

    /// Takes what was queued.
    pub fn take(&self) -> Vec<Outgoing> {
        std::mem::take(&mut *self.queued.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl MessageQueue for MemoryMessageQueue {
    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), StoreError> {
        if self.is_down {
            return Err(StoreError { detail: "the queue is down".to_owned() });
        }
        self.queued.lock().unwrap_or_else(PoisonError::into_inner).extend(messages);
        Ok(())
    }
}
