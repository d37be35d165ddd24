//! The connector against what a real coreBOS answered.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall stop")]

mod admin;
mod client;
mod process_map;
mod replay;
mod sessions;
mod stock;
