//! `bridge settings confirm-identity`: a system has another address or user than at first contact.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use aws::config::SystemConfig;
use aws::{DynamoStore, SystemClock};
use connector_corebos::CoreBos;
use connector_mautic::Mautic;
use connector_wordpress::WordPress;
use model::SystemKind;
use serde_json::json;
use sync::{Clock as _, Opens};

use super::change::who;
use crate::screen::{BOLD, clean, line, styled};
use crate::stack::Stack;

pub(super) async fn confirm(stack: &Stack, named: &str, apply: bool) -> Result<ExitCode> {
    let config = config_of(stack, named)?;
    let store = stack.store()?;
    let key = aws::store::keys::identity_setting(&config.system);
    let stored = store.stored_setting(&key).await?;
    let first = stored.as_ref().and_then(|stored| stored.value.as_str());
    let now = match config.system.kind() {
        SystemKind::CoreBos => identity::<CoreBos>(stack, &store, &config).await?,
        SystemKind::Mautic => identity::<Mautic>(stack, &store, &config).await?,
        SystemKind::WordPress => identity::<WordPress>(stack, &store, &config).await?,
        other => bail!("{} has no identity to confirm", other.as_str()),
    };
    line(&styled(BOLD, &config.system.to_string()));
    line(&format!("  at first contact  {}", first.map_or_else(|| "never met".to_owned(), clean)));
    line(&format!("  now               {}", clean(&now)));
    if first == Some(now.as_str()) {
        line("Nothing to confirm.");
        return Ok(ExitCode::SUCCESS);
    }
    if stored.is_none() {
        line("Nothing to confirm: the first contact is still to come.");
        return Ok(ExitCode::SUCCESS);
    }
    if !apply {
        line(
            "Its pairs are stopped. If this is the same system under another address or user, confirm it with --apply.",
        );
        line(
            "If it is another system, do not: its records would be compared with what was settled with the first one.",
        );
        return Ok(ExitCode::SUCCESS);
    }
    let by = (SystemClock.now(), who());
    if !store.change_setting(&key, stored.as_ref(), Some(&json!(now)), (by.0, &by.1)).await? {
        bail!("the identity of {} was confirmed by somebody else meanwhile; look again", config.system);
    }
    line("Confirmed. Its pairs go on within a minute.");
    Ok(ExitCode::SUCCESS)
}

/// The system that is meant: by its kind, with or without the name of the instance.
fn config_of(stack: &Stack, named: &str) -> Result<SystemConfig> {
    let mut configs: Vec<SystemConfig> =
        SystemKind::ALL.into_iter().filter_map(|kind| stack.environment.system(kind).ok()).collect();
    configs.extend(crate::site::sites(&stack.environment)?);
    let is =
        |config: &&SystemConfig| named == config.system.kind().as_str() || named == config.system.to_string();
    let known: Vec<&str> = configs.iter().map(|config| config.system.kind().as_str()).collect();
    let known = known.join(", ");
    configs
        .iter()
        .find(is)
        .cloned()
        .with_context(|| format!("{} has no system {named}: there are {known}", stack.name))
}

async fn identity<C: Opens>(stack: &Stack, store: &DynamoStore, config: &SystemConfig) -> Result<String> {
    let system: C = wiring::systems::connect(config, &stack.secrets(), store).await?;
    Ok(system.identity().await?)
}
