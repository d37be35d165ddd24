//! Replays what was recorded with a real Mautic 5.1.0 and compares every answer and every webhook.
//!
//! The recordings are one long story, so they are replayed as one. Ids are the recorded ones; times may
//! differ by a few seconds, generated secrets and tokens by their value. Fields without a value are left out of
//! both sides but in the recordings that are kept in full.

use std::collections::HashMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use simulators::clock::ManualClock;
use simulators::mautic::{self, Delivery, MauticOptions, MauticSimulator};

use crate::mautic_listener::{Listener, Post};

const SECRET: &str = "peer-secret-1";

struct Replay {
    mautic: MauticSimulator,
    clock: ManualClock,
    listener: Listener,
    client: reqwest::Client,
    token: Option<String>,
    last_contact: u64,
    problems: Vec<(String, String)>,
    compared: usize,
}

#[tokio::test]
async fn the_simulator_answers_and_tells_what_the_real_mautic_did() {
    let clock = ManualClock::starting_at("2026-11-21T02:42:00Z".parse().unwrap());
    let options = MauticOptions {
        username: "admin".to_owned(),
        password: "admin-password".to_owned(),
        client_id: "1_recorded".to_owned(),
        client_secret: "recorded-secret".to_owned(),
        client_name: "sync cc".to_owned(),
        stock_fields_only: true,
        clock: clock.as_clock(),
        work_time: std::time::Duration::ZERO,
        ..MauticOptions::default()
    };
    let mautic = mautic::start(options).await.unwrap();
    let mut replay = Replay {
        mautic,
        clock,
        listener: Listener::start().await,
        client: reqwest::Client::new(),
        token: None,
        last_contact: 0,
        problems: Vec::new(),
        compared: 0,
    };
    for phase in ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "L"] {
        replay.phase(phase).await;
    }
    let mut report = String::new();
    for (source, problem) in &replay.problems {
        let _ = writeln!(report, "{source}: {problem}");
    }
    assert!(replay.problems.is_empty(), "{} differences\n{report}", replay.problems.len());
    assert!(replay.compared > 300, "only {} exchanges were compared", replay.compared);
}

