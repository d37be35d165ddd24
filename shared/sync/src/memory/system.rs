//! A system that keeps records, writes down who changed them when, and can fail on request.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use model::{Fields, NoticeKind, ObjectName, RecordRef, System, Value};

use super::{MemoryClock, lock, step};
use crate::error::ConnectorError;
use crate::ports::{Canonical, Clock, Connector, Lookup, Reading, Record, Schema, Writer};

/// A text field.
#[derive(Clone, Debug, Default)]
pub struct MemoryField {
    /// The system cuts longer values, as some do without a word.
    pub cut_at: Option<usize>,
    /// The API cannot write it.
    pub read_only: bool,
    /// Refused by name when a value starts with this.
    pub refuses: Option<String>,
    /// Refused by name when another record has the value.
    pub unique: bool,
}

/// The fields of the one object of a memory system.
#[derive(Clone, Debug, Default)]
pub struct MemorySchema(Arc<BTreeMap<String, MemoryField>>);

impl MemorySchema {
    /// These fields.
    pub fn of(fields: impl IntoIterator<Item = (&'static str, MemoryField)>) -> Self {
        Self(Arc::new(fields.into_iter().map(|(name, field)| (name.to_owned(), field)).collect()))
    }
}

impl Schema for MemorySchema {
    fn canonical(&self, field: &str, value: &Value) -> Canonical {
        match self.0.get(field) {
            None => Canonical::NoSuchField,
            Some(field) if field.read_only => Canonical::ReadOnly,
            Some(_) => Canonical::Value(Value::Text(value.php_string().trim().to_owned())),
        }
    }

    fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }
}

/// What a memory system does instead of answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryFault {
    /// Does nothing and says so.
    Unavailable,
    /// Does the work and loses the answer.
    AnswerLost,
}

#[derive(Clone, Debug)]
struct Stored {
    fields: BTreeMap<String, String>,
    modified: Timestamp,
    writer: Writer,
}

#[derive(Debug, Default)]
struct Inside {
    records: BTreeMap<String, Stored>,
    merged: BTreeMap<String, String>,
    next_id: u64,
    /// What a webhook would tell: every change, our own ones included.
    events: Vec<(RecordRef, NoticeKind)>,
    faults: VecDeque<MemoryFault>,
    /// Every write through the API: id and fields.
    writes: Vec<(String, BTreeMap<String, String>)>,
    creates: u32,
    mandatory: BTreeSet<String>,
}

/// A system with one object.
#[derive(Clone, Debug)]
pub struct MemorySystem {
    system: System,
    object: ObjectName,
    schema: MemorySchema,
    clock: MemoryClock,
    inside: Arc<Mutex<Inside>>,
}

impl MemorySystem {
    /// An empty system.
    pub fn new(system: System, object: ObjectName, schema: MemorySchema, clock: MemoryClock) -> Self {
        Self { system, object, schema, clock, inside: Arc::default() }
    }

    /// The address of a record.
    pub fn reference(&self, id: &str) -> RecordRef {
        RecordRef::new(&self.system, &self.object, id)
    }

    /// A person creates a record.
    pub fn person_creates(&self, fields: &[(&str, &str)]) -> String {
        let fields = fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        self.insert(fields, Writer::Other)
    }

    /// A person changes fields.
    pub fn person_edits(&self, id: &str, fields: &[(&str, &str)]) {
        let fields: Vec<_> = fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        self.change(id, &fields, Writer::Other);
    }

    /// A person deletes a record.
    pub fn person_deletes(&self, id: &str) {
        let mut inside = lock(&self.inside);
        if inside.records.remove(id).is_some() {
            let reference = self.reference(id);
            inside.events.push((reference, NoticeKind::Deleted));
        }
    }

    /// A person merges `loser` into `winner`: the loser's values fill the winner's blanks, and its id becomes an alias.
    pub fn person_merges(&self, winner: &str, loser: &str) {
        let now = self.clock.now();
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
        inside.events.push((winner, NoticeKind::Saved));
        inside.events.push((loser, NoticeKind::Deleted));
    }

    /// The value of a field now; blank where there is none.
    pub fn value(&self, id: &str, field: &str) -> Option<String> {
        lock(&self.inside).records.get(id).map(|r| r.fields.get(field).cloned().unwrap_or_default())
    }

