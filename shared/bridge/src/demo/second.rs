//! The chapters of the second system: HubSpot, which hears only of who is ticked.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use simulators::hubspot::{HubSpotSimulator, Kind};

use super::chapters::note;
use super::stage::{Stage, corebos_writes, text};
use crate::simulated::Simulated;

/// The list that starts a workflow: the first one of the stand-in.
const LIST: &str = "1";

/// The rule of the story.
pub(super) fn rule(list: &str) -> String {
    format!("Leads.leadstatus=Hot -> list {list}")
}

fn portal(systems: &Simulated) -> Option<&HubSpotSimulator> {
    systems.hubspot.as_ref()
}

/// A property of a record of HubSpot; blank where there is none.
fn property(systems: &Simulated, kind: Kind, id: &str, name: &str) -> String {
    let record = portal(systems).and_then(|portal| portal.record(kind, id));
    record.and_then(|values| values.get(name).cloned()).unwrap_or_default()
}

/// The record that carries a coreBOS id.
fn partner(systems: &Simulated, kind: Kind, hub: &str) -> Option<String> {
    portal(systems)?.ids(kind).into_iter().find(|id| property(systems, kind, id, "corebos_id") == hub)
}

pub(super) async fn ticked(stage: &mut Stage) -> Result<String> {
    note(
        "Katherine is known in Mautic and coreBOS. Somebody ticks \"Sync with HubSpot\" in her page of coreBOS.",
    );
    let fields = json!({ "firstname": "Katherine", "lastname": "Johnson", "email": "katherine@example.org" });
    let id = stage.simulated.mautic.create_contact(&fields).await.context("Mautic did not take her")?;
    let record = stage
        .until("Katherine in coreBOS", |s| s.corebos.find("Contacts", "mautic_id", &id.to_string()))
        .await?;
    let hub = text(&record, "id");
    stage.quiet().await?;
    ensure!(partner(&stage.simulated, Kind::Contact, &hub).is_none(), "HubSpot heard of her too early");
    stage.simulated.corebos.edit(&hub, &json!({ "hubspotsyncwith": "1" })).await?;
    let there = stage.until("Katherine in HubSpot", |s| partner(s, Kind::Contact, &hub)).await?;
    stage.quiet().await?;
    note("Her job title is changed in Mautic.");
    stage.simulated.mautic.edit_contact(id, &json!({ "title": "Mathematician" })).await;
    stage
        .until("her job title in HubSpot", |s| {
            (property(s, Kind::Contact, &there, "jobtitle") == "Mathematician").then_some(())
        })
        .await?;
    stage.quiet().await?;
    note("And her mobile number in HubSpot.");
    let before = corebos_writes(&stage.simulated);
    portal(&stage.simulated).context("there is no HubSpot")?.edit_as_user(
        Kind::Contact,
        &there,
        &[("mobilephone", "600 700 800")],
    );
    stage
        .until("her number in Mautic", |s| {
            (text(&s.mautic.contact(id)?, "mobile") == "600 700 800").then_some(())
        })
        .await?;
    stage.quiet().await?;
    let writes = corebos_writes(&stage.simulated) - before;
    ensure!(writes == 1, "coreBOS was written {writes} times");
    Ok("HubSpot hears of her once she is ticked; an edit in either system reaches the other through coreBOS"
        .to_owned())
}

pub(super) async fn nurtured(stage: &mut Stage) -> Result<String> {
    note("A lead fills in a form of HubSpot. In coreBOS, somebody finds that it is hot.");
    let lead = [
        ("email", "mary@example.org"),
        ("firstname", "Mary"),
        ("lastname", "Jackson"),
        ("lifecyclestage", "lead"),
    ];
    let id = portal(&stage.simulated).context("there is no HubSpot")?.create_as_user(Kind::Contact, &lead);
    let id = id.context("HubSpot did not take the lead")?;
    let record =
        stage.until("Mary as a Lead in coreBOS", |s| s.corebos.find("Leads", "hubspotid", &id)).await?;
    stage.quiet().await?;
    stage.simulated.corebos.edit(&text(&record, "id"), &json!({ "leadstatus": "Hot" })).await?;
    stage
        .until("Mary in the list that starts the workflow", |s| {
            (portal(s)?.members(LIST) == [id.clone()]).then_some(())
        })
        .await?;
    stage.quiet().await?;
    Ok(format!("she is a member of list {LIST}, by the rule `{}`", rule(LIST)))
}
