//! The nouns of the bridge: what a record, a notice, a link and a fingerprint are.
//!
//! Nothing here does I/O, reads a clock or knows any system's JSON. What is stored in queues and in the table
//! has its JSON shape pinned by tests, because during a deployment old and new functions read each other's items.

pub mod command;
mod fingerprint;
pub mod history;
pub mod link;
pub mod notice;
pub mod pair;
pub mod record;
pub mod state;
pub mod system;
pub mod value;

pub use command::{Command, UserAction};
pub use fingerprint::Fingerprint;
pub use history::{HistoryEntry, Lost, ParkedChange};
pub use link::{Bases, Breaker, FieldBase, Link, LinkId, LinkStatus, Refusal};
pub use notice::{Notice, NoticeKind};
pub use pair::{Direction, Pair, PairKind, Side};
pub use record::{ObjectName, RecordRef};
pub use state::{Intent, IntentField, Lease, OwnWrite, RecordState};
pub use system::{System, SystemKind};
pub use value::{Array, Fields, Key, Value};
