//! The configuration file of the embedded stack: which systems there are and how to reach them.
//!
//! On AWS the same facts are parameters of the template and secrets in Secrets Manager.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use model::{PairKind, System, SystemKind};
use serde::Deserialize;
use sync::PairSettings;

/// What `bridge config example` prints.
pub const EXAMPLE: &str = include_str!("config.example.toml");

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The coreBOS instance.
    pub corebos: CoreBos,
    /// The Mautic instance.
    pub mautic: Mautic,
    /// Settings by pair: `[settings.mautic-contacts]`.
    #[serde(default)]
    pub settings: BTreeMap<String, PairSettings>,
    /// Field maps that take over from the shipped ones: name to file, relative to this file.
    #[serde(default)]
    pub maps: BTreeMap<String, PathBuf>,
    /// Where relative paths start.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// How to reach coreBOS.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoreBos {
    #[serde(default = "main_name")]
    /// The name of the instance, part of every key.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// The bridge's user there.
    pub username: String,
    /// The owner of new records; the bridge's user without it.
    pub default_owner: Option<String>,
    access_key: Option<String>,
    access_key_env: Option<String>,
    #[serde(default)]
    webhook_keys: Vec<String>,
    #[serde(default)]
    webhook_keys_env: Vec<String>,
}

/// How to reach Mautic.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mautic {
    #[serde(default = "main_name")]
    /// The name of the instance, part of every key.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// The bridge's user there.
    pub username: String,
    password: Option<String>,
    password_env: Option<String>,
    #[serde(default)]
    webhook_secrets: Vec<String>,
    #[serde(default)]
    webhook_secrets_env: Vec<String>,
}

fn main_name() -> String {
    "main".to_owned()
}

impl std::fmt::Debug for CoreBos {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CoreBos").field("name", &self.name).field("url", &self.url).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Mautic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mautic").field("name", &self.name).field("url", &self.url).finish_non_exhaustive()
    }
}

impl Config {
    /// Reads a configuration file.
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Self::parse(&text, folder).with_context(|| format!("in {}", path.display()))
    }

    /// Reads the text of a configuration file.
    pub fn parse(text: &str, folder: PathBuf) -> Result<Self> {
        // The parser quotes the line it stumbles over, and that line may hold a secret.
        let mut config: Self = toml::from_str(text).map_err(|error| {
            let line =
                error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            anyhow!("line {line}: {}", error.message())
        })?;
        config.folder = folder;
        config.corebos_system()?;
        config.mautic_system()?;
        check_url("corebos.url", &config.corebos.url)?;
        check_url("mautic.url", &config.mautic.url)?;
        for name in config.settings.keys() {
            if !PairKind::ALL.iter().any(|pair| pair.as_str() == name) {
                let known = PairKind::ALL.map(PairKind::as_str).join(", ");
                bail!("[settings.{name}]: there is no such pair; the pairs are {known}");
            }
        }
        for name in config.maps.keys() {
            if mapping::shipped::find(name).is_none() {
                bail!("[maps] {name}: no pair uses a map of this name");
            }
        }
        Ok(config)
    }

    /// The name of the coreBOS instance.
    pub fn corebos_system(&self) -> Result<System> {
        System::new(SystemKind::CoreBos, &self.corebos.name).map_err(|error| anyhow!("corebos.name: {error}"))
    }

    /// The name of the Mautic instance.
    pub fn mautic_system(&self) -> Result<System> {
        System::new(SystemKind::Mautic, &self.mautic.name).map_err(|error| anyhow!("mautic.name: {error}"))
    }

    /// The secret of coreBOS, in the shape that Secrets Manager holds.
    pub fn corebos_secret(&self) -> Result<serde_json::Value> {
        let key = one(
            "corebos.access_key",
            self.corebos.access_key.as_deref(),
            self.corebos.access_key_env.as_deref(),
        )?;
        let mut keys = self.corebos.webhook_keys.clone();
        for variable in &self.corebos.webhook_keys_env {
            keys.push(variable_value("corebos.webhook_keys_env", variable)?);
        }
        Ok(serde_json::json!({ "username": self.corebos.username, "access_key": key, "webhook_keys": keys }))
    }

    /// The secret of Mautic, in the shape that Secrets Manager holds.
    pub fn mautic_secret(&self) -> Result<serde_json::Value> {
        let password =
            one("mautic.password", self.mautic.password.as_deref(), self.mautic.password_env.as_deref())?;
        let mut secrets = self.mautic.webhook_secrets.clone();
        for variable in &self.mautic.webhook_secrets_env {
            secrets.push(variable_value("mautic.webhook_secrets_env", variable)?);
        }
        if secrets.iter().all(String::is_empty) {
            bail!("mautic.webhook_secrets is empty: put the secret of the webhook there, as Mautic shows it");
        }
        Ok(
            serde_json::json!({ "username": self.mautic.username, "password": password, "webhook_secrets": secrets }),
        )
    }

    /// The field maps that the file names, read and compiled once so that a broken one is refused here.
    pub fn maps(&self) -> Result<BTreeMap<String, String>> {
        let mut maps = BTreeMap::new();
        for (name, path) in &self.maps {
            let path = self.folder.join(path);
            let xml =
                std::fs::read(&path).with_context(|| format!("cannot read the map {}", path.display()))?;
            mapping::FieldMap::compile(name, &xml, mapping::Semantics::Bridge)
                .map_err(|error| anyhow!("{}: {error}", path.display()))?;
            let text = String::from_utf8(xml).with_context(|| format!("{} is not UTF-8", path.display()))?;
            maps.insert(name.clone(), text);
        }
        Ok(maps)
    }
}

