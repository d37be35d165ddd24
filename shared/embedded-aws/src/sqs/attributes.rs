//! Attributes of a queue: limits, defaults, what differs between standard and FIFO.
//!
//! Source: API reference of SQS, `CreateQueue` and `SetQueueAttributes`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::SqsError;

/// The largest message and the largest batch, in bytes.
pub(super) const MAX_MESSAGE_BYTES: usize = 1_048_576;

/// Settings of a queue. Seconds where a duration is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the attributes of the API, each a switch of its own")]
pub(super) struct QueueAttributes {
    pub(super) fifo: bool,
    pub(super) delay_seconds: i64,
    pub(super) maximum_message_size: usize,
    pub(super) retention_seconds: i64,
    pub(super) wait_seconds: i64,
    pub(super) visibility_seconds: i64,
    pub(super) content_based_deduplication: bool,
    /// `DeduplicationScope: messageGroup`; false means the whole queue.
    pub(super) deduplication_per_group: bool,
    /// `FifoThroughputLimit: perMessageGroupId`. Kept and answered, not enforced.
    pub(super) throughput_per_group: bool,
    pub(super) redrive: Option<RedrivePolicy>,
    /// Attributes that are kept and answered but mean nothing here: policies and encryption.
    pub(super) passive: BTreeMap<String, String>,
}

/// After how many receives a message goes where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RedrivePolicy {
    pub(super) target_arn: String,
    pub(super) max_receive_count: u32,
}

const PASSIVE: [&str; 5] = [
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "Policy",
    "RedriveAllowPolicy",
    "SqsManagedSseEnabled",
];
const FIFO_ONLY: [&str; 3] = ["ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"];

impl QueueAttributes {
    pub(super) fn new(fifo: bool) -> Self {
        Self {
            fifo,
            delay_seconds: 0,
            maximum_message_size: MAX_MESSAGE_BYTES,
            retention_seconds: 345_600,
            wait_seconds: 0,
            visibility_seconds: 30,
            content_based_deduplication: false,
            deduplication_per_group: false,
            throughput_per_group: false,
            redrive: None,
            passive: BTreeMap::new(),
        }
    }

    /// Sets what a request gives; an error leaves everything as it was.
    pub(super) fn apply(&mut self, given: &BTreeMap<String, String>) -> Result<(), SqsError> {
        let mut next = self.clone();
        for (name, value) in given {
            next.set(name, value)?;
        }
        if next.throughput_per_group && !next.deduplication_per_group {
            return Err(SqsError::attribute_value("FifoThroughputLimit"));
        }
        *self = next;
        Ok(())
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), SqsError> {
        if FIFO_ONLY.contains(&name) && !self.fifo {
            return Err(SqsError::unknown_attribute(name));
        }
        let number = |low: i64, high: i64| -> Result<i64, SqsError> {
            let number = value.trim().parse().ok().filter(|number| (low..=high).contains(number));
            number.ok_or_else(|| SqsError::attribute_value(name))
        };
        let boolean = || value.to_ascii_lowercase().parse().map_err(|_| SqsError::attribute_value(name));
        match name {
            "DelaySeconds" => self.delay_seconds = number(0, 900)?,
            "MaximumMessageSize" => {
                self.maximum_message_size =
                    usize::try_from(number(1_024, 1_048_576)?).unwrap_or(MAX_MESSAGE_BYTES);
            }
            "MessageRetentionPeriod" => self.retention_seconds = number(60, 1_209_600)?,
            "ReceiveMessageWaitTimeSeconds" => self.wait_seconds = number(0, 20)?,
            "VisibilityTimeout" => self.visibility_seconds = number(0, 43_200)?,
            "ContentBasedDeduplication" => self.content_based_deduplication = boolean()?,
            "DeduplicationScope" => {
                self.deduplication_per_group = match value {
                    "messageGroup" => true,
                    "queue" => false,
                    _ => return Err(SqsError::attribute_value(name)),
                }
            }
            "FifoThroughputLimit" => {
                self.throughput_per_group = match value {
                    "perMessageGroupId" => true,
                    "perQueue" => false,
                    _ => return Err(SqsError::attribute_value(name)),
                }
            }
            "RedrivePolicy" => self.redrive = redrive_policy(value)?,
            // Only a FIFO queue has the attribute, and it never changes.
            "FifoQueue" if self.fifo && value.eq_ignore_ascii_case("true") => {}
            "FifoQueue" if self.fifo => return Err(SqsError::attribute_value(name)),
            name if PASSIVE.contains(&name) => {
                self.passive.insert(name.to_owned(), value.to_owned());
            }
            name => return Err(SqsError::unknown_attribute(name)),
        }
        Ok(())
    }

