//! A system that keeps records, writes down who changed them when, and can fail on request.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use model::{Fields, NoticeKind, ObjectName, RecordRef, System, Value};

use super::{MemoryClock, MemorySchema, before, lock};
use crate::error::ConnectorError;
use crate::ports::{Clock, Connector, Lookup, Reading, Record, Writer};
use crate::related::Related;

/// The field that is an association where a system has such.
const ASSOCIATION: &str = "primary-company";

/// What a memory system does instead of answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryFault {
    /// Does nothing and says so.
    Unavailable,
    /// Does the work and loses the answer.
    AnswerLost,
}

#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) fields: BTreeMap<String, String>,
    pub(super) modified: Timestamp,
    pub(super) writer: Writer,
}

/// What becomes of two records that are merged, and of those that are deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Habits {
    /// As in Mautic: the loser's id leads to the winner from then on, and takes no writes.
    #[default]
    Redirects,
    /// As in coreBOS: the loser is gone like any deleted record.
    Forgets,
    /// As in HubSpot: a third record takes the place of both, and whoever writes to an old id writes to that one. There
    /// is a recycle bin, and an association that changes alone moves no date.
    MakesAnother,
}

/// One write that the API was asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The record; a refused creation has none.
    pub id: String,
    /// It was to be created.
    pub creates: bool,
    /// It was to go into the recycle bin.
    pub archives: bool,
    /// By field: what was sent, what the field held before, what it holds now.
    pub values: Vec<(String, String, String, String)>,
    /// It was refused, and nothing changed.
    pub refused: bool,
}

#[derive(Debug, Default)]
pub(super) struct Inside {
    pub(super) records: BTreeMap<String, Stored>,
    pub(super) merged: BTreeMap<String, String>,
    /// Deleted records, for those who restore them.
    pub(super) bin: BTreeMap<String, Stored>,
    next_id: u64,
    /// What a webhook would tell: every change, our own ones included.
    pub(super) events: Vec<(RecordRef, NoticeKind, Writer)>,
    pub(super) asked: Vec<Asked>,
    faults: VecDeque<MemoryFault>,
    /// Every write through the API: id and fields.
    writes: Vec<(String, BTreeMap<String, String>)>,
    creates: u32,
    mandatory: BTreeSet<String>,
    /// Records of other modules, by module and id.
    related: BTreeMap<(String, String), Fields>,
    related_reads: Vec<String>,
    related_faults: VecDeque<ConnectorError>,
    /// What the system makes of a record through each of its maps.
    maps: BTreeMap<String, MemoryMap>,
    maps_processed: u32,
}

/// What a map makes of the fields of a record, as the system itself evaluates it.
pub type MemoryMap = fn(&BTreeMap<String, String>) -> Result<Fields, ConnectorError>;

/// A system with one object.
#[derive(Clone, Debug)]
pub struct MemorySystem {
    system: System,
    pub(super) habits: Habits,
    object: ObjectName,
    schema: MemorySchema,
    clock: MemoryClock,
    /// Its own clock is ahead of everybody else's by this, and shows whole seconds, as real ones do.
    skew: Option<SignedDuration>,
    pub(super) inside: Arc<Mutex<Inside>>,
}

impl MemorySystem {
    /// An empty system.
    pub fn new(system: System, object: ObjectName, schema: MemorySchema, clock: MemoryClock) -> Self {
        let habits = Habits::default();
        Self { system, habits, object, schema, clock, skew: None, inside: Arc::default() }
    }

    /// A system whose clock shows whole seconds and goes wrong by this.
    #[must_use]
    pub fn with_clock_ahead_by(self, skew: SignedDuration) -> Self {
        Self { skew: Some(skew), ..self }
    }

    /// A system that does with records as one of these does.
    #[must_use]
    pub fn with_habits(self, habits: Habits) -> Self {
        Self { habits, ..self }
    }

    /// What its clock shows.
    pub(super) fn time(&self) -> Timestamp {
        let now = self.clock.now();
        let Some(skew) = self.skew else { return now };
        Timestamp::from_second((now + skew).as_second()).unwrap_or(now)
    }

    /// The address of a record.
    pub fn reference(&self, id: &str) -> RecordRef {
        RecordRef::new(&self.system, &self.object, id)
    }

