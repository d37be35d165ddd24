//! Writes first inputs for every target, from what the tests have recorded: `seeds FOLDER`.

use std::fs;
use std::io::Result;
use std::path::{Path, PathBuf};

use bridge_fuzz::BETWEEN;
use serde_json::Value;

/// The folder of the workspace.
fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All files of a folder of the workspace, with their names.
fn files(folder: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(workspace().join(folder))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_file() && !name.ends_with(".md") {
            found.push((name, fs::read(path)?));
        }
    }
    Ok(found)
}

struct Corpus(PathBuf);

impl Corpus {
    fn add(&self, target: &str, name: &str, parts: &[&[u8]]) -> Result<()> {
        let folder = self.0.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), parts.join(BETWEEN))
    }
}

fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_default()
}

fn main() -> Result<()> {
    let corpus = Corpus(std::env::args_os().nth(1).map_or_else(|| PathBuf::from("corpus"), PathBuf::from));
    for folder in ["shared/mapping/maps", "shared/mapping/fixtures/published"] {
        for (name, xml) in files(folder)? {
            corpus.add("map", &name, &[&xml, br#"{"fields":{"core":{"email":{"value":"a@b.c"}}},"firstname":"Ana"}"#])?;
        }
    }
    for (file, lines) in files("shared/mapping/fixtures")? {
        let target = match file.as_str() {
            "expressions.jsonl" => "expression",
            "inbound.jsonl" | "outbound.jsonl" => "map",
            _ => continue,
        };
        // Every tenth: the fuzzer finds the rest, and thousands of inputs slow its start.
        for line in String::from_utf8_lossy(&lines).lines().step_by(if target == "map" { 20 } else { 4 }) {
            let Ok(case) = serde_json::from_str::<Value>(line) else { continue };
            let source = if target == "map" { ["map", "xml"].map(|name| text(&case, name)).concat() } else { text(&case, "expr").to_owned() };
            let record = ["env", "input", "record", "source"].into_iter().find_map(|name| case.get(name)).cloned().unwrap_or_default();
            if !source.is_empty() {
                corpus.add(target, text(&case, "id"), &[source.as_bytes(), record.to_string().as_bytes()])?;
            }
        }
    }
    for (name, body) in files("shared/connector-mautic/fixtures/webhooks")? {
        corpus.add("webhook_mautic", &name, &[&body, b"vn8SlOLbeZZD0hiThzVovi4PmbPer/g7+bRB3rrlz3M="])?;
    }
    for (name, event) in files("events")? {
        corpus.add("envelopes", &name, &[&event])?;
        let Ok(event) = serde_json::from_slice::<Value>(&event) else { continue };
        let body = text(&event, "body").as_bytes();
        let header = |wanted: &str| {
            let headers = event["headers"].as_object();
            let found = headers.and_then(|all| all.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)));
            found.and_then(|(_, value)| value.as_str()).unwrap_or_default().to_owned()
        };
        match name.split('.').next() {
            Some("webhook-mautic") => corpus.add("webhook_mautic", &name, &[body, header("webhook-signature").as_bytes()])?,
            Some("webhook-corebos") => corpus.add("webhook_corebos", &name, &[body, header("x-bridge-key").as_bytes()])?,
            Some("webhook-hubspot") => {
                let parts = [body, &header("x-hubspot-signature-v3").into_bytes(), &header("x-hubspot-request-timestamp").into_bytes()];
                corpus.add("webhook_hubspot", &name, &parts)?;
            }
            Some("webhook-signal") => {
                for kind in [b"\0", b"\x08", b"\x28", b"\x01"] {
                    corpus.add("webhook_signal", &format!("{name}-{}", kind[0]), &[body, b"Bearer wk", kind])?;
                }
            }
            _ => {}
        }
    }
    for (name, exchange) in files("shared/connector-signal/fixtures")? {
        let Ok(exchange) = serde_json::from_slice::<Value>(&exchange) else { continue };
        let body = exchange["request"]["body"].to_string();
        corpus.add("webhook_signal", &name, &[body.as_bytes(), b"Bearer wk", b"\x08"])?;
    }
    // Each recorded answer, given to the calls that might get it: the first byte is the call, the second which answers
    // are the input's, and each answer begins with its status and headers.
    for (target, folder) in [
        ("answers_corebos", "shared/connector-corebos/fixtures"),
        ("answers_mautic", "shared/connector-mautic/fixtures/api"),
    ] {
        for (number, (name, exchange)) in files(folder)?.into_iter().enumerate() {
            let Ok(exchange) = serde_json::from_slice::<Value>(&exchange) else { continue };
            let body = exchange["response"]["body"].to_string();
            for call in 0..24_u8 {
                if (usize::from(call) + number) % 6 == 0 {
                    let input = [&[call, 1 << (number % 6)], b"\0\x01".as_slice(), body.as_bytes()].concat();
                    corpus.add(target, &format!("{name}-{call}"), &[&input])?;
                }
            }
        }
    }
    let record = br#"{"id":"7","properties":{"email":"ana@example.org","closedate":"2026-11-21T02:24:27Z","dealstage":"won"},"createdAt":"2026-11-21T02:24:27Z","associations":{"companies":{"results":[{"id":"9","type":"contact_to_company"}]}}}"#;
    let page = br#"{"total":1,"results":[{"id":"7","name":"email","type":"string","fieldType":"text","label":"x","stages":[],"properties":{"email":"a@b.c"}}],"paging":{"next":{"after":"7"}}}"#;
    let user = br#"{"id":7,"username":"ana","email":"a@b.c","roles":["subscriber"],"capabilities":{"read":true},"meta":{"mautic_contact_id":"47","mautic_tags":["a"]},"registered_date":"2026-11-21T02:24:27+00:00"}"#;
    let refusal = br#"{"status":"error","category":"VALIDATION_ERROR","message":"Property values were not valid: [{\"name\":\"email\"}]","code":"rest_invalid_param","data":{"status":400,"params":{"email":"x"}},"errors":[{"message":"x","in":"email"}]}"#;
    for call in 0..16_u8 {
        for (number, body) in [record.as_slice(), page, user, refusal].into_iter().enumerate() {
            for mask in [1, 2, 4, 0xff] {
                let status = if number == 3 { 6 } else { 0 };
                let input = [&[call, mask, status, 1], body].concat();
                for target in ["answers_hubspot", "answers_wordpress"] {
                    corpus.add(target, &format!("{call}-{number}-{mask}"), &[&input])?;
                }
            }
        }
    }
    Ok(())
}
