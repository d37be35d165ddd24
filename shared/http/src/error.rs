//! Why a request has no answer, told by what the other side can have done with it.

/// A request without a usable answer.
///
/// The texts name neither path nor query nor body: they may be logged and stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The request changed nothing: it never reached the system, or it was a read.
    #[error("{detail}")]
    NothingDone {
        /// What was seen.
        detail: String,
    },
    /// A write left us and its answer did not arrive: it may or may not have been done.
    #[error("{detail}")]
    Doubtful {
        /// What was seen.
        detail: String,
    },
    /// The request is not allowed to leave: its URL would send credentials in clear text.
    #[error("{detail}")]
    NotAllowed {
        /// What is wrong with the URL and what to write instead.
        detail: String,
    },
}

impl TransportError {
    /// What was seen.
    pub fn detail(&self) -> &str {
        match self {
            Self::NothingDone { detail } | Self::Doubtful { detail } | Self::NotAllowed { detail } => detail,
        }
    }
}

/// The client could not be made: no certificate authorities on this machine, mostly.
#[derive(Debug, thiserror::Error)]
#[error("no HTTP client: {detail}")]
pub struct ClientError {
    /// What the TLS library said.
    pub detail: String,
}
