//! Projection: what a map makes of a record now, in the values of the target system.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mapping::Surroundings;
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

/// Projects a record. Maps that read the clock are told `now`.
pub fn project<S: Schema>(map: &PairMap, source: &Record, schema: &S, now: Timestamp) -> Projection {
    let surroundings = Surroundings {
        now: Some(now.as_second()),
        chance: Some(u64::from(now.subsec_nanosecond().unsigned_abs())),
        ..Surroundings::default()
    };
    let mut projection = Projection::default();
    for (target, result) in map.map.evaluate_each_in(&source.fields, &surroundings) {
        let name = target.name();
        let by_map = !map.added.iter().any(|(added, _)| added == name);
        if !by_map {
            continue;
        }
        if !target.references().is_empty() {
            let reason = format!(
                "line {}: it reads a related record, which a push does not look up yet",
                target.line()
            );
            let tried = Fingerprint::of_bytes(b"related record");
            unfit(&mut projection, map, name, reason, tried);
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

#[cfg(test)]
mod tests {
    use mapping::{FieldMap, Semantics};
    use model::{Direction, Fields, ObjectName, PairKind, RecordRef};

    use super::*;
    use crate::memory::{MemoryField, MemorySchema};
    use crate::pairs::pair_spec;
    use crate::ports::Writer;

    fn projected(field: &str) -> Projection {
        let xml = format!(
            "<map><fields><field><fieldname>email</fieldname><Orgfields><Orgfield><OrgfieldName>email</OrgfieldName></Orgfield></Orgfields></field>{field}</fields></map>"
        );
        let map = FieldMap::compile("MauticToContacts", xml.as_bytes(), Semantics::Bridge).unwrap();
        let map = PairMap::new(map, pair_spec(PairKind::MauticContacts), Direction::ToHub);
        let schema =
            MemorySchema::of(["email", "title", "mautic_id"].map(|name| (name, MemoryField::default())));
        let fields: Fields = [("email", "ana@example.org"), ("account_id", "11x74")].into_iter().collect();
        let record = Record {
            reference: RecordRef::new(&"mautic:main".parse().unwrap(), &ObjectName::new("contact"), "47"),
            fields,
            modified: None,
            last_writer: Writer::Other,
        };
        project(&map, &record, &schema, "2026-11-21T08:00:00Z".parse().unwrap())
    }

    fn title(name: &str, directive: &str) -> String {
        format!(
            "<field><fieldname>title</fieldname><Orgfields><Orgfield><OrgfieldName>{name}</OrgfieldName><OrgfieldID>{directive}</OrgfieldID></Orgfield></Orgfields></field>"
        )
    }

    #[test]
    fn a_map_that_reads_the_clock_is_told_the_time() {
        let projection = projected(&title("get_date('today')", "EXPRESSION"));
        assert_eq!(projection.fields["title"].value, Value::Text("2026-11-21".to_owned()));
    }

    #[test]
    fn a_field_that_reads_a_related_record_is_left_out_by_name_and_the_others_are_not() {
        let projection = projected(&title("$(account_id : (Accounts) accountname)", "TEMPLATE"));
        assert!(projection.fields.contains_key("email") && !projection.fields.contains_key("title"));
        assert!(
            projection.unfit["title"].reason.starts_with("line 1:"),
            "{}",
            projection.unfit["title"].reason
        );
    }

    #[test]
    fn the_id_of_the_source_is_always_a_field() {
        assert_eq!(projected("").fields["mautic_id"].value, Value::Text("47".to_owned()));
    }
}
