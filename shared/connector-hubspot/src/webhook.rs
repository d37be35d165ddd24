//! Webhooks of a HubSpot app: the signature, and which records a body names. Pure.
//!
//! `POST <webhook URL>`, headers `X-HubSpot-Signature-v3` and `X-HubSpot-Request-Timestamp`, body a JSON list of 1 to
//! 100 events without an order. Events may come twice, their ids may repeat, and refused ones come again for a day.
//! An event carries one property of its record at most, so it is only a hint: records are read again.

mod body;
mod signature;

pub use body::{BodyError, Parsed, parse};
pub use signature::{SIGNATURE_HEADER, SignatureError, TIMESTAMP_HEADER, Verified, sign, verify};
