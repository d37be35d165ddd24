//! Checks of what is to be written, and the record that comes out of it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::problem::Problem;
use super::schema::{Field, Kind, Module, Schema};
use super::state::{Person, State, USER_DEFAULTS};
use super::store::{Account, Record, Resolved, Store};
use super::value::{day_text, fixed, initial, leading_number, php_text, stored};
use super::xml::Element;

/// Fields that live outside of a record's values.
const KEPT_ELSEWHERE: [&str; 4] = ["createdtime", "modifiedtime", "modifiedby", "created_user_id"];

/// The two ways of changing a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edit {
    /// All mandatory fields are needed and an empty reference is left alone.
    Update,
    /// Only what is there counts, and an empty reference clears.
    Revise,
}

/// A new record that is not in the database yet; its number is used up whatever becomes of it.
pub(crate) fn new_record(
    state: &mut State,
    module: &Module,
    element: &Map<String, Value>,
    person: &Person,
    now: i64,
) -> Result<Record, Problem> {
    let references = references(state, module, element, person, Edit::Update)?;
    for field in state.schema.fields(module).filter(|field| field.mandatory) {
        let missing = match field.kind {
            Kind::Reference | Kind::Owner => !references.contains_key(&field.name),
            _ => element.get(&field.name).is_none_or(is_blank),
        };
        if missing {
            return Err(Problem::missing(&field.label, &field.name));
        }
    }
    let today = day_text(now);
    let mut values = BTreeMap::new();
    for field in state.schema.fields(module).filter(|field| field.is_stored_on_create()) {
        if KEPT_ELSEWHERE.contains(&field.name.as_str()) || field.kind == Kind::Owner {
            continue;
        }
        let value = match (&field.kind, element.get(&field.name)) {
            (Kind::Reference, _) => references.get(&field.name).map(u64::to_string).unwrap_or_default(),
            (_, Some(value)) => stored(&module.name, field, value, &person.formats),
            (_, None) => initial(field, &today),
        };
        values.insert(field.name.clone(), value);
    }
    let numbered: Vec<String> = state
        .schema
        .fields(module)
        .filter(|field| field.kind == Kind::AutoNumber)
        .map(|field| field.name.clone())
        .collect();
    for field in numbered {
        values.insert(field, state.store.take_number(&module.name));
    }
    let crmid = state.store.take_crmid(&module.name);
    let owner = references.get("assigned_user_id").copied().unwrap_or(0);
    let mut record = Record {
        crmid,
        module: module.name.clone(),
        uuid: if module.has_entity { new_uuid() } else { String::new() },
        owner,
        creator: person.id,
        modifier: person.id,
        created: now,
        modified: now,
        object_modified: now,
        deleted: false,
        converted: false,
        values,
    };
    if module.name == "Users" {
        finish_user(&mut state.store, &mut record, element);
    }
    derive(&state.schema, &state.store, &mut record);
    Ok(record)
}

/// The record after a change.
pub(crate) fn edited(
    state: &State,
    record: &Record,
    element: &Map<String, Value>,
    person: &Person,
    now: i64,
    edit: Edit,
) -> Result<Record, Problem> {
    let Some(module) = state.schema.module(&record.module) else { return Err(Problem::denied()) };
    let references = references(state, module, element, person, edit)?;
    for field in state.schema.fields(module).filter(|field| field.mandatory) {
        let reference = edit == Edit::Update && matches!(field.kind, Kind::Reference | Kind::Owner);
        let missing = match element.get(&field.name) {
            None => edit == Edit::Update,
            Some(_) if reference => !references.contains_key(&field.name),
            Some(value) => is_blank(value),
        };
        if missing {
            return Err(Problem::missing(&field.label, &field.name));
        }
    }
    let mut changed = record.clone();
    for field in state.schema.fields(module).filter(|field| field.is_stored_on_edit()) {
        let Some(value) = element.get(&field.name) else { continue };
        if KEPT_ELSEWHERE.contains(&field.name.as_str()) {
            continue;
        }
        let reference = references.get(&field.name);
        let written = match field.kind {
            Kind::Owner => {
                changed.owner = reference.copied().unwrap_or(changed.owner);
                None
            }
            Kind::Reference if reference.is_none() && edit == Edit::Update => None,
            Kind::Reference => Some(reference.map(u64::to_string).unwrap_or_default()),
            _ => Some(stored(&module.name, field, value, &person.formats)),
        };
        if let Some(written) = written {
            changed.values.insert(field.name.clone(), written);
        }
    }
    changed.modifier = person.id;
    changed.modified = now;
    changed.object_modified = now;
    derive(&state.schema, &state.store, &mut changed);
    Ok(changed)
}

