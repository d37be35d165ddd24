//! The cloud side of the bridge: the table, the queues, the envelopes of the functions, their configuration,
//! secrets, logs and metrics.
//!
//! This is the only crate that knows AWS. It knows no outside system and no field map: what a record holds and
//! what a change means is decided in `sync`, whose ports are implemented here.
//!
//! | module | implements |
//! |---|---|
//! | [`store`] | `sync::StateStore`, `sync::CursorStore`, `sync::SeenStore` and `sync::SessionStore` on one DynamoDB table, and what the command line reads from it |
//! | [`queue`] | `sync::ChangeQueue` on SQS FIFO queues, one per target system |
//! | [`clock`] | `sync::Clock`; the one place where the clock is read |
//! | [`gateway`] | the envelope of webhook functions: API Gateway HTTP API, payload format 2.0 |
//! | [`events`] | the envelope of push functions: SQS batches with partial failures |
//! | [`schedule`] | the envelope of poll functions: EventBridge Scheduler |
//! | [`config`] | the environment, read once at cold start |
//! | [`secrets`] | Secrets Manager, read at run time by ARN |
//! | `deployed` | what CloudFormation tells of a stack, for the command line (feature `deployed-stacks`) |
//! | [`telemetry`] | log lines and metrics on standard output |
//! | [`clients`] | the AWS clients, with their timeouts and retries |

mod allocator;
mod aws_error;
pub mod clients;
pub mod clock;
pub mod config;
#[cfg(feature = "deployed-stacks")]
pub mod deployed;
pub mod events;
pub mod gateway;
pub mod queue;
pub mod schedule;
mod seal;
pub mod secrets;
pub mod store;
pub mod telemetry;

pub use clients::{Clients, LocalEndpoints};
pub use clock::SystemClock;
pub use config::Environment;
pub use queue::SqsChangeQueue;
pub use secrets::{SecretString, Secrets};
pub use store::{DynamoBudget, DynamoSessions, DynamoStore};
