//! `bridge why`: why a record, or one field of it, is as it is, and what would happen next.

mod columns;
mod depth;
pub(crate) mod gather;
pub(crate) mod report;
mod resolve;
mod short;
mod text;
pub(crate) mod words;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use connector_corebos::CoreBos;
use connector_mautic::Mautic;
use model::{Direction, SystemKind};
use sync::pair_spec;
use wiring::PushPorts;

pub(crate) use columns::{Cell, lines};
use report::Report;
use resolve::{Asked, Found, Hit, Known};

use crate::screen::{NAME, line, styled};
use crate::stack::{Stack, StackOptions};

/// What is asked.
#[derive(Debug, Args)]
pub(crate) struct WhyOptions {
    /// The record, by any of its ids (47, mautic:47, 11x74, mautic:main#contact#47), by its e-mail, or by the name of
    /// its company.
    #[arg(value_name = "RECORD")]
    record: String,
    /// One field of either side, in depth: each step from what the one system holds to what the other one holds.
    #[arg(value_name = "FIELD")]
    field: Option<String>,
    /// Only records of this pair.
    #[arg(long, value_name = "PAIR")]
    pair: Option<String>,
    /// Shows fields that are blank on both sides, too.
    #[arg(long)]
    all: bool,
    /// How many entries of the history are shown.
    #[arg(long, value_name = "N", default_value_t = 10)]
    history: usize,
    /// Prints everything as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stack: StackOptions,
}

/// The ports towards Mautic; every pair that there is has it on its other side.
type Ports = PushPorts<CoreBos, Mautic>;

pub(crate) async fn why(options: WhyOptions) -> Result<ExitCode> {
    let stack = Stack::find(&options.stack).await?;
    let store = stack.store()?;
    let ports = Ports::new(&stack.environment, stack.clients.clone(), SystemKind::Mautic)
        .with_context(|| format!("{} is not complete", stack.name))?;
    let known = known_pairs(&stack, &ports, options.pair.as_deref()).await?;
    let Ok(asked) = options.record.parse::<Asked>();
    let Found { hits, trouble } = resolve::find(&store, &known, &asked).await?;
    let hit = match hits.as_slice() {
        [] => bail!(nobody(&options.record, &stack, &trouble)),
        [hit] => hit,
        several => {
            list(several, &options, &trouble);
            return Ok(ExitCode::SUCCESS);
        }
    };
    let known = known.iter().find(|known| known.pair == hit.pair).context("the pair is gone")?;
    let report = gather::report(&stack, &ports, known, hit, options.history).await?;
    tell(report, &options)
}

fn tell(report: Report, options: &WhyOptions) -> Result<ExitCode> {
    let report = match &options.field {
        Some(field) => depth::only(report, field),
        None => report,
    };
    let no_such_field = report.directions.iter().all(|direction| direction.fields.is_empty());
    if let Some(field) = options.field.as_ref().filter(|_| no_such_field && !report.directions.is_empty()) {
        bail!("no map of {} makes or reads a field {field}", report.pair);
    }
    if options.json {
        line(&serde_json::to_string_pretty(&report)?);
        return Ok(ExitCode::SUCCESS);
    }
    let shown = match options.field {
        Some(_) if !no_such_field => depth::render(&report),
        _ => text::render(&report, options.all),
    };
    for shown in shown {
        line(&shown);
    }
    Ok(ExitCode::SUCCESS)
}

/// The pairs, with their systems as far as they can be asked.
async fn known_pairs(
    stack: &Stack,
    ports: &Ports,
    only: Option<&str>,
) -> Result<Vec<Known<CoreBos, Mautic>>> {
    let pairs = of_name(stack, only)?;
    let mut known = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let ready = ports.ready(Direction::ToHub, pair_spec(pair.kind)).await;
        known.push(Known { pair, ready });
    }
    Ok(known)
}

/// The pairs of a stack, or the one with this name.
///
/// # Errors
/// There is none of this name.
pub(crate) fn of_name(stack: &Stack, only: Option<&str>) -> Result<Vec<model::Pair>> {
    let mut pairs = stack.pairs()?;
    if let Some(only) = only {
        let names: Vec<&str> = pairs.iter().map(|pair| pair.kind.as_str()).collect();
        let names = names.join(", ");
        pairs.retain(|pair| pair.kind.as_str() == only || pair.to_string() == only);
        if pairs.is_empty() {
            bail!("there is no pair {only}: there are {names}");
        }
    }
    Ok(pairs)
}

fn nobody(asked: &str, stack: &Stack, trouble: &[String]) -> String {
    let mut told = format!(
        "nobody knows {asked}: neither the table of {} nor a system has such a record. Write an id, an e-mail, or the \
         exact name of a company",
        stack.name
    );
    for trouble in trouble {
        told.push_str("\n  but ");
        told.push_str(trouble);
    }
    told
}

/// Several records could be meant.
fn list(hits: &[Hit], options: &WhyOptions, trouble: &[String]) {
    let named = |hit: &Hit| hit.records().iter().map(model::RecordRef::key).collect::<Vec<_>>();
    if options.json {
        let found: Vec<_> = hits
            .iter()
            .map(|hit| serde_json::json!({ "pair": hit.pair.kind.as_str(), "records": named(hit) }))
            .collect();
        line(&serde_json::Value::from(found).to_string());
        return;
    }
    line(&format!("Several records could be meant by {}:", options.record));
    for hit in hits {
        let linked = if hit.link.is_some() { "linked" } else { "not linked" };
        line(&format!("  {}  {linked}", named(hit).join(" ⇄ ")));
    }
    for trouble in trouble {
        line(&format!("  ({trouble})"));
    }
    if let Some(first) = hits.first().and_then(|hit| hit.records().first().map(model::RecordRef::key)) {
        line(&format!("Ask for one of them: {}", styled(NAME, &format!("bridge why '{first}'"))));
    }
}
