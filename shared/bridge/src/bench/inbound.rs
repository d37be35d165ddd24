//! W1: signed webhooks of Mautic, verified, queued, mapped, decided, and written to coreBOS.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use connector_mautic::webhook::sign;
use futures::stream::{self, StreamExt as _};
use model::{Bases, Link, LinkStatus, ObjectName, Pair, PairKind, RecordRef};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use simulators::faults::Fault;
use sync::Settlement;
use sync::settings::map_key;

use super::figures::{Figures, Percentiles};
use super::world::{Acknowledged, Sent, World, number, post, send_all};
use crate::progress;
use crate::simulated::{self, Simulated, WEBHOOK_SECRET};

/// The map of 27 fields that an administrator has published for coreBOS.
const MAP: &str = include_str!("../../../mapping/fixtures/published/MauticToContacts.xml");

/// One in so many events comes twice.
const REPEATED: usize = 20;
/// One in so many comes with a wrong signature besides.
const FORGED: usize = 50;
/// One in so many comes as something that is no JSON besides.
const MALFORMED: usize = 100;
/// Contacts that are made at the same time.
const MADE_AT_ONCE: usize = 16;

/// Links that are stored together: three items each, as many as fit into one call.
const LINKS_AT_ONCE: usize = 8;

/// How coreBOS answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CoreBosAnswers {
    AtOnce,
    After50Ms,
    /// 5 % 429 and 1 % 500.
    WithFaults,
}

/// One run.
#[derive(Clone, Debug)]
pub(super) struct Run {
    variant: String,
    events: usize,
    body_bytes: usize,
    per_body: usize,
    corebos: CoreBosAnswers,
    /// Links of others that the table holds already.
    links: usize,
}

impl Run {
    fn of(events: usize, (body_bytes, per_body): (usize, usize), corebos: CoreBosAnswers) -> Self {
        let how = match corebos {
            CoreBosAnswers::AtOnce => "",
            CoreBosAnswers::After50Ms => ", coreBOS takes 50 ms",
            CoreBosAnswers::WithFaults => ", 5 % 429, 1 % 500",
        };
        let bodies =
            if per_body > 1 { format!("bodies of {per_body}") } else { format!("{} KB", body_bytes / 1000) };
        Self { variant: format!("{bodies}{how}"), events, body_bytes, per_body, corebos, links: 0 }
    }
}

/// The runs of the workload.
pub(super) fn runs(events: usize) -> Vec<Run> {
    let all = [
        ((2_000, 1), CoreBosAnswers::AtOnce),
        ((20_000, 1), CoreBosAnswers::AtOnce),
        ((2_000, 10), CoreBosAnswers::AtOnce),
        ((2_000, 1), CoreBosAnswers::After50Ms),
        ((2_000, 1), CoreBosAnswers::WithFaults),
    ];
    all.into_iter().map(|(bodies, corebos)| Run::of(events, bodies, corebos)).collect()
}

/// The runs that show how the cost of an event grows with the number of events, and with the links that are there.
pub(super) fn growth(most_events: usize, most_links: usize) -> Vec<Run> {
    let run = |events, links, variant| Run {
        variant,
        links,
        ..Run::of(events, (2_000, 1), CoreBosAnswers::AtOnce)
    };
    let steps = |first: usize, most: usize| {
        std::iter::successors(Some(first), |step| step.checked_mul(10)).take_while(move |step| *step <= most)
    };
    let by_events = steps(1_000, most_events).map(|events| run(events, 0, format!("{events} events")));
    let by_links =
        steps(1_000, most_links).map(|links| run(1_000, links, format!("1000 events, {links} links")));
    by_events.chain(by_links).collect()
}

