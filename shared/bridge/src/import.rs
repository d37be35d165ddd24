//! `bridge import`: brings an existing stock of records in step, through the decisions of pushes.

mod progress;
mod summary;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use connector_corebos::CoreBos;
use connector_hubspot::HubSpot;
use connector_mautic::Mautic;
use model::{Direction, PairKind, SystemKind};
use sync::import::{Ended, Foreseen, ImportError, ImportOptions, Imported, Scope, import, preview};
use sync::{Opens, pair_spec};
use wiring::{ImportPorts, PushPorts, ToHub, ToRemote, Way};

use crate::screen::{CARE, DIM, line, styled};
use crate::stack::{Stack, StackOptions};
use progress::Shown;

/// How often a lease that may be a dead one's is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// The exit code of a command that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

/// What `bridge import` is told.
#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// The pairs. Companies go first, since contacts belong to them, and deals last.
    #[arg(long, value_enum, required = true, value_delimiter = ',')]
    pair: Vec<PairChoice>,
    /// The system whose records are gone through, and told to the other one.
    #[arg(long, value_enum)]
    from: SystemChoice,
    /// Writes nothing: counts what would happen, and shows the first differences.
    #[arg(long)]
    dry_run: bool,
    /// Only linked records that have a field whose definition in the map was edited since it was settled: the edited
    /// map is applied to them. Try it with --dry-run first.
    #[arg(long)]
    changed: bool,
    /// Begins at the first record, although an earlier import has left off in the middle.
    #[arg(long, conflicts_with = "dry_run")]
    restart: bool,
    /// Ends after so many records of each pair.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// How many records are done at once.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=100))]
    parallel: u8,
    /// How many differences a dry run shows.
    #[arg(long, value_name = "N", default_value_t = 20)]
    show: usize,
    #[command(flatten)]
    stack: StackOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum PairChoice {
    /// coreBOS Accounts and Mautic companies.
    #[value(alias = "mautic-companies")]
    Companies,
    /// coreBOS Contacts and Mautic contacts.
    #[value(alias = "mautic-contacts")]
    Contacts,
    /// coreBOS Accounts and HubSpot companies.
    HubspotCompanies,
    /// coreBOS Contacts and HubSpot contacts.
    HubspotContacts,
    /// coreBOS Leads and HubSpot contacts that are early in their life.
    HubspotLeads,
    /// coreBOS Leads and HubSpot's lead records, beside the contacts that they belong to.
    HubspotLeadObjects,
    /// coreBOS Potentials and HubSpot deals, which belong to companies and contacts.
    HubspotDeals,
}

