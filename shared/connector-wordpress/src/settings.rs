//! How to reach a WordPress site.

use std::collections::BTreeMap;
use std::time::Duration;

use http_client::ClientSettings;
use model::System;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sync::{ConnectorError, Opens, Shared};

use crate::client::WordPress;

/// One site and our account in it.
#[derive(Clone, Debug)]
pub struct WordPressSettings {
    /// Where it is, without `/wp-json`: `https://shop.example.com`. Plain HTTP on loopback only.
    pub url: String,
    /// The login of a user of its own for the bridge.
    pub username: String,
    /// An application password of that user.
    pub application_password: SecretString,
    /// What an administrator has set.
    pub preferences: WordPressPreferences,
    /// Time and size limits of requests.
    pub http: ClientSettings,
    /// How long the account and the registered keys are kept in this process. Default: 10 minutes.
    pub schema_lifetime: Duration,
}

impl WordPressSettings {
    /// Settings with the default limits.
    pub fn new(
        url: impl Into<String>,
        username: impl Into<String>,
        application_password: SecretString,
    ) -> Self {
        Self {
            url: url.into(),
            username: username.into(),
            application_password,
            preferences: WordPressPreferences::default(),
            http: ClientSettings::default(),
            schema_lifetime: Duration::from_mins(10),
        }
    }
}

/// What the secret holds of one site. Other members are none of the connector's business.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SiteSecret {
    /// The login of our user.
    pub username: Option<String>,
    /// Its application password, with or without its blanks.
    pub application_password: Option<SecretString>,
    /// The access key of WP Fusion on that site: only for sites that own it and let it do the work.
    pub wp_fusion_access_key: Option<SecretString>,
}

/// WordPress's secret: one for all sites, by name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WordPressSecret {
    /// Each site.
    pub sites: BTreeMap<String, SiteSecret>,
}

/// What an administrator may set about a site.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct WordPressPreferences {
    /// Whether the site's permalinks are plain, so that its API is at `/?rest_route=`. Default: no.
    pub plain_permalinks: bool,
    /// Whether WP Fusion does the work. Default: no.
    pub relay: bool,
    /// The tag of contacts that become users by themselves.
    pub users_tag: Option<String>,
    /// The segment of contacts that become users by themselves, by its alias.
    pub users_segment: Option<String>,
    /// The fields, with their values, of contacts that become users by themselves: `country=Spain, plan=pro`.
    pub users_filter: Option<String>,
    /// What follows from an edit in Mautic by itself. Default: everything.
    pub updates: Updates,
    /// The roles that may be given, separated by commas. Default: `subscriber, customer`.
    pub roles: String,
    /// The role of new users where nothing else says one; the site's own default without it.
    pub default_role: Option<String>,
    /// What the login of a new user is made of. Default: the e-mail.
    pub logins: Logins,
    /// Whether new users are mailed, where a campaign does not say. Default: no.
    pub welcome_mail: bool,
    /// The field of Mautic that is given the password of a new user, in clear text.
    pub password_field: Option<String>,
    /// What becomes of the user of a contact that is deleted. Default: nothing.
    pub when_deleted: Departure,
    /// What becomes of the user of a contact that takes no mail any more. Default: nothing.
    pub when_unsubscribed: Departure,
    /// The role of users whose contacts have gone, where that is what becomes of them.
    pub departed_role: Option<String>,
}

impl Default for WordPressPreferences {
    fn default() -> Self {
        Self {
            plain_permalinks: false,
            relay: false,
            users_tag: None,
            users_segment: None,
            users_filter: None,
            updates: Updates::default(),
            roles: "subscriber, customer".to_owned(),
            default_role: None,
            logins: Logins::default(),
            welcome_mail: false,
            password_field: None,
            when_deleted: Departure::default(),
            when_unsubscribed: Departure::default(),
            departed_role: None,
        }
    }
}

/// What follows from an edit in Mautic by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Updates {
    /// Fields and tags.
    #[default]
    All,
    /// Tags only.
    Tags,
    /// Nothing: campaigns say when.
    Nothing,
}

/// What the login of a new user is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Logins {
    /// Its e-mail.
    #[default]
    Email,
    /// Its first and last name.
    Names,
}

/// What becomes of a user whose contact has gone. Never a deletion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Departure {
    /// It stays as it is.
    #[default]
    Nothing,
    /// It gets another role instead of its own.
    Role,
    /// It loses its role.
    Deactivate,
}

impl Opens for WordPress {
    type Secret = WordPressSecret;
    type Preferences = WordPressPreferences;

    fn open(
        system: System,
        url: &str,
        mut secret: WordPressSecret,
        preferences: WordPressPreferences,
        _: Shared,
    ) -> Result<Self, ConnectorError> {
        let site = secret.sites.remove(system.name()).unwrap_or_default();
        let (Some(username), Some(password)) = (site.username, site.application_password) else {
            let detail = format!(
                "the secret of WordPress needs username and application_password in sites.{} for {system}",
                system.name()
            );
            return Err(ConnectorError::Unauthorized { detail });
        };
        let settings = WordPressSettings { preferences, ..WordPressSettings::new(url, username, password) };
        Self::new(system, &settings)
    }

    /// WordPress does not tell who else writes to it.
    async fn other_integrations(&self) -> Result<Vec<String>, ConnectorError> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preference_has_a_row_in_the_table_of_settings() {
        let read = serde_json::to_value(WordPressPreferences::default()).unwrap();
        let mut read: Vec<&str> = read.as_object().unwrap().keys().map(String::as_str).collect();
        let mut rows = sync::settings::table::fields_of_connector(model::SystemKind::WordPress);
        read.sort_unstable();
        rows.sort_unstable();
        assert_eq!(read, rows);
    }

    #[test]
    fn every_default_is_that_of_the_table() {
        for row in
            sync::settings::table::SETTINGS.iter().filter(|row| row.is_of(model::SystemKind::WordPress))
        {
            let read = serde_json::to_value(WordPressPreferences::default()).unwrap();
            if let Some(default) = read.get(row.field) {
                assert_eq!(*default, row.kind.parse(row.default).unwrap(), "{}", row.name);
            }
        }
    }

    #[test]
    fn a_site_is_opened_with_its_own_account_and_without_one_the_secret_is_named() {
        let secret: WordPressSecret = serde_json::from_value(serde_json::json!({
            "sites": { "shop": { "username": "u", "application_password": "geheim", "access_keys": ["k"] } }
        }))
        .unwrap();
        let open = |name: &str| {
            let system = System::new(model::SystemKind::WordPress, name).unwrap();
            let url = "https://shop.example.com";
            WordPress::open(system, url, secret.clone(), WordPressPreferences::default(), Shared::default())
        };
        assert!(open("shop").is_ok());
        let error = open("blog").unwrap_err().to_string();
        assert!(error.contains("sites.blog") && !error.contains("geheim"), "{error}");
        assert!(!format!("{secret:?}").contains("geheim"));
    }
}
