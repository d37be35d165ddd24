//! What template.yaml must hold and no linter sees. Names are in names.rs.

mod alarms;
mod configuration;
pub(crate) mod document;
mod local;
pub(crate) mod permissions;
mod queues;
mod storage;
