//! WordPress: the users of a site, as a connector of the bridge.
#![doc = include_str!("../README.md")]

pub mod client;
pub mod plugin;
pub mod relay;
pub mod schema;
pub mod settings;
pub mod username;

mod error;
mod wire;

pub use client::{Account, WordPress};
pub use relay::{Fusion, Relayed, Wanted};
pub use schema::{CONTACT_ID, Meta, TAGS, USER, WordPressSchema};
pub use settings::{
    Departure, Logins, SiteSecret, Updates, WordPressPreferences, WordPressSecret, WordPressSettings,
};
pub use wire::{IS_STAFF, SEND_NOTIFICATION};