    /// The settings as `GetQueueAttributes` answers them; what a standard queue does not have is left out.
    pub(super) fn describe(&self) -> BTreeMap<String, String> {
        let mut described = self.passive.clone();
        let mut put = |name: &str, value: String| {
            described.insert(name.to_owned(), value);
        };
        put("DelaySeconds", self.delay_seconds.to_string());
        put("MaximumMessageSize", self.maximum_message_size.to_string());
        put("MessageRetentionPeriod", self.retention_seconds.to_string());
        put("ReceiveMessageWaitTimeSeconds", self.wait_seconds.to_string());
        put("VisibilityTimeout", self.visibility_seconds.to_string());
        if let Some(policy) = &self.redrive {
            let json = serde_json::json!({
                "deadLetterTargetArn": policy.target_arn, "maxReceiveCount": policy.max_receive_count,
            });
            put("RedrivePolicy", json.to_string());
        }
        if self.fifo {
            put("FifoQueue", "true".to_owned());
            put("ContentBasedDeduplication", self.content_based_deduplication.to_string());
            let scope = if self.deduplication_per_group { "messageGroup" } else { "queue" };
            put("DeduplicationScope", scope.to_owned());
            let limit = if self.throughput_per_group { "perMessageGroupId" } else { "perQueue" };
            put("FifoThroughputLimit", limit.to_owned());
        }
        described
    }
}

/// An empty text takes the policy away.
fn redrive_policy(value: &str) -> Result<Option<RedrivePolicy>, SqsError> {
    if value.is_empty() {
        return Ok(None);
    }
    let fail = |reason: &str| SqsError::invalid_value(value, "RedrivePolicy", reason);
    let policy: serde_json::Value =
        serde_json::from_str(value).map_err(|_| fail("Redrive policy is not a valid JSON map."))?;
    let target = policy.get("deadLetterTargetArn").and_then(serde_json::Value::as_str);
    let target = target
        .ok_or_else(|| fail("Redrive policy does not contain mandatory attribute: deadLetterTargetArn."))?;
    let count = policy.get("maxReceiveCount");
    let count =
        count.ok_or_else(|| fail("Redrive policy does not contain mandatory attribute: maxReceiveCount."))?;
    let count = count.as_u64().or_else(|| count.as_str().and_then(|text| text.parse().ok()));
    let count = count.and_then(|count| u32::try_from(count).ok()).filter(|count| (1..=1_000).contains(count));
    let count =
        count.ok_or_else(|| fail("Invalid value for maxReceiveCount: must be between 1 and 1000."))?;
    Ok(Some(RedrivePolicy { target_arn: target.to_owned(), max_receive_count: count }))
}

/// Attributes of a queue that is about to be made.
pub(super) fn for_new_queue(
    name: &str,
    given: &BTreeMap<String, String>,
) -> Result<QueueAttributes, SqsError> {
    let fifo = match given.get("FifoQueue") {
        None => false,
        Some(value) if value.eq_ignore_ascii_case("true") => true,
        Some(_) => return Err(SqsError::unknown_attribute("FifoQueue")),
    };
    let stem = if fifo { name.strip_suffix(".fifo") } else { Some(name) };
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if stem.is_none_or(|stem| stem.is_empty() || name.len() > 80 || !stem.chars().all(letters)) {
        return Err(SqsError::invalid(if fifo {
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end \
             with .fifo suffix and be 1 to 80 in length."
        } else {
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        }));
    }
    let mut attributes = QueueAttributes::new(fifo);
    attributes.apply(given)?;
    Ok(attributes)
}
