//! The claims: what must hold at every write, when everything has come to rest, and when it is told once more.

use model::{Link, Side};

use super::families::spoken;
use super::gated::SYNCED;
use super::play::{Broken, Play};
use super::remotes::Remote;
use super::setup::Style;
use super::stage::{Lane, Stepped};
use crate::memory::system::Asked;

pub(crate) const ECHO: &str = "No echo is written: a write changes something.";
pub(crate) const TWICE: &str = "No field is written twice with the same value, unless a crash lay between.";
pub(crate) const BLANKED: &str = "Nothing is blanked that nobody blanked.";
pub(crate) const SWITCHED_OFF: &str = "What is switched off is not done.";
pub(crate) const SECOND: &str = "No second record is ever created.";
pub(crate) const STAYS_DELETED: &str = "Deleted records stay deleted.";
pub(crate) const BRAKE: &str = "The brake stops a mass delete.";
pub(crate) const LIVES: &str = "No record is marked as deleted while its partner lives.";
pub(crate) const ONE_WRITE: &str = "One edit causes at most one write per side.";
pub(crate) const CONVERGES: &str = "Both sides converge.";
pub(crate) const SURVIVES: &str = "No edit of an uncontested field is lost.";
pub(crate) const LINKED: &str = "Every record has exactly one partner.";
pub(crate) const CLEAN: &str = "No lease and nothing parked is left behind.";
pub(crate) const MARKED: &str = "A record whose partner is gone is marked.";
pub(crate) const KEPT: &str = "A value that loses is kept in the history.";
pub(crate) const ONE_WAY: &str = "What is pending for a direction that is off counts for nothing.";
pub(crate) const GATE: &str = "What is not ticked does not travel.";
pub(crate) const OLD_ID: &str = "Nothing is sent to an id that a merge has taken away.";
pub(crate) const RIDES: &str = "The time of the last sync is never a write of its own.";
pub(crate) const FORGOTTEN: &str = "Who wants to be forgotten is forgotten.";
pub(crate) const BACK: &str = "What an administrator wants back comes back.";
pub(crate) const STILL: &str = "What is told once more writes nothing.";

