//! One queue: sending, deduplication, deleting, visibility. Receiving is in `receive`.

use serde::{Deserialize, Serialize};

use super::attributes::QueueAttributes;
use super::deduplication::Deduplication;
use super::error::SqsError;
use super::message::{
    Content, Delivery, Message, Receipt, SendRequest, content_deduplication_id, sequence_number,
};
use super::messages::Messages;

/// How long a FIFO queue remembers a deduplication id.
pub(super) const DEDUPLICATION_MS: i64 = 300_000;
/// How long a message may stay in flight in all, from its receive on.
const LONGEST_VISIBILITY_SECONDS: i64 = 43_200;
/// A purge is refused for this long after another.
const PURGE_INTERVAL_MS: i64 = 60_000;

#[derive(Debug, Clone)]
pub(super) struct Queue {
    pub(super) name: String,
    pub(super) created_ms: i64,
    pub(super) modified_ms: i64,
    pub(super) attributes: QueueAttributes,
    pub(super) messages: Messages,
    pub(super) deduplication: Deduplication,
    pub(super) purged_ms: Option<i64>,
}

/// A message that was accepted under a deduplication id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remembered {
    pub(super) id: String,
    pub(super) number: u64,
    pub(super) sent_ms: i64,
}

/// A change that must be durable before it is acknowledged.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Queue { name: String, created_ms: i64, modified_ms: i64, attributes: QueueAttributes },
    QueueGone { name: String },
    Message { queue: String, number: u64, content: Content, delivery: Delivery },
    Delivery { queue: String, number: u64, delivery: Delivery },
    MessageGone { queue: String, number: u64 },
    Purged { queue: String },
    Remember { queue: String, key: String, remembered: Remembered },
    Forget { queue: String, key: String },
}

/// What `SendMessage` answers, besides checksums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) id: String,
    pub(super) sequence_number: Option<String>,
}

impl Queue {
    pub(super) fn new(name: &str, attributes: QueueAttributes, now_ms: i64) -> Self {
        Self {
            name: name.to_owned(),
            created_ms: now_ms,
            modified_ms: now_ms,
            attributes,
            messages: Messages::default(),
            deduplication: Deduplication::default(),
            purged_ms: None,
        }
    }

    pub(super) fn saved(&self) -> Change {
        Change::Queue {
            name: self.name.clone(),
            created_ms: self.created_ms,
            modified_ms: self.modified_ms,
            attributes: self.attributes.clone(),
        }
    }

    pub(super) fn send(
        &mut self,
        request: SendRequest,
        number: u64,
        now_ms: i64,
        changes: &mut Vec<Change>,
    ) -> Result<Sent, SqsError> {
        request.check(&self.attributes)?;
        let body = request.message_body.unwrap_or_default();
        let fifo = self.attributes.fifo;
        let deduplication =
            fifo.then(|| request.message_deduplication_id.unwrap_or_else(|| content_deduplication_id(&body)));
        let key =
            deduplication.as_ref().map(|id| self.deduplication_key(id, request.message_group_id.as_deref()));
        if let Some(remembered) = key.as_ref().and_then(|key| self.deduplication.get(key))
            && now_ms - remembered.sent_ms < DEDUPLICATION_MS
        {
            let sequence_number = Some(sequence_number(remembered.number));
            return Ok(Sent { id: remembered.id.clone(), sequence_number });
        }
        let id = uuid::Uuid::new_v4().to_string();
        // An explicit zero overrides the queue's delay on a standard queue; a FIFO queue knows only its own.
        let delay = if fifo { None } else { request.delay_seconds }.unwrap_or(self.attributes.delay_seconds);
        let trace_header = request.message_system_attributes.get("AWSTraceHeader");
        let trace_header = trace_header.and_then(|attribute| attribute.string_value.clone());
        if let Some(key) = key {
            let remembered = Remembered { id: id.clone(), number, sent_ms: now_ms };
            changes.push(Change::Remember {
                queue: self.name.clone(),
                key: key.clone(),
                remembered: remembered.clone(),
            });
            self.deduplication.insert(key, remembered);
        }
        let message = Message {
            number,
            content: Content {
                id: id.clone(),
                body,
                attributes: request.message_attributes,
                trace_header,
                group: request.message_group_id,
                deduplication,
                sent_ms: now_ms,
                dead_letter_source: None,
            },
            delivery: Delivery { hidden_until_ms: now_ms + delay * 1_000, ..Delivery::default() },
        };
        let sequence_number = fifo.then(|| message.sequence_number());
        self.insert(message, changes);
        Ok(Sent { id, sequence_number })
    }

