//! Projection: what a map makes of a record now, in the values of the target system.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{FieldBase, Fingerprint, Value};

use crate::pair_map::{Filled, PairMap};
use crate::ports::{Canonical, Record, Schema};
use crate::related::{Asked, Missed, Processed, surroundings};
use crate::sabotage::{Break, broken};

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
    /// One fingerprint for what a creation sends, without the fields that read the clock: they are never a change
    /// themselves. A blank is not sent.
    pub fn fingerprint(&self, map: &PairMap) -> Fingerprint {
        let mut text = String::new();
        let steady =
            |name: &str| !map.rule(name).is_some_and(|rule| rule.volatile) || broken(Break::RefuseByTheClock);
        for (name, field) in self.fields.iter().filter(|(name, field)| steady(name) && !field.blank) {
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

/// Projects a record, with what was looked up for it. Maps that read the clock are told `now`.
pub fn project<S: Schema>(map: &PairMap, source: &Record, schema: &S, now: Timestamp) -> Projection {
    let asked = Asked::new(&source.related);
    let surroundings = surroundings(&asked, now);
    let mut projection = Projection::default();
    for (target, result) in map.map.evaluate_each_in(&source.fields, &surroundings) {
        let name = target.name();
        let by_map = !map.added.iter().any(|(added, _)| added == name);
        if !by_map {
            continue;
        }
        if map.followers.iter().any(|follower| follower == name) {
            projection.ignored.push(name.to_owned());
            continue;
        }
        if target.is_evaluated_by_corebos() {
            match source.related.processed() {
                Some(Processed::Answer(_)) => {}
                // There is no such record in coreBOS yet.
                None => continue,
                Some(Processed::Failed(reason)) => {
                    let tried = Fingerprint::of_bytes(b"evaluated by coreBOS");
                    unfit(&mut projection, map, name, reason.clone(), tried);
                    continue;
                }
            }
        }
        match asked.take().pop() {
            None => {}
            Some(Missed::Unreadable(reason)) => {
                let tried = Fingerprint::of_bytes(format!("unreadable:{reason}").as_bytes());
                unfit(&mut projection, map, name, reason, tried);
                continue;
            }
            // By the clock or by chance it asks for another record than a moment ago: it is left alone this time.
            Some(Missed::NotLookedUp { .. }) => continue,
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
    for (name, filled) in map.added.iter() {
        if let Some(value) = filled_with(name, filled, source, now) {
            place(&mut projection, map, name, &value, schema);
        }
    }
    projection
}

/// What a map makes of a record before the conversion into the target's form, by target field; what fails is left out.
pub(crate) fn made(map: &PairMap, source: &Record, now: Timestamp) -> BTreeMap<String, Value> {
    let asked = Asked::new(&source.related);
    let surroundings = surroundings(&asked, now);
    let by_map = map.map.evaluate_each_in(&source.fields, &surroundings).filter_map(|(target, result)| {
        let by_map = !map.added.iter().any(|(added, _)| added == target.name());
        Some((target.name().to_owned(), result.ok().flatten().filter(|_| by_map)?))
    });
    let mut made: BTreeMap<String, Value> = by_map.collect();
    made.extend(
        map.added
            .iter()
            .filter_map(|(name, filled)| Some((name.clone(), filled_with(name, filled, source, now)?))),
    );
    made
}

/// What fills a field that the bridge adds.
fn filled_with(name: &str, filled: &Filled, source: &Record, now: Timestamp) -> Option<Value> {
    match filled {
        Filled::BySourceId => Some(Value::Text(source.reference.id.clone())),
        Filled::FromSource(field) => source.fields.get(field).cloned(),
        // What was not translated says nothing: the field is left alone.
        Filled::ByParent => source.fields.get(&translation_of(name)).cloned(),
        Filled::AtBirth(value) => Some(Value::Text((*value).to_owned())),
        Filled::ByClock => Some(Value::Text(time_text(now))),
    }
}

/// A moment as fields of the bridge itself show it: UTC, to the second.
pub(crate) fn time_text(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The name under which a record carries what an association of it fills the other side's `field` with. It is put
/// there when the record is read; no system has a field of such a name.
pub(crate) fn translation_of(field: &str) -> String {
    format!("translated:{field}")
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
    use crate::related::Related;

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
            related: Related::default(),
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
    fn a_field_that_reads_a_related_record_which_nobody_looked_up_is_left_alone_and_the_others_are_not() {
        let projection = projected(&title("$(account_id : (Accounts) accountname)", "TEMPLATE"));
        assert!(projection.fields.contains_key("email") && !projection.fields.contains_key("title"));
        assert!(projection.unfit.is_empty());
    }

    #[test]
    fn the_id_of_the_source_is_always_a_field() {
        assert_eq!(projected("").fields["mautic_id"].value, Value::Text("47".to_owned()));
    }
}
