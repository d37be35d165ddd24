//! Plays a schedule: lets everything happen, lets everything come to rest, and checks the claims on the way.

use std::time::Duration;

use model::{RecordRef, Side, System};

use super::act::{Act, Fate};
use super::chance::Chance;
use super::ledger::Ledger;
use super::portrait;
use super::setup::Setup;
use super::stage::{Lane, Stage};
use crate::memory::system::MemoryFault;
use crate::push::Outcome;

/// More lines than this nobody reads: what does not come to rest would be told for ever.
const LONGEST: usize = 300;

/// A claim that does not hold.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub(crate) claim: &'static str,
    pub(crate) detail: String,
}

impl Broken {
    pub(crate) fn new(claim: &'static str, detail: String) -> Self {
        Self { claim, detail }
    }
}

/// A schedule that was played.
pub(crate) struct Played {
    pub(crate) broken: Option<Broken>,
    pub(crate) story: Vec<String>,
    pub(crate) portrait: Vec<String>,
    /// Everything as it stands at the end.
    #[cfg(test)]
    pub(crate) stage: Stage,
}

pub(crate) struct Play<'a> {
    pub(crate) setup: &'a Setup,
    pub(crate) stage: Stage,
    pub(crate) ledger: Ledger,
    pub(super) story: Option<Vec<String>>,
    pub(super) values: u32,
    pub(super) people: u32,
    pub(super) end: Chance,
    /// Nothing may be written any more.
    pub(crate) still: bool,
}

/// Plays a schedule; `telling` keeps the story.
pub(crate) fn play(setup: &Setup, acts: &[Act], seed: u64, telling: bool) -> Played {
    let mut play = Play {
        setup,
        stage: Stage::new(setup),
        ledger: Ledger::default(),
        story: telling.then(Vec::new),
        values: 0,
        people: 0,
        end: Chance::new(!seed),
        still: false,
    };
    let broken = play.all(acts).err();
    let portrait = if telling { portrait::of(&play) } else { Vec::new() };
    Played {
        broken,
        story: play.story.unwrap_or_default(),
        portrait,
        #[cfg(test)]
        stage: play.stage,
    }
}

