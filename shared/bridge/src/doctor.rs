//! `bridge doctor`: checks everything that has ever gone wrong, and says what to do about each.
//!
//! It changes nothing in coreBOS, Mautic and HubSpot. Of the stack it changes one thing: what was seen of other integrations is
//! remembered, so that pushes that wait for it go on at once.

mod check;
mod corebos;
mod flow;
mod hubspot;
mod maps;
mod mautic;
mod settings;
mod system;
mod visitors;
mod webhooks;
mod wordpress;

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use model::SystemKind;
use wiring::Live;

pub use check::{Check, Checks, Verdict};

use crate::screen::{BAD, CARE, DIM, GOOD, line, styled};
use crate::stack::{Stack, StackOptions};

/// How.
#[derive(Clone, Debug, Args)]
pub struct DoctorOptions {
    /// Prints the checks as JSON.
    #[arg(long)]
    pub json: bool,
    /// The stack.
    #[command(flatten)]
    pub stack: StackOptions,
}

/// Runs the command. Exit code 1 if there is a problem; warnings are none.
pub(crate) async fn run(options: &DoctorOptions) -> Result<ExitCode> {
    let stack = Stack::find(&options.stack).await?;
    let checks = examine(&stack).await;
    if options.json {
        line(&serde_json::to_string_pretty(&checks)?);
    } else {
        show(&stack, &checks);
    }
    let is_ill = checks.iter().any(|check| check.verdict == Verdict::Problem);
    Ok(if is_ill { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Checks a stack and its systems. What cannot be checked because of a problem before it is left out.
pub async fn examine(stack: &Stack) -> Vec<Check> {
    let mut checks = Checks::default();
    if let Some(store) = flow::table(stack, &mut checks).await {
        settings::examine(stack, &store, &mut checks).await;
        let corebos = Box::pin(corebos::examine(stack, &store, &mut checks)).await;
        let mautic = Box::pin(mautic::examine(stack, &store, &mut checks)).await;
        let hubspot = Box::pin(hubspot::examine(stack, &store, &mut checks)).await;
        Box::pin(webhooks::examine(stack, corebos.as_ref(), mautic.as_ref(), &mut checks)).await;
        webhooks::heard(stack, &store, &mut checks).await;
        let hub = corebos.as_ref().map(|corebos| &corebos.connector);
        let live = Live { hub, remote: mautic.as_ref().map(|mautic| &mautic.connector) };
        Box::pin(maps::examine(stack, &store, live, SystemKind::Mautic, &mut checks)).await;
        if stack.environment.secret(SystemKind::HubSpot).is_ok() {
            let live = Live { hub, remote: hubspot.as_ref().map(|hubspot| &hubspot.connector) };
            Box::pin(maps::examine(stack, &store, live, SystemKind::HubSpot, &mut checks)).await;
        }
        Box::pin(visitors::examine(stack, &store, mautic.as_ref(), &mut checks)).await;
        Box::pin(wordpress::examine(stack, &store, &mut checks)).await;
        flow::examine(stack, &store, &mut checks).await;
    }
    checks.into_list()
}

fn show(stack: &Stack, checks: &[Check]) {
    line(&format!("{}: {} checks", stack.name, checks.len()));
    for check in checks {
        let (style, word) = match check.verdict {
            Verdict::Ok => (GOOD, "ok"),
            Verdict::Warning => (CARE, "warning"),
            Verdict::Problem => (BAD, "problem"),
        };
        line(&format!("  {}  {}: {}", styled(style, &format!("{word:<7}")), check.name, check.seen));
        if let Some(remedy) = &check.remedy {
            line(&format!("           {}", styled(DIM, remedy)));
        }
    }
    let count = |verdict: Verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    line("");
    match (count(Verdict::Problem), count(Verdict::Warning)) {
        (0, 0) => line(&styled(GOOD, "All is well.")),
        (0, warnings) => line(&format!("No problems, {warnings} warnings.")),
        (problems, warnings) => line(&styled(BAD, &format!("{problems} problems, {warnings} warnings."))),
    }
}
