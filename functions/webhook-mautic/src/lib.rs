//! `webhook-mautic`: `POST /webhooks/mautic`, a webhook of Mautic becomes notices in the queue towards coreBOS, and those
//! of contacts in the queue towards the WordPress sites, if there are any.
//!
//! It verifies the signature over the raw bytes, takes every element of every event in the body, queues one notice
//! per record, and answers. It calls nobody else: Mautic waits for the answer inside its user's request, and throws
//! its events away whatever the answer is.
#![recursion_limit = "256"]

use aws::gateway::{Request, Response};
use aws::{Clients, Environment, SecretString, Secrets, SqsChangeQueue, SystemClock};
use connector_mautic::CONTACT;
use connector_mautic::webhook::{self, Parsed, SIGNATURE_HEADER, SignatureError};
use model::{Notice, System, SystemKind};
use serde::Deserialize;
use serde_json::json;
use sync::{ChangeQueue, Clock, StoreError};

/// The largest body that is read, in bytes. Lambda itself takes events of 6 MB at most.
const MAX_BODY_BYTES: usize = 6 * 1024 * 1024;

/// What this function needs of Mautic's secret.
#[derive(Deserialize)]
struct MauticSecret {
    /// The live secrets of the webhooks: one, or two while they are rotated.
    webhook_secrets: Vec<SecretString>,
}

/// Runs the function until Lambda ends the process.
///
/// # Errors
/// The configuration is incomplete, or the Runtime API cannot be reached.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let environment = Environment::of_this_process();
    aws::telemetry::start(environment.log_level()?, environment.function_name());
    let mautic = environment.secret(SystemKind::Mautic)?;
    let (corebos, _) = environment.changes_queue(SystemKind::CoreBos)?;
    let sites: Vec<System> = environment.sites()?.into_iter().map(|(site, _)| site).collect();
    let clients = Clients::of_function(&environment);
    let secrets = Secrets::new(clients.secrets_manager, SystemClock);
    let queue = SqsChangeQueue::new(clients.sqs, environment.changes_queues()?);
    let (mautic, secrets, queue, corebos, sites) = (&mautic, &secrets, &queue, &corebos, &sites);
    aws::gateway::serve(move |request| async move {
        let signature = request.header(SIGNATURE_HEADER);
        let fits = |secret: &MauticSecret| {
            webhook::verify(&secret.webhook_secrets, signature, &request.body).is_ok()
        };
        match Box::pin(secrets.secret_that_fits(&mautic.secret, fits)).await {
            Ok(secret) => {
                let ports = Ports { mautic: &mautic.system, corebos, sites, queue, clock: &SystemClock };
                handle(&request, &secret.webhook_secrets, &ports).await
            }
            Err(error) => {
                tracing::error!(outcome = "stopped", reason = "credentials", detail = %error, "no webhook secret");
                Response::refusal(503, "the webhook secret cannot be read; nothing was taken")
            }
        }
    })
    .await
}

/// What a request is handled with.
#[derive(Debug)]
pub struct Ports<'a, Q, C> {
    /// The Mautic that sends to this URL.
    pub mautic: &'a System,
    /// The CRM that must hear of it.
    pub corebos: &'a System,
    /// The sites that must hear of contacts.
    pub sites: &'a [System],
    /// The queues towards them.
    pub queue: &'a Q,
    /// The clock.
    pub clock: &'a C,
}

/// Takes one webhook.
///
/// | answer | means |
/// |---|---|
/// | 200 | every notice is in the queue, or there was none to make |
/// | 400 | signed, and no JSON object of events |
/// | 401 | not signed by a live secret |
/// | 413 | larger than what is read |
/// | 503 | the queue did not take the notices: the poll will find the records |
pub async fn handle<Q: ChangeQueue, C: Clock>(
    request: &Request,
    secrets: &[SecretString],
    ports: &Ports<'_, Q, C>,
) -> Response {
    if request.body.len() > MAX_BODY_BYTES {
        return Response::refusal(
            413,
            "the body is larger than 6 MB; lower webhook_limit in Mautic's configuration",
        );
    }
    let signature = request.header(SIGNATURE_HEADER);
    let verified = match webhook::verify(secrets, signature, &request.body) {
        Ok(verified) => verified,
        Err(error) => {
            tracing::warn!(outcome = "refused", reason = %error, "a webhook is not from our Mautic");
            let remedy = match error {
                SignatureError::NoSecret => "`bridge setup mautic` makes one",
                _ => "compare the webhook's secret in Mautic with ours",
            };
            return Response::refusal(401, &format!("{error}; {remedy}"));
        }
    };
    let parsed = match webhook::parse(verified, ports.mautic, &request.request_id, ports.clock.now()) {
        Ok(parsed) => parsed,
        Err(error) => {
            tracing::warn!(outcome = "refused", reason = %error, "a signed webhook cannot be read");
            return Response::refusal(400, &error.to_string());
        }
    };
    log(&parsed);
    if parsed.test_payload {
        return Response::new(200, json!({ "status": "test payload received, nothing to do" }));
    }
    match queued(parsed, ports).await {
        Ok(notices) => Response::new(200, json!({ "status": "accepted", "notices": notices })),
        Err(error) => {
            tracing::error!(outcome = "unavailable", reason = "queue", detail = %error, "notices were not queued");
            Response::refusal(503, "the queue does not answer; nothing was taken")
        }
    }
}

/// Queues what each must hear of. A site has no companies, and who is in which segment is no field of a contact.
async fn queued<Q: ChangeQueue, C: Clock>(
    parsed: Parsed,
    ports: &Ports<'_, Q, C>,
) -> Result<usize, StoreError> {
    let contacts = parsed.notices.iter().filter(|notice| notice.record.object.as_str() == CONTACT);
    let for_sites: Vec<Notice> = contacts.cloned().chain(parsed.memberships).collect();
    let towards_corebos = sync::receive(ports.queue, std::slice::from_ref(ports.corebos), parsed.notices);
    if ports.sites.is_empty() {
        return towards_corebos.await;
    }
    // coreBOS first: what a site does not hear of is found by the poll, too.
    let count = towards_corebos.await?;
    sync::receive(ports.queue, ports.sites, for_sites).await?;
    Ok(count)
}

/// One line per event key, with counts only.
fn log(parsed: &Parsed) {
    for (event, count) in &parsed.counted {
        tracing::info!(
            event,
            items = count.items,
            noticed = count.noticed,
            ignored = count.ignored,
            test_payload = parsed.test_payload,
            "event received"
        );
    }
    for problem in &parsed.problems {
        tracing::warn!(outcome = "ignored", reason = %problem, "an element of a webhook was not used");
    }
}
