//! What AWS charges for one change, with its echo, and for an idle month: counted between the functions and the stack.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use simulators::faults::Fault;
use simulators::hubspot::{HubSpotSimulator, Kind};

use super::bill::{Bill, Standing, alarms};
use super::figures::Figures;
use super::inbound::person;
use super::world::{World, number};
use crate::local::TEMPLATE;
use crate::recorded::Recorder;
use crate::simulated;

/// What a call of DynamoDB, SQS or Secrets Manager takes in a region, about.
const AWS_TAKES: Duration = Duration::from_millis(5);
/// What a call of coreBOS, Mautic or HubSpot is taken to last.
const SYSTEMS_TAKE: Duration = Duration::from_millis(100);
/// How often it is looked whether an edit has arrived.
const LOOKS: Duration = Duration::from_millis(20);
/// How long an edit may take to arrive.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long running work may take to finish at the end.
const GRACE: Duration = Duration::from_secs(5);
/// Ticks of each poll that are counted.
const TICKS: usize = 10;
/// The most records that are edited: each edit waits for its end.
const MOST: usize = 100;

/// Somebody who is on all sides, by ids.
struct Person {
    mautic: u64,
    corebos: String,
    hubspot: Option<String>,
}

/// Where an edit is made.
#[derive(Clone, Copy)]
enum Edited {
    Mautic,
    CoreBos,
    HubSpot,
}

/// The bill of one change on each way, without HubSpot and with it, and of an idle month.
///
/// # Errors
/// The stack or a stand-in does not start, or an edit does not arrive.
pub(super) async fn measure(events: usize, functions: Option<&Path>) -> Result<Vec<Figures>> {
    let events = events.clamp(1, MOST);
    let mut all = Vec::new();
    for with_hubspot in [false, true] {
        let bench = Bench::start(events, with_hubspot, functions).await?;
        let ways: &[(Edited, &str)] = if with_hubspot {
            &[
                (Edited::HubSpot, "HubSpot to coreBOS and Mautic"),
                (Edited::CoreBos, "coreBOS to HubSpot and Mautic"),
            ]
        } else {
            &[(Edited::Mautic, "Mautic to coreBOS"), (Edited::CoreBos, "coreBOS to Mautic")]
        };
        for (side, variant) in ways {
            all.push(bench.edits(*side, variant).await?);
        }
        bench.world.local.stack.stop(GRACE).await;
    }
    // Nobody is there to be told of again.
    let bench = Bench::start(0, true, functions).await?;
    all.extend(bench.idle().await?);
    bench.world.local.stack.stop(GRACE).await;
    Ok(all)
}

struct Bench {
    world: World,
    recorder: Recorder,
    people: Vec<Person>,
}

impl Bench {
    /// So many people who are in step everywhere; then everything takes the time that it takes outside.
    async fn start(count: usize, with_hubspot: bool, functions: Option<&Path>) -> Result<Self> {
        let systems = if with_hubspot {
            simulated::start_with_hubspot((0, 0, 0), None).await?
        } else {
            simulated::start((0, 0), None).await?
        };
        let recorder = Recorder::start().await?;
        let world = World::start_between(systems, functions, recorder.between()).await?;
        recorder.lead_to(&world.local.stack);
        world.systems.connect(&world.local).await?;
        let mut people = Vec::with_capacity(count);
        for number in 0..count {
            let made = world.systems.mautic.create_contact(&person(number)).await;
            people.push(made.context("the stand-in for Mautic refuses a contact")?);
        }
        let mut bench = Self { world, recorder, people: Vec::new() };
        bench.world.until_quiet("contacts linked").await?;
        for mautic in people {
            let person = bench.linked(mautic, with_hubspot).await?;
            bench.people.push(person);
        }
        bench.until_calm().await?;
        bench.recorder.add_fault(&Fault::delay(AWS_TAKES));
        let slow = || Fault::delay(SYSTEMS_TAKE);
        bench.world.systems.corebos.faults().add(slow());
        bench.world.systems.mautic.faults().add(slow());
        if let Some(portal) = &bench.world.systems.hubspot {
            portal.faults().add(slow());
        }
        Ok(bench)
    }

