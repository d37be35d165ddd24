//! `bridge visitors`: what is set about visitor events on a stack, and other settings for it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use connector_signal::SignalPreferences;
use connector_signal::settings::preferences_key;
use model::SystemKind;

use crate::screen::line;
use crate::stack::{Stack, StackOptions};

/// How.
#[derive(Clone, Debug, Args)]
pub(crate) struct VisitorsOptions {
    /// Takes these settings from now on: a TOML file as the command prints it. What it does not name has its default.
    #[arg(long, value_name = "FILE")]
    pub(crate) set: Option<PathBuf>,
    /// The stack.
    #[command(flatten)]
    pub(crate) stack: StackOptions,
}

/// Runs the command.
pub(crate) async fn run(options: &VisitorsOptions) -> Result<ExitCode> {
    let stack = Stack::find(&options.stack).await?;
    let (store, system) = (stack.store()?, stack.environment.instance(SystemKind::Signal)?);
    let key = preferences_key(&system);
    if let Some(file) = &options.set {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let preferences = parse(&text).with_context(|| format!("in {}", file.display()))?;
        store.put_setting(&key, &preferences).await?;
    }
    let preferences: SignalPreferences = store.setting(&key).await?.unwrap_or_default();
    line(toml::to_string_pretty(&preferences)?.trim_end());
    Ok(ExitCode::SUCCESS)
}

fn parse(text: &str) -> Result<SignalPreferences> {
    Ok(toml::from_str(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_can_be_set_again_and_a_mistake_is_named() {
        let defaults = SignalPreferences::default();
        let printed = toml::to_string_pretty(&defaults).unwrap();
        assert_eq!(parse(&printed).unwrap(), defaults);
        assert_eq!(parse("page_minutes = 5").unwrap(), SignalPreferences { page_minutes: 5, ..defaults });
        let error = parse("page_minuts = 5").unwrap_err();
        assert!(format!("{error:#}").contains("page_minuts"));
    }
}
