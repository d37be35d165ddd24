//! `push-visitor`: the queue `visitor-events` becomes contacts in Mautic.
//!
//! Each message is one event of a visitor. What it says goes into the memory of the visitor, which knows by now whom the
//! browser belongs to; and if somebody has named an e-mail, the contact with that e-mail is brought up to date: under the
//! lease of the contact, like every other write to it, and coreBOS hears of it as of any edit in Mautic.
#![recursion_limit = "256"]

mod contact;
mod ports;
mod projection;
mod remember;
mod told;

use std::time::Duration;

use aws::events::{BatchOptions, Delivery, Job, Outcome, SqsQueueControl};
use aws::telemetry::Metrics;
use aws::{Clients, Environment, SystemClock};
use connector_signal::{Decision, Seen, VisitorEvent};
use serde::Deserialize;
use sync::{ConnectorError, Disposition, StateStore as _, StoreError};
use wiring::NotReady;

pub use ports::Ports;

/// How long an event waits that an administrator must help.
const STOPPED_WAIT: Duration = Duration::from_secs(60);
/// The longest wait between two attempts while Mautic is away.
const OUTAGE_WAIT: Duration = Duration::from_secs(30);
/// After how many failures of its own an event is given up. An outage does not count.
const MAX_FAILURES: u32 = 20;

/// A message of the queue.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct VisitorJob(pub VisitorEvent);

impl Job for VisitorJob {
    fn span(&self, delivery: &Delivery) -> tracing::Span {
        tracing::info_span!(
            "visitor event",
            change.id = self.0.id,
            source = self.0.source,
            event = self.0.kind.as_str(),
            message.id = delivery.message_id,
            receive_count = delivery.receive_count,
        )
    }
}

/// Runs the function until Lambda ends the process.
///
/// # Errors
/// The configuration is incomplete, or the Runtime API cannot be reached.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let environment = Environment::of_this_process();
    aws::telemetry::start(environment.log_level()?, environment.function_name());
    let clients = Clients::of_function(&environment);
    let control = SqsQueueControl::new(clients.sqs.clone(), environment.visitor_queue()?);
    let metrics = Metrics::of(environment.function_name());
    let ports = Ports::new(&environment, clients)?;
    let (ports, metrics) = (&ports, &metrics);
    let handler = move |job: VisitorJob, delivery| handle(job, delivery, ports, metrics);
    aws::events::serve_batch(&control, &SystemClock, BatchOptions::default(), handler).await
}

/// Takes one event.
pub async fn handle(job: VisitorJob, delivery: Delivery, ports: &Ports, metrics: &Metrics) -> Outcome {
    let event = job.0;
    match Box::pin(pushed(&event, ports)).await {
        Ok(seen) => {
            told::done(&event, &seen, &delivery, metrics);
            Outcome::Done
        }
        Err(Failure::Wait { after, reason, detail }) => {
            told::waits(&event, reason, &detail, &delivery);
            Outcome::Retry { after: Some(after.unwrap_or_else(|| delivery.backoff().min(OUTAGE_WAIT))) }
        }
        Err(Failure::Stop { reason, detail }) => {
            // Credentials and maps may have been mended meanwhile: they are read again next time.
            ports.forget();
            told::stopped(&event, reason, &detail, &delivery, metrics);
            Outcome::Retry { after: Some(STOPPED_WAIT.min(delivery.backoff())) }
        }
    }
}

/// Why an event is not dealt with yet.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It passes by itself.
    Wait { after: Option<Duration>, reason: &'static str, detail: String },
    /// An administrator must act.
    Stop { reason: &'static str, detail: String },
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Wait { after: None, reason: "store", detail: error.to_string() }
    }
}

impl From<NotReady> for Failure {
    fn from(error: NotReady) -> Self {
        match error {
            NotReady::ForNow { after, detail } => Self::Wait { after, reason: "unavailable", detail },
            // An event is no record that could be read later: it waits in its queue.
            NotReady::SwitchedOff(system) => {
                let detail = format!("{system} is switched off");
                Self::Wait { after: Some(STOPPED_WAIT), reason: "system_off", detail }
            }
            NotReady::ByAdministrator { reason, detail } => Self::Stop { reason, detail },
        }
    }
}

impl From<ConnectorError> for Failure {
    fn from(error: ConnectorError) -> Self {
        let (reason, detail) = (error.code(), error.to_string());
        match error.disposition() {
            Disposition::Retry { after } => Self::Wait { after, reason, detail },
            // A right that is missing is missing for every contact.
            Disposition::Park | Disposition::Stop => Self::Stop { reason, detail },
        }
    }
}

async fn pushed(event: &VisitorEvent, ports: &Ports) -> Result<Seen, Failure> {
    let ready = ports.ready().await?;
    let remembered = remember::remember(event, &ready.preferences, ports).await?;
    let (name, person, decision) = match remembered {
        remember::Remembered::Dealt(seen) => return Ok(seen),
        remember::Remembered::Send { name, person, decision } => (name, person, decision),
    };
    let withdraws = decision == Decision::Withdraw;
    let tag = match decision {
        Decision::Upsert { tag } => tag,
        _ => Some(false),
    };
    let work = contact::Work { event, ports, ready: &ready, name: &name, person: &person, withdraws, tag };
    let mut seen = Seen::of(event, "");
    let mut sent = person.sent.clone();
    let outcome = Box::pin(contact::bring_up_to_date(&work, &mut sent, &mut seen)).await;
    // What was written is remembered even if the rest was not.
    if let Err(failure) = outcome {
        if let Some(seen) = given_up(event, &failure, ports).await? {
            remember::remember_sent(&name, (&person.sent, &sent), &seen, &ready.preferences, ports).await?;
            return Ok(seen);
        }
        if sent != person.sent {
            "unfinished".clone_into(&mut seen.outcome);
            remember::remember_sent(&name, (&person.sent, &sent), &seen, &ready.preferences, ports).await?;
        }
        return Err(failure);
    }
    remember::remember_sent(&name, (&person.sent, &sent), &seen, &ready.preferences, ports).await?;
    Ok(seen)
}

/// An event that fails again and again for reasons of its own is given up; an outage, however long, is none.
async fn given_up(event: &VisitorEvent, failure: &Failure, ports: &Ports) -> Result<Option<Seen>, Failure> {
    let Failure::Wait { reason: reason @ ("doubtful" | "gone" | "contended"), .. } = failure else {
        return Ok(None);
    };
    let failures = ports.store.count_failure(&format!("visitor:{}", event.id), ports::now()).await?;
    if failures < MAX_FAILURES {
        return Ok(None);
    }
    let mut seen = Seen::of(event, "given_up");
    seen.refused.insert("*".to_owned(), format!("given up after {failures} attempts: {reason}"));
    Ok(Some(seen))
}
