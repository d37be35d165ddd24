//! `bridge setup hubspot`: the properties that carry coreBOS's ids, and the files of a project app that sends webhooks;
//! which scopes are missing, and what else only a person can do.
//!
//! HubSpot has no API for the subscriptions of an app: they are files that HubSpot's own tool uploads.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use aws::config::SystemConfig;
use connector_corebos::CoreBos;
use connector_hubspot::admin::{Project, ProjectFile, PropertyThere, ScopeUse, UNIQUE_LIMIT};
use connector_hubspot::{HubSpot, HubSpotPreferences, LEAD, Leads};
use mapping::{FieldMap, Semantics};
use model::{Direction, ObjectName, SystemKind};
use sync::ConnectorError;
use sync::pairs::{PAIRS, PairSpec};
use wiring::Live;

use super::plan::{Plan, State};
use super::{Wanted, control_fields, secret};
use crate::stack::Stack;

/// The group of properties that the bridge makes, and what it is called.
const GROUP: (&str, &str) = ("corebos", "coreBOS");
/// What the property with coreBOS's id is called.
const PROPERTY_LABEL: &str = "coreBOS ID";
/// The file of a project that is ours, and follows the maps. The others are written once.
const WEBHOOKS: &str = "webhooks-hsmeta.json";

/// A portal that was looked at.
#[derive(Debug)]
pub struct HubSpotSetup {
    /// How it stands.
    pub plan: Plan,
    hubspot: HubSpot,
    work: Vec<Work>,
}

/// Something that can be done.
#[derive(Debug)]
enum Work {
    Group(ObjectName),
    Property(ObjectName, &'static str),
    Write(PathBuf, String),
}

/// The rows of pairs with HubSpot.
pub(crate) fn specs() -> impl Iterator<Item = &'static PairSpec> {
    PAIRS.iter().filter(|pair| pair.remote_kind == SystemKind::HubSpot)
}

/// The rows of the pairs with HubSpot that its settings keep in step.
pub(crate) fn kept(preferences: &HubSpotPreferences) -> Vec<&'static PairSpec> {
    let preferences = serde_json::to_value(preferences).unwrap_or_default();
    specs().filter(|spec| spec.is_kept(&preferences)).collect()
}

/// The properties with coreBOS's ids, each once: several pairs may share an object.
pub(crate) fn id_properties(preferences: &HubSpotPreferences) -> BTreeSet<(&'static str, &'static str)> {
    kept(preferences).into_iter().map(|pair| (pair.remote_object, pair.hub_id_on_remote)).collect()
}

/// The secrets that sign webhooks.
pub(crate) async fn signing_secrets(stack: &Stack, config: &SystemConfig) -> Result<Vec<aws::SecretString>> {
    let mut all = secret::single(stack, config, "client_secret").await?;
    all.extend(secret::live(stack, config, "webhook_secrets").await?);
    Ok(all)
}

/// Looks at HubSpot. Changes nothing.
///
/// # Errors
/// The stack has no HubSpot, or HubSpot cannot be used.
pub async fn look(stack: &Stack, wanted: Wanted) -> Result<HubSpotSetup> {
    let config = stack.environment.system(SystemKind::HubSpot).context("the stack has no HubSpot")?;
    let hubspot: HubSpot = wiring::systems::connect(&config, &stack.secrets(), &stack.store()?).await?;
    let account = hubspot.portal_account().await?;
    let about = format!(
        "{} at {}: portal {} ({}, {}), known by {}",
        config.system,
        config.url,
        account.portal,
        account.kind.to_lowercase().replace('_', " "),
        account.time_zone,
        hubspot.known_by()
    );
    let plan = Plan { about, ..Plan::default() };
    let mut setup = HubSpotSetup { plan, hubspot, work: Vec::new() };
    setup.look_at_scopes().await?;
    for (object, name) in id_properties(&setup.hubspot.preferences().clone()) {
        setup.look_at_property(&ObjectName::new(object), name).await?;
    }
    setup.look_at_leads().await?;
    let specs = kept(setup.hubspot.preferences());
    let corebos = look_at_corebos(stack, &specs, &mut setup.plan).await;
    setup.look_at_webhooks(stack, &config, corebos.as_ref(), &wanted).await?;
    Ok(setup)
}

