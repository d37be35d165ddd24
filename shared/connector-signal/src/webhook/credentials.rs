//! Who sent a request: keys and signatures, compared in constant time with those of every source.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value as Json;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::Received;
use crate::settings::{SignalPreferences, SignalSecret, SourceSecret};

/// How far the time of a signature may be from ours.
pub const REPLAY_WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// The source whose key or signature stands in the headers.
pub(super) fn by_headers(
    received: &Received<'_>,
    secret: &SignalSecret,
    preferences: &SignalPreferences,
) -> Option<String> {
    let keys = keys(received);
    let signature = signature(received, preferences);
    which(secret, |source| {
        let by_key = keys.iter().fold(false, |found, key| found | is_key(source, key));
        let by_signature =
            signature.as_ref().is_some_and(|(time, given)| is_signed(source, time, received.body, given));
        by_key | by_signature
    })
}

/// Whether the headers name a key or a signature at all.
pub(super) fn are_given(received: &Received<'_>, preferences: &SignalPreferences) -> bool {
    let signed = !preferences.signature_header.is_empty()
        && (received.header)(&preferences.signature_header).is_some();
    signed || !keys(received).is_empty()
}

/// The source whose key stands in the body.
pub(super) fn by_body(json: &Json, secret: &SignalSecret) -> Option<String> {
    let key = json.get("writeKey")?.as_str()?;
    which(secret, |source| is_key(source, key))
}

/// The first source that fits. All are looked at, so that the time tells nothing.
fn which(secret: &SignalSecret, fits: impl Fn(&SourceSecret) -> bool) -> Option<String> {
    let mut found = None;
    for (name, source) in &secret.sources {
        if fits(source) && found.is_none() {
            found = Some(name.clone());
        }
    }
    found
}

/// The keys that the headers name.
fn keys(received: &Received<'_>) -> Vec<String> {
    let mut keys = Vec::new();
    let given = (received.header)("authorization").unwrap_or_default().trim();
    if let Some((scheme, rest)) = given.split_once(' ') {
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            keys.push(rest.to_owned());
        } else if scheme.eq_ignore_ascii_case("basic")
            && let Some(pair) = STANDARD.decode(rest).ok().and_then(|bytes| String::from_utf8(bytes).ok())
        {
            // Segment's clients write the key as the user, without a password.
            if let Some(user) = pair.strip_suffix(':') {
                keys.push(user.to_owned());
            }
            keys.push(pair);
        } else {
            keys.push(given.to_owned());
        }
    } else if !given.is_empty() {
        keys.push(given.to_owned());
    }
    if let Some(key) = (received.header)("x-write-key") {
        keys.push(key.trim().to_owned());
    }
    keys.retain(|key| !key.is_empty());
    keys
}

/// An empty key fits nothing.
fn is_key(source: &SourceSecret, given: &str) -> bool {
    let mut found = false;
    for key in source.keys.iter().map(secrecy::ExposeSecret::expose_secret).filter(|key| !key.is_empty()) {
        found |= bool::from(key.as_bytes().ct_eq(given.as_bytes()));
    }
    found
}

/// The signature of a request and its time, unless that is too far away.
fn signature(received: &Received<'_>, preferences: &SignalPreferences) -> Option<(String, Vec<u8>)> {
    let given = (received.header)(&preferences.signature_header)?.trim();
    let time = (received.header)(&preferences.timestamp_header)?.trim();
    let signed_at = Timestamp::from_millisecond(time.parse().ok()?).ok()?;
    let age = received.now.duration_since(signed_at).abs();
    if age > REPLAY_WINDOW {
        return None;
    }
    let hex = given.strip_prefix("sha256=").unwrap_or(given);
    Some((time.to_owned(), from_hex(hex)?))
}

fn is_signed(source: &SourceSecret, time: &str, body: &[u8], given: &[u8]) -> bool {
    let mut found = false;
    for secret in source.hmac_secrets.iter().filter(|secret| !secret.expose_secret().is_empty()) {
        found |= mac(secret, time, body).is_some_and(|mac| mac.verify_slice(given).is_ok());
    }
    found
}

fn mac(secret: &SecretString, time: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    Some(mac)
}

/// The signature that a sender makes of a body at a time, in milliseconds since 1970.
pub fn sign(secret: &SecretString, milliseconds: i64, body: &[u8]) -> String {
    let Some(mac) = mac(secret, &milliseconds.to_string(), body) else { return String::new() };
    let bytes = mac.finalize().into_bytes();
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits: String = digits.map(|nibble| char::from(b"0123456789abcdef"[usize::from(nibble)])).collect();
    format!("sha256={digits}")
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
