//! The commands and their options.

use std::path::PathBuf;

use crate::bench::BenchOptions;
use crate::dead_letters::DeadLettersCommand;
use crate::parked::ParkedCommand;
use crate::why::WhyOptions;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::doctor::DoctorOptions;
use crate::import::ImportArguments;
use crate::report::ReportCommand;
use crate::settings::SettingsCommand;
use crate::setup::SetupCommand;
use crate::stack::StackOptions;
use crate::visitor::VisitorOptions;
use crate::visitor_settings::VisitorsOptions;

/// Keeps coreBOS CRM in step with Mautic and HubSpot; this is the bridge on your own machine.
#[derive(Debug, Parser)]
#[command(name = "bridge", version, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Plays a story on stand-ins for Mautic, HubSpot and coreBOS, and shows what happens. Ends by itself.
    Demo(DemoOptions),
    /// Serves the webhook URLs and runs every function until Ctrl-C.
    Up(UpOptions),
    /// Invokes one function with an event file, once, and prints its answer and its log.
    Invoke(InvokeOptions),
    /// Brings the records that are there already in step, through the same decisions as changes.
    Import(ImportArguments),
    /// Why a record, or one field of it, is as it is on both sides, and what would happen next.
    Why(WhyOptions),
    /// What is set about visitor events; other settings for them.
    Visitors(VisitorsOptions),
    /// Who a visitor of a website is to the bridge, what they did, and what Mautic was told.
    Visitor(VisitorOptions),
    /// What both systems know about marketing and sales: campaigns, conversions, deal stages. Exit code 1 if something
    /// could not be seen.
    Report {
        #[command(subcommand)]
        command: ReportCommand,
    },
    /// Changes that were taken out of the flow: why, what to do, and back into it.
    Parked {
        #[command(subcommand)]
        command: ParkedCommand,
    },
    /// Messages that nobody could read, or that failed a thousand times.
    Deadletters {
        #[command(subcommand)]
        command: DeadLettersCommand,
    },
    /// Settings: what is set, what each means, and how to change it on a running stack.
    Settings {
        #[command(subcommand)]
        command: SettingsCommand,
    },
    /// The configuration file.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Makes coreBOS, Mautic or HubSpot ready for the bridge. Shows what it would do; does it with --apply; can be run again.
    Setup {
        #[command(subcommand)]
        command: SetupCommand,
    },
    /// Checks everything that has ever gone wrong and says what to do about it. Exit code 1 if there is a problem.
    Doctor(DoctorOptions),
    /// Field maps: finds the mistakes in them, tries them on a record, compares them with coreBOS's answers.
    Map {
        #[command(subcommand)]
        command: MapCommand,
    },
    /// Plays random schedules of everything that can happen between coreBOS and one or two other systems, against the
    /// algorithm itself, and checks what must hold. Exit code 1 if a claim breaks; the story of it is printed.
    Simulate(SimulateOptions),
    /// Lets people work in the stand-ins while everything around the bridge goes wrong: functions and the whole stack are
    /// killed, calls fail, notices are lost and repeated, clocks differ. Then lets everything come to rest and compares.
    /// Exit code 1 if anything was lost, made twice, written twice, or differs.
    Torment(TormentOptions),
    /// The stack that `torment` torments. It starts this itself.
    #[command(hide = true)]
    StackUnderTorment {
        /// What it is to be.
        spec: PathBuf,
    },
    /// Measures how fast the whole path is and what it costs, with the real functions and stand-ins for the systems, and
    /// whether every effect happened once. Exit code 1 if not. Wants a release build: cargo run --release -- bench
    Bench(BenchOptions),
    /// Runs one function over the Lambda Runtime API. The other commands start it.
    #[command(hide = true)]
    Function {
        /// Its name: `push-corebos`.
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Prints a commented configuration file.
    Example,
}

