//! The ledger: who changed what when, and which edit each record holds now. The claims are checked against it.

use std::collections::{BTreeMap, BTreeSet};

use model::RecordRef;

/// The beginning of a value that tells it from every other one, however it is cut or written in capitals.
pub(crate) fn tag(value: &str) -> String {
    value.chars().take(4).collect::<String>().to_lowercase()
}

/// What a person did to one field.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    pub(crate) system: usize,
    /// Which person or thing the record is about: the same in all systems, and never edited.
    pub(crate) ident: String,
    pub(crate) field: &'static str,
    pub(crate) tag: String,
    /// The edit whose value stood there before, where that is certain.
    over: Option<usize>,
}

/// A field of one record of one system.
type Place = (usize, String, String);

#[derive(Clone, Debug)]
struct Sent {
    value: String,
    event: u64,
    began: Option<u64>,
    crashes: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    edits: Vec<Edit>,
    held: BTreeMap<Place, usize>,
    edited_at: BTreeMap<Place, u64>,
    sent: BTreeMap<(Option<usize>, Place), Sent>,
    /// Workers that died and answers that were lost.
    pub(crate) crashes: u32,
    /// Writes failed, or will.
    pub(crate) faulty: bool,
    /// Who came in only when everything was told once more.
    pub(crate) late: BTreeSet<String>,
    /// Those whose records were deleted, merged, restored or replaced: fewer claims hold for them.
    pub(crate) disturbed: BTreeSet<String>,
    /// Those of the disturbed that were merged or replaced: their ids mean somebody else now.
    pub(crate) replaced: BTreeSet<String>,
    /// By pair and system: those whose linked record a person deleted.
    deleted: BTreeSet<(usize, usize, String)>,
    /// By system: how often the API changed fields that people edit.
    writes: BTreeMap<(usize, String), usize>,
    /// By system: how often people did.
    acts: BTreeMap<(usize, String), usize>,
    /// By system: when a person entered somebody there.
    pub(crate) entered: BTreeMap<(usize, String), u64>,
    /// Those of whom a value was refused.
    pub(crate) refused: BTreeSet<String>,
    /// Whose values, that nobody had overwritten knowing them, were overwritten by a push that had seen them: who, field
    /// and value.
    pub(crate) lost: BTreeSet<(String, String, String)>,
    /// Those that were overwritten by a push that had read the field before they were entered, in one system at least.
    pub(crate) unseen: BTreeSet<(String, String, String)>,
    /// By system and name: when a person founded a company there.
    pub(crate) founded: BTreeMap<(usize, String), u64>,
    /// A person has founded a company just when the API created it.
    pub(crate) firms_doubled: bool,
    /// By person: what people made of the label of a lead, in which system, in order.
    pub(crate) labels: BTreeMap<String, Vec<(usize, String)>>,
    /// By system and id: when a merge put another record in the place of this one.
    pub(crate) merged_away: BTreeMap<(usize, String), u64>,
    /// Who does not go to HubSpot, since when.
    pub(crate) closed: BTreeMap<String, u64>,
    /// By pair: what an administrator wants back.
    pub(crate) wanted: BTreeSet<(usize, String)>,
    /// Those who wanted to be forgotten, by their record.
    pub(crate) erased: Vec<RecordRef>,
    /// By pair and hour: records that were marked as deleted.
    marks: BTreeMap<(usize, i64), u32>,
}

impl Ledger {
    /// A person gives a field a value.
    pub(crate) fn edit(
        &mut self,
        at: (usize, &str),
        ident: &str,
        field: &'static str,
        value: &str,
        event: u64,
    ) {
        let place = (at.0, at.1.to_owned(), field.to_owned());
        let over = self.held.insert(place.clone(), self.edits.len());
        self.edits.push(Edit { system: at.0, ident: ident.to_owned(), field, tag: tag(value), over });
        self.edited_at.insert(place, event);
    }

    /// A person changes a field of which no value is kept in mind.
    pub(crate) fn touched(&mut self, at: (usize, &str), field: &str, event: u64) {
        self.edited_at.insert((at.0, at.1.to_owned(), field.to_owned()), event);
    }

    /// A person did something to a record, which may have to be written once to each other system.
    pub(crate) fn act(&mut self, system: usize, ident: &str) {
        *self.acts.entry((system, ident.to_owned())).or_default() += 1;
    }

    /// The API gave a field a value, in a push that began then.
    pub(crate) fn written(&mut self, at: (usize, &str), ident: &str, field: &str, value: &str, began: u64) {
        let tag = tag(value);
        let place = (at.0, at.1.to_owned(), field.to_owned());
        // A value that somebody has brought back is not told from one that was never changed.
        let only = |tag: &str| {
            let same = |e: &&Edit| e.ident == ident && e.field == field && e.tag == tag;
            self.edits.iter().filter(same).count() == 1
        };
        if let Some(edit) = self.held.get(&place)
            && only(&self.edits[*edit].tag)
            && self.edits[*edit].tag != tag
            && !self.edits[*edit].tag.is_empty()
            && !self.edits.iter().any(|later| later.over == Some(*edit))
        {
            let lost = (ident.to_owned(), field.to_owned(), self.edits[*edit].tag.clone());
            if self.edited_since(at, field, began) {
                self.unseen.insert(lost);
            } else {
                self.lost.insert(lost);
            }
        }
        // Where two people have made the same edit, it is not certain whose value stands there.
        let same = |e: &Edit| e.ident == ident && e.field == field && e.tag == tag;
        let mut same = self.edits.iter().enumerate().filter(|(_, e)| same(e));
        match (same.next(), same.next()) {
            (Some((edit, _)), None) => self.held.insert(place, edit),
            _ => self.held.remove(&place),
        };
    }

