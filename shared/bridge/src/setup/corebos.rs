//! `bridge setup corebos`: the key, the business maps that call us, the field maps; and what must be clicked.
//!
//! The webservice creates business maps and settings. It creates neither fields nor workflows: those are told.

use std::collections::BTreeSet;

use anyhow::{Context, Result, anyhow, bail};
use aws::SecretString;
use aws::config::SystemConfig;
use aws::secrets::{ExposeSecret as _, RECHECK};
use connector_corebos::CoreBos;
use connector_corebos::admin::{
    FIELD_MAP, Launch, OWN_INTEGRATION, StoredMap, WEBSERVICE_MAP, WebhookEvent, Workflow, webservice_map,
};
use model::{ObjectName, SystemKind};
use sync::nurturing::NurturingRules;
use sync::pairs::{PAIRS, PairSpec, pair_spec};

use super::plan::{Plan, State};
use super::{Wanted, control_fields, secret};
use crate::stack::Stack;

/// The setting of coreBOS that holds the key, so that it stands in no map.
pub const KEY_SETTING: &str = "bridge_key";
/// The business maps that call us, with what they tell.
pub const WEBSERVICE_MAPS: [(&str, WebhookEvent<'static>); 2] =
    [("BridgeSave", WebhookEvent::Save), ("BridgeDelete", WebhookEvent::Delete)];
/// The member of coreBOS's secret that holds the keys.
const KEYS: &str = "webhook_keys";

/// A coreBOS that was looked at.
#[derive(Debug)]
pub struct CorebosSetup<'s> {
    /// How it stands.
    pub plan: Plan,
    stack: &'s Stack,
    config: SystemConfig,
    corebos: CoreBos,
    work: Vec<Work>,
}

/// Something that the webservice can do.
#[derive(Debug)]
enum Work {
    NewKey { in_use: Option<SecretString> },
    CreateMap { name: String, kind: &'static str, module: &'static str, content: String },
    ChangeMap { id: String, name: String, content: String },
    SwitchOwnIntegrationOff,
}

/// Looks at coreBOS. Changes nothing.
///
/// # Errors
/// The stack has no coreBOS, or coreBOS cannot be used.
pub async fn look(stack: &Stack, wanted: Wanted) -> Result<CorebosSetup<'_>> {
    let config = stack.environment.system(SystemKind::CoreBos).context("the stack has no coreBOS")?;
    let corebos: CoreBos = wiring::systems::connect(&config, &stack.secrets(), &stack.store()?).await?;
    let account = corebos.account().await?;
    let role = if account.is_administrator { "an administrator" } else { "no administrator" };
    let about = format!("{} at {} (our user {} is {role})", config.system, config.url, account.id);
    let plan = Plan { about, ..Plan::default() };
    let url = super::webhook_url(stack, &wanted, "webhook-corebos", &config.url)?;
    let mut setup = CorebosSetup { plan, stack, config, corebos, work: Vec::new() };
    if !account.is_administrator {
        setup.plan.by_hand(
            "our user as an administrator",
            State::Different(
                "it is none: coreBOS tells it only of the changes of its own records".to_owned(),
            ),
            "tick Admin in the user's page (Settings, Users)",
        );
    }
    for preference in &account.unfit_preferences {
        setup.plan.by_hand(
            "the preferences of our user",
            State::Different(preference.clone()),
            "coreBOS reads what we write by them: change it in the user's page",
        );
    }
    let specs = specs(stack).await?;
    control_fields::look(&setup.corebos, &specs, &mut setup.plan).await?;
    setup.look_at_key(wanted.rotate).await?;
    for (name, event) in WEBSERVICE_MAPS {
        setup.look_at_webservice_map(name, event, &url).await?;
    }
    setup.look_at_nurturing(&url).await?;
    for pair in &specs {
        for (name, module) in [(pair.map_to_hub, pair.hub_object), (pair.map_to_remote, pair.hub_object)] {
            setup.look_at_field_map(name, module).await?;
        }
    }
    setup.look_at_own_integration(wanted.replace_integration).await;
    setup.look_at_workflows(&modules(&specs)).await;
    Ok(setup)
}

/// The rows of the pairs that a stack keeps in step.
pub(crate) async fn specs(stack: &Stack) -> Result<Vec<&'static PairSpec>> {
    let pairs = stack.pairs_in_use(&stack.store()?).await?;
    Ok(pairs.into_iter().map(|pair| pair_spec(pair.kind)).collect())
}

