//! `ProcessMap`: a business map of type Mapping, evaluated on a record as the database holds it.
//!
//! Plays DEFAULT with plain names, CONST, delimiters, and RULE where a test has said what the rule decides; a map with
//! anything else is answered "not simulated", never half-evaluated.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::super::json::Json;
use super::super::problem::Problem;
use super::super::schema::Kind;
use super::super::state::{Person, State};
use super::super::store::{Record, Resolved};
use super::super::value::php_text;
use super::super::xml::Element;

/// The names that HTML 4.01 has for characters beyond ASCII, as PHP's `htmlentities` uses them.
static NAMED: LazyLock<BTreeMap<char, &'static str>> = LazyLock::new(|| {
    let rows = include_str!("../../../fixtures/corebos/html4-entities.txt").lines();
    let row = |line: &'static str| {
        let (name, number) = line.split_once(' ')?;
        Some((char::from_u32(number.parse().ok()?)?, name))
    };
    rows.filter_map(row).collect()
});

/// Kinds of maps that the real operation evaluates besides.
const OTHER_KINDS: [&str; 2] = ["Detail View Layout Mapping", "ApplicationMenu"];

/// The answer: what the map makes, put onto `outfields`.
pub(super) fn process(
    state: &State,
    map: &str,
    parameters: &Map<String, Value>,
    person: &Person,
) -> Result<Json, Problem> {
    let map = map_of(state, map)?;
    let kind = map.value("maptype");
    if OTHER_KINDS.contains(&kind) {
        return Err(Problem::not_simulated(kind));
    }
    if kind != "Mapping" {
        return Err(Problem::new("OPERATION_NOT_SUPPORTED", "business map type not supported"));
    }
    let record = record_of(state, parameters, person)?;
    let mut made: Vec<(String, Json)> = Vec::new();
    if let Some(given) = parameters.get("outfields").and_then(Value::as_object) {
        if given.contains_key("record_id") {
            return Err(Problem::not_simulated("outfields of a record"));
        }
        made.extend(given.iter().map(|(name, value)| (name.clone(), Json::from(value))));
    }
    let source = column_fields(state, record);
    for field in fields(map.value("content")) {
        let (name, value) = evaluate(state, &field, &source)?;
        match made.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = Json::Text(value),
            None => made.push((name, Json::Text(value))),
        }
    }
    // PHP writes an array without members as a list.
    Ok(if made.is_empty() { Json::List(Vec::new()) } else { Json::Object(made) })
}

/// The map by webservice id, record number, uuid or name.
fn map_of<'a>(state: &'a State, text: &str) -> Result<&'a Record, Problem> {
    let by_id = match state.store.resolve(&state.schema, text) {
        Resolved::Id(_, crmid) => Some(crmid),
        Resolved::UnknownPrefix(_) => None,
    };
    let named = |record: &&Record| {
        record.module == "cbMap" && !record.deleted && record.value("mapname").eq_ignore_ascii_case(text)
    };
    let found = match by_id {
        Some(crmid) => state.store.alive(crmid),
        None => state.store.records.values().find(named),
    };
    match found {
        Some(record) if record.module == "cbMap" => Ok(record),
        Some(_) => Err(Problem::denied()),
        None if by_id.is_some() => Err(Problem::denied()),
        None => Err(Problem::denied_for("id: 0")),
    }
}

/// The record of `infields`. One that is gone is denied as its module is.
fn record_of<'a>(
    state: &'a State,
    parameters: &Map<String, Value>,
    person: &Person,
) -> Result<&'a Record, Problem> {
    let id = parameters.get("infields").and_then(|given| given.get("record_id")).map(php_text);
    let Some(id) = id.filter(|id| !matches!(id.as_str(), "" | "0")) else {
        let message = "infields parameter or record_id parameter missing";
        return Err(Problem::new("MANDATORY_FIELDS_MISSING", message));
    };
    let denied = || {
        let message = "Permission to perform the operation is denied: infields module";
        Problem::new("ACCESS_DENIED", message)
    };
    let (module, crmid) = match state.store.resolve(&state.schema, &id) {
        Resolved::Id(module, crmid) => (module, crmid),
        Resolved::UnknownPrefix(prefix) => return Err(Problem::denied_for(&format!("id: {prefix}"))),
    };
    let record = state.store.alive(crmid).ok_or_else(denied)?;
    state.module_for(&record.module, person).map_err(|_| denied())?;
    if record.module != module.name {
        return Err(Problem::new("INVALID_ID_ATTRIBUTE", "Id specified is incorrect: infields record"));
    }
    Ok(record)
}