/// Makes a run.
///
/// # Errors
/// The stack or a stand-in does not start, or what is sent is answered otherwise than it should be.
pub(super) async fn measure(run: &Run, functions: Option<&Path>) -> Result<Figures> {
    let systems = simulated::start((0, 0), None).await?;
    let ids = contacts(&systems, run.events).await?;
    let mut world = World::start(systems, functions).await?;
    world.local.store.put_setting(&map_key("MauticToContacts"), &MAP).await?;
    links(&world, run.links).await?;
    world.meter.begin_here();
    let faults = match run.corebos {
        CoreBosAnswers::AtOnce => Vec::new(),
        CoreBosAnswers::After50Ms => vec![Fault::delay(Duration::from_millis(50))],
        CoreBosAnswers::WithFaults => vec![Fault::status(429).every(20), Fault::status(500).every(100)],
    };
    for fault in faults {
        world.systems.corebos.faults().add(fault);
    }
    let url = world.local.webhook_url("webhook-mautic");
    let requests = Requests::new(&ids, run, &url)?;
    let calls = || world.systems.corebos.counted().values().sum::<usize>();
    let calls_before = calls();
    let times = send_all(requests.count(), &run.variant, |number| requests.get(number)).await?;
    let done = world.until_quiet(&run.variant).await?;
    let begun = times.iter().map(|(begun, _)| *begun).min().context("nothing was sent")?;

    let written = ids.iter().zip(requests.events_in(&times)).filter_map(|(id, sent)| {
        Some(world.meter.pushed("push-corebos", &id.to_string())?.duration_since(sent))
    });
    let calls = calls() - calls_before;
    let figures = Figures {
        workload: "W1",
        variant: run.variant.clone(),
        events: run.events,
        acknowledged_ms: Percentiles::of(times.iter().map(|(_, took)| *took).collect()),
        written_ms: Percentiles::of(written.collect()),
        target_calls_per_change: Some(number(calls) / number(run.events)),
        exactly_once: Some(are_there_once(&world.systems, run.events)),
        ..Figures::default()
    };
    Ok(world.end(figures, begun, done).await)
}

/// Makes so many contacts in Mautic before any webhook tells of them.
pub(super) async fn contacts(systems: &Simulated, count: usize) -> Result<Vec<u64>> {
    let made =
        stream::iter(0..count).map(async |number| systems.mautic.create_contact(&person(number)).await);
    let ids: Vec<Option<u64>> = made.buffered(MADE_AT_ONCE).collect().await;
    ids.into_iter().collect::<Option<_>>().context("the stand-in for Mautic refuses a contact")
}

/// Puts links of records into the table that no event is about.
async fn links(world: &World, count: usize) -> Result<()> {
    let pair =
        Pair { kind: PairKind::MauticContacts, hub: "corebos:main".parse()?, remote: "mautic:main".parse()? };
    let bar = progress::bar(count, "links made");
    let firsts = (0..count).step_by(LINKS_AT_ONCE);
    let filled = stream::iter(firsts).map(|first| {
        let numbers = first..(first + LINKS_AT_ONCE).min(count);
        let settlements: Vec<Settlement> = numbers.map(|number| link_of_others(&pair, number)).collect();
        let bar = &bar;
        async move {
            let filled = world.local.store.fill(&settlements).await;
            bar.inc(u64::try_from(settlements.len()).unwrap_or_default());
            filled
        }
    });
    let mut filled = filled.buffer_unordered(MADE_AT_ONCE);
    while let Some(filled) = filled.next().await {
        filled?;
    }
    bar.finish_and_clear();
    Ok(())
}

/// What settles a link of two records that the stand-ins never come to.
fn link_of_others(pair: &Pair, number: usize) -> Settlement {
    let hub = RecordRef::new(&pair.hub, &ObjectName::new("Contacts"), format!("12x9{number:08}"));
    let remote = RecordRef::new(&pair.remote, &ObjectName::new("contact"), format!("9{number:08}"));
    let link = Link {
        id: format!("bench-{number}"),
        version: 0,
        pair: pair.clone(),
        hub: hub.clone(),
        remote: remote.clone(),
        status: LinkStatus::Active,
        bases: Bases::default(),
        refused: Vec::new(),
        breaker: None,
        paused: false,
    };
    Settlement { link: Some(link), lookups_added: vec![hub, remote], ..Settlement::default() }
}

/// Somebody, all of whose fields differ from everybody else's.
pub(super) fn person(number: usize) -> Value {
    json!({
        "firstname": format!("Ana {number}"), "lastname": format!("Number {number}"),
        "email": format!("number{number}@example.org"), "mobile": format!("600 {number:06}"),
        "phone": format!("944 {number:06}"), "city": "Bilbao", "country": "Spain", "zipcode": "48001",
        "address1": format!("Gran Vía {number}"), "position": "Buyer",
    })
}

/// Whether each contact is in coreBOS, once.
fn are_there_once(systems: &Simulated, count: usize) -> bool {
    let records = systems.corebos.records("Contacts");
    let emails: BTreeSet<&str> = records.iter().filter_map(|record| record["email"].as_str()).collect();
    records.len() == count && emails.len() == count
}

