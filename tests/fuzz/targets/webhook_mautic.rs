//! Mautic's webhooks: the signature as a stranger sends it, and bodies that are signed.
#![no_main]

use bridge_fuzz::{halves, is_number, system};
use connector_mautic::webhook::{parse, sign, verify};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use secrecy::SecretString;

fuzz_target!(|data: &[u8]| {
    let (body, signature) = halves(data);
    let secrets = [SecretString::from("old"), SecretString::from("new")];
    let right = sign(&secrets[1], body);
    let given = String::from_utf8_lossy(signature);
    if verify(&secrets, Some(&given), body).is_ok() {
        assert!(
            given.trim() == right || given.trim() == sign(&secrets[0], body),
            "a forged signature passes"
        );
    }
    let verified = verify(&secrets, Some(&right), body).expect("a right signature passes");
    let Ok(parsed) = parse(verified, &system("mautic:main"), "request", Timestamp::UNIX_EPOCH) else {
        return;
    };
    for notice in &parsed.notices {
        assert!(is_number(&notice.record.id), "{:?}", notice.record.id);
    }
    for count in parsed.counted.values() {
        assert_eq!(count.items, count.noticed + count.ignored);
    }
    assert!(parsed.counted.len() <= 201 && parsed.problems.len() <= 21);
});
