//! The configuration file of the embedded stack: which systems there are and how to reach them.
//!
//! On AWS the same facts are parameters of the template and secrets in Secrets Manager.

mod accounts;
mod visitors;
mod wordpress;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use model::{PairKind, System, SystemKind};
use serde::Deserialize;
use sync::PairSettings;
use sync::settings::{ValueKind, problems_of_pair};

pub use accounts::{CoreBos, HubSpot, Mautic};
pub use visitors::Signal;
pub use wordpress::{Site, WordPress};

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
    /// The HubSpot portal, if there is one.
    pub hubspot: Option<HubSpot>,
    /// The WordPress sites, if there are any.
    pub wordpress: Option<WordPress>,
    /// The sources of visitor events, if there are any.
    pub signal: Option<Signal>,
    /// Settings by pair: `[settings.mautic-contacts]`.
    #[serde(default)]
    pub settings: BTreeMap<String, PairSection>,
    /// Field maps that take over from the shipped ones: name to file, relative to this file.
    #[serde(default)]
    pub maps: BTreeMap<String, PathBuf>,
    /// Where relative paths start.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// The settings of a pair that the file names; it says nothing of all others.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct PairSection(serde_json::Value);

impl PairSection {
    /// What is named, as it is stored.
    pub fn as_json(&self) -> &serde_json::Value {
        &self.0
    }
}

/// All of them.
impl From<PairSettings> for PairSection {
    fn from(settings: PairSettings) -> Self {
        // Numbers, words and switches: nothing that JSON has no form for.
        Self(serde_json::to_value(settings).unwrap_or_default())
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
        if let Some(hubspot) = &config.hubspot {
            hubspot.system()?;
            check_url("hubspot.url", &hubspot.url)?;
        }
        if let Some(owner) = config.corebos.default_owner.as_ref().filter(|owner| !owner.is_empty()) {
            let checked = ValueKind::Owner.check(&serde_json::Value::from(owner.as_str()));
            checked.map_err(|problem| anyhow!("corebos.default_owner: {problem}"))?;
        }
        if let Some(wordpress) = &config.wordpress {
            wordpress.check()?;
        }
        if let Some(signal) = &config.signal {
            signal.system()?;
        }
        for (name, section) in &config.settings {
            let Some(kind) = PairKind::ALL.into_iter().find(|pair| pair.as_str() == name) else {
                let known = PairKind::ALL.map(PairKind::as_str).join(", ");
                bail!("[settings.{name}]: there is no such pair; the pairs are {known}");
            };
            if let Some(wrong) = problems_of_pair(kind, section.as_json()).first() {
                bail!("[settings.{name}] {}: {}", wrong.field, wrong.problem);
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
        self.corebos.secret()
    }

    /// The secret of Mautic, in the shape that Secrets Manager holds.
    pub fn mautic_secret(&self) -> Result<serde_json::Value> {
        self.mautic.secret()
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
    fn each_system_is_entered_by_one_of_two_ways() {
        let config = |corebos: &str, mautic: &str| {
            let text = format!(
                "[corebos]\nurl=\"https://crm.example.org\"\nusername=\"sync\"\n{corebos}\n[mautic]\n\
                 url=\"https://mautic.example.org\"\n{mautic}\nwebhook_secrets=[\"s\"]"
            );
            parse(&text).unwrap()
        };
        let by_token = config("auth_token=\"t\"", "client_id=\"1_a\"\nclient_secret=\"c\"");
        assert_eq!(
            by_token.corebos_secret().unwrap(),
            serde_json::json!({ "username": "sync", "auth_token": "t", "webhook_keys": [] })
        );
        assert_eq!(
            by_token.mautic_secret().unwrap(),
            serde_json::json!({ "client_id": "1_a", "client_secret": "c", "webhook_secrets": ["s"] })
        );
        let wrong = [
            ("", "username=\"u\"\npassword=\"p\"", "corebos.access_key"),
            ("access_key=\"k\"\nauth_token=\"t\"", "username=\"u\"\npassword=\"p\"", "corebos.auth_token"),
            ("access_key=\"k\"", "", "mautic.client_id"),
            ("access_key=\"k\"", "client_id=\"c\"", "mautic.client_secret"),
            ("access_key=\"k\"", "username=\"u\"", "mautic.password"),
            ("access_key=\"k\"", "username=\"u\"\npassword=\"p\"\nclient_id=\"c\"", "mautic.client_id"),
        ];
        for (corebos, mautic, names) in wrong {
            let config = config(corebos, mautic);
            let error = config.corebos_secret().and(config.mautic_secret()).unwrap_err();
            assert!(format!("{error:#}").contains(names), "{corebos} {mautic}: {error:#}");
        }
    }

    #[test]
    fn a_setting_that_is_none_is_refused_with_what_was_meant() {
        for (wrong, told) in [
            ("delte = false", "to_hub.delte: there is no such setting; did you mean `delete`?"),
            ("create = \"perhaps\"", "to_hub.create: write on or off"),
        ] {
            let text = example().replace("create = true", wrong);
            let error = format!("{:#}", parse(&text).unwrap_err());
            assert!(error.contains(told) && !error.contains("perhaps"), "{error}");
        }
        let example = parse(EXAMPLE).unwrap();
        assert!(
            example.settings["mautic-contacts"].as_json().get("to_remote").is_none(),
            "only what is named"
        );
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
