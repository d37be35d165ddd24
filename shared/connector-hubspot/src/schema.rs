//! The properties of an object type, its stages and owners, and what each takes as a value.
//!
//! `GET /crm/properties/{version}/{type}`, `GET /crm/pipelines/{version}/{type}`, `GET /crm/owners/{version}`.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use model::Value;
use serde::Deserialize;
use sync::{Canonical, FieldShape, ListedField, Schema};

use crate::convert::{self, Unfit};
use crate::objects::Object;
use crate::wire::{association, is_id};

/// The stage of a deal or lead by its label, which HubSpot keeps by id.
pub const STAGE_LABEL: &str = "dealstage_label";
/// The owner of a record by e-mail address, which HubSpot keeps by id.
pub const OWNER_EMAIL: &str = "owner_email";
/// The record in the portal's own interface.
pub const RECORD_URL: &str = "record_url";
/// The property that holds the owner's id.
pub(crate) const OWNER_ID: &str = "hubspot_owner_id";
/// The day that a deal is expected to close: a moment in HubSpot, a day in coreBOS.
const CLOSE_DATE: &str = "closedate";

/// Names of a record's fields that are no properties.
const READ_ONLY: &[&str] = &["id", "createdAt", "updatedAt", "archived", RECORD_URL];

/// The property that a field of a record is made of; none where it is made of something else.
pub(crate) fn property_behind(object: Object, field: &str) -> Option<&str> {
    match field {
        STAGE_LABEL => object.pipeline_properties().map(|(_, stage)| stage),
        OWNER_EMAIL => Some(OWNER_ID),
        field if READ_ONLY.contains(&field) || association(object, field).is_some() => None,
        field => Some(field),
    }
}

/// The fields of one object type. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HubSpotSchema(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    object: Object,
    properties: BTreeMap<String, Property>,
    stages: Vec<PipelineStage>,
    /// E-mail address in lower case, and id.
    owners: Vec<(String, String)>,
    zone: TimeZone,
}

/// One property, as far as the bridge needs it.
#[derive(Debug)]
pub(crate) struct Property {
    kind: Kind,
    read_only: bool,
    pub(crate) unique: bool,
}

#[derive(Debug)]
enum Kind {
    Text,
    Email,
    Number,
    Boolean,
    Day,
    /// A moment of which only the day counts.
    DayOfMoment,
    Moment,
    One(Vec<Choice>),
    Several(Vec<Choice>),
}

#[derive(Clone, Debug, Deserialize)]
struct Choice {
    #[serde(default)]
    label: String,
    value: String,
}

/// A stage of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineStage {
    /// The id of its pipeline.
    pub pipeline: String,
    /// Its id.
    pub id: String,
    /// What it is called; stages of several pipelines may be called alike.
    pub label: String,
}

/// A property as the API lists it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireProperty {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    field_type: String,
    #[serde(default)]
    options: Vec<Choice>,
    #[serde(default)]
    calculated: bool,
    #[serde(default)]
    has_unique_value: bool,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    modification_metadata: WireMetadata,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireMetadata {
    read_only_value: bool,
}

/// A pipeline as the API lists it.
#[derive(Debug, Deserialize)]
pub(crate) struct WirePipeline {
    id: String,
    #[serde(default)]
    stages: Vec<WireStage>,
    #[serde(default)]
    archived: bool,
}

#[derive(Debug, Deserialize)]
struct WireStage {
    id: String,
    #[serde(default)]
    label: String,
    #[serde(default)]
    archived: bool,
}

/// An owner as the API lists it.
#[derive(Debug, Deserialize)]
pub(crate) struct WireOwner {
    id: String,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    archived: bool,
}

impl HubSpotSchema {
    /// The schema from what the API lists. Stages of `preferred` come first, so that a label that several pipelines
    /// have means theirs.
    pub(crate) fn new(
        object: Object,
        properties: Vec<WireProperty>,
        pipelines: Vec<WirePipeline>,
        owners: Vec<WireOwner>,
        zone: TimeZone,
        preferred: Option<&str>,
    ) -> Self {
        let properties = properties
            .into_iter()
            .filter(|property| !property.archived)
            .map(|property| (property.name.clone(), Property::of(property)))
            .collect();
        let mut pipelines: Vec<WirePipeline> = pipelines.into_iter().filter(|each| !each.archived).collect();
        pipelines.sort_by_key(|pipeline| preferred.is_some_and(|preferred| pipeline.id != preferred));
        let stages = pipelines
            .into_iter()
            .flat_map(|pipeline| pipeline.stages.into_iter().map(move |stage| (pipeline.id.clone(), stage)))
            .filter(|(_, stage)| !stage.archived)
            .map(|(pipeline, stage)| PipelineStage { pipeline, id: stage.id, label: stage.label })
            .collect();
        let owners = owners
            .into_iter()
            .filter(|owner| !owner.archived)
            .filter_map(|owner| Some((owner.email?.to_lowercase(), owner.id)))
            .collect();
        Self(Arc::new(Parts { object, properties, stages, owners, zone }))
    }

