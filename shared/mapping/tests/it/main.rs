//! What the map engine promises, tried against what coreBOS's own engine answered.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bridge;
mod by_corebos;
mod checker;
mod differences;
mod no_panic;
mod recorded;
