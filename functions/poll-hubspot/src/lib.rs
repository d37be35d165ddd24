//! `poll-hubspot`: the schedule asks HubSpot what changed, object by object, and queues what webhooks did not tell.
//!
//! Portals with a service key have no webhooks at all: polls find every record that was created, changed or deleted (once an
//! hour). Associations that change alone move no date, so all contacts, deals and leads are walked for them, some pages at
//! each poll (`sync::walk`).
#![recursion_limit = "256"]

use aws::schedule::Firing;
use aws::telemetry::Metrics;
use aws::{Clients, Environment};
use connector_hubspot::HubSpot;
use model::SystemKind;
use serde_json::Value;

/// What a poll works with.
pub type Ports = wiring::PollPorts<HubSpot>;

/// Runs the function until Lambda ends the process.
///
/// # Errors
/// The configuration is incomplete, or the Runtime API cannot be reached.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let environment = Environment::of_this_process();
    aws::telemetry::start(environment.log_level()?, environment.function_name());
    let metrics = Metrics::of(environment.function_name());
    let ports = Ports::new(&environment, Clients::of_function(&environment), SystemKind::HubSpot)?;
    let (ports, metrics) = (&ports, &metrics);
    aws::schedule::serve(move |firing| handle(firing, ports, metrics)).await
}

/// Polls what is due, and walks on for associations that changed alone.
pub async fn handle(firing: Firing, ports: &Ports, metrics: &Metrics) -> Value {
    // Boxed: the future of a tick nests deep.
    match Box::pin(ports.tick(&firing)).await {
        Ok(mut ticked) => {
            if let Some(hubspot) = &ticked.asked {
                let walked = Box::pin(ports.walk(&firing, hubspot, &ticked)).await;
                ticked.told["associations"] = walked;
            }
            ticked.told
        }
        Err(error) => wiring::told_failure(ports, &error, metrics),
    }
}
