//! What people do in a memory system, without asking anybody.

use jiff::Timestamp;
use model::NoticeKind;

use super::lock;
use super::system::{MemorySystem, Stored};
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

    /// A person merges `loser` into `winner`: the loser's values fill the winner's blanks, and its id becomes an alias.
    pub fn person_merges(&self, winner: &str, loser: &str) {
        let now = self.time();
        let mut inside = lock(&self.inside);
        let Some(gone) = inside.records.remove(loser) else { return };
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
        inside.merged.insert(loser.to_owned(), winner.to_owned());
        let (winner, loser) = (self.reference(winner), self.reference(loser));
        inside.events.push((winner, NoticeKind::Saved, Writer::Other));
        inside.events.push((loser, NoticeKind::Deleted, Writer::Other));
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

    /// The ids of the records in the bin.
    pub fn deleted_ids(&self) -> Vec<String> {
        lock(&self.inside).bin.keys().cloned().collect()
    }
}