impl Replay {
    async fn phase(&mut self, phase: &str) {
        let path = format!("{}/fixtures/mautic/{phase}.jsonl", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        for line in text.lines() {
            let recorded: Value = serde_json::from_str(line).unwrap();
            let source = recorded["source"].as_str().unwrap().to_owned();
            if let Some(second) = recorded["at"].as_i64() {
                self.clock.set(Timestamp::from_second(second).unwrap());
            }
            self.before(&source).await;
            let new_contact = recorded["answer"]["contact"]["id"].as_u64();
            if let Some(id) = new_contact.filter(|_| recorded["status"] == 201) {
                self.burn_contacts_until(id).await;
            }
            self.listener.taken();
            if recorded.get("action").is_some() {
                self.act(&source).await;
            } else {
                self.exchange(&source, &recorded).await;
            }
            let posts = self.listener.taken();
            self.compare_webhooks(&source, &recorded, &posts);
            self.compared += 1;
        }
    }

    fn problem(&mut self, source: &str, problem: impl Into<String>) {
        self.problems.push((source.to_owned(), problem.into()));
    }

    fn expect<T: PartialEq + std::fmt::Debug>(&mut self, source: &str, actual: &T, recorded: &T) {
        if actual != recorded {
            self.problem(source, format!("{actual:?}, recorded {recorded:?}"));
        }
    }

    /// What happened between the recordings.
    async fn before(&mut self, source: &str) {
        let code = source.split('-').next().unwrap();
        match code {
            // A company whose creation was not recorded.
            "D01" => {
                let id = self.mautic.create_company(&json!({"companyname": "Unrecorded"})).await.unwrap();
                assert!(self.mautic.delete_company(id).await);
            }
            // The command line deduplicated two pairs (captures F30 and G01).
            "G02" => {
                let merged = self.mautic.deduplicate_contacts().await;
                self.expect("G01", &merged, &2);
            }
            // A visit and the unsubscribe link of an e-mail (captures H07 to H18).
            "I04" => {
                self.listener.answer_with(500);
                let refusal = json!({"reason": 1, "comments": "User unsubscribed.", "channelId": 1});
                self.call(reqwest::Method::POST, "/api/contacts/1/dnc/email/add", &refusal).await;
                let visit = json!({"lastActive": "2026-11-21 02:56:55"});
                self.call(reqwest::Method::PATCH, "/api/contacts/1/edit", &visit).await;
            }
            "I05" => self.listener.answer_with(404),
            "I06" => self.listener.answer_with(302),
            "I07" => self.listener.answer_with(202),
            "I08" => self.listener.answer_with(410),
            "I09" => self.listener.answer_with(200),
            "I19" => {
                self.burn_contacts_until(34).await;
                self.mautic.set_delivery(Delivery::Queue);
            }
            "I37" => {
                // Captures I25 to I35 are eleven more edits like I24.
                for edit in 16..27 {
                    let city = json!({"city": format!("City {edit}")});
                    self.call(reqwest::Method::PATCH, "/api/contacts/1/edit", &city).await;
                }
                let report = self.mautic.process_queue().await;
                self.expect("I36", &(report.posts, report.events, report.waiting), &(2, 18, 0));
                let posts = self.listener.taken();
                let counts: Vec<Vec<usize>> = posts.iter().map(counts).collect();
                self.expect("I36", &counts, &vec![vec![1, 1, 1, 1, 6], vec![8]]);
            }
            "I39" => {
                self.listener.answer_with(500);
                let report = self.mautic.process_queue().await;
                self.expect("I38", &(report.posts, report.lost, report.waiting), &(1, 1, 0));
                self.listener.answer_with(200);
            }
            "I42" => {
                let report = self.mautic.process_queue().await;
                self.expect("I41", &(report.posts, report.waiting), &(0, 1));
            }
            "I44" => {
                let report = self.mautic.process_queue().await;
                self.expect("I43", &(report.posts, report.events, report.waiting), &(1, 1, 0));
                self.mautic.set_delivery(Delivery::Immediate);
                self.mautic.set_api_enabled(true, false);
            }
            // The races that are not replayed (captures J08 to J11, K01, K02).
            "J15" => {
                let id = self.mautic.create_company(&json!({"companyname": "Race"})).await.unwrap();
                assert!(self.mautic.delete_company(id).await);
            }
            "J21" => {
                let now = self.clock.as_clock()();
                self.clock.set("2026-11-21T03:00:58Z".parse().unwrap());
                self.call(reqwest::Method::PATCH, "/api/contacts/1/edit", &json!({"phone": "race1"})).await;
                self.clock.set(now);
            }
            "L01" => {
                let sent = json!({"firstname": "rr1", "lastname": "rr2", "phone": "rr3"});
                self.call(reqwest::Method::PATCH, "/api/contacts/1/edit", &sent).await;
                self.call(reqwest::Method::POST, "/api/contacts/1/points/plus/4", &json!({})).await;
            }
            "I45" => self.mautic.set_api_enabled(false, true),
            "I47" => self.mautic.set_api_enabled(true, true),
            _ => {}
        }
    }

    async fn call(&self, method: reqwest::Method, path: &str, body: &Value) {
        let request = self.client.request(method, format!("{}{path}", self.mautic.url()));
        let response = request.basic_auth("admin", Some("admin-password")).json(body).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
    }

    /// What a person did in Mautic's pages.
    async fn act(&mut self, source: &str) {
        let mautic = &self.mautic;
        let done = match source.split('-').next().unwrap() {
            "F38" => mautic.merge_contacts(20, 21).await,
            "L07" => mautic.merge_contacts(45, 44).await,
            "G13" | "G14" => mautic.edit_contact(1, &json!({"city": "UI City"})).await,
            "G15" => mautic.edit_contact(1, &json!({"vip": 1})).await,
            "G16" => mautic.edit_company(3, &json!({"companycity": "UI Town"})).await,
            "G19" => mautic.merge_companies(3, 8).await,
            "H02" => {
                let id =
                    mautic.submit_form(&json!({"email": "formlead@example.test", "firstname": "Form"})).await;
                self.last_contact = id.unwrap();
                true
            }
            "H03" => {
                let id =
                    mautic.submit_form(&json!({"email": "ident@example.test", "firstname": "Changed"})).await;
                self.last_contact = id.unwrap();
                true
            }
            other => panic!("no action for {other}"),
        };
        assert!(done, "{source}");
    }

    async fn exchange(&mut self, source: &str, recorded: &Value) {
        let answer = &recorded["answer"];
        let path = recorded["path"].as_str().unwrap();
        let base = self.listener.url.trim_end_matches("/hook?x=1");
        let body = recorded["body"].as_str().unwrap_or_default().replace("http://127.0.0.1:9098", base);
        let (status, headers, text) = self.send(recorded, path, &body).await;
        if text.trim_start().starts_with('{') {
            if source.starts_with("I53") {
                let parsed: Value = serde_json::from_str(&text).unwrap();
                self.token = parsed["access_token"].as_str().map(str::to_owned);
            }
            let actual: Value = serde_json::from_str(&text).unwrap();
            if let Some(id) = actual["contact"]["id"].as_u64() {
                self.last_contact = self.last_contact.max(id);
            }
            for contact in actual["contacts"]
                .as_object()
                .into_iter()
                .flat_map(Map::values)
                .chain(actual["contacts"].as_array().into_iter().flatten())
            {
                self.last_contact = self.last_contact.max(contact["id"].as_u64().unwrap_or(0));
            }
            if recorded["status"] != json!(status) {
                self.problem(
                    source,
                    format!("status {status}, recorded {}: {text:.300}", recorded["status"]),
                );
                return;
            }
            for name in ["Location", "Mautic-Version"] {
                let wanted = recorded["headers"][name].as_str();
                let got = headers.get(name).map(String::as_str);
                if wanted != got {
                    self.problem(source, format!("{name}: {got:?}, recorded {wanted:?}"));
                }
            }
            let mut actual = actual;
            if source.starts_with("I57") {
                // The client was made by somebody with another role.
                actual.as_object_mut().unwrap().remove("role");
            }
            if recorded["full"] != json!(true) {
                actual = compact(&actual);
            }
            let mut differences = Vec::new();
            compare("", answer, &actual, &mut differences);
            for difference in differences {
                self.problem(source, difference);
            }
        } else {
            self.problem(source, format!("not JSON: {text:.300}"));
        }
    }

    async fn send(
        &self,
        recorded: &Value,
        path: &str,
        body: &str,
    ) -> (u16, HashMap<&'static str, String>, String) {
        let method = reqwest::Method::from_bytes(recorded["method"].as_str().unwrap().as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.mautic.url()));
        let source = recorded["source"].as_str().unwrap();
        request = match &recorded["user"] {
            Value::String(name) if name == "admin" => request.basic_auth("admin", Some("admin-password")),
            Value::String(name) if name == "limited" => request.basic_auth(name, Some("Limited-Pw-2026!")),
            Value::String(name) => request.basic_auth(name, Some("Sync-Pw-2026!")),
            Value::Array(pair) => request.basic_auth(pair[0].as_str().unwrap(), pair[1].as_str()),
            _ if source.starts_with("E31") => request.bearer_auth("no-such-token"),
            _ if source.starts_with("I5") => match &self.token {
                Some(token) if path.starts_with("/api") => request.bearer_auth(token),
                _ => request,
            },
            _ => request,
        };
        if let Some(kind) = recorded["content_type"].as_str() {
            // What was recorded as U+FFFD was one byte that is no UTF-8.
            let mut bytes = Vec::new();
            for character in body.chars() {
                match character {
                    '\u{fffd}' => bytes.push(0xe9),
                    other => bytes.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
                }
            }
            request = request.header("content-type", kind).body(bytes);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let headers = ["Location", "Mautic-Version"]
            .into_iter()
            .filter_map(|name| Some((name, response.headers().get(name)?.to_str().ok()?.to_owned())))
            .collect();
        (status, headers, response.text().await.unwrap())
    }

    /// Contacts that were made between the recordings took ids.
    async fn burn_contacts_until(&mut self, id: u64) {
        while self.last_contact + 1 < id {
            let burnt = self.mautic.create_contact(&json!({})).await.unwrap();
            assert!(self.mautic.delete_contact(burnt).await);
            self.last_contact = burnt;
        }
    }

    fn compare_webhooks(&mut self, source: &str, recorded: &Value, posts: &[Post]) {
        let wanted = recorded["webhooks"].as_array().unwrap();
        let keys_of = |body: &Value| -> Vec<String> {
            body.as_object().into_iter().flat_map(|body| body.keys().cloned()).collect()
        };
        let wanted_keys: Vec<Vec<String>> = wanted.iter().map(|hook| keys_of(&hook["body"])).collect();
        let bodies: Vec<Value> = posts.iter().map(|post| serde_json::from_str(&post.body).unwrap()).collect();
        let actual_keys: Vec<Vec<String>> = bodies.iter().map(keys_of).collect();
        if wanted_keys != actual_keys {
            self.problem(source, format!("webhooks {actual_keys:?}, recorded {wanted_keys:?}"));
            return;
        }
        for ((post, actual), hook) in posts.iter().zip(&bodies).zip(wanted) {
            let names: Vec<&str> =
                post.head.lines().skip(1).filter_map(|line| line.split(':').next()).collect();
            assert_eq!(
                names,
                [
                    "Host",
                    "User-Agent",
                    "Content-Type",
                    "X-Origin-Base-URL",
                    "Webhook-Signature",
                    "Content-Length"
                ],
                "header order of every recorded webhook"
            );
            let secret = if post.head.starts_with("POST /second") { "other-secret" } else { SECRET };
            assert_eq!(post.header("Webhook-Signature").unwrap(), signature(secret, &post.body), "{source}");
            let actual = if recorded["full"] == json!(true) { actual.clone() } else { compact(actual) };
            let mut differences = Vec::new();
            compare("", &hook["body"], &actual, &mut differences);
            for difference in differences {
                self.problem(hook["source"].as_str().unwrap(), difference);
            }
        }
    }
}

/// The numbers of events under each key of a body, smallest first.
fn counts(post: &Post) -> Vec<usize> {
    let body: Map<String, Value> = serde_json::from_str(&post.body).unwrap();
    let mut counts: Vec<usize> = body.values().map(|items| items.as_array().unwrap().len()).collect();
    counts.sort_unstable();
    counts
}

/// The signature by another way than the simulator's.
fn signature(secret: &str, body: &str) -> String {
    use base64::Engine as _;
    use sha2::{Digest as _, Sha256};
    let mut key = [0_u8; 64];
    key[..secret.len()].copy_from_slice(secret.as_bytes());
    let pad = |byte: u8| key.map(|each| each ^ byte);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(body.as_bytes()).finalize();
    let outer = Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize();
    base64::engine::general_purpose::STANDARD.encode(outer)
}

/// Leaves out fields without a value, and what describes the others.
fn compact(value: &Value) -> Value {
    match value {
        Value::Object(entries) if is_field(entries) => json!({
            "id": entries["id"],
            "value": entries.get("value").cloned().unwrap_or_else(|| json!("-")),
            "normalizedValue": entries["normalizedValue"],
        }),
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| {
                let groups =
                    value.as_object().filter(|groups| key == "fields" && groups.contains_key("core"));
                (key.clone(), groups.map_or_else(|| compact(value), compact_fields))
            })
            .collect(),
        Value::Array(items) => items.iter().map(compact).collect(),
        other => other.clone(),
    }
}

