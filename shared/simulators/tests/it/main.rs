//! The simulators against recordings of the real systems.

mod corebos_calls;
mod corebos_client;
mod corebos_hooks;
mod corebos_records;
mod corebos_story;
mod mautic_listener;
mod mautic_recordings;
