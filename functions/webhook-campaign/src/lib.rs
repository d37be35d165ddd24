//! `webhook-campaign`: `GET` and `POST /webhooks/campaign`, a campaign action of Mautic becomes a command in the queue
//! towards the users of a WordPress site.
//!
//! The contract is that of WP Fusion's receiver, so a campaign that was made for it needs another address and nothing
//! else. The access key says which site is meant. It calls nobody: whatever is asked for is done by push-wordpress, one
//! after the other for each contact, so that `async` changes nothing here.
#![recursion_limit = "256"]

use std::collections::BTreeMap;

use aws::gateway::{Request, Response};
use aws::{Clients, Environment, SecretString, Secrets, SqsChangeQueue, SystemClock};
use connector_mautic::campaign::{self, AccessKeys, Asked, KEY_HEADER, Received, What};
use model::{System, SystemKind};
use serde::Deserialize;
use serde_json::json;
use sync::{ChangeQueue, Clock};

/// The largest body that is read, in bytes. Lambda itself takes events of 6 MB at most.
const MAX_BODY_BYTES: usize = 6 * 1024 * 1024;

/// What this function needs of WordPress's secret.
#[derive(Default, Deserialize)]
#[serde(default)]
struct WordPressSecret {
    sites: BTreeMap<String, SiteSecret>,
}

/// What this function needs to know of a site.
#[derive(Default, Deserialize)]
#[serde(default)]
struct SiteSecret {
    /// The live access keys: one, or two while they are rotated.
    access_keys: Vec<SecretString>,
}

impl WordPressSecret {
    fn keys(&self) -> AccessKeys {
        self.sites.iter().map(|(site, secret)| (site.clone(), secret.access_keys.clone())).collect()
    }
}

/// Runs the function until Lambda ends the process.
///
/// # Errors
/// The configuration is incomplete, or the Runtime API cannot be reached.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let environment = Environment::of_this_process();
    aws::telemetry::start(environment.log_level()?, environment.function_name());
    let mautic = environment.instance(SystemKind::Mautic)?;
    let secret = environment.secret_place(SystemKind::WordPress)?;
    let queues = environment.changes_queues()?;
    let clients = Clients::of_function(&environment);
    let secrets = Secrets::new(clients.secrets_manager, SystemClock);
    let queue = SqsChangeQueue::new(clients.sqs, queues);
    let (mautic, secret, secrets, queue) = (&mautic, &secret, &secrets, &queue);
    aws::gateway::serve(move |request| async move {
        let fits =
            |secret: &WordPressSecret| !campaign::sites_of(&received(&request), &secret.keys()).is_empty();
        match Box::pin(secrets.secret_that_fits(secret, fits)).await {
            Ok(secret) => {
                let ports = Ports { mautic, keys: &secret.keys(), queue, clock: &SystemClock };
                handle(&request, &ports).await
            }
            Err(error) => {
                tracing::error!(outcome = "stopped", reason = "credentials", detail = %error, "no access keys");
                Response::refusal(503, "the access keys cannot be read; nothing was taken")
            }
        }
    })
    .await
}

/// What a request is handled with.
#[derive(Debug)]
pub struct Ports<'a, Q, C> {
    /// The Mautic whose campaigns send to this URL.
    pub mautic: &'a System,
    /// The live access keys of each site.
    pub keys: &'a AccessKeys,
    /// The queues towards the sites.
    pub queue: &'a Q,
    /// The clock.
    pub clock: &'a C,
}

fn received(request: &Request) -> Received<'_> {
    Received {
        query: &request.query,
        key: request.header(KEY_HEADER),
        content_type: request.header("content-type"),
        body: &request.body,
    }
}

/// Takes one request.
///
/// | answer | means |
/// |---|---|
/// | 200 | the command is in the queue; or the key is right, for `test` |
/// | 400 | the right key, and nothing that can be done: the sentence names the parameter |
/// | 403 | no site has this access key |
/// | 413 | larger than what is read |
/// | 503 | the queue did not take it, or the site of the key is none of this deployment |
///
/// Mautic counts an action as done for 200 and 201 only, so every answer that is not 200 is seen in the campaign.
pub async fn handle<Q: ChangeQueue, C: Clock>(request: &Request, ports: &Ports<'_, Q, C>) -> Response {
    if request.body.len() > MAX_BODY_BYTES {
        return Response::refusal(
            413,
            "the body is larger than 6 MB; lower webhook_limit in Mautic's configuration",
        );
    }
    let now = ports.clock.now();
    let read = campaign::read(&received(request), ports.keys, ports.mautic, &request.request_id, now);
    let Asked { sites, what } = match read {
        Ok(asked) => asked,
        Err(refusal) => {
            tracing::warn!(outcome = "refused", reason = %refusal, "a campaign action cannot be done");
            return Response::refusal(refusal.status(), &refusal.to_string());
        }
    };
    let (command, notices) = match what {
        What::Test => {
            tracing::info!(event = "test", site = sites.join(" "), items = 0, "event received");
            return Response::new(200, json!({ "success": true, "sites": sites }));
        }
        What::Do { command, notices } => (command, notices),
    };
    let action = command.action.as_str();
    tracing::info!(event = action, site = sites.join(" "), items = notices.len(), "event received");
    let targets: Vec<System> = sites
        .iter()
        .filter_map(|site| System::new(SystemKind::WordPress, site).ok())
        .filter(|site| ports.queue.reaches(site))
        .collect();
    if targets.is_empty() {
        let sentence = "the site of this access key is none of this deployment; nothing was taken";
        tracing::error!(
            outcome = "stopped",
            reason = "configuration",
            detail = sentence,
            site = sites.join(" ")
        );
        return Response::refusal(503, sentence);
    }
    match sync::receive(ports.queue, &targets, notices).await {
        Ok(count) => {
            let body = json!({ "status": "queued", "action": action, "contacts": count, "sites": sites });
            Response::new(200, body)
        }
        Err(error) => {
            tracing::error!(outcome = "unavailable", reason = "queue", detail = %error, "a command was not queued");
            Response::refusal(503, "the queue does not answer; nothing was taken")
        }
    }
}
