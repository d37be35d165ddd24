//! One tormented world: the stand-ins, the stack as a process of its own, who stands in between, and what happens.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use jiff::SignedDuration;
use simulators::between::{InBetween, Service};
use simulators::mautic::Delivery;
use sync::Clock as _;
use sync::rehearsal::Chance;

use super::people::{People, Side, found};
use super::stack::{Spec, Tormented};
use super::{Figures, Outcome, ledger, verdict, weather};
use crate::arguments::TormentOptions;
use crate::simulated::{self, Clocks, Simulated};
use crate::stack::{Stack, StackOptions};

/// How long the world may take to come to rest once nothing goes wrong any more.
const REST: Duration = Duration::from_secs(180);
/// The most that the clocks of the systems differ from that of the bridge, in seconds.
const SKEW: i64 = 45;
/// How many lines of a story, and of a log, are told.
const TOLD_LINES: usize = 80;

/// What comes back, as it was, after so many more acts.
#[derive(Debug)]
enum Back {
    CoreBos,
    Mautic,
    HubSpot,
    Webhooks,
}

pub(super) struct World {
    seed: u64,
    chance: Chance,
    systems: Simulated,
    people: People,
    stack: Tormented,
    spec: PathBuf,
    data: PathBuf,
    sqs: InBetween,
    dynamodb: InBetween,
    undone: VecDeque<(usize, Back)>,
    figures: Figures,
    begun: Instant,
    story: Vec<String>,
    keeps_data: bool,
}

impl World {
    /// A world with clocks that differ, and a stack that keeps its data in a folder of its own.
    pub(super) async fn start(seed: u64, options: &TormentOptions) -> Result<Self> {
        let mut chance = Chance::new(seed);
        let data = std::env::temp_dir().join(format!("bridge-torment-{}-{seed}", std::process::id()));
        std::fs::create_dir_all(&data).with_context(|| format!("cannot make {}", data.display()))?;
        let mut skew = || {
            let steps = i64::from(chance.byte()) % (2 * SKEW + 1);
            SignedDuration::from_secs(steps - SKEW)
        };
        let clocks = Clocks { corebos: skew(), mautic: skew(), hubspot: skew() };
        let systems = simulated::start_with_clocks(clocks, !options.without_hubspot).await?;
        let (sqs, dynamodb) =
            tokio::try_join!(InBetween::start(Service::Sqs), InBetween::start(Service::DynamoDb))?;
        let config = data.join("bridge.toml");
        std::fs::write(&config, systems.config_text()?)?;
        let spec = Spec {
            config,
            data: data.clone(),
            port: free_port()?,
            began: aws::SystemClock.now(),
            sqs: sqs.url(),
            dynamodb: dynamodb.url(),
        };
        let file = data.join("spec.json");
        std::fs::write(&file, serde_json::to_string(&spec)?)?;
        let stack = Tormented::start(&file, None).await?;
        let world = Self {
            seed,
            chance,
            people: People::new(seed, !options.without_hubspot),
            systems,
            stack,
            spec: file,
            data,
            sqs,
            dynamodb,
            undone: VecDeque::new(),
            figures: Figures::default(),
            begun: Instant::now(),
            story: vec![format!(
                "clocks differ by {:#} (coreBOS), {:#} (Mautic), {:#} (HubSpot)",
                clocks.corebos, clocks.mautic, clocks.hubspot
            )],
            keeps_data: options.keep_data,
        };
        world.lead();
        world.point().await?;
        world.systems.keep_work();
        Ok(world)
    }

    /// Leads functions to where the services are now.
    fn lead(&self) {
        self.sqs.lead_to(Some(self.stack.ready.sqs.clone()));
        self.dynamodb.lead_to(Some(self.stack.ready.dynamodb.clone()));
    }

    /// Points the systems' webhooks at the stack.
    async fn point(&self) -> Result<()> {
        let webhooks = &self.stack.ready.webhooks;
        let url = |function: &str| webhooks.get(function).map(String::as_str).unwrap_or_default();
        self.systems.mautic.remove_webhooks();
        self.systems.point_webhook_at(url("webhook-mautic"));
        self.systems.point_hubspot_at(url("webhook-hubspot"))?;
        self.systems.point_workflows_at(url("webhook-corebos")).await
    }

