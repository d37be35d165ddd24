//! `bridge torment`: the whole bridge, real processes, while everything around it goes wrong; and whether anything was
//! lost, made twice, written twice, or differs in the end.

mod ledger;
mod people;
pub(crate) mod stack;
mod verdict;
mod weather;
mod world;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use comfy_table::Table;
use comfy_table::presets::NOTHING;

use crate::arguments::TormentOptions;
use crate::progress;
use crate::screen::{BAD, BOLD, GOOD, count, line, styled};

use verdict::Verdict;
use world::World;

/// What a run has come to.
#[derive(Debug)]
struct Outcome {
    seed: u64,
    verdict: Verdict,
    figures: Figures,
    /// What happened, line by line.
    story: Vec<String>,
    /// The last log lines about what is wrong.
    log: Vec<String>,
}

/// What was done to the bridge, and what it did.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    people: usize,
    edits: usize,
    deletes: usize,
    faults: usize,
    kills: usize,
    stack_kills: usize,
    writes: usize,
}

impl Figures {
    fn add(&mut self, other: &Self) {
        self.people += other.people;
        self.edits += other.edits;
        self.deletes += other.deletes;
        self.faults += other.faults;
        self.kills += other.kills;
        self.stack_kills += other.stack_kills;
        self.writes += other.writes;
    }
}

/// Runs until the number of runs is reached, the time is over, or a claim breaks.
pub(crate) async fn torment(options: &TormentOptions) -> Result<ExitCode> {
    let begun = Instant::now();
    let limit = options.minutes.map(|minutes| Duration::from_secs(minutes * 60));
    // With a time and no number, the time alone counts.
    let runs = options.runs.unwrap_or(if limit.is_some() { u64::MAX } else { 1 });
    let bar = progress::bar(usize::try_from(runs).unwrap_or(0), "runs");
    let (mut total, mut done) = (Figures::default(), 0);
    while done < runs && limit.is_none_or(|limit| begun.elapsed() < limit) {
        let seed = options.seed.saturating_add(done);
        let outcome = Box::pin(one_run(seed, options)).await?;
        total.add(&outcome.figures);
        done += 1;
        bar.inc(1);
        if outcome.verdict.findings().next().is_some() {
            bar.finish_and_clear();
            tell_failure(&outcome);
            tell_figures(done, &total, Some(&outcome.verdict), begun.elapsed());
            return Ok(ExitCode::FAILURE);
        }
    }
    bar.finish_and_clear();
    tell_figures(done, &total, None, begun.elapsed());
    line(&styled(GOOD, "Nothing was lost, nothing was done twice."));
    Ok(ExitCode::SUCCESS)
}

async fn one_run(seed: u64, options: &TormentOptions) -> Result<Outcome> {
    let mut world = World::start(seed, options).await?;
    world.live(options.acts).await?;
    world.calm_down().await?;
    world.end().await
}

fn tell_figures(runs: u64, total: &Figures, verdict: Option<&Verdict>, took: Duration) {
    let mut table = Table::new();
    table.load_style(NOTHING);
    let mut row = |name: &str, figure: usize| {
        table.add_row([name.to_owned(), figure.to_string()]);
    };
    row("runs", usize::try_from(runs).unwrap_or(usize::MAX));
    row("people entered", total.people);
    row("edits", total.edits);
    row("deletes", total.deletes);
    row("faults of systems and of AWS", total.faults);
    row("functions killed", total.kills);
    row("whole stacks killed", total.stack_kills);
    row("writes of the bridge", total.writes);
    let nothing = Verdict::default();
    let verdict = verdict.unwrap_or(&nothing);
    row("records lost", verdict.lost.len());
    row("duplicate records", verdict.duplicates.len());
    row("duplicate effects", verdict.effects.len());
    row("divergent fields", verdict.divergent.len());
    row("notices unaccounted for", verdict.unaccounted.len());
    line(&table.to_string());
    line(&format!("in {:.0} s", took.as_secs_f64()));
}

fn tell_failure(outcome: &Outcome) {
    line(&styled(BAD, "A claim broke."));
    for finding in outcome.verdict.findings() {
        line(&format!("  {finding}"));
    }
    line("");
    line(&styled(BOLD, "What happened to them, and around them"));
    outcome.story.iter().for_each(|told| line(&format!("  {told}")));
    line("");
    line(&styled(BOLD, "The last of what the functions logged of it"));
    outcome.log.iter().for_each(|told| line(&format!("  {told}")));
    line("");
    let findings = outcome.verdict.findings().count();
    line(&format!(
        "{}. The same people and faults again: bridge torment --runs 1 --seed {}",
        count(findings, "finding"),
        outcome.seed
    ));
}