    pub(crate) fn count_write(&mut self, system: usize, ident: &str) {
        *self.writes.entry((system, ident.to_owned())).or_default() += 1;
    }

    /// One system that was written more often than people edited the others, if there is one: system, who, how often.
    pub(crate) fn written_too_often(&self) -> Option<(usize, &str, usize, usize)> {
        self.writes.iter().find_map(|((system, ident), writes)| {
            let acts = self.acts.iter().filter(|((at, who), _)| at != system && who == ident);
            let acts: usize = acts.map(|(_, count)| count).sum();
            (*writes > acts).then_some((*system, ident.as_str(), *writes, acts))
        })
    }

    /// Whether a person changed the field since.
    pub(crate) fn edited_since(&self, at: (usize, &str), field: &str, event: u64) -> bool {
        self.edited_at.get(&(at.0, at.1.to_owned(), field.to_owned())).is_some_and(|edited| *edited > event)
    }

    /// Writes down what was sent. `true`: exactly this was sent before, and nothing happened that could excuse it.
    ///
    /// `refused`: the pair, to which this was refused, and when its push began. Each may be refused once; a push that
    /// finds its link changed once more.
    pub(crate) fn sent_again(
        &mut self,
        refused: Option<(usize, u64)>,
        at: (usize, &str),
        field: &str,
        value: &str,
        event: u64,
    ) -> bool {
        let began = refused.map(|(_, began)| began);
        let key = (refused.map(|(pair, _)| pair), (at.0, at.1.to_owned(), field.to_owned()));
        let now = Sent { value: value.to_owned(), event, began, crashes: self.crashes };
        let Some(before) = self.sent.insert(key, now) else { return false };
        before.value == value
            && before.crashes == self.crashes
            && !self.faulty
            && (began.is_none() || before.began != began)
            && !self.edited_since(at, field, before.event)
    }

    pub(crate) fn delete(&mut self, pair: usize, system: usize, ident: &str) {
        self.deleted.insert((pair, system, ident.to_owned()));
    }

    /// Somebody entered or restored it: it is not deleted any more, wherever.
    pub(crate) fn wanted_again(&mut self, ident: &str) {
        self.deleted.retain(|(_, _, who)| who != ident);
    }

    /// Somebody wants it back in one pair, knowing that it is gone there or not.
    pub(crate) fn wanted_again_by(&mut self, pair: usize, ident: &str, known_to_be_gone: bool) {
        self.deleted.retain(|(by, _, who)| *by != pair || who != ident);
        if known_to_be_gone {
            self.wanted.insert((pair, ident.to_owned()));
        }
    }

    pub(crate) fn is_deleted(&self, pair: usize, system: usize, ident: &str) -> bool {
        self.deleted.contains(&(pair, system, ident.to_owned()))
    }

    pub(crate) fn mark(&mut self, pair: usize, hour: i64) -> u32 {
        let count = self.marks.entry((pair, hour)).or_default();
        *count += 1;
        *count
    }

    /// Whether a person blanked the field of somebody.
    pub(crate) fn was_blanked(&self, ident: &str, field: &str) -> bool {
        self.edits.iter().any(|e| e.ident == ident && e.field == field && e.tag.is_empty())
    }

    /// Whether people entered somebody into more than one system.
    pub(crate) fn met(&self, ident: &str) -> bool {
        self.entered.keys().filter(|(_, who)| who == ident).count() > 1
    }

    /// The last edit of a field of somebody, wherever it was made: system and value. None where it may have brought
    /// back what stood there before: nobody could see such an edit.
    pub(crate) fn last_edit(&self, ident: &str, field: &str) -> Option<(usize, &str)> {
        let mut all = self.edits.iter().rev().filter(|e| e.ident == ident && e.field == field);
        let last = all.next()?;
        let is_new = !last.tag.is_empty() && all.all(|before| before.tag != last.tag);
        is_new.then_some((last.system, last.tag.as_str()))
    }

    /// The values that a field may have in the end. None: nobody ever edited it.
    ///
    /// Where no worker died: those that nobody has overwritten knowing them. Else, since knowing is hard to tell then:
    /// the last of each system.
    pub(crate) fn survivors(&self, ident: &str, field: &str) -> Option<BTreeSet<&str>> {
        let edits = self.edits.iter().enumerate().filter(|(_, e)| e.ident == ident && e.field == field);
        let mut last: BTreeMap<usize, &str> = BTreeMap::new();
        let mut maximal = BTreeSet::new();
        for (index, edit) in edits {
            last.insert(edit.system, &edit.tag);
            if !self.edits.iter().any(|later| later.over == Some(index)) {
                maximal.insert(edit.tag.as_str());
            }
        }
        if last.is_empty() {
            return None;
        }
        Some(if self.crashes == 0 { maximal } else { last.into_values().collect() })
    }
}
