//! The `bridge` command line: the coreBOS bridge on this machine, without an AWS account.
//!
//! It serves what the functions need from AWS (the crate `embedded-aws`), links the functions themselves, and starts
//! itself once per function, so that the code that runs here is the code that is deployed.
#![recursion_limit = "256"]

mod arguments;
mod bench;
pub mod config;
mod dead_letters;
mod demo;
pub mod doctor;
mod functions;
mod import;
mod invoke;
pub mod journal;
pub mod local;
mod map;
mod parked;
mod progress;
pub mod recorded;
pub mod report;
pub mod screen;
pub mod settings;
pub mod setup;
mod simulate;
pub mod simulated;
pub mod site;
pub mod stack;
mod times;
mod torment;
mod up;
pub mod visitor;
mod visitor_settings;
mod why;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command, ConfigCommand};

/// Runs a command line and gives the exit code: 0 done, 1 failed, 2 wrong usage.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are not errors; clap knows where each belongs.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    if let Command::Function { name } = &arguments.command {
        return functions::run(name);
    }
    if let Command::Map { command } = &arguments.command
        && let Some(done) = map::run(command)
    {
        return done.unwrap_or_else(|error| failed(&error));
    }
    if let Command::Simulate(options) = &arguments.command {
        return simulate::simulate(options);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let done = runtime.block_on(async {
        match arguments.command {
            Command::Up(options) => up::up(options).await,
            Command::Demo(options) => demo::demo(options).await,
            Command::Bench(options) => Box::pin(bench::bench(options)).await,
            Command::Invoke(options) => invoke::invoke(options).await,
            Command::Import(options) => import::run(options).await,
            Command::Why(options) => why::why(options).await,
            Command::Visitors(options) => visitor_settings::run(&options).await,
            Command::Visitor(options) => Box::pin(visitor::run(&options)).await,
            Command::Parked { command } => parked::run(command).await,
            Command::Deadletters { command } => dead_letters::run(command).await,
            Command::Settings { command } => Box::pin(settings::run(command)).await,
            Command::Config { command: ConfigCommand::Example } => {
                screen::line(config::EXAMPLE.trim_end());
                Ok(ExitCode::SUCCESS)
            }
            Command::Report { command } => Box::pin(report::run(&command)).await,
            Command::Doctor(options) => Box::pin(doctor::run(&options)).await,
            Command::Setup { command } => Box::pin(setup::run(&command)).await,
            Command::Map { command } => Box::pin(map::run_on_stack(&command)).await,
            Command::Torment(options) => Box::pin(torment::torment(&options)).await,
            Command::StackUnderTorment { spec } => Box::pin(torment::stack::run(&spec)).await,
            Command::Function { .. } | Command::Simulate(_) => Ok(ExitCode::SUCCESS),
        }
    });
    // What still runs in the background has nothing to say any more.
    runtime.shutdown_background();
    done.unwrap_or_else(|error| failed(&error))
}

fn failed(error: &anyhow::Error) -> ExitCode {
    screen::error(&format!("{error:#}"));
    ExitCode::FAILURE
}
