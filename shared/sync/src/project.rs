//! Projection: what a map makes of a record now, in the values of the target system.

use std::collections::BTreeMap;

use model::{FieldBase, Fingerprint, Value};

use crate::pair_map::{Filled, PairMap};
use crate::ports::{Canonical, Record, Schema};

/// One projected field.
#[derive(Clone, Debug, PartialEq)]
pub struct Projected {
    /// The value as the target system would give it back.
    pub value: Value,
    /// Its fingerprint, with the definition that made it.
    pub base: FieldBase,
    /// The source says nothing here. Not the same as a blank value: coreBOS keeps a blank number as 0.
    pub blank: bool,
}

/// A value that the target cannot hold, or that the map could not make.
#[derive(Clone, Debug, PartialEq)]
pub struct Unfit {
    /// What is wrong, without the value.
    pub reason: String,
    /// What was tried, so that it is not tried again before it differs.
    pub base: FieldBase,
}

/// What a map makes of a record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Projection {
    /// By target field.
    pub fields: BTreeMap<String, Projected>,
    /// Fields whose value the target cannot hold.
    pub unfit: BTreeMap<String, Unfit>,
    /// Fields that the map names and the target does not have, or cannot be written.
    pub ignored: Vec<String>,
}

impl Projection {
    /// One fingerprint for the whole.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut text = String::new();
        for (name, field) in &self.fields {
            text.push_str(name);
            text.push('=');
            text.push_str(field.base.value.as_str());
            text.push(';');
        }
        Fingerprint::of_bytes(text.as_bytes())
    }
}

/// Whether a value is blank.
pub fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => text.is_empty(),
        Value::Array(array) => array.is_empty(),
        _ => false,
    }
}

/// What the target holds in a field now, in the same form as a projection.
pub fn stored<S: Schema>(record: &Record, field: &str, schema: &S) -> Value {
    let raw = record.fields.get(field).unwrap_or(&Value::Null);
    match schema.canonical(field, raw) {
        Canonical::Value(value) => value,
        // What the system itself gives back needs no leave to be there.
        Canonical::Unfit(_) | Canonical::NoSuchField | Canonical::ReadOnly => raw.clone(),
    }
}

/// Projects a record.
pub fn project<S: Schema>(map: &PairMap, source: &Record, schema: &S) -> Projection {
    let mut projection = Projection::default();
    for (target, result) in map.map.evaluate_each(&source.fields) {
        let name = target.name();
        let by_map = !map.added.iter().any(|(added, _)| added == name);
        if !by_map {
            continue;
        }
        match result {
            // The source says nothing of this field: it is left alone.
            Ok(None) => {}
            Ok(Some(value)) => place(&mut projection, map, name, &value, schema),
            Err(error) => {
                let tried = Fingerprint::of_bytes(format!("error:{error}").as_bytes());
                unfit(&mut projection, map, name, error.to_string(), tried);
            }
        }
    }
    for (name, filled) in &map.added {
        let value = match filled {
            Filled::BySourceId => Some(Value::Text(source.reference.id.clone())),
            Filled::FromSource(field) => source.fields.get(field).cloned(),
        };
        if let Some(value) = value {
            place(&mut projection, map, name, &value, schema);
        }
    }
    projection
}

fn place<S: Schema>(projection: &mut Projection, map: &PairMap, name: &str, value: &Value, schema: &S) {
    let Some(rule) = map.rule(name) else { return };
    match schema.canonical(name, value) {
        Canonical::Value(canonical) => {
            let base = FieldBase { value: Fingerprint::of(&canonical), definition: rule.definition.clone() };
            let blank = is_blank(value) || is_blank(&canonical);
            projection.fields.insert(name.to_owned(), Projected { value: canonical, base, blank });
        }
        Canonical::Unfit(reason) => unfit(projection, map, name, reason, Fingerprint::of(value)),
        Canonical::NoSuchField | Canonical::ReadOnly => projection.ignored.push(name.to_owned()),
    }
}

fn unfit(projection: &mut Projection, map: &PairMap, name: &str, reason: String, tried: Fingerprint) {
    let Some(rule) = map.rule(name) else { return };
    let base = FieldBase { value: tried, definition: rule.definition.clone() };
    projection.unfit.insert(name.to_owned(), Unfit { reason, base });
}
