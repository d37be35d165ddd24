//! What the functions that speak to systems have in common: how systems and pairs are made ready from the
//! configuration, the secrets and the settings, and how a push function runs.
//!
//! Generic over the connectors: a function names the two that it links, and knows no other. A webhook function calls
//! no system and needs nothing of this.
//!
//! | module | holds |
//! |---|---|
//! | [`systems`] | a connector, opened with its secret, its identity checked |
//! | [`pairs`] | a pair with its maps and settings, cached for a short time |
//! | [`maps`] | which map is in use: from the settings, coreBOS or the bundle, the last good one while an edit is broken |
//! | [`live_schema`] | the fields that both systems have, for the check of a map |
//! | [`way`] | which way a push goes: into coreBOS or out of it |
//! | [`rivals`] | other integrations, which keep a pair from starting |
//! | [`switched_off`] | what is told of while a system is switched off |
//! | `heard` | when a webhook was heard last |
//! | [`run`] | the body of every push function |
//! | [`import`] | a pair and its lanes, for an import |
//! | [`poll`] | the body of every poll function |

mod heard;
pub mod import;
pub mod live_schema;
mod looked;
pub mod maps;
mod not_ready;
pub mod pairs;
pub mod poll;
mod report;
pub mod rivals;
pub mod run;
pub mod switched_off;
pub mod systems;
pub mod way;

pub use import::ImportPorts;
pub use live_schema::Live;
pub use maps::{LookedAt, MapInUse, MapOrigin, Unusable};
pub use not_ready::NotReady;
pub use pairs::{PushPorts, ReadyPair, Systems};
pub use poll::{PollPorts, Ticked, told_failure};
pub use run::{PushFunction, answer, inspect, push, push_with_report, run_push};
pub use way::{ToHub, ToRemote, Way};
