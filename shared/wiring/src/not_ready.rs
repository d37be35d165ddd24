//! Why a system or a pair is not ready, and who mends that.

use aws::secrets::SecretError;
use model::System;
use sync::settings::WrongSetting;
use sync::{ConnectorError, Disposition, Outcome, StoreError};

/// Why something is not ready.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// It passes by itself.
    #[error("{detail}")]
    ForNow {
        /// How long to wait at least, where a system said so.
        after: Option<std::time::Duration>,
        /// What was seen, without personal data.
        detail: String,
    },
    /// The settings have switched the system off.
    #[error("{0} is switched off; `bridge settings set {kind}.active on` switches it on again", kind = .0.kind().as_str())]
    SwitchedOff(System),
    /// An administrator must act.
    #[error("{detail}")]
    ByAdministrator {
        /// A short code.
        reason: &'static str,
        /// What is wrong and what to do.
        detail: String,
    },
}

impl From<WrongSetting> for NotReady {
    fn from(error: WrongSetting) -> Self {
        Self::ByAdministrator {
            reason: "configuration",
            detail: format!("{error}; correct it with `bridge settings`"),
        }
    }
}

impl From<StoreError> for NotReady {
    fn from(error: StoreError) -> Self {
        Self::ForNow { after: None, detail: error.to_string() }
    }
}

impl From<ConnectorError> for NotReady {
    fn from(error: ConnectorError) -> Self {
        match error.disposition() {
            Disposition::Retry { after } => Self::ForNow { after, detail: error.to_string() },
            Disposition::Park | Disposition::Stop => {
                Self::ByAdministrator { reason: error.code(), detail: error.to_string() }
            }
        }
    }
}

impl From<SecretError> for NotReady {
    fn from(error: SecretError) -> Self {
        match error {
            SecretError::Unreadable { .. } => Self::ForNow { after: None, detail: error.to_string() },
            SecretError::Refused { .. } | SecretError::Wrong { .. } => {
                Self::ByAdministrator { reason: "credentials", detail: error.to_string() }
            }
        }
    }
}

impl From<NotReady> for Outcome {
    fn from(error: NotReady) -> Self {
        match error {
            NotReady::ForNow { after, detail } => Self::Retry { after, reason: "unavailable", detail },
            NotReady::SwitchedOff(_) => Self::Stop { reason: "switched_off", detail: error.to_string() },
            NotReady::ByAdministrator { reason, detail } => Self::Stop { reason, detail },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_tried_again_and_what_does_not_stops() {
        let limited = ConnectorError::RateLimited { retry_after: Some(std::time::Duration::from_secs(7)) };
        let outcome = Outcome::from(NotReady::from(limited));
        assert!(matches!(outcome, Outcome::Retry { after: Some(after), .. } if after.as_secs() == 7));
        let refused = ConnectorError::Unauthorized { detail: "who are you".to_owned() };
        let outcome = Outcome::from(NotReady::from(refused));
        assert!(matches!(outcome, Outcome::Stop { reason: "credentials", .. }));
        // A right that is missing for the system as a whole is nothing that a single change can be parked for.
        let forbidden = ConnectorError::Forbidden { detail: "the role".to_owned() };
        assert!(matches!(Outcome::from(NotReady::from(forbidden)), Outcome::Stop { .. }));
    }
}
