//! The verbs of the bridge: receive, push, decide, settle; and the ports through which they act.
//!
//! Nothing here knows AWS, HTTP or any system's JSON. `decide` is pure. Every port has an in-memory twin in `memory`,
//! which documents what the port promises and carries the property tests.

pub mod error;
pub mod pairs;
pub mod ports;
pub mod settings;

pub use error::{ConnectorError, Disposition, StoreError};
pub use pairs::{PairSpec, pair_spec};
pub use ports::{
    Canonical, ChangeQueue, Claimed, Clock, Connector, KeyClaimed, Lookup, NaturalKey, Reading, Record, Schema,
    Settled, Settlement, StateStore, Writer,
};
pub use settings::PairSettings;
