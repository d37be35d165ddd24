//! Secrets Manager: values handed in at the start, in memory only.
//!
//! Nothing is ever written to a disk, so what `PutSecretValue` stores is gone after a restart.

mod store;
mod wire;

pub(crate) use store::SecretStore;
pub(crate) use wire::router;
