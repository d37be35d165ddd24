//! Webhooks that Mautic sends: the signature, and which records a body names. Pure.
//!
//! `POST <webhook URL>`, header `Webhook-Signature: base64(HMAC-SHA256(raw body, secret))`, body
//! `{"<event>": [{item}, ...], ...}`. Mautic REST API, <https://developer.mautic.org/#webhooks>, read 2026-11-21;
//! recorded from Mautic 5.1.0.
//!
//! The payload is not the stored state (a boolean carries its old value, a merge's winner the values from before),
//! and Mautic never repeats an event. So of a body only the ids are taken, all of them, and records are read again.

mod body;
mod events;
mod item;
mod signature;

pub use body::{BodyError, Count, Parsed, parse};
pub use events::Meaning;
pub use signature::{SIGNATURE_HEADER, SignatureError, Verified, sign, verify};
