//! `bridge bench`: how fast the whole path is and what it costs, with the real functions as processes.
//!
//! The stack, the stand-ins and the senders run in this process, the functions in processes of their own; so what the
//! operating system counts for each process tells the functions from the emulation around them.

mod bill;
mod cold_start;
mod cost;
mod engine;
mod figures;
mod import;
mod inbound;
mod meter;
mod outbound;
mod storm;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};

use crate::screen::{BAD, line, styled};
use figures::Figures;

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Workload {
    /// Signed webhooks of Mautic, all the way into coreBOS.
    W1,
    /// Webhooks of coreBOS, all the way into Mautic and HubSpot.
    W2,
    /// People who edit the same records on both sides, until it is quiet.
    W3,
    /// The start of each function.
    W4,
    /// The map engine alone.
    W5,
    /// The import of contacts.
    W6,
    /// What AWS charges for a change, and for a month in which nothing happens; of a hundred events at most.
    Cost,
}

/// What is measured, and how much of it.
#[derive(Debug, Args)]
pub(crate) struct BenchOptions {
    /// What is measured; everything without it.
    #[arg(value_name = "WORKLOAD", value_enum)]
    workloads: Vec<Workload>,
    /// Events of each run, and contacts of the import.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    events: usize,
    /// Runs the first workload, too, with ten times as many events each time, up to so many: 100000.
    #[arg(long, value_name = "N", default_value_t = 0)]
    growth_events: usize,
    /// Runs it, too, beside ten times as many links in the table each time, up to so many: 1000000. Takes long.
    #[arg(long, value_name = "N", default_value_t = 0)]
    growth_links: usize,
    /// A folder with the functions' own binaries, such as target/release after `cargo build --release --workspace`: they
    /// are measured, and packed. Without it, this program is every function.
    #[arg(long, value_name = "DIR")]
    functions: Option<PathBuf>,
    /// Writes the figures into this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Measures and prints. The exit code is 1 if an effect was lost or happened twice.
pub(crate) async fn bench(options: BenchOptions) -> Result<ExitCode> {
    if cfg!(debug_assertions) {
        line("This is a debug build: its figures say little. Use cargo run --release -- bench");
    }
    let wanted = |workload| options.workloads.is_empty() || options.workloads.contains(&workload);
    let events = options.events.max(1);
    let functions = options.functions.as_deref();
    let mut all = Vec::new();
    // What takes seconds comes first.
    if wanted(Workload::W5) {
        told(&mut all, engine::measure()?);
    }
    if wanted(Workload::W4) {
        for figures in cold_start::measure(functions).await? {
            told(&mut all, figures);
        }
    }
    if wanted(Workload::W1) {
        for run in inbound::runs(events) {
            told(&mut all, Box::pin(inbound::measure(&run, functions)).await?);
        }
    }
    if wanted(Workload::W2) {
        told(&mut all, Box::pin(outbound::to_mautic(events, functions)).await?);
        told(&mut all, Box::pin(outbound::to_hubspot((events / 20).max(1), functions)).await?);
    }
    if wanted(Workload::W3) {
        told(&mut all, Box::pin(storm::measure((events / 10).max(1), functions)).await?);
    }
    if wanted(Workload::W6) {
        for figures in Box::pin(import::measure(events, functions)).await? {
            told(&mut all, figures);
        }
    }
    if wanted(Workload::Cost) {
        for figures in Box::pin(cost::measure(events, functions)).await? {
            told(&mut all, figures);
        }
    }
    for run in inbound::growth(options.growth_events, options.growth_links) {
        told(&mut all, Box::pin(inbound::measure(&run, functions)).await?);
    }
    line("");
    for text in figures::table(&all) {
        line(&text);
    }
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&all)?;
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let wrong: Vec<&Figures> = all.iter().filter(|figures| figures.exactly_once == Some(false)).collect();
    for figures in &wrong {
        line(&styled(BAD, &format!("{}: effects were lost or happened twice", figures.name())));
    }
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints the figures as soon as they are there: the whole takes long.
fn told(all: &mut Vec<Figures>, figures: Figures) {
    for text in figures.lines() {
        line(&text);
    }
    all.push(figures);
}