    /// The value of a field now; blank where there is none.
    pub fn value(&self, id: &str, field: &str) -> Option<String> {
        lock(&self.inside).records.get(id).map(|r| r.fields.get(field).cloned().unwrap_or_default())
    }

    /// All fields of a record.
    pub fn fields(&self, id: &str) -> BTreeMap<String, String> {
        lock(&self.inside).records.get(id).map(|record| record.fields.clone()).unwrap_or_default()
    }

    /// The ids of all records.
    pub fn ids(&self) -> Vec<String> {
        lock(&self.inside).records.keys().cloned().collect()
    }

    /// Takes what webhooks would have told since the last time.
    pub fn take_events(&self) -> Vec<(RecordRef, NoticeKind)> {
        self.take_told().into_iter().map(|(record, kind, _)| (record, kind)).collect()
    }

    /// The same, with who caused it.
    pub fn take_told(&self) -> Vec<(RecordRef, NoticeKind, Writer)> {
        std::mem::take(&mut lock(&self.inside).events)
    }

    /// The living record that a merged one has become.
    pub fn merged_into(&self, id: &str) -> Option<String> {
        match self.read_now(id) {
            Reading::MergedInto(record) => Some(record.reference.id),
            Reading::Found(_) | Reading::Gone => None,
        }
    }

    /// Every write that came through the API.
    pub fn api_writes(&self) -> Vec<(String, BTreeMap<String, String>)> {
        lock(&self.inside).writes.clone()
    }