    /// The property with this name.
    pub(crate) fn property(&self, name: &str) -> Option<&Property> {
        self.0.properties.get(name)
    }

    /// The names of all properties that can be written.
    pub(crate) fn writable(&self) -> impl Iterator<Item = &str> {
        self.0.properties.iter().filter(|(_, property)| !property.read_only).map(|(name, _)| name.as_str())
    }

    /// The property that a field is kept in, and the value as HubSpot takes it. `None`: no property of its own.
    pub(crate) fn written(&self, field: &str, value: &Value) -> Option<(String, String)> {
        let text = match value {
            Value::Null => String::new(),
            other => other.php_string().into_owned(),
        };
        if field == OWNER_EMAIL {
            return Some((OWNER_ID.to_owned(), self.owner_id(&text).unwrap_or_default().to_owned()));
        }
        let property = self.property(field)?;
        let text = match property.kind {
            Kind::DayOfMoment => convert::noon(&text, &self.0.zone).unwrap_or(text),
            _ => text,
        };
        Some((field.to_owned(), text))
    }

    /// The properties of a stage by its label, its pipeline included: HubSpot takes a stage of another pipeline only
    /// together with that. The stage of this pipeline is preferred, if it has one of this name.
    pub(crate) fn staged(&self, value: &Value, pipeline: Option<&str>) -> Vec<(String, String)> {
        let Some((pipeline_property, stage_property)) = self.0.object.pipeline_properties() else {
            return Vec::new();
        };
        let label = value.php_string();
        let here = self.0.stages.iter().filter(|stage| Some(stage.pipeline.as_str()) == pipeline);
        let named = |stage: &&PipelineStage| stage.label.eq_ignore_ascii_case(label.trim());
        match here.clone().find(named).or_else(|| self.stage(&label)) {
            Some(stage) => vec![
                (pipeline_property.to_owned(), stage.pipeline.clone()),
                (stage_property.to_owned(), stage.id.clone()),
            ],
            None => vec![(stage_property.to_owned(), String::new())],
        }
    }

    /// The stages of all pipelines, in their order.
    pub(crate) fn stages(&self) -> &[PipelineStage] {
        &self.0.stages
    }

    /// The label of a stage.
    pub(crate) fn stage_label(&self, id: &str) -> Option<&str> {
        self.0.stages.iter().find(|stage| stage.id == id).map(|stage| stage.label.as_str())
    }

    /// The stage of this label, or of this id.
    fn stage(&self, label: &str) -> Option<&PipelineStage> {
        let named =
            |stage: &&PipelineStage| stage.label.eq_ignore_ascii_case(label.trim()) || stage.id == label;
        self.0.stages.iter().find(named)
    }

    /// The address of an owner.
    pub(crate) fn owner_email(&self, id: &str) -> Option<&str> {
        self.0.owners.iter().find(|(_, known)| known == id).map(|(email, _)| email.as_str())
    }

    fn owner_id(&self, email: &str) -> Option<&str> {
        let email = email.trim().to_lowercase();
        self.0.owners.iter().find(|(known, _)| *known == email).map(|(_, id)| id.as_str())
    }

    fn stage_by_label(&self, value: &Value) -> Result<Value, Unfit> {
        let Some(label) = convert::text(value)? else { return Ok(Value::Null) };
        let stage = self.stage(&label).ok_or("no pipeline has a stage of this name")?;
        Ok(Value::Text(stage.label.clone()))
    }

    fn owner_by_email(&self, value: &Value) -> Result<Value, Unfit> {
        let Some(email) = convert::text(value)? else { return Ok(Value::Null) };
        if self.owner_id(&email).is_none() {
            return Err("no active HubSpot user has this address".to_owned());
        }
        Ok(Value::Text(email.to_lowercase()))
    }
}

impl Schema for HubSpotSchema {
    fn canonical(&self, field: &str, value: &Value) -> Canonical {
        let converted = match field {
            STAGE_LABEL if self.0.object.pipeline_properties().is_some() => self.stage_by_label(value),
            OWNER_EMAIL => self.owner_by_email(value),
            _ if READ_ONLY.contains(&field) => return Canonical::ReadOnly,
            _ if association(self.0.object, field).is_some() => record_id(value),
            _ => match self.property(field) {
                None => return Canonical::NoSuchField,
                Some(property) if property.read_only => return Canonical::ReadOnly,
                Some(property) => property.canonical(value, &self.0.zone),
            },
        };
        match converted {
            Ok(value) => Canonical::Value(value),
            Err(reason) => Canonical::Unfit(reason),
        }
    }