/// The workflows that coreBOS needs for a module: what each is called, when it runs, and its map.
pub(crate) fn wanted_workflows(module: &str) -> [(String, Launch, &'static str); 2] {
    [
        (format!("Bridge: {module} saved"), Launch::EverySave, "BridgeSave"),
        (format!("Bridge: {module} deleted"), Launch::Deletion, "BridgeDelete"),
    ]
}

/// Whether a workflow tells the bridge of this, as far as can be seen from outside.
pub(crate) fn tells(workflow: &Workflow, launch: Launch) -> bool {
    workflow.is_active && workflow.is_for_the_bridge() && workflow.launch == launch
}

/// The modules of these pairs, each once.
pub(crate) fn modules(specs: &[&'static PairSpec]) -> Vec<&'static str> {
    let mut modules: Vec<&str> = Vec::new();
    for spec in specs {
        if !modules.contains(&spec.hub_object) {
            modules.push(spec.hub_object);
        }
    }
    modules
}

impl CorebosSetup<'_> {
    async fn look_at_key(&mut self, rotate: bool) -> Result<()> {
        let what = format!("the key of our webhook, in the setting {KEY_SETTING}");
        let live = secret::live(self.stack, &self.config, KEYS).await?;
        let stored = self.corebos.setting(KEY_SETTING).await?;
        let in_use = live.iter().find(|key| key.expose_secret() == stored).cloned();
        let (state, remedy) = match (&in_use, stored.is_empty()) {
            (Some(_), _) if !rotate => {
                self.plan.there(what);
                return Ok(());
            }
            (Some(_), _) => (State::Different("it is to be changed".to_owned()), "will be changed"),
            (None, true) => (State::Missing, "will be made"),
            (None, false) => (
                State::Different("the bridge does not know it".to_owned()),
                "will be replaced by a fresh one",
            ),
        };
        self.plan.work(what, state, remedy);
        self.work.push(Work::NewKey { in_use: in_use.or_else(|| live.into_iter().next()) });
        Ok(())
    }

    async fn look_at_webservice_map(&mut self, name: &str, event: WebhookEvent<'_>, url: &str) -> Result<()> {
        let what = format!("the business map {name}, which calls {url}");
        let content = webservice_map(url, KEY_SETTING, event);
        match self.corebos.maps_named(name).await?.as_slice() {
            [] => {
                self.plan.work(what, State::Missing, format!("will be created, type \"{WEBSERVICE_MAP}\""));
                let name = name.to_owned();
                self.work.push(Work::CreateMap { name, kind: WEBSERVICE_MAP, module: "Contacts", content });
            }
            [map] if map.kind != WEBSERVICE_MAP => {
                let seen = State::Different(format!("there is one of the type \"{}\"", map.kind));
                self.plan.by_hand(what, seen, "rename that one, then run this again");
            }
            [map] if calls_us(&map.content, &content) => self.plan.there(what),
            [map] => {
                let seen = State::Different("it does not call this URL with our key".to_owned());
                self.plan.work(what, seen, "its text will be replaced");
                let (id, name) = (map.id.clone(), name.to_owned());
                self.work.push(Work::ChangeMap { id, name, content });
            }
            several => self.several(&what, several),
        }
        Ok(())
    }

    /// A map for each event of a workflow that begins something in HubSpot. Which workflow that is, and when it runs, is
    /// the user's own affair.
    async fn look_at_nurturing(&mut self, url: &str) -> Result<()> {
        let Ok(hubspot) = self.stack.environment.instance(SystemKind::HubSpot) else { return Ok(()) };
        if self.stack.environment.system(SystemKind::HubSpot).is_err() {
            return Ok(());
        }
        let (_, preferences) = wiring::systems::settings_of(&self.stack.store()?, &hubspot).await?;
        let written = preferences.get("nurturing").and_then(serde_json::Value::as_str).unwrap_or_default();
        let rules: NurturingRules = written.parse().map_err(|error: String| anyhow!(error))?;
        let events: BTreeSet<&str> = rules.events().collect();
        for event in &events {
            self.look_at_webservice_map(&event_map(event), WebhookEvent::Named(event), url).await?;
        }
        if !events.is_empty() {
            let maps: Vec<String> = events.iter().map(|event| event_map(event)).collect();
            self.plan.steps.push(format!(
                "Nurturing (setting hubspot.nurturing): give a workflow of yours a task \"Run Web Service\" with the business\n\
                 map of its event ({}). It begins for records that are in step with HubSpot.",
                maps.join(", ")
            ));
        }
        Ok(())
    }

    async fn look_at_field_map(&mut self, name: &'static str, module: &'static str) -> Result<()> {
        let what = format!("the field map {name}");
        match self.corebos.maps_named(name).await?.as_slice() {
            [] => {
                let shipped = mapping::shipped::find(name).with_context(|| format!("no {name} ships"))?;
                self.plan.work(what, State::Missing, "will be created as it ships; edit it there afterwards");
                let content = shipped.xml.to_owned();
                let name = name.to_owned();
                self.work.push(Work::CreateMap { name, kind: FIELD_MAP, module, content });
            }
            [map] if map.kind != FIELD_MAP => {
                let seen = State::Different(format!("there is one of the type \"{}\"", map.kind));
                self.plan.by_hand(what, seen, format!("rename it, or make its type \"{FIELD_MAP}\""));
            }
            [map] if map.name != name => {
                let seen = State::Different(format!("there is one called `{}`", map.name));
                self.plan.by_hand(what, seen, format!("rename it to {name}: the bridge reads exact names"));
            }
            // Whose it is does not matter: a field map is never overwritten.
            [_] => self.plan.there(what),
            several => self.several(&what, several),
        }
        Ok(())
    }

    fn several(&mut self, what: &str, maps: &[StoredMap]) {
        let ids = maps.iter().map(|map| map.id.as_str()).collect::<Vec<_>>().join(", ");
        let seen = State::Different(format!("there are several of this name: {ids}"));
        self.plan.by_hand(what, seen, "nobody knows which is meant: rename all but one");
    }

    async fn look_at_own_integration(&mut self, replace: bool) {
        let what = "coreBOS's own Mautic integration, switched off";
        match self.corebos.setting(OWN_INTEGRATION).await.as_deref().map(str::trim) {
            Ok("1") if replace => {
                let seen = State::Different("it is switched on".to_owned());
                self.plan.work(
                    what,
                    seen,
                    "will be switched off; its fields stay, its workflows do nothing then",
                );
                self.work.push(Work::SwitchOwnIntegrationOff);
            }
            Ok("1") => {
                let seen =
                    State::Different("it is switched on: its workflows would write what we write".to_owned());
                self.plan.by_hand(
                    what,
                    seen,
                    "add --replace-integration (its settings screen would hide the fields)",
                );
            }
            Ok(_) => self.plan.there(what),
            Err(error) => {
                let unseen = State::Unseen(error.to_string());
                self.plan.by_hand(
                    what,
                    unseen,
                    "look in Settings, Workflows, for tasks that call mauticContact... or mauticAccount...",
                );
            }
        }
    }

    async fn look_at_workflows(&mut self, modules: &[&'static str]) {
        let mut missing = Vec::new();
        for module in modules {
            let seen = self.corebos.workflows(module).await;
            for (name, launch, map) in wanted_workflows(module) {
                let what = format!("the workflow \"{name}\"");
                match &seen {
                    Ok(workflows) if workflows.iter().any(|workflow| tells(workflow, launch)) => {
                        self.plan.there(format!("{what}, as far as its name says"));
                        continue;
                    }
                    Ok(_) => self.plan.by_hand(what, State::Missing, "see below"),
                    Err(error) => self.plan.by_hand(what, State::Unseen(error.to_string()), "see below"),
                }
                missing.push((module, name, launch, map));
            }
        }
        for (module, name, launch, map) in missing {
            self.plan.steps.push(step(module, &name, launch, map));
        }
    }
}

/// What the business map of an event is called.
fn event_map(event: &str) -> String {
    format!("BridgeEvent {event}")
}

/// What to click for a workflow, by the labels of coreBOS's English screens.
fn step(module: &str, name: &str, launch: Launch, map: &str) -> String {
    let launch = match launch {
        Launch::Deletion => "On Delete",
        _ => "Every time the record is saved",
    };
    format!(
        "Settings, Workflows, New Workflow (index.php?module=com_vtiger_workflow&action=workflowlist):\n\
         create a workflow for {module}; Description \"{name}\"; launch \"{launch}\"; no conditions; save.\n\
         Then New Task \"Run Web Service\", title \"{name}\", Active, without a delay; choose the business map {map}; save."
    )
}

/// Whether a map does what ours does: it may have been laid out anew or carry more fields.
fn calls_us(content: &str, ours: &str) -> bool {
    let bare = |text: &str| text.split('<').map(str::trim).collect::<Vec<_>>().join("<");
    let (content, ours) = (bare(content), bare(ours));
    let parts = ["<wsurl>", "<wsheader>", "<certinsecure>", "<fieldname>event<"];
    content == ours
        || parts.iter().all(|from| {
            let part = |text: &str| {
                let (_, rest) = text.split_once(from)?;
                let end = if *from == "<wsheader>" { "</wsheader>" } else { "</" };
                let end = if from.starts_with("<fieldname>") { "</field>" } else { end };
                rest.split_once(end).map(|(part, _)| part.to_owned())
            };
            part(&content) == part(&ours)
        })
}

/// Does what the plan says, and tells what was done. A new key is stored on our side before coreBOS learns of it.
///
/// # Errors
/// Something could not be done; what was done before stays, and a second run goes on from there.
pub async fn apply(setup: &mut CorebosSetup<'_>) -> Result<Vec<String>> {
    let mut told = Vec::new();
    for work in std::mem::take(&mut setup.work) {
        match work {
            Work::NewKey { in_use } => {
                let new = secret::fresh();
                secret::store(setup.stack, &setup.config, KEYS, &new, in_use.as_ref()).await?;
                told.push(format!("a fresh key was stored in {}", setup.config.secret));
                told.extend(secret::line_for_the_file(&setup.config, KEYS, &new, in_use.as_ref()));
                tokio::time::sleep(RECHECK.unsigned_abs()).await;
                setup.corebos.put_setting(KEY_SETTING, new.expose_secret()).await?;
                told.push(format!("coreBOS's setting {KEY_SETTING} was changed"));
            }
            Work::CreateMap { name, kind, module, content } => {
                // An error of a create may come although it was done.
                if let Err(error) = setup.corebos.create_map(&name, kind, module, &content).await
                    && setup.corebos.maps_named(&name).await?.is_empty()
                {
                    return Err(error).with_context(|| format!("the map {name} cannot be created"));
                }
                told.push(format!("the business map {name} was created"));
            }
            Work::ChangeMap { id, name, content } => {
                setup.corebos.change_map(&id, &content).await?;
                told.push(format!("the business map {name} was changed"));
            }
            Work::SwitchOwnIntegrationOff => {
                switch_off(&setup.corebos).await?;
                told.push(
                    "coreBOS's own Mautic integration was switched off; its fields are still there"
                        .to_owned(),
                );
            }
        }
    }
    // Pushes that wait for it go on at once.
    let _ = wiring::rivals::look(&setup.stack.store()?, &setup.corebos).await?;
    Ok(told)
}

/// Switches coreBOS's own integration off by its setting, which leaves its fields alone; that is checked.
async fn switch_off(corebos: &CoreBos) -> Result<()> {
    corebos.put_setting(OWN_INTEGRATION, "0").await?;
    for pair in PAIRS.iter().filter(|pair| pair.remote_kind == SystemKind::Mautic) {
        let (description, _) = corebos.described(&ObjectName::new(pair.hub_object)).await?;
        let there = control_fields::described(&description);
        if control_fields::of(pair).iter().any(|field| !there.contains(field)) {
            corebos.put_setting(OWN_INTEGRATION, "1").await?;
            bail!(
                "this coreBOS hides the fields of {} when its own integration is off, so it was switched on again: switch \
                 off its workflows instead (Settings, Workflows: those that call mauticContact... or mauticAccount...)",
                pair.hub_object
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://h.example.com/webhooks/corebos";

    #[test]
    fn a_map_that_was_laid_out_anew_or_sends_more_still_calls_us() {
        let ours = webservice_map(URL, KEY_SETTING, WebhookEvent::Save);
        assert!(calls_us(&ours, &ours));
        assert!(calls_us(&ours.replace("><", ">\n  <"), &ours));
        let more = ours.replace("</fields>", "<field><fieldname>lastname</fieldname></field></fields>");
        assert!(calls_us(&more, &ours));
        for (from, to) in [
            ("h.example.com", "old.example.com"),
            ("getSetting(bridge_key)", "geheim"),
            (">save<", ">delete<"),
            ("<certinsecure>2</certinsecure>", ""),
        ] {
            assert!(!calls_us(&ours.replace(from, to), &ours), "{to}");
        }
    }
}
