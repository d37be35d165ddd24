//! The sync algorithm against systems, a table and queues in memory.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that meets the unexpected fails")]

mod early_notices;
mod polls;
mod schedules;
mod stories;
mod world;