/// The record numbers of the references that are set. Records that do not exist pass, other modules do not.
fn references(
    state: &State,
    module: &Module,
    element: &Map<String, Value>,
    person: &Person,
    edit: Edit,
) -> Result<BTreeMap<String, u64>, Problem> {
    let mut found = BTreeMap::new();
    for field in state.schema.fields(module) {
        if !matches!(field.kind, Kind::Reference | Kind::Owner) {
            continue;
        }
        let Some(value) = element.get(&field.name) else { continue };
        let text = php_text(value);
        if text.is_empty() || (text == "0" && edit == Edit::Update) {
            continue;
        }
        let crmid = reference(state, field, &text, person)?;
        found.insert(field.name.clone(), crmid);
    }
    Ok(found)
}

fn reference(state: &State, field: &Field, text: &str, person: &Person) -> Result<u64, Problem> {
    /// Potentials refer to campaigns, which the stand-in has not: such a reference is accepted and shows nothing.
    const CAMPAIGNS: &str = "1";
    let allowed: &[&str] = &["Users", "Groups"];
    match state.store.resolve(&state.schema, text) {
        Resolved::UnknownPrefix(prefix)
            if prefix == CAMPAIGNS && field.refers_to.iter().any(|each| each == "Campaigns") =>
        {
            Ok(super::value::id_of(text).parse().unwrap_or(0))
        }
        Resolved::UnknownPrefix(prefix) => Err(Problem::denied_for(&format!("id: {prefix}"))),
        Resolved::Id(target, crmid) => {
            let fits = match field.kind {
                Kind::Owner => allowed.contains(&target.name.as_str()),
                _ => field.refers_to.contains(&target.name),
            };
            if !fits {
                return Err(Problem::invalid_reference(&field.name));
            }
            if field.kind == Kind::Owner && !person.admin && state.store.alive(crmid).is_none() {
                return Err(Problem::new("ACCESS_DENIED", "Cannot assign record to the given user"));
            }
            Ok(crmid)
        }
    }
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

/// Fields that coreBOS works out itself at each save.
pub(crate) fn derive(schema: &Schema, store: &Store, record: &mut Record) {
    match record.module.as_str() {
        "Potentials" => {
            let forecast =
                leading_number(record.value("amount")) * leading_number(record.value("probability")) / 100.0;
            record.values.insert("forecast_amount".to_owned(), fixed(forecast, 6));
            let related = record.value("related_to").parse().ok().and_then(|crmid| store.alive(crmid));
            let email = related.map_or("", |related| match related.module.as_str() {
                "Accounts" => related.value("email1"),
                _ => related.value("email"),
            });
            record.values.insert("email".to_owned(), email.to_owned());
        }
        "cbMap" if schema.module("cbMap").is_some() => {
            let json = Element::parse(record.value("content")).map(|map| map.to_json().encode());
            record.values.insert("contentjson".to_owned(), json.unwrap_or_default());
        }
        "Users" => {
            let name = format!("{} {}", record.value("first_name"), record.value("last_name"));
            record.values.insert("ename".to_owned(), name);
        }
        _ => {}
    }
}

fn finish_user(store: &mut Store, record: &mut Record, element: &Map<String, Value>) {
    for (field, value) in USER_DEFAULTS {
        if record.value(field).is_empty() {
            record.values.insert(field.to_owned(), value.to_owned());
        }
    }
    let account = Account {
        access_key: uuid::Uuid::new_v4().simple().to_string().chars().take(16).collect(),
        password: element.get("user_password").map(php_text).unwrap_or_default(),
        static_tokens: Vec::new(),
    };
    store.accounts.insert(record.crmid, account);
}

/// Forty hexadecimal digits.
fn new_uuid() -> String {
    let (first, second) = (uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    format!("{first}{second}").chars().take(40).collect()
}
