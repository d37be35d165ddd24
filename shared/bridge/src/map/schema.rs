//! The fields that a system really has, from files with the answers of its API.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use mapping::check::{FieldKind, Schema, SchemaField, Schemas};
use serde_json::Value as Json;

use super::file;

/// The objects of which a schema can be given; what the checker calls them, in lower case and with a hyphen.
const OBJECTS: [&str; 9] = [
    "corebos-accounts",
    "corebos-contacts",
    "corebos-leads",
    "corebos-potentials",
    "mautic-company",
    "mautic-contact",
    "hubspot-company",
    "hubspot-contact",
    "hubspot-deal",
];

/// Schemas that the user gave, by object, or as `source` and `target` for every map.
#[derive(Default)]
pub(crate) struct LiveSchemas(BTreeMap<String, Vec<SchemaField>>);

impl LiveSchemas {
    /// Reads `OBJECT=FILE` options.
    pub(super) fn read(options: &[String]) -> Result<Self> {
        let mut schemas = BTreeMap::new();
        for option in options {
            let Some((object, path)) = option.split_once('=') else {
                bail!("--schema {option}: write OBJECT=FILE, such as mautic-contact=fields.json");
            };
            let object = object.to_lowercase();
            if !OBJECTS.contains(&object.as_str()) && object != "source" && object != "target" {
                bail!("--schema {option}: the objects are {}, source and target", OBJECTS.join(", "));
            }
            schemas.insert(object, read_fields(Path::new(path))?);
        }
        Ok(Self(schemas))
    }

    /// Puts them in place of the bundled lists.
    pub(crate) fn onto(&self, bundled: Schemas) -> Schemas {
        Schemas {
            source: self.one("source", "record read", bundled.source),
            target: self.one("target", "record made", bundled.target),
        }
    }

    fn one(&self, side: &str, title: &str, bundled: Option<Schema>) -> Option<Schema> {
        let object = bundled.as_ref().map(|schema| schema.title.to_lowercase().replace(' ', "-"));
        let live = object.and_then(|object| self.0.get(&object)).or_else(|| self.0.get(side));
        let Some(live) = live else { return bundled };
        Some(Schema::live(bundled.as_ref(), title, live.clone()))
    }
}

fn read_fields(path: &Path) -> Result<Vec<SchemaField>> {
    let bytes = file::read_json(path)?;
    let json: Json = serde_json::from_slice(&bytes)
        .map_err(|error| anyhow!("{}:{}", path.display(), file::json_problem(&error, 1)))?;
    let fields = fields_of(&json);
    if fields.is_empty() {
        bail!(
            "{}: no fields in it; it must be the answer of coreBOS's describe, Mautic's /api/fields or \
             HubSpot's /crm/v3/properties",
            path.display()
        );
    }
    Ok(fields)
}

/// The fields of an API's answer, whichever of the three it is.
fn fields_of(json: &Json) -> Vec<SchemaField> {
    let json = json.get("result").unwrap_or(json);
    let listed = json.get("results").or_else(|| json.get("fields")).unwrap_or(json);
    let members: Vec<&Json> = match listed {
        Json::Array(list) => list.iter().collect(),
        // Mautic lists its fields by their ids.
        Json::Object(object) => object.values().collect(),
        _ => Vec::new(),
    };
    members.into_iter().filter_map(field_of).collect()
}

fn field_of(json: &Json) -> Option<SchemaField> {
    let text = |name: &str| json.get(name).and_then(Json::as_str);
    let is_set = |name: &str| json.get(name).and_then(Json::as_bool).unwrap_or_default();
    if let Some(alias) = text("alias") {
        let is_published = json.get("isPublished").and_then(Json::as_bool).unwrap_or(true);
        return is_published.then(|| SchemaField {
            name: alias.to_owned(),
            kind: mautic_kind(text("type").unwrap_or_default()),
            required: is_set("isRequired"),
            read_only: false,
        });
    }
    let name = text("name")?.to_owned();
    if let Some(kind) = json.pointer("/type/name").and_then(Json::as_str) {
        return Some(SchemaField {
            kind: corebos_kind(kind),
            // The bridge gives every record an owner.
            required: is_set("mandatory") && name != "assigned_user_id",
            read_only: json.get("editable").and_then(Json::as_bool) == Some(false),
            name,
        });
    }
    let kind = hubspot_kind(text("type")?, text("fieldType").unwrap_or_default());
    let read_only = json.pointer("/modificationMetadata/readOnlyValue").and_then(Json::as_bool);
    Some(SchemaField { name, kind, required: false, read_only: read_only.unwrap_or_default() })
}