    /// A person of Mautic who has come to coreBOS, and goes on to HubSpot from there.
    async fn linked(&self, mautic: u64, with_hubspot: bool) -> Result<Person> {
        let systems = &self.world.systems;
        let record = systems.corebos.find("Contacts", "mautic_id", &mautic.to_string());
        let record = record.with_context(|| format!("contact {mautic} is not in coreBOS"))?;
        let corebos = record["id"].as_str().unwrap_or_default().to_owned();
        let mut hubspot = None;
        if with_hubspot {
            let ticked = systems.corebos.edit(&corebos, &json!({ "hubspotsyncwith": "1" })).await;
            ticked.map_err(|error| anyhow::anyhow!("the stand-in for coreBOS refuses an edit: {error}"))?;
            hubspot = Some(self.until("contacts in HubSpot", || self.in_hubspot(&corebos)).await?);
        }
        Ok(Person { mautic, corebos, hubspot })
    }

    fn in_hubspot(&self, corebos: &str) -> Option<String> {
        let portal = self.world.systems.hubspot.as_ref()?;
        let is_it = |id: &String| {
            let record = portal.record(Kind::Contact, id);
            record.is_some_and(|values| values.get("corebos_id").is_some_and(|known| known == corebos))
        };
        portal.ids(Kind::Contact).into_iter().find(is_it)
    }

    /// Edits the mobile of one person after the other on one side, each time until all that follows has happened.
    async fn edits(&self, side: Edited, variant: &str) -> Result<Figures> {
        let systems = &self.world.systems;
        let before = self.bill();
        let calls_before = self.recorder.table_calls().len();
        let begun = Instant::now();
        for (number, person) in self.people.iter().enumerate() {
            let value = format!("{variant} {number}");
            let edit = json!({ "mobile": value });
            let taken = match side {
                Edited::Mautic => systems.mautic.edit_contact(person.mautic, &edit).await,
                Edited::CoreBos => systems.corebos.edit(&person.corebos, &edit).await.is_ok(),
                Edited::HubSpot => match (&systems.hubspot, &person.hubspot) {
                    (Some(portal), Some(id)) => {
                        portal.edit_as_user(Kind::Contact, id, &[("mobilephone", &value)])
                    }
                    _ => false,
                },
            };
            ensure!(taken, "a stand-in refuses an edit");
            self.until("edits arrived", || self.is_everywhere(person, &value).then_some(())).await?;
            self.until_calm().await?;
        }
        let bill = self.bill().since(&before).per(self.people.len());
        let mut more = bill.figures();
        more.extend(self.units_since(calls_before));
        Ok(Figures {
            workload: "cost",
            variant: variant.to_owned(),
            events: self.people.len(),
            seconds: begun.elapsed().as_secs_f64(),
            more,
            ..Figures::default()
        })
    }

    fn is_everywhere(&self, person: &Person, value: &str) -> bool {
        let systems = &self.world.systems;
        let in_mautic =
            systems.mautic.contact(person.mautic).is_some_and(|contact| contact["mobile"] == value);
        let in_corebos =
            systems.corebos.record(&person.corebos).is_some_and(|record| record["mobile"] == value);
        let in_hubspot = match (&systems.hubspot, &person.hubspot) {
            (Some(portal), Some(id)) => portal
                .record(Kind::Contact, id)
                .is_some_and(|values| values.get("mobilephone").is_some_and(|known| known == value)),
            _ => true,
        };
        in_mautic && in_corebos && in_hubspot
    }

