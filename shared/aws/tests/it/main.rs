//! The contract of the table, kept by every implementation of `StateStore`; what only DynamoDB's table does; and
//! the queues over HTTP.

mod contract;
mod dynamodb;
mod nouns;
mod queue;
mod secrets;
