//! `push-corebos`: the queue `corebos-changes` becomes records in coreBOS.
//!
//! Each message is a notice. The record that it names and its partner are read as they are now; what differs from
//! the base of their link is written to coreBOS, and settled. What cannot be written is parked with the reason; what
//! cannot be written now stays in the queue.

mod ports;
mod report;

use std::sync::Arc;
use std::time::Duration;

use aws::events::{BatchOptions, Delivery, Outcome, SqsQueueControl};
use aws::telemetry::Metrics;
use aws::{Clients, SystemClock};
use model::{Direction, Notice, SystemKind};
use sync::Environment;

pub use ports::{Mended, Ports, ToCoreBos};
pub use report::tell;

/// How long a change waits that an administrator must help: long enough not to hammer a system that refuses us.
const STOPPED_WAIT: Duration = Duration::from_secs(60);

/// The longest wait between two attempts while a system is away: when it is back, changes arrive within this time.
const OUTAGE_WAIT: Duration = Duration::from_secs(30);

/// Runs the function until Lambda ends the process.
///
/// # Errors
/// The configuration is incomplete, or the Runtime API cannot be reached.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let environment = aws::Environment::of_this_process();
    aws::telemetry::start(environment.log_level()?, environment.function_name());
    let clients = Clients::from_environment().await;
    let control = SqsQueueControl::new(clients.sqs.clone(), environment.push_queue(SystemKind::CoreBos)?);
    let metrics = Metrics::of(environment.function_name());
    let ports = Ports::new(&environment, clients)?;
    let (ports, metrics) = (&ports, &metrics);
    let handler = move |notice, delivery| handle(notice, delivery, ports, metrics);
    aws::events::serve_batch(&control, &SystemClock, BatchOptions::default(), handler).await
}

/// Pushes one notice.
pub async fn handle(notice: Notice, delivery: Delivery, ports: &Ports, metrics: &Metrics) -> Outcome {
    // Boxed: the future of a push is large, and ten run side by side.
    let outcome = Box::pin(push(&notice, &delivery, ports)).await;
    tell(&notice, &delivery, &outcome, metrics);
    match outcome {
        sync::Outcome::Done(_) => Outcome::Done,
        sync::Outcome::Retry { after, .. } => {
            Outcome::Retry { after: Some(after.unwrap_or_else(|| delivery.backoff().min(OUTAGE_WAIT))) }
        }
        sync::Outcome::Stop { .. } => {
            // Credentials and maps may have been mended meanwhile: they are read again next time.
            ports.forget();
            Outcome::Retry { after: Some(STOPPED_WAIT.min(delivery.backoff())) }
        }
    }
}

async fn push(notice: &Notice, delivery: &Delivery, ports: &Ports) -> sync::Outcome {
    let pair = match ports.pair_of(notice).await {
        Ok(pair) => pair,
        Err(Mended::Never(reason)) => {
            return sync::Outcome::Stop { reason: "configuration", detail: reason };
        }
        Err(Mended::Later(detail)) => {
            return sync::Outcome::Retry { after: None, reason: "unavailable", detail };
        }
        Err(Mended::ByAdministrator { reason, detail }) => return sync::Outcome::Stop { reason, detail },
    };
    let systems: Arc<ports::Systems> = pair.systems.clone();
    let environment = Environment::<ToCoreBos> {
        context: &pair.context,
        direction: Direction::ToHub,
        source: &systems.mautic,
        target: &systems.corebos,
        store: &ports.store,
        queue: &ports.queue,
        clock: &SystemClock,
        lease: ports.lease,
        other_remotes: &[],
    };
    Box::pin(sync::push(&environment, notice, &sync::Delivery { attempt: delivery.receive_count })).await
}
