//! `webhook-corebos`: `POST /webhooks/corebos`, a save or delete in coreBOS becomes a notice in the queues towards the
//! systems that its module is paired with.
//!
//! It compares the key in the header, takes the record out of the body, queues, and answers. It calls nobody else:
//! coreBOS calls inside its user's save and waits for the answer without a limit. Every answer is a JSON object: a
//! list would make coreBOS's PHP throw and break the save.
#![recursion_limit = "256"]

use aws::gateway::{Request, Response};
use aws::{Clients, Environment, SecretString, Secrets, SqsChangeQueue, SystemClock};
use connector_corebos::webhook::{self, KEY_HEADER};
use model::{NoticeKind, ObjectName, Side, System, SystemKind};
use serde::Deserialize;
use serde_json::json;
use sync::pairs::PAIRS;
use sync::{ChangeQueue, Clock};

/// The largest body that is read, in bytes. What the bridge's map sends has about 200.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// What this function needs of coreBOS's secret.
#[derive(Deserialize)]
struct CoreBosSecret {
    /// The live keys of the webhook: one, or two while they are rotated.
    webhook_keys: Vec<SecretString>,
}

/// Runs the function until Lambda ends the process.
///
/// # Errors
/// The configuration is incomplete, or the Runtime API cannot be reached.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let environment = Environment::of_this_process();
    aws::telemetry::start(environment.log_level()?, environment.function_name());
    let corebos = environment.secret(SystemKind::CoreBos)?;
    let queues = environment.changes_queues()?;
    let targets: Vec<System> = queues.keys().filter(|target| **target != corebos.system).cloned().collect();
    let clients = Clients::of_function(&environment);
    let secrets = Secrets::new(clients.secrets_manager, SystemClock);
    let queue = SqsChangeQueue::new(clients.sqs, queues);
    let (corebos, secrets, queue, targets) = (&corebos, &secrets, &queue, &targets);
    aws::gateway::serve(move |request| async move {
        let key = request.header(KEY_HEADER);
        let fits = |secret: &CoreBosSecret| webhook::verify(&secret.webhook_keys, key, &request.body).is_ok();
        match Box::pin(secrets.secret_that_fits(&corebos.secret, fits)).await {
            Ok(secret) => {
                let ports = Ports { corebos: &corebos.system, targets, queue, clock: &SystemClock };
                handle(&request, &secret.webhook_keys, &ports).await
            }
            Err(error) => {
                tracing::error!(outcome = "stopped", reason = "credentials", detail = %error, "no webhook key");
                Response::refusal(503, "the webhook key cannot be read; nothing was taken")
            }
        }
    })
    .await
}

/// What a request is handled with.
#[derive(Debug)]
pub struct Ports<'a, Q, C> {
    /// The coreBOS that sends to this URL.
    pub corebos: &'a System,
    /// The systems that may have to hear of it.
    pub targets: &'a [System],
    /// The queues towards them.
    pub queue: &'a Q,
    /// The clock.
    pub clock: &'a C,
}

/// Takes one request.
///
/// | answer | means |
/// |---|---|
/// | 200 | the notice is in the queues, or no pair has this module |
/// | 400 | the right key, and a body that names no record |
/// | 401 | not a live key |
/// | 413 | larger than what is read |
/// | 503 | the queue did not take the notice: the poll will find the record |
///
/// coreBOS ignores the status and writes the answer into its own log, where an administrator reads what is wrong.
pub async fn handle<Q: ChangeQueue, C: Clock>(
    request: &Request,
    keys: &[SecretString],
    ports: &Ports<'_, Q, C>,
) -> Response {
    if request.body.len() > MAX_BODY_BYTES {
        return Response::refusal(413, "the body is larger than 256 KB; let the map send fewer fields");
    }
    let verified = match webhook::verify(keys, request.header(KEY_HEADER), &request.body) {
        Ok(verified) => verified,
        Err(error) => {
            tracing::warn!(outcome = "refused", reason = %error, "a webhook is not from our coreBOS");
            let sentence = format!("{error}; compare the header {KEY_HEADER} of the map with our key");
            return Response::refusal(401, &sentence);
        }
    };
    let parsed = match webhook::parse(verified, ports.corebos, &request.request_id, ports.clock.now()) {
        Ok(parsed) => parsed,
        Err(error) => {
            tracing::warn!(outcome = "refused", reason = %error, "a webhook with our key cannot be used");
            return Response::refusal(400, &error.to_string());
        }
    };
    let record = &parsed.notice.record;
    let targets = paired(&record.object, ports.targets);
    let kind = match parsed.notice.kind {
        NoticeKind::Saved => "saved",
        NoticeKind::Deleted | NoticeKind::Erased => "deleted",
    };
    tracing::info!(
        event = format!("{} {kind}", record.object),
        record.system = %record.system,
        record.id = record.id,
        known_event = parsed.known_event,
        items = 1,
        noticed = usize::from(!targets.is_empty()),
        "event received"
    );
    if targets.is_empty() {
        return Response::new(200, json!({ "status": "nothing to do: no pair has this module" }));
    }
    match sync::receive(ports.queue, &targets, vec![parsed.notice]).await {
        Ok(notices) => Response::new(200, json!({ "status": "accepted", "notices": notices })),
        Err(error) => {
            tracing::error!(outcome = "unavailable", reason = "queue", detail = %error, "a notice was not queued");
            Response::refusal(503, "the queue does not answer; nothing was taken")
        }
    }
}

/// The systems whose kind is paired with this module.
fn paired(module: &ObjectName, targets: &[System]) -> Vec<System> {
    let kinds: Vec<SystemKind> =
        PAIRS.iter().filter(|pair| pair.object(Side::Hub) == *module).map(|pair| pair.remote_kind).collect();
    targets.iter().filter(|target| kinds.contains(&target.kind())).cloned().collect()
}