/// The control fields of coreBOS; and coreBOS, if it answers.
async fn look_at_corebos(stack: &Stack, specs: &[&'static PairSpec], plan: &mut Plan) -> Option<CoreBos> {
    let seen = async {
        let config = stack.environment.system(SystemKind::CoreBos)?;
        let corebos: CoreBos = wiring::systems::connect(&config, &stack.secrets(), &stack.store()?).await?;
        control_fields::look(&corebos, specs, plan).await?;
        Ok::<_, anyhow::Error>(corebos)
    };
    match seen.await {
        Ok(corebos) => Some(corebos),
        Err(error) => {
            let unseen = State::Unseen(format!("{error:#}"));
            plan.by_hand(
                "the fields of coreBOS that show HubSpot's side",
                unseen,
                "run `bridge setup corebos`",
            );
            None
        }
    }
}

impl HubSpotSetup {
    async fn look_at_scopes(&mut self) -> Result<()> {
        let scopes = self.hubspot.scopes().await?;
        let cannot_set_up = !scopes.missing(ScopeUse::SetUp).is_empty();
        for (what_for, what, without) in [
            (
                ScopeUse::Sync,
                "the scopes that records need",
                "give them to the token: without them the pairs are stopped",
            ),
            (
                ScopeUse::Owners,
                "the scope for owners",
                "give it to the token, or let no map carry `owner_email`",
            ),
            (
                ScopeUse::SetUp,
                "the scopes that create properties",
                "give them to the token for the setup; they can be taken away afterwards",
            ),
            (
                ScopeUse::Leads,
                "the scopes for lead records",
                "give them to the token, or set hubspot.leads to contacts: without them that pair is stopped",
            ),
            (
                ScopeUse::Lists,
                "the scope for lists",
                "needed only where a nurturing rule adds people to lists",
            ),
            (
                ScopeUse::Events,
                "the scope for custom events",
                "needed only where a nurturing rule sends events; portals with an Enterprise edition have them",
            ),
            (
                ScopeUse::Report,
                "the scope for campaigns",
                "needed only for the campaigns of `bridge report hubspot`",
            ),
        ] {
            if what_for == ScopeUse::Leads && !self.hubspot.preferences().leads.have_records() {
                continue;
            }
            let missing = scopes.missing(what_for);
            if !scopes.knows(what_for) {
                let unseen = State::Unseen("HubSpot does not tell what this token may do".to_owned());
                self.plan.by_hand(what, unseen, without);
            } else if missing.is_empty() {
                self.plan.there(what);
            } else {
                self.plan.by_hand(
                    what,
                    State::Different(format!("the token lacks {}", missing.join(", "))),
                    without,
                );
            }
        }
        if cannot_set_up {
            let missing = scopes.missing(ScopeUse::SetUp).join(", ");
            self.plan.steps.push(format!(
                "Without {missing} create the properties by hand: Settings, Properties, for contacts, companies and deals:\n\
                 label \"{PROPERTY_LABEL}\", internal name corebos_id, single-line text, and tick \"Require unique values\"."
            ));
        }
        Ok(())
    }

    async fn look_at_property(&mut self, object: &ObjectName, name: &'static str) -> Result<()> {
        let what = format!("the property {name} of a {object}, with unique values");
        let listed = self.hubspot.listed_properties(object).await?;
        if let Some(found) = listed.iter().find(|property| property.name == name && !property.archived) {
            match wrong_with(found) {
                None => self.plan.there(what),
                Some((seen, remedy)) => self.plan.by_hand(what, State::Different(seen), remedy),
            }
            return Ok(());
        }
        let archived = listed.iter().find(|property| property.name == name);
        if let Some((seen, remedy)) = archived.and_then(wrong_with) {
            self.plan.by_hand(
                what,
                State::Different(format!("an archived one is there, and {seen}")),
                remedy,
            );
            return Ok(());
        }
        let counts = |property: &&PropertyThere| {
            property.has_unique_value && !property.hubspot_defined && !property.archived
        };
        let unique: Vec<&str> = listed.iter().filter(counts).map(|property| property.name.as_str()).collect();
        if unique.len() >= UNIQUE_LIMIT {
            let seen = format!(
                "a {object} has {UNIQUE_LIMIT} unique properties, which is all that HubSpot allows: {}",
                unique.join(", ")
            );
            self.plan.by_hand(
                what,
                State::Different(seen),
                "archive one of them in HubSpot (Settings, Properties)",
            );
            return Ok(());
        }
        self.look_at_group(object).await?;
        if archived.is_some() {
            let seen = State::Different("it is archived".to_owned());
            self.plan.work(what, seen, "will be brought back as it was");
        } else {
            let group = GROUP.1;
            self.plan.work(
                what,
                State::Missing,
                format!("will be created in the group {group}: one line of text"),
            );
        }
        self.work.push(Work::Property(object.clone(), name));
        Ok(())
    }

    async fn look_at_group(&mut self, object: &ObjectName) -> Result<()> {
        let what = format!("the property group {} of a {object}", GROUP.1);
        if self.hubspot.property_groups(object).await?.iter().any(|group| group == GROUP.0) {
            self.plan.there(what);
        } else {
            self.plan.work(what, State::Missing, "will be created");
            self.work.push(Work::Group(object.clone()));
        }
        Ok(())
    }

    /// Which records of HubSpot are Leads in coreBOS.
    async fn look_at_leads(&mut self) -> Result<()> {
        let has_records = self.hubspot.has_lead_object().await?;
        let preferences = self.hubspot.preferences();
        let early = format!("contacts whose stage of life is one of {}", preferences.lead_stages);
        let what = match preferences.leads {
            Leads::Contacts => {
                format!("Leads of coreBOS are {early} (settings hubspot.leads, hubspot.lead-stages)")
            }
            Leads::Objects => {
                "Leads of coreBOS are contacts with a lead record (setting hubspot.leads)".to_owned()
            }
            Leads::Both => format!(
                "Leads of coreBOS are {early}, or with a lead record (settings hubspot.leads, hubspot.lead-stages)"
            ),
        };
        if has_records || !preferences.leads.have_records() {
            let portal = match (has_records, preferences.leads) {
                (false, _) => "; the portal has no leads as records of their own",
                (true, Leads::Contacts) => {
                    "; the portal also has leads as records of their own, which hubspot.leads both keeps in step, too"
                }
                (true, _) => "",
            };
            self.plan.there(format!("{what}{portal}"));
            return Ok(());
        }
        self.plan.by_hand(
            what,
            State::Different("the portal has no leads as records of their own, or our token may not see them".to_owned()),
            "they need Sales Hub Professional or Enterprise; otherwise `bridge settings set hubspot.leads contacts`",
        );
        Ok(())
    }

    async fn look_at_webhooks(
        &mut self,
        stack: &Stack,
        config: &SystemConfig,
        corebos: Option<&CoreBos>,
        wanted: &Wanted,
    ) -> Result<()> {
        let what = "the client secret that signs webhooks";
        let is_signed = !signing_secrets(stack, config).await?.is_empty();
        if is_signed {
            self.plan.there(what);
        } else {
            let arn = &config.secret;
            self.plan.by_hand(
                what,
                State::Missing,
                format!("put it into {arn} as client_secret (below \"hubspot\", if systems share it); until then changes wait for a poll"),
            );
        }
        let Some(folder) = &wanted.project else {
            if !is_signed {
                self.plan.steps.push(
                    "Webhooks, so that changes of HubSpot arrive within seconds: a service key has none, a project app has.\n\
                     `bridge setup hubspot --project DIR --apply` writes the app with its subscriptions for HubSpot's tool `hs`."
                        .to_owned(),
                );
            }
            return Ok(());
        };
        let url = target_url(stack, config, wanted)?;
        let project = self.project(stack, corebos, url).await?;
        let count = project.subscriptions();
        for file in project.files() {
            self.look_at_file(folder, &file, count);
        }
        self.plan.steps.push(format!(
            "In {}: `hs account auth`, then `hs project upload`. Install the app in the portal (Development, Projects,\n\
             corebos-bridge), and put its access token and its client secret into {} as access_token and client_secret,\n\
             below \"hubspot\" if systems share it.\n\
             The client secret also belongs there where the token is another one's. New subscriptions count after five\n\
             minutes. After an edit of a map that reads other properties, write and upload the files again.",
            folder.display(),
            config.secret
        ));
        Ok(())
    }

    /// The app with a subscription for every property that a map reads.
    async fn project(&self, stack: &Stack, corebos: Option<&CoreBos>, url: String) -> Result<Project> {
        let (store, keeper) = (stack.store()?, stack.environment.instance(SystemKind::CoreBos)?);
        let live = Live { hub: corebos, remote: Some(&self.hubspot) };
        let mut project = Project::new(url);
        for spec in kept(self.hubspot.preferences()) {
            let (looked, _) = wiring::maps::look(&store, &keeper, live, spec).await?;
            let to_hub = looked.into_iter().find(|map| map.direction == Direction::ToHub);
            let map = to_hub.with_context(|| format!("there is no map {}", spec.map_to_hub))?;
            let in_use =
                map.in_use.map_err(|error| anyhow!("the map {} cannot be used: {error}", map.name))?;
            let compiled = FieldMap::compile(in_use.name, in_use.xml.as_bytes(), Semantics::Bridge);
            let compiled = compiled.map_err(|error| anyhow!("{error}"))?;
            let sources = compiled.targets().flat_map(mapping::Target::sources);
            project.subscribe(
                &ObjectName::new(spec.remote_object),
                sources.map(|source| source.root.as_str()),
            )?;
        }
        Ok(project)
    }

    fn look_at_file(&mut self, folder: &Path, file: &ProjectFile, subscriptions: usize) {
        let path = folder.join(file.path);
        let is_ours = file.path.ends_with(WEBHOOKS);
        let more = if is_ours { format!(", {subscriptions} subscriptions") } else { String::new() };
        let what = format!("the file {}{more}", path.display());
        match std::fs::read_to_string(&path) {
            Ok(text) if text == file.text || !is_ours => self.plan.there(what),
            Ok(_) => {
                let seen = State::Different("it subscribes to something else".to_owned());
                self.plan.work(what, seen, "will be replaced");
                self.work.push(Work::Write(path, file.text.clone()));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.plan.work(what, State::Missing, "will be written");
                self.work.push(Work::Write(path, file.text.clone()));
            }
            Err(error) => self.plan.by_hand(what, State::Unseen(error.to_string()), "let us read it"),
        }
    }
}

/// What is wrong with a property that holds ids, and what to do.
pub(crate) fn wrong_with(property: &PropertyThere) -> Option<(String, &'static str)> {
    let remedy = "HubSpot cannot change that: delete the property for good (Settings, Properties, then Archived) if nobody \
                  else uses it, then run this again";
    if property.kind != "string" {
        return Some((format!("it is of the type {}, not text", property.kind), remedy));
    }
    let is_not = !property.has_unique_value;
    is_not.then(|| ("its values are not unique".to_owned(), remedy))
}

/// Where the app shall send: what HubSpot signs, to the letter.
fn target_url(stack: &Stack, config: &SystemConfig, wanted: &Wanted) -> Result<String> {
    match stack.environment.webhook_url(SystemKind::HubSpot)? {
        Some(configured) if wanted.webhook_url.as_ref().is_some_and(|wanted| *wanted != configured) => {
            bail!(
                "the stack checks signatures for {configured}: leave --webhook-url out, or change that parameter"
            )
        }
        Some(configured) => Ok(configured),
        None => {
            let url = super::webhook_url(stack, wanted, "webhook-hubspot", &config.url)?;
            Ok(crate::simulated::hubspot::signed_url(&url))
        }
    }
}

/// Whether properties of this object are for people to make: HubSpot names no scope that lets a token do so for leads.
fn is_closed_to_tokens(object: &ObjectName, error: &ConnectorError) -> bool {
    let is_refused = matches!(error, ConnectorError::Misconfigured { .. } | ConnectorError::Forbidden { .. });
    object.as_str() == LEAD && is_refused
}

/// Does what the plan says, and tells what was done.
///
/// # Errors
/// Something could not be done; what was done before stays, and a second run goes on from there.
pub async fn apply(setup: &mut HubSpotSetup) -> Result<Vec<String>> {
    let mut told = Vec::new();
    for work in std::mem::take(&mut setup.work) {
        match work {
            Work::Group(object) => {
                let made = setup.hubspot.create_property_group(&object, GROUP.0, GROUP.1).await;
                // The property, which comes next, is refused, too, and tells what to do.
                if !made.as_ref().is_err_and(|error| is_closed_to_tokens(&object, error)) {
                    made?;
                    told.push(format!("the property group {} of a {object} was created", GROUP.1));
                }
            }
            Work::Property(object, name) => {
                let made = setup.hubspot.create_id_property(&object, GROUP.0, name, PROPERTY_LABEL).await;
                if made.as_ref().is_err_and(|error| is_closed_to_tokens(&object, error)) {
                    told.push(format!(
                        "HubSpot did not let us create the property {name} of a {object}. Create it by hand: Settings,\n\
                         Properties, Lead properties: label \"{PROPERTY_LABEL}\", internal name {name}, single-line text,\n\
                         and tick \"Require unique values\"."
                    ));
                    continue;
                }
                let made = made.with_context(|| format!("the property {name} of a {object}"))?;
                if let Some((seen, remedy)) = wrong_with(&made) {
                    bail!("HubSpot has made the property {name} of a {object}, and {seen}: {remedy}");
                }
                told.push(format!("the property {name} of a {object} was created"));
            }
            Work::Write(path, text) => {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder)
                        .with_context(|| format!("cannot make {}", folder.display()))?;
                }
                std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
                told.push(format!("{} was written", path.display()));
            }
        }
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_object_has_one_property_for_ids_although_two_pairs_share_contacts() {
        let mut preferences = HubSpotPreferences::default();
        let of_three = [("company", "corebos_id"), ("contact", "corebos_id"), ("deal", "corebos_id")];
        assert_eq!(id_properties(&preferences).into_iter().collect::<Vec<_>>(), of_three);
        preferences.leads = Leads::Both;
        assert!(id_properties(&preferences).contains(&("lead", "corebos_id")));
    }
}
