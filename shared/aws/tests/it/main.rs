//! The contract of the table, kept by every implementation of `StateStore`; what only DynamoDB's table does; and
//! the queues over HTTP.

#![expect(clippy::unwrap_used, reason = "what fails in a test shall stop it")]

mod budget;
mod contract;
mod cursors;
mod dynamodb;
mod endpoint;
mod events;
mod imports;
mod maps;
mod memory;
mod nouns;
mod queue;
mod refusals;
mod secrets;
mod sessions;
mod visitors;
