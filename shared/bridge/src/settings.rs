//! `bridge settings`: what is set, what each setting means, and how to change it, on a running stack.

mod change;
mod identity;
mod table;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::screen::{BAD, BOLD, CARE, DIM, NAME, clean, line, styled};
use crate::stack::{Stack, StackOptions};
use crate::times::shown;
use crate::why::{Cell, lines};

pub use table::{Stored, problems_of};

/// How long functions use what they have read: they say so themselves.
const IN_EFFECT: &str = "In effect within a minute, without a deployment.";

#[derive(Debug, Subcommand)]
pub(crate) enum SettingsCommand {
    /// All settings with their values and meanings. Exit code 1 if something in the table is wrong or unknown.
    List(ListOptions),
    /// One setting in full.
    Get(GetOptions),
    /// Changes a setting. What cannot be meant is refused.
    Set(SetOptions),
    /// Lets the default of a setting hold again; also removes what `list` shows as wrong or unknown.
    Unset(UnsetOptions),
    /// Accepts that a system has another address or user than at first contact. Shows both; does it with --apply.
    ConfirmIdentity(IdentityOptions),
}

#[derive(Debug, Args)]
pub(crate) struct ListOptions {
    /// Only the settings of this pair: `mautic-contacts`.
    #[arg(long, value_name = "PAIR")]
    pair: Option<String>,
    /// Only what is set.
    #[arg(long)]
    set: bool,
    /// Prints everything as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stack: StackOptions,
}

#[derive(Debug, Args)]
pub(crate) struct GetOptions {
    /// Its name, as `list` gives it, or coreBOS's own: `mautic_isactive`.
    #[arg(value_name = "NAME")]
    name: String,
    /// Prints everything as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stack: StackOptions,
}

#[derive(Debug, Args)]
pub(crate) struct SetOptions {
    /// Its name, as `list` gives it, or coreBOS's own: `mautic_isactive`.
    #[arg(value_name = "NAME")]
    name: String,
    /// Its new value; @FILE is what the file holds.
    #[arg(value_name = "VALUE", allow_hyphen_values = true)]
    value: String,
    #[command(flatten)]
    stack: StackOptions,
}

#[derive(Debug, Args)]
pub(crate) struct UnsetOptions {
    /// Its name, as `list` gives it, or coreBOS's own: `mautic_isactive`.
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    stack: StackOptions,
}

#[derive(Debug, Args)]
pub(crate) struct IdentityOptions {
    /// The system: `mautic`, `corebos`.
    #[arg(value_name = "SYSTEM")]
    system: String,
    /// Does what is shown otherwise.
    #[arg(long)]
    apply: bool,
    #[command(flatten)]
    stack: StackOptions,
}

pub(crate) async fn run(command: SettingsCommand) -> Result<ExitCode> {
    match command {
        SettingsCommand::List(options) => list(&options).await,
        SettingsCommand::Get(options) => get(&options).await,
        SettingsCommand::Set(options) => {
            let stack = Stack::find(&options.stack).await?;
            change::set(&stack, &options.name, &options.value).await
        }
        SettingsCommand::Unset(options) => {
            let stack = Stack::find(&options.stack).await?;
            change::unset(&stack, &options.name).await
        }
        SettingsCommand::ConfirmIdentity(options) => {
            let stack = Stack::find(&options.stack).await?;
            identity::confirm(&stack, &options.system, options.apply).await
        }
    }
}

async fn list(options: &ListOptions) -> Result<ExitCode> {
    let stack = Stack::find(&options.stack).await?;
    // Refuses a pair that is none.
    let pairs = crate::why::of_name(&stack, options.pair.as_deref())?;
    let stored = Stored::read(&stack).await?;
    let of_pair = |pair| options.pair.is_none() || pairs.iter().any(|known| Some(known.kind) == pair);
    let chosen = stored.places.iter().filter(|place| of_pair(place.pair));
    let chosen: Vec<_> = chosen.filter(|place| !options.set || stored.set(place).is_some()).collect();
    let problems = stored.problems();
    let exit = if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if options.json {
        let settings: Vec<_> = chosen.into_iter().map(|place| stored.as_json(place)).collect();
        let problems: Vec<_> = problems
            .iter()
            .map(|wrong| json!({ "name": wrong.name, "key": wrong.key, "field": wrong.field, "problem": wrong.problem }))
            .collect();
        line(&serde_json::to_string_pretty(&json!({ "settings": settings, "problems": problems }))?);
        return Ok(exit);
    }
    let mut rows =
        vec![["setting", "value", "meaning"].map(|text| Cell::new(text, 20).in_style(DIM)).to_vec()];
    for place in chosen {
        let (value, style) = match stored.set(place) {
            Some(value) => (format!("{} (set)", place.setting.kind.show(value)), BOLD),
            None => (place.setting.default.to_owned(), DIM),
        };
        rows.push(vec![
            Cell::new(&place.name, 60).in_style(NAME),
            Cell::new(&value, 40).in_style(style),
            Cell::new(place.setting.meaning, 200),
        ]);
    }
    for shown in lines(&rows, "") {
        line(&shown);
    }
    line("");
    line(&format!(
        "What may be written, and by whom it was set: {}",
        styled(NAME, "bridge settings get NAME")
    ));
    for wrong in &problems {
        line(&styled(BAD, &clean(&wrong.to_string())));
    }
    if let Some(wrong) = problems.first() {
        line(&format!(
            "  {} removes one",
            styled(NAME, &format!("bridge settings unset '{}'", clean(&wrong.name)))
        ));
    }
    Ok(exit)
}

async fn get(options: &GetOptions) -> Result<ExitCode> {
    let stack = Stack::find(&options.stack).await?;
    let stored = Stored::read(&stack).await?;
    let place = sync::settings::find(&stored.places, &options.name)?;
    if options.json {
        line(&serde_json::to_string_pretty(&stored.as_json(place))?);
        return Ok(ExitCode::SUCCESS);
    }
    let setting = place.setting;
    let value = match stored.set(place) {
        Some(value) => setting.kind.show(value),
        None => format!("{} (the default)", setting.default),
    };
    line(&format!("{}: {}", styled(NAME, &place.name), styled(BOLD, &clean(&value))));
    line(&format!("  {}", setting.meaning));
    line(&format!("  may be    {}", setting.kind.allowed()));
    line(&format!("  default   {}", setting.default));
    if let Some(known_as) = place.known_as {
        line(&format!("  coreBOS   {known_as}"));
    }
    line(&format!("  stored    {}", styled(DIM, &table::stored_as(place))));
    if let Some((at, by)) = stored.changed(place) {
        line(&format!("  changed   {} by {} (something in {})", shown(*at), clean(by), place.key));
    }
    for wrong in stored.problems().iter().filter(|wrong| wrong.key == place.key) {
        line(&styled(CARE, &clean(&wrong.to_string())));
    }
    Ok(ExitCode::SUCCESS)
}
