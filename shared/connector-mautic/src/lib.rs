//! Mautic: its REST API and its webhooks, as a connector of the bridge.
#![doc = include_str!("../README.md")]

pub mod admin;
pub mod auth;
pub mod campaign;
pub mod client;
pub mod error;
pub mod feed;
pub mod objects;
pub mod person;
pub mod schema;
pub mod settings;
pub mod visitors;
pub mod webhook;

mod convert;
mod memberships;
mod owners;
mod places;
mod stock;
mod subscription;
mod wire;
mod writing;

pub use admin::Webhook;
pub use client::Mautic;
pub use objects::{COMPANY, CONTACT, DO_NOT_CONTACT_EMAIL};
pub use schema::{MauticSchema, PRIMARY_COMPANY};
pub use settings::{Credentials, MauticPreferences, MauticSecret, MauticSettings};
