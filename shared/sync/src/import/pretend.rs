//! What a preview would have made so far: links and records that later records of the same preview must meet, as they
//! would in the real run. Reads go through to the real table and systems; nothing is written.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::{Fields, Link, LinkId, ObjectName, RecordRef, System};

use crate::error::ConnectorError;
use crate::ports::{Connector, Lookup, Reading, Record};
use crate::read_only::{ONLY_LOOKS, View};

#[derive(Debug, Default)]
struct Inside {
    links: BTreeMap<RecordRef, Link>,
    created: u64,
    /// Target records as they would be: created or changed.
    records: BTreeMap<RecordRef, Record>,
}

/// What a preview would have made.
#[derive(Debug, Default)]
pub(super) struct Pretended(Mutex<Inside>);

impl Pretended {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Links two records. `false`: one of them was linked meanwhile, and everything must be looked at again.
    pub(super) fn link(&self, link: &Link) -> bool {
        let mut inside = self.inside();
        let taken = [&link.hub, &link.remote].iter().any(|record| inside.links.contains_key(record));
        if !taken {
            for record in [&link.hub, &link.remote] {
                inside.links.insert(record.clone(), link.clone());
            }
        }
        !taken
    }

    /// Creates a record with these values, unless one with the same natural key was created meanwhile.
    pub(super) fn create(
        &self,
        system: &System,
        object: &ObjectName,
        values: &Fields,
        keys: &[(&str, String)],
    ) -> Option<RecordRef> {
        let mut inside = self.inside();
        let clashes = |record: &Record| keys.iter().any(|(field, value)| has(record, field, value));
        if inside.records.values().any(clashes) {
            return None;
        }
        inside.created += 1;
        let reference = RecordRef::new(system, object, format!("new {}", inside.created));
        let record = Record {
            reference: reference.clone(),
            fields: values.clone(),
            modified: None,
            last_writer: crate::ports::Writer::Us,
            related: crate::related::Related::default(),
        };
        inside.records.insert(reference.clone(), record);
        Some(reference)
    }

    /// Changes a record.
    pub(super) fn change(&self, record: &Record, values: &Fields) {
        let mut changed = record.clone();
        changed.fields.extend(values.iter().map(|(name, value)| (name.to_owned(), value.clone())));
        self.inside().records.insert(record.reference.clone(), changed);
    }
}

fn has(record: &Record, field: &str, value: &str) -> bool {
    record.fields.text(field).is_some_and(|text| text.trim().to_lowercase() == value.trim().to_lowercase())
}

/// Records that would be linked are linked already.
impl View for &Pretended {
    fn link_of(&self, record: &RecordRef) -> Option<Link> {
        self.inside().links.get(record).cloned()
    }

    fn link(&self, id: &LinkId) -> Option<Link> {
        self.inside().links.values().find(|link| link.id == *id).cloned()
    }
}

/// The target of a preview: what would have been created or changed is found so.
pub(super) struct PretendTarget<'a, C> {
    pub(super) inner: C,
    pub(super) pretended: &'a Pretended,
}

impl<C: Connector> Connector for PretendTarget<'_, C> {
    type Schema = C::Schema;

    fn system(&self) -> &System {
        self.inner.system()
    }

    async fn identity(&self) -> Result<String, ConnectorError> {
        self.inner.identity().await
    }

    async fn schema(&self, object: &ObjectName) -> Result<Self::Schema, ConnectorError> {
        self.inner.schema(object).await
    }

    async fn related(&self, module: &ObjectName, id: &str) -> Result<Option<Fields>, ConnectorError> {
        self.inner.related(module, id).await
    }

    async fn process_map(&self, map: &str, record: &RecordRef) -> Result<Fields, ConnectorError> {
        self.inner.process_map(map, record).await
    }

    async fn read_with(&self, record: &RecordRef, associations: &[&str]) -> Result<Reading, ConnectorError> {
        let pretended = self.pretended.inside().records.get(record).cloned();
        match pretended {
            Some(pretended) => Ok(Reading::Found(pretended)),
            None => self.inner.read_with(record, associations).await,
        }
    }

    async fn find(&self, object: &ObjectName, lookup: &Lookup) -> Result<Vec<Record>, ConnectorError> {
        let mut found = self.inner.find(object, lookup).await?;
        let inside = self.pretended.inside();
        found.retain(|record| !inside.records.contains_key(&record.reference));
        found.extend(inside.records.values().filter(|r| has(r, &lookup.field, &lookup.value)).cloned());
        Ok(found)
    }

    async fn create(&self, _: &ObjectName, _: &Fields) -> Result<Record, ConnectorError> {
        Err(ConnectorError::Unavailable { detail: ONLY_LOOKS.to_owned() })
    }

    async fn update(&self, _: &RecordRef, _: &Fields) -> Result<Record, ConnectorError> {
        Err(ConnectorError::Unavailable { detail: ONLY_LOOKS.to_owned() })
    }
}