    /// The ids of all records.
    pub fn ids(&self) -> Vec<String> {
        lock(&self.inside).records.keys().cloned().collect()
    }

    /// Takes what webhooks would have told since the last time.
    pub fn take_events(&self) -> Vec<(RecordRef, NoticeKind)> {
        std::mem::take(&mut lock(&self.inside).events)
    }

    /// Every write that came through the API.
    pub fn api_writes(&self) -> Vec<(String, BTreeMap<String, String>)> {
        lock(&self.inside).writes.clone()
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

    fn insert(&self, fields: BTreeMap<String, String>, writer: Writer) -> String {
        let modified = self.clock.now();
        let mut inside = lock(&self.inside);
        inside.next_id += 1;
        let id = format!("{}{}", self.object.as_str().chars().next().unwrap_or('r'), inside.next_id);
        inside.records.insert(id.clone(), Stored { fields, modified, writer });
        let reference = self.reference(&id);
        inside.events.push((reference, NoticeKind::Saved));
        id
    }

    fn change(&self, id: &str, fields: &[(String, String)], writer: Writer) -> bool {
        let now = self.clock.now();
        let mut inside = lock(&self.inside);
        let Some(record) = inside.records.get_mut(id) else { return false };
        for (name, value) in fields {
            record.fields.insert(name.clone(), value.clone());
        }
        record.modified = now;
        record.writer = writer;
        let reference = self.reference(id);
        inside.events.push((reference, NoticeKind::Saved));
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
        step().await;
        match (fault, stored) {
            (Some(MemoryFault::AnswerLost), _) => {
                Err(ConnectorError::Doubtful { detail: "asked to lose the answer".to_owned() })
            }
            (_, Reading::Found(record)) => Ok(record),
            _ => Err(ConnectorError::Gone),
        }
    }

    fn fault(&self) -> Option<MemoryFault> {
        lock(&self.inside).faults.pop_front()
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

    async fn schema(&self, _: &ObjectName) -> Result<MemorySchema, ConnectorError> {
        Ok(self.schema.clone())
    }

    async fn read(&self, record: &RecordRef) -> Result<Reading, ConnectorError> {
        step().await;
        Ok(self.read_now(&record.id))
    }

    async fn find(&self, _: &ObjectName, lookup: &Lookup) -> Result<Vec<Record>, ConnectorError> {
        step().await;
        let inside = lock(&self.inside);
        let found = inside.records.iter().filter(|(_, r)| r.fields.get(&lookup.field) == Some(&lookup.value));
        Ok(found.take(3).map(|(id, stored)| self.record(id, stored)).collect())
    }

    async fn create(&self, _: &ObjectName, values: &Fields) -> Result<Record, ConnectorError> {
        step().await;
        let fault = self.fault();
        if fault == Some(MemoryFault::Unavailable) {
            return Err(ConnectorError::Unavailable { detail: "asked to fail".to_owned() });
        }
        let values = self.stored_values(None, values)?;
        let missing = lock(&self.inside)
            .mandatory
            .iter()
            .find(|name| !values.iter().any(|(n, v)| n == *name && !v.is_empty()))
            .cloned();
        if let Some(name) = missing {
            return Err(ConnectorError::Rejected {
                message: format!("{name} does not have a value"),
                fields: BTreeMap::from([(name, "does not have a value".to_owned())]),
            });
        }
        let id = self.insert(values.into_iter().collect(), Writer::Us);
        lock(&self.inside).creates += 1;
        self.answer(&id, fault).await
    }

    async fn update(&self, record: &RecordRef, values: &Fields) -> Result<Record, ConnectorError> {
        step().await;
        let fault = self.fault();
        if fault == Some(MemoryFault::Unavailable) {
            return Err(ConnectorError::Unavailable { detail: "asked to fail".to_owned() });
        }
        let values = self.stored_values(Some(&record.id), values)?;
        if !self.change(&record.id, &values, Writer::Us) {
            return Err(ConnectorError::Gone);
        }
        lock(&self.inside).writes.push((record.id.clone(), values.into_iter().collect()));
        self.answer(&record.id, fault).await
    }
}