/// What is sent: every contact once, and what should have no effect of its own.
struct Requests {
    url: String,
    /// By request: the bytes, how they are signed, and what the answer should be.
    all: Vec<(Vec<u8>, Signed)>,
    /// By event: the request that tells of it first.
    of_event: Vec<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Signed {
    Rightly,
    Wrongly,
    NotJson,
}

impl Requests {
    fn new(ids: &[u64], run: &Run, url: &str) -> Result<Self> {
        let mut requests = Self { url: url.to_owned(), all: Vec::new(), of_event: Vec::new() };
        for (number, together) in ids.chunks(run.per_body).enumerate() {
            let body = body(together, run.body_bytes)?;
            requests.of_event.extend(together.iter().map(|_| requests.all.len()));
            let also = [
                (REPEATED, body.clone(), Signed::Rightly),
                (FORGED, body.clone(), Signed::Wrongly),
                (MALFORMED, body.get(..body.len() / 2).unwrap_or_default().to_vec(), Signed::NotJson),
            ];
            requests.all.push((body, Signed::Rightly));
            let due = also.into_iter().filter(|(one_in, ..)| number % one_in == one_in - 1);
            requests.all.extend(due.map(|(_, body, signed)| (body, signed)));
        }
        ensure!(requests.of_event.len() == ids.len(), "an event is in no request");
        Ok(requests)
    }

    fn count(&self) -> usize {
        self.all.len()
    }

    fn get(&self, number: usize) -> Result<Sent> {
        let (body, signed) = self.all.get(number).context("no such request")?;
        let secret = if *signed == Signed::Wrongly { "another secret" } else { WEBHOOK_SECRET };
        let signature = sign(&SecretString::from(secret), body);
        let request =
            post(&self.url)?.header("webhook-signature", &signature).bytes("application/json", body.clone());
        let status = match signed {
            Signed::Rightly => 200,
            Signed::Wrongly => 401,
            Signed::NotJson => 400,
        };
        Ok(Sent { request, status })
    }

    /// When each event was sent.
    fn events_in(&self, times: &[Acknowledged]) -> impl Iterator<Item = std::time::Instant> {
        self.of_event.iter().filter_map(|request| times.get(*request).map(|(begun, _)| *begun))
    }
}

/// A body as Mautic sends it: each contact with its fields, of about so many bytes.
fn body(ids: &[u64], bytes: usize) -> Result<Vec<u8>> {
    let items = ids.iter().map(|id| {
        let mut fields = Map::new();
        let mut used = 0;
        for number in 0.. {
            // What Mautic says of one field takes about 240 bytes.
            if used >= bytes {
                break;
            }
            let alias = format!("field_{number}");
            let field = json!({ "id": number.to_string(), "label": alias, "alias": alias, "type": "text", "group": "core",
                "object": "lead", "is_fixed": "0", "properties": "a:0:{}", "default_value": null,
                "value": format!("value {id}"), "normalizedValue": format!("value {id}") });
            used += field.to_string().len() + alias.len() + 4;
            fields.insert(alias, field);
        }
        json!({ "contact": { "isPublished": true, "dateAdded": "2026-11-21T02:45:02+00:00",
            "dateModified": "2026-11-21T02:45:06+00:00", "id": id, "points": 0, "fields": { "core": fields } },
            "timestamp": "2026-11-21T02:45:06+00:00" })
    });
    let items: Vec<Value> = items.collect();
    Ok(serde_json::to_vec(&json!({ "mautic.lead_post_save_update": items }))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_about_as_long_as_asked_for() {
        for (bytes, least, most) in [(2_000, 2_000, 2_700), (20_000, 20_000, 20_800)] {
            let length = body(&[47], bytes).unwrap().len();
            assert!((least..most).contains(&length), "{length}");
        }
    }

    #[test]
    fn each_event_is_told_once_and_what_is_forged_malformed_or_repeated_comes_on_top() {
        let run = Run::of(1_000, (2_000, 1), CoreBosAnswers::AtOnce);
        let ids: Vec<u64> = (1..=1_000).collect();
        let requests = Requests::new(&ids, &run, "http://127.0.0.1:1/webhooks/mautic").unwrap();
        let of = |wanted| requests.all.iter().filter(|(_, signed)| *signed == wanted).count();
        assert_eq!((of(Signed::Rightly), of(Signed::Wrongly), of(Signed::NotJson)), (1_050, 20, 10));
        let statuses: BTreeSet<u16> =
            (0..requests.count()).map(|n| requests.get(n).unwrap().status).collect();
        assert_eq!(statuses, [200, 400, 401].into());
        let tens = Run::of(1_000, (2_000, 10), CoreBosAnswers::AtOnce);
        let requests = Requests::new(&ids, &tens, "http://127.0.0.1:1/webhooks/mautic").unwrap();
        assert_eq!(
            (requests.of_event.len(), requests.of_event.last()),
            (1_000, Some(&(requests.count() - 4)))
        );
    }
}
