//! The stand-in for coreBOS.

mod columns;
mod http;
mod json;
mod operations;
mod options;
mod problem;
mod query;
mod request;
mod schema;
mod session;
mod simulator;
mod site;
mod state;
mod store;
mod sync;
mod value;
mod view;
mod workflow;
mod writing;
mod xml;

pub use options::{CoreBosOptions, CoreBosUser};
pub use simulator::{CoreBosSimulator, ScreenError, start};
pub use state::CallRecord;
pub use workflow::{Trigger, WorkflowHook, webservice_map};
