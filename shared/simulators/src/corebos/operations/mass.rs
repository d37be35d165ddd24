//! Operations on several records: each stands alone, and failures are listed beside the successes.

use serde_json::{Map, Value};

use super::super::json::Json;
use super::super::problem::Problem;
use super::super::schema::Kind;
use super::super::site::Site;
use super::super::state::Person;
use super::super::store::{Resolved, wsid};
use super::super::value::php_text;
use super::super::writing::Edit;
use super::Reply;
use super::change::{changed, upserted};

/// Records that refer to each other in a chain longer than this exhaust PHP.
const LONGEST_CHAIN: usize = 500;

/// Records of one module by webservice id.
///
/// The module of the first readable id decides which records are read, and the module of the **last** id decides how
/// they look: mixed ids give records with the wrong fields and the wrong id (A094).
pub(super) fn retrieve(site: &Site, ids: &str, person: &Person) -> Result<Reply, Problem> {
    let state = site.state();
    let (mut shown_as, mut kept, mut records) = (None, None, Vec::new());
    for id in ids.split(',').filter(|id| !id.is_empty()) {
        let (module, crmid) = match state.store.resolve(&state.schema, id) {
            Resolved::Id(module, crmid) => (module, crmid),
            Resolved::UnknownPrefix(prefix) => return Err(Problem::denied_for(&format!("id: {prefix}"))),
        };
        shown_as = Some(module);
        let Some(record) = state.store.alive(crmid).filter(|record| record.module == module.name) else {
            continue;
        };
        if state.module_for(&module.name, person).is_err()
            || *kept.get_or_insert(&module.name) != &module.name
        {
            continue;
        }
        records.push(record);
    }
    let Some(shown_as) = shown_as else { return Ok(Json::List(Vec::new()).into()) };
    let view = state.view();
    let mut found = Vec::new();
    for record in records {
        let Some(own) = state.schema.module(&record.module) else { continue };
        let mut entries = Vec::new();
        for field in state.schema.fields(shown_as) {
            let text = match (&field.kind, state.schema.field(own, &field.name)) {
                (Kind::Id, _) => wsid(shown_as, record.crmid),
                (_, Some(own)) => view.text(record, own)?,
                (_, None) => String::new(),
            };
            entries.push((field.name.clone(), Json::Text(text)));
        }
        entries.push(("cbuuid".to_owned(), Json::text(&record.uuid)));
        view.add_names(&mut entries, record, shown_as)?;
        found.push((wsid(own, record.crmid), Json::Object(entries)));
    }
    Ok(if found.is_empty() { Json::List(Vec::new()) } else { Json::Object(found) }.into())
}

/// Creates or updates records: each is looked for by `searchon`, or by all of its values.
///
/// `@{name}` as a value stands for the record whose `referenceId` is that name, which then goes first.
pub(super) async fn create(site: &Site, elements: &[Value], person: &Person) -> Result<Reply, Problem> {
    let ordered = in_order(elements)?;
    for element in &ordered {
        let module = element.get("elementType").map(php_text).unwrap_or_default();
        if !site.state().schema.is_listed(&module, person.admin) {
            let message = format!("Permission to perform the operation is denied on module{module}");
            return Err(Problem::new("ACCESS_DENIED", message));
        }
    }
    let (mut successes, mut failures) = (Vec::new(), Vec::new());
    let mut made: Vec<(String, String)> = Vec::new();
    for element in ordered {
        let module = element.get("elementType").map(php_text).unwrap_or_default();
        let mut values = element.get("element").and_then(Value::as_object).cloned().unwrap_or_default();
        for value in values.values_mut() {
            if let Some(name) = referenced(value) {
                let id = made.iter().find(|(each, _)| *each == name).map(|(_, id)| id.clone());
                *value = Value::String(id.unwrap_or_default());
            }
        }
        let all = values.keys().cloned().collect::<Vec<_>>().join(",");
        let search = element.get("searchon").map(php_text).filter(|search| !search.is_empty());
        let search = search.as_deref().unwrap_or(&all);
        match upserted(site, &module, &values, search, &all, person).await {
            Ok(record) => {
                if let (Some(name), Some(id)) = (element.get("referenceId"), record.get("id")) {
                    made.push((php_text(name), id.as_str().unwrap_or_default().to_owned()));
                }
                successes.push(record);
            }
            Err(Problem::Crash) => return Err(Problem::Crash),
            Err(Problem::Refusal { code, message }) => {
                let mut record = element.clone();
                record.insert("element".to_owned(), Value::Object(values));
                failures.push(Json::object([
                    ("record", Json::from(&Value::Object(record))),
                    ("code", Json::text(code)),
                    ("message", Json::Text(message)),
                ]));
            }
        }
    }
    let success = failures.is_empty();
    let result =
        Json::object([("success_creates", Json::List(successes)), ("failed_creates", Json::List(failures))]);
    Ok(Reply { success, result, more_info: Json::Null })
}

