//! All queues together: making, finding, describing and deleting them, and what crosses from one to another.

use std::collections::{BTreeMap, HashMap};

use super::attributes::{QueueAttributes, for_new_queue};
use super::broker::DeadLetter;
use super::error::SqsError;
use super::message::{Message, SendRequest};
use super::queue::{Change, Queue, Sent};
use super::receive::{ReceiveRequest, ReceivedMessage};
use super::redrive::MoveTask;
use crate::names::LocalNames;

/// A deleted queue's name may not be used again for this long.
const DELETED_NAME_MS: i64 = 60_000;

#[derive(Debug)]
pub(super) struct State {
    pub(super) names: LocalNames,
    pub(super) queues: BTreeMap<String, Queue>,
    pub(super) tasks: Vec<MoveTask>,
    /// The highest message number given out.
    last_number: u64,
    deleted_ms: HashMap<String, i64>,
    pub(super) changes: Vec<Change>,
    /// Queues in which something may have become receivable.
    pub(super) woken: Vec<String>,
    pub(super) dead_letters: Vec<DeadLetter>,
}

/// How many messages a queue holds, exactly (SQS itself answers approximately).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueCounts {
    /// May be received, apart from FIFO groups that wait for their turn.
    pub visible: usize,
    /// Received, and neither deleted nor visible again.
    pub in_flight: usize,
    /// Sent with a delay that has not passed.
    pub delayed: usize,
}

impl State {
    pub(super) fn new(names: LocalNames, queues: BTreeMap<String, Queue>) -> Self {
        let highest =
            |queue: &Queue| queue.messages.highest_number().max(queue.deduplication.highest_number());
        let last_number = queues.values().filter_map(highest).max().unwrap_or(0);
        Self {
            names,
            queues,
            tasks: Vec::new(),
            last_number,
            deleted_ms: HashMap::new(),
            changes: Vec::new(),
            woken: Vec::new(),
            dead_letters: Vec::new(),
        }
    }

    /// Numbers rise with the time too, so that they go on rising after a restart with empty queues.
    pub(super) fn next_number(&mut self, now_ms: i64) -> u64 {
        let from_clock = u64::try_from(now_ms).unwrap_or(0).saturating_mul(1_000);
        self.last_number = from_clock.max(self.last_number + 1);
        self.last_number
    }

    /// The queue of a URL or name, as it is at this time.
    pub(super) fn queue(&mut self, url: &str, now_ms: i64) -> Result<&mut Queue, SqsError> {
        let name = url.rsplit('/').next().unwrap_or_default();
        let queue = self.queues.get_mut(name).ok_or_else(SqsError::no_queue)?;
        queue.settle(now_ms, &mut self.changes);
        Ok(queue)
    }

    fn queue_of_arn(&self, arn: &str) -> Option<&Queue> {
        self.queues.values().find(|queue| self.names.queue_arn(&queue.name) == arn)
    }

    pub(super) fn create(
        &mut self,
        name: &str,
        given: &BTreeMap<String, String>,
        now_ms: i64,
    ) -> Result<String, SqsError> {
        let attributes = for_new_queue(name, given)?;
        if let Some(existing) = self.queues.get(name) {
            let described = existing.attributes.describe();
            let wanted = attributes.describe();
            let differs = |key: &&String| described.get(*key) != wanted.get(*key);
            return match given.keys().find(differs) {
                Some(key) => Err(SqsError::queue_exists(key)),
                None => Ok(name.to_owned()),
            };
        }
        if self.deleted_ms.get(name).is_some_and(|deleted| now_ms - deleted < DELETED_NAME_MS) {
            return Err(SqsError::deleted_recently());
        }
        self.check_redrive(name, &attributes)?;
        let queue = Queue::new(name, attributes, now_ms);
        self.changes.push(queue.saved());
        self.queues.insert(name.to_owned(), queue);
        Ok(name.to_owned())
    }

