//! The stack on this machine: the template, the functions as processes of this binary, and the systems of a
//! configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use aws::{Clients, DynamoStore, LocalEndpoints, SystemClock};
use embedded_aws::{Between, FunctionSpec, Stack, StackEvent, StackOptions};
use model::SystemKind;
use serde_json::{Value, json};
use sync::Clock as _;
use sync::settings::{map_key, system_key};
use tokio::process::Command;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::config::Config;

/// The template that is deployed; what runs here is driven by it.
pub const TEMPLATE: &str = include_str!("../../../template.yaml");

/// The secret in the stack on this machine, which all systems share.
pub const SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:bridge-AbCdEf";

/// How the stack runs.
#[derive(Debug, Clone, Default)]
pub struct LocalOptions {
    /// Where queues and table are kept; in memory without it.
    pub data: Option<PathBuf>,
    /// Port of the webhook URLs; 0 is any free one.
    pub port: u16,
    /// The binary that can be every function: `PROGRAM function NAME`. Default: this one.
    pub program: Option<PathBuf>,
    /// A folder with the functions' own binaries, by the functions' names: they are started instead, where they are there.
    pub functions: Option<PathBuf>,
    /// More environment by function name.
    pub environment: BTreeMap<String, BTreeMap<String, String>>,
    /// Replacements in the template's text, for tests of other timings.
    pub template_edits: Vec<(String, String)>,
    /// Who stands between the functions and the services of AWS.
    pub between: Between,
    /// The clock of the queues, if it is not the machine's.
    pub queue_clock: Option<embedded_aws::Clock>,
    /// Accepts that a system has another URL or user than at first contact.
    pub confirm_identity: bool,
    /// Lets no schedule fire: nothing is polled.
    pub without_schedules: bool,
    /// Gives each system a secret of its own. Default: one for all, as the README's way to deploy has it.
    pub secrets_apart: bool,
}

/// A running stack.
#[derive(Debug)]
pub struct Local {
    /// The services, the functions, the routes.
    pub stack: Stack,
    /// What happens in it.
    pub events: UnboundedReceiver<StackEvent>,
    /// Its table.
    pub store: DynamoStore,
    /// Its services.
    pub clients: Clients,
}

impl Local {
    /// The URL of a webhook function; empty where it has none.
    pub fn webhook_url(&self, function: &str) -> String {
        let routes = self.stack.routes();
        routes
            .into_iter()
            .find(|(_, _, served)| served == function)
            .map(|(_, url, _)| url)
            .unwrap_or_default()
    }
}

/// Starts the stack for the systems of a configuration.
///
/// # Errors
/// The configuration is incomplete, a port is taken, the data folder cannot be used, or this binary cannot be found.
pub async fn start(config: &Config, options: LocalOptions) -> Result<Local> {
    let maps = config.maps()?;
    let program = match options.program {
        Some(program) => program,
        None => std::env::current_exe().context("cannot find this binary, which every function is")?,
    };
    let mut template = TEMPLATE.to_owned();
    for (from, to) in &options.template_edits {
        anyhow::ensure!(template.contains(from), "the template does not hold `{from}`");
        template = template.replace(from, to);
    }
    let (sender, events) = unbounded_channel();
    let functions = options.functions;
    let launcher = Arc::new(move |spec: &FunctionSpec| {
        let name = spec.folder.rsplit('/').next().unwrap_or(&spec.name);
        if let Some(own) = functions.as_ref().map(|folder| folder.join(name)).filter(|own| own.is_file()) {
            return Command::new(own);
        }
        let mut command = Command::new(&program);
        command.arg("function").arg(name);
        command
    });
    let mut stack = StackOptions::new(template, launcher);
    stack.parameters = parameters(config);
    for (kind, secret) in secrets(config)? {
        let arn = if options.secrets_apart { secret_of_its_own(kind) } else { SECRET.to_owned() };
        stack.parameters.insert(secret_parameter(kind).to_owned(), arn.clone());
        if options.secrets_apart {
            stack.secrets.insert(arn, secret);
        } else {
            let shared = stack.secrets.entry(arn).or_insert_with(|| json!({}));
            put_onto(shared, &json!({ kind.as_str(): secret }));
        }
    }
    stack.extra_environment = options.environment;
    stack.between = options.between;
    if let Some(clock) = options.queue_clock {
        stack.clock = clock;
    }
    stack.data = options.data;
    stack.port = options.port;
    stack.observer = Some(sender);
    stack.run_schedules = !options.without_schedules;
    let stack = Stack::start(stack).await?;
    let clients = clients(&stack);
    let store = table(&stack, &clients)?;
    write_settings(config, &store, &maps, options.confirm_identity).await?;
    Ok(Local { stack, events, store, clients })
}

/// The credentials of all systems that are connected.
fn secrets(config: &Config) -> Result<Vec<(SystemKind, Value)>> {
    let mut secrets =
        vec![(SystemKind::CoreBos, config.corebos_secret()?), (SystemKind::Mautic, config.mautic_secret()?)];
    if let Some(hubspot) = &config.hubspot {
        secrets.push((SystemKind::HubSpot, hubspot.secret()?));
    }
    if let Some(wordpress) = &config.wordpress {
        secrets.push((SystemKind::WordPress, wordpress.secret()?));
    }
    if let Some(signal) = &config.signal {
        secrets.push((SystemKind::Signal, signal.secret()?));
    }
    Ok(secrets)
}

/// The secret of one system in the stack on this machine, where each has its own.
pub fn secret_of_its_own(kind: SystemKind) -> String {
    format!("arn:aws:secretsmanager:us-east-1:000000000000:secret:bridge-{}-AbCdEf", kind.as_str())
}

