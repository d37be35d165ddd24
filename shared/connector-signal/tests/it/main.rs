//! Visitor events, as recorded clients send them and as anybody could.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

mod memory;
mod properties;
mod recorded;
mod senders;
mod shapes;
