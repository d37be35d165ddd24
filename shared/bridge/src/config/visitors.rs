//! The sources of visitor events in the configuration file.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow};
use connector_signal::{SignalPreferences, SourcePreferences};
use model::{System, SystemKind};
use serde::Deserialize;
use serde_json::{Value, json};

use super::accounts::{listed, main_name};

/// Who sends visitor events, and what they do.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// The name of the system, part of every key.
    #[serde(default = "main_name")]
    pub name: String,
    /// The sources by their names.
    #[serde(default)]
    pub sources: BTreeMap<String, Source>,
    /// What differs from the defaults; what is special about a source stands with the source.
    #[serde(default)]
    pub preferences: SignalPreferences,
}

/// One source.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    #[serde(default)]
    keys: Vec<String>,
    #[serde(default)]
    keys_env: Vec<String>,
    #[serde(default)]
    hmac_secrets: Vec<String>,
    #[serde(default)]
    hmac_secrets_env: Vec<String>,
    #[serde(default)]
    browser_origins: Vec<String>,
}

impl std::fmt::Debug for Signal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signal").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Signal {
    /// The name of the system.
    ///
    /// # Errors
    /// It is none.
    pub fn system(&self) -> Result<System> {
        System::new(SystemKind::Signal, &self.name).map_err(|error| anyhow!("signal.name: {error}"))
    }

    /// The keys, in the shape that Secrets Manager holds.
    ///
    /// # Errors
    /// A variable that it names is not set, or a source has no key.
    pub fn secret(&self) -> Result<Value> {
        let mut sources = serde_json::Map::new();
        for (name, source) in &self.sources {
            let at = |key: &str| format!("signal.sources.{name}.{key}");
            let keys = listed(&at("keys_env"), &source.keys, &source.keys_env)?;
            let secrets = listed(&at("hmac_secrets_env"), &source.hmac_secrets, &source.hmac_secrets_env)?;
            let is_empty = keys.iter().chain(&secrets).all(String::is_empty);
            let help = "write its keys in `keys`, or the secrets with which it signs in `hmac_secrets`";
            (!is_empty).then_some(()).with_context(|| format!("{} has no key: {help}", at("keys")))?;
            sources.insert(name.clone(), json!({ "keys": keys, "hmac_secrets": secrets }));
        }
        Ok(json!({ "sources": sources }))
    }

    /// The settings, with what is special about each source.
    pub fn preferences(&self) -> SignalPreferences {
        let mut preferences = self.preferences.clone();
        for (name, source) in &self.sources {
            let of_source = SourcePreferences { browser_origins: source.browser_origins.clone() };
            preferences.sources.insert(name.clone(), of_source);
        }
        preferences
    }
}
