//! A WordPress site as an administrator looks at it: what the bridge can do there, and what is missing.

use anyhow::{Context, Result};
use aws::config::SystemConfig;
use aws::secrets::{ExposeSecret, SecretString};
use aws::{DynamoStore, Environment};
use connector_wordpress::{
    Account, Fusion, SiteSecret, WordPress, WordPressPreferences, WordPressSchema, WordPressSecret,
};
use mapping::{FieldMap, Semantics};
use model::SystemKind;
use serde::Deserialize;
use sync::Schema as _;

use crate::stack::Stack;

/// What our user on a site must be able to do.
pub const CAPABILITIES: [&str; 4] = ["list_users", "create_users", "edit_users", "promote_users"];
/// A key that is shorter can be guessed.
const SHORTEST_KEY: usize = 16;
/// The map that makes users of contacts.
pub const MAP: &str = "MauticToUsers";

/// The sites of a stack; none where it has none.
///
/// # Errors
/// Their variable is wrong.
pub fn sites(environment: &Environment) -> Result<Vec<SystemConfig>> {
    if !environment.connects(SystemKind::WordPress) {
        return Ok(Vec::new());
    }
    let secret = environment.secret_place(SystemKind::WordPress)?;
    let sites = environment.sites()?.into_iter();
    Ok(sites.map(|(system, url)| SystemConfig { system, url, secret: secret.clone() }).collect())
}

/// The access keys of a site, by how good they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// There is none: campaigns are refused.
    None,
    /// One can be guessed.
    Weak,
    /// So many, each long enough.
    Good(usize),
}

/// How a site stands.
#[derive(Debug)]
pub struct Seen {
    /// The site.
    pub config: SystemConfig,
    /// What an administrator has set.
    pub preferences: WordPressPreferences,
    /// Its access keys.
    pub keys: Keys,
    /// Whether it is reached over TLS; this machine needs none.
    pub is_safe: bool,
    /// Our account, or why there is none; nothing in relay mode, where none is needed.
    pub account: Option<Result<Account, String>>,
    /// Whether WP Fusion knows our key, or what it says; nothing where we do the work.
    pub fusion: Option<Result<(), String>>,
    /// What the map fills and the site has no place for; or what is wrong with the map.
    pub map: Result<Vec<String>, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AccessKeys {
    sites: std::collections::BTreeMap<String, SiteKeys>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SiteKeys {
    access_keys: Vec<SecretString>,
}

/// The live access keys of a site, the current one first.
///
/// # Errors
/// The secret cannot be read.
pub async fn access_keys(stack: &Stack, config: &SystemConfig) -> Result<Vec<SecretString>> {
    let mut secret: AccessKeys = stack.secrets().secret(&config.secret).await?;
    let keys = secret.sites.remove(config.system.name()).unwrap_or_default().access_keys;
    Ok(keys.into_iter().filter(|key| !key.expose_secret().is_empty()).collect())
}

/// Looks at a site. Changes nothing.
///
/// # Errors
/// The secret or the settings cannot be read.
pub async fn look(stack: &Stack, store: &DynamoStore, config: SystemConfig) -> Result<Seen> {
    let secrets = stack.secrets();
    let (_, preferences) = wiring::systems::settings_of(store, &config.system).await?;
    let preferences: WordPressPreferences =
        serde_json::from_value(preferences).context("the settings of the site cannot be used")?;
    let live = access_keys(stack, &config).await?;
    let keys = match live.len() {
        0 => Keys::None,
        _ if live.iter().any(|key| key.expose_secret().chars().count() < SHORTEST_KEY) => Keys::Weak,
        count => Keys::Good(count),
    };
    let (mut account, mut fusion) = (None, None);
    if preferences.relay {
        let mut secret: WordPressSecret = secrets.secret(&config.secret).await?;
        let site = secret.sites.remove(config.system.name()).unwrap_or_default();
        fusion = Some(try_fusion(&config, site).await);
    } else {
        account = Some(match wiring::systems::connect::<WordPress>(&config, &secrets, store).await {
            Ok(site) => site.ask_for_account().await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        });
    }
    let schema = account.as_ref().and_then(|account| account.as_ref().ok()).map(|account| &account.schema);
    Ok(Seen {
        is_safe: config.url.starts_with("https://"),
        map: not_registered(store, schema).await,
        config,
        preferences,
        keys,
        account,
        fusion,
    })
}

async fn try_fusion(config: &SystemConfig, site: SiteSecret) -> Result<(), String> {
    let name = config.system.name();
    let key = site.wp_fusion_access_key.filter(|key| !key.expose_secret().is_empty());
    let key = key.ok_or_else(|| format!("the secret has no wp_fusion_access_key in sites.{name}"))?;
    let fusion = Fusion::new(&config.url, key).map_err(|error| error.to_string())?;
    fusion.test().await.map_err(|error| error.to_string())
}

/// The targets of the map that a site has no place for.
async fn not_registered(
    store: &DynamoStore,
    schema: Option<&WordPressSchema>,
) -> Result<Vec<String>, String> {
    let own: Option<String> =
        store.setting(&sync::settings::map_key(MAP)).await.map_err(|error| error.to_string())?;
    let shipped = || mapping::shipped::find(MAP).map(|map| map.xml.to_owned());
    let xml = own.or_else(shipped).ok_or_else(|| format!("there is no map {MAP}"))?;
    let map = FieldMap::compile(MAP, xml.as_bytes(), Semantics::Bridge).map_err(|error| error.to_string())?;
    let Some(schema) = schema else { return Ok(Vec::new()) };
    let targets = map.targets().map(mapping::Target::name).filter(|name| !schema.has(name));
    Ok(targets.map(str::to_owned).collect())
}

/// What our account lacks.
pub fn lacks(account: &Account) -> Vec<&'static str> {
    let may = |name: &&str| account.capabilities.iter().any(|known| known == name);
    CAPABILITIES.into_iter().filter(|name| !may(name)).collect()
}

/// Whether our account may do far more than it needs.
pub fn is_administrator(account: &Account) -> bool {
    account.capabilities.iter().any(|name| name == "manage_options")
}
