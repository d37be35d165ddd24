//! The body of every push function: each notice of a batch is pushed, and told about.

use std::time::Duration;

use aws::events::{BatchOptions, Delivery, Outcome, SqsQueueControl};
use aws::telemetry::Metrics;
use aws::{Clients, SystemClock};
use model::{Notice, Side, SystemKind};
use sync::Environment;

use crate::pairs::PushPorts;
use crate::report::tell;
use crate::way::Way;

/// How long a change waits that an administrator must help: long enough not to hammer a system that refuses us.
const STOPPED_WAIT: Duration = Duration::from_secs(60);

/// The longest wait between two attempts while a system is away: when it is back, changes arrive within this time.
const OUTAGE_WAIT: Duration = Duration::from_secs(30);

/// Runs a push function, between coreBOS and a system of the kind `remote`, until Lambda ends the process.
///
/// # Errors
/// The configuration is incomplete, or the Runtime API cannot be reached.
pub async fn run_push<W: Way>(remote: SystemKind) -> Result<(), lambda_runtime::Error> {
    let environment = aws::Environment::of_this_process();
    aws::telemetry::start(environment.log_level()?, environment.function_name());
    let target = match W::DIRECTION.target() {
        Side::Hub => SystemKind::CoreBos,
        Side::Remote => remote,
    };
    let clients = Clients::from_environment().await;
    let control = SqsQueueControl::new(clients.sqs.clone(), environment.push_queue(target)?);
    let metrics = Metrics::of(environment.function_name());
    let ports = PushPorts::<W::Hub, W::Remote>::new(&environment, clients, remote)?;
    let (ports, metrics) = (&ports, &metrics);
    let handler = move |notice, delivery| push::<W>(notice, delivery, ports, metrics);
    aws::events::serve_batch(&control, &SystemClock, BatchOptions::default(), handler).await
}

/// Pushes one notice.
pub async fn push<W: Way>(
    notice: Notice,
    delivery: Delivery,
    ports: &PushPorts<W::Hub, W::Remote>,
    metrics: &Metrics,
) -> Outcome {
    // Boxed: the future of a push is large, and ten run side by side.
    let outcome = Box::pin(pushed::<W>(&notice, &delivery, ports)).await;
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

async fn pushed<W: Way>(
    notice: &Notice,
    delivery: &Delivery,
    ports: &PushPorts<W::Hub, W::Remote>,
) -> sync::Outcome {
    let pair = match ports.pair_of(W::DIRECTION, notice).await {
        Ok(pair) => pair,
        Err(error) => return error.into(),
    };
    let environment = Environment::<W> {
        context: &pair.context,
        direction: W::DIRECTION,
        source: W::source(&pair.systems),
        target: W::target(&pair.systems),
        store: &ports.store,
        queue: &ports.queue,
        clock: &SystemClock,
        lease: ports.lease,
        other_remotes: &[],
    };
    Box::pin(sync::push(&environment, notice, &sync::Delivery { attempt: delivery.receive_count })).await
}
