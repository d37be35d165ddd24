//! Visitor events: what Datafly Signal, and every client that speaks Segment's HTTP API, sends about a website's visitors.
#![doc = include_str!("../README.md")]

mod body;
mod campaign;
mod consent;
pub mod decide;
pub mod event;
mod event_table;
pub mod facts;
pub mod identity;
mod record;
pub mod settings;
mod traits;
pub mod webhook;
mod wire;

pub use campaign::Campaign;
pub use decide::{Decision, Reason, decide};
pub use event::{EventKind, IdentityKey, VisitorEvent};
pub use event_table::{Action, EventRule};
pub use facts::{Fact, Facts};
pub use identity::{
    Identity, Known, Person, Resolved, Seen, Sent, name_in_memory, note, person_key, resolve,
};
pub use record::fields;
pub use settings::{SignalPreferences, SignalSecret, SourcePreferences, SourceSecret, Utm};
pub use webhook::{Accepted, EventError, Received, Refusal, accept};
