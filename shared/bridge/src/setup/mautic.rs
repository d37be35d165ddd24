//! `bridge setup mautic`: the custom fields that carry coreBOS's ids, and the webhook.

use anyhow::{Context, Result, bail};
use aws::SecretString;
use aws::config::SystemConfig;
use aws::secrets::RECHECK;
use connector_mautic::admin::{Account, Webhook, WebhookChange, events};
use connector_mautic::{COMPANY, CONTACT, Mautic};
use model::{ObjectName, SystemKind};
use serde_json::Value as Json;
use sync::pairs::PAIRS;

use super::plan::{Plan, State};
use super::{Wanted, secret};
use crate::stack::Stack;

/// What our webhook is called.
pub const WEBHOOK_NAME: &str = "coreBOS bridge";
/// What the field with coreBOS's id is called.
const FIELD_LABEL: &str = "coreBOS ID";
/// The member of Mautic's secret that holds what webhooks are signed with.
const SECRETS: &str = "webhook_secrets";

/// A Mautic that was looked at.
#[derive(Debug)]
pub struct MauticSetup<'s> {
    /// How it stands.
    pub plan: Plan,
    stack: &'s Stack,
    config: SystemConfig,
    mautic: Mautic,
    fields: Vec<MissingField>,
    webhook: Option<WebhookWork>,
    rivals: Vec<u64>,
}

/// A field that is to be created.
#[derive(Debug)]
struct MissingField {
    object: ObjectName,
    alias: String,
    label: String,
}

/// What is to be done about the webhook.
#[derive(Debug)]
struct WebhookWork {
    /// The one that there is.
    id: Option<u64>,
    url: String,
    /// Which of our secrets it signs with now, if any.
    in_use: Option<SecretString>,
    new_secret: bool,
}

/// Looks at Mautic. Changes nothing.
///
/// # Errors
/// The stack has no Mautic, or Mautic cannot be used.
pub async fn look(stack: &Stack, wanted: Wanted) -> Result<MauticSetup<'_>> {
    let config = stack.environment.system(SystemKind::Mautic).context("the stack has no Mautic")?;
    let mautic: Mautic = wiring::systems::connect(&config, &stack.secrets(), &stack.store()?).await?;
    let account = mautic.account().await?;
    let version = account.version.as_deref().unwrap_or("?");
    let mut plan = Plan {
        about: format!("{} at {} (Mautic {version}, role \"{}\")", config.system, config.url, account.role),
        ..Plan::default()
    };
    let mut fields = look_at_fields(&mautic, &mut plan).await?;
    fields.extend(look_at_visitors(stack, &mautic, &mut plan).await?);
    let webhooks = mautic.webhooks().await?;
    let webhook = look_at_webhook(stack, &config, &wanted, &webhooks, &mut plan).await?;
    look_for_unknown_events(stack, &mautic, &mut plan).await?;
    let rivals = look_at_rivals(&webhooks, wanted.replace_integration, &mut plan);
    let setup = MauticSetup { plan, stack, config, mautic, fields, webhook, rivals };
    setup.check_rights(&account)?;
    Ok(setup)
}

/// The fields that are missing.
async fn look_at_fields(mautic: &Mautic, plan: &mut Plan) -> Result<Vec<MissingField>> {
    let (contact, company) = (ObjectName::new(CONTACT), ObjectName::new(COMPANY));
    let listed = [
        (&contact, mautic.listed_fields(&contact).await?),
        (&company, mautic.listed_fields(&company).await?),
    ];
    let find = |object: &ObjectName, alias: &str| {
        let (_, fields) = listed.iter().find(|(listed, _)| *listed == object)?;
        fields.iter().find(|field| text(field, "alias") == alias)
    };
    let mut missing = Vec::new();
    for pair in PAIRS.iter().filter(|pair| pair.remote_kind == SystemKind::Mautic) {
        let (object, alias) = (ObjectName::new(pair.remote_object), pair.hub_id_on_remote);
        let what = format!("the field {alias} of a {object}");
        let elsewhere = listed.iter().find(|(other, _)| **other != object && find(other, alias).is_some());
        match (find(&object, alias), elsewhere) {
            (Some(field), _) => match wrong_with(field) {
                None => plan.there(what),
                Some((seen, remedy)) => plan.by_hand(what, State::Different(seen), remedy),
            },
            (None, Some((other, _))) => plan.by_hand(
                what,
                State::Different(format!(
                    "a {other} has a field with this alias, and Mautic takes each once"
                )),
                format!("delete that field of the {other} (Settings, Custom Fields), then run this again"),
            ),
            (None, None) => {
                plan.work(what, State::Missing, "will be created: text, group core, not unique, not public");
                missing.push(MissingField { object, alias: alias.to_owned(), label: FIELD_LABEL.to_owned() });
            }
        }
    }
    Ok(missing)
}

