//! What was read for a whole page of records at once, and a connector that answers from it.
//!
//! A record on the shelf is as good as one that is read now as long as the bridge has not written it since: the state
//! of a record is raised by every claim, so a record whose state is still the one that stood before the record was
//! read holds nothing older than a write of ours. What people have changed since is another matter: what would be
//! overwritten or doubled by a write is read again just before it.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::{Fields, ObjectName, PairKind, RecordRef, System};

use crate::error::ConnectorError;
use crate::ports::{Connector, Lookup, Reading, Record, StateStore};

#[derive(Debug, Default)]
struct Inside {
    /// Records, with the version of the state that they had before they were read.
    records: HashMap<RecordRef, (Record, u64)>,
    /// What searches have found, by system, field and value.
    found: HashMap<(System, String, String), Vec<Record>>,
    /// Records that were taken from the shelf.
    used: BTreeSet<RecordRef>,
    /// What maps read of other records.
    related: HashMap<(ObjectName, String), Option<Fields>>,
}

/// What was read for a page.
#[derive(Debug, Default)]
pub(crate) struct Shelf(Mutex<Inside>);

impl Shelf {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a record onto the shelf that was read when, or after, its state had this version.
    pub(crate) fn put(&self, record: Record, version: u64) {
        self.inside().records.insert(record.reference.clone(), (record, version));
    }

    /// Keeps what a search has found.
    pub(crate) fn put_found(&self, system: &System, field: &str, value: &str, found: Vec<Record>) {
        let key = (system.clone(), field.to_owned(), value.to_owned());
        self.inside().found.insert(key, found);
    }

    pub(crate) fn record(&self, reference: &RecordRef) -> Option<(Record, u64)> {
        self.inside().records.get(reference).cloned()
    }

    /// A copy for comparing, if the record was taken from the shelf.
    fn used(&self, reference: &RecordRef) -> Option<Record> {
        let inside = self.inside();
        let used = inside.used.contains(reference);
        inside.records.get(reference).filter(|_| used).map(|(record, _)| record.clone())
    }

    fn found(&self, system: &System, lookup: &Lookup) -> Option<Vec<Record>> {
        let key = (system.clone(), lookup.field.clone(), lookup.value.clone());
        self.inside().found.get(&key).cloned()
    }

    /// The searches whose answer a record with these values changes.
    fn touched(&self, system: &System, values: &Fields) -> Vec<(System, String, String)> {
        let same = |field: &str, value: &str| {
            values.text(field).is_some_and(|text| text.trim().to_lowercase() == value.trim().to_lowercase())
        };
        let inside = self.inside();
        let keys = inside.found.keys().filter(|(of, field, value)| of == system && same(field, value));
        keys.cloned().collect()
    }

    /// Forgets a record and what these values change: they are about to be written.
    fn forget(&self, reference: Option<&RecordRef>, system: &System, values: &Fields) {
        let touched = self.touched(system, values);
        let mut inside = self.inside();
        for key in touched {
            inside.found.remove(&key);
        }
        if let Some(reference) = reference {
            inside.records.remove(reference);
            // What was found by the value that it had may not be found by it any more.
            inside.found.retain(|_, found| found.iter().all(|record| record.reference != *reference));
        }
    }
}

/// A connector that answers from the shelf what it can.
pub(crate) struct Shelved<'a, C, S> {
    pub(crate) inner: &'a C,
    pub(crate) store: &'a S,
    pub(crate) shelf: &'a Shelf,
    /// The field with the other side's id: a search for it is not made again, since nobody but the bridge writes it.
    pub(crate) id_field: &'static str,
    /// Whether what is written here is looked at once more just before: it is the target. Into a source, only ids and
    /// marks are written, which nobody else writes.
    pub(crate) is_target: bool,
}

impl<C: Connector, S: StateStore> Shelved<'_, C, S> {
    /// Whether the record is still as it was on the shelf, in these fields.
    async fn is_unchanged(&self, reference: &RecordRef, values: &Fields) -> Result<bool, ConnectorError> {
        let Some(shelved) = self.shelf.used(reference) else { return Ok(true) };
        // Associations are asked for by the names of the fields; of other fields every read tells.
        let names: Vec<&str> = values.names().collect();
        let Reading::Found(now) = self.inner.read_with(reference, &names).await? else { return Ok(false) };
        Ok(values.names().all(|name| now.fields.get(name) == shelved.fields.get(name)))
    }

    /// Whether nobody has appeared since who has one of these values, where nobody was found for them.
    async fn is_still_nobody(&self, object: &ObjectName, values: &Fields) -> Result<bool, ConnectorError> {
        for (_, field, value) in self.shelf.touched(self.inner.system(), values) {
            if field != self.id_field && !self.inner.find(object, &Lookup { field, value }).await?.is_empty()
            {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl<C: Connector, S: StateStore> Connector for Shelved<'_, C, S> {
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

    /// The contacts of a page often have one account: it is read once.
    async fn related(&self, module: &ObjectName, id: &str) -> Result<Option<Fields>, ConnectorError> {
        let key = (module.clone(), id.to_owned());
        let known = self.shelf.inside().related.get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let related = self.inner.related(module, id).await?;
        self.shelf.inside().related.insert(key, related.clone());
        Ok(related)
    }

    async fn process_map(&self, map: &str, record: &RecordRef) -> Result<Fields, ConnectorError> {
        self.inner.process_map(map, record).await
    }

    async fn read_with(&self, record: &RecordRef, associations: &[&str]) -> Result<Reading, ConnectorError> {
        // What was read together may lack associations that a system keeps elsewhere.
        let shelved = self.shelf.record(record);
        let whole =
            shelved.filter(|(found, _)| associations.iter().all(|field| found.fields.contains(field)));
        if let Some((found, version)) = whole {
            // Whoever asks has read the state before: if it is still the same now, it was the same then.
            if self.store.state(record).await.is_ok_and(|now| now.version == version && now.lease.is_none()) {
                self.shelf.inside().used.insert(record.clone());
                return Ok(Reading::Found(found));
            }
            self.shelf.inside().records.remove(record);
        }
        self.inner.read_with(record, associations).await
    }

    async fn find(&self, object: &ObjectName, lookup: &Lookup) -> Result<Vec<Record>, ConnectorError> {
        match self.shelf.found(self.inner.system(), lookup) {
            // All of them: whoever is in doubt names them.
            Some(found) => Ok(found),
            None => self.inner.find(object, lookup).await,
        }
    }

    fn lands_in(&self, record: &Record) -> Option<PairKind> {
        self.inner.lands_in(record)
    }

    async fn archive(&self, record: &RecordRef) -> Result<(), ConnectorError> {
        self.inner.archive(record).await
    }

    async fn create(&self, object: &ObjectName, values: &Fields) -> Result<Record, ConnectorError> {
        let free = !self.is_target || self.is_still_nobody(object, values).await?;
        self.shelf.forget(None, self.inner.system(), values);
        // Nothing was written: everything is read again.
        if free { self.inner.create(object, values).await } else { Err(ConnectorError::Gone) }
    }

    async fn update(&self, record: &RecordRef, values: &Fields) -> Result<Record, ConnectorError> {
        let unchanged = !self.is_target || self.is_unchanged(record, values).await?;
        self.shelf.forget(Some(record), self.inner.system(), values);
        if unchanged { self.inner.update(record, values).await } else { Err(ConnectorError::Gone) }
    }
}
