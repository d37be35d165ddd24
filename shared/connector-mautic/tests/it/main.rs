//! The connector against what a real Mautic sent and answered.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall stop")]

mod client;
mod recorded;
mod replay;
mod webhook;
