//! `push-wordpress`: the queue `wordpress-changes` becomes users of WordPress sites.
//!
//! Each message names a contact of Mautic and a site, and may carry what a campaign asks for. The contact and its user
//! are read as they are now; the user is found by what is known of it, by the contact's id, by its e-mail, and made where
//! that is asked for. Users who are more than visitors are never touched.
#![recursion_limit = "256"]

mod create;
mod departure;
mod failure;
mod find;
mod memory;
mod password;
mod ports;
mod projection;
mod relay;
mod rules;
mod told;
mod update;
mod work;

use std::time::Duration;

use aws::events::{BatchOptions, Delivery, Outcome, SqsQueueControl};
use aws::telemetry::Metrics;
use aws::{Clients, Environment, SystemClock};
use connector_mautic::CONTACT;
use model::{Notice, NoticeKind, SystemKind};
use sync::StateStore as _;
use wiring::NotReady;
use wiring::switched_off::remember_for_site;

use failure::Failure;
pub use memory::{Remembered, Seen};
use ports::How;
pub use ports::Ports;
use work::Work;

/// The map that makes users of contacts.
pub const MAP: &str = ports::MAP;

/// The longest wait between two attempts while a system is away.
const OUTAGE_WAIT: Duration = Duration::from_secs(30);
/// The longest wait of what only an administrator can mend. A queue gives a message a thousand times at most, and keeps
/// it for 14 days.
const STOPPED_WAIT: Duration = Duration::from_secs(20 * 60);
/// So often a message is tried sooner.
const SOON: u32 = 10;
/// After how many failures of its own a message is given up. An outage does not count.
const MAX_FAILURES: u32 = 20;

/// Runs the function until Lambda ends the process.
///
/// # Errors
/// The configuration is incomplete, or the Runtime API cannot be reached.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let environment = Environment::of_this_process();
    aws::telemetry::start(environment.log_level()?, environment.function_name());
    let clients = Clients::of_function(&environment);
    let control = SqsQueueControl::new(clients.sqs.clone(), environment.push_queue(SystemKind::WordPress)?);
    let metrics = Metrics::of(environment.function_name());
    let ports = Ports::new(&environment, clients)?;
    let (ports, metrics) = (&ports, &metrics);
    let handler = move |notice: Notice, delivery| handle(notice, delivery, ports, metrics);
    aws::events::serve_batch(&control, &SystemClock, BatchOptions::default(), handler).await
}

/// Takes one message.
pub async fn handle(notice: Notice, delivery: Delivery, ports: &Ports, metrics: &Metrics) -> Outcome {
    match Box::pin(pushed(&notice, &delivery, ports)).await {
        Ok(seen) => {
            told::done(&notice, &seen, &delivery, metrics);
            Outcome::Done
        }
        Err(Failure::Wait { after, reason, detail }) => {
            told::waits(&notice, reason, &detail, &delivery);
            Outcome::Retry { after: Some(after.unwrap_or_else(|| delivery.backoff().min(OUTAGE_WAIT))) }
        }
        Err(Failure::Stop { reason, detail }) => {
            // Credentials and settings may have been mended meanwhile: they are read again next time.
            ports.forget();
            told::stopped(&notice, reason, &detail, &delivery, metrics);
            let soon = delivery.receive_count <= SOON;
            let after = if soon { delivery.backoff().min(Duration::from_secs(60)) } else { STOPPED_WAIT };
            Outcome::Retry { after: Some(after) }
        }
    }
}

async fn pushed(notice: &Notice, delivery: &Delivery, ports: &Ports) -> Result<Seen, Failure> {
    let mut seen = Seen {
        id: notice.receipt.clone(),
        event: event_of(notice).to_owned(),
        at: Some(ports::now()),
        ..Seen::default()
    };
    let site = ports.site(delivery.target.as_ref());
    let is_ours = notice.record.system == *ports.mautic() && notice.record.object.as_str() == CONTACT;
    let Some(site) = site.filter(|_| is_ours) else {
        seen.ends("not_ours");
        return Ok(seen);
    };
    let ready = match ports.ready(site).await {
        Ok(ready) => ready,
        // A contact can be read later; a command is done once, and stays in its queue.
        Err(NotReady::SwitchedOff(_)) if notice.command.is_none() => {
            remember_for_site(&ports.store, site, &notice.record).await?;
            seen.ends("switched_off");
            return Ok(seen);
        }
        Err(error) => return Err(error.into()),
    };
    if let How::Relay(fusion) = &ready.how {
        relay::forward(notice, fusion, &ready, &mut seen).await?;
        return Ok(seen);
    }
    let mut kept = ports.store.remembered_user::<Remembered>(site, &notice.record).await?;
    let before = kept.value.clone();
    let work = Work { notice, delivery, ports, ready: &ready, site };
    let outcome = Box::pin(work.run(&mut kept, &mut seen)).await;
    if let Err(failure) = outcome {
        let given_up = given_up(&failure, notice, ports, &mut seen).await?;
        // What was done is remembered even if the rest was not.
        if given_up || kept.value != before {
            work.remember(&mut kept, seen.clone()).await?;
        }
        return if given_up { Ok(seen) } else { Err(failure) };
    }
    // A contact that is no user of the site leaves nothing behind.
    if kept.value != Remembered::default() || !["not_found", "skipped"].contains(&seen.outcome.as_str()) {
        work.remember(&mut kept, seen.clone()).await?;
    }
    Ok(seen)
}

fn event_of(notice: &Notice) -> &'static str {
    match (&notice.command, notice.kind) {
        (Some(command), _) => command.action.as_str(),
        (None, NoticeKind::Saved) => "saved",
        (None, NoticeKind::Deleted | NoticeKind::Erased) => "deleted",
    }
}

/// A message that fails again and again for reasons of its own is given up; an outage, however long, is none.
async fn given_up(
    failure: &Failure,
    notice: &Notice,
    ports: &Ports,
    seen: &mut Seen,
) -> Result<bool, Failure> {
    let Failure::Wait { reason: reason @ ("doubtful" | "gone" | "contended"), .. } = failure else {
        return Ok(false);
    };
    let failures = ports.store.count_failure(&format!("user:{}", notice.receipt), ports::now()).await?;
    if failures < MAX_FAILURES {
        return Ok(false);
    }
    seen.ends("given_up");
    seen.refused.insert("*".to_owned(), format!("given up after {failures} attempts: {reason}"));
    Ok(true)
}
