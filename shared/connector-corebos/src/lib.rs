//! coreBOS: its webservice, as a connector of the bridge.
#![doc = include_str!("../README.md")]

pub mod admin;
pub mod client;
pub mod error;
pub mod query;
pub mod schema;
pub mod settings;
pub mod webhook;

mod convert;
mod feed;
mod formats;
mod owners;
mod search;
mod session;
mod stock;
mod wire;

pub use client::CoreBos;
pub use schema::CoreBosSchema;
pub use settings::{Account, CoreBosPreferences, CoreBosSecret, CoreBosSettings};
