//! The verbs of the bridge: receive, poll, push, decide, settle; and the ports through which they act.
//!
//! Nothing here knows AWS, HTTP or any system's JSON. `decide` is pure. Every port has an in-memory twin in `memory`,
//! which documents what the port promises and carries the property tests.

mod apply;
mod create;
pub mod decide;
pub mod error;
mod fields;
mod matching;
pub mod memory;
pub mod pair_map;
pub mod pairs;
pub mod plan;
pub mod poll;
pub mod ports;
pub mod project;
pub mod push;
pub mod receive;
mod recover;
mod refuse;
pub mod settings;
mod settle;
mod update;
mod write;
mod write_back;

pub use error::{ConnectorError, Disposition, StoreError};
pub use pair_map::{PairContext, PairMap};
pub use pairs::{PairSpec, pair_spec};
pub use plan::{ParkReason, Plan, SkipReason};
pub use poll::{
    Cursor, CursorKey, CursorStore, Feed, FeedPage, PollEnvironment, PollError, PollSettings, Polled, Tick,
    poll,
};
pub use ports::{
    Canonical, ChangeQueue, Claimed, Clock, Connector, KeyClaimed, Lookup, NaturalKey, Opens, Reading,
    Record, Schema, Settled, Settlement, StateStore, Writer,
};
pub use push::{Delivery, Environment, Outcome, Report, World, push};
pub use receive::receive;
pub use settings::PairSettings;
