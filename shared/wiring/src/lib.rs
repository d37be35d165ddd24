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
//! | [`way`] | which way a push goes: into coreBOS or out of it |
//! | [`run`] | the body of every push function |
//! | [`poll`] | the body of every poll function |

mod not_ready;
pub mod pairs;
pub mod poll;
mod report;
pub mod run;
pub mod systems;
pub mod way;

pub use not_ready::NotReady;
pub use pairs::{PushPorts, ReadyPair, Systems};
pub use poll::{PollPorts, Ticked, told_failure};
pub use run::{push, run_push};
pub use way::{ToHub, ToRemote, Way};
