//! The simulators against recordings of the real systems.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failing test may panic anywhere")]

mod corebos_calls;
mod corebos_client;
mod corebos_hooks;
mod corebos_maps;
mod corebos_records;
mod corebos_story;
mod hubspot;
mod mautic_faults;
mod mautic_listener;
mod mautic_quirks;
mod mautic_recordings;
mod wordpress;
