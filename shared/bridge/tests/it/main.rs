//! The commands on maps, through the real binary: what they print, and with which exit code they end.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod apply;
mod bad_input;
mod bench;
mod check;
mod readme;
mod running;
mod schema;
mod verify;
