//! `push-hubspot`: the queue `hubspot-changes` becomes contacts, companies, leads and deals in HubSpot.
//!
//! Each message is a notice about a record of coreBOS. That record and its partner are read as they are now; what
//! differs from the base of their link is written to HubSpot, and settled. What cannot be written is parked with the
//! reason; what cannot be written now stays in the queue.
//!
//! A record that is in step may begin something in HubSpot, by the setting `hubspot.nurturing`: see the module `nurture`.
#![recursion_limit = "256"]

mod nurture;

use aws::SystemClock;
use aws::events::{BatchOptions, Delivery, Outcome};
use aws::telemetry::{Counter, Metrics};
use connector_corebos::CoreBos;
use connector_hubspot::HubSpot;
use model::{Notice, SystemKind};
use nurture::Held;
use wiring::PushFunction;

/// From coreBOS into HubSpot.
pub type Way = wiring::ToRemote<CoreBos, HubSpot>;

/// What a push works with.
pub type Ports = wiring::PushPorts<CoreBos, HubSpot>;

/// Runs the function until Lambda ends the process.
///
/// # Errors
/// The configuration is incomplete, or the Runtime API cannot be reached.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let PushFunction { environment, clients, metrics, control } = PushFunction::begin(SystemKind::HubSpot)?;
    let ports = Ports::new(&environment, clients, SystemKind::HubSpot)?;
    let (ports, metrics) = (&ports, &metrics);
    let handler = move |notice, delivery| handle(notice, delivery, ports, metrics);
    aws::events::serve_batch(&control, &SystemClock, BatchOptions::default(), handler).await
}

/// Pushes one notice, and begins what the rules of nurturing say about it.
pub async fn handle(notice: Notice, delivery: Delivery, ports: &Ports, metrics: &Metrics) -> Outcome {
    let (outcome, report) = wiring::push_with_report::<Way>(&notice, &delivery, ports, metrics).await;
    let Some(report) = report else { return outcome };
    match Box::pin(nurture::begin(&notice, &report, ports)).await {
        Ok(()) => outcome,
        Err(held) => {
            let (Held::Retry { reason, detail, .. } | Held::Stop { reason, detail }) = &held;
            let record = &notice.record;
            tracing::warn!(
                change.id = notice.receipt,
                record.system = %record.system,
                record.object = %record.object,
                record.id = record.id,
                nurturing = "waits",
                reason,
                detail,
                "nurturing"
            );
            if matches!(held, Held::Stop { .. }) {
                metrics.count(Counter::Stopped, 1, &[("reason", reason)]);
            }
            wiring::answer(&held.into(), &delivery, ports)
        }
    }
}
