//! The embedded AWS as functions and clients see it: real HTTP, the real SDK, real processes.
//!
//! The processes are the examples of this crate, which `cargo test` builds; with the name of a test, or `--test it`, it
//! does not, and then `cargo build -p embedded-aws --examples` comes first.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

#[path = "../../examples/sqs-checks/checks/mod.rs"]
mod checks;
#[cfg(unix)]
mod durability;
mod functions;
mod gateway;
mod queues;
mod schedules;
mod services;
mod support;
