//! Honest stand-ins for coreBOS and Mautic over real HTTP, with the quirks of the real systems and faults on request.

pub mod clock;
pub mod corebos;
pub mod faults;
pub mod mautic;
mod server;

pub use server::RequestRecord;
