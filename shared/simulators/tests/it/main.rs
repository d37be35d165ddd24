//! The simulators against recordings of the real systems.