impl Play<'_> {
    fn all(&mut self, acts: &[Act]) -> Result<(), Broken> {
        self.begin()?;
        for act in acts {
            self.act(act)?;
        }
        self.let_go();
        self.rest()?;
        if self.setup.losses {
            self.tell(
                "Webhooks were lost. One notice of each link comes all the same, from one of its sides:",
            );
            self.one_notice_each();
            self.rest()?;
        }
        self.check_end()?;
        self.check_history()?;
        if !self.setup.brake {
            self.tell("Everything is told once more, as a poll does:");
            self.poll();
            self.still = true;
            self.rest()?;
        }
        Ok(())
    }

    pub(crate) fn tell(&mut self, line: &str) {
        self.tell_with(|_| line.to_owned());
    }

    pub(crate) fn tell_with(&mut self, line: impl FnOnce(&Stage) -> String) {
        match &mut self.story {
            Some(story) if story.len() < LONGEST => story.push(line(&self.stage)),
            Some(story) if story.len() == LONGEST => story.push("... and so on.".to_owned()),
            _ => {}
        }
    }

    /// Some records are there and linked before anything happens.
    fn begin(&mut self) -> Result<(), Broken> {
        for _ in 0..self.setup.linked {
            let system = self.people as usize;
            self.create(system, 0, 0, true);
        }
        let story = self.story.take();
        let rested = self.rest().and_then(|()| self.tick_all());
        self.story = story;
        self.tell("All of them are linked, and everything is at rest.");
        rested
    }

    fn act(&mut self, act: &Act) -> Result<(), Broken> {
        match *act {
            Act::Create { system, person, field, with_email } => {
                self.create(usize::from(system), person, field, with_email);
            }
            Act::Edit { system, record, field, how } => self.edit(system, record, field, how),
            Act::Delete { system, record } => self.delete(system, record),
            Act::DeleteMany { system } => {
                for _ in 0..4 {
                    self.delete(system, 0);
                }
            }
            Act::Merge { system, winner, loser } => self.merge(system, winner, loser),
            Act::Restore { system, record } => self.restore(system, record),
            Act::Tick { record, on } => self.tick(record, on),
            Act::ClearMark { remote, record } => self.clear_mark(remote, record),
            Act::Erase { record } => self.erase(record),
            Act::ReuseId { system, record } => self.reuse_id(system, record),
            Act::EditMap { remote } => {
                let remote = usize::from(remote) % self.setup.remotes;
                self.tell(&format!("The map into coreBOS from remote {} is edited.", remote + 1));
                self.stage.edit_map(self.setup, remote);
            }
            Act::Rest => {
                self.tell("Everything comes to rest.");
                self.rest()?;
            }
            Act::Hear => {
                self.stage.listen();
                while !self.stage.air.is_empty() {
                    self.webhook(0, Fate::Arrives);
                }
            }
            Act::Webhook { which, fate } => self.webhook(which, fate),
            Act::Start { which } => self.start(usize::from(which)),
            Act::Steps { push, calls } => {
                for _ in 0..calls {
                    self.step(usize::from(push))?;
                }
            }
            Act::Until { push, call } => self.until(push, |about_to| about_to == call)?,
            Act::Finish { push } => self.until(push, |_| false)?,
            Act::Crash { push } => self.crash(usize::from(push)),
            Act::Pass { seconds } => {
                self.tell(&format!("{seconds} seconds pass."));
                self.stage.clock.advance(Duration::from_secs(u64::from(seconds)));
                while let Some(push) = self.stage.timed_out() {
                    self.crash(push);
                }
            }
            Act::Fault { system, answer_lost } => self.fault(system, answer_lost),
        }
        Ok(())
    }

    pub(super) fn system(&self, number: u8) -> usize {
        usize::from(number) % self.stage.systems.len()
    }

    pub(super) fn record(&self, system: usize, which: u8) -> Option<String> {
        let ids = self.stage.systems[system].ids();
        (!ids.is_empty()).then(|| ids[usize::from(which) % ids.len()].clone())
    }

    pub(crate) fn ident(&self, system: usize, id: &str) -> String {
        self.stage.systems[system].value(id, "ident").unwrap_or_default()
    }

    /// The system that a lane leads to.
    pub(super) fn towards(&self, lane: Lane) -> System {
        self.setup.system(lane.target())
    }

    fn webhook(&mut self, which: u8, fate: Fate) {
        self.stage.listen();
        if self.stage.air.is_empty() {
            return;
        }
        let which = usize::from(which) % self.stage.air.len();
        let told = self.stage.air.remove(which);
        let what = format!("{:?} notice of {} towards {}", told.kind, told.record, self.towards(told.lane))
            .to_lowercase();
        match fate {
            Fate::Arrives => self.tell(&format!("The {what} arrives.")),
            Fate::ArrivesTwice => self.tell(&format!("The {what} arrives twice.")),
            Fate::IsLost => self.tell(&format!("The {what} is lost.")),
        }
        let times = match fate {
            Fate::Arrives => 1,
            Fate::ArrivesTwice => 2,
            Fate::IsLost => 0,
        };
        for _ in 0..times {
            self.stage.arrive(&told);
        }
    }

    fn start(&mut self, which: usize) {
        if self.stage.start(which)
            && let Some(task) = self.stage.running.last()
        {
            let line = format!(
                "A push of {} towards {} begins ({}).",
                task.notice.record,
                self.towards(task.lane),
                task.notice.receipt
            );
            self.tell(&line);
        }
    }

    pub(super) fn step(&mut self, push: usize) -> Result<(), Broken> {
        let Some(stepped) = self.stage.step(push) else { return Ok(()) };
        if matches!(stepped.did, "create" | "update" | "archive") {
            self.observe(&stepped)?;
        }
        if self.story.is_some() && !matches!(stepped.did, "begin" | "go on") {
            self.tell_of_push(&stepped.record, stepped.lane, stepped.did);
        }
        if let Some(outcome) = &stepped.outcome
            && self.story.is_some()
        {
            let what = match outcome {
                Outcome::Done(report) => format!("done: {} {}", report.outcome, report.reason),
                Outcome::Retry { reason, .. } => format!("tries again later: {reason}"),
                Outcome::Stop { reason, detail } => format!("stops: {reason} {detail}"),
            };
            self.tell_of_push(&stepped.record, stepped.lane, what.trim());
        }
        Ok(())
    }

    /// What a push does, on the line of what it did just before.
    fn tell_of_push(&mut self, record: &RecordRef, lane: Lane, what: &str) {
        let who = format!("  {record} ▶ {}: ", self.towards(lane));
        match self.story.as_mut().and_then(|story| story.last_mut()) {
            Some(last) if last.starts_with(&who) => {
                last.push_str(", ");
                last.push_str(what);
            }
            _ => self.tell(&(who + what)),
        }
    }

    fn until(&mut self, push: u8, here: impl Fn(&str) -> bool) -> Result<(), Broken> {
        if self.stage.running.is_empty() {
            return Ok(());
        }
        let push = usize::from(push) % self.stage.running.len();
        let began = self.stage.running[push].began;
        for _ in 0..400 {
            self.step(push)?;
            match self.stage.running.get(push) {
                Some(task) if task.began == began && !here(task.about_to) => {}
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    fn crash(&mut self, push: usize) {
        if let Some((lane, record, about_to)) = self.stage.crash(push) {
            self.ledger.crashes += 1;
            self.tell_of_push(&record, lane, &format!("the worker dies before: {about_to}"));
        }
    }

    fn fault(&mut self, system: u8, answer_lost: bool) {
        let system = self.system(system);
        let fault = if answer_lost { MemoryFault::AnswerLost } else { MemoryFault::Unavailable };
        self.ledger.crashes += 1;
        self.ledger.faulty = true;
        self.stage.systems[system].fail_next(fault);
        let what = if answer_lost { "will be done and its answer lost" } else { "will fail" };
        self.tell(&format!("The next write to {} {what}.", self.setup.system(system)));
    }

    /// The id field, and the mark, of a pair on a side.
    pub(crate) fn bookkeeping(&self, side: Side) -> Vec<&'static str> {
        (0..self.setup.remotes)
            .flat_map(|remote| {
                let marks = self.setup.spec(remote).marks(side).into_iter().map(|mark| mark.field);
                marks.chain([self.setup.spec(remote).id_field(side)])
            })
            .collect()
    }
}
