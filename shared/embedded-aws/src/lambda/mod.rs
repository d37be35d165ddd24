//! Lambda: every function as processes of its own, driven over the Runtime API.
//!
//! One process is one execution environment: it has a Runtime API of its own on a loopback port, takes one invocation
//! at a time, is reused, and is killed and replaced when it times out or dies.

mod answer;
mod environment;
mod extensions;
mod function;
mod logs;
mod process;
mod runtime_api;

pub use answer::{FunctionError, InvokeAnswer, InvokeRefused};
pub use process::Launcher;

pub use environment::Endpoints;
pub(crate) use function::{Function, FunctionSetup, Waiting};

/// The largest event and the largest answer of a synchronous invocation, in bytes.
///
/// Source: "Lambda quotas", invocation payload; the exact number is the one that Lambda's own error messages name.
pub const MAX_SYNCHRONOUS_BYTES: usize = 6_291_556;

/// The largest event of an asynchronous invocation, in bytes. Source: "Lambda quotas", 1 MB.
pub const MAX_ASYNCHRONOUS_BYTES: usize = 1_048_576;
