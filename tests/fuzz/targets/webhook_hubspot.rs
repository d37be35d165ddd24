//! HubSpot's webhooks: the signature, time and URL as a stranger sends them, and bodies that are signed.
#![no_main]

use base64::Engine as _;
use bridge_fuzz::{is_number, system, thirds};
use connector_hubspot::webhook::{parse, verify};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use secrecy::SecretString;

const URL: &str = "https://bridge.example.org/webhooks/hubspot";

fn signed(body: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"secret").expect("any key will do");
    mac.update(b"POST");
    mac.update(URL.as_bytes());
    mac.update(body);
    mac.update(b"0");
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}

fuzz_target!(|data: &[u8]| {
    let (body, signature, time) = thirds(data);
    let secrets = [SecretString::from("secret")];
    let now = Timestamp::UNIX_EPOCH;
    let (given, time) = (String::from_utf8_lossy(signature), String::from_utf8_lossy(time));
    // A URL of the sender's choice is what a host of its choice would make.
    let _ = verify(&secrets, &given, Some(&given), Some(&time), body, now);
    if verify(&secrets, URL, Some(&given), Some("0"), body, now).is_ok() {
        assert_eq!(given.trim(), signed(body), "a forged signature passes");
    }
    let verified =
        verify(&secrets, URL, Some(&signed(body)), Some("0"), body, now).expect("a right signature passes");
    let Ok(parsed) = parse(verified, &system("hubspot:main"), Some("7"), "request", now) else { return };
    for notice in &parsed.notices {
        assert!(is_number(&notice.record.id), "{:?}", notice.record.id);
    }
    assert!(parsed.counted.len() <= 101 && parsed.problems.len() <= 21);
});
