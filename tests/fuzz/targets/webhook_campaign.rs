//! Campaign actions of Mautic: query, form or JSON with an access key, as a stranger sends them and under a right key.
#![no_main]

use bridge_fuzz::{is_number, system, thirds};
use connector_mautic::campaign::{AccessKeys, Received, What, read, sites_of};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use secrecy::SecretString;

const KEY: &str = "7f1c0b52e9d84aa6b3";
const CONTENT_TYPES: [Option<&str>; 4] =
    [None, Some("application/json"), Some("application/x-www-form-urlencoded"), Some("Application/JSON; charset=x")];

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    let (query, key, body) = thirds(data);
    let query: Vec<(String, String)> = String::from_utf8_lossy(query)
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let key = String::from_utf8_lossy(key);
    let content_type = CONTENT_TYPES[usize::from(*kind) % CONTENT_TYPES.len()];
    let keys: AccessKeys =
        [("shop", vec![SecretString::from(KEY)]), ("blank", vec![SecretString::from("")]), ("none", Vec::new())]
            .map(|(site, keys)| (site.to_owned(), keys))
            .into();
    let stranger = Received { query: &query, key: Some(&key), content_type, body };
    assert!(sites_of(&stranger, &keys).is_empty(), "a forged key passes");
    let (mautic, now) = (system("mautic:main"), Timestamp::UNIX_EPOCH);
    assert!(read(&stranger, &keys, &mautic, "request", now).is_err(), "a stranger is obeyed");
    let ours = Received { key: Some(KEY), ..stranger };
    match read(&ours, &keys, &mautic, "request", now) {
        Ok(asked) => {
            assert_eq!(asked.sites, ["shop"]);
            let What::Do { notices, .. } = asked.what else { return };
            for notice in notices {
                assert!(is_number(&notice.record.id), "{:?}", notice.record.id);
                assert!(notice.command.is_some(), "a notice without its command");
            }
        }
        Err(refusal) => {
            assert!([400, 403].contains(&refusal.status()));
            assert!(!refusal.to_string().contains(KEY));
        }
    }
});
