//! Replays 203 recorded calls of a real coreBOS, in their order and at their times, and compares the answers byte by
//! byte; what differs by nature (sessions, tokens, uuids) is bound at its first appearance and must stay the same.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;
use simulators::clock::ManualClock;
use simulators::corebos::{CoreBosOptions, CoreBosSimulator, CoreBosUser, Trigger, WorkflowHook, start};

use crate::corebos_client::{Caller, Receiver, hashed};

const STORY: &str = include_str!("../../fixtures/corebos/story.json");
const HOOKS: &str = include_str!("../../fixtures/corebos/hooks.json");
const LIST_OF_TYPES: &str = include_str!("../../fixtures/corebos/listtypes.json");
/// Where the recorded hooks went.
const RECORDED_RECEIVER: &str = "127.0.0.1:8199";

/// Sessions that are not to be replaced by real ones.
const NO_SESSIONS: [&str; 2] = ["null", "deadbeef"];

const OWNERS: &str = r#"{"users":{"label_raw":"Users","label":"Users","options":[{"userid":"19x1","username":"Administrator"}]},"groups":{"label_raw":"Groups","label":"Groups","options":[{"groupid":"20x3","groupname":"Marketing Group"},{"groupid":"20x4","groupname":"Support Group"},{"groupid":"20x2","groupname":"Team Selling"}]}}"#;

/// One recorded call.
#[derive(Deserialize)]
struct Step {
    /// Name of the capture file.
    source: String,
    at: i64,
    method: String,
    #[serde(default)]
    headers: HashMap<String, String>,
    session: Option<String>,
    #[serde(default)]
    json: bool,
    parameters: HashMap<String, Value>,
    status: Option<u16>,
    /// The body of the answer.
    answer: Option<String>,
    /// The answer is the description of these modules.
    describe: Option<String>,
    /// The answer is the list of types, for an administrator or not.
    listtypes: Option<bool>,
}

/// A request that the recorded instance's workflows made.
#[derive(Deserialize)]
struct RecordedHook {
    source: String,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

struct Replay {
    simulator: CoreBosSimulator,
    clock: ManualClock,
    receiver: Receiver,
    http: reqwest::Client,
    /// Recorded value to the value of this run.
    bound: HashMap<String, String>,
    token: String,
    mismatches: Vec<String>,
}

impl Replay {
    async fn start(first: i64) -> Self {
        let clock = ManualClock::starting_at(jiff::Timestamp::from_second(first).unwrap());
        let mut admin = CoreBosUser::new(1, "admin").administrator().called("", "Administrator");
        "noreply@tsolucio.com".clone_into(&mut admin.email);
        let options = CoreBosOptions {
            users: vec![admin],
            clock: clock.as_clock(),
            integration_fields: false,
            ..CoreBosOptions::default()
        };
        Self {
            simulator: start(options).await.unwrap(),
            clock,
            receiver: Receiver::start().await,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            bound: HashMap::new(),
            token: String::new(),
            mismatches: Vec::new(),
        }
    }

    /// What happened to the recorded instance between two calls.
    async fn before(&mut self, step: &Step) {
        match step.source.get(..4).unwrap_or_default() {
            "B001" => self.simulator.show_integration_fields(true),
            "C001" => {
                for (map, trigger) in [
                    ("hook_create", Trigger::FirstSave),
                    ("hook_modify", Trigger::Modification),
                    ("hook_delete", Trigger::Deletion),
                    ("hook_geturl", Trigger::FirstSave),
                    ("hook_putjson", Trigger::Modification),
                ] {
                    let (module, map) = ("Contacts".to_owned(), map.to_owned());
                    self.simulator.add_workflow_hook(WorkflowHook { module, trigger, map });
                }
            }
            "D004" => self.receiver.close().await,
            "E001" => self.receiver.open().await,
            "F001" => self.simulator.clear_workflow_hooks(),
            "F003" | "F005" => {
                self.session(step).await;
                self.simulator.expire_sessions();
            }
            "F006" => self.simulator.expire_challenges(),
            _ => {}
        }
    }

    /// The session of this run that stands for the recorded one; opened when it was opened off the record.
    async fn session(&mut self, step: &Step) -> Option<String> {
        let recorded = step.session.clone()?;
        if NO_SESSIONS.iter().any(|prefix| recorded.starts_with(prefix)) {
            return Some(recorded);
        }
        if !self.bound.contains_key(&recorded) {
            let caller = Caller::login(&self.simulator, "admin").await;
            self.bound.insert(recorded.clone(), caller.session);
        }
        self.bound.get(&recorded).cloned()
    }