#[derive(Debug, Args)]
pub(crate) struct DemoOptions {
    /// Prints every log line of the functions as well.
    #[arg(long)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SimulateOptions {
    /// How many schedules are played.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub(crate) schedules: u64,
    /// The first one. Each schedule has a seed of its own, one after the other: with the seed of a counterexample and
    /// `--schedules 1` it is played again.
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct TormentOptions {
    /// How many runs, each with a world of its own. Without --minutes: 1.
    #[arg(long, value_name = "N")]
    pub(crate) runs: Option<u64>,
    /// The seed of the first run; each has its own, one after the other. What people and faults do is the same for the
    /// same seed, when they do it is not.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Begins no more runs after so many minutes.
    #[arg(long, value_name = "M")]
    pub(crate) minutes: Option<u64>,
    /// How much happens in a run.
    #[arg(long, value_name = "N", default_value_t = 80)]
    pub(crate) acts: usize,
    /// Torments coreBOS and Mautic only.
    #[arg(long)]
    pub(crate) without_hubspot: bool,
    /// Keeps queues and table in the folder for temporary files, for a look afterwards.
    #[arg(long)]
    pub(crate) keep_data: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UpOptions {
    /// The systems to connect, see `bridge config example`.
    #[arg(long, value_name = "FILE", required_unless_present = "simulators")]
    pub(crate) config: Option<PathBuf>,
    /// Starts stand-ins for coreBOS, Mautic and HubSpot instead of connecting real ones.
    #[arg(long, conflicts_with = "config")]
    pub(crate) simulators: bool,
    /// Keeps queues and table in this folder. Without it everything is gone at the end.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Port of the webhook URLs on 127.0.0.1; the stand-ins take the three ports behind it.
    #[arg(long, value_name = "N", default_value_t = 8787)]
    pub(crate) port: u16,
    /// Accepts that a system has another URL or user than at first contact.
    #[arg(long)]
    pub(crate) confirm_identity: bool,
    /// Prints every log line of the functions as well.
    #[arg(long)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Args)]
pub(crate) struct InvokeOptions {
    /// The function: `webhook-mautic`, `push-corebos`.
    pub(crate) function: String,
    /// A JSON file with the event, such as those in `events/`.
    pub(crate) event: PathBuf,
    /// The systems to connect; without it stand-ins are used that know the people of the sample events.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MapCommand {
    /// Finds the mistakes in maps. Exit code 1 if there are errors; warnings are no errors.
    Check(CheckOptions),
    /// Prints what a map makes of a record, as JSON.
    Apply(ApplyOptions),
    /// Runs recorded cases and prints every answer that is not coreBOS's. Exit code 1 if there is one.
    Verify(VerifyOptions),
    /// The maps of a stack: where each is from, since when it is in use, what is wrong with it. Exit code 1 if one cannot
    /// be used, or an edit of it.
    List(MapListOptions),
    /// Prints a map that is in use, as XML.
    Show(MapShowOptions),
}

#[derive(Debug, Args)]
pub(crate) struct MapListOptions {
    /// Prints everything as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) stack: StackOptions,
}

#[derive(Debug, Args)]
pub(crate) struct MapShowOptions {
    /// Its name: `ContactsToMautic`.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) stack: StackOptions,
}

#[derive(Debug, Args)]
pub(crate) struct CheckOptions {
    /// Maps, and folders with maps (`*.xml`, in their subfolders too). Maps that belong together, such as
    /// `ContactsToMautic.xml` and `MauticToContacts.xml`, are also checked for what does not come back.
    #[arg(required = true, value_name = "FILE_OR_FOLDER")]
    pub(crate) paths: Vec<PathBuf>,
    /// How the findings are printed.
    #[arg(long, value_enum, default_value_t = CheckFormat::Human)]
    pub(crate) format: CheckFormat,
    /// The fields that a system really has, custom ones included, instead of the bundled list of stock
    /// fields: the answer of coreBOS's `describe`, Mautic's `/api/fields/contact` or HubSpot's
    /// `/crm/v3/properties/contacts`, in a file. OBJECT is one of corebos-accounts, corebos-contacts,
    /// corebos-leads, corebos-potentials, mautic-company, mautic-contact, hubspot-company, hubspot-contact,
    /// hubspot-deal; or `source` or `target` for whatever the maps read or make.
    #[arg(long, value_name = "OBJECT=FILE")]
    pub(crate) schema: Vec<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// As a compiler does it: the place, what is wrong, the line, what was probably meant.
    Human,
    /// One JSON array with an object per finding.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct ApplyOptions {
    /// The map.
    #[arg(long, value_name = "FILE")]
    pub(crate) map: PathBuf,
    /// The record: a JSON object with its fields; or an object with the record as `record` and the records it
    /// refers to, by their web service ids, as `related`. With `"mode": "record"` and a `module`, it is
    /// evaluated as a record of coreBOS, and DEFAULT reads the bag `source`.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: PathBuf,
    /// What the target has already: a JSON object. What the map makes is put onto it.
    #[arg(long, value_name = "FILE")]
    pub(crate) target: Option<PathBuf>,
    /// What the map means.
    #[arg(long, value_enum, default_value_t = SemanticsOption::Bridge)]
    pub(crate) semantics: SemanticsOption,
    /// The time for maps that read the clock, such as 2026-11-21T09:30:00Z. Without it, now.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<jiff::Timestamp>,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyOptions {
    /// Files with one case per line, each a JSON object with `id`, `feature` and `result`, and with `map`,
    /// `source` and `target` (inbound), `expr` and `env` (expressions), or `map`, `record`, `related`, `mode`
    /// and `target` (outbound).
    #[arg(required = true, value_name = "CASES.jsonl")]
    pub(crate) cases: Vec<PathBuf>,
    /// What the maps and expressions mean.
    #[arg(long, value_enum, default_value_t = SemanticsOption::Corebos)]
    pub(crate) semantics: SemanticsOption,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum SemanticsOption {
    /// What coreBOS answers wherever that is usable, and better where it is not.
    Bridge,
    /// Exactly what coreBOS answers, oddities and failures included.
    Corebos,
}
