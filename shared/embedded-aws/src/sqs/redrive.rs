//! Moving dead letters back: `StartMessageMoveTask` and `ListMessageMoveTasks`.
//!
//! A task is done before it is answered, so `CancelMessageMoveTask` never finds one to cancel.

use serde_json::{Value as Json, json};

use super::error::SqsError;
use super::message::Delivery;
use super::queue::Change;
use super::state::State;

/// A finished move.
#[derive(Debug, Clone)]
pub(super) struct MoveTask {
    source_arn: String,
    destination_arn: Option<String>,
    moved: usize,
    started_ms: i64,
}

impl State {
    pub(super) fn move_messages(
        &mut self,
        source_arn: &str,
        destination_arn: Option<&str>,
        now_ms: i64,
    ) -> Result<String, SqsError> {
        let missing = || SqsError::no_task_queue();
        let name_of = |state: &Self, arn: &str| {
            state.queues.keys().find(|name| state.names.queue_arn(name) == arn).cloned().ok_or_else(missing)
        };
        let source = name_of(self, source_arn)?;
        let is_target = |queue: &super::queue::Queue| {
            queue.attributes.redrive.as_ref().is_some_and(|policy| policy.target_arn == source_arn)
        };
        if !self.queues.values().any(is_target) {
            return Err(SqsError::invalid("Source queue must be configured as a Dead Letter Queue."));
        }
        let destination = destination_arn.map(|arn| name_of(self, arn)).transpose()?;
        self.queue(&source, now_ms)?;
        let waiting: Vec<u64> = match self.queues.get(&source) {
            Some(queue) => queue
                .messages
                .iter()
                .filter(|message| !message.is_hidden(now_ms))
                .map(|message| message.number)
                .collect(),
            None => Vec::new(),
        };
        let mut moved = 0;
        for number in waiting {
            let origin = self.queues.get(&source).and_then(|queue| queue.messages.get(number));
            let origin = origin.and_then(|message| message.content.dead_letter_source.clone());
            let target = match (&destination, origin) {
                (Some(name), _) => Some(name.clone()),
                (None, Some(arn)) => name_of(self, &arn).ok(),
                // Sent to the queue by hand: there is nowhere to move it back to.
                (None, None) => None,
            };
            if let Some(target) = target {
                self.move_one(&source, &target, number, now_ms);
                moved += 1;
            }
        }
        self.tasks.push(MoveTask {
            source_arn: source_arn.to_owned(),
            destination_arn: destination_arn.map(str::to_owned),
            moved,
            started_ms: now_ms,
        });
        Ok(uuid::Uuid::new_v4().to_string())
    }

    /// A moved message is a new one: new id, new time, no receives.
    fn move_one(&mut self, source: &str, target: &str, number: u64, now_ms: i64) {
        let new_number = self.next_number(now_ms);
        let mut changes: Vec<Change> = Vec::new();
        let message = self.queues.get_mut(source).and_then(|queue| queue.remove(number, &mut changes));
        if let (Some(mut message), Some(queue)) = (message, self.queues.get_mut(target)) {
            message.number = new_number;
            message.content.id = uuid::Uuid::new_v4().to_string();
            message.content.sent_ms = now_ms;
            message.content.dead_letter_source = None;
            message.delivery = Delivery { hidden_until_ms: now_ms, ..Delivery::default() };
            queue.insert(message, &mut changes);
        }
        self.changes.append(&mut changes);
        self.woken.push(target.to_owned());
    }

    /// The newest tasks of a queue, newest first.
    pub(super) fn describe_tasks(&self, source_arn: &str, max: usize) -> Vec<Json> {
        let tasks =
            self.tasks.iter().rev().filter(|task| task.source_arn == source_arn).take(max.clamp(1, 10));
        tasks
            .map(|task| {
                let mut described = json!({
                    "Status": "COMPLETED",
                    "SourceArn": task.source_arn,
                    "ApproximateNumberOfMessagesMoved": task.moved,
                    "ApproximateNumberOfMessagesToMove": task.moved,
                    "StartedTimestamp": task.started_ms,
                });
                if let Some(destination) = &task.destination_arn {
                    described["DestinationArn"] = json!(destination);
                }
                described
            })
            .collect()
    }
}
