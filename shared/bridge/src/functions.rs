//! The functions that this binary can be: it starts itself once per function.

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;

use crate::screen;

type Running = Pin<Box<dyn Future<Output = Result<(), lambda_runtime::Error>>>>;

/// Starts a function.
type Start = fn() -> Running;

/// Every function by the name of its folder.
const FUNCTIONS: &[(&str, Start)] = &[
    ("poll-corebos", || Box::pin(poll_corebos::run())),
    ("poll-hubspot", || Box::pin(poll_hubspot::run())),
    ("poll-mautic", || Box::pin(poll_mautic::run())),
    ("push-corebos", || Box::pin(push_corebos::run())),
    ("push-hubspot", || Box::pin(push_hubspot::run())),
    ("push-mautic", || Box::pin(push_mautic::run())),
    ("push-visitor", || Box::pin(push_visitor::run())),
    ("push-wordpress", || Box::pin(push_wordpress::run())),
    ("webhook-campaign", || Box::pin(webhook_campaign::run())),
    ("webhook-corebos", || Box::pin(webhook_corebos::run())),
    ("webhook-hubspot", || Box::pin(webhook_hubspot::run())),
    ("webhook-mautic", || Box::pin(webhook_mautic::run())),
    ("webhook-signal", || Box::pin(webhook_signal::run())),
];

/// The names of all functions.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|(name, _)| *name)
}

/// Is the function `name` until the Runtime API goes away.
pub(crate) fn run(name: &str) -> ExitCode {
    let Some((_, function)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
        let known = names().collect::<Vec<_>>().join(", ");
        screen::error(&format!("there is no function {name}; there are {known}"));
        return ExitCode::from(2);
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            screen::error(&error.to_string());
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(function()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            screen::error(&format!("{name}: {error}"));
            ExitCode::FAILURE
        }
    }
}
