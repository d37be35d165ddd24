//! A visitor event, as it travels in the queue: normalised, with what it is to do.

use std::fmt;

use jiff::Timestamp;
use model::Fingerprint;
use serde::{Deserialize, Serialize};

use crate::event_table::Action;
use crate::facts::Facts;

/// The six kinds of event of Segment's API; a screen is a page of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Who the visitor is.
    Identify,
    /// What the visitor did.
    Track,
    /// Which page the visitor looked at.
    Page,
    /// Which screen of an app.
    Screen,
    /// Which account the visitor belongs to.
    Group,
    /// Another id of the same visitor.
    Alias,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Identify, Self::Track, Self::Page, Self::Screen, Self::Group, Self::Alias];

    /// Its name, as senders write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identify => "identify",
            Self::Track => "track",
            Self::Page => "page",
            Self::Screen => "screen",
            Self::Group => "group",
            Self::Alias => "alias",
        }
    }

    /// The kind of this name, in any case; also of its first letter alone, as paths have it.
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name || kind.as_str().get(..1) == Some(name.as_str()))
    }
}

/// What a source calls a visitor, as a fingerprint: such ids are often e-mails.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdentityKey(String);

impl IdentityKey {
    /// The visitor whom a source knows by this id of its own.
    pub fn user(source: &str, id: &str) -> Self {
        Self::new(source, "user", id)
    }

    /// The visitor to whom a browser gave this id.
    pub fn anonymous(source: &str, id: &str) -> Self {
        Self::new(source, "anonymous", id)
    }

    fn new(source: &str, what: &str, id: &str) -> Self {
        let digest = Fingerprint::of_bytes(id.as_bytes());
        Self(format!("{source}#{what}#{}", digest.as_str()))
    }

    /// The text that stands in keys of the table and in groups of the queue.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One event.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitorEvent {
    /// The name of the source that sent it.
    pub source: String,
    /// Made of the sender's id of the event: the same event sent twice has the same one.
    pub id: String,
    /// Its kind.
    pub kind: EventKind,
    /// What a track event is called; blank for the others.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What the event table says.
    pub action: Action,
    /// The visitor, by the source's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<IdentityKey>,
    /// The visitor, by the browser's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous: Option<IdentityKey>,
    /// Ids that the visitor had before: of an alias.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub previous: Vec<IdentityKey>,
    /// When it happened; never later than it was received.
    pub at: Timestamp,
    /// When we took it.
    pub received_at: Timestamp,
    /// The e-mail that the event itself names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether it names an e-mail that is none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bad_email: bool,
    /// What it says.
    #[serde(default)]
    pub facts: Facts,
}

/// Shows no e-mail and no value.
impl fmt::Debug for VisitorEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VisitorEvent")
            .field("source", &self.source)
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("at", &self.at)
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}

impl VisitorEvent {
    /// The text by which the queue keeps the events of one visitor in order.
    pub fn group(&self) -> String {
        let known = self.user.as_ref().or(self.anonymous.as_ref());
        match (known, &self.email) {
            (Some(key), _) => key.as_str().to_owned(),
            (None, Some(email)) => crate::identity::person_key(email),
            (None, None) => self.id.clone(),
        }
    }

    /// What it is called in logs: its kind, or the name of a track event of the table.
    pub fn label(&self) -> &str {
        if self.name.is_empty() { self.kind.as_str() } else { &self.name }
    }
}
