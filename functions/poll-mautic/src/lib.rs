//! `poll-mautic`: the schedule asks Mautic what changed, contacts and companies, and queues what webhooks did not tell.
//!
//! Mautic throws its events away on any answer, and switches a webhook off whose receiver fails; so the webhooks
//! themselves are looked at, too.
#![recursion_limit = "256"]

mod hooks;

use aws::schedule::Firing;
use aws::telemetry::Metrics;
use aws::{Clients, Environment};
use connector_mautic::Mautic;
use model::SystemKind;
use serde_json::Value;

/// What a poll works with.
pub type Ports = wiring::PollPorts<Mautic>;

/// Runs the function until Lambda ends the process.
///
/// # Errors
/// The configuration is incomplete, or the Runtime API cannot be reached.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let environment = Environment::of_this_process();
    aws::telemetry::start(environment.log_level()?, environment.function_name());
    let metrics = Metrics::of(environment.function_name());
    let ports = Ports::new(&environment, Clients::of_function(&environment), SystemKind::Mautic)?;
    let (ports, metrics) = (&ports, &metrics);
    aws::schedule::serve(move |firing| handle(firing, ports, metrics)).await
}

/// Polls what is due, and looks at the webhooks whenever Mautic was asked anything.
pub async fn handle(firing: Firing, ports: &Ports, metrics: &Metrics) -> Value {
    // Boxed: the future of a tick nests deep.
    match Box::pin(ports.tick(&firing)).await {
        Ok(mut ticked) => {
            if let Some(mautic) = &ticked.asked {
                let health = Box::pin(hooks::check(mautic, ticked.settings.repair_webhooks, metrics)).await;
                ticked.told["webhooks"] = health;
                let roll = Box::pin(ports.call_roll(&firing, mautic, &ticked.settings)).await;
                ticked.told["roll"] = roll;
            }
            ticked.told
        }
        Err(error) => wiring::told_failure(ports, &error, metrics),
    }
}
