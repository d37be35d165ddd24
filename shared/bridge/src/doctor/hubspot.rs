//! HubSpot: the token and its scopes, the portal, the properties with coreBOS's ids, what signs webhooks, the clock.

use aws::DynamoStore;
use aws::config::SystemConfig;
use connector_hubspot::admin::{ScopeUse, Scopes};
use connector_hubspot::{HubSpot, Leads};
use model::{ObjectName, SystemKind};
use serde_json::{Map, Value};
use sync::Connector as _;

use super::check::Checks;
use super::system;
use crate::setup::hubspot::{id_properties, wrong_with};
use crate::stack::Stack;

/// What later checks need of it.
pub(super) struct Examined {
    pub(super) connector: HubSpot,
}

/// Nothing, where the stack has no HubSpot.
pub(super) async fn examine(stack: &Stack, store: &DynamoStore, checks: &mut Checks) -> Option<Examined> {
    stack.environment.secret(SystemKind::HubSpot).ok()?;
    let opened =
        system::open::<HubSpot>(stack, store, SystemKind::HubSpot, system::Signs::ClientSecret, checks);
    let (config, hubspot) = opened.await?;
    let name = |what: &str| format!("{}: {what}", config.system);
    let account = match hubspot.portal_account().await {
        Ok(account) => account,
        // A token that is refused, the limit of the day, a portal that moves: each in its own words.
        Err(error) => {
            checks.refused(name("login"), &error);
            return None;
        }
    };
    let portal = &account.portal;
    checks.ok(
        name("login"),
        format!("{} answers, portal {portal}, known by {}", config.url, hubspot.known_by()),
    );
    system::identity(store, &hubspot, checks).await;
    portal_of_webhooks(stack, &config, portal, checks).await;
    match hubspot.scopes().await {
        Ok(seen) => scopes(&name("scopes"), &seen, hubspot.preferences().leads, checks),
        Err(error) => checks.refused(name("scopes"), &error),
    }
    system::clock(&config.system.to_string(), account.server_time, checks);
    leads(&hubspot, checks).await;
    properties(&hubspot, checks).await;
    Some(Examined { connector: hubspot })
}

/// Whether webhooks of this portal are taken, where the secret names one.
async fn portal_of_webhooks(stack: &Stack, config: &SystemConfig, portal: &str, checks: &mut Checks) {
    let secret = stack.secrets().secret::<Map<String, Value>>(&config.secret).await.unwrap_or_default();
    let named = match secret.get("portal_id") {
        Some(Value::String(named)) if !named.is_empty() => named.clone(),
        Some(Value::Number(named)) => named.to_string(),
        _ => return,
    };
    let name = format!("{}: portal of webhooks", config.system);
    if named == portal {
        checks.ok(name, format!("those of portal {portal} are taken, and no others"));
    } else {
        let seen = format!(
            "those of portal {named} are taken, and the token is of portal {portal}: all are passed over"
        );
        checks.problem(name, seen, "correct portal_id in the secret, or leave it out");
    }
}

fn scopes(name: &str, seen: &Scopes, leads: Leads, checks: &mut Checks) {
    let (mut needed, owners) = (seen.missing(ScopeUse::Sync), seen.missing(ScopeUse::Owners));
    if leads.have_records() {
        needed.extend(seen.missing(ScopeUse::Leads));
    }
    let how = if seen.told { "" } else { ", as far as calls that change nothing can tell" };
    if !needed.is_empty() {
        let lacks = format!("the token lacks {}{how}", needed.join(", "));
        checks.problem(
            name,
            lacks,
            "give it these scopes, where it was made; a project app also in its file",
        );
    } else if !owners.is_empty() {
        let lacks = format!("the token lacks {}{how}", owners.join(", "));
        checks.warning(
            name,
            lacks,
            "owners cannot be told by e-mail address: give it this scope, or map no owner_email",
        );
    } else {
        checks.ok(name, format!("the token has what is needed{how}"));
    }
}

/// Whether the portal has what Leads are kept as.
async fn leads(hubspot: &HubSpot, checks: &mut Checks) {
    let name = format!("{}: lead records", hubspot.system());
    match (hubspot.preferences().leads, hubspot.has_lead_object().await) {
        (_, Err(error)) => checks.refused(name, &error),
        (Leads::Contacts, Ok(true)) => {
            checks.ok(name, "the portal has them, and the setting hubspot.leads leaves them alone");
        }
        (Leads::Contacts, Ok(false)) => checks.ok(name, "the portal has none; Leads are contacts"),
        (_, Ok(true)) => checks.ok(name, "the portal has them, and they are kept in step"),
        (_, Ok(false)) => checks.problem(
            name,
            "the setting hubspot.leads keeps them in step, and the portal has none or does not show them",
            "give the token the scopes for leads; without Sales Hub Professional or Enterprise, `bridge settings set \
             hubspot.leads contacts`",
        ),
    }
}

/// The properties with coreBOS's ids.
async fn properties(hubspot: &HubSpot, checks: &mut Checks) {
    for (object, property) in id_properties(hubspot.preferences()) {
        let name = format!("{}: property {property} of a {object}", hubspot.system());
        let listed = match hubspot.listed_properties(&ObjectName::new(object)).await {
            Ok(listed) => listed,
            Err(error) => {
                checks.refused(name, &error);
                continue;
            }
        };
        match listed.iter().find(|there| there.name == property && !there.archived) {
            None => {
                let seen = "there is none: the pair is stopped";
                checks.problem(name, seen, "run `bridge setup hubspot --apply`, which creates it");
            }
            Some(there) => match wrong_with(there) {
                Some((seen, remedy)) => checks.problem(name, seen, remedy),
                None => checks.ok(name, "there, with unique values"),
            },
        }
    }
}
