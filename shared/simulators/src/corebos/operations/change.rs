//! Operations on one record, and settings.

use serde_json::{Map, Value};

use super::super::json::Json;
use super::super::problem::Problem;
use super::super::query::find_equal;
use super::super::request::Parameters;
use super::super::site::{Origin, Site};
use super::super::state::Person;
use super::super::value::php_text;
use super::super::writing::Edit;
use super::Reply;

/// Longest key and value of a setting, in characters.
const SETTING_WIDTHS: (usize, usize) = (200, 1000);

pub(super) async fn run(
    site: &Site,
    operation: &str,
    parameters: &Parameters,
    person: &Person,
) -> Result<Reply, Problem> {
    match operation {
        // There are no validation maps, so validating lets everything pass (A093).
        "create" | "createwithvalidation" => {
            let (module, element) = (parameters.text("elementType")?, parameters.object("element")?);
            Ok(created(site, &module, &element, person).await?.into())
        }
        "update" | "updatewithvalidation" => {
            Ok(changed(site, &parameters.object("element")?, person, Edit::Update).await?.into())
        }
        "revise" | "revisewithvalidation" => {
            Ok(changed(site, &parameters.object("element")?, person, Edit::Revise).await?.into())
        }
        "delete" => {
            site.delete(&parameters.text("id")?, person).await?;
            Ok(Json::object([("status", Json::text("successful"))]).into())
        }
        "upsert" => {
            let (module, element) = (parameters.text("elementType")?, parameters.object("element")?);
            let (search, update) = (parameters.text("searchOn")?, parameters.text("updatedfields")?);
            Ok(upserted(site, &module, &element, &search, &update, person).await?.into())
        }
        "setsetting" => {
            let cut = |text: String, width: usize| text.chars().take(width).collect::<String>();
            let key = cut(parameters.text("key")?, SETTING_WIDTHS.0);
            let value = cut(parameters.text("value")?, SETTING_WIDTHS.1);
            site.state().store.settings.insert(key, value);
            site.commit([])?;
            Ok(Json::Null.into())
        }
        "delsetting" => {
            site.state().store.settings.remove(&parameters.text("key")?);
            site.commit([])?;
            Ok(Json::Null.into())
        }
        other => Err(Problem::not_simulated(other)),
    }
}

/// Creates a record and reads it back: flat, without the names of its references.
pub(super) async fn created(
    site: &Site,
    module: &str,
    element: &Map<String, Value>,
    person: &Person,
) -> Result<Json, Problem> {
    let record = site.create(module, element, person, Origin::Webservice).await?;
    Ok(Json::Object(site.state().view().flat(&record)?))
}

/// Changes a record and reads it back with the names of its references.
pub(super) async fn changed(
    site: &Site,
    element: &Map<String, Value>,
    person: &Person,
    edit: Edit,
) -> Result<Json, Problem> {
    let id = element.get("id").map(php_text).unwrap_or_default();
    let record = site.edit(&id, element, person, edit, Origin::Webservice).await?;
    site.state().view().full(&record)
}

/// Revises the first record that has these values, or creates one.
pub(super) async fn upserted(
    site: &Site,
    module: &str,
    element: &Map<String, Value>,
    search: &str,
    update: &str,
    person: &Person,
) -> Result<Json, Problem> {
    let mut wanted = Vec::new();
    for field in search.split(',').map(str::trim) {
        let Some(value) = element.get(field).filter(|value| !value.is_null()) else {
            let message = format!("No value is provided for the search field: {field}");
            return Err(Problem::new("SEARCH_VALUE_NOT_PROVIDED", message));
        };
        wanted.push((field.to_owned(), php_text(value)));
    }
    let found = find_equal(&site.state(), module, &wanted, person)?;
    let Some(id) = found else { return created(site, module, element, person).await };
    if element.contains_key("skipUPDATE") {
        return Ok(Json::from(&Value::Object(element.clone())));
    }
    let updated: Vec<&str> = update.split(',').map(str::trim).collect();
    let mut part: Map<String, Value> = element
        .iter()
        .filter(|(field, _)| updated.contains(&field.as_str()))
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect();
    part.insert("id".to_owned(), Value::String(id));
    changed(site, &part, person, Edit::Revise).await
}
