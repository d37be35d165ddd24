//! `bridge setup wordpress`: what the sites still need. The bridge makes nothing on a site; what it can make is an access
//! key for the campaigns of Mautic.

use anyhow::{Context, Result, bail};
use aws::config::SystemConfig;
use aws::secrets::{ExposeSecret, RECHECK};
use connector_wordpress::Departure;
use serde_json::{Value, json};

use super::plan::{Plan, State};
use super::{Wanted, secret};
use crate::local::SECRET;
use crate::site::{self, Keys, Seen};
use crate::stack::Stack;

/// Sites that were looked at.
#[derive(Debug)]
pub struct WordPressSetup<'s> {
    /// How they stand.
    pub plan: Plan,
    stack: &'s Stack,
    new_keys: Vec<SystemConfig>,
}

/// Looks at the sites. Changes nothing.
///
/// # Errors
/// The stack has no site, or what is kept of one cannot be read.
pub async fn look(stack: &Stack, wanted: Wanted) -> Result<WordPressSetup<'_>> {
    let sites = site::sites(&stack.environment)?;
    if sites.is_empty() {
        bail!(
            "the stack has no WordPress site: see WordpressSites and WordpressSecretArn of the template, or \
               [wordpress.sites] in bridge.toml"
        );
    }
    let names: Vec<String> = sites.iter().map(|site| format!("{} at {}", site.system, site.url)).collect();
    let mut setup = WordPressSetup {
        plan: Plan { about: names.join(", "), ..Plan::default() },
        stack,
        new_keys: Vec::new(),
    };
    let store = stack.store()?;
    for config in sites {
        let seen = site::look(stack, &store, config.clone()).await;
        let seen = seen.with_context(|| format!("{} cannot be looked at", config.system))?;
        setup.tell(&seen, &wanted)?;
    }
    Ok(setup)
}

impl WordPressSetup<'_> {
    fn tell(&mut self, seen: &Seen, wanted: &Wanted) -> Result<()> {
        let of = |what: &str| format!("{}: {what}", seen.config.system);
        let plan = &mut self.plan;
        if !seen.is_safe {
            let state = State::Different("plain HTTP, which is for this machine only".to_owned());
            plan.by_hand(of("TLS"), state, "nothing to do for a trial; a site elsewhere needs https");
        }
        match (&seen.account, &seen.fusion) {
            (Some(Err(error)), _) => {
                let remedy = "in the site, make a user for the bridge alone, and in its profile an application password; \
                              put both into the secret";
                plan.by_hand(of("the application password"), State::Unseen(error.clone()), remedy);
            }
            (Some(Ok(account)), _) => tell_account(plan, seen, account),
            (None, Some(Ok(()))) => plan.there(of("WP Fusion, which knows our key")),
            (None, Some(Err(error))) => {
                let remedy = "compare wp_fusion_access_key in the secret with the access key in WP Fusion's general settings";
                plan.by_hand(of("WP Fusion"), State::Unseen(error.clone()), remedy);
            }
            (None, None) => {}
        }
        match &seen.map {
            Ok(missing) if missing.is_empty() => {}
            Ok(missing) => plan.by_hand(
                of("the keys of user meta that the map MauticToUsers fills"),
                State::Different(format!("the site has not registered {}", missing.join(", "))),
                "list them in COREBOS_BRIDGE_META in the site's wp-config.php, beside the must-use plugin",
            ),
            Err(error) => {
                plan.by_hand(of("the map MauticToUsers"), State::Different(error.clone()), "correct it");
            }
        }
        let departs = [seen.preferences.when_deleted, seen.preferences.when_unsubscribed];
        if departs.contains(&Departure::Role) && seen.preferences.departed_role.is_none() {
            let state =
                State::Different("a rule gives a role, and the setting departed-role names none".to_owned());
            plan.by_hand(of("departed-role"), state, "set it with `bridge settings set`");
        }
        let url = super::webhook_url(self.stack, wanted, "webhook-campaign", &seen.config.url)?;
        let plan = &mut self.plan;
        let rotate = wanted.rotate;
        match seen.keys {
            Keys::Good(count) if !rotate => plan.there(of(&format!("access keys ({count})"))),
            keys => {
                let state = match keys {
                    Keys::None => State::Missing,
                    Keys::Weak => State::Different("one can be guessed".to_owned()),
                    Keys::Good(_) => State::Different("it is to be changed".to_owned()),
                };
                let kept = if keys == Keys::None { "" } else { "; the one in use stays valid beside it" };
                plan.work(
                    of("the access key of campaigns"),
                    state,
                    format!("a fresh one will be made{kept}"),
                );
                self.new_keys.push(seen.config.clone());
            }
        }
        self.plan.steps.push(format!(
            "In Mautic's campaigns, for users of {}: an action \"Send a webhook\" to\n{url}\nmethod GET, with the header \
             X-Bridge-Key and as its value the first of access_keys in sites.{} of the secret\n{}\nand the data rows \
             contact_id = {{contactfield=id}} and wpf_action = add, update or update_tags; with add also role and \
             send_notification, if you like. Campaigns that were made for WP Fusion need this address and key only.",
            seen.config.system,
            seen.config.system.name(),
            seen.config.secret,
        ));
        Ok(())
    }
}

