//! What happens in the stack, for whoever watches.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use crate::sqs::DeadLetter;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StackEvent {
    /// The HTTP front has answered.
    RequestServed {
        /// Method of the request.
        method: String,
        /// Path without the query, which may hold keys.
        path: String,
        /// Function that was invoked; `None` when no route matched or the request was refused before.
        function: Option<String>,
        /// Status of the answer.
        status: u16,
        /// From the last byte of the request to the answer.
        duration: Duration,
    },
    /// A function was invoked and has answered or failed.
    InvocationFinished {
        /// Name of the function.
        function: String,
        /// Id of the invocation.
        request_id: String,
        /// Type of the error if it failed, for example `Sandbox.Timedout`.
        error: Option<String>,
        /// From the hand-over to the answer, without waiting and starting.
        duration: Duration,
    },
    /// A function has written a line.
    FunctionLog {
        /// Name of the function.
        function: String,
        /// The invocation that was running, if one was.
        request_id: Option<String>,
        /// The line without its end.
        line: String,
    },
    /// A process of a function was started.
    ProcessStarted {
        /// Name of the function.
        function: String,
        /// Id of the process.
        process_id: u32,
    },
    /// A process of a function asks for its first event: what it does once is done.
    ProcessReady {
        /// Name of the function.
        function: String,
        /// Id of the process.
        process_id: u32,
        /// Since the process was started.
        after: Duration,
    },
    /// A process of a function has ended.
    ProcessExited {
        /// Name of the function.
        function: String,
        /// Id of the process.
        process_id: u32,
        /// How it ended, for example `exit status: 1`.
        status: String,
    },
    /// A batch from a queue was given to a function.
    BatchFinished {
        /// Name of the queue.
        queue: String,
        /// Name of the function.
        function: String,
        /// Messages that were deleted.
        succeeded: usize,
        /// Messages that stay in the queue and come again.
        failed: usize,
    },
    /// A message was received too often.
    DeadLettered(DeadLetter),
    /// A schedule has fired.
    ScheduleFired {
        /// Name of the schedule.
        schedule: String,
        /// Name of the function.
        function: String,
    },
    /// Something in the stack itself went wrong; the stack goes on.
    Trouble {
        /// What went wrong. Holds no payloads.
        message: String,
    },
}

/// Where events go; nowhere if nobody watches.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observer(pub(crate) Option<UnboundedSender<StackEvent>>);

impl Observer {
    pub(crate) fn tell(&self, event: StackEvent) {
        if let Some(sender) = &self.0 {
            // Nobody listens any more: nothing is lost that anybody wants.
            let _ = sender.send(event);
        }
    }
}
