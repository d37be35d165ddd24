//! The body of every push function: each notice of a batch is pushed, and told about.

use std::sync::atomic::Ordering;
use std::time::Duration;

use aws::events::{BatchOptions, Delivery, Outcome, SqsQueueControl};
use aws::telemetry::Metrics;
use aws::{Clients, SystemClock};
use model::{Notice, RecordRef, System, SystemKind};
use sync::inspect::{InspectError, Inspected};
use sync::{Clock as _, Environment, KeepsMaps, Opens, PairSpec, Report};

use crate::maps;
use crate::not_ready::NotReady;
use crate::pairs::{PushPorts, ReadyPair};
use crate::report::tell;
use crate::switched_off;
use crate::way::Way;

/// How long a change waits that an administrator must help: long enough not to hammer a system that refuses us.
const STOPPED_WAIT: Duration = Duration::from_secs(60);

/// The longest wait between two attempts while a system is away: when it is back, changes arrive within this time.
const OUTAGE_WAIT: Duration = Duration::from_secs(30);

/// What every push function begins with.
#[derive(Debug)]
pub struct PushFunction {
    /// Its environment.
    pub environment: aws::Environment,
    /// Its services.
    pub clients: Clients,
    /// Its counters.
    pub metrics: Metrics,
    /// The queue that feeds it.
    pub control: SqsQueueControl,
}

impl PushFunction {
    /// Begins a push function that writes to a system of the kind `target`.
    ///
    /// # Errors
    /// The configuration is incomplete.
    pub fn begin(target: SystemKind) -> Result<Self, lambda_runtime::Error> {
        let environment = aws::Environment::of_this_process();
        aws::telemetry::start(environment.log_level()?, environment.function_name());
        let clients = Clients::of_function(&environment);
        let control = SqsQueueControl::new(clients.sqs.clone(), environment.push_queue(target)?);
        let metrics = Metrics::of(environment.function_name());
        Ok(Self { environment, clients, metrics, control })
    }
}

/// Runs a push function out of coreBOS, into a system of the kind `remote`, until Lambda ends the process.
///
/// # Errors
/// The configuration is incomplete, or the Runtime API cannot be reached.
pub async fn run_push<W: Way>(remote: SystemKind) -> Result<(), lambda_runtime::Error> {
    let PushFunction { environment, clients, metrics, control } = PushFunction::begin(remote)?;
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
    push_with_report::<W>(&notice, &delivery, ports, metrics).await.0
}

/// Pushes one notice, and says what it came to once it is dealt with.
pub async fn push_with_report<W: Way>(
    notice: &Notice,
    delivery: &Delivery,
    ports: &PushPorts<W::Hub, W::Remote>,
    metrics: &Metrics,
) -> (Outcome, Option<Report>) {
    ports.heard.remember(&ports.store, notice).await;
    let began = SystemClock.now();
    if ports.looked.covers(notice, began) {
        return told(&skipped(notice, "looked_at_since"), notice, delivery, ports, metrics);
    }
    let specs = match Box::pin(ports.specs_of(W::DIRECTION, notice)).await {
        Ok(specs) => specs,
        Err(error) => {
            let outcome = not_ready::<W>(error, notice, ports).await;
            return told(&outcome, notice, delivery, ports, metrics);
        }
    };
    let mut first = None;
    for spec in specs {
        // Boxed: the future of a push is large, and ten run side by side.
        let outcome = Box::pin(pushed::<W>(spec, notice, delivery, ports, metrics)).await;
        let (answered, report) = told(&outcome, notice, delivery, ports, metrics);
        if report.is_none() {
            // The notice comes again, and what is done by then has nothing to do.
            return (answered, None);
        }
        first.get_or_insert((answered, report));
    }
    ports.looked.remember(notice, began);
    first.unwrap_or_else(|| told(&skipped(notice, "switched_off"), notice, delivery, ports, metrics))
}

/// Tells what a push of one pair has come to.
fn told<H: Opens + KeepsMaps, R: Opens>(
    outcome: &sync::Outcome,
    notice: &Notice,
    delivery: &Delivery,
    ports: &PushPorts<H, R>,
    metrics: &Metrics,
) -> (Outcome, Option<Report>) {
    tell(notice, delivery, outcome, metrics);
    let report = match outcome {
        sync::Outcome::Done(report) => Some(report.clone()),
        sync::Outcome::Retry { .. } | sync::Outcome::Stop { .. } => None,
    };
    (answer(outcome, delivery, ports), report)
}

/// A notice that nobody has to do with.
fn skipped(notice: &Notice, reason: &'static str) -> sync::Outcome {
    sync::Outcome::Done(Report {
        outcome: "skipped",
        reason,
        source: notice.record.clone(),
        target: None,
        fields: Vec::new(),
    })
}

/// What becomes of a notice whose pair is not ready.
async fn not_ready<W: Way>(
    error: NotReady,
    notice: &Notice,
    ports: &PushPorts<W::Hub, W::Remote>,
) -> sync::Outcome {
    match error {
        NotReady::SwitchedOff(system) if is_but_a_record(notice, &system) => {
            switched_off::remember::<W>(notice, ports).await
        }
        error => error.into(),
    }
}

/// What a push does with a message after something that is not dealt with.
pub fn answer<H: Opens + KeepsMaps, R: Opens>(
    outcome: &sync::Outcome,
    delivery: &Delivery,
    ports: &PushPorts<H, R>,
) -> Outcome {
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
    spec: &'static PairSpec,
    notice: &Notice,
    delivery: &Delivery,
    ports: &PushPorts<W::Hub, W::Remote>,
    metrics: &Metrics,
) -> sync::Outcome {
    let pair = match ports.pair_ready(W::DIRECTION, spec).await {
        Ok(pair) => pair,
        Err(error) => return not_ready::<W>(error, notice, ports).await,
    };
    if !pair.told.swap(true, Ordering::Relaxed) {
        for map in [&pair.to_hub, &pair.to_remote] {
            maps::tell(map, metrics);
        }
    }
    let environment = environment::<W>(ports, &pair);
    Box::pin(sync::push(&environment, notice, &sync::Delivery { attempt: delivery.receive_count })).await
}

/// Whether a notice asks for nothing besides looking at its record. Only HubSpot has something for a workflow's event.
fn is_but_a_record(notice: &Notice, system: &System) -> bool {
    let has_event = notice.event.is_some() && system.kind() == SystemKind::HubSpot;
    notice.command.is_none() && !has_event
}

fn environment<'a, W: Way>(
    ports: &'a PushPorts<W::Hub, W::Remote>,
    pair: &'a ReadyPair<W::Hub, W::Remote>,
) -> Environment<'a, W> {
    Environment {
        context: &pair.context,
        direction: W::DIRECTION,
        source: W::source(&pair.systems),
        target: W::target(&pair.systems),
        store: &ports.store,
        queue: &ports.queue,
        clock: &SystemClock,
        lease: ports.lease,
        other_remotes: &pair.other_remotes,
    }
}

/// What a push of a record would see and do now. Nothing is written.
///
/// # Errors
/// A system or the table does not answer, or everything keeps changing.
pub async fn inspect<W: Way>(
    ports: &PushPorts<W::Hub, W::Remote>,
    pair: &ReadyPair<W::Hub, W::Remote>,
    record: &RecordRef,
) -> Result<Inspected, InspectError> {
    Box::pin(sync::inspect::inspect(&environment::<W>(ports, pair), record)).await
}