    /// Takes what the API was asked to write since the last time.
    pub fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut lock(&self.inside).asked)
    }

    /// How many records the API created.
    pub fn api_creates(&self) -> u32 {
        lock(&self.inside).creates
    }

    /// The next write goes wrong like this.
    pub fn fail_next(&self, fault: MemoryFault) {
        lock(&self.inside).faults.push_back(fault);
    }

    /// Creating without this field is refused.
    pub fn require(&self, field: &str) {
        lock(&self.inside).mandatory.insert(field.to_owned());
    }

    /// A record of another module, which maps may refer to, is there and has these fields.
    pub fn has_related(&self, module: &str, id: &str, fields: &[(&str, &str)]) {
        let fields = fields.iter().copied().collect();
        lock(&self.inside).related.insert((module.to_owned(), id.to_owned()), fields);
    }

    /// The ids of the related records that were read, in order.
    pub fn related_reads(&self) -> Vec<String> {
        lock(&self.inside).related_reads.clone()
    }

    /// The next read of a related record goes wrong like this.
    pub fn fail_next_related(&self, error: ConnectorError) {
        lock(&self.inside).related_faults.push_back(error);
    }

    /// The system has this map, and evaluates it like this.
    pub fn has_map(&self, id: &str, map: MemoryMap) {
        lock(&self.inside).maps.insert(id.to_owned(), map);
    }

    /// How often the system evaluated a map.
    pub fn maps_processed(&self) -> u32 {
        lock(&self.inside).maps_processed
    }

    pub(super) fn insert(&self, mut fields: BTreeMap<String, String>, writer: Writer) -> String {
        let modified = self.time();
        let mut inside = lock(&self.inside);
        inside.next_id += 1;
        let id = format!("{}{}", self.object.as_str().chars().next().unwrap_or('r'), inside.next_id);
        if self.habits == Habits::MakesAnother {
            fields.insert("record_url".to_owned(), format!("https://portal.example/{id}"));
        }
        inside.records.insert(id.clone(), Stored { fields, modified, writer });
        let reference = self.reference(&id);
        inside.events.push((reference, NoticeKind::Saved, writer));
        id
    }

    pub(super) fn change(&self, id: &str, fields: &[(String, String)], writer: Writer) -> bool {
        let now = self.time();
        let mut inside = lock(&self.inside);
        let Some(record) = inside.records.get_mut(id) else { return false };
        for (name, value) in fields {
            record.fields.insert(name.clone(), value.clone());
        }
        let is_association = |(name, _): &(String, String)| name == ASSOCIATION;
        if self.habits != Habits::MakesAnother || !fields.iter().all(is_association) {
            record.modified = now;
        }
        record.writer = writer;
        let reference = self.reference(id);
        inside.events.push((reference, NoticeKind::Saved, writer));
        true
    }

    fn record(&self, id: &str, stored: &Stored) -> Record {
        Record {
            reference: self.reference(id),
            // Real systems give every field, blank ones included.
            fields: self
                .schema
                .0
                .keys()
                .map(|name| (name.clone(), Value::Text(stored.fields.get(name).cloned().unwrap_or_default())))
                .chain([("id".to_owned(), Value::Text(id.to_owned()))])
                .collect(),
            modified: Some(stored.modified),
            last_writer: stored.writer,
            related: Related::default(),
        }
    }

    fn read_now(&self, id: &str) -> Reading {
        let inside = lock(&self.inside);
        if let Some(stored) = inside.records.get(id) {
            return Reading::Found(self.record(id, stored));
        }
        let mut at = id;
        while let Some(next) = inside.merged.get(at) {
            at = next;
            if let Some(stored) = inside.records.get(at) {
                return Reading::MergedInto(self.record(at, stored));
            }
        }
        Reading::Gone
    }

    /// The values as this system stores them; refusals by name.
    fn stored_values(
        &self,
        id: Option<&str>,
        values: &Fields,
    ) -> Result<Vec<(String, String)>, ConnectorError> {
        let mut stored = Vec::new();
        let mut refused = BTreeMap::new();
        for (name, value) in values.iter() {
            let Some(field) = self.schema.0.get(name) else { continue };
            let mut text = value.php_string().into_owned();
            if field.refuses.as_ref().is_some_and(|prefix| text.starts_with(prefix)) {
                refused.insert(name.to_owned(), "this value is not allowed".to_owned());
            }
            if field.unique && self.is_taken(id, name, &text) {
                refused.insert(name.to_owned(), "this field must be unique".to_owned());
            }
            if let Some(limit) = field.cut_at {
                text = text.chars().take(limit).collect();
            }
            if field.capitals {
                text = text.to_uppercase();
            }
            stored.push((name.to_owned(), text));
        }
        if refused.is_empty() {
            Ok(stored)
        } else {
            Err(ConnectorError::Rejected {
                message: "some values are not allowed".to_owned(),
                fields: refused,
            })
        }
    }

    /// Whether another record than `id` has this value.
    fn is_taken(&self, id: Option<&str>, name: &str, value: &str) -> bool {
        let inside = lock(&self.inside);
        let has = |stored: &Stored| stored.fields.get(name).is_some_and(|here| here == value);
        !value.is_empty()
            && inside.records.iter().any(|(other, stored)| Some(other.as_str()) != id && has(stored))
    }

    /// The answer to a write: what was stored at that moment. It takes a while to travel, or is lost.
    async fn answer(&self, id: &str, fault: Option<MemoryFault>) -> Result<Record, ConnectorError> {
        let stored = self.read_now(id);
        before("answer").await;
        match (fault, stored) {
            (Some(MemoryFault::AnswerLost), _) => {
                Err(ConnectorError::Doubtful { detail: "asked to lose the answer".to_owned() })
            }
            (_, Reading::Found(record)) => Ok(record),
            _ => Err(ConnectorError::Gone),
        }
    }

    /// Writes down what was asked, before it is done.
    pub(super) fn note(
        &self,
        record: Option<(&str, bool)>,
        sent: &Fields,
        stored: &[(String, String)],
        refused: bool,
    ) {
        let mut inside = lock(&self.inside);
        let (id, creates) = record.unwrap_or_default();
        let here = inside.records.get(id).filter(|_| !creates);
        let values = sent.iter().map(|(name, value)| {
            let before = here.and_then(|record| record.fields.get(name)).cloned().unwrap_or_default();
            let after = stored.iter().find(|(stored, _)| stored == name).map(|(_, text)| text.clone());
            (name.to_owned(), value.php_string().into_owned(), before.clone(), after.unwrap_or(before))
        });
        let values = values.collect();
        inside.asked.push(Asked { id: id.to_owned(), creates, archives: false, values, refused });
    }

    /// What goes wrong with a write after it is done; an error where it is not done at all.
    fn fault(&self) -> Result<Option<MemoryFault>, ConnectorError> {
        match lock(&self.inside).faults.pop_front() {
            Some(MemoryFault::Unavailable) => {
                Err(ConnectorError::Unavailable { detail: "asked to fail".to_owned() })
            }
            other => Ok(other),
        }
    }
}

