//! One message, its checksums and its receipt handles.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::attributes::QueueAttributes;
use super::error::SqsError;

/// What never changes while a message is in a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Content {
    pub(super) id: String,
    pub(super) body: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) attributes: BTreeMap<String, MessageAttribute>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) trace_header: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) deduplication: Option<String>,
    pub(super) sent_ms: i64,
    /// ARN of the queue that it was dead-lettered from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dead_letter_source: Option<String>,
}

/// What receiving changes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Delivery {
    /// Before this time the message is delayed or in flight.
    pub(super) hidden_until_ms: i64,
    /// True from a receive on; the message is in flight while it is also hidden.
    pub(super) received: bool,
    pub(super) receive_count: u32,
    pub(super) first_received_ms: Option<i64>,
    pub(super) last_received_ms: Option<i64>,
    /// Part of the newest receipt handle.
    pub(super) receipt: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// Place in the queue; also the sequence number.
    pub(super) number: u64,
    pub(super) content: Content,
    pub(super) delivery: Delivery,
}

impl Message {
    pub(super) fn is_hidden(&self, now_ms: i64) -> bool {
        self.delivery.hidden_until_ms > now_ms
    }

    pub(super) fn is_in_flight(&self, now_ms: i64) -> bool {
        self.delivery.received && self.is_hidden(now_ms)
    }

    /// Twenty digits, rising within the queue.
    pub(super) fn sequence_number(&self) -> String {
        sequence_number(self.number)
    }
}

pub(super) fn sequence_number(number: u64) -> String {
    format!("{:020}", 10_000_000_000_000_000_000_u128 + u128::from(number))
}

/// A message attribute as the protocol has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MessageAttribute {
    #[serde(rename = "DataType", default)]
    pub(crate) data_type: String,
    #[serde(rename = "StringValue", default, skip_serializing_if = "Option::is_none")]
    pub(crate) string_value: Option<String>,
    /// Base64, as on the wire.
    #[serde(rename = "BinaryValue", default, skip_serializing_if = "Option::is_none")]
    pub(crate) binary_value: Option<String>,
}

/// A message about to be sent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct SendRequest {
    /// Text, 1 byte to 1 MiB.
    pub(crate) message_body: Option<String>,
    /// 0 to 900; standard queues only.
    pub(crate) delay_seconds: Option<i64>,
    /// At most 10.
    pub(crate) message_attributes: BTreeMap<String, MessageAttribute>,
    /// Only `AWSTraceHeader`.
    pub(crate) message_system_attributes: BTreeMap<String, MessageAttribute>,
    /// FIFO queues only.
    pub(crate) message_deduplication_id: Option<String>,
    /// Mandatory on FIFO queues; a fairness hint on standard queues.
    pub(crate) message_group_id: Option<String>,
}

impl SendRequest {
    /// Bytes that count towards the limits: the body and the attributes with their names and types.
    pub(super) fn size(&self) -> usize {
        let body = self.message_body.as_deref().map_or(0, str::len);
        body + self
            .message_attributes
            .iter()
            .map(|(name, attribute)| {
                let binary = attribute
                    .binary_value
                    .as_deref()
                    .map_or(0, |value| BASE64.decode(value).map_or(0, |b| b.len()));
                name.len()
                    + attribute.data_type.len()
                    + attribute.string_value.as_deref().map_or(0, str::len)
                    + binary
            })
            .sum::<usize>()
    }

