//! What an administrator's commands need of Mautic: who we are there and what we may, custom fields, webhooks.
//!
//! Nothing of it is needed while changes travel.

mod account;
mod fields;
mod webhooks;

pub use account::{Account, Right};
pub use fields::NewField;
pub use webhooks::{EVENTS, Trigger, Webhook, WebhookChange, events};
