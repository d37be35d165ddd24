//! `webhook-hubspot`: `POST /webhooks/hubspot`, a webhook of a HubSpot app becomes notices in the queue towards coreBOS.
//!
//! It verifies the signature (version 3) over the raw bytes and the URL, takes every event in the body, queues one
//! notice per record, and answers. It calls nobody else: HubSpot waits for five seconds, and sends what was not taken
//! again for a day.
#![recursion_limit = "256"]

use aws::gateway::{Request, Response};
use aws::{Clients, Environment, SecretString, Secrets, SqsChangeQueue, SystemClock};
use connector_hubspot::webhook::{self, Parsed, SIGNATURE_HEADER, TIMESTAMP_HEADER};
use model::{System, SystemKind};
use serde::Deserialize;
use serde_json::json;
use sync::{ChangeQueue, Clock};

/// The largest body that is read, in bytes. A hundred events, each with a text of a property, are far smaller.
const MAX_BODY_BYTES: usize = 6 * 1024 * 1024;

/// What this function needs of HubSpot's secret.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct HubSpotSecret {
    /// The client secret of the app.
    client_secret: Option<SecretString>,
    /// More live secrets, while the one above is rotated, or of an app whose client secret is not used otherwise.
    webhook_secrets: Vec<SecretString>,
    /// The portal whose events are taken, where the app is installed in several.
    portal_id: Option<String>,
}

impl HubSpotSecret {
    /// These secrets sign, and all portals are ours.
    pub fn of(secrets: Vec<SecretString>) -> Self {
        Self { webhook_secrets: secrets, ..Self::default() }
    }

    fn live(&self) -> Vec<SecretString> {
        self.client_secret.iter().chain(&self.webhook_secrets).cloned().collect()
    }
}

/// Runs the function until Lambda ends the process.
///
/// # Errors
/// The configuration is incomplete, or the Runtime API cannot be reached.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let environment = Environment::of_this_process();
    aws::telemetry::start(environment.log_level()?, environment.function_name());
    let hubspot = environment.secret(SystemKind::HubSpot)?;
    let url = environment.webhook_url(SystemKind::HubSpot)?;
    let (corebos, _) = environment.changes_queue(SystemKind::CoreBos)?;
    let clients = Clients::of_function(&environment);
    let secrets = Secrets::new(clients.secrets_manager, SystemClock);
    let queue = SqsChangeQueue::new(clients.sqs, environment.changes_queues()?);
    let (hubspot, secrets, queue, targets, url) = (&hubspot, &secrets, &queue, [corebos], url.as_deref());
    let targets = &targets;
    aws::gateway::serve(move |request| async move {
        let ports = Ports { hubspot: &hubspot.system, url, targets, queue, clock: &SystemClock };
        let fits = |secret: &HubSpotSecret| verify(&request, secret, &ports).is_ok();
        match Box::pin(secrets.secret_that_fits(&hubspot.secret, fits)).await {
            Ok(secret) => handle(&request, &secret, &ports).await,
            Err(error) => {
                tracing::error!(outcome = "stopped", reason = "credentials", detail = %error, "no client secret");
                Response::refusal(503, "the client secret cannot be read; nothing was taken")
            }
        }
    })
    .await
}

/// What a request is handled with.
#[derive(Debug)]
pub struct Ports<'a, Q, C> {
    /// The portal that sends to this URL.
    pub hubspot: &'a System,
    /// The URL that HubSpot signs, as it is written in the app; the gateway's own where nobody has said.
    pub url: Option<&'a str>,
    /// The systems that must hear of it.
    pub targets: &'a [System],
    /// The queues towards them.
    pub queue: &'a Q,
    /// The clock.
    pub clock: &'a C,
}

fn verify<'r, Q, C: Clock>(
    request: &'r Request,
    secret: &HubSpotSecret,
    ports: &Ports<'_, Q, C>,
) -> Result<webhook::Verified<'r>, webhook::SignatureError> {
    // API Gateway answers for its own domains only, so its word for the host is as good as a configured one.
    let own = format!("https://{}{}", request.host, request.path);
    let url = ports.url.unwrap_or(&own);
    let (signature, time) = (request.header(SIGNATURE_HEADER), request.header(TIMESTAMP_HEADER));
    webhook::verify(&secret.live(), url, signature, time, &request.body, ports.clock.now())
}

/// Takes one webhook.
///
/// | answer | means |
/// |---|---|
/// | 200 | every notice is in the queue, or there was none to make |
/// | 400 | signed, and no JSON list of events |
/// | 401 | not signed with a live secret for this URL, or too old |
/// | 413 | larger than what is read |
/// | 503 | the queue did not take the notices: HubSpot sends them again |
pub async fn handle<Q: ChangeQueue, C: Clock>(
    request: &Request,
    secret: &HubSpotSecret,
    ports: &Ports<'_, Q, C>,
) -> Response {
    if request.body.len() > MAX_BODY_BYTES {
        return Response::refusal(413, "the body is larger than 6 MB; HubSpot sends none of this size");
    }
    let verified = match verify(request, secret, ports) {
        Ok(verified) => verified,
        Err(error) => {
            tracing::warn!(outcome = "refused", reason = %error, "a webhook is not from our HubSpot app");
            return Response::refusal(401, &error.to_string());
        }
    };
    let portal = secret.portal_id.as_deref();
    let parsed = match webhook::parse(verified, ports.hubspot, portal, &request.request_id, ports.clock.now())
    {
        Ok(parsed) => parsed,
        Err(error) => {
            tracing::warn!(outcome = "refused", reason = %error, "a signed webhook cannot be read");
            return Response::refusal(400, &error.to_string());
        }
    };
    log(&parsed);
    match sync::receive(ports.queue, ports.targets, parsed.notices).await {
        Ok(notices) => Response::new(200, json!({ "status": "accepted", "notices": notices })),
        Err(error) => {
            tracing::error!(outcome = "unavailable", reason = "queue", detail = %error, "notices were not queued");
            Response::refusal(503, "the queue does not answer; nothing was taken")
        }
    }
}

/// One line per type of event, with counts only.
fn log(parsed: &Parsed) {
    for (event, items) in &parsed.counted {
        tracing::info!(event, items, "event received");
    }
    if parsed.foreign > 0 {
        tracing::warn!(
            outcome = "ignored",
            items = parsed.foreign,
            "events of another portal than ours came; the app is installed there, too"
        );
    }
    for problem in &parsed.problems {
        tracing::warn!(outcome = "ignored", reason = %problem, "an event of a webhook was not used");
    }
}