fn tell_account(plan: &mut Plan, seen: &Seen, account: &connector_wordpress::Account) {
    let of = |what: &str| format!("{}: {what}", seen.config.system);
    plan.there(of(&format!("the REST API, as the user {} ({})", account.username, account.roles.join(", "))));
    let lacks = site::lacks(account);
    if lacks.is_empty() {
        plan.there(of("its capabilities"));
    } else {
        plan.by_hand(
            of("its capabilities"),
            State::Different(format!("it lacks {}", lacks.join(", "))),
            "give the user the role crm_sync, which the must-use plugin makes",
        );
    }
    if site::is_administrator(account) {
        plan.by_hand(
            of("its role"),
            State::Different("it is an administrator: more than the bridge needs".to_owned()),
            "install the must-use plugin and give the user the role crm_sync alone, which cannot touch administrators",
        );
    }
    if account.schema.has_plugin() {
        plan.there(of("the must-use plugin"));
    } else {
        plan.by_hand(
            of("the must-use plugin"),
            State::Missing,
            "optional, and wanted for tags, welcome mails and the guard of administrators: `bridge setup wordpress \
             --write-plugin corebos-bridge.php` writes it; copy it into wp-content/mu-plugins of the site",
        );
    }
}

/// Makes the access keys that are missing, and tells where they are.
///
/// # Errors
/// One could not be stored; what was done before stays, and a second run goes on from there.
pub async fn apply(setup: &mut WordPressSetup<'_>) -> Result<Vec<String>> {
    let mut told = Vec::new();
    for config in std::mem::take(&mut setup.new_keys) {
        let new = secret::fresh();
        let in_use = site::access_keys(setup.stack, &config).await?.into_iter().next();
        let listed: Vec<&str> =
            std::iter::once(&new).chain(&in_use).map(ExposeSecret::expose_secret).collect();
        let both = json!(listed);
        let name = config.system.name().to_owned();
        let change = move |members: &mut serde_json::Map<String, Value>| {
            let sites = members.entry("sites").or_insert_with(|| json!({}));
            if let Some(sites) = sites.as_object_mut() {
                let site = sites.entry(name).or_insert_with(|| json!({}));
                if let Some(site) = site.as_object_mut() {
                    site.insert("access_keys".to_owned(), both);
                }
            }
        };
        let stored = setup.stack.secrets().change(&config.secret, change).await;
        stored.with_context(|| format!("the access key of {} cannot be stored", config.system))?;
        told.push(format!("a fresh access key of {} was stored in {}", config.system, config.secret));
        if config.secret.arn == SECRET {
            let listed = listed.join("\", \"");
            told.push(format!(
                "the stack of this machine forgets it when it ends; put it into bridge.toml, below \
                 [wordpress.sites.{}]:\naccess_keys = [\"{listed}\"]",
                config.system.name()
            ));
        }
    }
    if !told.is_empty() {
        // A function that has just read the old keys believes in them for so long.
        tokio::time::sleep(RECHECK.unsigned_abs()).await;
    }
    Ok(told)
}