    fn deduplication_key(&self, id: &str, group: Option<&str>) -> String {
        match group {
            // A blank can be in neither part.
            Some(group) if self.attributes.deduplication_per_group => format!("{group} {id}"),
            _ => id.to_owned(),
        }
    }

    pub(super) fn insert(&mut self, message: Message, changes: &mut Vec<Change>) {
        changes.push(Change::Message {
            queue: self.name.clone(),
            number: message.number,
            content: message.content.clone(),
            delivery: message.delivery.clone(),
        });
        self.messages.insert(message);
    }

    pub(super) fn remove(&mut self, number: u64, changes: &mut Vec<Change>) -> Option<Message> {
        let message = self.messages.remove(number)?;
        changes.push(Change::MessageGone { queue: self.name.clone(), number });
        Some(message)
    }

    /// Lets time pass: hidden messages become visible, and what is too old is forgotten: messages past their retention,
    /// deduplication ids past their five minutes.
    pub(super) fn settle(&mut self, now_ms: i64, changes: &mut Vec<Change>) {
        self.messages.settle(now_ms);
        for number in self.messages.older_than(now_ms - self.attributes.retention_seconds * 1_000) {
            self.remove(number, changes);
        }
        let forgotten = self.deduplication.forget_until(now_ms - DEDUPLICATION_MS);
        changes.extend(forgotten.into_iter().map(|key| Change::Forget { queue: self.name.clone(), key }));
    }

    /// Deletes the message of a receipt handle.
    ///
    /// A message that is gone counts as deleted. An outdated handle deletes nothing: a standard queue says nothing
    /// about it, a FIFO queue refuses it, also when the message has become visible again.
    pub(super) fn delete(
        &mut self,
        handle: &str,
        now_ms: i64,
        changes: &mut Vec<Change>,
    ) -> Result<(), SqsError> {
        let receipt = Receipt::decode(&self.name, handle)?;
        let Some(message) = self.messages.get(receipt.number) else { return Ok(()) };
        let newest = message.delivery.receipt.as_deref() == Some(&receipt.nonce);
        if self.attributes.fifo && !(newest && message.is_in_flight(now_ms)) {
            return Err(SqsError::receipt_handle_expired(handle));
        }
        if newest {
            self.remove(receipt.number, changes);
        }
        Ok(())
    }

    pub(super) fn change_visibility(
        &mut self,
        handle: &str,
        seconds: i64,
        now_ms: i64,
        changes: &mut Vec<Change>,
    ) -> Result<(), SqsError> {
        if !(0..=LONGEST_VISIBILITY_SECONDS).contains(&seconds) {
            let reason = "VisibilityTimeout must be an integer between 0 and 43200.";
            return Err(SqsError::invalid_value(seconds, "VisibilityTimeout", reason));
        }
        let receipt = Receipt::decode(&self.name, handle)?;
        let message = self.messages.get(receipt.number);
        let message = message.filter(|message| message.delivery.receipt.as_deref() == Some(&receipt.nonce));
        let Some(message) = message else {
            return Err(SqsError::invalid_value(
                handle,
                "ReceiptHandle",
                "Message does not exist or is not available for visibility timeout change.",
            ));
        };
        if !message.is_in_flight(now_ms) {
            return Err(SqsError::not_in_flight());
        }
        let hidden_until_ms = now_ms + seconds * 1_000;
        let received_ms = message.delivery.last_received_ms.unwrap_or(now_ms);
        if hidden_until_ms - received_ms > LONGEST_VISIBILITY_SECONDS * 1_000 {
            let reason = "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].";
            return Err(SqsError::invalid_value(seconds, "VisibilityTimeout", reason));
        }
        let hide = |delivery: &mut Delivery| delivery.hidden_until_ms = hidden_until_ms;
        if let Some(message) = self.messages.deliver(receipt.number, hide) {
            changes.push(Change::Delivery {
                queue: self.name.clone(),
                number: receipt.number,
                delivery: message.delivery.clone(),
            });
        }
        Ok(())
    }

    pub(super) fn purge(&mut self, now_ms: i64, changes: &mut Vec<Change>) -> Result<(), SqsError> {
        if self.purged_ms.is_some_and(|purged_ms| now_ms - purged_ms < PURGE_INTERVAL_MS) {
            return Err(SqsError::purge_in_progress(&self.name));
        }
        self.purged_ms = Some(now_ms);
        self.messages.clear();
        changes.push(Change::Purged { queue: self.name.clone() });
        Ok(())
    }
}
