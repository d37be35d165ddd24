//! Visitor events: the keys of their sources, the settings, the map, and whether Mautic tells contacts apart by e-mail.

use aws::secrets::ExposeSecret;
use aws::{DynamoStore, SecretString};
use connector_signal::{Action, SignalPreferences, SignalSecret, settings::preferences_key};
use model::SystemKind;
use sync::{Connector as _, Schema as _};

use super::check::Checks;
use super::mautic::Examined;
use crate::setup::visitors::wanted_fields;
use crate::stack::Stack;

/// A key that is shorter can be guessed.
const SHORTEST_KEY: usize = 16;

/// A live key of any source.
pub(super) async fn a_key(stack: &Stack) -> Option<SecretString> {
    let config = stack.environment.secret(SystemKind::Signal).ok()?;
    let secret: SignalSecret = stack.secrets().secret(&config.secret).await.ok()?;
    secret.sources.into_values().flat_map(|source| source.keys).find(|key| !key.expose_secret().is_empty())
}

pub(super) async fn examine(
    stack: &Stack,
    store: &DynamoStore,
    mautic: Option<&Examined>,
    checks: &mut Checks,
) {
    let Ok(config) = stack.environment.secret(SystemKind::Signal) else { return };
    let name = |what: &str| format!("{}: {what}", config.system);
    let secret = match stack.secrets().secret::<SignalSecret>(&config.secret).await {
        Ok(secret) => secret,
        Err(error) => {
            checks.problem(name("secret"), error.to_string(), "create the secret, or let us read it");
            return;
        }
    };
    let preferences = match store.setting::<SignalPreferences>(&preferences_key(&config.system)).await {
        Ok(preferences) => preferences.unwrap_or_default(),
        Err(error) => {
            checks.problem(name("settings"), error.to_string(), "correct the setting");
            return;
        }
    };
    sources(&secret, &preferences, &name("sources"), checks);
    if preferences.events.iter().any(|rule| matches!(rule.action, Action::Upsert | Action::Refresh)) {
        let count = preferences.events.len();
        let gate = match preferences.consent_gate.join(", ") {
            none if none.is_empty() => "nobody is asked for consent".to_owned(),
            gate => format!("who agreed to {gate} is sent"),
        };
        checks.ok(name("events"), format!("{count} rows in the table of events; {gate}"));
    } else {
        let remedy = "give a row the action \"upsert\", or leave the table out";
        checks.problem(name("events"), "no row of the table of events sends anything", remedy);
    }
    if let Ok(queue) = stack.environment.visitor_queue() {
        super::flow::queue(stack, queue, "of visitor events", checks).await;
    }
    if let Some(mautic) = mautic {
        contacts(stack, mautic, &name, checks).await;
    }
}

fn sources(secret: &SignalSecret, preferences: &SignalPreferences, name: &str, checks: &mut Checks) {
    if secret.sources.is_empty() {
        checks.problem(name, "there is none: every request is refused", "add one to `sources` in the secret");
        return;
    }
    for (source, keys) in &secret.sources {
        let name = format!("{name}: {source}");
        let texts: Vec<&str> =
            keys.keys.iter().chain(&keys.hmac_secrets).map(ExposeSecret::expose_secret).collect();
        let of_browsers = preferences.source(source).is_browser();
        if texts.iter().all(|text| text.is_empty()) {
            checks.problem(
                name,
                "it has no key: all it sends is refused",
                "add one to its `keys` in the secret",
            );
        } else if texts.iter().any(|text| text.chars().count() < SHORTEST_KEY) {
            let remedy = "make a longer one; both are accepted while you change it";
            checks.warning(name, "it has a key that can be guessed", remedy);
        } else {
            let from = if of_browsers { "browsers and servers" } else { "servers" };
            checks.ok(name, format!("{} live keys; {from} may send", texts.len()));
        }
    }
    for unknown in preferences.sources.keys().filter(|known| !secret.sources.contains_key(*known)) {
        let remedy = "add it to `sources` in the secret, or take its settings away";
        checks.warning(format!("{name}: {unknown}"), "it has settings and no keys", remedy);
    }
}

/// Whether Mautic is ready for visitors.
async fn contacts(stack: &Stack, mautic: &Examined, name: &impl Fn(&str) -> String, checks: &mut Checks) {
    let connector = &mautic.connector;
    match connector.email_is_unique().await {
        Ok(true) => checks.ok(name("e-mail"), "Mautic tells contacts apart by it"),
        Ok(false) => checks.problem(
            name("e-mail"),
            "it is no unique identifier in Mautic: one person becomes several contacts",
            "switch \"Is Unique Identifier\" of the field e-mail on (Settings, Custom Fields)",
        ),
        Err(error) => checks.refused(name("e-mail"), &error),
    }
    let contact = model::ObjectName::new(connector_mautic::CONTACT);
    let (wanted, schema) = match (wanted_fields(stack).await, connector.schema(&contact).await) {
        (Ok(wanted), Ok(schema)) => (wanted, schema),
        (Err(error), _) => {
            checks.problem(
                name("map"),
                format!("{error:#}"),
                "correct the map, or take it out of the settings",
            );
            return;
        }
        (_, Err(error)) => {
            checks.refused(name("map"), &error);
            return;
        }
    };
    let missing: Vec<&str> = wanted.iter().map(String::as_str).filter(|field| !schema.has(field)).collect();
    if missing.is_empty() {
        checks.ok(name("map"), "every field that it fills is there");
    } else {
        let remedy = "run `bridge setup mautic --apply`, which creates them, or take them out of the map";
        checks.warning(
            name("map"),
            format!("Mautic has no {}: they are left out", missing.join(", ")),
            remedy,
        );
    }
}
