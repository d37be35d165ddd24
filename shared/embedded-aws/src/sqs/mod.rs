//! A small SQS: standard and FIFO queues over the AWS JSON 1.0 protocol, in memory or durable.
//!
//! The rules are in [`Broker`]'s state, which is pure and told the time; waiting, durability and HTTP lie around it.

mod attributes;
mod batch;
mod broker;
mod deduplication;
mod error;
mod journal;
mod message;
mod messages;
mod queue;
mod receive;
mod redrive;
mod state;
mod wire;

pub use broker::{Broker, BrokerError, DeadLetter};
pub use error::SqsError;
pub use state::QueueCounts;

pub(crate) use receive::{ReceiveRequest, ReceivedMessage};
pub(crate) use wire::router;

#[cfg(test)]
mod tests;
