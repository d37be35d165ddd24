//! The connector against what a real coreBOS answered.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall stop")]

mod client;
mod replay;
mod sessions;
