//! `push-corebos`: the queue `corebos-changes` becomes records in coreBOS.
//!
//! Each message is a notice about a record of Mautic or HubSpot. That record and its partner are read as they are now;
//! what differs from the base of their link is written to coreBOS, and settled. What cannot be written is parked with
//! the reason; what cannot be written now stays in the queue.
#![recursion_limit = "256"]

use aws::config::ConfigError;
use aws::events::{BatchOptions, Delivery, Outcome};
use aws::telemetry::Metrics;
use aws::{Clients, SystemClock};
use connector_corebos::CoreBos;
use connector_hubspot::HubSpot;
use connector_mautic::Mautic;
use model::{Notice, SystemKind};
use wiring::{PushFunction, PushPorts, ToHub};

/// What a push works with.
#[derive(Debug)]
pub struct Ports {
    mautic: PushPorts<CoreBos, Mautic>,
    /// Nothing where no HubSpot is connected.
    hubspot: Option<PushPorts<CoreBos, HubSpot>>,
}

impl Ports {
    /// The ports of this process; nothing is read yet.
    ///
    /// # Errors
    /// A variable of the environment is missing or wrong.
    pub fn new(environment: &aws::Environment, clients: Clients) -> Result<Self, ConfigError> {
        let hubspot = if environment.connects(SystemKind::HubSpot) {
            Some(PushPorts::new(environment, clients.clone(), SystemKind::HubSpot)?)
        } else {
            None
        };
        Ok(Self { mautic: PushPorts::new(environment, clients, SystemKind::Mautic)?, hubspot })
    }
}

/// Runs the function until Lambda ends the process.
///
/// # Errors
/// The configuration is incomplete, or the Runtime API cannot be reached.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let PushFunction { environment, clients, metrics, control } = PushFunction::begin(SystemKind::CoreBos)?;
    let ports = Ports::new(&environment, clients)?;
    let (ports, metrics) = (&ports, &metrics);
    let handler = move |notice, delivery| handle(notice, delivery, ports, metrics);
    aws::events::serve_batch(&control, &SystemClock, BatchOptions::default(), handler).await
}

/// Pushes one notice. One of a system that is not connected is told by the other system's push as not its own.
pub async fn handle(notice: Notice, delivery: Delivery, ports: &Ports, metrics: &Metrics) -> Outcome {
    match &ports.hubspot {
        Some(hubspot) if notice.record.system.kind() == SystemKind::HubSpot => {
            wiring::push::<ToHub<CoreBos, HubSpot>>(notice, delivery, hubspot, metrics).await
        }
        _ => wiring::push::<ToHub<CoreBos, Mautic>>(notice, delivery, &ports.mautic, metrics).await,
    }
}
