//! The bridge command line, as a binary that the stories can start.
//!
//! `short-lived-up CONFIG DIR` is a stack of its own with short leases, for stories that kill it while it works: with
//! the real ones they would wait for a minute.
#![recursion_limit = "256"]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bridge::config::Config;
use scenarios::{Unusual, start_stack, webhook_url};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    match arguments.as_slice() {
        [program, verb, config, data] if verb == "short-lived-up" => {
            short_lived_up(&program.to_string_lossy(), Path::new(config), data.into())
        }
        _ => bridge::run(arguments),
    }
}

#[tokio::main]
async fn short_lived_up(program: &str, config: &Path, data: PathBuf) -> ExitCode {
    let config = match Config::read(config) {
        Ok(config) => config,
        Err(error) => {
            bridge::screen::error(&format!("{error:#}"));
            return ExitCode::FAILURE;
        }
    };
    let unusual = Unusual { data: Some(data), ..Unusual::short_lives() };
    let mut local = start_stack(program, &config, unusual).await;
    bridge::screen::line(&format!("POST {}", webhook_url(&local)));
    while local.events.recv().await.is_some() {}
    ExitCode::SUCCESS
}
