//! The checker: finds the mistakes in a map before it is used, as a good compiler does.
//!
//! It needs no network: it knows the stock fields of coreBOS, Mautic and HubSpot. Given live schemas it knows
//! all fields, custom ones included, and is stricter.

mod pair;
mod schema;
mod types;

pub use pair::check_pair;
pub use schema::{BundledObject, FieldKind, Schema, SchemaField};

use std::collections::HashMap;

use crate::document::{self, DocumentField, Located};
use crate::finding::{Finding, MapError, MapText, Severity};
use crate::map::FieldMap;
use crate::path::SourceName;
use crate::semantics::Semantics;
use crate::suggest::suggestion;

/// What a map is checked against.
#[derive(Clone, Debug, Default)]
pub struct Schemas {
    /// The fields of the object the map reads.
    pub source: Option<Schema>,
    /// The fields of the object the map makes.
    pub target: Option<Schema>,
}

impl Schemas {
    /// The bundled lists for a map, chosen by its name, else by the modules it names; none if neither tells.
    pub fn bundled_for(map: &FieldMap) -> Self {
        let objects = schema::objects_of(map.name(), map.origin_module(), map.target_module());
        objects.map_or_else(Self::default, |(source, target)| Self {
            source: Some(Schema::bundled(source)),
            target: Some(Schema::bundled(target)),
        })
    }
}

/// Compiles a map as the bridge will use it: fields that only coreBOS can evaluate are left to it if the map's name
/// or its modules say that it goes out of coreBOS.
///
/// # Errors
/// The map cannot be used.
pub fn compile(name: &str, xml: &[u8]) -> Result<FieldMap, MapError> {
    let map = FieldMap::compile_with_corebos(name, xml, Semantics::Bridge)?;
    let is_outbound = schema::leaves_corebos(map.name(), map.origin_module(), map.target_module());
    if is_outbound || !map.needs_corebos() {
        return Ok(map);
    }
    FieldMap::compile(name, xml, Semantics::Bridge)
}

/// Checks a map; without schemas against the bundled lists. Errors come first, each in the order of the map.
pub fn check(name: &str, xml: &[u8], schemas: Option<&Schemas>) -> Vec<Finding> {
    let map = match compile(name, xml) {
        Ok(map) => map,
        Err(error) => return vec![error.into_finding()],
    };
    let bundled;
    let schemas = if let Some(schemas) = schemas {
        schemas
    } else {
        bundled = Schemas::bundled_for(&map);
        &bundled
    };
    let mut findings = map.warnings().to_vec();
    // The map has compiled, so its text can be read again.
    if let Ok(text) = document::normalize(xml, Semantics::Bridge) {
        let text = MapText { name, text: &text };
        if let Ok(document) = document::read(text, Semantics::Bridge) {
            if schema::contradicts(name, &document.origin.text, &document.target.text) {
                findings.push(text.finding(
                    Severity::Error,
                    document.origin.offset,
                    format!(
                        "a map of this name is not for `{}` and `{}`",
                        document.origin.text, document.target.text
                    ),
                    "check `originmodule`, `targetmodule` and the name of the map",
                ));
            }
            for field in &document.fields {
                check_field(text, field, schemas, &mut findings);
            }
            follower(text, &document.fields, schemas, &mut findings);
            repeated(text, &document.fields, &mut findings);
            unfilled(text, &map, schemas, &mut findings);
        }
    }
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), finding.position));
    findings
}

