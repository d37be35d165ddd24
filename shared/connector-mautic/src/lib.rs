//! Mautic: its REST API and its webhooks, as a connector of the bridge.
#![doc = include_str!("../README.md")]

pub mod auth;
pub mod client;
pub mod error;
pub mod feed;
pub mod objects;
pub mod schema;
pub mod settings;
pub mod webhook;

mod convert;
mod wire;
mod writing;

pub use client::Mautic;
pub use feed::Webhook;
pub use objects::{COMPANY, CONTACT};
pub use schema::MauticSchema;
pub use settings::{Credentials, MauticPreferences, MauticSecret, MauticSettings};
