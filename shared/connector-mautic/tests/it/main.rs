//! The connector against what a real Mautic sent and answered.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall stop")]

mod admin;
mod client;
mod memberships;
mod oauth;
mod recorded;
mod replay;
mod stock;
mod subscription;
mod webhook;
