//! The verbs of the bridge: receive, poll, push, decide, settle; and the ports through which they act.
//!
//! Nothing here knows AWS, HTTP or any system's JSON. `decide` is pure. Every port has an in-memory twin in `memory`,
//! which documents what the port promises and carries the property tests.

mod announce;
mod apply;
mod associations;
pub mod budget;
mod create;
pub mod decide;
pub mod error;
mod fields;
mod gate;
pub mod import;
pub mod inspect;
pub mod maps;
mod marks;
mod matching;
pub mod memory;
mod notice_context;
pub mod nurturing;
pub mod pair_map;
pub mod pairs;
pub mod plan;
pub mod poll;
pub mod ports;
pub mod project;
pub mod push;
mod read_only;
mod reading;
pub mod receive;
mod recover;
pub mod redrive;
mod refuse;
pub mod rehearsal;
mod related;
mod route;
mod sabotage;
mod seen;
pub mod sessions;
pub mod settings;
mod settle;
mod succession;
pub mod together;
mod update;
mod write;
mod write_back;

pub use apply::park_text;
pub use budget::{BudgetKey, BudgetStore, Pace, SharedBudget, Turn};
pub use error::{ConnectorError, Disposition, StoreError};
pub use import::{ImportStore, Stock};
pub use maps::{KeepsMaps, KeptMap, MapSource, MapThere, RememberedMap, UsedMap};
pub use notice_context::{NoticeContext, one_by_one};
pub use pair_map::{Association, MapOrigin, PairContext, PairMap};
pub use pairs::{AssociationSpec, PairSpec, pair_spec};
pub use plan::{ParkReason, Plan, SkipReason};
pub use poll::{
    Cursor, CursorKey, CursorStore, Feed, FeedPage, LinkedRecords, PollEnvironment, PollError, PollSettings,
    Polled, Roll, SeenStore, Tick, Walked, call_roll, poll, walk,
};
pub use ports::{
    Canonical, ChangeQueue, Claimed, Clock, Connector, FieldShape, KeyClaimed, ListedField, Lookup,
    NaturalKey, Opens, Reading, Record, Schema, Settled, Settlement, Shared, StateStore, Waiting, Writer,
};
pub use push::{Delivery, Environment, Outcome, Report, World, push};
pub use receive::receive;
pub use related::Related;
pub use route::{Candidate, RouteError, route};
pub use sessions::{KeptSession, NewSession, SessionCache, SessionKey, SessionStore, SharedSessions};
pub use settings::{PairSettings, SystemSettings};
