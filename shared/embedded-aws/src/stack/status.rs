//! What runs and what waits.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::lambda::Function;
use crate::sqs::{Broker, QueueCounts};

/// A look at the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackStatus {
    /// Functions by name.
    pub functions: BTreeMap<String, FunctionStatus>,
    /// Queues by name.
    pub queues: BTreeMap<String, QueueStatus>,
}

/// Counts of a function since the start of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FunctionStatus {
    /// Processes that wait for work.
    pub idle_processes: usize,
    /// Invocations that run now.
    pub running: usize,
    /// Invocations that were begun.
    pub invocations: u64,
    /// Invocations that ended in an error.
    pub errors: u64,
    /// Invocations that were refused for lack of concurrency.
    pub throttles: u64,
}

/// Messages of a queue.
pub type QueueStatus = QueueCounts;

pub(super) fn status(functions: &BTreeMap<String, Arc<Function>>, broker: &Broker) -> StackStatus {
    let functions = functions.iter().map(|(name, function)| {
        let counts = function.counts();
        let status = FunctionStatus {
            idle_processes: counts.idle,
            running: counts.busy,
            invocations: counts.invocations,
            errors: counts.errors,
            throttles: counts.throttles,
        };
        (name.clone(), status)
    });
    StackStatus { functions: functions.collect(), queues: broker.counts() }
}
