//! Why a message is not dealt with yet, by who mends it.

use std::time::Duration;

use sync::{ConnectorError, Disposition, StoreError};
use wiring::NotReady;

/// Why a message is not dealt with yet.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It passes by itself.
    Wait { after: Option<Duration>, reason: &'static str, detail: String },
    /// An administrator must act.
    Stop { reason: &'static str, detail: String },
}

impl Failure {
    /// Somebody else changes the same; it is read again later.
    pub(crate) fn contended(detail: &str) -> Self {
        Self::Wait { after: None, reason: "contended", detail: detail.to_owned() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Wait { after: None, reason: "store", detail: error.to_string() }
    }
}

impl From<NotReady> for Failure {
    fn from(error: NotReady) -> Self {
        match error {
            NotReady::ForNow { after, detail } => Self::Wait { after, reason: "unavailable", detail },
            // A command waits in its queue. An hour between two looks: a queue gives a message a thousand times at most.
            NotReady::SwitchedOff(system) => Self::Wait {
                after: Some(Duration::from_hours(1)),
                reason: "system_off",
                detail: format!("{system} is switched off"),
            },
            NotReady::ByAdministrator { reason, detail } => Self::Stop { reason, detail },
        }
    }
}

impl From<ConnectorError> for Failure {
    fn from(error: ConnectorError) -> Self {
        let reason = error.code();
        match error.disposition() {
            Disposition::Retry { after } => Self::Wait { after, reason, detail: error.to_string() },
            // The system's own words may hold what they are about.
            Disposition::Park => Self::Stop { reason, detail: told(&error) },
            // A right that is missing is missing for everybody.
            Disposition::Stop => Self::Stop { reason, detail: error.to_string() },
        }
    }
}

fn told(error: &ConnectorError) -> String {
    match error {
        ConnectorError::Rejected { fields, .. } => {
            let names: Vec<&str> = fields.keys().map(String::as_str).collect();
            format!("refused: {}", names.join(", "))
        }
        other => other.to_string(),
    }
}
