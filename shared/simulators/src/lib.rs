//! Honest stand-ins for coreBOS, HubSpot, Mautic and WordPress over real HTTP, with the quirks of the real systems and faults on request.

pub mod between;
pub mod clock;
pub mod corebos;
pub mod faults;
pub mod hubspot;
pub mod mautic;
mod server;
pub mod wordpress;

pub use server::{RequestRecord, WorkRecord};