    /// Makes the queue, or gives a queue that a former run left exactly these settings, as a deployment would.
    pub(super) fn deploy(
        &mut self,
        name: &str,
        given: &BTreeMap<String, String>,
        now_ms: i64,
    ) -> Result<(), SqsError> {
        if !self.queues.contains_key(name) {
            return self.create(name, given, now_ms).map(|_| ());
        }
        let attributes = for_new_queue(name, given)?;
        self.check_redrive(name, &attributes)?;
        let queue = self.queue(name, now_ms)?;
        queue.attributes = attributes;
        let saved = queue.saved();
        self.changes.push(saved);
        Ok(())
    }

    /// The queue for dead letters must exist and be of the same type.
    fn check_redrive(&self, name: &str, attributes: &QueueAttributes) -> Result<(), SqsError> {
        let Some(policy) = &attributes.redrive else { return Ok(()) };
        let value = attributes.describe().remove("RedrivePolicy").unwrap_or_default();
        let fail = |reason: &str| Err(SqsError::invalid_value(&value, "RedrivePolicy", reason));
        if policy.target_arn == self.names.queue_arn(name) {
            return fail("Dead letter target cannot be the queue itself.");
        }
        match self.queue_of_arn(&policy.target_arn) {
            None => fail("Dead letter target does not exist."),
            Some(target) if target.attributes.fifo != attributes.fifo => {
                fail("Dead-letter queue must be same type of queue as the source.")
            }
            Some(_) => Ok(()),
        }
    }

    pub(super) fn set_attributes(
        &mut self,
        url: &str,
        given: &BTreeMap<String, String>,
        now_ms: i64,
    ) -> Result<(), SqsError> {
        let queue = self.queue(url, now_ms)?;
        let name = queue.name.clone();
        let mut attributes = queue.attributes.clone();
        attributes.apply(given)?;
        self.check_redrive(&name, &attributes)?;
        let queue = self.queue(url, now_ms)?;
        queue.attributes = attributes;
        queue.modified_ms = now_ms;
        let saved = queue.saved();
        self.changes.push(saved);
        self.woken.push(name);
        Ok(())
    }

    pub(super) fn describe(
        &mut self,
        url: &str,
        wanted: &[String],
        now_ms: i64,
    ) -> Result<BTreeMap<String, String>, SqsError> {
        let arn_of = |names: &LocalNames, name: &str| names.queue_arn(name);
        let name = self.queue(url, now_ms)?.name.clone();
        let arn = arn_of(&self.names, &name);
        let queue = self.queue(url, now_ms)?;
        let counts = queue.messages.counts();
        let mut all = queue.attributes.describe();
        all.insert("QueueArn".to_owned(), arn);
        all.insert("CreatedTimestamp".to_owned(), (queue.created_ms / 1_000).to_string());
        all.insert("LastModifiedTimestamp".to_owned(), (queue.modified_ms / 1_000).to_string());
        all.insert("ApproximateNumberOfMessages".to_owned(), counts.visible.to_string());
        all.insert("ApproximateNumberOfMessagesNotVisible".to_owned(), counts.in_flight.to_string());
        all.insert("ApproximateNumberOfMessagesDelayed".to_owned(), counts.delayed.to_string());
        all.entry("SqsManagedSseEnabled".to_owned()).or_insert_with(|| "true".to_owned());
        if wanted.iter().any(|name| name == "All") {
            return Ok(all);
        }
        // Known to the API, but without a value on this queue.
        let optional = [
            "Policy",
            "RedrivePolicy",
            "RedriveAllowPolicy",
            "KmsMasterKeyId",
            "KmsDataKeyReusePeriodSeconds",
            "FifoQueue",
            "ContentBasedDeduplication",
            "DeduplicationScope",
            "FifoThroughputLimit",
        ];
        let mut described = BTreeMap::new();
        for name in wanted {
            match all.get(name) {
                Some(value) => {
                    described.insert(name.clone(), value.clone());
                }
                None if optional.contains(&name.as_str()) => {}
                None => return Err(SqsError::unknown_attribute(name)),
            }
        }
        Ok(described)
    }

