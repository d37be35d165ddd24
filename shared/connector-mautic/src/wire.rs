//! Mautic's JSON of contacts and companies, as records.
//!
//! A record has its values twice: `fields.<group>.<alias>.value` and `fields.all.<alias>`. After a write only the
//! latter is right (a boolean's group value is the old one), and only the API sends it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use model::{Fields, RecordRef, System, Value};
use serde_json::{Map, Value as Json};
use sync::{Record, Related, Writer};

use crate::objects::{DO_NOT_CONTACT_EMAIL, OWNER, Object};

/// Our own account, as records name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ourselves {
    /// A user.
    User {
        /// Its id.
        id: u64,
    },
    /// An OAuth 2 client: its writes have no user id, only a name.
    Client {
        /// Its name and number: `bridge [1]`.
        name: String,
    },
}

/// Why a JSON is no record. Texts hold no values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotARecord {
    /// The id is missing.
    NoId,
    /// `fields` is missing or empty, which happens although the record has data: never to be read as blank.
    NoFields,
}

impl NotARecord {
    /// What is wrong.
    pub(crate) fn detail(self) -> &'static str {
        match self {
            Self::NoId => "a record without an id",
            Self::NoFields => "a record without fields",
        }
    }
}

/// Makes a record of the JSON of one contact or company.
pub(crate) fn record(
    system: &System,
    object: Object,
    json: &Json,
    ourselves: Option<&Ourselves>,
) -> Result<Record, NotARecord> {
    let json = json.as_object().ok_or(NotARecord::NoId)?;
    let id = json.get("id").and_then(id_of).ok_or(NotARecord::NoId)?;
    let mut fields = fields(id, json).ok_or(NotARecord::NoFields)?;
    if object == Object::Contact {
        if let Some(points) = json.get("points").filter(|points| points.is_number()) {
            // Their field is null until a new contact is loaded again, and a float afterwards.
            fields.insert("points", points.clone());
        }
        if let Some(owner) = json.get(OWNER).and_then(|owner| owner.get("id")).and_then(id_of) {
            fields.insert(OWNER, owner.to_string());
        }
        if let Some(refuses) = refuses_mail(json) {
            fields.insert(DO_NOT_CONTACT_EMAIL, if refuses { Value::Bool(true) } else { Value::Null });
        }
    }
    let modified = time(json, "dateModified").or_else(|| time(json, "dateAdded"));
    let name = model::ObjectName::new(object.singular());
    Ok(Record {
        reference: RecordRef::new(system, &name, id.to_string()),
        fields,
        modified,
        last_writer: last_writer(json, ourselves),
        related: Related::default(),
    })
}

/// The id of a record: a positive integer, as number or as text.
pub(crate) fn id_of(json: &Json) -> Option<u64> {
    let id = json.as_u64().or_else(|| json.as_str()?.parse().ok())?;
    (id > 0).then_some(id)
}

/// What field maps read: the id, every alias, and the scalars beside them that are no alias.
fn fields(id: u64, json: &Map<String, Json>) -> Option<Fields> {
    let groups = json.get("fields")?.as_object()?;
    let all = groups.get("all").and_then(Json::as_object);
    let mut fields = Fields::new();
    fields.insert("id", id.to_string());
    let mut booleans = BTreeSet::new();
    for (alias, entry) in groups.iter().filter(|(group, _)| *group != "all").filter_map(members).flatten() {
        if entry.get("type").and_then(Json::as_str) == Some("boolean") {
            booleans.insert(alias.as_str());
        }
        let value = entry.get("value").unwrap_or(&Json::Null);
        if alias != "id" && is_scalar(value) {
            fields.insert(alias.as_str(), value.clone());
        }
    }
    for (alias, value) in all.into_iter().flatten() {
        if alias != "id" && is_scalar(value) {
            fields.insert(alias.as_str(), value.clone());
        }
    }
    if fields.len() == 1 {
        return None;
    }
    for alias in booleans {
        if let Some(value) = fields.get_mut(alias) {
            *value = boolean(value);
        }
    }
    for (name, value) in json {
        if is_scalar(value) && !fields.contains(name) {
            fields.insert(name.as_str(), value.clone());
        }
    }
    Some(fields)
}

/// Whether a contact has an entry for e-mail, whatever its reason. Nothing is known where an entry tells no channel: old
/// webhooks have such lists.
fn refuses_mail(json: &Map<String, Json>) -> Option<bool> {
    let entries: Vec<&Json> = match json.get("doNotContact")? {
        Json::Array(list) => list.iter().collect(),
        Json::Object(map) => map.values().collect(),
        _ => return None,
    };
    let mut refuses = false;
    for entry in entries {
        refuses |= entry.get("channel")?.as_str()? == "email";
    }
    Some(refuses)
}

/// The members of a group. A group without fields is a list without elements.
fn members<'a>((_, group): (&'a String, &'a Json)) -> Option<&'a Map<String, Json>> {
    group.as_object()
}

fn is_scalar(json: &Json) -> bool {
    !json.is_array() && !json.is_object()
}

/// Mautic gives back 0 and 1, and true and false only from the call that set them.
fn boolean(value: &Value) -> Value {
    match value {
        Value::Int(0) => Value::Bool(false),
        Value::Int(1) => Value::Bool(true),
        Value::Text(text) if text == "0" => Value::Bool(false),
        Value::Text(text) if text == "1" => Value::Bool(true),
        other => other.clone(),
    }
}

fn time(json: &Map<String, Json>, name: &str) -> Option<Timestamp> {
    json.get(name)?.as_str()?.parse().ok()
}

/// Who wrote the record last. A record that was never modified was written by who created it.
fn last_writer(json: &Map<String, Json>, ourselves: Option<&Ourselves>) -> Writer {
    let Some(ourselves) = ourselves else { return Writer::Unknown };
    if !json.contains_key("modifiedBy") {
        // Companies tell nothing in the API.
        return Writer::Unknown;
    }
    let never_modified = json.get("dateModified").is_none_or(Json::is_null);
    let (by, name) =
        if never_modified { ("createdBy", "createdByUser") } else { ("modifiedBy", "modifiedByUser") };
    let is_us = match ourselves {
        Ourselves::User { id } => json.get(by).and_then(id_of) == Some(*id),
        Ourselves::Client { name: client } => {
            json.get(by).is_none_or(Json::is_null) && json.get(name).and_then(Json::as_str) == Some(client)
        }
    };
    if is_us { Writer::Us } else { Writer::Other }
}
