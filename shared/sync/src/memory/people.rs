//! What people do in a memory system, without asking anybody.

use jiff::Timestamp;
use model::{Fields, NoticeKind};

use super::lock;
use super::system::{Asked, Habits, MemorySystem, Stored};
use crate::ports::Writer;

fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl MemorySystem {
    /// A person creates a record.
    pub fn person_creates(&self, fields: &[(&str, &str)]) -> String {
        self.insert(owned(fields).into_iter().collect(), Writer::Other)
    }

    /// A person changes fields.
    pub fn person_edits(&self, id: &str, fields: &[(&str, &str)]) {
        self.change(id, &owned(fields), Writer::Other);
    }

    /// A person deletes a record.
    pub fn person_deletes(&self, id: &str) {
        let mut inside = lock(&self.inside);
        if let Some(stored) = inside.records.remove(id) {
            inside.bin.insert(id.to_owned(), stored);
            let reference = self.reference(id);
            inside.events.push((reference, NoticeKind::Deleted, Writer::Other));
        }
    }

    /// A person merges `loser` into `winner`: the loser's values fill the winner's blanks. What becomes of the two ids
    /// depends on the system. Gives the id of the record that is left.
    pub fn person_merges(&self, winner: &str, loser: &str) -> String {
        let now = self.time();
        let mut inside = lock(&self.inside);
        let Some(gone) = inside.records.remove(loser) else { return winner.to_owned() };
        if let Some(kept) = inside.records.get_mut(winner) {
            for (name, value) in gone.fields {
                let here = kept.fields.entry(name).or_default();
                if here.is_empty() {
                    *here = value;
                }
            }
            kept.modified = now;
            kept.writer = Writer::Other;
        }
        let mut left = winner.to_owned();
        match self.habits {
            Habits::Redirects => {
                inside.merged.insert(loser.to_owned(), left.clone());
            }
            Habits::Forgets => {}
            Habits::MakesAnother => {
                let fields = inside.records.remove(winner).map(|kept| kept.fields).unwrap_or_default();
                drop(inside);
                left = self.insert(fields, Writer::Other);
                inside = lock(&self.inside);
                inside.merged.insert(winner.to_owned(), left.clone());
                inside.merged.insert(loser.to_owned(), left.clone());
                inside.events.push((self.reference(winner), NoticeKind::Deleted, Writer::Other));
            }
        }
        if self.habits != Habits::MakesAnother {
            inside.events.push((self.reference(winner), NoticeKind::Saved, Writer::Other));
        }
        inside.events.push((self.reference(loser), NoticeKind::Deleted, Writer::Other));
        left
    }

    /// A person wants to be forgotten: the record is gone for good.
    pub fn person_is_erased(&self, id: &str) {
        let mut inside = lock(&self.inside);
        if inside.records.remove(id).is_some() {
            inside.events.push((self.reference(id), NoticeKind::Erased, Writer::Other));
        }
    }

    /// What the API does to an old id of a merge where that acts on the survivor, which nobody meant.
    pub(super) fn write_to_survivor(&self, id: &str, sent: &Fields, values: &[(String, String)]) {
        if self.habits == Habits::MakesAnother
            && let Some(survivor) = self.merged_into(id)
        {
            self.note(Some((id, false)), sent, values, false);
            self.change(&survivor, values, Writer::Us);
        }
    }

    /// The API puts a record into the recycle bin.
    pub(super) fn put_into_bin(&self, id: &str) {
        let mut inside = lock(&self.inside);
        let Some(stored) = inside.records.remove(id) else { return };
        inside.bin.insert(id.to_owned(), stored);
        inside.events.push((self.reference(id), NoticeKind::Deleted, Writer::Us));
        let asked = Asked { id: id.to_owned(), archives: true, ..Asked::default() };
        inside.asked.push(asked);
    }

    /// A person takes a deleted record back out of the bin, with its id.
    pub fn person_restores(&self, id: &str) {
        let modified = self.time();
        let mut inside = lock(&self.inside);
        let Some(stored) = inside.bin.remove(id) else { return };
        self.put(&mut inside, id, Stored { modified, writer: Writer::Other, ..stored });
    }

    /// The system gives the id of a deleted record to a new one, as databases do after a restart.
    pub fn person_creates_with_a_used_id(&self, id: &str, fields: &[(&str, &str)]) {
        let modified: Timestamp = self.time();
        let mut inside = lock(&self.inside);
        if inside.bin.remove(id).is_none() {
            return;
        }
        let fields = owned(fields).into_iter().collect();
        self.put(&mut inside, id, Stored { fields, modified, writer: Writer::Other });
    }

    fn put(&self, inside: &mut super::system::Inside, id: &str, stored: Stored) {
        inside.records.insert(id.to_owned(), stored);
        inside.events.push((self.reference(id), NoticeKind::Saved, Writer::Other));
    }

    /// What a record in the bin has in a field.
    pub fn in_bin(&self, id: &str, field: &str) -> Option<String> {
        lock(&self.inside).bin.get(id)?.fields.get(field).cloned()
    }

    /// The ids of the records in the bin.
    pub fn deleted_ids(&self) -> Vec<String> {
        lock(&self.inside).bin.keys().cloned().collect()
    }
}
