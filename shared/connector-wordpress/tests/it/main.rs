//! The connector against the stand-in for WordPress, which is held to recordings of a real one.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failing test may panic anywhere")]

mod client;
mod relay;
