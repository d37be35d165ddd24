//! Records as the API tells them.

use serde_json::{Map, Value as Json, json};

use super::kinds::{Kind, association_type};
use super::properties::written;
use super::state::{Record, State};

/// A record as the API tells it.
pub(crate) fn told(state: &State, kind: Kind, record: &Record, wanted: &Wanted) -> Json {
    let mut properties = Map::new();
    for name in kind
        .default_properties()
        .iter()
        .map(|name| (*name).to_owned())
        .chain(wanted.properties.iter().cloned())
    {
        // Unknown properties are left out; those without a value are null.
        if state.property(kind, &name).is_some() {
            properties
                .insert(name.clone(), record.values.get(&name).map_or(Json::Null, |value| json!(value)));
        }
    }
    let mut body = json!({
        "id": record.id.to_string(),
        "properties": properties,
        "createdAt": written(record.created_at),
        "updatedAt": written(record.updated_at),
        "archived": record.archived_at.is_some(),
        "url": format!(
            "https://app.hubspot.com/contacts/{}/record/{}/{}", state.portal_id, kind.type_id(), record.id
        ),
    });
    let Some(object) = body.as_object_mut() else { return body };
    if let Some(at) = record.archived_at {
        object.insert("archivedAt".to_owned(), json!(written(at)));
    }
    if !wanted.history.is_empty() {
        let history: Map<String, Json> =
            wanted.history.iter().map(|name| (name.clone(), past(record, name))).collect();
        object.insert("propertiesWithHistory".to_owned(), Json::Object(history));
    }
    let mut associations = Map::new();
    for to in &wanted.associations {
        let results: Vec<Json> = state
            .associated((kind, record.id), *to)
            .map(|each| json!({ "id": each.to.1.to_string(), "type": type_name(kind, *to, each.type_id) }))
            .collect();
        if !results.is_empty() {
            associations.insert(to.plural().to_owned(), json!({ "results": results }));
        }
    }
    if !associations.is_empty() {
        object.insert("associations".to_owned(), Json::Object(associations));
    }
    body
}

/// What a request wants to know of records.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) properties: Vec<String>,
    pub(crate) history: Vec<String>,
    pub(crate) associations: Vec<Kind>,
}

fn past(record: &Record, name: &str) -> Json {
    let list = record.history.get(name).into_iter().flatten();
    list.map(|past| {
        json!({
            "value": past.value,
            "timestamp": written(past.at),
            "sourceType": past.source.kind,
            "sourceId": past.source.id,
        })
    })
    .collect()
}

fn type_name(from: Kind, to: Kind, type_id: u32) -> String {
    let primary = association_type(from, to, type_id).is_some_and(|known| known.primary);
    let name = format!("{}_to_{}", from.singular(), to.singular());
    if primary { name } else { format!("{name}_unlabeled") }
}