/// The elements with every referenced one before the one that refers to it.
fn in_order(elements: &[Value]) -> Result<Vec<Map<String, Value>>, Problem> {
    let elements: Vec<&Map<String, Value>> = elements.iter().filter_map(Value::as_object).collect();
    let mut ordered: Vec<usize> = Vec::new();
    for index in 0..elements.len() {
        place(&elements, index, &mut ordered, &mut Vec::new())?;
    }
    Ok(ordered
        .into_iter()
        .filter_map(|index| elements.get(index).map(|element| (*element).clone()))
        .collect())
}

fn place(
    elements: &[&Map<String, Value>],
    index: usize,
    ordered: &mut Vec<usize>,
    path: &mut Vec<usize>,
) -> Result<(), Problem> {
    if ordered.contains(&index) {
        return Ok(());
    }
    let invalid = || Problem::new("REFERENCE_INVALID", "Invalid reference specified");
    if path.contains(&index) {
        return Err(invalid());
    }
    if path.len() >= LONGEST_CHAIN {
        return Err(Problem::Crash);
    }
    path.push(index);
    let values = elements.get(index).and_then(|element| element.get("element")).and_then(Value::as_object);
    for name in values.into_iter().flat_map(Map::values).filter_map(referenced) {
        let target =
            elements.iter().position(|each| each.get("referenceId").map(php_text).as_deref() == Some(&name));
        place(elements, target.ok_or_else(invalid)?, ordered, path)?;
    }
    path.pop();
    ordered.push(index);
    Ok(())
}

fn referenced(value: &Value) -> Option<String> {
    let text = value.as_str().filter(|text| text.contains("@{"))?;
    Some(text.trim_matches(['@', '{', '}']).to_owned()).filter(|name| !name.is_empty())
}

/// Revises records.
pub(super) async fn update(site: &Site, elements: &[Value], person: &Person) -> Result<Reply, Problem> {
    let (mut successes, mut failures) = (Vec::new(), Vec::new());
    for element in elements {
        let element = element.as_object().cloned().unwrap_or_default();
        match changed(site, &element, person, Edit::Revise).await {
            Ok(record) => successes.push(record),
            Err(problem) => failures.push(failure(element.get("id").map(Json::from), problem)?),
        }
    }
    Ok(Json::object([("success_updates", Json::List(successes)), ("failed_updates", Json::List(failures))])
        .into())
}

/// Deletes records.
pub(super) async fn delete(site: &Site, ids: &str, person: &Person) -> Result<Reply, Problem> {
    let (mut successes, mut failures) = (Vec::new(), Vec::new());
    for id in ids.split(',').map(str::trim) {
        match site.delete(id, person).await {
            Ok(()) => successes.push(Json::text(id)),
            Err(problem) => failures.push(failure(Some(Json::text(id)), problem)?),
        }
    }
    Ok(Json::object([("success_deletes", Json::List(successes)), ("failed_deletes", Json::List(failures))])
        .into())
}

/// One entry of a list of failures; a dead PHP ends the whole call.
fn failure(id: Option<Json>, problem: Problem) -> Result<Json, Problem> {
    match problem {
        Problem::Crash => Err(Problem::Crash),
        Problem::Refusal { code, message } => Ok(Json::object([
            ("id", id.unwrap_or(Json::Null)),
            ("code", Json::text(code)),
            ("message", Json::Text(message)),
        ])),
    }
}