fn is_field(entries: &Map<String, Value>) -> bool {
    ["alias", "group", "normalizedValue"].iter().all(|key| entries.contains_key(*key))
}

fn compact_fields(groups: &Map<String, Value>) -> Value {
    let members = |group: &Map<String, Value>| -> Value {
        group
            .iter()
            .filter(|(_, field)| {
                !(field.get("value").is_none_or(Value::is_null) && field["normalizedValue"] == json!(""))
            })
            .map(|(alias, field)| (alias.clone(), compact(field)))
            .collect()
    };
    groups
        .iter()
        .map(|(name, group)| match group.as_object() {
            Some(all) if name == "all" => {
                let held = all.iter().filter(|(_, value)| !value.is_null());
                (name.clone(), held.map(|(key, value)| (key.clone(), value.clone())).collect())
            }
            Some(group) => (name.clone(), members(group)),
            None => (name.clone(), group.clone()),
        })
        .collect()
}

const SECONDS_OF_DIFFERENCE: i64 = 4;

fn compare(path: &str, wanted: &Value, actual: &Value, differences: &mut Vec<String>) {
    match (wanted, actual) {
        // A form's own names of its fields.
        (Value::Object(_), Value::Object(_)) if path.ends_with("/submission/results") => {}
        (Value::Object(left), Value::Object(right)) => {
            for (key, value) in left {
                match right.get(key) {
                    Some(other) => compare(&format!("{path}/{key}"), value, other, differences),
                    None => differences.push(format!("{path}/{key} is missing: {value:.120}")),
                }
            }
            for (key, value) in right.iter().filter(|(key, _)| !left.contains_key(*key)) {
                differences.push(format!("{path}/{key} is too much: {value:.120}"));
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (position, (one, other)) in left.iter().zip(right).enumerate() {
                compare(&format!("{path}/{position}"), one, other, differences);
            }
        }
        _ if wanted == actual || excused(path, wanted, actual) => {}
        _ => differences.push(format!("{path}: {actual:.200}, recorded {wanted:.200}")),
    }
}

/// Times of the same moment, generated texts of the same length, addresses of this test.
fn excused(path: &str, wanted: &Value, actual: &Value) -> bool {
    if let (Some(one), Some(other)) = (moment(wanted), moment(actual)) {
        return (one - other).abs() <= SECONDS_OF_DIFFERENCE;
    }
    let texts = wanted.as_str().zip(actual.as_str());
    let same_length = texts.is_some_and(|(one, other)| one.len() == other.len());
    path.ends_with("/secret") && same_length
        || path.ends_with("/access_token") && actual.is_string()
        || path.ends_with("/webhookUrl")
            && actual.as_str().is_some_and(|url| url.starts_with("http://127.0.0.1"))
        || path.ends_with("/trackingId") && same_length
        || path.contains("/ipAddresses/") && path.ends_with("/id") && actual.is_number()
        || path.ends_with("/ipAddress/id") && actual.is_number()
}

fn moment(value: &Value) -> Option<i64> {
    let text = value.as_str()?;
    let absolute = if text.len() == 19 { format!("{}Z", text.replace(' ', "T")) } else { text.to_owned() };
    absolute.parse::<Timestamp>().ok().map(Timestamp::as_second)
}
