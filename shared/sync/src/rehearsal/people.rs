//! What people do in a schedule.

use model::{LinkStatus, Side};

use super::act::How;
use super::play::Play;
use super::records::LABEL;
use super::remotes::TICK;

impl Play<'_> {
    pub(super) fn new_value(&mut self) -> String {
        self.values += 1;
        // Longer than what coreBOS keeps of a phone, and told by its beginning.
        format!("v{:03}-long", self.values)
    }

    pub(super) fn create(&mut self, system: usize, person: u8, field: u8, with_email: bool) {
        let system = system % self.stage.systems.len();
        // Half of them are known somewhere else already, so that records meet.
        let known = self.people > 0 && person % 2 == 1 && with_email;
        let number = if known { u32::from(person / 2) % self.people } else { self.people };
        let ident = format!("p{number:03}");
        let has = |id: &String| self.ident(system, id) == ident;
        if self.stage.systems[system].ids().iter().any(has) || self.ledger.replaced.contains(&ident) {
            return;
        }
        if known
            && self.stage.systems.iter().all(|s| {
                !s.ids().iter().any(|id| s.value(id, "email").is_some_and(|e| e.starts_with(&ident)))
            })
        {
            return;
        }
        self.people = self.people.max(number + 1);
        let email = if with_email { format!("{ident}@example.org") } else { String::new() };
        let both_ways = self.setup.style.both_ways();
        let field = both_ways[usize::from(field) % both_ways.len()];
        let value = self.new_value();
        self.stage.events += 1;
        let (own, entry) = self.entry(system, field, &value);
        let mut fields = vec![("ident", ident.as_str()), ("email", email.as_str()), (own, entry.as_str())];
        fields.extend((system == 0).then_some((TICK, "1")));
        let id = self.stage.systems[system].person_creates(&fields);
        self.ledger.wanted_again(&ident);
        if system == 0 {
            self.ledger.closed.remove(&ident);
        }
        self.ledger.entered.insert((system, ident.clone()), self.stage.events);
        self.ledger.act(system, &ident);
        self.ledger.edit((system, &id), &ident, field, &value, self.stage.events);
        self.tell_with(|stage| {
            let record = stage.systems[system].reference(&id);
            format!("Somebody enters {ident} as {record}, {field} = {value}, e-mail `{email}`.")
        });
    }

    pub(super) fn edit(&mut self, system: u8, record: u8, field: u8, how: How) {
        let system = self.system(system);
        let Some(id) = self.record(system, record) else { return };
        let ident = self.ident(system, &id);
        let field = self.setup.edited[usize::from(field) % self.setup.edited.len()];
        if field == LABEL {
            self.edit_label(system, &id, how);
            return;
        }
        let one_side_only = match field {
            "full" => Some(true),
            "first" | "last" if !self.setup.style.both_ways().contains(&field) => Some(false),
            _ => None,
        };
        if one_side_only.is_some_and(|on_hub| on_hub != (system == 0)) {
            return;
        }
        let value = match how {
            How::Blank => String::new(),
            How::Bad if field == "phone" => {
                self.ledger.refused.insert(ident.clone());
                format!("bad{}", self.new_value())
            }
            How::New | How::Bad => self.new_value(),
            How::LikeAnother => self.value_elsewhere(system, &ident, field),
        };
        let (own, entry) = self.entry(system, field, &value);
        self.stage.events += 1;
        let changes = self.stage.systems[system].value(&id, own).is_some_and(|before| before != entry);
        self.stage.systems[system].person_edits(&id, &[(own, &entry)]);
        if !changes {
            // A save that changes nothing is told like any other, and is no edit.
            self.tell_with(|stage| {
                format!("Somebody saves {} as it is.", stage.systems[system].reference(&id))
            });
            return;
        }
        self.ledger.act(system, &ident);
        self.ledger.edit((system, &id), &ident, field, &value, self.stage.events);
        self.tell_with(|stage| {
            format!("Somebody edits {}: {field} = `{value}`.", stage.systems[system].reference(&id))
        });
    }

    /// What another system has in a field of the same person.
    pub(super) fn value_elsewhere(&self, system: usize, ident: &str, field: &'static str) -> String {
        for (number, other) in self.stage.systems.iter().enumerate() {
            if number != system
                && let Some(id) = other.ids().iter().find(|id| self.ident(number, id) == ident)
            {
                return self.held(number, id, field).unwrap_or_default();
            }
        }
        String::new()
    }

    pub(super) fn delete(&mut self, system: u8, record: u8) {
        let system = self.system(system);
        let Some(id) = self.record(system, record) else { return };
        let ident = self.ident(system, &id);
        let reference = self.stage.systems[system].reference(&id);
        self.note_delete(system, &id);
        self.stage.systems[system].person_deletes(&id);
        self.tell(&format!("Somebody deletes {reference} ({ident})."));
    }

    /// Writes down that a person is about to delete a record.
    pub(super) fn note_delete(&mut self, system: usize, id: &str) {
        let ident = self.ident(system, id);
        let reference = self.stage.systems[system].reference(id);
        for link in self.stage.store.links() {
            // What came back and was deleted again before anybody looked was deleted once.
            let lives = link.status == LinkStatus::Active;
            if lives && (link.hub == reference || link.remote == reference) {
                let side = if system == 0 { Side::Remote } else { Side::Hub };
                let left = link.record(side);
                let pair = self.stage.lanes().find(|lane| self.stage.context(*lane).pair == link.pair);
                if let Some(lane) = pair
                    && self.stage.systems[lane.system(side)].value(&left.id, "ident").is_some()
                {
                    self.ledger.delete(lane.remote, system, &ident);
                }
            }
        }
        self.ledger.wanted.retain(|(_, who)| *who != ident);
        self.ledger.disturbed.insert(ident);
        self.stage.events += 1;
    }

    pub(super) fn merge(&mut self, system: u8, winner: u8, loser: u8) {
        let system = self.system(system);
        let (Some(winner), Some(loser)) = (self.record(system, winner), self.record(system, loser)) else {
            return;
        };
        if winner == loser {
            return;
        }
        for id in [&winner, &loser] {
            let ident = self.ident(system, id);
            self.ledger.disturbed.insert(ident.clone());
            self.ledger.replaced.insert(ident);
        }
        self.stage.events += 1;
        let left = self.stage.systems[system].person_merges(&winner, &loser);
        for id in [&winner, &loser].into_iter().filter(|id| **id != left) {
            self.ledger.merged_away.insert((system, id.clone()), self.stage.events);
        }
        self.tell_with(|stage| {
            let [winner, loser, left] =
                [&winner, &loser, &left].map(|id| stage.systems[system].reference(id));
            let left = if left == winner { String::new() } else { format!(": {left} takes their place") };
            format!("Somebody merges {loser} into {winner}{left}.")
        });
    }

    pub(super) fn restore(&mut self, system: u8, record: u8) {
        let system = self.system(system);
        let ids = self.stage.systems[system].deleted_ids();
        if ids.is_empty() {
            return;
        }
        let id = &ids[usize::from(record) % ids.len()];
        self.stage.events += 1;
        self.stage.systems[system].person_restores(id);
        let ident = self.ident(system, id);
        let twins = self.stage.systems[system].ids().into_iter().filter(|id| self.ident(system, id) == ident);
        if twins.count() > 1 {
            // People have entered it anew meanwhile: there are two.
            self.ledger.replaced.insert(ident.clone());
        }
        self.ledger.wanted_again(&ident);
        self.tell_with(|stage| {
            format!("Somebody restores {} ({ident}).", stage.systems[system].reference(id))
        });
    }

    pub(super) fn reuse_id(&mut self, system: u8, record: u8) {
        let system = self.system(system);
        let ids = self.stage.systems[system].deleted_ids();
        if ids.is_empty() {
            return;
        }
        let id = ids[usize::from(record) % ids.len()].clone();
        let ident = format!("p{:03}", self.people);
        self.people += 1;
        let email = format!("{ident}@example.org");
        self.stage.events += 1;
        let fields = [("ident", ident.as_str()), ("email", email.as_str())];
        self.stage.systems[system].person_creates_with_a_used_id(&id, &fields);
        // It looks like an edit of everything: whoever had the id is somebody else now, everywhere.
        for record in self
            .stage
            .systems
            .iter()
            .flat_map(|system| system.ids().into_iter().map(|id| system.value(&id, "ident")))
        {
            self.ledger.replaced.extend(record.clone());
            self.ledger.disturbed.extend(record);
        }
        self.tell_with(|stage| {
            format!(
                "A new record, {ident}, is given the used id of {}.",
                stage.systems[system].reference(&id)
            )
        });
    }
}
