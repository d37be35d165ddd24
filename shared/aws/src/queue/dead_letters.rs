//! Dead letters: looked at, sent back, or dropped.
//!
//! SQS has no way of looking at messages without receiving them. They are received for a short time and given back; a
//! receive count goes up, which nothing hangs on in a dead-letter queue. `StartMessageMoveTask` is not used: it moves
//! all or nothing, gives no order within a group, and takes along what nobody can read.

use std::collections::BTreeSet;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use jiff::Timestamp;
use model::Notice;
use sync::StoreError;

use super::message::queue_id;
use crate::aws_error::store_error;
use crate::config::PushQueue;

/// How long messages are held while they are looked at or moved. A call that takes longer gives them back.
const HELD_SECONDS: i32 = 60;
/// Messages in one call.
const BATCH: i32 = 10;
/// How long a call waits for messages, in seconds: a queue is spread over many machines, and one that waits for none
/// asks only some of them.
const WAIT_SECONDS: i32 = 1;

/// A dead letter.
#[derive(Clone)]
pub struct DeadLetter {
    /// Its id in the dead-letter queue.
    pub id: String,
    /// Its group: the record.
    pub group: String,
    /// What it says. Holds ids only where it is a notice, and anything where it is not.
    pub body: String,
    /// The notice, if it is one.
    pub notice: Option<Notice>,
    /// When it came here.
    pub since: Option<Timestamp>,
    /// How often it was received, looking included.
    pub receive_count: u32,
    /// Its handle.
    receipt_handle: String,
}

/// Not the body: nobody knows what it holds.
impl std::fmt::Debug for DeadLetter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DeadLetter({}, {}, {} bytes)", self.id, self.group, self.body.len())
    }
}

/// What to do with a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Send it back to the queue that it came from. What is no notice stays: it would come back.
    Redrive,
    /// Delete it.
    Drop,
}

/// What became of the dead letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Sent back or deleted.
    pub done: usize,
    /// Left, because nobody can read them.
    pub unreadable: usize,
}

/// The dead-letter queue of a queue.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    client: aws_sdk_sqs::Client,
    queue_url: String,
    url: String,
}

impl DeadLetters {
    /// The dead letters of a queue; none where it has no dead-letter queue.
    pub fn of(client: aws_sdk_sqs::Client, queue: PushQueue) -> Option<Self> {
        Some(Self { client, queue_url: queue.url, url: queue.dead_letters_url? })
    }

    /// Their number, as SQS tells it.
    ///
    /// # Errors
    /// The queue cannot be looked at.
    pub async fn count(&self) -> Result<u64, StoreError> {
        let depth = super::depth(&self.client, &self.url).await?;
        Ok(depth.waiting + depth.in_flight)
    }

    /// Looks at `limit` dead letters at most. SQS gives ten of a record at a time, and no more before these are back.
    ///
    /// # Errors
    /// The queue cannot be read.
    pub async fn peek(&self, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        let mut seen: Vec<DeadLetter> = Vec::new();
        let outcome = loop {
            if seen.len() >= limit {
                break Ok(());
            }
            match self.receive().await {
                Ok(batch) if batch.is_empty() => break Ok(()),
                Ok(batch) => seen.extend(batch),
                Err(error) => break Err(error),
            }
        };
        self.give_back(&seen).await;
        outcome?;
        seen.truncate(limit);
        Ok(seen)
    }

