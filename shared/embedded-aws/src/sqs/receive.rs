//! Receiving: which messages may be given out now, in which order, and which are dead letters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::SqsError;
use super::message::{Delivery, Message, MessageAttribute, Receipt, md5_of_attributes, md5_of_body};
use super::queue::{Change, Queue};

/// Messages in flight at one time. Source: "Amazon SQS message quotas".
const MAX_IN_FLIGHT: usize = 120_000;
/// A receive takes no more messages than fit into this many bytes, as SQS limits the answer.
const MAX_ANSWER_BYTES: usize = 1_048_576;

/// A request to receive.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ReceiveRequest {
    pub(crate) attribute_names: Vec<String>,
    pub(crate) message_system_attribute_names: Vec<String>,
    pub(crate) message_attribute_names: Vec<String>,
    pub(crate) max_number_of_messages: Option<i64>,
    pub(crate) visibility_timeout: Option<i64>,
    pub(crate) wait_time_seconds: Option<i64>,
}

impl ReceiveRequest {
    /// Up to `count` messages with all their attributes.
    pub(crate) fn everything(count: usize, wait_seconds: i64) -> Self {
        Self {
            message_system_attribute_names: vec!["All".to_owned()],
            message_attribute_names: vec!["All".to_owned()],
            max_number_of_messages: i64::try_from(count).ok(),
            wait_time_seconds: Some(wait_seconds),
            ..Self::default()
        }
    }

    pub(super) fn check(&self) -> Result<(), SqsError> {
        let ranges = [
            (
                "MaxNumberOfMessages",
                self.max_number_of_messages,
                1,
                10,
                "Must be between 1 and 10, if provided.",
            ),
            ("WaitTimeSeconds", self.wait_time_seconds, 0, 20, "Must be >= 0 and <= 20, if provided."),
            (
                "VisibilityTimeout",
                self.visibility_timeout,
                0,
                43_200,
                "Must be between 0 and 43200, if provided.",
            ),
        ];
        for (name, value, low, high, reason) in ranges {
            if let Some(value) = value
                && !(low..=high).contains(&value)
            {
                return Err(SqsError::invalid_value(value, name, reason));
            }
        }
        let known = [
            "All",
            "ApproximateFirstReceiveTimestamp",
            "ApproximateReceiveCount",
            "AWSTraceHeader",
            "DeadLetterQueueSourceArn",
            "MessageDeduplicationId",
            "MessageGroupId",
            "SenderId",
            "SentTimestamp",
            "SequenceNumber",
        ];
        let mut names = self.attribute_names.iter().chain(&self.message_system_attribute_names);
        match names.find(|name| !known.contains(&name.as_str())) {
            Some(unknown) => Err(SqsError::unknown_attribute(unknown)),
            None => Ok(()),
        }
    }

    fn wants_system(&self, name: &str) -> bool {
        let mut names = self.attribute_names.iter().chain(&self.message_system_attribute_names);
        names.any(|wanted| wanted == name || wanted == "All")
    }

    fn wants_attribute(&self, name: &str) -> bool {
        self.message_attribute_names.iter().any(|wanted| {
            wanted == name
                || wanted == "All"
                || wanted.strip_suffix(".*").is_some_and(|prefix| name.starts_with(prefix))
        })
    }
}

/// A message as `ReceiveMessage` answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ReceivedMessage {
    #[serde(rename = "MessageId")]
    pub(crate) message_id: String,
    #[serde(rename = "ReceiptHandle")]
    pub(crate) receipt_handle: String,
    #[serde(rename = "MD5OfBody")]
    pub(crate) md5_of_body: String,
    #[serde(rename = "Body")]
    pub(crate) body: String,
    #[serde(rename = "Attributes", skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) attributes: BTreeMap<String, String>,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    pub(crate) md5_of_message_attributes: Option<String>,
    #[serde(rename = "MessageAttributes", skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) message_attributes: BTreeMap<String, MessageAttribute>,
}

/// What one look at a queue gives.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) messages: Vec<ReceivedMessage>,
    /// Messages that have been received too often. They have left the queue.
    pub(super) dead: Vec<Message>,
}

