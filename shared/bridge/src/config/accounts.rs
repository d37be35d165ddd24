//! The systems of the configuration file, with the credentials that on AWS stand in Secrets Manager.

use anyhow::{Result, anyhow, bail};
use model::{System, SystemKind};
use serde::Deserialize;
use serde_json::{Map, Value};

/// How to reach coreBOS.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoreBos {
    /// The name of the instance, part of every key.
    #[serde(default = "main_name")]
    pub name: String,
    /// Where it is.
    pub url: String,
    /// The bridge's user there.
    username: String,
    /// The owner of new records; the bridge's user without it.
    pub default_owner: Option<String>,
    access_key: Option<String>,
    access_key_env: Option<String>,
    auth_token: Option<String>,
    auth_token_env: Option<String>,
    #[serde(default)]
    webhook_keys: Vec<String>,
    #[serde(default)]
    webhook_keys_env: Vec<String>,
}

/// How to reach Mautic.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mautic {
    /// The name of the instance, part of every key.
    #[serde(default = "main_name")]
    pub name: String,
    /// Where it is.
    pub url: String,
    client_id: Option<String>,
    client_secret: Option<String>,
    client_secret_env: Option<String>,
    username: Option<String>,
    password: Option<String>,
    password_env: Option<String>,
    #[serde(default)]
    webhook_secrets: Vec<String>,
    #[serde(default)]
    webhook_secrets_env: Vec<String>,
}

/// How to reach HubSpot.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubSpot {
    /// The name of the portal, part of every key.
    #[serde(default = "main_name")]
    pub name: String,
    /// Where its API is.
    #[serde(default = "hubspot_url")]
    pub url: String,
    /// The target URL of the webhooks as it is written in the app, where it is not the one that is called.
    pub webhook_url: Option<String>,
    /// What the pairs need to know of the portal.
    #[serde(default)]
    pub preferences: Map<String, Value>,
    access_token: Option<String>,
    access_token_env: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    client_secret_env: Option<String>,
    refresh_token: Option<String>,
    refresh_token_env: Option<String>,
    #[serde(default)]
    webhook_secrets: Vec<String>,
}

fn hubspot_url() -> String {
    "https://api.hubapi.com".to_owned()
}

pub(super) fn main_name() -> String {
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

impl std::fmt::Debug for HubSpot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HubSpot").field("name", &self.name).field("url", &self.url).finish_non_exhaustive()
    }
}

impl HubSpot {
    /// The name of the portal.
    ///
    /// # Errors
    /// It is none.
    pub fn system(&self) -> Result<System> {
        System::new(SystemKind::HubSpot, &self.name).map_err(|error| anyhow!("hubspot.name: {error}"))
    }

    /// The secret, in the shape that Secrets Manager holds.
    ///
    /// # Errors
    /// It is incomplete, or a variable that it names is not set.
    pub fn secret(&self) -> Result<Value> {
        let of = |key: &str, value: &Option<String>, variable: &Option<String>| {
            given(key, value.as_deref(), variable.as_deref())
        };
        let token = of("hubspot.access_token", &self.access_token, &self.access_token_env)?;
        let client_secret = of("hubspot.client_secret", &self.client_secret, &self.client_secret_env)?;
        let refresh = of("hubspot.refresh_token", &self.refresh_token, &self.refresh_token_env)?;
        if token.is_none() && (self.client_id.is_none() || client_secret.is_none() || refresh.is_none()) {
            bail!(
                "hubspot.access_token is missing: write the token of a service key or of a private app, or name an \
                 environment variable in hubspot.access_token_env; or give client_id, client_secret and refresh_token \
                 of an OAuth app"
            );
        }
        let members = [
            ("access_token", token),
            ("client_id", self.client_id.clone()),
            ("client_secret", client_secret),
            ("refresh_token", refresh),
        ];
        let members = members.into_iter().filter_map(|(name, value)| Some((name, value?.into())));
        Ok(object(members.chain([("webhook_secrets", self.webhook_secrets.clone().into())])))
    }
}