    pub(super) fn check(&self, queue: &QueueAttributes) -> Result<(), SqsError> {
        let body = self.message_body.as_deref().unwrap_or_default();
        if body.is_empty() {
            return Err(SqsError::missing("MessageBody"));
        }
        if !body.chars().all(is_allowed) {
            return Err(SqsError::invalid_contents());
        }
        self.check_attributes()?;
        if self.size() > queue.maximum_message_size {
            return Err(SqsError::invalid(format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {} bytes.",
                queue.maximum_message_size
            )));
        }
        self.check_ids(queue)?;
        if let Some(delay) = self.delay_seconds {
            if !(0..=900).contains(&delay) {
                let reason = "DelaySeconds must be >= 0 and <= 900.";
                return Err(SqsError::invalid_value(delay, "DelaySeconds", reason));
            }
            // On a FIFO queue the delay belongs to the queue. Zero is what many clients send by default.
            if queue.fifo && delay != 0 {
                let reason = "The request include parameter that is not valid for this queue type.";
                return Err(SqsError::invalid_value(delay, "DelaySeconds", reason));
            }
        }
        Ok(())
    }

    fn check_ids(&self, queue: &QueueAttributes) -> Result<(), SqsError> {
        let punctuation = |c: char| c.is_ascii_graphic();
        for (name, value) in [
            ("MessageGroupId", &self.message_group_id),
            ("MessageDeduplicationId", &self.message_deduplication_id),
        ] {
            let Some(value) = value else { continue };
            if value.is_empty() || value.len() > 128 || !value.chars().all(punctuation) {
                let reason = format!(
                    "{name} can only include alphanumeric and punctuation characters. 1 to 128 in length."
                );
                return Err(SqsError::invalid_value(value, name, &reason));
            }
        }
        if queue.fifo {
            if self.message_group_id.is_none() {
                return Err(SqsError::missing("MessageGroupId"));
            }
            if self.message_deduplication_id.is_none() && !queue.content_based_deduplication {
                return Err(SqsError::invalid(
                    "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId \
                     provided explicitly",
                ));
            }
        } else if let Some(id) = &self.message_deduplication_id {
            let reason = "The request include parameter that is not valid for this queue type.";
            return Err(SqsError::invalid_value(id, "MessageDeduplicationId", reason));
        }
        Ok(())
    }

    fn check_attributes(&self) -> Result<(), SqsError> {
        let count = self.message_attributes.len();
        if count > 10 {
            let message = format!("Number of message attributes [{count}] exceeds the allowed maximum [10].");
            return Err(SqsError::invalid(message));
        }
        for (name, attribute) in &self.message_attributes {
            let fail = |what: &str| SqsError::invalid(format!("Message (user) attribute '{name}' {what}"));
            let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if name.is_empty() || name.len() > 256 || !name.chars().all(letters) {
                return Err(fail("has an invalid name."));
            }
            let value = match attribute.data_type.split('.').next().unwrap_or_default() {
                "String" | "Number" => &attribute.string_value,
                "Binary" => &attribute.binary_value,
                "" => return Err(fail("must contain a non-empty attribute type.")),
                other => {
                    return Err(fail(&format!(
                        "has an invalid message attribute type '{other}', the set of supported type prefixes is \
                         Binary, Number, and String."
                    )));
                }
            };
            let value = value.as_deref().unwrap_or_default();
            if value.is_empty() {
                return Err(fail(&format!(
                    "must contain a non-empty value of type '{}'.",
                    attribute.data_type
                )));
            }
            if attribute.data_type.starts_with("Number") && value.trim().parse::<f64>().is_err() {
                return Err(fail(&format!(
                    "can't cast the value of message (user) attribute '{name}' to a number."
                )));
            }
            if attribute.data_type.starts_with("Binary") && BASE64.decode(value).is_err() {
                return Err(fail("is no valid base64."));
            }
            if attribute.string_value.as_deref().is_some_and(|text| !text.chars().all(is_allowed)) {
                return Err(SqsError::invalid_contents());
            }
        }
        if let Some(name) = self.message_system_attributes.keys().find(|name| *name != "AWSTraceHeader") {
            return Err(SqsError::invalid(format!("Message system attribute name '{name}' is invalid.")));
        }
        Ok(())
    }
}

/// The characters of XML 1.0, which SQS allows.
fn is_allowed(c: char) -> bool {
    matches!(c, '\u{9}' | '\u{A}' | '\u{D}' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

/// MD5 of the body, in lower-case hex.
pub(crate) fn md5_of_body(body: &str) -> String {
    hex(&Md5::digest(body.as_bytes()))
}

/// MD5 of message attributes, as the SQS developer guide defines it ("Calculating the MD5 message digest for message
/// attributes"); `None` when there are none.
pub(crate) fn md5_of_attributes(attributes: &BTreeMap<String, MessageAttribute>) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut digest = Md5::new();
    let mut sized = |bytes: &[u8], kind: Option<u8>| {
        if let Some(kind) = kind {
            digest.update([kind]);
        }
        digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        digest.update(bytes);
    };
    for (name, attribute) in attributes {
        sized(name.as_bytes(), None);
        sized(attribute.data_type.as_bytes(), None);
        match (&attribute.string_value, &attribute.binary_value) {
            (Some(text), _) => sized(text.as_bytes(), Some(1)),
            (None, Some(binary)) => sized(&BASE64.decode(binary).unwrap_or_default(), Some(2)),
            (None, None) => {}
        }
    }
    Some(hex(&digest.finalize()))
}

/// SHA-256 of the body in lower-case hex: the deduplication id of a queue with content-based deduplication.
pub(super) fn content_deduplication_id(body: &str) -> String {
    hex(&sha2::Sha256::digest(body.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Which message of which queue a receipt handle stands for, and which receive gave it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) number: u64,
    pub(super) nonce: String,
}

impl Receipt {
    pub(super) fn encode(queue: &str, number: u64, nonce: &str) -> String {
        BASE64.encode(format!("{queue} {number} {nonce}"))
    }

    pub(super) fn decode(queue: &str, handle: &str) -> Result<Self, SqsError> {
        let fail = || SqsError::receipt_handle(handle);
        let text =
            BASE64.decode(handle).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(fail)?;
        let mut parts = text.split(' ');
        match (parts.next(), parts.next().and_then(|number| number.parse().ok()), parts.next(), parts.next())
        {
            (Some(name), Some(number), Some(nonce), None) if name == queue => {
                Ok(Self { number, nonce: nonce.to_owned() })
            }
            _ => Err(fail()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_md5_of_attributes_is_the_one_that_aws_computes() {
        // Values that the AWS SDKs check: one attribute of type String, answer taken from moto's test of the real API.
        let attributes = BTreeMap::from([(
            "timestamp".to_owned(),
            MessageAttribute {
                data_type: "Number".to_owned(),
                string_value: Some("1493147359900".to_owned()),
                binary_value: None,
            },
        )]);
        assert_eq!(md5_of_attributes(&attributes).unwrap(), "235c5c510d26fb653d073faed50ae77c");
    }

    #[test]
    fn a_receipt_handle_of_another_queue_or_made_up_is_refused() {
        let handle = Receipt::encode("a", 7, "n");
        assert_eq!(Receipt::decode("a", &handle).unwrap(), Receipt { number: 7, nonce: "n".to_owned() });
        for bad in [handle.as_str(), "", "garbage", "Z2FyYmFnZQ==", "a b c"] {
            assert_eq!(Receipt::decode("b", bad).unwrap_err().code, "ReceiptHandleIsInvalid");
        }
    }
}
