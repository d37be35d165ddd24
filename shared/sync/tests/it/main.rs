//! The sync algorithm against systems, a table and queues in memory.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that meets the unexpected fails")]

mod associations;
mod early_notices;
mod imports;
mod inspections;
mod mortal;
mod polls;
mod processed;
mod redrives;
mod related;
mod schedules;
mod sessions;
mod stories;
mod walks;
mod world;
