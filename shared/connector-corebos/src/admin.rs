//! What an administrator's commands need of coreBOS: who we are there, business maps, settings, workflows.
//!
//! Nothing of it is needed while changes travel.

mod account;
mod maps;
mod settings;
mod workflows;

pub use account::{AccountDetails, ModuleRights};
pub use maps::{FIELD_MAP, StoredMap, WEBSERVICE_MAP, WebhookEvent, webservice_map};
pub use settings::OWN_INTEGRATION;
pub use workflows::{Launch, Workflow};
