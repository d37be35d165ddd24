//! A connector to a system: opened with its secret and preferences, its identity checked.

use aws::config::SystemConfig;
use aws::{DynamoStore, Secrets};
use model::System;
use sync::{Opens, StateStore as _};

use crate::not_ready::NotReady;

/// The key of the setting that holds what an administrator sets about a system.
pub fn preferences_key(system: &System) -> String {
    format!("system:{system}")
}

/// Opens a system, and compares what it says it is with what it said at first contact.
///
/// # Errors
/// The secret, the settings or the system cannot be read for now; or an administrator must act: credentials that are
/// refused, a setting that is none, a system that is another one than before.
pub async fn open<C: Opens>(
    config: &SystemConfig,
    secrets: &Secrets,
    store: &DynamoStore,
) -> Result<C, NotReady> {
    let secret: C::Secret = secrets.secret(&config.secret_arn).await?;
    let preferences = store.setting(&preferences_key(&config.system)).await?.unwrap_or_default();
    let connector = C::open(config.system.clone(), &config.url, secret, preferences)?;
    check_identity(store, &config.system, &connector.identity().await?).await?;
    Ok(connector)
}

/// A system that is suddenly another one must not be compared with the bases of the first.
async fn check_identity(store: &DynamoStore, system: &System, seen: &str) -> Result<(), NotReady> {
    let first = store.first_identity(system, seen).await?;
    if first == seen {
        return Ok(());
    }
    Err(NotReady::ByAdministrator {
        reason: "identity",
        detail: format!(
            "{system} was {first} at first contact and is {seen} now. Nothing is written before an administrator \
             confirms the change: put the old address or user back, or delete the setting identity#{system}"
        ),
    })
}
