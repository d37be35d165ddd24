//! The commands and their options.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Keeps coreBOS CRM in step with Mautic; this is the bridge on your own machine.
#[derive(Debug, Parser)]
#[command(name = "bridge", version, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Plays a story on stand-ins for Mautic and coreBOS, and shows what happens. Ends by itself.
    Demo(DemoOptions),
    /// Serves the webhook URLs and runs every function until Ctrl-C.
    Up(UpOptions),
    /// Invokes one function with an event file, once, and prints its answer and its log.
    Invoke(InvokeOptions),
    /// The configuration file.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
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
pub(crate) struct UpOptions {
    /// The systems to connect, see `bridge config example`.
    #[arg(long, value_name = "FILE", required_unless_present = "simulators")]
    pub(crate) config: Option<PathBuf>,
    /// Starts stand-ins for coreBOS and Mautic instead of connecting real ones.
    #[arg(long, conflicts_with = "config")]
    pub(crate) simulators: bool,
    /// Keeps queues and table in this folder. Without it everything is gone at the end.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Port of the webhook URLs on 127.0.0.1; the stand-ins take the two ports behind it.
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
