//! W3: people edit the same contacts on both sides at once, until it is quiet.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use futures::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use super::figures::Figures;
use super::inbound;
use super::world::{World, number};
use crate::simulated;

/// How often each contact is edited, on both sides together.
const EDITS_EACH: usize = 20;
/// People who edit at the same time.
const PEOPLE: usize = 8;
/// The fields that are edited, in Mautic and in coreBOS. The two sides edit different ones of a contact mostly, and the
/// same one sometimes.
const FIELDS: [(&str, &str); 3] =
    [("firstname", "firstname"), ("lastname", "lastname"), ("mobile", "mobile")];

/// Makes a storm over so many contacts.
///
/// # Errors
/// The stack or a stand-in does not start, or does not get quiet.
pub(super) async fn measure(contacts: usize, functions: Option<&Path>) -> Result<Figures> {
    let systems = simulated::start((0, 0), None).await?;
    let world = World::start(systems, functions).await?;
    world.systems.connect(&world.local).await?;
    let ids = inbound::contacts(&world.systems, contacts).await?;
    world.until_quiet("contacts linked").await?;
    let hub = world.systems.corebos.records("Contacts");
    ensure!(hub.len() == contacts, "{} of {contacts} contacts are in coreBOS before the storm", hub.len());
    let pairs = ids.iter().map(|id| Some((*id, partner(&hub, *id)?))).collect::<Option<Vec<_>>>();
    let pairs = pairs.context("a contact is not linked before the storm")?;

    world.systems.mautic.clear_requests();
    world.systems.corebos.clear_requests();
    world.meter.forget_changes();
    let before = world.meter.cpu_seconds();
    let begun = Instant::now();
    let edits =
        (0..EDITS_EACH).flat_map(|round| pairs.iter().map(move |(id, hub)| (round, *id, hub.as_str())));
    let edited =
        stream::iter(edits).map(|(round, id, hub)| edit(&world, round, id, hub)).buffer_unordered(PEOPLE);
    let refused = edited.filter(|done| std::future::ready(!done)).count().await;
    ensure!(refused == 0, "{refused} edits were refused by the stand-ins");
    let done = world.until_quiet("edits settled").await?;

    let is_write = |method: &str| method != "GET";
    let mautic = world.systems.mautic.requests();
    let corebos = world.systems.corebos.counted();
    let writes = mautic.iter().filter(|call| is_write(&call.method)).count()
        + ["create", "revise", "update"]
            .iter()
            .filter_map(|operation| corebos.get(*operation))
            .sum::<usize>();
    let calls = mautic.len() + corebos.values().sum::<usize>();
    let notices = world.meter.webhooks();
    let edits = contacts * EDITS_EACH;
    let more = [
        ("webhooks told", number(notices)),
        ("changes looked at", number(world.meter.changes())),
        ("writes per edit", number(writes) / number(edits)),
        ("calls per webhook", number(calls) / number(notices.max(1))),
        ("writes per webhook", number(writes) / number(notices.max(1))),
        ("contacts that differ", number(different(&world, &pairs))),
    ];
    let figures = Figures {
        workload: "W3",
        variant: format!("storm on {contacts} contacts"),
        events: edits,
        target_calls_per_change: Some(number(calls) / number(edits)),
        exactly_once: Some(different(&world, &pairs) == 0),
        more: more.map(|(name, value)| (name.to_owned(), value)).into(),
        ..Figures::default()
    };
    let mut figures = world.end(figures, begun, done).await;
    // What it took to link the contacts is not the storm's.
    for (role, cpu) in &mut figures.cpu_seconds_per_1000 {
        *cpu -= before.get(role).copied().unwrap_or_default() * 1000.0 / number(edits);
    }
    Ok(figures)
}

/// The contact of coreBOS that carries the id of a contact of Mautic.
fn partner(hub: &[Value], id: u64) -> Option<String> {
    let id = id.to_string();
    let record = hub.iter().find(|record| record["mautic_id"].as_str() == Some(&id))?;
    Some(record["id"].as_str()?.to_owned())
}

/// Somebody edits a contact, on one side or the other. Which side and field follows from the numbers.
async fn edit(world: &World, round: usize, id: u64, hub: &str) -> bool {
    let chance =
        usize::try_from(id).unwrap_or_default().wrapping_mul(31).wrapping_add(round.wrapping_mul(17));
    let (remote_field, hub_field) = FIELDS[chance / 2 % FIELDS.len()];
    let value = format!("{round} of {id}");
    if chance % 2 == 0 {
        world
            .systems
            .mautic
            .edit_contact(id, &with(world.systems.mautic.contact(id).as_ref(), remote_field, &value))
            .await
    } else {
        world.systems.corebos.edit(hub, &json!({ hub_field: value })).await.is_ok()
    }
}

/// What a form of Mautic sends: all fields, one of them changed.
fn with(contact: Option<&Value>, field: &str, value: &str) -> Value {
    let mut sent = json!({});
    for (name, _) in FIELDS.into_iter().chain([("email", ""), ("corebos_id", ""), ("phone", "")]) {
        if let Some(kept) = contact.and_then(|contact| contact.get(name)) {
            sent[name] = kept.clone();
        }
    }
    sent[field] = json!(value);
    sent
}

/// Contacts that are not the same on both sides.
fn different(world: &World, pairs: &[(u64, String)]) -> usize {
    let differs = |(id, hub): &&(u64, String)| {
        let (Some(remote), Some(hub)) =
            (world.systems.mautic.contact(*id), world.systems.corebos.record(hub))
        else {
            return true;
        };
        FIELDS.iter().any(|(theirs, ours)| remote[theirs] != hub[ours])
    };
    pairs.iter().filter(differs).count()
}
