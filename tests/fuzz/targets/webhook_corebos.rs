//! coreBOS's webhooks: the key as a stranger sends it, and bodies under a right one.
#![no_main]

use bridge_fuzz::{halves, system};
use connector_corebos::webhook::{parse, verify};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use secrecy::SecretString;

fuzz_target!(|data: &[u8]| {
    let (body, key) = halves(data);
    let keys = [SecretString::from("a key of ours")];
    let given = String::from_utf8_lossy(key);
    if verify(&keys, Some(&given), body).is_ok() {
        assert_eq!(given.trim(), "a key of ours", "a forged key passes");
    }
    let verified = verify(&keys, Some("a key of ours"), body).expect("a right key passes");
    let now = Timestamp::UNIX_EPOCH;
    let Ok(parsed) = parse(verified, &system("corebos:main"), "request", now) else { return };
    let record = &parsed.notice.record;
    assert!(record.id.split_once('x').is_some() && record.id.len() <= 21, "{:?}", record.id);
    assert!(record.object.as_str().len() <= 100);
});
