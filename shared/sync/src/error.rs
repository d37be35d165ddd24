//! Errors, named by what happens next: retry, park, or stop and alarm.

use std::collections::BTreeMap;
use std::time::Duration;

/// What a system's answer means for the change that asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectorError {
    /// The system asks for patience.
    #[error("rate limit reached")]
    RateLimited {
        /// How long it asked for, where it said so.
        retry_after: Option<Duration>,
    },
    /// Nothing was done: no connection, a server error, an answer that is not the API's.
    #[error("not available: {detail}")]
    Unavailable {
        /// What was seen, without personal data.
        detail: String,
    },
    /// A write that may or may not have been done: the answer was lost or says an error that is known to lie.
    #[error("no trustworthy answer to a write: {detail}")]
    Doubtful {
        /// What was seen, without personal data.
        detail: String,
    },
    /// The system will never take this, whoever asks: the change is parked with its words.
    #[error("refused: {message}")]
    Rejected {
        /// The system's own words. May name fields; kept in the table, never logged.
        message: String,
        /// The words about each field, where the system named fields.
        fields: BTreeMap<String, String>,
    },
    /// The record to be written is gone.
    #[error("the record is gone")]
    Gone,
    /// The system knows us and does not let us do this to this record. Not the same as gone.
    #[error("not permitted: {detail}")]
    Forbidden {
        /// What to grant, without personal data.
        detail: String,
    },
    /// The credentials are wrong: nothing goes on before an administrator mends them.
    #[error("credentials refused: {detail}")]
    Unauthorized {
        /// Which credential and what to check.
        detail: String,
    },
    /// The system is not what the configuration says: a wrong URL, an API that is switched off, a missing field.
    #[error("configuration: {detail}")]
    Misconfigured {
        /// What is wrong and what to do.
        detail: String,
    },
}

/// What to do with a failed change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Leave it in the queue and try again, not before the given time.
    Retry {
        /// How long to wait at least, where known.
        after: Option<Duration>,
    },
    /// Take it out of the flow with the reason.
    Park,
    /// Leave it in the queue and tell an administrator: nothing of this system will work before it is mended.
    Stop,
}

impl ConnectorError {
    /// What happens next.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::RateLimited { retry_after } => Disposition::Retry { after: *retry_after },
            Self::Unavailable { .. } | Self::Doubtful { .. } | Self::Gone => {
                Disposition::Retry { after: None }
            }
            Self::Rejected { .. } | Self::Forbidden { .. } => Disposition::Park,
            Self::Unauthorized { .. } | Self::Misconfigured { .. } => Disposition::Stop,
        }
    }

    /// What a parked change says: the system's own words where it used some.
    pub fn words(&self) -> &str {
        match self {
            Self::Rejected { message, .. } => message,
            Self::Unavailable { detail }
            | Self::Doubtful { detail }
            | Self::Forbidden { detail }
            | Self::Unauthorized { detail }
            | Self::Misconfigured { detail } => detail,
            Self::RateLimited { .. } => "rate limit reached",
            Self::Gone => "the record is gone",
        }
    }

    /// The short code for logs and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::RateLimited { .. } => "rate_limited",
            Self::Unavailable { .. } => "unavailable",
            Self::Doubtful { .. } => "doubtful",
            Self::Rejected { .. } => "refused",
            Self::Gone => "gone",
            Self::Forbidden { .. } => "not_permitted",
            Self::Unauthorized { .. } => "credentials",
            Self::Misconfigured { .. } => "configuration",
        }
    }
}

/// The table or the queue did not answer as it should. Always retried: nothing was settled.
#[derive(Clone, Debug, thiserror::Error)]
#[error("state store: {detail}")]
pub struct StoreError {
    /// What was seen: the operation and the service's error code, never an item.
    pub detail: String,
}