fn check_field(text: MapText<'_>, field: &DocumentField, schemas: &Schemas, findings: &mut Vec<Finding>) {
    let Some(name) = &field.name else { return };
    if field.parts.is_empty() {
        findings.push(text.finding(
            Severity::Warning,
            name.offset,
            format!("`{}` has no source, so it is always blanked", name.text),
            "add an `<Orgfield>`, or remove the field",
        ));
    }
    if let Some(target) = &schemas.target {
        unknown(text, name, target, "has no field", findings);
        if target.field(root(&name.text)).is_some_and(|known| known.read_only) {
            findings.push(text.finding(
                Severity::Error,
                name.offset,
                format!("`{}` of a {} cannot be written", name.text, target.title),
                "remove the field from the map",
            ));
        }
    }
    for part in &field.parts {
        let Some(source) = &schemas.source else { continue };
        if plain_source(part).is_some() {
            unknown(text, &part.name, source, "has no field", findings);
        }
    }
    if let (Some(source), Some(target)) = (&schemas.source, &schemas.target) {
        types::check(text, field, name, source, target, findings);
    }
}

/// The name of the source, if a part is a plain field and nothing else.
fn plain_source(part: &document::DocumentPart) -> Option<SourceName> {
    let word = part.id.text.trim();
    let is_default = word.bytes().all(|byte| byte.is_ascii_digit()) || word.eq_ignore_ascii_case("DEFAULT");
    (is_default && !part.name.text.is_empty()).then(|| SourceName::new(&part.name.text))
}

fn root(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

fn unknown(text: MapText<'_>, name: &Located, schema: &Schema, what: &str, findings: &mut Vec<Finding>) {
    let field = root(&name.text);
    // Names with dots go into nested values, of which no list tells.
    if schema.field(field).is_some() || name.text.contains('.') {
        return;
    }
    let meant = suggestion(field, schema.fields.iter().map(|field| field.name.as_str()));
    let is_custom = !schema.is_complete && field.starts_with("cf_");
    if is_custom {
        return;
    }
    let severity = if meant.is_some() || schema.is_complete { Severity::Error } else { Severity::Warning };
    let advice = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if schema.is_complete => "it would be ignored silently, or refused".to_owned(),
        None => "if it is a custom field, check against the live system".to_owned(),
    };
    findings.push(text.finding(
        severity,
        name.offset,
        format!("a {} {what} `{field}`", schema.title),
        advice,
    ));
}

/// Mautic makes a company of any text that it finds in `company` of a contact, and joins the contact to it.
fn follower(text: MapText<'_>, fields: &[DocumentField], schemas: &Schemas, findings: &mut Vec<Finding>) {
    let is_contact = |target: &&Schema| target.title == Schema::bundled(BundledObject::MauticContact).title;
    if !schemas.target.iter().any(|target| is_contact(&target)) {
        return;
    }
    for name in fields.iter().filter_map(|field| field.name.as_ref()).filter(|name| name.text == "company") {
        findings.push(text.finding(
            Severity::Warning,
            name.offset,
            "Mautic joins the contact to a company of this name, and makes one if there is none",
            "leave it out: the bridge carries the company of a contact by itself, and leaves this field to Mautic while it \
             does so (setting `associations` of the pair)",
        ));
    }
}

fn repeated(text: MapText<'_>, fields: &[DocumentField], findings: &mut Vec<Finding>) {
    let mut first: HashMap<&str, usize> = HashMap::new();
    for name in fields.iter().filter_map(|field| field.name.as_ref()) {
        if let Some(earlier) = first.insert(&name.text, name.offset) {
            findings.push(text.finding(
                Severity::Error,
                name.offset,
                format!("the field `{}` is repeated", name.text),
                format!("the first is on line {}; this one takes its place", text.position(earlier).line),
            ));
        }
    }
}

/// Mandatory fields that nothing fills.
fn unfilled(text: MapText<'_>, map: &FieldMap, schemas: &Schemas, findings: &mut Vec<Finding>) {
    let Some(target) = &schemas.target else { return };
    for field in target.fields.iter().filter(|field| field.required) {
        if map.target(&field.name).is_none() {
            let offset = text.text.find("<fields").unwrap_or(0);
            findings.push(text.finding(
                Severity::Warning,
                offset,
                format!("nothing fills `{}`, without which no {} can be created", field.name, target.title),
                "add it to the map, or switch creating off for this direction",
            ));
        }
    }
}
