//! The WordPress sites in the configuration file.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, bail};
use model::{System, SystemKind};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sync::settings::problems_of_system;

use super::accounts::{given, listed};
use super::check_url;

/// The sites whose users are made of Mautic's contacts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WordPress {
    /// The sites by their names, which are part of every key.
    #[serde(default)]
    pub sites: BTreeMap<String, Site>,
}

/// One site.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Where it is.
    pub url: String,
    /// What differs from the defaults.
    #[serde(default)]
    pub preferences: Map<String, Value>,
    username: Option<String>,
    application_password: Option<String>,
    application_password_env: Option<String>,
    wp_fusion_access_key: Option<String>,
    wp_fusion_access_key_env: Option<String>,
    #[serde(default)]
    access_keys: Vec<String>,
    #[serde(default)]
    access_keys_env: Vec<String>,
}

impl std::fmt::Debug for WordPress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WordPress")
            .field("sites", &self.sites.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl WordPress {
    /// The sites as systems, each with its part of the file.
    ///
    /// # Errors
    /// A name is none.
    pub fn systems(&self) -> Result<Vec<(System, &Site)>> {
        let mut systems = Vec::with_capacity(self.sites.len());
        for (name, site) in &self.sites {
            let system = System::new(SystemKind::WordPress, name);
            let system = system.map_err(|error| anyhow!("wordpress.sites.{name}: {error}"))?;
            systems.push((system, site));
        }
        Ok(systems)
    }

    /// Checks addresses and settings.
    pub(super) fn check(&self) -> Result<()> {
        for (system, site) in self.systems()? {
            let at = format!("wordpress.sites.{}", system.name());
            check_url(&format!("{at}.url"), &site.url)?;
            let problems = problems_of_system(&system, &Value::Object(site.preferences.clone()));
            if let Some(wrong) = problems.first() {
                bail!("{at}.preferences.{}: {}", wrong.field, wrong.problem);
            }
        }
        Ok(())
    }

    /// The sites as the variable `WORDPRESS_SITES` lists them.
    pub fn listed(&self) -> String {
        let each = self.sites.iter().map(|(name, site)| format!("{name}={}", site.url.trim_end_matches('/')));
        each.collect::<Vec<_>>().join(",")
    }

    /// The secret of all sites, in the shape that Secrets Manager holds.
    ///
    /// # Errors
    /// It is incomplete, or a variable that it names is not set.
    pub fn secret(&self) -> Result<Value> {
        let mut sites = Map::new();
        for (name, site) in &self.sites {
            sites.insert(name.clone(), site.secret(&format!("wordpress.sites.{name}"))?);
        }
        Ok(json!({ "sites": sites }))
    }
}

impl Site {
    fn secret(&self, at: &str) -> Result<Value> {
        let of = |key: &str, value: &Option<String>, variable: &Option<String>| {
            given(&format!("{at}.{key}"), value.as_deref(), variable.as_deref())
        };
        let password =
            of("application_password", &self.application_password, &self.application_password_env)?;
        let fusion = of("wp_fusion_access_key", &self.wp_fusion_access_key, &self.wp_fusion_access_key_env)?;
        let keys = listed(&format!("{at}.access_keys_env"), &self.access_keys, &self.access_keys_env)?;
        if fusion.is_none() && (self.username.is_none() || password.is_none()) {
            bail!(
                "{at}.username and {at}.application_password are needed: WordPress makes an application password in the \
                 profile of the bridge's own user; or give {at}.wp_fusion_access_key where WP Fusion does the work"
            );
        }
        let members = [
            ("username", self.username.clone()),
            ("application_password", password),
            ("wp_fusion_access_key", fusion),
        ];
        let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
        Ok(Value::Object(members.chain([("access_keys".to_owned(), keys.into())]).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> WordPress {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_site_needs_an_account_or_the_key_of_wp_fusion() {
        let url = "url = \"https://shop.example.com/\"";
        let with = |rest: &str| parse(&format!("[sites.shop]\n{url}\n{rest}"));
        let whole = with("username = \"bridge\"\napplication_password = \"a b\"\naccess_keys = [\"k\"]");
        let expected = json!({ "sites": { "shop": {
            "username": "bridge", "application_password": "a b", "access_keys": ["k"]
        } } });
        assert_eq!(whole.secret().unwrap(), expected);
        assert_eq!(whole.listed(), "shop=https://shop.example.com");
        assert!(with("wp_fusion_access_key = \"k\"").secret().is_ok());
        let error = with("username = \"bridge\"").secret().unwrap_err().to_string();
        assert!(error.contains("wordpress.sites.shop.application_password"), "{error}");
    }

    #[test]
    fn a_setting_of_a_site_that_is_none_is_refused_with_its_place() {
        let with = |rest: &str| {
            parse(&format!("[sites.shop]\nurl = \"https://a.example\"\n[sites.shop.preferences]\n{rest}"))
        };
        assert!(with("users_tag = \"VIP\"\nwhen_deleted = \"deactivate\"").check().is_ok());
        let error = with("user_tag = \"VIP\"").check().unwrap_err().to_string();
        assert!(
            error.contains("wordpress.sites.shop.preferences.user_tag") && error.contains("users_tag"),
            "{error}"
        );
    }
}
