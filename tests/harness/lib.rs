//! What the stories stand on: both stand-ins, the stack with every function as a process, and ways to look at them.

mod cloud;
mod folder;
mod hubspot;
mod process;
mod wordpress;
mod written;

pub use cloud::cloud_formation;
pub use folder::Folder;
pub use hubspot::property;
pub use process::{Ended, Program, end_process};
pub use wordpress::wordpress_systems;
pub use written::Written;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine as _;
use bridge::config::Config;
use bridge::journal::Journal;
use bridge::local::{self, Local, LocalOptions};
use bridge::simulated::{self, Simulated, TRIGGERS, WEBHOOK_SECRET};
use bridge::stack::log::LogKeeper;
use bridge::stack::{Address, Announced};
use embedded_aws::{Between, StackEvent};
use hmac::{Hmac, KeyInit as _, Mac as _};
use model::{Pair, PairKind, ParkedChange};
use serde_json::Value;
use sha2::Sha256;

/// How long a story waits for what it claims, before it fails. Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(30);

/// A world: Mautic, coreBOS, and the bridge between them.
pub struct World {
    /// Mautic and coreBOS.
    pub systems: Simulated,
    /// The stack.
    pub local: Local,
    /// What has happened.
    pub journal: Journal,
    /// Every line that the functions have logged.
    pub log: Vec<String>,
    /// The processes that run: function and process id.
    pub processes: Vec<(String, u32)>,
    hook: u64,
    /// How the command line finds the stack, and the log that it reads.
    announced: Option<(Announced, LogKeeper)>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

/// How a world differs from the usual one.
#[derive(Debug, Default)]
pub struct Unusual {
    /// Where queues and table are kept.
    pub data: Option<PathBuf>,
    /// More environment of the push functions.
    pub push_environment: BTreeMap<String, String>,
    /// Replacements in the template.
    pub template_edits: Vec<(String, String)>,
    /// Accepts that a system is another one than at first contact.
    pub confirm_identity: bool,
    /// Gives each system a secret of its own.
    pub secrets_apart: bool,
    /// Who stands between the functions and the services of AWS.
    pub between: Between,
}

impl Unusual {
    /// Short lives, for stories in which workers die: an invocation may take 4 s, a lease holds 5 s and a message is
    /// invisible for 6 s, instead of 30, 45 and 60.
    pub fn short_lives() -> Self {
        let edits =
            [("    Timeout: 30\n", "    Timeout: 4\n"), ("VisibilityTimeout: 60", "VisibilityTimeout: 6")];
        Self {
            push_environment: BTreeMap::from([("LEASE_SECONDS".to_owned(), "5".to_owned())]),
            template_edits: edits.map(|(from, to)| (from.to_owned(), to.to_owned())).to_vec(),
            ..Self::default()
        }
    }

    /// A stack that keeps its queues and its table in this folder.
    pub fn kept_in(folder: &Folder) -> Self {
        Self { data: Some(folder.path().to_owned()), ..Self::default() }
    }

