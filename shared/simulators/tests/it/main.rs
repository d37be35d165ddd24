//! The simulators against recordings of the real systems.

mod corebos_client;
mod corebos_story;