    fn has(&self, field: &str) -> bool {
        let stage = field == STAGE_LABEL && self.0.object.pipeline_properties().is_some();
        stage
            || field == OWNER_EMAIL
            || association(self.0.object, field).is_some()
            || READ_ONLY.contains(&field)
            || self.property(field).is_some()
    }

    /// The properties, and what records of ours have besides.
    fn listed(&self) -> Option<Vec<ListedField>> {
        let field = |name: &str, shape, read_only| ListedField {
            name: name.to_owned(),
            shape,
            required: false,
            read_only,
        };
        let properties = self.0.properties.iter();
        let properties =
            properties.map(|(name, property)| field(name, property.kind.shape(), property.read_only));
        let stage =
            self.0.object.pipeline_properties().map(|_| field(STAGE_LABEL, FieldShape::Picklist, false));
        let owner = field(OWNER_EMAIL, FieldShape::Owner, false);
        let others = READ_ONLY.iter().map(|name| field(name, FieldShape::Text, true));
        Some(properties.chain(stage).chain([owner]).chain(others).collect())
    }
}

impl Kind {
    fn shape(&self) -> FieldShape {
        match self {
            Self::Text => FieldShape::Text,
            Self::Email => FieldShape::Email,
            Self::Number => FieldShape::Number,
            Self::Boolean => FieldShape::Boolean,
            Self::Day | Self::DayOfMoment => FieldShape::Date,
            Self::Moment => FieldShape::DateTime,
            Self::One(_) => FieldShape::Picklist,
            Self::Several(_) => FieldShape::Multi,
        }
    }
}

/// The id of a record that another one belongs to.
fn record_id(value: &Value) -> Result<Value, Unfit> {
    let Some(id) = convert::text(value)? else { return Ok(Value::Null) };
    if is_id(&id) { Ok(Value::Text(id)) } else { Err("this is not the id of a HubSpot record".to_owned()) }
}

impl Property {
    fn of(property: WireProperty) -> Self {
        let kind = match property.kind.as_str() {
            "number" => Kind::Number,
            "bool" => Kind::Boolean,
            "date" => Kind::Day,
            "datetime" if property.name == CLOSE_DATE => Kind::DayOfMoment,
            "datetime" => Kind::Moment,
            "enumeration" if property.field_type == "checkbox" => Kind::Several(property.options),
            "enumeration" => Kind::One(property.options),
            _ if property.name == "email" => Kind::Email,
            _ => Kind::Text,
        };
        Self {
            kind,
            read_only: property.calculated || property.modification_metadata.read_only_value,
            unique: property.has_unique_value,
        }
    }

    fn canonical(&self, value: &Value, zone: &TimeZone) -> Result<Value, Unfit> {
        if let Kind::Several(choices) = &self.kind {
            let mut chosen = Vec::new();
            for each in convert::several(value)? {
                chosen.push(choice(choices, &each)?);
            }
            chosen.sort_unstable();
            chosen.dedup();
            return Ok(if chosen.is_empty() { Value::Null } else { Value::Text(chosen.join(";")) });
        }
        if let (Kind::Boolean, Value::Bool(_)) = (&self.kind, value) {
            return convert::boolean(value).map(Value::Text);
        }
        let Some(text) = convert::text(value)? else { return Ok(Value::Null) };
        let converted = match &self.kind {
            Kind::Text | Kind::Several(_) => Some(text),
            Kind::Email => Some(convert::email(&text)?),
            Kind::Number => Some(convert::number(&text)?),
            Kind::Boolean => Some(convert::boolean(value)?),
            Kind::Day => convert::day(&text, &TimeZone::UTC)?,
            Kind::DayOfMoment => convert::day(&text, zone)?,
            Kind::Moment => convert::moment(&text)?,
            Kind::One(choices) => Some(choice(choices, &text)?),
        };
        Ok(converted.map_or(Value::Null, Value::Text))
    }
}

