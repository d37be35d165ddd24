//! `push-hubspot`: the queue `hubspot-changes` becomes contacts, companies and deals in HubSpot.
//!
//! Each message is a notice about a record of coreBOS. That record and its partner are read as they are now; what
//! differs from the base of their link is written to HubSpot, and settled. What cannot be written is parked with the
//! reason; what cannot be written now stays in the queue.
#![recursion_limit = "256"]

use aws::events::{Delivery, Outcome};
use aws::telemetry::Metrics;
use connector_corebos::CoreBos;
use connector_hubspot::HubSpot;
use model::{Notice, SystemKind};

/// From coreBOS into HubSpot.
pub type Way = wiring::ToRemote<CoreBos, HubSpot>;

/// What a push works with.
pub type Ports = wiring::PushPorts<CoreBos, HubSpot>;

/// Runs the function until Lambda ends the process.
///
/// # Errors
/// The configuration is incomplete, or the Runtime API cannot be reached.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    wiring::run_push::<Way>(SystemKind::HubSpot).await
}

/// Pushes one notice.
pub async fn handle(notice: Notice, delivery: Delivery, ports: &Ports, metrics: &Metrics) -> Outcome {
    wiring::push::<Way>(notice, delivery, ports, metrics).await
}