/// The fields that visitor events fill.
async fn look_at_visitors(stack: &Stack, mautic: &Mautic, plan: &mut Plan) -> Result<Vec<MissingField>> {
    let (object, mut missing) = (ObjectName::new(CONTACT), Vec::new());
    let wanted = super::visitors::wanted_fields(stack).await?;
    let listed = if wanted.is_empty() { Vec::new() } else { mautic.listed_fields(&object).await? };
    for alias in wanted {
        let what = format!("the field {alias} of a {object}, for visitor events");
        if listed.iter().any(|field| text(field, "alias") == alias) {
            plan.there(what);
        } else {
            plan.work(what, State::Missing, "will be created: text, group core, not unique, not public");
            let label = super::visitors::label(&alias);
            missing.push(MissingField { object: object.clone(), alias, label });
        }
    }
    Ok(missing)
}

/// What is wrong with a field that holds ids, and what to do.
fn wrong_with(field: &Json) -> Option<(String, &'static str)> {
    let is_set = |name: &str, default: bool| field.get(name).and_then(Json::as_bool).unwrap_or(default);
    let kind = text(field, "type");
    if kind != "text" {
        return Some((
            format!("it is of the type {kind}, not text"),
            "Mautic cannot change the type: delete the field if nobody else uses it, then run this again",
        ));
    }
    if is_set("isUniqueIdentifier", false) {
        return Some((
            "it is a unique identifier: Mautic would merge contacts by it".to_owned(),
            "switch \"Is Unique Identifier\" off (Settings, Custom Fields)",
        ));
    }
    let is_off = !is_set("isPublished", true);
    is_off.then(|| ("it is not published".to_owned(), "publish it (Settings, Custom Fields)"))
}

fn text<'j>(json: &'j Json, name: &str) -> &'j str {
    json.get(name).and_then(Json::as_str).unwrap_or_default()
}

/// Our webhook is the one that leads to our URL; else the one of our name whose path is the same, which has moved.
pub(crate) fn ours<'w>(webhooks: &'w [Webhook], url: &str) -> Vec<&'w Webhook> {
    let exact: Vec<&Webhook> = webhooks.iter().filter(|webhook| webhook.leads_to(url)).collect();
    if !exact.is_empty() {
        return exact;
    }
    let path = |url: &str| url::Url::parse(url).map(|url| url.path().trim_end_matches('/').to_owned());
    let moved = |webhook: &&Webhook| {
        webhook.name.trim().eq_ignore_ascii_case(WEBHOOK_NAME)
            && matches!((path(&webhook.webhook_url), path(url)), (Ok(old), Ok(new)) if old == new)
    };
    webhooks.iter().filter(moved).collect()
}

async fn look_at_webhook(
    stack: &Stack,
    config: &SystemConfig,
    wanted: &Wanted,
    webhooks: &[Webhook],
    plan: &mut Plan,
) -> Result<Option<WebhookWork>> {
    let url = super::webhook_url(stack, wanted, "webhook-mautic", &config.url)?;
    let live = secret::live(stack, config, SECRETS).await?;
    let what = format!("the webhook to {url}");
    let found = ours(webhooks, &url);
    let Some(webhook) = found.first() else {
        let events = wanted_events(stack).len();
        plan.work(
            what,
            State::Missing,
            format!("will be created as \"{WEBHOOK_NAME}\", with {events} events and a fresh secret"),
        );
        let in_use = live.into_iter().next();
        return Ok(Some(WebhookWork { id: None, url, in_use, new_secret: true }));
    };
    for extra in found.iter().skip(1) {
        plan.by_hand(
            format!("the webhook {} (\"{}\")", extra.id, extra.name),
            State::Different("it leads to us as well, so every event is sent twice".to_owned()),
            "delete it in Mautic (Settings, Webhooks)",
        );
    }
    let in_use = webhook.signs_with(&live).and_then(|place| live.get(place)).cloned();
    let new_secret = wanted.rotate || in_use.is_none();
    let mut differs = Vec::new();
    if !webhook.leads_to(&url) {
        differs.push(format!("it leads to {}", webhook.webhook_url));
    }
    if in_use.is_none() {
        differs.push("it signs with a secret that we do not know".to_owned());
    } else if wanted.rotate {
        differs.push("its secret is to be changed".to_owned());
    }
    let lacks = webhook.lacks(&wanted_events(stack));
    if !lacks.is_empty() {
        differs.push(format!("it lacks the events {}", lacks.join(", ")));
    }
    if !webhook.is_published {
        differs.push("it is not published".to_owned());
    }
    if webhook.events_orderby_dir.as_deref() != Some("ASC") {
        differs.push("queued events are not sent oldest first".to_owned());
    }
    if differs.is_empty() {
        plan.there(what);
        return Ok(None);
    }
    let remedy = if new_secret { "will be changed, with a fresh secret" } else { "will be changed" };
    plan.work(what, State::Different(differs.join("; ")), remedy);
    let in_use = in_use.or_else(|| live.into_iter().next());
    Ok(Some(WebhookWork { id: Some(webhook.id), url, in_use, new_secret }))
}

