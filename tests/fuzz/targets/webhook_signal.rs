//! Visitor events: packed, batched, single and signed bodies, and everything that is made of an event afterwards.
#![no_main]

use std::io::Write as _;

use bridge_fuzz::thirds;
use connector_signal::webhook::{Received, is_known, sign};
use connector_signal::{Known, SignalPreferences, accept, fields, resolve};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use secrecy::SecretString;
use serde_json::json;

const PATHS: [&str; 6] = ["/signal", "/v1/batch", "/v1/identify", "/v1/t", "/v1/page", "/api/s/s2s/track"];

fuzz_target!(|data: &[u8]| {
    let (body, given, path) = thirds(data);
    let (kind, path) = path.split_first().unwrap_or((&0, b""));
    let given = String::from_utf8_lossy(given);
    let own_path = String::from_utf8_lossy(path);
    let path = PATHS.get(usize::from(kind & 7)).copied().unwrap_or(&own_path);
    let secret = json!({ "sources": { "shop": { "keys": ["wk"], "hmac_secrets": ["signing"] }, "blog": { "keys": ["other"] } } });
    let Ok(secret) = serde_json::from_value(secret) else { return };
    let mut preferences = SignalPreferences::default();
    if kind & 64 != 0 {
        preferences.sources.entry("shop".to_owned()).or_default().browser_origins.push("*".to_owned());
        preferences.consent_gate.clear();
    }
    // A packed body that begins with what the fuzzer found would hardly ever have a right checksum.
    let packed = (kind & 8 != 0).then(|| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).and_then(|()| encoder.finish()).unwrap_or_default()
    });
    let body = packed.as_deref().unwrap_or(body);
    let signature = sign(&SecretString::from("signing"), 0, body);
    let header = |name: &str| -> Option<&str> {
        match (name.to_ascii_lowercase().as_str(), kind >> 4 & 3) {
            ("authorization", 0) => Some("Bearer wk"),
            ("authorization", 1) | ("x-signature", 3) | ("user-agent" | "x-forwarded-for" | "origin", _) => {
                Some(&given)
            }
            ("x-signature", 2) => Some(&signature),
            ("x-timestamp", 2 | 3) => Some("0"),
            ("content-encoding", _) if kind & 8 != 0 => Some("gzip"),
            _ => None,
        }
    };
    let received = Received { path, header: &header, body, source_ip: &given, now: Timestamp::UNIX_EPOCH };
    let _ = is_known(&received, &secret, &preferences);
    let accepted = match accept(&received, &secret, &preferences) {
        Ok(accepted) => accepted,
        Err(refusal) => {
            let _ = refusal.to_string();
            return;
        }
    };
    assert!(accepted.events.len() + accepted.errors.len() + accepted.unmapped <= 2_500);
    for event in &accepted.events {
        let stored = serde_json::to_vec(event).expect("an event can be queued");
        let read: connector_signal::VisitorEvent = serde_json::from_slice(&stored).expect("and read again");
        assert_eq!(serde_json::to_vec(&read).expect("it is JSON"), stored, "an event survives the queue");
        assert!(stored.len() < 256 * 1024, "an event of {} bytes fits no queue", stored.len());
        assert!(!event.group().is_empty() && event.group().len() <= 128);
        let resolved = resolve(event, &Known::default());
        let _ = fields(&resolved.facts);
    }
});