/// The parameter of the template that names a system's secret.
fn secret_parameter(kind: SystemKind) -> &'static str {
    match kind {
        SystemKind::CoreBos => "CorebosSecretArn",
        SystemKind::Mautic => "MauticSecretArn",
        SystemKind::HubSpot => "HubspotSecretArn",
        SystemKind::WordPress => "WordpressSecretArn",
        SystemKind::Signal => "SignalSecretArn",
    }
}

fn parameters(config: &Config) -> BTreeMap<String, String> {
    let mut parameters = vec![
        ("CorebosUrl", config.corebos.url.as_str()),
        ("CorebosSystemName", config.corebos.name.as_str()),
        ("MauticUrl", config.mautic.url.as_str()),
        ("MauticSystemName", config.mautic.name.as_str()),
    ];
    if let Some(hubspot) = &config.hubspot {
        parameters.extend([
            ("HubspotUrl", hubspot.url.as_str()),
            ("HubspotSystemName", hubspot.name.as_str()),
            ("HubspotWebhookUrl", hubspot.webhook_url.as_deref().unwrap_or_default()),
        ]);
    }
    if let Some(signal) = &config.signal {
        parameters.push(("SignalSystemName", signal.name.as_str()));
    }
    let mut parameters: BTreeMap<String, String> =
        parameters.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    if let Some(wordpress) = &config.wordpress {
        parameters.insert("WordpressSites".to_owned(), wordpress.listed());
    }
    parameters
}

fn clients(stack: &Stack) -> Clients {
    let endpoints = stack.endpoints();
    Clients::local(
        stack.region(),
        &LocalEndpoints {
            dynamodb: endpoints.dynamodb.clone(),
            sqs: endpoints.sqs.clone(),
            secrets_manager: endpoints.secrets.clone(),
        },
    )
}

fn table(stack: &Stack, clients: &Clients) -> Result<DynamoStore> {
    let table = stack.resources().tables.first().context("the template has no table")?;
    Ok(DynamoStore::new(clients.dynamodb.clone(), table.name.clone()))
}

/// Who has changed a setting that the configuration file names.
pub const FROM_THE_FILE: &str = "bridge.toml";

/// The settings of the file become settings of the table, where the functions read them. What the file does not name
/// stays as it is.
async fn write_settings(
    config: &Config,
    store: &DynamoStore,
    maps: &BTreeMap<String, String>,
    confirm_identity: bool,
) -> Result<()> {
    for (pair, section) in &config.settings {
        merge(store, &format!("pair:{pair}"), section.as_json()).await?;
    }
    for map in mapping::shipped::ALL {
        let key = map_key(map.name);
        let stored = store.stored_setting(&key).await?;
        let is_the_file_s = stored
            .as_ref()
            .and_then(|stored| stored.changed.as_ref())
            .is_some_and(|(_, by)| by == FROM_THE_FILE);
        match maps.get(map.name) {
            Some(xml) => merge(store, &key, &Value::from(xml.as_str())).await?,
            // One that the file named before is not wanted any more.
            None if is_the_file_s => drop(store.delete_setting(&key).await?),
            None => {}
        }
    }
    let corebos = config.corebos_system()?;
    if let Some(owner) = config.corebos.default_owner.as_ref().filter(|owner| !owner.is_empty()) {
        merge(store, &system_key(&corebos), &json!({ "default_owner": owner })).await?;
    }
    let mut systems = vec![corebos, config.mautic_system()?];
    if let Some(hubspot) = &config.hubspot {
        let system = hubspot.system()?;
        if !hubspot.preferences.is_empty() {
            merge(store, &system_key(&system), &json!(hubspot.preferences)).await?;
        }
        systems.push(system);
    }
    if let Some(wordpress) = &config.wordpress {
        for (system, site) in wordpress.systems()? {
            if !site.preferences.is_empty() {
                merge(store, &system_key(&system), &json!(site.preferences)).await?;
            }
            systems.push(system);
        }
    }
    if let Some(signal) = &config.signal {
        let key = connector_signal::settings::preferences_key(&signal.system()?);
        store.put_setting(&key, &signal.preferences()).await?;
    }
    if confirm_identity {
        for system in systems {
            store.delete_setting(&aws::store::keys::identity_setting(&system)).await?;
        }
    }
    Ok(())
}

/// Puts what a file names onto what is stored.
async fn merge(store: &DynamoStore, key: &str, named: &Value) -> Result<()> {
    let read = store.stored_setting(key).await?;
    let mut value = read.as_ref().map(|read| read.value.clone()).unwrap_or_default();
    put_onto(&mut value, named);
    // Nobody else writes before the stack is announced.
    store.change_setting(key, read.as_ref(), Some(&value), (SystemClock.now(), FROM_THE_FILE)).await?;
    Ok(())
}

fn put_onto(value: &mut Value, named: &Value) {
    match (value, named) {
        (Value::Object(value), Value::Object(named)) => {
            for (field, named) in named {
                put_onto(value.entry(field).or_insert(Value::Null), named);
            }
        }
        (value, named) => *value = named.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_sets_what_it_names_and_nothing_else() {
        let mut stored = json!({ "conflict": "remote", "to_hub": { "delete": false } });
        put_onto(&mut stored, &json!({ "conflict": "newest", "to_hub": { "create": false } }));
        assert_eq!(stored, json!({ "conflict": "newest", "to_hub": { "delete": false, "create": false } }));
        let mut nothing = Value::Null;
        put_onto(&mut nothing, &json!({ "a": 1 }));
        assert_eq!(nothing, json!({ "a": 1 }));
    }
}