    /// A stack whose queue nobody reads: what the webhooks put there stays there.
    pub fn unread_queue() -> Self {
        let batch = "BatchSize: 10 # The most";
        let unread = format!("Enabled: false\n            {batch}");
        Self { template_edits: vec![(batch.to_owned(), unread)], ..Self::default() }
    }
}

/// A world in which coreBOS tells of its saves and deletes, too.
///
/// # Panics
/// It does not start: the story has failed.
pub async fn world_with_workflows(program: &str) -> World {
    let world = world(program).await;
    let url = world.local.webhook_url("webhook-corebos");
    world.systems.point_workflows_at(&url).await.unwrap_or_else(|error| panic!("{error:#}"));
    world
}

/// The bridge binary of a test; `program` is `env!("CARGO_BIN_EXE_bridge-under-test")`.
pub async fn world(program: &str) -> World {
    unusual_world(program, Unusual::default(), |config| config).await
}

/// A world that differs; `edit` may change the configuration before the stack starts.
///
/// # Panics
/// It does not start: the story has failed.
pub async fn unusual_world(program: &str, unusual: Unusual, edit: impl FnOnce(Config) -> Config) -> World {
    let systems = simulators().await;
    let config = edit(systems.config().unwrap_or_else(|error| panic!("{error:#}")));
    world_of(program, systems, &config, unusual).await
}

/// Both stand-ins, empty.
///
/// # Panics
/// They do not start.
pub async fn simulators() -> Simulated {
    simulated::start((0, 0), None).await.unwrap_or_else(|error| panic!("{error:#}"))
}

/// A world of stand-ins that run already, with Mautic's webhook pointed at a new stack.
///
/// # Panics
/// The stack does not start.
pub async fn world_of(program: &str, systems: Simulated, config: &Config, unusual: Unusual) -> World {
    let local = start_stack(program, config, unusual).await;
    let hook = systems.mautic.add_webhook(&webhook_url(&local), WEBHOOK_SECRET, &TRIGGERS);
    World {
        systems,
        local,
        journal: Journal::new(false),
        log: Vec::new(),
        processes: Vec::new(),
        hook,
        announced: None,
    }
}

/// A stack alone.
///
/// # Panics
/// It does not start.
pub async fn start_stack(program: &str, config: &Config, unusual: Unusual) -> Local {
    let pushes = ["push-corebos", "push-hubspot", "push-mautic", "push-wordpress"];
    // Polls come when a story asks for them, not when it happens to last for a minute.
    let every_minute = "ScheduleExpression: rate(1 minute)";
    let never = format!("{every_minute}\n            State: DISABLED");
    let mut template_edits = unusual.template_edits;
    template_edits.push((every_minute.to_owned(), never));
    let options = LocalOptions {
        program: Some(PathBuf::from(program)),
        data: unusual.data,
        environment: pushes.map(|push| (push.to_owned(), unusual.push_environment.clone())).into(),
        template_edits,
        confirm_identity: unusual.confirm_identity,
        secrets_apart: unusual.secrets_apart,
        between: unusual.between,
        ..LocalOptions::default()
    };
    local::start(config, options).await.unwrap_or_else(|error| panic!("the stack does not start: {error:#}"))
}

/// The URL of Mautic's webhook.
pub fn webhook_url(local: &Local) -> String {
    local.webhook_url("webhook-mautic")
}

/// Mautic's signature of a body.
pub fn signature(secret: &str, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(body);
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}

/// A field of a record as text.
pub fn text(record: &Value, field: &str) -> String {
    match &record[field] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

impl World {
    /// Takes in what has happened since the last time.
    pub fn listen(&mut self) {
        while let Ok(event) = self.local.events.try_recv() {
            if let Some((_, keeper)) = &mut self.announced {
                keeper.keep(&event);
            }
            match &event {
                StackEvent::FunctionLog { line, .. } => self.log.push(line.clone()),
                StackEvent::ProcessStarted { function, process_id } => {
                    self.processes.push((function.clone(), *process_id));
                }
                StackEvent::ProcessExited { process_id, .. } => {
                    self.processes.retain(|(_, running)| running != process_id);
                }
                _ => {}
            }
            self.journal.line(&event);
        }
    }

    /// Lets the command line find the stack with `--data FOLDER`, from now on.
    ///
    /// # Panics
    /// The folder cannot be written.
    pub fn announce(&mut self, folder: &Folder) {
        let data = Some(folder.path());
        let address = Address::of(&self.local.stack, data, 0).unwrap_or_else(|error| panic!("{error:#}"));
        let announced = address.announce(data, 0).unwrap_or_else(|error| panic!("{error:#}"));
        let log = Address::log_file(data, 0).unwrap_or_else(|error| panic!("{error:#}"));
        self.announced = Some((announced, LogKeeper::new(log)));
    }

    /// Waits until `found` gives something.
    ///
    /// # Panics
    /// It does not, within a minute: the story has failed. The last log lines are shown.
    pub async fn until<T>(&mut self, what: &str, mut found: impl FnMut(&Simulated) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            self.listen();
            if let Some(found) = found(&self.systems) {
                return found;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "waited in vain for {what}; the log ends with {:#?}",
                self.last_lines()
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until no message waits or is in flight, and none comes for a moment.
    ///
    /// # Panics
    /// The queues never empty.
    pub async fn quiet(&mut self) {
        let begun = Instant::now();
        let mut calm = 0;
        while calm < 8 {
            self.listen();
            calm = if self.waiting() == 0 { calm + 1 } else { 0 };
            assert!(
                begun.elapsed() < PATIENCE,
                "the queues never empty; the log ends with {:#?}",
                self.last_lines()
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until at least this many messages wait or are in flight.
    ///
    /// # Panics
    /// It never comes to that.
    pub async fn until_waiting(&mut self, messages: usize) {
        let begun = Instant::now();
        while self.waiting() < messages {
            self.listen();
            assert!(begun.elapsed() < PATIENCE, "only {} messages wait, not {messages}", self.waiting());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until the queues are quiet, or this many seconds: for stories in which something waits for long.
    pub async fn quiet_or_waiting(&mut self, seconds: u64) {
        let begun = Instant::now();
        let mut calm = 0;
        while calm < 8 && begun.elapsed() < Duration::from_secs(seconds) {
            self.listen();
            calm = if self.waiting() == 0 { calm + 1 } else { 0 };
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The log lines with this message, as objects.
    pub fn told(&self, message: &str) -> Vec<Value> {
        let lines = self.log.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["message"] == message).collect()
    }

    /// Waits for a log line with this message that fits.
    ///
    /// # Panics
    /// None comes, within a minute.
    pub async fn until_told(&mut self, message: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            self.listen();
            if let Some(line) = self.told(message).into_iter().find(&fits) {
                return line;
            }
            let last = self.last_lines();
            assert!(
                begun.elapsed() < PATIENCE,
                "no fitting `{message}` was logged; the log ends with {last:#?}"
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    /// A contact that a person has created in Mautic, once it is in coreBOS and each knows the other's id: both ids.
    ///
    /// # Panics
    /// Mautic refuses it, or it does not arrive.
    pub async fn linked_contact(&mut self, fields: &Value) -> (u64, String) {
        let id = self.new_contact(fields).await;
        let hub = text(&self.corebos_contact_of(id).await, "id");
        self.until("the coreBOS id in Mautic", |systems| {
            (text(&systems.mautic.contact(id)?, "corebos_id") == hub).then_some(())
        })
        .await;
        self.quiet().await;
        (id, hub)
    }

    /// A contact that a person has created in coreBOS, once it is in Mautic and each knows the other's id: both ids.
    ///
    /// # Panics
    /// coreBOS refuses it, or it does not arrive.
    pub async fn linked_corebos_contact(&mut self, fields: &Value) -> (u64, String) {
        let hub = self.systems.corebos.create("Contacts", fields).await;
        let hub = hub.unwrap_or_else(|error| panic!("coreBOS refuses {fields}: {error}"));
        let id = self.mautic_contact_of(&hub).await;
        self.until_field(&hub, "mautic_id", &id.to_string()).await;
        self.quiet().await;
        (id, hub)
    }

    /// Waits for the Mautic contact of a coreBOS contact.
    pub async fn mautic_contact_of(&mut self, hub: &str) -> u64 {
        self.until(&format!("{hub} in Mautic"), |systems| {
            let contacts = systems.mautic.contacts();
            contacts.iter().find(|contact| text(contact, "corebos_id") == hub)?["id"].as_u64()
        })
        .await
    }

    /// Waits until a field of a Mautic contact reads so.
    pub async fn until_mautic_field(&mut self, id: u64, field: &str, value: &str) {
        self.until(&format!("{field} of contact {id} to be {value:?}"), |systems| {
            (text(&systems.mautic.contact(id)?, field) == value).then_some(())
        })
        .await;
    }

    /// A contact that a person has created in Mautic.
    ///
    /// # Panics
    /// Mautic refuses it.
    pub async fn new_contact(&self, fields: &Value) -> u64 {
        let id = self.systems.mautic.create_contact(fields).await;
        id.unwrap_or_else(|| panic!("Mautic refuses {fields}"))
    }

    /// Waits until a field of a coreBOS record reads so.
    pub async fn until_field(&mut self, hub: &str, field: &str, value: &str) {
        self.until(&format!("{field} of {hub} to be {value:?}"), |systems| {
            (text(&systems.corebos.record(hub)?, field) == value).then_some(())
        })
        .await;
    }

    /// How many coreBOS contacts a field reads so for.
    pub fn corebos_contacts_with(&self, field: &str, value: &str) -> usize {
        let records = self.systems.corebos.records("Contacts");
        records.iter().filter(|record| text(record, field) == value).count()
    }

    /// How often coreBOS has worked on an operation.
    pub fn corebos_calls(&self, operation: &str) -> usize {
        let calls = self.systems.corebos.calls();
        calls.iter().filter(|call| call.operation.eq_ignore_ascii_case(operation)).count()
    }

    /// The same systems with another stack, to which Mautic's webhook now points.
    pub async fn with_stack(self, program: &str, config: &Config, unusual: Unusual) -> Self {
        self.local.stack.stop(Duration::from_secs(5)).await;
        self.systems.mautic.remove_webhook(self.hook);
        world_of(program, self.systems, config, unusual).await
    }

    fn last_lines(&self) -> &[String] {
        &self.log[self.log.len().saturating_sub(8)..]
    }

    /// Messages that wait or are in flight, dead letters included.
    pub fn waiting(&self) -> usize {
        let status = self.local.stack.status();
        status.queues.values().map(|queue| queue.visible + queue.in_flight + queue.delayed).sum()
    }

    /// Waits for the coreBOS contact of a Mautic contact.
    pub async fn corebos_contact_of(&mut self, mautic_id: u64) -> Value {
        self.until(&format!("Mautic contact {mautic_id} in coreBOS"), |systems| {
            systems.corebos.find("Contacts", "mautic_id", &mautic_id.to_string())
        })
        .await
    }

    /// How many records coreBOS was asked to write.
    pub fn corebos_writes(&self) -> usize {
        let writing =
            |operation: &str| ["create", "revise", "update", "upsert", "delete"].contains(&operation);
        let calls = self.systems.corebos.calls();
        calls.iter().filter(|call| writing(&call.operation.to_ascii_lowercase())).count()
    }

    /// The id of Mautic's webhook.
    pub fn mautics_webhook(&self) -> u64 {
        self.hook
    }

    /// Removes Mautic's webhook: from now on only polls tell.
    pub fn forget_mautics_webhook(&self) {
        self.systems.mautic.remove_webhook(self.hook);
    }

    /// Fires a poll function as a person does who does not want to wait, and gives its answer.
    ///
    /// # Panics
    /// It fails.
    pub async fn poll_at_once(&mut self, function: &str) -> Value {
        let event = serde_json::json!({ "detail": { "at_once": true } });
        let answer =
            self.local.stack.invoke(function, &event).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(answer.error, None, "{function}: {:#?}", answer.log_lines);
        serde_json::from_slice(&answer.payload).unwrap_or_else(|error| panic!("{function}: {error}"))
    }

    /// How many requests Mautic's API got that write.
    pub fn mautic_writes(&self) -> usize {
        let requests = self.systems.mautic.requests();
        requests.iter().filter(|request| request.method != "GET" && request.path.starts_with("/api/")).count()
    }

    /// What is parked.
    ///
    /// # Panics
    /// The table does not answer.
    pub async fn parked(&self) -> Vec<ParkedChange> {
        let pair = Pair {
            kind: PairKind::MauticContacts,
            hub: "corebos:main".parse().unwrap_or_else(|_| unreachable!()),
            remote: "mautic:main".parse().unwrap_or_else(|_| unreachable!()),
        };
        let parked = self.local.store.list_parked(&pair).await;
        parked.unwrap_or_else(|error| panic!("{error}")).into_iter().map(|parked| parked.change).collect()
    }

    /// POSTs a body to Mautic's webhook, signed with the right secret.
    pub async fn post(&self, body: impl Into<Vec<u8>>) -> (u16, Value) {
        let body = body.into();
        let signature = signature(WEBHOOK_SECRET, &body);
        self.post_signed(body, Some(&signature)).await
    }

    /// POSTs a body with this signature, or without any.
    ///
    /// # Panics
    /// No answer came.
    pub async fn post_signed(&self, body: Vec<u8>, signature: Option<&str>) -> (u16, Value) {
        let request =
            reqwest::Client::new().post(webhook_url(&self.local)).header("Content-Type", "application/json");
        let request = match signature {
            Some(signature) => request.header("Webhook-Signature", signature),
            None => request,
        };
        let answer = request.body(body).send().await.unwrap_or_else(|error| panic!("no answer: {error}"));
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    /// Stops the stack.
    pub async fn stop(self) {
        self.local.stack.stop(Duration::from_secs(5)).await;
    }
}