impl CoreBos {
    /// The secret, in the shape that Secrets Manager holds.
    pub(super) fn secret(&self) -> Result<Value> {
        let key = given("corebos.access_key", self.access_key.as_deref(), self.access_key_env.as_deref())?;
        let token = given("corebos.auth_token", self.auth_token.as_deref(), self.auth_token_env.as_deref())?;
        let proof = match (key, token) {
            (Some(key), None) => ("access_key", key),
            (None, Some(token)) => ("auth_token", token),
            (None, None) => bail!(
                "corebos.access_key is missing: write it, or name an environment variable in corebos.access_key_env; \
                 or give coreBOS's static token as corebos.auth_token"
            ),
            (Some(_), Some(_)) => {
                bail!("corebos.access_key and corebos.auth_token exclude one another: keep one of them")
            }
        };
        let keys = listed("corebos.webhook_keys_env", &self.webhook_keys, &self.webhook_keys_env)?;
        Ok(object([
            ("username", self.username.clone().into()),
            (proof.0, proof.1.into()),
            ("webhook_keys", keys.into()),
        ]))
    }
}

impl Mautic {
    /// Whether the file names a secret for webhooks. Before the first setup there is none, and every webhook is refused.
    pub fn has_webhook_secret(&self) -> bool {
        !self.webhook_secrets_env.is_empty() || self.webhook_secrets.iter().any(|secret| !secret.is_empty())
    }

    /// The secret, in the shape that Secrets Manager holds.
    pub(super) fn secret(&self) -> Result<Value> {
        let password = given("mautic.password", self.password.as_deref(), self.password_env.as_deref())?;
        let client_secret =
            given("mautic.client_secret", self.client_secret.as_deref(), self.client_secret_env.as_deref())?;
        let account = match (&self.client_id, client_secret, &self.username, password) {
            (Some(id), Some(secret), None, None) => [("client_id", id.clone()), ("client_secret", secret)],
            (None, None, Some(name), Some(password)) => [("username", name.clone()), ("password", password)],
            (None, None, None, None) => bail!(
                "mautic.client_id is missing: write client_id and client_secret of an API credential of Mautic, or \
                 username and password of a user"
            ),
            (Some(_), None, None, None) => {
                bail!(
                    "mautic.client_secret is missing: write it, or name a variable in mautic.client_secret_env"
                )
            }
            (None, None, Some(_), None) => {
                bail!(
                    "mautic.password is missing: write it, or name an environment variable in mautic.password_env"
                )
            }
            _ => bail!(
                "write either mautic.client_id and mautic.client_secret, or mautic.username and mautic.password"
            ),
        };
        let secrets = listed("mautic.webhook_secrets_env", &self.webhook_secrets, &self.webhook_secrets_env)?;
        let account = account.map(|(name, value)| (name, value.into()));
        Ok(object(account.into_iter().chain([("webhook_secrets", secrets.into())])))
    }
}

fn object(members: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let members: Map<String, Value> =
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Value::Object(members)
}

/// A secret that stands in the file or in an environment variable, not in both.
pub(super) fn given(key: &str, value: Option<&str>, variable: Option<&str>) -> Result<Option<String>> {
    match (value, variable) {
        (Some(value), None) => Ok(Some(value.to_owned())),
        (None, Some(variable)) => variable_value(&format!("{key}_env"), variable).map(Some),
        (None, None) => Ok(None),
        (Some(_), Some(_)) => bail!("{key} and {key}_env exclude one another"),
    }
}

/// Those in the file, then those in environment variables.
pub(super) fn listed(key: &str, values: &[String], variables: &[String]) -> Result<Vec<String>> {
    let mut all = values.to_vec();
    for variable in variables {
        all.push(variable_value(key, variable)?);
    }
    Ok(all)
}

#[expect(clippy::disallowed_methods, reason = "the user's configuration file names the variable")]
fn variable_value(key: &str, variable: &str) -> Result<String> {
    std::env::var(variable)
        .map_err(|_| anyhow!("{key} names the environment variable {variable}, which is not set"))
}
