//! What an administrator sets about visitor events, and what the secret of the system holds.

use std::collections::BTreeMap;

use model::System;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::event_table::{EventRule, default_table};

/// The key of the setting that holds what an administrator sets about visitor events.
pub fn preferences_key(system: &System) -> String {
    format!("visitors:{system}")
}

/// The settings of the system `signal`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignalPreferences {
    /// What is special about a source, by its name. Its keys stand in the secret.
    pub sources: BTreeMap<String, SourcePreferences>,
    /// Which events do what: the first row that fits; what fits none is dropped. Default: the table of the source document.
    pub events: Vec<EventRule>,
    /// The categories that a visitor must have agreed to before anything is sent; none: everything is sent. Default
    /// `marketing`.
    pub consent_gate: Vec<String>,
    /// The tag of those who agreed to `marketing`; blank: none. Default `signal-marketing-consent`.
    pub consent_tag: String,
    /// What sites call a category besides its own name, such as `C0004`.
    pub consent_names: BTreeMap<String, Vec<String>>,
    /// The shortest time between two writes that only tell of a visit, in minutes. Default 15.
    pub page_minutes: u32,
    /// How long a visitor who does not come back is remembered, in days. Default 90.
    pub memory_days: u32,
    /// Where campaigns go. Default `both`.
    pub utm: Utm,
    /// The header with the signature of a body. Default `X-Signature`.
    pub signature_header: String,
    /// The header with the time of a signature. Default `X-Timestamp`.
    pub timestamp_header: String,
}

impl Default for SignalPreferences {
    fn default() -> Self {
        Self {
            sources: BTreeMap::new(),
            events: default_table(),
            consent_gate: vec![MARKETING.to_owned()],
            consent_tag: "signal-marketing-consent".to_owned(),
            consent_names: BTreeMap::new(),
            page_minutes: 15,
            memory_days: 90,
            utm: Utm::Both,
            signature_header: "X-Signature".to_owned(),
            timestamp_header: "X-Timestamp".to_owned(),
        }
    }
}

/// The category that the tag tells of.
pub(crate) const MARKETING: &str = "marketing";

impl SignalPreferences {
    /// The categories that matter: of the gate, and of the tag.
    pub(crate) fn categories(&self) -> impl Iterator<Item = &str> {
        let gate = self.consent_gate.iter().map(String::as_str);
        let tag = Some(MARKETING).filter(|tag| !self.consent_gate.iter().any(|category| category == tag));
        gate.chain(tag)
    }

    /// The preferences of a source.
    pub fn source(&self, name: &str) -> SourcePreferences {
        self.sources.get(name).cloned().unwrap_or_default()
    }

    /// The web pages of any source that may send from this origin.
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.sources.values().any(|source| source.allows_origin(origin))
    }
}

/// What is special about a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourcePreferences {
    /// The origins (`https://shop.example.com`) whose pages may send from the visitor's browser; `*`: all. None: only
    /// servers send, and their address is never taken for the visitor's.
    pub browser_origins: Vec<String>,
}

impl SourcePreferences {
    /// Whether pages of this origin may send.
    pub fn allows_origin(&self, origin: &str) -> bool {
        let same = |known: &String| known == "*" || known.trim_end_matches('/').eq_ignore_ascii_case(origin);
        self.browser_origins.iter().any(same)
    }

    /// Whether browsers send themselves.
    pub fn is_browser(&self) -> bool {
        !self.browser_origins.is_empty()
    }
}

/// Where campaigns go in Mautic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Utm {
    /// Into custom fields, as the map says, where they exist.
    Fields,
    /// To Mautic's own list of a contact's campaigns, which its reports read.
    Tags,
    /// Both.
    Both,
}

impl Utm {
    /// Whether Mautic's own list is written.
    pub fn has_tags(self) -> bool {
        matches!(self, Self::Tags | Self::Both)
    }

    /// Whether fields are written.
    pub fn has_fields(self) -> bool {
        matches!(self, Self::Fields | Self::Both)
    }
}

/// The secret of the system.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct SignalSecret {
    /// The live keys of each source, by its name.
    #[serde(default)]
    pub sources: BTreeMap<String, SourceSecret>,
}

/// The keys of one source. Several are live while one is replaced by another.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SourceSecret {
    /// Write keys: sent as a bearer token, as the user or as `user:password` of basic authentication, in `X-Write-Key`, or
    /// as `writeKey` in the body.
    pub keys: Vec<SecretString>,
    /// Secrets with which bodies are signed.
    pub hmac_secrets: Vec<SecretString>,
}