impl Connector for MemorySystem {
    type Schema = MemorySchema;

    fn system(&self) -> &System {
        &self.system
    }

    async fn identity(&self) -> Result<String, ConnectorError> {
        Ok(self.system.to_string())
    }

    async fn schema(&self, object: &ObjectName) -> Result<MemorySchema, ConnectorError> {
        if *object != self.object {
            let detail = format!("{} knows no {object}", self.system);
            return Err(ConnectorError::Misconfigured { detail });
        }
        Ok(self.schema.clone())
    }

    async fn read_with(&self, record: &RecordRef, _: &[&str]) -> Result<Reading, ConnectorError> {
        before("read").await;
        Ok(self.read_now(&record.id))
    }

    async fn related(&self, module: &ObjectName, id: &str) -> Result<Option<Fields>, ConnectorError> {
        before("read").await;
        let mut inside = lock(&self.inside);
        inside.related_reads.push(id.to_owned());
        if let Some(error) = inside.related_faults.pop_front() {
            return Err(error);
        }
        Ok(inside.related.get(&(module.to_string(), id.to_owned())).cloned())
    }

    async fn process_map(&self, map: &str, record: &RecordRef) -> Result<Fields, ConnectorError> {
        before("read").await;
        let mut inside = lock(&self.inside);
        inside.maps_processed += 1;
        let Some(evaluate) = inside.maps.get(map).copied() else {
            return Err(ConnectorError::Misconfigured { detail: format!("there is no map {map}") });
        };
        let stored = inside.records.get(&record.id).ok_or(ConnectorError::Gone)?;
        evaluate(&stored.fields)
    }

    async fn find(&self, _: &ObjectName, lookup: &Lookup) -> Result<Vec<Record>, ConnectorError> {
        before("find").await;
        let inside = lock(&self.inside);
        let found = inside.records.iter().filter(|(_, r)| r.fields.get(&lookup.field) == Some(&lookup.value));
        Ok(found.take(3).map(|(id, stored)| self.record(id, stored)).collect())
    }

    async fn create(&self, _: &ObjectName, values: &Fields) -> Result<Record, ConnectorError> {
        before("create").await;
        let fault = self.fault()?;
        let sent = values;
        let values = self.stored_values(None, sent).inspect_err(|_| self.note(None, sent, &[], true))?;
        let missing = lock(&self.inside)
            .mandatory
            .iter()
            .find(|name| !values.iter().any(|(n, v)| n == *name && !v.is_empty()))
            .cloned();
        if let Some(name) = missing {
            self.note(None, sent, &[], true);
            return Err(ConnectorError::Rejected {
                message: format!("{name} does not have a value"),
                fields: BTreeMap::from([(name, "does not have a value".to_owned())]),
            });
        }
        let id = self.insert(values.iter().cloned().collect(), Writer::Us);
        self.note(Some((&id, true)), sent, &values, false);
        lock(&self.inside).creates += 1;
        self.answer(&id, fault).await
    }

    async fn update(&self, record: &RecordRef, values: &Fields) -> Result<Record, ConnectorError> {
        before("update").await;
        let fault = self.fault()?;
        let (sent, known) = (values, Some((record.id.as_str(), false)));
        let values =
            self.stored_values(Some(&record.id), sent).inspect_err(|_| self.note(known, sent, &[], true))?;
        if !lock(&self.inside).records.contains_key(&record.id) {
            self.write_to_survivor(&record.id, sent, &values);
            return Err(ConnectorError::Gone);
        }
        self.note(known, sent, &values, false);
        self.change(&record.id, &values, Writer::Us);
        lock(&self.inside).writes.push((record.id.clone(), values.into_iter().collect()));
        self.answer(&record.id, fault).await
    }
    async fn archive(&self, record: &RecordRef) -> Result<(), ConnectorError> {
        before("archive").await;
        let fault = self.fault()?;
        if self.merged_into(&record.id).is_some() {
            return Err(ConnectorError::Gone);
        }
        self.put_into_bin(&record.id);
        before("answer").await;
        match fault {
            Some(_) => Err(ConnectorError::Doubtful { detail: "asked to lose the answer".to_owned() }),
            None => Ok(()),
        }
    }
}
