//! The sync algorithm against systems, a table and queues in memory.

mod schedules;
mod stories;
mod world;