impl PairChoice {
    fn kind(self) -> PairKind {
        match self {
            Self::Companies => PairKind::MauticCompanies,
            Self::Contacts => PairKind::MauticContacts,
            Self::HubspotCompanies => PairKind::HubSpotCompanies,
            Self::HubspotContacts => PairKind::HubSpotContacts,
            Self::HubspotLeads => PairKind::HubSpotLeads,
            Self::HubspotLeadObjects => PairKind::HubSpotLeadObjects,
            Self::HubspotDeals => PairKind::HubSpotDeals,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SystemChoice {
    Mautic,
    Hubspot,
    Corebos,
}

/// Imports.
pub(crate) async fn run(arguments: ImportArguments) -> Result<ExitCode> {
    let stack = Stack::find(&arguments.stack).await?;
    let stops = Arc::new(AtomicBool::new(false));
    tokio::spawn(stop_at_ctrl_c(stops.clone()));
    let mut pairs = arguments.pair.clone();
    pairs.sort_unstable();
    pairs.dedup();
    let mut code = ExitCode::SUCCESS;
    for pair in pairs {
        let (kind, from) = (pair.kind(), arguments.from);
        let outcome = match (pair_spec(kind).remote_kind, from) {
            (SystemKind::HubSpot, SystemChoice::Hubspot) => {
                Box::pin(one::<ToHub<CoreBos, HubSpot>, _>(&arguments, &stack, kind, &stops)).await?
            }
            (SystemKind::HubSpot, SystemChoice::Corebos) => {
                Box::pin(one::<ToRemote<CoreBos, HubSpot>, _>(&arguments, &stack, kind, &stops)).await?
            }
            (SystemKind::Mautic, SystemChoice::Mautic) => {
                Box::pin(one::<ToHub<CoreBos, Mautic>, _>(&arguments, &stack, kind, &stops)).await?
            }
            (SystemKind::Mautic, SystemChoice::Corebos) => {
                Box::pin(one::<ToRemote<CoreBos, Mautic>, _>(&arguments, &stack, kind, &stops)).await?
            }
            (remote, _) => {
                let (pair, remote) = (kind.as_str(), remote.as_str());
                bail!("{pair} is between coreBOS and {remote}: write --from {remote} or --from corebos")
            }
        };
        match outcome {
            Outcome::InStep => {}
            Outcome::Unfinished => code = ExitCode::FAILURE,
            Outcome::Stopped => return Ok(ExitCode::FAILURE),
            Outcome::Interrupted => return Ok(ExitCode::from(INTERRUPTED)),
        }
    }
    Ok(code)
}

/// What an import of one pair comes to.
enum Outcome {
    InStep,
    /// Something was parked, or left to the push function.
    Unfinished,
    /// It could not go on.
    Stopped,
    Interrupted,
}

async fn one<W: Way<Hub = CoreBos, Remote = R>, R: Opens>(
    arguments: &ImportArguments,
    stack: &Stack,
    kind: PairKind,
    stops: &Arc<AtomicBool>,
) -> Result<Outcome>
where
    W::Source: sync::Stock,
    W::Target: sync::Stock,
{
    let remote = pair_spec(kind).remote_kind;
    let ports = PushPorts::<CoreBos, R>::new(&stack.environment, stack.clients.clone(), remote)?;
    let lanes = usize::from(arguments.parallel);
    let ports = ImportPorts::open(ports, kind, W::DIRECTION, lanes, arguments.changed).await?;
    if !arguments.dry_run {
        ports.may_write().await?;
    }
    let scope = if arguments.changed { Scope::EditedMaps } else { Scope::Stock };
    let options = ImportOptions {
        scope,
        restart: arguments.restart,
        limit: arguments.limit,
        candidates: ports.candidates().await?,
        ..ImportOptions::new(uuid::Uuid::new_v4().simple().to_string())
    };
    let context = ports.context();
    let title = summary::title(context, W::DIRECTION);
    let shown = Shown::new(
        &title,
        stops.clone(),
        arguments.dry_run.then_some(arguments.show),
        map_name(&ports, W::DIRECTION),
    );
    let lanes = ports.environments::<W>();
    let begun = Instant::now();
    if arguments.dry_run {
        let foreseen = Box::pin(preview(&lanes, &options, &shown)).await;
        shown.end();
        summary::foreseen(&title, &foreseen, arguments.changed);
        return Ok(after_preview(&foreseen));
    }
    let imported = begin(&lanes, ports.store(), &options, &shown).await;
    shown.end();
    let imported = imported?;
    summary::imported(&title, &imported, begun.elapsed(), kind);
    Ok(after_import(&imported))
}

/// Begins as soon as the lease of one that was killed has ended.
async fn begin<W: Way<Hub = CoreBos>>(
    lanes: &[sync::Environment<'_, W>],
    store: &aws::DynamoStore,
    options: &ImportOptions,
    shown: &Shown,
) -> Result<Imported>
where
    W::Source: sync::Stock,
    W::Target: sync::Stock,
{
    let mut held_until = None;
    loop {
        let until = match Box::pin(import(lanes, store, options, shown)).await {
            Ok(imported) => return Ok(imported),
            Err(ImportError::Busy { until }) => until,
            Err(error) => return Err(error.into()),
        };
        match held_until {
            None => shown.say(&styled(
                DIM,
                "this import is under way elsewhere, or was killed a moment ago: waiting to see which",
            )),
            // Only somebody who is alive takes his lease again.
            Some(before) if before != until => bail!(
                "this import is under way elsewhere; wait until it is done, or end it there with Ctrl-C"
            ),
            Some(_) => {}
        }
        held_until = Some(until);
        if shown.is_stopped() {
            bail!("ended before it began");
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

fn map_name<R: Opens>(ports: &ImportPorts<CoreBos, R>, direction: Direction) -> &'static str {
    let spec = ports.context().spec;
    match direction {
        Direction::ToHub => spec.map_to_hub,
        Direction::ToRemote => spec.map_to_remote,
    }
}

fn after_preview(foreseen: &Foreseen) -> Outcome {
    match foreseen.ended {
        Ended::Complete | Ended::Limit => Outcome::InStep,
        Ended::Interrupted => Outcome::Interrupted,
        Ended::LeaseLost | Ended::Away { .. } | Ended::Stopped { .. } => Outcome::Stopped,
    }
}

fn after_import(imported: &Imported) -> Outcome {
    match imported.ended {
        Ended::Complete | Ended::Limit => {
            let unfinished = imported.tally.of("parked") + imported.tally.of("left");
            if unfinished == 0 { Outcome::InStep } else { Outcome::Unfinished }
        }
        Ended::Interrupted => Outcome::Interrupted,
        Ended::LeaseLost | Ended::Away { .. } | Ended::Stopped { .. } => Outcome::Stopped,
    }
}

/// The first Ctrl-C lets the records under way finish; after the second one nothing is waited for.
async fn stop_at_ctrl_c(stops: Arc<AtomicBool>) {
    crate::up::interrupted().await;
    stops.store(true, Ordering::SeqCst);
    line(&styled(CARE, "ending after the records under way; Ctrl-C again ends at once"));
    crate::up::interrupted().await;
    std::process::exit(i32::from(INTERRUPTED));
}
