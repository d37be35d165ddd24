//! The connector against the stand-in for HubSpot.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failing test may panic anywhere")]

mod admin;
mod batches;
mod burst;
mod portal;
mod stock;