fn check_url(key: &str, text: &str) -> Result<()> {
    let url = url::Url::parse(text).with_context(|| format!("{key}: not a URL"))?;
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => bail!("{key}: the URL names no host"),
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        "http" => bail!("{key}: plain http is for systems on this machine only; write https"),
        other => bail!("{key}: {other} is not http or https"),
    }
}

/// A secret that stands in the file or in an environment variable, not in both.
fn one(key: &str, value: Option<&str>, variable: Option<&str>) -> Result<String> {
    match (value, variable) {
        (Some(value), None) => Ok(value.to_owned()),
        (None, Some(variable)) => variable_value(&format!("{key}_env"), variable),
        (None, None) => bail!("{key} is missing: write it, or name an environment variable in {key}_env"),
        (Some(_), Some(_)) => bail!("{key} and {key}_env exclude one another"),
    }
}

#[expect(clippy::disallowed_methods, reason = "the user's configuration file names the variable")]
fn variable_value(key: &str, variable: &str) -> Result<String> {
    std::env::var(variable)
        .map_err(|_| anyhow!("{key} names the environment variable {variable}, which is not set"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config> {
        Config::parse(text, PathBuf::new())
    }

    fn example() -> String {
        EXAMPLE.to_owned()
    }

    #[test]
    fn the_example_is_a_valid_configuration() {
        let config = parse(EXAMPLE).unwrap();
        assert_eq!(config.corebos_system().unwrap().to_string(), "corebos:main");
        assert!(config.settings.contains_key("mautic-contacts"));
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let error = parse(&example().replace("[mautic]", "[mautic]\npasword = \"x\"")).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("line ") && text.contains("pasword"), "{text}");
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        let config = "[corebos]\nurl=\"http://crm.example.org\"\nusername=\"a\"\naccess_key=\"k\"\n[mautic]\nurl=\"http://127.0.0.1:1\"\nusername=\"a\"\npassword=\"p\"\nwebhook_secrets=[\"s\"]";
        let text = format!("{:#}", parse(config).unwrap_err());
        assert!(text.contains("corebos.url") && text.contains("https"), "{text}");
    }

    #[test]
    fn an_error_never_shows_a_secret() {
        let config = "[corebos]\nurl=\"https://crm.example.org\"\nusername=\"a\"\naccess_key = hunter2\n";
        let text = format!("{:#}", parse(config).unwrap_err());
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn a_setting_of_a_pair_that_does_not_exist_is_refused() {
        let text = format!(
            "{:#}",
            parse(&example().replace("settings.mautic-contacts", "settings.contacts")).unwrap_err()
        );
        assert!(text.contains("mautic-companies"), "{text}");
    }
}