/// The events that this stack listens to.
pub(crate) fn wanted_events(stack: &Stack) -> Vec<&'static str> {
    events(stack.environment.connects(SystemKind::WordPress))
}

/// An old Mautic does not know every event, and would store an unknown one without a word.
async fn look_for_unknown_events(stack: &Stack, mautic: &Mautic, plan: &mut Plan) -> Result<()> {
    let known = mautic.triggers().await?;
    let mut unknown = wanted_events(stack);
    unknown.retain(|event| !known.iter().any(|known| known.key == *event));
    if !unknown.is_empty() {
        plan.by_hand(
            "the events that the bridge listens to",
            State::Different(format!("this Mautic does not send {}", unknown.join(", "))),
            "nothing to do: polls find what these would have told",
        );
    }
    Ok(())
}

fn look_at_rivals(webhooks: &[Webhook], replace: bool, plan: &mut Plan) -> Vec<u64> {
    let running = webhooks.iter().filter(|webhook| webhook.is_published && webhook.is_corebos_s_own());
    let mut rivals = Vec::new();
    for webhook in running {
        let what = format!("the webhook {} (\"{}\") of coreBOS's own integration", webhook.id, webhook.name);
        let state = State::Different("it is switched on; no pair is started beside it".to_owned());
        if replace {
            plan.work(what, state, "will be switched off (unpublished)");
            rivals.push(webhook.id);
        } else {
            plan.by_hand(what, state, "unpublish it in Mautic, or add --replace-integration");
        }
    }
    rivals
}

impl MauticSetup<'_> {
    /// Whether our role allows what is to be done.
    fn check_rights(&self, account: &Account) -> Result<()> {
        let mut needed = Vec::new();
        if !self.fields.is_empty() {
            needed.push(("lead:fields", "full"));
        }
        match &self.webhook {
            Some(WebhookWork { id: None, .. }) => needed.push(("webhook:webhooks", "create")),
            Some(_) => needed.extend([("webhook:webhooks", "editown"), ("webhook:webhooks", "editother")]),
            None => {}
        }
        if !self.rivals.is_empty() {
            needed.push(("webhook:webhooks", "editother"));
        }
        needed.dedup();
        let missing = account.missing(&needed);
        if !missing.is_empty() {
            bail!(
                "the role \"{}\" of our Mautic user lacks {}: give it these rights for the setup (Settings, Roles), and \
                 take them away afterwards if you like",
                account.role,
                missing.join(", ")
            );
        }
        Ok(())
    }
}

/// Does what the plan says, and tells what was done. The new secret is stored before Mautic learns of it.
///
/// # Errors
/// Something could not be done; what was done before stays, and a second run goes on from there.
pub async fn apply(setup: &mut MauticSetup<'_>) -> Result<Vec<String>> {
    let mut told = Vec::new();
    for MissingField { object, alias, label } in std::mem::take(&mut setup.fields) {
        let field = setup.mautic.create_text_field(&object, &label, &alias).await?;
        if field.alias != alias {
            bail!("Mautic has called the field {} instead of {alias}: delete it and look why", field.alias);
        }
        told.push(format!("the field {alias} of a {object} was created"));
        if !field.is_ready {
            told.push(format!("Mautic makes the column of {alias} in the background, by its cron jobs"));
        }
    }
    if let Some(work) = setup.webhook.take() {
        apply_webhook(setup, &work, &mut told).await?;
    }
    for id in std::mem::take(&mut setup.rivals) {
        let off = WebhookChange { is_published: Some(false), ..WebhookChange::default() };
        setup.mautic.change_webhook(id, &off).await?;
        told.push(format!("the webhook {id} of coreBOS's own integration was switched off"));
    }
    // Pushes that wait for it go on at once.
    let _ = wiring::rivals::look(&setup.stack.store()?, &setup.mautic).await?;
    Ok(told)
}

async fn apply_webhook(setup: &MauticSetup<'_>, work: &WebhookWork, told: &mut Vec<String>) -> Result<()> {
    let new = work.new_secret.then(secret::fresh);
    if let Some(new) = &new {
        secret::store(setup.stack, &setup.config, SECRETS, new, work.in_use.as_ref()).await?;
        told.push(format!("a fresh secret was stored in {}", setup.config.secret));
        told.extend(secret::line_for_the_file(&setup.config, SECRETS, new, work.in_use.as_ref()));
        // A function that has just read the old secrets believes in them for so long.
        tokio::time::sleep(RECHECK.unsigned_abs()).await;
    }
    let change = WebhookChange {
        name: work.id.is_none().then_some(WEBHOOK_NAME),
        url: Some(&work.url),
        secret: new.as_ref(),
        triggers: &wanted_events(setup.stack),
        oldest_first: true,
        is_published: Some(true),
    };
    if let Some(id) = work.id {
        setup.mautic.change_webhook(id, &change).await?;
        told.push(format!("the webhook {id} was changed"));
    } else {
        let created = setup.mautic.create_webhook(&change).await?;
        told.push(format!("the webhook {} was created", created.id));
    }
    Ok(())
}