    /// The units of DynamoDB for each change, by function and operation.
    fn units_since(&self, calls: usize) -> BTreeMap<String, f64> {
        let mut units = BTreeMap::new();
        let each = number(self.people.len().max(1));
        for call in self.recorder.table_calls().split_off(calls) {
            for (kind, count) in [("read", call.read_units), ("write", call.write_units)] {
                if count > 0.0 {
                    let name = format!("{kind} units of {}: {}", call.caller, call.operation);
                    *units.entry(name).or_default() += count / each;
                }
            }
        }
        units
    }

    /// Some ticks of each poll that ask, and some that are not due; and the month that follows from them.
    async fn idle(&self) -> Result<Vec<Figures>> {
        let stack = &self.world.local.stack;
        let schedules = |folder: &str| folder.contains("poll-");
        let functions = &stack.resources().functions;
        let polls: Vec<&str> =
            functions.iter().map(|function| function.name.as_str()).filter(|name| schedules(name)).collect();
        let mut ticks = Vec::new();
        // The first time, everybody logs in.
        for (times, at_once) in [(1, true), (TICKS, true), (TICKS, false)] {
            let before = self.bill();
            for _ in 0..times {
                for poll in &polls {
                    let tick = json!({ "detail": { "at_once": at_once } });
                    let answer = stack.invoke(poll, &tick).await?;
                    ensure!(answer.error.is_none(), "{poll} fails: {:?}", answer.error);
                }
                self.until_calm().await?;
            }
            ticks.push(self.bill().since(&before).per(times * polls.len()));
        }
        let [_, due, not_due] = ticks.as_slice() else { bail!("there are three kinds of ticks") };
        let with = |variant: &str, queues: usize, polls: usize, connected: &[&str]| {
            let standing = Standing { queues, alarms: alarms(TEMPLATE, connected), polls };
            Figures {
                workload: "idle",
                variant: variant.to_owned(),
                more: standing.month(due, not_due),
                ..Figures::default()
            }
        };
        let tick = |variant: &str, bill: &Bill, events| Figures {
            workload: "idle",
            variant: variant.to_owned(),
            events,
            more: bill.figures(),
            ..Figures::default()
        };
        Ok(vec![
            tick("tick that asks", due, TICKS * polls.len()),
            tick("tick that is not due", not_due, TICKS * polls.len()),
            with("month with Mautic", 2, 2, &[]),
            with("month with HubSpot, too", 3, 3, &["HasHubspot"]),
            with("month with everything", 5, 3, &["HasHubspot", "HasSignal", "HasWordpress"]),
        ])
    }

    /// What AWS has counted so far.
    fn bill(&self) -> Bill {
        let memory: BTreeMap<&str, u32> = self
            .world
            .local
            .stack
            .resources()
            .functions
            .iter()
            .map(|function| (function.name.as_str(), function.memory_mb))
            .collect();
        let mut bill = self.world.meter.bill(&memory);
        for call in self.recorder.calls() {
            bill.read_units += call.read_units;
            bill.write_units += call.write_units;
            let is = |service: &str| call.actions.iter().any(|action| action.starts_with(service));
            if is("sqs:") {
                bill.queue_request(call.bytes);
            } else if is("secretsmanager:") {
                bill.secret_requests += 1.0;
            }
        }
        bill
    }

    async fn until<T>(&self, what: &str, there: impl Fn() -> Option<T>) -> Result<T> {
        let begun = Instant::now();
        loop {
            if let Some(found) = there() {
                return Ok(found);
            }
            ensure!(begun.elapsed() < PATIENCE, "{what}: one did not within {} s", PATIENCE.as_secs());
            tokio::time::sleep(LOOKS).await;
        }
    }

    /// Waits until nothing is under way, webhooks that HubSpot has not sent yet included.
    async fn until_calm(&self) -> Result<()> {
        let waiting = || self.world.systems.hubspot.as_ref().map_or(0, HubSpotSimulator::waiting_events);
        loop {
            self.until("webhooks sent", || (waiting() == 0).then_some(())).await?;
            self.world.until_quiet("quiet").await?;
            if waiting() == 0 {
                return Ok(());
            }
        }
    }
}