    pub(super) fn delete_queue(&mut self, url: &str, now_ms: i64) -> Result<(), SqsError> {
        let name = self.queue(url, now_ms)?.name.clone();
        self.queues.remove(&name);
        self.deleted_ms.insert(name.clone(), now_ms);
        self.woken.push(name.clone());
        self.changes.push(Change::QueueGone { name });
        Ok(())
    }

    pub(super) fn send(&mut self, url: &str, request: SendRequest, now_ms: i64) -> Result<Sent, SqsError> {
        let number = self.next_number(now_ms);
        let mut changes = Vec::new();
        let queue = self.queue(url, now_ms)?;
        let sent = queue.send(request, number, now_ms, &mut changes)?;
        let name = queue.name.clone();
        self.changes.append(&mut changes);
        self.woken.push(name);
        Ok(sent)
    }

    pub(super) fn receive(
        &mut self,
        url: &str,
        request: &ReceiveRequest,
        now_ms: i64,
    ) -> Result<Vec<ReceivedMessage>, SqsError> {
        let queue = self.queue(url, now_ms)?;
        let name = queue.name.clone();
        let policy = queue.attributes.redrive.clone();
        let target = policy.as_ref().and_then(|policy| self.queue_of_arn(&policy.target_arn));
        let target = target.map(|target| target.name.clone());
        // With the queue for dead letters deleted, messages stay where they are.
        let dead_after = policy.filter(|_| target.is_some()).map(|policy| policy.max_receive_count);
        let mut changes = Vec::new();
        let taken = self.queue(url, now_ms)?.receive(request, dead_after, now_ms, &mut changes)?;
        self.changes.append(&mut changes);
        if let Some(target) = target {
            for message in taken.dead {
                self.bury(&name, &target, message, now_ms);
            }
        }
        Ok(taken.messages)
    }

    /// Deleting can let the next message of a group go out.
    pub(super) fn delete(&mut self, url: &str, handle: &str, now_ms: i64) -> Result<(), SqsError> {
        let mut changes = Vec::new();
        let queue = self.queue(url, now_ms)?;
        let result = queue.delete(handle, now_ms, &mut changes);
        let name = queue.name.clone();
        self.changes.append(&mut changes);
        self.woken.push(name);
        result
    }

    pub(super) fn change_visibility(
        &mut self,
        url: &str,
        handle: &str,
        seconds: i64,
        now_ms: i64,
    ) -> Result<(), SqsError> {
        let mut changes = Vec::new();
        let queue = self.queue(url, now_ms)?;
        let result = queue.change_visibility(handle, seconds, now_ms, &mut changes);
        let name = queue.name.clone();
        self.changes.append(&mut changes);
        self.woken.push(name);
        result
    }

    pub(super) fn purge(&mut self, url: &str, now_ms: i64) -> Result<(), SqsError> {
        let mut changes = Vec::new();
        let result = self.queue(url, now_ms)?.purge(now_ms, &mut changes);
        self.changes.append(&mut changes);
        result
    }

    /// Moves a message that was received too often into the queue for dead letters. It keeps its id, body, group and
    /// count; a standard queue also keeps its time, from which retention is counted.
    fn bury(&mut self, source: &str, target: &str, mut message: Message, now_ms: i64) {
        self.dead_letters.push(DeadLetter {
            queue: source.to_owned(),
            dead_letter_queue: target.to_owned(),
            message_id: message.content.id.clone(),
            receive_count: message.delivery.receive_count,
        });
        message.number = self.next_number(now_ms);
        message.content.dead_letter_source = Some(self.names.queue_arn(source));
        message.delivery.hidden_until_ms = now_ms;
        message.delivery.received = false;
        message.delivery.receipt = None;
        let mut changes = Vec::new();
        if let Some(queue) = self.queues.get_mut(target) {
            if queue.attributes.fifo {
                message.content.sent_ms = now_ms;
            }
            queue.insert(message, &mut changes);
        }
        self.changes.append(&mut changes);
        self.woken.push(target.to_owned());
    }
}
