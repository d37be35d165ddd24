//! Sends webhooks: up to a hundred events in one body, unordered, signed (v3), tried again when refused.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

/// `X-HubSpot-Signature-v3`: method, URL, body and time, without anything between them.
pub(crate) fn signature(secret: &str, method: &str, url: &str, body: &str, timestamp: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    for part in [method, url, body, timestamp] {
        mac.update(part.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

/// `X-HubSpot-Signature` of the version v2, which is sent along.
fn old_signature(secret: &str, method: &str, url: &str, body: &str) -> String {
    let mut hash = Sha256::new();
    for part in [secret, method, url, body] {
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Posts events; the status of the answer, or none where there was no answer in time.
pub(crate) async fn post(
    client: &reqwest::Client,
    target: &str,
    signed_url: &str,
    secret: &str,
    events: &[Json],
    now: Timestamp,
) -> Option<u16> {
    let body = Json::from(events.to_vec()).to_string();
    let timestamp = now.as_millisecond().to_string();
    let request = client
        .post(target)
        .header("content-type", "application/json")
        .header(
            "user-agent",
            "HubSpot Webhooks/1.0 (https://developers.hubspot.com/docs/methods/webhooks/webhooks-overview)",
        )
        .header("x-hubspot-signature", old_signature(secret, "POST", signed_url, &body))
        .header("x-hubspot-signature-version", "v2")
        .header("x-hubspot-signature-v3", signature(secret, "POST", signed_url, &body, &timestamp))
        .header("x-hubspot-request-timestamp", timestamp)
        .body(body);
    request.send().await.ok().map(|answer| answer.status().as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of HubSpot's own client libraries.
    #[test]
    fn signatures_are_those_of_the_official_clients() {
        let secret = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";
        let url = "https://www.example.com/webhook_uri";
        let signed = |time| signature(secret, "POST", url, "{'example_field':'example_value'}", time);
        assert_eq!(signed("1693657560000"), "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=");
        assert_eq!(signed("1700000300000"), "RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw=");
        let old = old_signature(secret, "POST", url, "{\"example_field\":\"example_value\"}");
        assert_eq!(old, "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900");
    }
}
