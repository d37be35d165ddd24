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
use aws::DynamoStore;
use clap::Args;
use connector_corebos::CoreBos;
use connector_hubspot::HubSpot;
use connector_mautic::Mautic;
use model::{Direction, Pair, SystemKind};
use sync::{Opens, pair_spec};
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

/// The pairs with one kind of system, and what they work with.
struct Towards<R> {
    ports: PushPorts<CoreBos, R>,
    known: Vec<Known<CoreBos, R>>,
}

impl<R: Opens> Towards<R> {
    /// Those of these pairs that are with this kind of system; nothing where none is.
    async fn open(stack: &Stack, kind: SystemKind, pairs: &[Pair]) -> Result<Option<Self>> {
        let with: Vec<&Pair> = pairs.iter().filter(|pair| pair.remote.kind() == kind).collect();
        if with.is_empty() {
            return Ok(None);
        }
        let ports = PushPorts::new(&stack.environment, stack.clients.clone(), kind)
            .with_context(|| format!("{} is not complete", stack.name))?;
        let mut known = Vec::with_capacity(with.len());
        for pair in with {
            let ready = ports.ready(Direction::ToHub, pair_spec(pair.kind)).await;
            known.push(Known { pair: pair.clone(), ready });
        }
        Ok(Some(Self { ports, known }))
    }

    async fn find(&self, store: &DynamoStore, asked: &Asked) -> Result<Found> {
        resolve::find(store, &self.known, asked).await
    }

    /// What is known of a record; nothing where its pair is another one's.
    async fn report(&self, stack: &Stack, hit: &Hit, history: usize) -> Result<Option<Report>> {
        let Some(known) = self.known.iter().find(|known| known.pair == hit.pair) else { return Ok(None) };
        gather::report(stack, &self.ports, known, hit, history).await.map(Some)
    }
}

pub(crate) async fn why(options: WhyOptions) -> Result<ExitCode> {
    let stack = Stack::find(&options.stack).await?;
    let store = stack.store()?;
    let in_use = stack.pairs_in_use(&store).await?;
    let mut pairs = of_name(&stack, options.pair.as_deref())?;
    pairs.retain(|pair| options.pair.is_some() || in_use.contains(pair));
    let mautic = Towards::<Mautic>::open(&stack, SystemKind::Mautic, &pairs).await?;
    let hubspot = Towards::<HubSpot>::open(&stack, SystemKind::HubSpot, &pairs).await?;
    let Ok(asked) = options.record.parse::<Asked>();
    let mut found = Found::default();
    if let Some(mautic) = &mautic {
        found.join(mautic.find(&store, &asked).await?);
    }
    if let Some(hubspot) = &hubspot {
        found.join(hubspot.find(&store, &asked).await?);
    }
    let Found { hits, trouble } = found;
    if hits.is_empty() {
        bail!(nobody(&options.record, &stack, &trouble));
    }
    // One record of coreBOS with its partners in several systems is one record that is meant.
    let same = |hit: &Hit| hit.hub.is_some() && hit.hub == hits[0].hub;
    if hits.len() > 1 && !hits.iter().all(same) {
        list(&hits, &options, &trouble);
        return Ok(ExitCode::SUCCESS);
    }
    let mut reports = Vec::with_capacity(hits.len());
    for hit in &hits {
        if let Some(mautic) = &mautic {
            reports.extend(mautic.report(&stack, hit, options.history).await?);
        }
        if let Some(hubspot) = &hubspot {
            reports.extend(hubspot.report(&stack, hit, options.history).await?);
        }
    }
    tell(reports, &options)
}

fn tell(mut reports: Vec<Report>, options: &WhyOptions) -> Result<ExitCode> {
    if let Some(field) = &options.field {
        let pairs: Vec<String> = reports.iter().map(|report| report.pair.clone()).collect();
        let is_looked_at = reports.iter().any(|report| !report.directions.is_empty());
        reports = reports.into_iter().map(|report| depth::only(report, field)).collect();
        let has_it = |report: &Report| report.directions.iter().any(|one| !one.fields.is_empty());
        if is_looked_at && !reports.iter().any(has_it) {
            bail!("no map of {} makes or reads a field {field}", pairs.join(" or "));
        }
        if is_looked_at {
            reports.retain(has_it);
        }
    }
    if options.json {
        let shown = match reports.as_slice() {
            [one] => serde_json::to_string_pretty(one)?,
            several => serde_json::to_string_pretty(several)?,
        };
        line(&shown);
        return Ok(ExitCode::SUCCESS);
    }
    for (at, report) in reports.iter().enumerate() {
        if at > 0 {
            line("");
        }
        let has_field = report.directions.iter().any(|one| !one.fields.is_empty());
        let shown = match options.field {
            Some(_) if has_field => depth::render(report),
            _ => text::render(report, options.all),
        };
        for shown in shown {
            line(&shown);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The pairs of a stack, or the one with this name.
///
/// # Errors
/// There is none of this name.
pub(crate) fn of_name(stack: &Stack, only: Option<&str>) -> Result<Vec<Pair>> {
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