impl Queue {
    /// Gives out the messages that may be received now. `dead_after` is the redrive policy's count, if there is a
    /// queue for dead letters.
    pub(super) fn receive(
        &mut self,
        request: &ReceiveRequest,
        dead_after: Option<u32>,
        now_ms: i64,
        changes: &mut Vec<Change>,
    ) -> Result<Taken, SqsError> {
        let wanted = usize::try_from(request.max_number_of_messages.unwrap_or(1)).unwrap_or(1);
        let visibility = request.visibility_timeout.unwrap_or(self.attributes.visibility_seconds);
        if self.messages.counts().in_flight >= MAX_IN_FLIGHT {
            // A FIFO queue answers with no messages instead.
            return if self.attributes.fifo { Ok(Taken::default()) } else { Err(SqsError::over_limit()) };
        }
        let is_dead =
            |message: &Message| dead_after.is_some_and(|limit| message.delivery.receive_count >= limit);
        let mut taken = Taken::default();
        for number in self.candidates(wanted, is_dead) {
            if self.messages.get(number).is_some_and(is_dead) {
                taken.dead.extend(self.remove(number, changes));
                continue;
            }
            let nonce = uuid::Uuid::new_v4().simple().to_string();
            let give = |delivery: &mut Delivery| {
                delivery.receive_count = delivery.receive_count.saturating_add(1);
                delivery.first_received_ms.get_or_insert(now_ms);
                delivery.last_received_ms = Some(now_ms);
                delivery.received = true;
                delivery.hidden_until_ms = now_ms + visibility * 1_000;
                delivery.receipt = Some(nonce.clone());
            };
            let Some(message) = self.messages.deliver(number, give) else { continue };
            taken.messages.push(answer(&self.name, self.attributes.fifo, message, &nonce, request));
            let delivery = message.delivery.clone();
            changes.push(Change::Delivery { queue: self.name.clone(), number, delivery });
        }
        Ok(taken)
    }

    /// The next messages: as many living ones as are wanted and fit into an answer, and the dead ones that stand before
    /// or between them.
    fn candidates(&self, wanted: usize, is_dead: impl Fn(&Message) -> bool) -> Vec<u64> {
        let (mut numbers, mut living, mut bytes) = (Vec::new(), 0, 0);
        let mut take = |message: &Message| {
            if living >= wanted {
                return false;
            }
            if !is_dead(message) {
                bytes += message.content.body.len();
                if bytes > MAX_ANSWER_BYTES && living > 0 {
                    return false;
                }
                living += 1;
            }
            numbers.push(message.number);
            true
        };
        if self.attributes.fifo {
            let _ = self.messages.in_turn().all(&mut take);
        } else {
            let _ = self.messages.visible().all(&mut take);
        }
        numbers
    }
}

fn answer(
    queue: &str,
    fifo: bool,
    message: &Message,
    nonce: &str,
    request: &ReceiveRequest,
) -> ReceivedMessage {
    let content = &message.content;
    let delivery = &message.delivery;
    let system = [
        ("SenderId", Some("AIDAEMBEDDEDAWSLOCAL0".to_owned())),
        ("SentTimestamp", Some(content.sent_ms.to_string())),
        ("ApproximateReceiveCount", Some(delivery.receive_count.to_string())),
        ("ApproximateFirstReceiveTimestamp", delivery.first_received_ms.map(|time| time.to_string())),
        ("MessageGroupId", content.group.clone()),
        ("MessageDeduplicationId", content.deduplication.clone()),
        ("SequenceNumber", fifo.then(|| message.sequence_number())),
        ("AWSTraceHeader", content.trace_header.clone()),
        ("DeadLetterQueueSourceArn", content.dead_letter_source.clone()),
    ];
    let attributes = system
        .into_iter()
        .filter(|(name, _)| request.wants_system(name))
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
    let message_attributes: BTreeMap<String, MessageAttribute> = content
        .attributes
        .iter()
        .filter(|(name, _)| request.wants_attribute(name))
        .map(|(name, attribute)| (name.clone(), attribute.clone()))
        .collect();
    ReceivedMessage {
        message_id: content.id.clone(),
        receipt_handle: Receipt::encode(queue, message.number, nonce),
        md5_of_body: md5_of_body(&content.body),
        body: content.body.clone(),
        attributes,
        md5_of_message_attributes: md5_of_attributes(&message_attributes),
        message_attributes,
    }
}
