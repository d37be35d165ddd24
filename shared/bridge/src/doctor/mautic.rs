//! Mautic: its three reasons for a 403, the role, the fields, its own clock, the webhooks of another integration.

use aws::DynamoStore;
use connector_mautic::Mautic;
use connector_mautic::admin::{Account, Webhook};
use model::{ObjectName, SystemKind};
use serde_json::Value as Json;
use sync::Connector as _;
use sync::pairs::PAIRS;

use super::check::Checks;
use super::system;
use crate::stack::Stack;

/// What later checks need of it.
pub(super) struct Examined {
    pub(super) connector: Mautic,
    /// Its webhooks, where we may see them.
    pub(super) webhooks: Option<Vec<Webhook>>,
}

pub(super) async fn examine(stack: &Stack, store: &DynamoStore, checks: &mut Checks) -> Option<Examined> {
    let opened = system::open::<Mautic>(
        stack,
        store,
        SystemKind::Mautic,
        system::Signs::Listed("webhook_secrets"),
        checks,
    )
    .await;
    let (config, mautic) = opened?;
    let name = |what: &str| format!("{}: {what}", config.system);
    let account = match mautic.account().await {
        Ok(account) => account,
        // The API switched off, basic authentication switched off, wrong credentials: each in its own words.
        Err(error) => {
            checks.refused(name("login"), &error);
            return None;
        }
    };
    let version = account.version.as_deref().unwrap_or("?");
    checks.ok(name("login"), format!("{} answers, Mautic {version}", config.url));
    system::identity(store, &mautic, checks).await;
    role(&name("role"), &account, checks);
    system::clock(&config.system.to_string(), account.server_time, checks);
    fields(&mautic, checks).await;
    let webhooks = match mautic.webhooks().await {
        Ok(webhooks) => Some(webhooks),
        Err(error) => {
            checks.warning(
                name("webhooks"),
                error.to_string(),
                "without this nobody sees when Mautic switches our webhook off",
            );
            None
        }
    };
    let allowed = super::flow::other_integration_is_allowed(store).await;
    let by_hand = "look in Mautic (Settings, Webhooks) for published ones that lead to notifications.php, and unpublish \
                   them";
    system::rivals(store, &mautic, allowed, by_hand, checks).await;
    Some(Examined { connector: mautic, webhooks })
}

fn role(name: &str, account: &Account, checks: &mut Checks) {
    let (needed, useful) = (account.missing(&Account::TO_SYNC), account.missing(&Account::TO_WATCH_WEBHOOKS));
    let role = &account.role;
    if !needed.is_empty() {
        let seen = format!("the role \"{role}\" lacks {}", needed.join(", "));
        checks.problem(name, seen, "give these rights to the role (Settings, Roles)");
    } else if !useful.is_empty() {
        let seen = format!("the role \"{role}\" lacks {}", useful.join(", "));
        checks.warning(name, seen, "give these rights to the role, so that polls see and repair webhooks");
    } else {
        checks.ok(name, format!("the role \"{role}\" has what is needed"));
    }
}

/// The fields with coreBOS's ids.
async fn fields(mautic: &Mautic, checks: &mut Checks) {
    for pair in PAIRS.iter().filter(|pair| pair.remote_kind == SystemKind::Mautic) {
        let (object, alias) = (pair.remote_object, pair.hub_id_on_remote);
        let name = format!("{}: field {alias}", mautic.system());
        let listed = match mautic.listed_fields(&ObjectName::new(object)).await {
            Ok(listed) => listed,
            Err(error) => {
                checks.refused(name, &error);
                continue;
            }
        };
        let found = listed.iter().find(|field| field.get("alias").and_then(Json::as_str) == Some(alias));
        let is_set = |field: &Json, flag: &str| field.get(flag).and_then(Json::as_bool) == Some(true);
        match found {
            None => {
                let seen = format!("a {object} has no such field: the pair is stopped");
                checks.problem(name, seen, "run `bridge setup mautic --apply`, which creates it");
            }
            Some(field) if !is_set(field, "isPublished") => {
                checks.problem(name, "it is not published", "publish it (Settings, Custom Fields)");
            }
            Some(field) if is_set(field, "isUniqueIdentifier") => checks.problem(
                name,
                "it is a unique identifier: Mautic merges records by it",
                "switch \"Is Unique Identifier\" off (Settings, Custom Fields)",
            ),
            Some(_) => checks.ok(name, "there"),
        }
    }
}