    fn told(&mut self, what: &str) {
        self.story.push(format!("{:>6.1} s  {what}", self.begun.elapsed().as_secs_f64()));
    }

    /// So many acts, of people and of everything that goes wrong, one after the other.
    pub(super) async fn live(&mut self, acts: usize) -> Result<()> {
        for act in 0..acts {
            while self.undone.front().is_some_and(|(at, _)| *at <= act) {
                if let Some((_, undone)) = self.undone.pop_front() {
                    self.undo(&undone).await?;
                }
            }
            self.act(act).await?;
            let pause = 20 + self.chance.next() % 350;
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        Ok(())
    }

    async fn act(&mut self, act: usize) -> Result<()> {
        // Somebody must be there first. Then people work more often than something breaks.
        let what = if act < 4 { 0 } else { self.chance.weighted(&[14, 40, 3, 12, 11, 6, 4, 2, 3, 4, 3, 3]) };
        let told = match what {
            0 => {
                self.figures.people += 1;
                Some(self.people.create(&self.systems, &mut self.chance).await?)
            }
            1 => {
                self.figures.edits += 1;
                self.people.edit(&self.systems, &mut self.chance).await?
            }
            2 => {
                self.figures.deletes += 1;
                self.people.delete(&self.systems, &mut self.chance).await?
            }
            3 => Some(self.fault_of_a_system()),
            4 => Some(self.fault_of_a_service()),
            5 => Some(self.kill_a_function()),
            6 => Some(self.kill_at_a_step()),
            7 => Some(self.kill_the_stack().await?),
            8 => Some(self.system_goes_away(act).await),
            9 => Some(self.webhooks_misbehave(act)),
            10 => Some(self.sessions_end()),
            _ => Some(self.poll().await?),
        };
        if let Some(told) = told {
            self.told(&told);
        }
        Ok(())
    }

    fn fault_of_a_system(&mut self) -> String {
        self.figures.faults += 1;
        let (name, faults) = match (self.chance.below(3), &self.systems.hubspot) {
            (0, _) => ("Mautic", self.systems.mautic.faults()),
            (1, Some(portal)) => ("HubSpot", portal.faults()),
            _ => ("coreBOS", self.systems.corebos.faults()),
        };
        weather::of_a_system(name, faults, &mut self.chance)
    }

    fn fault_of_a_service(&mut self) -> String {
        self.figures.faults += 1;
        if self.chance.one_in(3) {
            weather::of_a_service(Service::Sqs, &self.sqs, &mut self.chance)
        } else {
            weather::of_a_service(Service::DynamoDb, &self.dynamodb, &mut self.chance)
        }
    }

    fn kill_a_function(&mut self) -> String {
        let part = self.chance.pick(&["push-", "push-corebos", "webhook-", "poll-"]);
        let killed = self.stack.kill_functions(|function| function.contains(part));
        self.figures.kills += killed;
        format!("kill -9 of {killed} processes of {part}")
    }

    /// Kills the pushes at one of their next calls of a service: before it is done, or after it and before they know.
    fn kill_at_a_step(&mut self) -> String {
        self.figures.kills += 1;
        let (ahead, before) = (self.chance.next() % 25, self.chance.one_in(2));
        let between = if self.chance.one_in(4) { &self.sqs } else { &self.dynamodb };
        let killer = self.stack.killer();
        between.at_step(ahead, before, killer);
        let when = if before { "before" } else { "after" };
        format!("the pushes will be killed {when} the {ahead}th call of a service from now")
    }

    async fn kill_the_stack(&mut self) -> Result<String> {
        self.figures.stack_kills += 1;
        self.stack.kill().await?;
        let away = self.chance.next() % 1_500;
        tokio::time::sleep(Duration::from_millis(away)).await;
        self.stack = Tormented::start(&self.spec, Some(&self.stack)).await?;
        self.lead();
        Ok(format!("kill -9 of the whole stack, which starts again after {away} ms"))
    }

    async fn system_goes_away(&mut self, act: usize) -> String {
        self.figures.faults += 1;
        let until = act + 5 + self.chance.below(40);
        let (name, undone) = match (self.chance.below(3), &self.systems.hubspot) {
            (0, _) => {
                self.systems.mautic.stop_listening().await;
                ("Mautic", Back::Mautic)
            }
            (1, Some(portal)) => {
                portal.stop_listening().await;
                ("HubSpot", Back::HubSpot)
            }
            _ => {
                self.systems.corebos.stop_listening().await;
                ("coreBOS", Back::CoreBos)
            }
        };
        self.later(until, undone);
        format!("{name} is away for {} acts", until - act)
    }

    fn webhooks_misbehave(&mut self, act: usize) -> String {
        self.figures.faults += 1;
        let until = act + 3 + self.chance.below(15);
        self.later(until, Back::Webhooks);
        match self.chance.below(4) {
            0 => {
                self.systems.mautic.remove_webhooks();
                self.systems.corebos.clear_workflow_hooks();
                if let Some(portal) = &self.systems.hubspot {
                    portal.set_silent(true);
                }
                "nobody tells anything".to_owned()
            }
            1 => {
                self.systems.mautic.set_repeated_delivery(true);
                if let Some(portal) = &self.systems.hubspot {
                    portal.set_repeated_delivery(true);
                }
                "everything is told twice".to_owned()
            }
            2 => {
                self.systems.mautic.set_delivery(Delivery::Queue);
                "Mautic tells in batches".to_owned()
            }
            _ => {
                self.systems.corebos.clear_workflow_hooks();
                "coreBOS tells nothing".to_owned()
            }
        }
    }

    fn later(&mut self, at: usize, undone: Back) {
        let after = self.undone.iter().position(|(other, _)| *other > at).unwrap_or(self.undone.len());
        self.undone.insert(after, (at, undone));
    }

    async fn undo(&mut self, undone: &Back) -> Result<()> {
        match undone {
            Back::CoreBos => self.systems.corebos.listen_again().await?,
            Back::Mautic => self.systems.mautic.listen_again().await?,
            Back::HubSpot => {
                if let Some(portal) = &self.systems.hubspot {
                    portal.listen_again().await?;
                }
            }
            Back::Webhooks => self.hear_again().await?,
        }
        self.told(&format!("{undone:?} back as before"));
        Ok(())
    }

    async fn hear_again(&self) -> Result<()> {
        self.systems.mautic.set_repeated_delivery(false);
        while self.systems.mautic.queue_length() > 0 && self.systems.mautic.process_queue().await.posts > 0 {}
        self.systems.mautic.set_delivery(Delivery::Immediate);
        if let Some(portal) = &self.systems.hubspot {
            portal.set_repeated_delivery(false);
            portal.set_silent(false);
        }
        self.point().await
    }

    fn sessions_end(&mut self) -> String {
        self.figures.faults += 1;
        self.systems.corebos.expire_sessions();
        self.systems.mautic.expire_tokens();
        "all sessions and tokens end".to_owned()
    }

    async fn poll(&mut self) -> Result<String> {
        let function = self.chance.pick(&["poll-corebos", "poll-mautic", "poll-hubspot"]);
        let error = self.stack.poll(function).await?;
        Ok(format!(
            "{function} comes to its time{}",
            error.map(|error| format!(": {error}")).unwrap_or_default()
        ))
    }

    /// Nothing goes wrong any more: everything is let run until a whole round of polls has written nothing.
    pub(super) async fn calm_down(&mut self) -> Result<()> {
        for faults in [self.systems.corebos.faults(), self.systems.mautic.faults()] {
            faults.clear();
        }
        self.systems.corebos.listen_again().await?;
        self.systems.mautic.listen_again().await?;
        if let Some(portal) = &self.systems.hubspot {
            portal.faults().clear();
            portal.listen_again().await?;
        }
        self.sqs.faults().clear();
        self.dynamodb.faults().clear();
        self.undone.clear();
        self.hear_again().await?;
        self.told("nothing goes wrong any more");
        let (begun, mut rounds_without_writes) = (Instant::now(), 0);
        while rounds_without_writes < 2 && begun.elapsed() < REST {
            let (before, mut looked) = (self.writes(), true);
            for function in ["poll-corebos", "poll-mautic", "poll-hubspot"] {
                if (function != "poll-hubspot" || self.systems.hubspot.is_some())
                    && let Some(why) = self.stack.poll(function).await?
                {
                    // Killed before, it holds its lease for a while; or the machine is so busy that its time was over.
                    self.told(&format!("{function} has not looked at everything: {why}"));
                    looked = false;
                }
            }
            self.quiet(begun).await?;
            let is_still = looked && self.writes() == before;
            rounds_without_writes = if is_still { rounds_without_writes + 1 } else { 0 };
        }
        let took = begun.elapsed().as_secs_f64();
        self.told(&format!("at rest after {took:.1} s"));
        Ok(())
    }

    async fn quiet(&mut self, begun: Instant) -> Result<()> {
        let mut calm = 0;
        while calm < 10 && begun.elapsed() < REST {
            calm = if self.stack.waiting().await?.0 == 0 { calm + 1 } else { 0 };
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    fn writes(&self) -> usize {
        let hubspot =
            self.systems.hubspot.as_ref().map_or(0, |portal| ledger::writes(Side::HubSpot, &portal.work()));
        ledger::writes(Side::CoreBos, &self.systems.corebos.work())
            + ledger::writes(Side::Mautic, &self.systems.mautic.work())
            + hubspot
    }

    /// The verdict, and what belongs to it.
    pub(super) async fn end(mut self) -> Result<Outcome> {
        let mut verdict = verdict::judge(&self.systems, &self.people);
        let (waiting, dead) = self.stack.waiting().await?;
        if waiting > 0 {
            verdict.unaccounted.push(format!("{waiting} messages still wait after {} s", REST.as_secs()));
        }
        let dead = dead.max(self.stack.dead_letters());
        if dead > 0 {
            verdict.unaccounted.push(format!("{dead} messages were given up"));
        }
        verdict.unaccounted.extend(self.parked().await?);
        self.figures.writes = self.writes();
        let about = self.about(&verdict);
        let log = self.stack.lines_with(&about, TOLD_LINES);
        let is_about = |told: &&String| {
            !told.contains("torment.example") || about.iter().any(|word| told.contains(word))
        };
        let story = self.story.iter().filter(is_about).cloned().collect();
        let outcome = Outcome { seed: self.seed, verdict, figures: self.figures, story, log };
        self.stack.kill().await?;
        if !self.keeps_data {
            let _ = std::fs::remove_dir_all(&self.data);
        }
        Ok(outcome)
    }

    /// What was taken out of the flow: nobody has done anything that calls for it.
    async fn parked(&self) -> Result<Vec<String>> {
        let options = StackOptions { stack: None, data: Some(self.data.clone()), port: 0 };
        let stack = Stack::find(&options).await?;
        let store = stack.store()?;
        let mut told = Vec::new();
        for pair in stack.pairs()? {
            let parked = store.list_parked(&pair).await?;
            told.extend(parked.into_iter().map(|parked| {
                let change = parked.change;
                format!("{pair} parked {}: {}, {}", change.notice.record, change.reason, change.message)
            }));
        }
        Ok(told)
    }

    /// The words by which the story and the log of what is wrong are found: the people, and their ids.
    fn about(&self, verdict: &verdict::Verdict) -> Vec<String> {
        let mut words = Vec::new();
        if !verdict.unaccounted.is_empty() {
            // What waits is nobody's in particular: whatever the functions complained of may tell why.
            words.extend([r#""level":"WARN""#.to_owned(), r#""level":"ERROR""#.to_owned()]);
        }
        for person in &self.people.persons {
            let values = person.entered.iter().flat_map(|entered| entered.values());
            let names: Vec<&String> = std::iter::once(&person.email).chain(values).collect();
            if !verdict.findings().any(|finding| names.iter().any(|name| finding.contains(name.as_str()))) {
                continue;
            }
            words.push(person.email.clone());
            for side in [Side::CoreBos, Side::Mautic, Side::HubSpot] {
                let (here, system) = (found(&self.systems, side, &person.email), side.name().to_lowercase());
                words
                    .extend(here.into_iter().map(|(id, _)| format!("{system}:main#{}#{id}\"", object(side))));
            }
        }
        words
    }
}

fn object(side: Side) -> &'static str {
    if side == Side::CoreBos { "Contacts" } else { "contact" }
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

impl std::fmt::Debug for World {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("World").field("seed", &self.seed).finish_non_exhaustive()
    }
}
