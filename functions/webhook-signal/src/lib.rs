//! `webhook-signal`: `/signal`, `/v1/...` and `/api/s/...`, what visitors did becomes events in the queue.
//!
//! It finds out which source sent the request, takes every event that does something, queues them, and answers. It calls
//! nobody else. Clients repeat a request on 429 and 5xx and throw its events away on any other error, so there are few
//! errors, and an event that cannot be used is told in the answer without harm to the others.
#![recursion_limit = "256"]

use std::sync::{Mutex, PoisonError};

use aws::gateway::{Request, Response};
use aws::queue::{MessageQueue, Outgoing, SqsMessageQueue};
use aws::telemetry::{Counter, Metrics};
use aws::{Clients, DynamoStore, Environment, Secrets, SystemClock};
use connector_signal::settings::preferences_key;
use connector_signal::webhook::{Received, counted, is_known};
use connector_signal::{Accepted, Refusal, SignalPreferences, SignalSecret, VisitorEvent, accept};
use jiff::{SignedDuration, Timestamp};
use model::{System, SystemKind};
use serde_json::{Value, json};
use sync::{Clock, StoreError};

/// How long settings are used before they are read again.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// How many errors of single events an answer tells.
const MOST_ERRORS_TOLD: usize = 100;

/// Runs the function until Lambda ends the process.
///
/// # Errors
/// The configuration is incomplete, or the Runtime API cannot be reached.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let environment = Environment::of_this_process();
    aws::telemetry::start(environment.log_level()?, environment.function_name());
    let signal = environment.secret(SystemKind::Signal)?;
    let queue_url = environment.visitor_queue()?.url;
    let table = environment.table()?;
    let metrics = Metrics::of(environment.function_name());
    let clients = Clients::of_function(&environment);
    let secrets = Secrets::new(clients.secrets_manager, SystemClock);
    let settings = Settings::new(DynamoStore::new(clients.dynamodb, table), &signal.system);
    let queue = SqsMessageQueue::new(clients.sqs, queue_url);
    let (signal, secrets, settings, queue, metrics) = (&signal, &secrets, &settings, &queue, &metrics);
    aws::gateway::serve(move |request| async move {
        let preferences = match settings.read().await {
            Ok(preferences) => preferences,
            Err(error) => return not_now("settings", &error.to_string(), metrics),
        };
        let preferences = &preferences;
        let now = SystemClock.now();
        let fits = |secret: &SignalSecret| {
            request.method == "OPTIONS"
                || is_known(&received(&request, now, &|name| request.header(name)), secret, preferences)
        };
        match Box::pin(secrets.secret_that_fits(&signal.secret, fits)).await {
            Ok(secret) => {
                handle(&request, &Ports { secret: &secret, preferences, queue, clock: &SystemClock }).await
            }
            Err(error) => not_now("credentials", &error.to_string(), metrics),
        }
    })
    .await
}

/// Nothing was taken, and the sender shall try again.
fn not_now(reason: &'static str, detail: &str, metrics: &Metrics) -> Response {
    tracing::error!(outcome = "stopped", reason, detail, "visitor events cannot be taken");
    metrics.count(Counter::Stopped, 1, &[("reason", reason)]);
    Response::new(
        503,
        json!({ "error": { "code": "UNAVAILABLE", "message": "nothing was taken; send it again" } }),
    )
}

/// The settings of the system, read once a minute.
struct Settings {
    store: DynamoStore,
    key: String,
    kept: Mutex<Option<(Timestamp, SignalPreferences)>>,
}

impl Settings {
    fn new(store: DynamoStore, system: &System) -> Self {
        Self { store, key: preferences_key(system), kept: Mutex::new(None) }
    }

    async fn read(&self) -> Result<SignalPreferences, StoreError> {
        let now = SystemClock.now();
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((until, preferences)) = &kept
            && *until > now
        {
            return Ok(preferences.clone());
        }
        let read = match self.store.setting(&self.key).await {
            Ok(read) => read.unwrap_or_default(),
            // Old settings are better than lost visitors.
            Err(error) => match kept {
                Some((_, preferences)) => preferences,
                None => return Err(error),
            },
        };
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((now + FRESH, SignalPreferences::clone(&read)));
        Ok(read)
    }
}

/// What a request is handled with.
#[derive(Debug)]
pub struct Ports<'a, Q, C> {
    /// The live keys of all sources.
    pub secret: &'a SignalSecret,
    /// What an administrator has set.
    pub preferences: &'a SignalPreferences,
    /// The queue of visitor events.
    pub queue: &'a Q,
    /// The clock.
    pub clock: &'a C,
}

