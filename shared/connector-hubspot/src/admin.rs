//! What an administrator's commands need of HubSpot: which portal it is, what our token may do, properties, and the files
//! of a project app that sends webhooks.
//!
//! Nothing of it is needed while changes travel.

mod account;
mod project;
mod properties;
mod report;
mod scopes;

pub use account::PortalAccount;
pub use project::{Project, ProjectFile};
pub use properties::{PropertyThere, UNIQUE_LIMIT};
pub use report::{Campaign, Chosen};
pub use scopes::{SCOPES, Scope, ScopeUse, Scopes};
