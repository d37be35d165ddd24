//! `poll-corebos`: the schedule asks coreBOS what changed, module by module, and queues what workflows did not tell.
//!
//! Deletes are told too. Records that were changed by a task or in the database directly, and so without a workflow,
//! are found here where coreBOS has moved their modified time.
#![recursion_limit = "256"]

use aws::schedule::Firing;
use aws::telemetry::Metrics;
use aws::{Clients, Environment};
use connector_corebos::CoreBos;
use model::SystemKind;
use serde_json::Value;

/// What a poll works with.
pub type Ports = wiring::PollPorts<CoreBos>;

/// Runs the function until Lambda ends the process.
///
/// # Errors
/// The configuration is incomplete, or the Runtime API cannot be reached.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let environment = Environment::of_this_process();
    aws::telemetry::start(environment.log_level()?, environment.function_name());
    let metrics = Metrics::of(environment.function_name());
    let ports = Ports::new(&environment, Clients::of_function(&environment), SystemKind::CoreBos)?;
    let (ports, metrics) = (&ports, &metrics);
    aws::schedule::serve(move |firing| handle(firing, ports, metrics)).await
}

/// Polls what is due.
pub async fn handle(firing: Firing, ports: &Ports, metrics: &Metrics) -> Value {
    // Boxed: the future of a tick nests deep.
    match Box::pin(ports.tick(&firing)).await {
        Ok(ticked) => ticked.told,
        Err(error) => wiring::told_failure(ports, &error, metrics),
    }
}