fn corebos_kind(kind: &str) -> FieldKind {
    match kind {
        "boolean" => FieldKind::Boolean,
        "currency" | "double" | "integer" => FieldKind::Number,
        "date" => FieldKind::Date,
        "datetime" => FieldKind::DateTime,
        "time" => FieldKind::Time,
        "email" => FieldKind::Email,
        "multipicklist" => FieldKind::Multi,
        "owner" => FieldKind::Owner,
        "picklist" => FieldKind::Picklist,
        "reference" => FieldKind::Reference,
        _ => FieldKind::Text,
    }
}

fn mautic_kind(kind: &str) -> FieldKind {
    match kind {
        "boolean" => FieldKind::Boolean,
        "number" => FieldKind::Number,
        "date" => FieldKind::Date,
        "datetime" => FieldKind::DateTime,
        "time" => FieldKind::Time,
        "email" => FieldKind::Email,
        "multiselect" => FieldKind::Multi,
        "country" | "locale" | "region" | "select" | "timezone" => FieldKind::Picklist,
        _ => FieldKind::Text,
    }
}

fn hubspot_kind(kind: &str, field_type: &str) -> FieldKind {
    match (kind, field_type) {
        ("number", _) => FieldKind::Number,
        ("date", _) => FieldKind::Date,
        ("datetime", _) => FieldKind::DateTime,
        ("enumeration", "checkbox") => FieldKind::Multi,
        ("bool", _) | ("enumeration", "booleancheckbox") => FieldKind::Boolean,
        ("enumeration", _) => FieldKind::Picklist,
        _ => FieldKind::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: &str) -> Vec<(String, FieldKind, bool, bool)> {
        fields_of(&serde_json::from_str(json).unwrap())
            .into_iter()
            .map(|field| (field.name, field.kind, field.required, field.read_only))
            .collect()
    }

    #[test]
    fn each_system_lists_its_fields_in_its_own_way() {
        let corebos = r#"{"success":true,"result":{"name":"Contacts","fields":[
            {"name":"lastname","mandatory":true,"type":{"name":"string"},"editable":true},
            {"name":"interests","mandatory":false,"type":{"name":"multipicklist"},"editable":true},
            {"name":"assigned_user_id","mandatory":true,"type":{"name":"owner"},"editable":true},
            {"name":"contact_no","mandatory":false,"type":{"name":"string"},"editable":false}]}}"#;
        assert_eq!(
            fields(corebos),
            [
                ("lastname".to_owned(), FieldKind::Text, true, false),
                ("interests".to_owned(), FieldKind::Multi, false, false),
                ("assigned_user_id".to_owned(), FieldKind::Owner, false, false),
                ("contact_no".to_owned(), FieldKind::Text, false, true),
            ]
        );
        let mautic = r#"{"total":3,"fields":{"2":{"alias":"firstname","type":"text","isPublished":true},
            "9":{"alias":"vip","type":"boolean","isPublished":true,"isRequired":true},
            "10":{"alias":"old","type":"text","isPublished":false}}}"#;
        assert_eq!(
            fields(mautic),
            [
                ("firstname".to_owned(), FieldKind::Text, false, false),
                ("vip".to_owned(), FieldKind::Boolean, true, false),
            ]
        );
        let hubspot = r#"{"results":[{"name":"hs_object_id","type":"number","fieldType":"number",
            "modificationMetadata":{"readOnlyValue":true}},
            {"name":"colours","type":"enumeration","fieldType":"checkbox"}]}"#;
        assert_eq!(
            fields(hubspot),
            [
                ("hs_object_id".to_owned(), FieldKind::Number, false, true),
                ("colours".to_owned(), FieldKind::Multi, false, false),
            ]
        );
        assert!(fields("[1, 2]").is_empty() && fields("7").is_empty());
    }

    #[test]
    fn only_objects_that_there_are_can_be_given() {
        for option in ["mautic-contact", "mautic-lead=x.json"] {
            let error = LiveSchemas::read(&[option.to_owned()]).map(|_| ()).unwrap_err();
            assert!(error.to_string().starts_with(&format!("--schema {option}: ")), "{error}");
        }
    }
}
