//! HubSpot: what people do there and about it in a schedule, and what must hold.

use model::{Bases, Side};

use super::claims::{BACK, BRAKE, FORGOTTEN, GATE, LIVES, OLD_ID, RIDES, STILL, SWITCHED_OFF};
use super::play::{Broken, Play};
use super::remotes::{DELETED, Remote, TICK};
use super::stage::Stepped;
use crate::memory::system::Asked;

/// The field of coreBOS that tells when a record was last brought in step.
pub(super) const SYNCED: &str = "hubspotlastsync";

impl Play<'_> {
    /// Somebody ticks a record of coreBOS, or takes the tick away.
    pub(super) fn tick(&mut self, record: u8, on: bool) {
        let Some(id) = self.record(0, record).filter(|_| self.setup.hubspot) else { return };
        self.tick_one(&id, on);
    }

    fn tick_one(&mut self, id: &str, on: bool) {
        let ident = self.ident(0, id);
        self.stage.events += 1;
        let known_to_be_gone = self.stage.systems[0].value(id, DELETED).as_deref() == Some("1");
        if on {
            self.stage.systems[0].person_edits(id, &[(TICK, "1"), (DELETED, "0")]);
            self.ledger.closed.remove(&ident);
            if let Some(pair) = self.setup.gated() {
                self.ledger.wanted_again_by(pair, &ident, known_to_be_gone);
            }
        } else {
            self.stage.systems[0].person_edits(id, &[(TICK, "0")]);
            self.ledger.wanted.retain(|(_, who)| *who != ident);
            self.ledger.closed.insert(ident, self.stage.events);
        }
        for field in [TICK, DELETED] {
            self.ledger.touched((0, id), field, self.stage.events);
        }
        let what = if on { "ticks" } else { "takes the tick off" };
        self.tell_with(|stage| format!("Somebody {what} {}.", stage.systems[0].reference(id)));
    }

    /// An administrator wants a record back that another system has deleted.
    pub(super) fn clear_mark(&mut self, remote: u8, record: u8) {
        let remote = usize::from(remote) % self.setup.remotes;
        let marks = self.setup.spec(remote).marks_on_hub;
        let boxed = marks.iter().find(|mark| mark.text() == Some("1"));
        let Some((id, mark)) = self.record(0, record).zip(boxed) else { return };
        if self.stage.systems[0].value(&id, mark.field).as_deref() != Some("1") {
            return;
        }
        if Some(remote) == self.setup.gated() {
            self.tick_one(&id, true);
            return;
        }
        let ident = self.ident(0, &id);
        self.stage.events += 1;
        self.stage.systems[0].person_edits(&id, &[(mark.field, "0")]);
        self.ledger.touched((0, &id), mark.field, self.stage.events);
        self.ledger.wanted_again_by(remote, &ident, true);
        self.tell_with(|stage| {
            format!("Somebody clears {} of {}.", mark.field, stage.systems[0].reference(&id))
        });
    }

    /// What an administrator wants back is back.
    pub(super) fn check_wanted(&self) -> Result<(), Broken> {
        if !self.all_on() || self.ledger.crashes > 0 {
            return Ok(());
        }
        for (remote, ident) in &self.ledger.wanted {
            let (hub, there) = (&self.stage.systems[0], &self.stage.systems[remote + 1]);
            let is = |number: usize, id: &String| self.ident(number, id) == *ident;
            let still = hub.ids().iter().any(|id| is(0, id));
            let judged = !self.ledger.replaced.contains(ident) && !self.ledger.refused.contains(ident);
            if still && judged && !there.ids().iter().any(|id| is(remote + 1, id)) {
                let system = self.setup.system(remote + 1);
                return Err(Broken::new(BACK, format!("there is no {ident} in {system}")));
            }
        }
        Ok(())
    }

    /// Everything that is there goes to HubSpot, and is there.
    pub(super) fn tick_all(&mut self) -> Result<(), Broken> {
        if !self.setup.hubspot {
            return Ok(());
        }
        for id in self.stage.systems[0].ids() {
            if !self.is_ticked(&id) {
                self.tick_one(&id, true);
            }
        }
        self.rest()
    }

    pub(super) fn is_ticked(&self, hub: &str) -> bool {
        self.stage.systems[0].value(hub, TICK).as_deref() == Some("1")
    }

    /// Whether coreBOS keeps somebody in step with a system. `hub` is the record there.
    pub(super) fn goes_to(&self, number: usize, hub: Option<&str>) -> bool {
        self.setup.remote_of(number) != Some(Remote::HubSpot) || hub.is_none_or(|hub| self.is_ticked(hub))
    }

    /// Somebody wants to be forgotten in HubSpot.
    pub(super) fn erase(&mut self, record: u8) {
        let Some(system) = self.setup.gated().map(|remote| remote + 1) else { return };
        let Some(id) = self.record(system, record) else { return };
        let ident = self.ident(system, &id);
        self.note_delete(system, &id);
        let reference = self.stage.systems[system].reference(&id);
        self.ledger.erased.push(reference.clone());
        self.stage.systems[system].person_is_erased(&id);
        self.tell(&format!("{reference} ({ident}) wants to be forgotten."));
    }

    /// Nothing is sent to a record whose place another one has taken.
    pub(super) fn check_old_id(&self, number: usize, asked: &Asked, stepped: &Stepped) -> Result<(), Broken> {
        match self.ledger.merged_away.get(&(number, asked.id.clone())) {
            Some(at) if *at < stepped.began && !asked.creates => {
                let record = self.stage.systems[number].reference(&asked.id);
                Err(Broken::new(OLD_ID, format!("{record} was written: {:?}", asked.values)))
            }
            _ => Ok(()),
        }
    }

    /// What is not ticked stays where it is, and the time of the last sync is no reason for a write.
    pub(super) fn check_gate(
        &mut self,
        number: usize,
        asked: &Asked,
        stepped: &Stepped,
    ) -> Result<(), Broken> {
        if !self.setup.hubspot {
            return Ok(());
        }
        let record = self.stage.systems[number].reference(&asked.id);
        let rides = |field: &str| matches!(field, SYNCED | "hubspotrecord");
        if !asked.values.is_empty() && asked.values.iter().all(|(field, ..)| rides(field)) {
            return Err(Broken::new(RIDES, format!("{record} was written")));
        }
        let ident = self.ident(number, &asked.id);
        let through_gate = Some(stepped.lane.remote) == self.setup.gated();
        let said = |text: &str| asked.values.iter().any(|(field, sent, ..)| field == TICK && sent == text);
        if number == 0 && said("1") {
            self.ledger.closed.remove(&ident);
        }
        if through_gate
            && !self.ledger.replaced.contains(&ident)
            && self.ledger.closed.get(&ident).is_some_and(|at| *at < stepped.began)
        {
            return Err(Broken::new(GATE, format!("{record} was written: {:?}", asked.values)));
        }
        let enters = number == 0 && asked.creates && !asked.refused && !through_gate;
        if enters || (number == 0 && said("0")) {
            self.ledger.closed.insert(ident, self.stage.events);
        }
        Ok(())
    }

    /// A record is put into the recycle bin only because its partner is gone.
    pub(super) fn check_archive(
        &mut self,
        number: usize,
        asked: &Asked,
        stepped: &Stepped,
    ) -> Result<(), Broken> {
        let lane = stepped.lane;
        let records = if lane.of_firms { &self.stage.firms } else { &self.stage.systems };
        let record = records[number].reference(&asked.id);
        let ident = records[number].in_bin(&asked.id, "ident").unwrap_or_default();
        self.tell(&format!("  {record} ◀ the API puts it into the recycle bin"));
        if self.still {
            return Err(Broken::new(STILL, format!("{record} was put into the bin")));
        }
        self.check_old_id(number, asked, stepped)?;
        if !self.setup.settings[lane.remote].operations(lane.direction).delete {
            return Err(Broken::new(SWITCHED_OFF, format!("{record} was put into the bin")));
        }
        let pair = &self.stage.context(lane).pair;
        let links = self.stage.store.links();
        let hub = links.iter().find(|link| link.pair == *pair && link.remote == record).map(|link| &link.hub);
        let lives = hub.is_some_and(|hub| self.stage.at(lane, Side::Hub).value(&hub.id, "ident").is_some());
        if !self.ledger.disturbed.contains(&ident) || (lives && !self.setup.restores) {
            return Err(Broken::new(LIVES, format!("{record} was put into the bin")));
        }
        let (hour, limit) = (self.hour(), self.setup.settings[lane.remote].deletes_per_hour);
        let marks = self.ledger.mark(lane.remote, hour);
        if marks > limit {
            return Err(Broken::new(BRAKE, format!("delete number {marks} of an hour, {limit} are allowed")));
        }
        Ok(())
    }

    /// Nothing that a person said is kept of who wanted to be forgotten.
    pub(super) fn check_forgotten(&self) -> Result<(), Broken> {
        if self.setup.losses || !self.all_on() {
            return Ok(());
        }
        for link in self.stage.store.links().iter().filter(|link| self.ledger.erased.contains(&link.remote)) {
            let history = self.stage.store.history(&link.id);
            // The history of a tombstone that was given up before ends by itself.
            let given_up = history.iter().any(|entry| entry.outcome == "forgotten");
            let tells = !given_up && history.iter().any(|entry| !entry.lost.is_empty());
            if link.bases != Bases::default() || tells {
                return Err(Broken::new(FORGOTTEN, format!("something is kept of {}", link.remote)));
            }
        }
        Ok(())
    }
}
