//! HubSpot: its CRM API and its webhooks, as a connector of the bridge.
#![doc = include_str!("../README.md")]

pub mod admin;
pub mod client;
pub mod objects;
pub mod schema;
pub mod settings;
pub mod webhook;

mod auth;
mod batches;
mod budget;
mod convert;
mod error;
mod feed;
mod nurture;
mod stock;
mod walk;
mod wire;
mod writing;

pub use client::HubSpot;
pub use nurture::CustomEvent;
pub use objects::{COMPANY, CONTACT, DEAL, LEAD};
pub use schema::{HubSpotSchema, PipelineStage};
pub use settings::{Credentials, HubSpotPreferences, HubSpotSecret, HubSpotSettings, Leads};
