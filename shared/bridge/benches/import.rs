//! W6: the import of 10,000 Mautic contacts into an empty coreBOS, on the embedded stack with the stand-ins.
//!
//! `cargo bench -p bridge --bench import [-- --contacts N] [-- --parallel N]`. Prints how many records went per second
//! and how many calls each cost. Without `--bench`, as in `cargo test --all-targets`, a few contacts only.

#![recursion_limit = "256"]

use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bridge::local::{self, LocalOptions};
use bridge::screen::line;
use bridge::simulated;
use connector_corebos::CoreBos;
use connector_mautic::Mautic;
use model::{Direction, PairKind, SystemKind};
use serde_json::json;
use sync::import::{Ended, ImportEvent, ImportOptions, ImportWatch, import};
use wiring::{ImportPorts, PushPorts, ToHub};

/// How often a long run says how far it is.
const LINE_EVERY: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    // The functions of the stack are this program.
    if arguments.get(1).is_some_and(|verb| verb == "function") {
        return bridge::run(arguments);
    }
    let texts: Vec<String> = arguments.iter().map(|text| text.to_string_lossy().into_owned()).collect();
    let number = |name: &str, otherwise: usize| {
        let at = texts.iter().position(|text| text == name);
        at.and_then(|at| texts.get(at + 1)?.parse().ok()).unwrap_or(otherwise)
    };
    let is_bench = texts.iter().any(|text| text == "--bench");
    let contacts = number("--contacts", if is_bench { 10_000 } else { 20 });
    let done = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Into::into);
    match done.and_then(|runtime| runtime.block_on(run(contacts, number("--parallel", 4)))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            bridge::screen::error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(contacts: usize, lanes: usize) -> Result<()> {
    let systems = simulated::start((0, 0), None).await?;
    for number in 0..contacts {
        let fields = json!({
            "firstname": "Ana",
            "lastname": format!("Number {number}"),
            "email": format!("number{number}@example.org"),
            "mobile": "600 000 000",
            "city": "Bilbao",
            "country": "Spain",
        });
        systems.mautic.create_contact(&fields).await.context("the stand-in refuses a contact")?;
    }
    let stack = local::start(&systems.config()?, LocalOptions::default()).await?;
    let environment = stack.stack.resources().functions.iter().flat_map(|f| f.environment.clone());
    let environment = aws::Environment::from_pairs(environment);
    let calls = || (systems.mautic.requests().len(), systems.corebos.calls().len());
    let before = calls();

    let begun = Instant::now();
    let ports = PushPorts::<CoreBos, Mautic>::new(&environment, stack.clients.clone(), SystemKind::Mautic)?;
    let ports = ImportPorts::open(ports, PairKind::MauticContacts, Direction::ToHub, lanes, false).await?;
    let lanes = ports.environments::<ToHub<CoreBos, Mautic>>();
    let watch = Watch(Mutex::new((0, begun)));
    let imported = Box::pin(import(&lanes, ports.store(), &ImportOptions::new("bench"), &watch)).await?;
    let took = begun.elapsed().as_secs_f64();

    ensure!(imported.ended == Ended::Complete, "{:?}", imported.ended);
    ensure!(imported.tally.of("created") == u64::try_from(contacts)?, "{:?}", imported.tally);
    ensure!(systems.corebos.records("Contacts").len() == contacts, "not every contact is there once");
    let after = calls();
    let each = |calls: usize| per(calls, contacts);
    line(&format!("contacts            {contacts}, {} lanes", lanes.len()));
    line(&format!("records per second  {:.1}", contacts_per_second(contacts, took)));
    line(&format!("seconds             {took:.1}"));
    line(&format!(
        "calls per contact   Mautic {:.2}, coreBOS {:.2}",
        each(after.0 - before.0),
        each(after.1 - before.1)
    ));

    let begun = Instant::now();
    let before = calls();
    let again = Box::pin(import(&lanes, ports.store(), &ImportOptions::new("again"), &watch)).await?;
    let took = begun.elapsed().as_secs_f64();
    let after = calls();
    line(&format!("again, {} unchanged", again.tally.of("skipped")));
    line(&format!("records per second  {:.1}", contacts_per_second(contacts, took)));
    line(&format!(
        "calls per contact   Mautic {:.3}, coreBOS {:.3}",
        each(after.0 - before.0),
        each(after.1 - before.1)
    ));
    stack.stack.stop(Duration::from_secs(5)).await;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "it is shown with three decimals")]
fn per(calls: usize, contacts: usize) -> f64 {
    calls as f64 / contacts as f64
}

#[expect(clippy::cast_precision_loss, reason = "it is shown with one decimal")]
fn contacts_per_second(contacts: usize, seconds: f64) -> f64 {
    contacts as f64 / seconds
}

/// How many are done, and when that was said last.
struct Watch(Mutex<(u64, Instant)>);

impl ImportWatch for Watch {
    fn told(&self, event: &ImportEvent<'_>) {
        let ImportEvent::Done { .. } = event else { return };
        let Ok(mut said) = self.0.lock() else { return };
        said.0 += 1;
        if said.1.elapsed() >= LINE_EVERY {
            said.1 = Instant::now();
            line(&format!("{} done", said.0));
        }
    }

    fn stops(&self) -> bool {
        false
    }
}