impl Play<'_> {
    /// Checks what the API was just asked.
    pub(crate) fn observe(&mut self, stepped: &Stepped) -> Result<(), Broken> {
        for number in 0..self.stage.systems.len() {
            for asked in self.stage.systems[number].take_asked() {
                self.check_write(number, &asked, stepped)?;
            }
            for asked in self.stage.firms[number].take_asked() {
                if self.setup.style == Style::Leads {
                    self.check_record_write(&asked, stepped)?;
                } else {
                    self.check_firm_write(number, &asked, stepped)?;
                }
            }
        }
        Ok(())
    }

    fn check_write(&mut self, number: usize, asked: &Asked, stepped: &Stepped) -> Result<(), Broken> {
        let record = self.stage.systems[number].reference(&asked.id);
        if asked.archives {
            return self.check_archive(number, asked, stepped);
        }
        self.tell_with(|_| {
            let values: Vec<String> =
                asked.values.iter().map(|(f, sent, ..)| format!("{f}=`{sent}`")).collect();
            let what = match (asked.refused, asked.creates) {
                (true, _) => "is refused",
                (false, true) => "creates it with",
                (false, false) => "writes",
            };
            format!("  {record} ◀ the API {what} {}", values.join(" "))
        });
        let who = self.ident(number, &asked.id);
        if self.still && self.comes_in_late(number, asked, stepped, &who) {
            self.ledger.late.insert(who.clone());
        }
        if self.still && !self.ledger.late.contains(&who) {
            return Err(Broken::new(STILL, format!("{record} was written: {:?}", asked.values)));
        }
        self.check_old_id(number, asked, stepped)?;
        self.check_gate(number, asked, stepped)?;
        let ident = self.ident(number, &asked.id);
        if asked.creates && !asked.refused {
            self.check_creation(number, &ident, stepped, &record.to_string())?;
        } else if asked.id.is_empty() {
            self.check_refused_creation(number, asked, stepped)?;
        } else if !asked.creates {
            self.check_switches(number, asked, stepped.lane)?;
            self.check_fields(number, asked, stepped, &ident)?;
        }
        if asked.refused {
            return Ok(());
        }
        let people_edit = self.setup.style.people_edit();
        for (field, _, _, after) in &asked.values {
            if people_edit.contains(&spoken(field)) {
                let after = self.said(number, field, after);
                self.ledger.written((number, &asked.id), &ident, spoken(field), &after, stepped.began);
            }
        }
        if !asked.creates && asked.values.iter().any(|(field, ..)| people_edit.contains(&spoken(field))) {
            self.ledger.count_write(number, &ident);
        }
        Ok(())
    }

    /// Who was kept out, and comes in when somebody tells of them once the reason is gone, as a redrive or their next edit
    /// does: a record that is parked because another one has its partner, or a contact of HubSpot whose record in coreBOS
    /// was not ticked and is deleted.
    fn comes_in_late(&self, number: usize, asked: &Asked, stepped: &Stepped, who: &str) -> bool {
        let parked = self.stage.store.parked();
        let was_parked = parked
            .iter()
            .any(|each| each.reason == "candidate_taken" && each.notice.record == stepped.record);
        let from_hubspot = self.setup.remote(stepped.lane.remote) == Remote::HubSpot;
        let was_not_ticked =
            number == 0 && asked.creates && from_hubspot && self.ledger.disturbed.contains(who);
        was_parked || was_not_ticked
    }

    fn check_creation(
        &mut self,
        number: usize,
        ident: &str,
        stepped: &Stepped,
        record: &str,
    ) -> Result<(), Broken> {
        let lane = stepped.lane;
        let system = &self.stage.systems[number];
        let operations = self.setup.settings[lane.remote].operations(lane.direction);
        if !operations.create {
            return Err(Broken::new(SWITCHED_OFF, format!("{record} was created")));
        }
        let twins = system.ids().into_iter().filter(|id| self.ident(number, id) == ident).count();
        if self.ledger.entered.get(&(number, ident.to_owned())).is_some_and(|at| *at > stepped.began) {
            // Entered by a person after the push had looked for it: nobody could know.
            self.ledger.replaced.insert(ident.to_owned());
        }
        if twins > 1 && !self.ledger.replaced.contains(ident) {
            return Err(Broken::new(SECOND, format!("{record} is another {ident}")));
        }
        let certain = !self.setup.used_ids && !self.ledger.replaced.contains(ident);
        // Who was entered beside a record that does not go to HubSpot is somebody else as long as it does not.
        let certain = certain && !(self.setup.hubspot && self.ledger.met(ident));
        // Somebody entered them anew before the last of them was gone: no deletion is known of that one's record.
        let pair = &self.stage.context(lane).pair;
        let source = &stepped.record;
        let certain = certain
            && self
                .stage
                .store
                .links()
                .iter()
                .any(|l| l.pair == *pair && (l.hub == *source || l.remote == *source));
        if certain && self.ledger.is_deleted(lane.remote, number, ident) {
            return Err(Broken::new(STAYS_DELETED, format!("{record} brings {ident} back")));
        }
        Ok(())
    }

    /// A refused creation is not tried again as it was.
    fn check_refused_creation(
        &mut self,
        number: usize,
        asked: &Asked,
        stepped: &Stepped,
    ) -> Result<(), Broken> {
        let sent = asked.values.iter().filter(|(field, ..)| field != "stamp");
        let all: Vec<String> = sent.map(|(field, value, ..)| format!("{field}={value}")).collect();
        let (record, all) = (stepped.record.to_string(), all.join(" "));
        let pair = Some((stepped.lane.remote, stepped.began));
        if self.ledger.sent_again(pair, (number, &record), "everything", &all, self.stage.events) {
            return Err(Broken::new(TWICE, format!("a creation for {record} was sent again: {all}")));
        }
        Ok(())
    }

    fn check_switches(&mut self, number: usize, asked: &Asked, lane: Lane) -> Result<(), Broken> {
        let side = if number == 0 { Side::Hub } else { Side::Remote };
        let bookkeeping = self.bookkeeping(side);
        let operations = self.setup.settings[lane.remote].operations(lane.direction);
        let says = |field: &str| format!("{field} of {}", self.stage.systems[number].reference(&asked.id));
        for (field, ..) in &asked.values {
            let counts = lane.target() == number && !bookkeeping.contains(&field.as_str());
            if counts && !operations.update {
                return Err(Broken::new(SWITCHED_OFF, format!("{} was written", says(field))));
            }
        }
        let spec = self.stage.context(lane).spec;
        let is_mark = spec.marks(side).iter().any(|mark| {
            let written = asked.values.iter().find(|(name, ..)| name == mark.field);
            let is_marked =
                |sent: &str| mark.text() == Some(sent) && (!sent.is_empty() || side == Side::Remote);
            written.is_some_and(|(_, sent, ..)| is_marked(sent))
        });
        if !is_mark {
            return Ok(());
        }
        let ident = self.ident(number, &asked.id);
        if !self.ledger.disturbed.contains(&ident) {
            return Err(Broken::new(
                LIVES,
                format!("{} was marked", self.stage.systems[number].reference(&asked.id)),
            ));
        }
        if let Some(survivor) = self.merged_partner(number, asked, lane) {
            return Err(Broken::new(LIVES, format!("its partner was merged into {survivor}")));
        }
        let hour = self.hour();
        let marks = self.ledger.mark(lane.remote, hour);
        let limit = self.setup.settings[lane.remote].deletes_per_hour;
        if marks > limit {
            return Err(Broken::new(
                BRAKE,
                format!("delete number {marks} of an hour was carried, {limit} are allowed"),
            ));
        }
        Ok(())
    }

    /// The living record into which the partner of a record was merged.
    fn merged_partner(&self, number: usize, asked: &Asked, lane: Lane) -> Option<String> {
        let side = if number == 0 { Side::Hub } else { Side::Remote };
        let record = self.stage.systems[number].reference(&asked.id);
        let pair = &self.stage.context(lane).pair;
        let links = self.stage.store.links();
        let link = links.iter().find(|link| link.pair == *pair && *link.record(side) == record)?;
        let survivor = self.stage.at(lane, side.other()).merged_into(&link.record(side.other()).id)?;
        // Where coreBOS says what is kept in step, one of two merged partners is left over, and marked: the one that the
        // survivor does not name.
        let spec = self.stage.context(lane).spec;
        let has_another = |other: &&Link| {
            other.id != link.id && other.pair == *pair && other.record(side.other()).id == survivor
        };
        let named = self.stage.at(lane, side.other()).value(&survivor, spec.id_field(side.other()));
        let names_another = named.is_some_and(|named| !named.is_empty() && named != asked.id);
        let is_left_over = spec.gate.is_some() && (names_another || links.iter().any(|l| has_another(&l)));
        (!is_left_over).then_some(survivor)
    }

    pub(super) fn hour(&self) -> i64 {
        crate::ports::Clock::now(&self.stage.clock).as_second().div_euclid(3600)
    }

    fn check_fields(
        &mut self,
        number: usize,
        asked: &Asked,
        stepped: &Stepped,
        ident: &str,
    ) -> Result<(), Broken> {
        let at = (number, asked.id.as_str());
        let where_ = |field: &str| format!("{field} of {}", self.stage.systems[number].reference(&asked.id));
        for (field, sent, before, _) in &asked.values {
            // What stood beside a refused field is sent again without it.
            if matches!(field.as_str(), "stamp" | SYNCED | "hubspotdeletedon")
                || (asked.refused && field != "phone")
            {
                continue;
            }
            let (says, field) = (where_(field), spoken(field));
            if self.ledger.disturbed.contains(ident) && !asked.refused && self.setup.style == Style::Lossy {
                // Linked again without base: each pair finds out anew that coreBOS cuts.
                continue;
            }
            if self.ledger.replaced.contains(ident) {
                // Somebody else's record now: what is known about its fields was known about another.
                continue;
            }
            if sent == before && !asked.refused && !self.ledger.edited_since(at, field, stepped.began) {
                return Err(Broken::new(ECHO, format!("{says} was `{sent}` already")));
            }
            if sent.is_empty()
                && !before.is_empty()
                && self.setup.style.both_ways().contains(&field)
                && !self.ledger.was_blanked(ident, field)
                && !self.ledger.disturbed.contains(ident)
            {
                return Err(Broken::new(BLANKED, format!("{says} was `{before}`")));
            }
            // Each pair may be refused once.
            let pair = asked.refused.then_some((stepped.lane.remote, stepped.began));
            if self.ledger.sent_again(pair, at, field, sent, self.stage.events) {
                return Err(Broken::new(TWICE, format!("{says} was sent `{sent}` again")));
            }
        }
        Ok(())
    }
}