    /// Takes dead letters out, in the order of each record: all, or those with these ids. `told` hears of each.
    ///
    /// What was sent back is deleted here afterwards: who is stopped in between leaves one too many, which does no
    /// harm.
    ///
    /// # Errors
    /// A queue does not answer; what is not done yet stays.
    pub async fn remove(
        &self,
        removal: Removal,
        ids: Option<&BTreeSet<String>>,
        mut told: impl FnMut(&DeadLetter) + Send,
    ) -> Result<Removed, StoreError> {
        let mut removed = Removed::default();
        let mut left: Vec<DeadLetter> = Vec::new();
        let mut wanted = ids.map(BTreeSet::len);
        let outcome = 'all: loop {
            if wanted == Some(0) {
                break Ok(());
            }
            let batch = match self.receive().await {
                Ok(batch) if batch.is_empty() => break Ok(()),
                Ok(batch) => batch,
                Err(error) => break Err(error),
            };
            let mut rest = batch.into_iter();
            while let Some(letter) = rest.next() {
                let meant = ids.is_none_or(|ids| ids.contains(&letter.id));
                if meant && let Some(wanted) = &mut wanted {
                    *wanted -= 1;
                }
                if !meant || (removal == Removal::Redrive && letter.notice.is_none()) {
                    removed.unreadable += usize::from(meant);
                    left.push(letter);
                    continue;
                }
                if let Err(error) = self.remove_one(removal, &letter).await {
                    left.push(letter);
                    left.extend(rest);
                    break 'all Err(error);
                }
                removed.done += 1;
                told(&letter);
            }
        };
        self.give_back(&left).await;
        outcome.map(|()| removed)
    }

    async fn remove_one(&self, removal: Removal, letter: &DeadLetter) -> Result<(), StoreError> {
        if removal == Removal::Redrive {
            let call = self.client.send_message().queue_url(&self.queue_url).message_body(&letter.body);
            // The same one sent twice, because it could not be deleted, is one for five minutes.
            let call = call.message_deduplication_id(queue_id(&format!("redriven-{}", letter.id)));
            let call = call.message_group_id(queue_id(&letter.group));
            call.send().await.map_err(|error| store_error("SendMessage", &error))?;
        }
        let call = self.client.delete_message().queue_url(&self.url).receipt_handle(&letter.receipt_handle);
        call.send().await.map_err(|error| store_error("DeleteMessage", &error))?;
        Ok(())
    }

    async fn receive(&self) -> Result<Vec<DeadLetter>, StoreError> {
        let call = self.client.receive_message().queue_url(&self.url);
        let call = call.max_number_of_messages(BATCH).visibility_timeout(HELD_SECONDS);
        let call = call.wait_time_seconds(WAIT_SECONDS);
        let answer = call.message_system_attribute_names(MessageSystemAttributeName::All).send().await;
        let answer = answer.map_err(|error| store_error("ReceiveMessage", &error))?;
        Ok(answer.messages.unwrap_or_default().into_iter().map(letter).collect())
    }

    /// What cannot be given back comes back by itself, in a minute. The last one first: a record's first message that
    /// is back would otherwise be received without those behind it.
    async fn give_back(&self, letters: &[DeadLetter]) {
        for letter in letters.iter().rev() {
            let call = self.client.change_message_visibility().queue_url(&self.url).visibility_timeout(0);
            if let Err(error) = call.receipt_handle(&letter.receipt_handle).send().await {
                tracing::warn!(reason = %store_error("ChangeMessageVisibility", &error), "a dead letter comes back later");
            }
        }
    }
}

fn letter(message: Message) -> DeadLetter {
    let attributes = message.attributes.unwrap_or_default();
    let text = |name: &MessageSystemAttributeName| attributes.get(name).map(String::as_str);
    let body = message.body.unwrap_or_default();
    let sent = text(&MessageSystemAttributeName::SentTimestamp).and_then(|ms| ms.parse().ok());
    let count = text(&MessageSystemAttributeName::ApproximateReceiveCount);
    DeadLetter {
        id: message.message_id.unwrap_or_default(),
        group: text(&MessageSystemAttributeName::MessageGroupId).unwrap_or_default().to_owned(),
        notice: serde_json::from_str(&body).ok(),
        since: sent.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
        receive_count: count.and_then(|count| count.parse().ok()).unwrap_or_default(),
        receipt_handle: message.receipt_handle.unwrap_or_default(),
        body,
    }
}