    fn parameter(&self, step: &Step, value: &Value) -> Value {
        let user = step.parameters.get("username").and_then(Value::as_str).unwrap_or_default();
        match value.as_str() {
            Some("@key") => Value::String(hashed(&self.token, &self.simulator.access_key(user).unwrap())),
            Some("@token-and-password") => Value::String(format!("{}admin", self.token)),
            Some(text) => Value::String(text.replace(RECORDED_RECEIVER, &self.receiver.address())),
            None => value.clone(),
        }
    }

    async fn send(&mut self, step: &Step) -> (u16, String) {
        let session = self.session(step).await;
        let mut parameters: HashMap<String, Value> =
            step.parameters.iter().map(|(name, value)| (name.clone(), self.parameter(step, value))).collect();
        if let Some(session) = session {
            parameters.insert("sessionName".to_owned(), Value::String(session));
        }
        let url = format!("{}/webservice.php", self.simulator.url());
        let method = reqwest::Method::from_bytes(step.method.as_bytes()).unwrap();
        let mut request = self.http.request(method, url);
        for (name, value) in &step.headers {
            request = request.header(name, self.bound.get(value).unwrap_or(value));
        }
        let form: HashMap<&String, &str> =
            parameters.iter().map(|(name, value)| (name, value.as_str().unwrap_or_default())).collect();
        request = match (step.method.as_str(), step.json) {
            (_, true) => request.json(&parameters),
            ("GET", _) => request.query(&form),
            _ => request.form(&form),
        };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn play(&mut self, step: &Step) {
        self.clock.set(jiff::Timestamp::from_second(step.at).unwrap());
        self.before(step).await;
        let (status, body) = self.send(step).await;
        let today = jiff::Timestamp::from_second(step.at).unwrap().strftime("%Y-%m-%d").to_string();
        if status != step.status.unwrap_or(200) {
            self.mismatches.push(format!("{}: status {status}", step.source));
        }
        if let Some(modules) = &step.describe {
            let (got, wanted) = (parsed(&body), described(modules, &today, &step.source));
            if got != wanted {
                self.mismatches.push(format!("{}: {}", step.source, first_difference("", &wanted, &got)));
            }
        } else if let Some(admin) = step.listtypes {
            let mut wanted = parsed(LIST_OF_TYPES);
            if !admin {
                wanted["types"].as_array_mut().unwrap().retain(|name| name != "Users");
                wanted["information"].as_object_mut().unwrap().remove("Users");
            }
            if parsed(&body)["result"] != wanted {
                self.mismatches.push(format!("{}: another list of types", step.source));
            }
        } else if let Some(wanted) = &step.answer {
            self.compare(step, wanted, &body);
        }
    }

    fn compare(&mut self, step: &Step, wanted: &str, got: &str) {
        if let (Ok(wanted), Ok(got)) = (serde_json::from_str(wanted), serde_json::from_str(got)) {
            bind(&wanted, &got, &mut self.bound);
            if let Some(token) = got["result"]["token"].as_str() {
                token.clone_into(&mut self.token);
            }
        }
        let mut wanted = wanted.replace(RECORDED_RECEIVER, &self.receiver.address());
        for (recorded, value) in &self.bound {
            wanted = wanted.replace(recorded, value);
        }
        if wanted != got {
            let difference = match (serde_json::from_str(&wanted), serde_json::from_str(got)) {
                (Ok(wanted), Ok(got)) => first_difference("", &wanted, &got),
                _ => format!("wanted {wanted} got {got}"),
            };
            self.mismatches.push(format!("{}: {difference}", step.source));
        }
    }
}

/// Takes note of values that cannot be the same in two runs.
fn bind(wanted: &Value, got: &Value, bound: &mut HashMap<String, String>) {
    match (wanted, got) {
        (Value::Object(wanted), Value::Object(got)) => {
            for (key, wanted) in wanted {
                let Some(got) = got.get(key) else { continue };
                if let ("cbuuid" | "token" | "sessionName", Some(recorded), Some(value)) =
                    (key.as_str(), wanted.as_str(), got.as_str())
                    && recorded.len() == value.len()
                    && !recorded.is_empty()
                {
                    bound.entry(recorded.to_owned()).or_insert_with(|| value.to_owned());
                }
                bind(wanted, got, bound);
            }
        }
        (Value::Array(wanted), Value::Array(got)) => {
            wanted.iter().zip(got).for_each(|(wanted, got)| bind(wanted, got, bound));
        }
        _ => {}
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The recorded description with the day and the owners of that moment.
fn described(modules: &str, today: &str, source: &str) -> Value {
    let one = |name: &str| {
        let text = match name {
            "Contacts" => include_str!("../../fixtures/corebos/describe/Contacts.json"),
            "Accounts" => include_str!("../../fixtures/corebos/describe/Accounts.json"),
            "Leads" => include_str!("../../fixtures/corebos/describe/Leads.json"),
            "Potentials" => include_str!("../../fixtures/corebos/describe/Potentials.json"),
            "Users" => include_str!("../../fixtures/corebos/describe/Users.json"),
            "cbMap" => include_str!("../../fixtures/corebos/describe/cbMap.json"),
            _ => include_str!("../../fixtures/corebos/describe/Currency.json"),
        };
        let mut module = parsed(&text.replace("@today", today).replace("\"@owners\"", OWNERS));
        if source.starts_with('A') {
            module["fields"].as_array_mut().unwrap().retain(|field| {
                let name = field["name"].as_str().unwrap();
                !name.starts_with("hubspot")
                    && !["mautic_id", "deleted_in_mautic", "contact_points", "from_externalsource"]
                        .contains(&name)
            });
        }
        if source.starts_with("H013") {
            module["deleteable"] = Value::Bool(false);
            module["retrieveable"] = Value::Bool(false);
        }
        module
    };
    let result = match modules.split_once(',') {
        None => one(modules),
        Some((first, second)) => serde_json::json!({ first: one(first), second: one(second) }),
    };
    serde_json::json!({ "success": true, "result": result, "moreinfo": null })
}

fn first_difference(path: &str, wanted: &Value, got: &Value) -> String {
    match (wanted, got) {
        (Value::Object(left), Value::Object(right)) => {
            for (key, value) in left {
                match right.get(key) {
                    None => return format!("{path}.{key} is missing"),
                    Some(other) if other != value => {
                        return first_difference(&format!("{path}.{key}"), value, other);
                    }
                    Some(_) => {}
                }
            }
            let added: Vec<&String> = right.keys().filter(|key| !left.contains_key(*key)).collect();
            if added.is_empty() {
                format!("{path}: the order of keys differs")
            } else {
                format!("{path}: added {added:?}")
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            let different = left.iter().zip(right).enumerate().find(|(_, (left, right))| left != right);
            match different {
                Some((index, (left, right))) => first_difference(&format!("{path}[{index}]"), left, right),
                None => format!("{path}: equal"),
            }
        }
        _ => format!("{path}: wanted {wanted:.200} got {got:.200}"),
    }
}

#[tokio::test]
async fn the_recorded_calls_of_a_real_corebos_get_the_recorded_answers() {
    let steps: Vec<Step> = serde_json::from_str(STORY).unwrap();
    assert_eq!(steps.len(), 203);
    // The first token was two minutes old when the recording began.
    let mut replay = Replay::start(1_795_227_751).await;
    Caller::login(&replay.simulator, "admin").await;
    for step in &steps {
        replay.play(step).await;
    }
    assert!(replay.mismatches.is_empty(), "{}\n{}", replay.mismatches.len(), replay.mismatches.join("\n"));
    compare_hooks(&replay.receiver);
    replay.simulator.stop().await;
}

/// The workflows of the recorded calls made exactly the recorded requests.
fn compare_hooks(receiver: &Receiver) {
    let wanted: Vec<RecordedHook> = serde_json::from_str(HOOKS).unwrap();
    let got = receiver.received();
    for (wanted, got) in wanted.iter().zip(&got) {
        assert_eq!(
            (&wanted.method, &wanted.path, &wanted.body),
            (&got.method, &got.path, &got.body),
            "{}",
            wanted.source
        );
        for (name, value) in &wanted.headers {
            assert_eq!(got.headers.get(name).unwrap(), value, "{}", wanted.source);
        }
        assert!(got.headers.get("user-agent").is_none(), "{}", wanted.source);
        let allowed = wanted.headers.len() + 1 + usize::from(!wanted.body.is_empty());
        assert_eq!(got.headers.len(), allowed, "{}: {:?}", wanted.source, got.headers);
    }
    assert_eq!(got.len(), wanted.len());
}
