//! The calls that the bridge makes of a system, one of them chosen by the input.

use std::cell::RefCell;
use std::collections::BTreeSet;

use jiff::Timestamp;
use model::{Fields, ObjectName, RecordRef, Value};
use sync::{Canonical, Connector, ConnectorError, Lookup, Reading, Record, Schema as _};

/// What a call is about.
pub struct About {
    /// The object.
    pub object: ObjectName,
    /// The id of a record.
    pub id: &'static str,
    /// Fields of associations.
    pub associations: &'static [&'static str],
    /// The field that records are looked for by.
    pub lookup: &'static str,
    /// What is written.
    pub values: Fields,
}

impl About {
    /// The record.
    pub fn record(&self, system: &model::System) -> RecordRef {
        RecordRef::new(system, &self.object, self.id)
    }
}

/// A connector that is kept from input to input, and made anew where the input's first byte says so.
pub struct Kept<C>(RefCell<Option<C>>);

impl<C> Default for Kept<C> {
    fn default() -> Self {
        Self(RefCell::new(None))
    }
}

impl<C> Kept<C> {
    /// Does something with it.
    ///
    /// # Panics
    /// Never.
    pub fn with<R>(&self, first: u8, make: impl FnOnce() -> C, then: impl FnOnce(&C) -> R) -> R {
        let mut kept = self.0.borrow_mut();
        if first & 0x80 != 0 {
            *kept = None;
        }
        then(kept.get_or_insert_with(make))
    }
}

/// Makes call `which` of those that all systems have.
pub async fn call<C: Connector>(connector: &C, which: u8, about: &About) {
    let record = about.record(connector.system());
    match which {
        0 => told(connector.identity().await),
        1 => told(connector.schema(&about.object).await.map(|schema| schema.listed())),
        2 => {
            let associations: &[&str] = if about.id.len() % 2 == 0 { about.associations } else { &[] };
            match connector.read_with(&record, associations).await {
                Ok(Reading::Found(found)) => convert(connector, about, &found).await,
                other => told(other),
            }
        }
        3 => match connector.read_with(&record, about.associations).await {
            Ok(Reading::Found(found)) => convert(connector, about, &found).await,
            other => told(other),
        },
        4 => told(connector.related(&about.object, about.id).await),
        5 => {
            let lookup = Lookup { field: about.lookup.to_owned(), value: "ana@example.org".to_owned() };
            told(connector.find(&about.object, &lookup).await);
        }
        6 => told(connector.create(&about.object, &about.values).await),
        7 => told(connector.update(&record, &about.values).await),
        8 => told(connector.archive(&record).await),
        9 => {
            connector.will_need(&about.object, BTreeSet::from([about.lookup.to_owned()]));
            told(connector.process_map("Map", &record).await);
        }
        _ => {}
    }
}

/// Converts all that a record holds by the schema of its system, and once more: what is canonical stays as it is.
async fn convert<C: Connector>(connector: &C, about: &About, found: &Record) {
    assert!(!found.reference.id.is_empty(), "a record without an id");
    let Ok(schema) = connector.schema(&about.object).await else { return };
    for (name, value) in found.fields.iter() {
        let Canonical::Value(once) = schema.canonical(name, value) else { continue };
        let _ = schema.may_be_blank(name, &once);
        let is_nan = matches!(once, Value::Float(number) if number.is_nan());
        match schema.canonical(name, &once) {
            Canonical::Value(twice) if !is_nan => {
                assert!(once == twice, "{name}: {value:?} is {once:?}, and that is {twice:?}");
            }
            _ => {}
        }
    }
}

/// Reads an answer to its end, its error's words included.
pub fn told<T: std::fmt::Debug>(answer: Result<T, ConnectorError>) {
    match answer {
        Ok(answer) => drop(format!("{answer:?}")),
        Err(error) => drop(error.to_string()),
    }
}

/// A moment that polls begin at.
pub fn moment() -> Timestamp {
    Timestamp::from_second(1_795_000_000).unwrap_or_default()
}
