//! HubSpot's JSON of records, as records of the bridge and back.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use model::{Fields, ObjectName, RecordRef, System, Value};
use serde::Deserialize;
use serde_json::Value as Json;
use sync::{Canonical, Record, Related, Schema as _, Writer};

use crate::objects::Object;
use crate::schema::{HubSpotSchema, OWNER_EMAIL, OWNER_ID, RECORD_URL, STAGE_LABEL};

/// One page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Listed<T> {
    pub(crate) results: Vec<T>,
    /// How many there are in all; told by search only.
    #[serde(default)]
    pub(crate) total: Option<u64>,
    #[serde(default)]
    paging: Option<Paging>,
}

impl<T> Listed<T> {
    /// Where the next page begins.
    pub(crate) fn next(&self) -> Option<String> {
        Some(self.paging.as_ref()?.next.as_ref()?.after.clone())
    }
}

#[derive(Debug, Deserialize)]
struct Paging {
    next: Option<Next>,
}

#[derive(Debug, Deserialize)]
struct Next {
    after: String,
}

/// A record as the API gives it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireRecord {
    pub(crate) id: String,
    #[serde(default)]
    properties: BTreeMap<String, Json>,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    updated_at: Option<String>,
    #[serde(default)]
    pub(crate) archived: bool,
    #[serde(default)]
    archived_at: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    associations: BTreeMap<String, WireAssociations>,
}

#[derive(Debug, Default, Deserialize)]
struct WireAssociations {
    #[serde(default)]
    results: Vec<WireAssociation>,
}

#[derive(Debug, Deserialize)]
struct WireAssociation {
    id: Json,
    #[serde(default, rename = "type")]
    kind: String,
}

/// Whether a text is an id as HubSpot gives them.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit())
}

impl WireRecord {
    /// When it was moved to the recycle bin.
    pub(crate) fn archived_at(&self) -> Option<Timestamp> {
        self.archived_at.as_deref()?.parse().ok()
    }

    /// When it was made.
    pub(crate) fn created_at(&self) -> Option<Timestamp> {
        self.created_at.as_deref()?.parse().ok()
    }

    /// The ids in the fields of associations, of records as [`Self::record`] gives them, as one text; blank where all are.
    pub(crate) fn belongs_to(&self, associations: impl Iterator<Item = Wanted>) -> String {
        let fields = associations.filter_map(|wanted| Some((wanted.field, self.associated(wanted.to)?)));
        fields.map(|(field, id)| format!("{field}={id}")).collect::<Vec<_>>().join(";")
    }

    /// The record that the bridge sees. `associations` are the fields of associations that were asked for.
    pub(crate) fn record(
        self,
        system: &System,
        object: Object,
        schema: &HubSpotSchema,
        associations: &[Wanted],
    ) -> Record {
        let mut fields = Fields::new();
        fields.insert("id", self.id.clone());
        for (name, value) in &self.properties {
            let value = match value {
                Json::String(text) => Value::Text(text.clone()),
                Json::Null => Value::Null,
                other => Value::Text(other.to_string()),
            };
            // What a map reads is what HubSpot would give back: days instead of moments where only the day counts.
            let value = match schema.canonical(name, &value) {
                Canonical::Value(canonical) => canonical,
                _ => value,
            };
            fields.insert(name.as_str(), value);
        }
        let text = |fields: &Fields, name: &str| fields.text(name).map(str::to_owned);
        if let Some((_, stage)) = object.pipeline_properties()
            && let Some(id) = text(&fields, stage)
        {
            let label = schema.stage_label(&id).map_or(Value::Null, Value::from);
            fields.insert(STAGE_LABEL, label);
        }
        if let Some(id) = text(&fields, OWNER_ID) {
            fields.insert(OWNER_EMAIL, schema.owner_email(&id).map_or(Value::Null, Value::from));
        }
        if let Some(url) = &self.url {
            fields.insert(RECORD_URL, url.as_str());
        }
        for (name, at) in [("createdAt", &self.created_at), ("updatedAt", &self.updated_at)] {
            if let Some(at) = at {
                fields.insert(name, at.as_str());
            }
        }
        for wanted in associations {
            fields.insert(wanted.field, self.associated(wanted.to).map_or(Value::Null, Value::Text));
        }
        let modified: Option<Timestamp> = self.updated_at.as_deref().and_then(|at| at.parse().ok());
        Record {
            reference: RecordRef::new(system, &ObjectName::new(object.name()), self.id),
            fields,
            modified,
            // A token's writes are told by its app, which a service key has none of.
            last_writer: Writer::Unknown,
            related: Related::default(),
        }
    }

    /// The ids of all records of a type that this one belongs to, or that belong to it.
    pub(crate) fn all_associated(&self, to: Object) -> BTreeSet<u128> {
        let all = self.associations.get(to.plural()).map(|told| told.results.as_slice());
        all.unwrap_or_default()
            .iter()
            .filter_map(WireAssociation::id)
            .filter_map(|id| id.parse().ok())
            .collect()
    }

    /// The record of a type that this one belongs to: the primary one, else the oldest.
    fn associated(&self, to: Object) -> Option<String> {
        let all = &self.associations.get(to.plural())?.results;
        let primary = all.iter().find(|each| !each.kind.ends_with("_unlabeled") && is_primary(&each.kind));
        if let Some(id) = primary.and_then(WireAssociation::id) {
            return Some(id);
        }
        self.all_associated(to).first().map(u128::to_string)
    }
}

impl WireAssociation {
    fn id(&self) -> Option<String> {
        match &self.id {
            Json::String(text) if is_id(text) => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()).filter(|text| is_id(text)),
            _ => None,
        }
    }
}

/// HubSpot calls a primary association by its ends, and every other one by its label.
fn is_primary(kind: &str) -> bool {
    let names = [Object::Contact, Object::Company, Object::Deal, Object::Lead];
    names.iter().any(|from| names.iter().any(|to| kind == format!("{}_to_{}", from.name(), to.name())))
}

/// A field of an association that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) field: &'static str,
    pub(crate) to: Object,
    /// The type of the association that a write makes; directional.
    pub(crate) type_id: u32,
}

/// The fields of associations of each object.
const ASSOCIATIONS: [(Object, Wanted); 4] = [
    (Object::Contact, Wanted { field: "primary-company", to: Object::Company, type_id: 1 }),
    (Object::Deal, Wanted { field: "primary-company", to: Object::Company, type_id: 5 }),
    (Object::Deal, Wanted { field: "contact", to: Object::Contact, type_id: 3 }),
    (Object::Lead, Wanted { field: "contact", to: Object::Contact, type_id: 578 }),
];

/// The lead record of a contact: looked at, never written.
pub(crate) const LEAD_OF_CONTACT: Wanted = Wanted { field: "lead", to: Object::Lead, type_id: 609 };

/// The fields of associations of an object.
pub(crate) fn associations_of(object: Object) -> impl Iterator<Item = Wanted> {
    ASSOCIATIONS.into_iter().filter(move |(of, _)| *of == object).map(|(_, wanted)| wanted)
}

/// The association that a field of an object stands for.
pub(crate) fn association(object: Object, field: &str) -> Option<Wanted> {
    associations_of(object).find(|wanted| wanted.field == field)
}