/// Takes one request.
///
/// | answer | means |
/// |---|---|
/// | 200 | every event that does something is in the queue; `errors` names those that cannot be used |
/// | 204 | a browser asked whether it may send |
/// | 400 | no JSON, no event, or more than 2,500 |
/// | 401 | no live key of a source fits |
/// | 413 | larger than 6 MB |
/// | 503 | the queue did not take everything: the sender repeats it, and what was queued already is recognised |
pub async fn handle<Q: MessageQueue, C: Clock>(request: &Request, ports: &Ports<'_, Q, C>) -> Response {
    if request.method == "OPTIONS" {
        return preflight(request, ports.preferences);
    }
    let answer = match take(request, ports.secret, ports.preferences, ports.clock.now()) {
        Ok(accepted) => queued(accepted, ports).await,
        Err(refusal) => {
            tracing::warn!(outcome = "refused", reason = %refusal, "a request holds no visitor events");
            let error = json!({ "code": refusal.code(), "message": refusal.to_string() });
            (None, Response::new(refusal.status(), json!({ "success": false, "error": error })))
        }
    };
    let (source, response) = answer;
    let allows = |origin: &str| match &source {
        Some(source) => ports.preferences.source(source).allows_origin(origin),
        None => ports.preferences.allows_origin(origin),
    };
    match request.header("origin").filter(|origin| allows(origin)) {
        Some(origin) => with_origin(response, origin),
        None => response,
    }
}

fn take(
    request: &Request,
    secret: &SignalSecret,
    preferences: &SignalPreferences,
    now: Timestamp,
) -> Result<Accepted, Refusal> {
    accept(&received(request, now, &|name| request.header(name)), secret, preferences)
}

fn received<'a>(
    request: &'a Request,
    now: Timestamp,
    header: &'a dyn Fn(&str) -> Option<&'a str>,
) -> Received<'a> {
    Received { path: &request.path, header, body: &request.body, source_ip: &request.source_ip, now }
}

/// A browser asks before it sends: what may be sent is the same for every source.
fn preflight(request: &Request, preferences: &SignalPreferences) -> Response {
    let response = Response::new(204, Value::Null);
    match request.header("origin").filter(|origin| preferences.allows_origin(origin)) {
        Some(origin) => with_origin(response, origin)
            .with_header("access-control-allow-methods", "POST, PUT, OPTIONS")
            .with_header("access-control-allow-headers", "authorization, content-type, x-write-key")
            .with_header("access-control-max-age", "86400"),
        None => response,
    }
}

fn with_origin(response: Response, origin: &str) -> Response {
    response.with_header("access-control-allow-origin", origin).with_header("vary", "origin")
}

async fn queued<Q: MessageQueue, C: Clock>(
    accepted: Accepted,
    ports: &Ports<'_, Q, C>,
) -> (Option<String>, Response) {
    let Accepted { source, events, unmapped, errors } = accepted;
    let accepted = events.len();
    log(&source, &events, unmapped, &counted(&errors));
    let messages: Result<Vec<Outgoing>, _> = events.iter().map(message).collect();
    let sent = match messages {
        Ok(messages) if messages.is_empty() => Ok(()),
        Ok(messages) => ports.queue.send(messages).await,
        Err(_) => Err(StoreError { detail: "an event cannot be written as JSON".to_owned() }),
    };
    if let Err(error) = sent {
        tracing::error!(outcome = "unavailable", reason = "queue", detail = %error, "visitor events were not queued");
        let message = "the queue does not answer; send all of it again";
        let body = json!({ "success": false, "error": { "code": "UNAVAILABLE", "message": message } });
        return (Some(source), Response::new(503, body));
    }
    let told = errors.iter().take(MOST_ERRORS_TOLD);
    let told: Vec<Value> =
        told.map(|error| json!({ "index": error.index, "reason": error.reason.to_string() })).collect();
    let dropped = unmapped + errors.len();
    let body = json!({ "success": true, "accepted": accepted, "dropped": dropped, "errors": told });
    (Some(source), Response::new(200, body))
}

fn message(event: &VisitorEvent) -> Result<Outgoing, serde_json::Error> {
    Ok(Outgoing {
        body: serde_json::to_string(event)?,
        group: event.group(),
        deduplication: event.id.clone(),
    })
}

/// Counts only: what is in the events concerns people.
fn log(
    source: &str,
    events: &[VisitorEvent],
    unmapped: usize,
    errors: &std::collections::BTreeMap<String, usize>,
) {
    tracing::info!(source, accepted = events.len(), dropped_unmapped = unmapped, "visitor events received");
    for (reason, count) in errors {
        tracing::warn!(source, outcome = "ignored", reason, count, "visitor events cannot be used");
    }
}
