//! A connector to a system: opened with its secret and preferences, its identity checked.

use std::sync::Arc;

use aws::config::SystemConfig;
use aws::secrets::SecretPlace;
use aws::{DynamoBudget, DynamoSessions, DynamoStore, Secrets};
use model::System;
use serde_json::Value;
use sync::settings::{self, SystemSettings};
use sync::{ConnectorError, Opens, Shared, StateStore as _};

use crate::not_ready::NotReady;

/// What an administrator has set about a system: the bridge's part, and what its connector reads.
///
/// # Errors
/// The table does not answer; or a setting is unknown or cannot be meant.
pub async fn settings_of(store: &DynamoStore, system: &System) -> Result<(SystemSettings, Value), NotReady> {
    let stored = store.setting(&settings::system_key(system)).await?;
    Ok(settings::system_settings(system, stored)?)
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
    let connector: C = connect(config, secrets, store).await?;
    check_identity(store, &config.system, &connector.identity().await?).await?;
    Ok(connector)
}

/// Credentials that are incomplete stand in a secret, and an administrator must find it.
fn naming_the_secret(error: ConnectorError, place: &SecretPlace) -> ConnectorError {
    match error {
        ConnectorError::Unauthorized { detail } => {
            ConnectorError::Unauthorized { detail: format!("{detail} (secret {place})") }
        }
        other => other,
    }
}

/// Opens a system, whoever it is: for an administrator who looks at it. Calls nobody.
///
/// # Errors
/// The secret or the settings cannot be read for now, or are not what is needed.
pub async fn connect<C: Opens>(
    config: &SystemConfig,
    secrets: &Secrets,
    store: &DynamoStore,
) -> Result<C, NotReady> {
    let (secret, text) = secrets.secret_with_text::<C::Secret>(&config.secret).await?;
    let (_, preferences) = settings_of(store, &config.system).await?;
    // The table of settings has allowed all of it; this is for a row that does not fit what the connector reads.
    let preferences = serde_json::from_value(preferences).map_err(|error| NotReady::ByAdministrator {
        reason: "configuration",
        detail: format!("the settings of {} cannot be used: {error}", config.system),
    })?;
    let shared = Shared {
        sessions: Arc::new(DynamoSessions::new(store.clone(), &text)),
        budget: Arc::new(DynamoBudget::new(store.clone())),
    };
    let opened = C::open(config.system.clone(), &config.url, secret, preferences, shared);
    Ok(opened.map_err(|error| naming_the_secret(error, &config.secret))?)
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
             confirms the change: put the old address or user back, or confirm it with `bridge settings \
             confirm-identity {}`",
            system.kind().as_str()
        ),
    })
}
