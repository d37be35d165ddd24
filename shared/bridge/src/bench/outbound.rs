//! W2: webhooks of coreBOS, queued, mapped, decided, and written to Mautic and to HubSpot.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::json;
use simulators::hubspot::Kind;

use super::figures::{Figures, Percentiles};
use super::inbound::person;
use super::world::{Sent, World, number, post, send_all};
use crate::progress;
use crate::simulated::{self, Simulated, WEBHOOK_KEY};

/// So many contacts of coreBOS are told of, and written to Mautic.
///
/// # Errors
/// The stack or a stand-in does not start, or what is sent is answered otherwise than it should be.
pub(super) async fn to_mautic(events: usize, functions: Option<&Path>) -> Result<Figures> {
    let systems = simulated::start((0, 0), None).await?;
    let ids = contacts(&systems, events, false).await?;
    let world = World::start(systems, functions).await?;
    let calls = |world: &World| world.systems.mautic.requests().len();
    let before = calls(&world);
    let (figures, begun, done) = run(&world, &ids, "push-mautic", "to Mautic").await?;
    let contacts = world.systems.mautic.contacts();
    let figures = Figures {
        target_calls_per_change: Some(number(calls(&world) - before) / number(events)),
        exactly_once: Some(all_once(contacts.iter().filter_map(|contact| contact["email"].as_str()), events)),
        ..figures
    };
    Ok(world.end(figures, begun, done).await)
}

/// So many contacts of coreBOS are told of, and written to HubSpot, and to Mautic beside it. HubSpot's limit of calls is
/// what takes the time.
///
/// # Errors
/// As [`to_mautic`].
pub(super) async fn to_hubspot(events: usize, functions: Option<&Path>) -> Result<Figures> {
    let systems = simulated::start_with_hubspot((0, 0, 0), None).await?;
    let ids = contacts(&systems, events, true).await?;
    let world = World::start(systems, functions).await?;
    let portal = world.systems.hubspot.as_ref().context("there is no stand-in for HubSpot")?;
    let before = portal.requests().len();
    let (figures, begun, done) = run(&world, &ids, "push-hubspot", "to HubSpot and Mautic").await?;
    let calls = portal.requests().len() - before;
    let there = portal.ids(Kind::Contact);
    let records = there.iter().filter_map(|id| portal.record(Kind::Contact, id));
    let emails: Vec<String> = records.filter_map(|record| record.get("email").cloned()).collect();
    let figures = Figures {
        target_calls_per_change: Some(number(calls) / number(events)),
        exactly_once: Some(there.len() == events && all_once(emails.iter().map(String::as_str), events)),
        ..figures
    };
    Ok(world.end(figures, begun, done).await)
}

/// Tells of every contact, and waits until all is written.
async fn run(
    world: &World,
    ids: &[String],
    function: &str,
    variant: &str,
) -> Result<(Figures, Instant, Instant)> {
    let url = world.local.webhook_url("webhook-corebos");
    let request = |number: usize| {
        let body = json!({ "event": "save", "module": "Contacts", "id": ids.get(number) });
        Ok(Sent { request: post(&url)?.header("x-bridge-key", WEBHOOK_KEY).json(&body)?, status: 200 })
    };
    let times = send_all(ids.len(), variant, request).await?;
    let done = world.until_quiet(variant).await?;
    let begun = times.first().map_or_else(Instant::now, |(begun, _)| *begun);
    let written = ids.iter().zip(&times);
    let written =
        written.filter_map(|(id, (sent, _))| Some(world.meter.pushed(function, id)?.duration_since(*sent)));
    let figures = Figures {
        workload: "W2",
        variant: variant.to_owned(),
        events: ids.len(),
        acknowledged_ms: Percentiles::of(times.iter().map(|(_, took)| *took).collect()),
        written_ms: Percentiles::of(written.collect()),
        ..Figures::default()
    };
    Ok((figures, begun, done))
}

/// Makes so many contacts in coreBOS before any workflow tells of them.
async fn contacts(systems: &Simulated, count: usize, is_for_hubspot: bool) -> Result<Vec<String>> {
    let bar = progress::bar(count, "contacts made");
    let mut ids = Vec::with_capacity(count);
    for number in 0..count {
        let somebody = person(number);
        let contact = json!({
            "firstname": somebody["firstname"], "lastname": somebody["lastname"], "email": somebody["email"],
            "mobile": somebody["mobile"], "phone": somebody["phone"], "mailingcity": somebody["city"],
            "mailingzip": somebody["zipcode"], "mailingcountry": somebody["country"],
            "hubspotsyncwith": if is_for_hubspot { "1" } else { "0" },
        });
        let made = systems.corebos.create("Contacts", &contact).await;
        ids.push(
            made.map_err(|error| anyhow::anyhow!("the stand-in for coreBOS refuses a contact: {error}"))?,
        );
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(ids)
}

/// Whether there are so many, all different.
fn all_once<'a>(emails: impl Iterator<Item = &'a str>, count: usize) -> bool {
    let emails: Vec<&str> = emails.collect();
    emails.len() == count && emails.iter().collect::<BTreeSet<_>>().len() == count
}
