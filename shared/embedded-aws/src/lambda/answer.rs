//! What comes back from an invocation.

use std::time::Duration;

use serde_json::{Value as Json, json};

/// The answer of an invocation that reached the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvokeAnswer {
    /// Id of the invocation.
    pub request_id: String,
    /// What the function answered; with an error, Lambda's JSON for it (`errorType`, `errorMessage`).
    pub payload: Vec<u8>,
    /// Set when the function failed, timed out or died.
    pub error: Option<FunctionError>,
    /// From the hand-over to the answer, without waiting for a free process and starting it.
    pub duration: Duration,
    /// Lines that the function wrote meanwhile, if they were asked for; the first 1,000.
    pub log_lines: Vec<String>,
}

/// Why a function has failed. What Lambda marks with `X-Amz-Function-Error: Unhandled`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error_type}: {message}")]
pub struct FunctionError {
    /// The function's own type, or Lambda's: `Sandbox.Timedout`, `Runtime.ExitError`, ...
    pub error_type: String,
    /// The sentence for people.
    pub message: String,
}

/// Why an invocation did not reach the function.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvokeRefused {
    /// All concurrency is used: 429 in AWS.
    #[error("Rate Exceeded.")]
    Throttled,
    /// The event is larger than Lambda takes: 413 in AWS.
    #[error("the event has {bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// Size of the event.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// No function has this name.
    #[error("Function not found: {0}")]
    NoFunction(String),
    /// The stack is stopping.
    #[error("the stack is stopping")]
    Stopping,
}

/// What the Runtime API received, or what the process did instead.
#[derive(Debug)]
pub(super) enum Outcome {
    Response(Vec<u8>),
    /// `/error` or `/init/error` with the function's own body.
    Reported {
        error_type: Option<String>,
        body: Vec<u8>,
    },
    TooLarge {
        bytes: usize,
    },
    TimedOut,
    /// The process ended; the words of Lambda for how.
    Exited(String),
    NotStarted(String),
    Stopped,
}

impl Outcome {
    /// Whether the process may be used again.
    pub(super) fn keeps_process(&self) -> bool {
        match self {
            Self::Response(_) | Self::Reported { .. } | Self::TooLarge { .. } => true,
            Self::TimedOut | Self::Exited(_) | Self::NotStarted(_) | Self::Stopped => false,
        }
    }

    /// The payload and the error, in Lambda's words.
    pub(super) fn into_answer(self, request_id: &str, timeout: Duration) -> (Vec<u8>, Option<FunctionError>) {
        let (error_type, message) = match self {
            Self::Response(payload) => return (payload, None),
            Self::Reported { error_type, body } => {
                let json: Json = serde_json::from_slice(&body).unwrap_or(Json::Null);
                let text = |key: &str| json.get(key).and_then(Json::as_str).map(str::to_owned);
                let error = FunctionError {
                    error_type: text("errorType").or(error_type).unwrap_or_else(|| "Unhandled".to_owned()),
                    message: text("errorMessage").unwrap_or_default(),
                };
                return (body, Some(error));
            }
            Self::TooLarge { bytes } => (
                "Function.ResponseSizeTooLarge",
                format!(
                    "Response payload size ({bytes} bytes) exceeded maximum allowed payload size ({} bytes).",
                    super::MAX_SYNCHRONOUS_BYTES
                ),
            ),
            Self::TimedOut => (
                "Sandbox.Timedout",
                format!(
                    "RequestId: {request_id} Error: Task timed out after {:.2} seconds",
                    timeout.as_secs_f64()
                ),
            ),
            Self::Exited(how) => ("Runtime.ExitError", format!("RequestId: {request_id} Error: {how}")),
            Self::NotStarted(why) => {
                ("Runtime.InvalidEntrypoint", format!("RequestId: {request_id} Error: {why}"))
            }
            Self::Stopped => {
                ("Sandbox.Stopped", format!("RequestId: {request_id} Error: the local stack was stopped"))
            }
        };
        let payload = json!({"errorType": error_type, "errorMessage": message}).to_string().into_bytes();
        (payload, Some(FunctionError { error_type: error_type.to_owned(), message }))
    }
}