/// The record as coreBOS's own code sees it: HTML-encoded, references as numbers, no webservice id.
fn column_fields(state: &State, record: &Record) -> BTreeMap<String, String> {
    let mut columns = BTreeMap::new();
    if let Some(module) = state.schema.module(&record.module) {
        for field in state.schema.fields(module) {
            let column = record.column(field).unwrap_or_default();
            let text = match field.kind {
                Kind::Id => continue,
                Kind::Reference | Kind::Owner if column.is_empty() => "0".to_owned(),
                Kind::Reference | Kind::Owner => column,
                _ => encoded(&column),
            };
            columns.insert(field.name.clone(), text);
        }
    }
    columns.insert("record_id".to_owned(), record.crmid.to_string());
    columns.insert("record_module".to_owned(), record.module.clone());
    columns.insert("cbuuid".to_owned(), record.uuid.clone());
    columns
}

/// PHP's `htmlentities` with quotes.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for character in text.chars() {
        match (character, NAMED.get(&character)) {
            ('&', _) => encoded.push_str("&amp;"),
            ('<', _) => encoded.push_str("&lt;"),
            ('>', _) => encoded.push_str("&gt;"),
            ('"', _) => encoded.push_str("&quot;"),
            ('\'', _) => encoded.push_str("&#039;"),
            // Writing to a `String` cannot fail.
            (_, Some(name)) => _ = write!(encoded, "&{name};"),
            (other, None) => encoded.push(other),
        }
    }
    encoded
}

/// The fields of a map; none in what is no map to coreBOS either.
fn fields(content: &str) -> Vec<Element> {
    let Some(map) = Element::parse(content) else { return Vec::new() };
    map.child("fields").map(|fields| fields.named_children("field").cloned().collect()).unwrap_or_default()
}

/// A field's name and value.
fn evaluate(
    state: &State,
    field: &Element,
    source: &BTreeMap<String, String>,
) -> Result<(String, String), Problem> {
    let name = field.child_text("fieldname").to_owned();
    let nothing = Element::default();
    let parts = field.child("Orgfields").unwrap_or(&nothing);
    let delimiter = parts.child_text("delimiter");
    if name.contains('.') || delimiter.contains("..") {
        return Err(Problem::not_simulated("dots in a map"));
    }
    let mut value = String::new();
    for part in parts.named_children("Orgfield") {
        if part.child("postProcess").is_some() {
            return Err(Problem::not_simulated("postProcess in a map"));
        }
        let from = part.child_text("OrgfieldName");
        let directive = part.child_text("OrgfieldID").to_ascii_uppercase();
        let text = match directive.as_str() {
            "CONST" => from.to_owned(),
            "RULE" => decided(state, part.child_text("Rule"), source)?,
            "FIELD" | "TEMPLATE" | "EXPRESSION" => {
                return Err(Problem::not_simulated(&format!("{directive} in a map")));
            }
            _ if from.contains('.') => return Err(Problem::not_simulated("dots in a map")),
            // What is absent leaves no delimiter either.
            _ => match source.get(from) {
                Some(text) => text.clone(),
                None => continue,
            },
        };
        value.push_str(&text);
        value.push_str(delimiter);
    }
    let is_of_delimiter = |character: char| delimiter.contains(character);
    Ok((name, value.trim_end_matches(is_of_delimiter).to_owned()))
}

/// What a rule decides: coreBOS's other kinds of maps, of which a test says what they come to.
fn decided(state: &State, rule: &str, source: &BTreeMap<String, String>) -> Result<String, Problem> {
    let unknown = || Problem::new("INVALID_BUSINESSMAP", format!("Invalid Business Map identifier: {rule}"));
    let map = map_of(state, rule).map_err(|_| unknown())?;
    let decides = state.rules.get(map.value("mapname"));
    let decides = decides.ok_or_else(|| Problem::not_simulated("the decision of a rule"))?;
    Ok(decides(source))
}