/// The internal value of an option, by itself or by its label. Some lists are not told by HubSpot; they take anything.
fn choice(choices: &[Choice], wanted: &str) -> Result<String, Unfit> {
    if choices.is_empty() {
        return Ok(wanted.to_owned());
    }
    let by_value = choices.iter().find(|choice| choice.value == wanted);
    let found = by_value.or_else(|| choices.iter().find(|choice| choice.label.eq_ignore_ascii_case(wanted)));
    match found {
        Some(choice) => Ok(choice.value.clone()),
        None => Err("this is not among the options of the property".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> HubSpotSchema {
        let properties = json!([
            { "name": "dealname", "type": "string", "fieldType": "text" },
            { "name": "amount", "type": "number", "fieldType": "number" },
            { "name": "closedate", "type": "datetime", "fieldType": "date" },
            { "name": "hs_lastmodifieddate", "type": "datetime", "modificationMetadata": { "readOnlyValue": true } },
            { "name": "dealstage", "type": "enumeration", "fieldType": "radio",
              "options": [{ "label": "Contract Sent", "value": "contractsent" }, { "label": "Contract Sent", "value": "422" }] },
            { "name": "topics", "type": "enumeration", "fieldType": "checkbox",
              "options": [{ "label": "One", "value": "a" }, { "label": "Two", "value": "b" }] },
            { "name": "vip", "type": "bool", "fieldType": "booleancheckbox" },
        ]);
        let pipelines = json!([
            { "id": "default", "stages": [{ "id": "contractsent", "label": "Contract Sent" }] },
            { "id": "partners", "stages": [{ "id": "422", "label": "Contract Sent" }, { "id": "423", "label": "Signed" }] },
        ]);
        let owners = json!([{ "id": "70", "email": "Olga@example.org" }, { "id": "71", "email": "o@x.org", "archived": true }]);
        HubSpotSchema::new(
            Object::Deal,
            serde_json::from_value(properties).unwrap(),
            serde_json::from_value(pipelines).unwrap(),
            serde_json::from_value(owners).unwrap(),
            TimeZone::get("America/New_York").unwrap(),
            Some("partners"),
        )
    }

    fn canonical(field: &str, value: &str) -> Canonical {
        schema().canonical(field, &Value::from(value))
    }

    fn is(value: &str) -> Canonical {
        Canonical::Value(Value::from(value))
    }

    #[test]
    fn a_label_means_the_stage_of_the_preferred_pipeline() {
        assert_eq!(canonical(STAGE_LABEL, "contract sent"), is("Contract Sent"));
        let staged = |pipeline| schema().staged(&Value::from("Contract Sent"), pipeline);
        let stage = |pipeline: &str, id: &str| {
            vec![("pipeline".to_owned(), pipeline.to_owned()), ("dealstage".to_owned(), id.to_owned())]
        };
        assert_eq!(staged(None), stage("partners", "422"));
        assert_eq!(staged(Some("default")), stage("default", "contractsent"), "a deal stays in its pipeline");
        assert!(matches!(canonical(STAGE_LABEL, "Nowhere"), Canonical::Unfit(_)));
        assert_eq!(schema().stage_label("423"), Some("Signed"));
    }

    #[test]
    fn owners_are_found_by_address_and_only_active_ones() {
        assert_eq!(canonical(OWNER_EMAIL, "OLGA@example.org"), is("olga@example.org"));
        let written = schema().written(OWNER_EMAIL, &Value::from("olga@example.org")).unwrap();
        assert_eq!(written, (OWNER_ID.to_owned(), "70".to_owned()));
        assert!(matches!(canonical(OWNER_EMAIL, "o@x.org"), Canonical::Unfit(_)));
    }

    #[test]
    fn each_type_has_its_form() {
        assert_eq!(canonical("amount", "1000.50"), is("1000.5"));
        assert_eq!(canonical("closedate", "2026-05-01"), is("2026-05-01"));
        let written = schema().written("closedate", &Value::from("2026-05-01")).unwrap();
        assert_eq!(written.1, "2026-05-01T16:00:00Z");
        assert_eq!(canonical("topics", "Two |##| One"), is("a;b"));
        assert_eq!(canonical("vip", "1"), is("true"));
        assert_eq!(canonical("dealname", "  "), Canonical::Value(Value::Null));
        assert_eq!(canonical("hs_lastmodifieddate", "x"), Canonical::ReadOnly);
        assert_eq!(canonical("nowhere", "x"), Canonical::NoSuchField);
    }

    #[test]
    fn the_list_of_fields_agrees_with_what_is_said_of_each() {
        let schema = schema();
        let listed = schema.listed().unwrap();
        let of = |name: &str| listed.iter().find(|field| field.name == name).map(|field| field.shape);
        assert_eq!(of("closedate"), Some(FieldShape::Date));
        assert_eq!(of("topics"), Some(FieldShape::Multi));
        assert_eq!(of(STAGE_LABEL), Some(FieldShape::Picklist));
        for field in &listed {
            assert!(schema.has(&field.name), "{field:?}");
            let writes = schema.canonical(&field.name, &Value::Null) != Canonical::ReadOnly;
            assert_eq!(writes, !field.read_only, "{field:?}");
        }
    }
}
