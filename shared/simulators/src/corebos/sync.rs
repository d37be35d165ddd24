//! `sync`: what changed after a second, a page at a time.

use super::json::Json;
use super::problem::Problem;
use super::schema::Module;
use super::state::{Person, State};
use super::store::{Record, wsid};

/// The user who sees everything without asking (`$cbodCSAppSyncUser`, G006).
const FIRST_USER: u64 = 1;

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    /// Seconds since 1970; only what changed in a later second is found.
    pub(crate) since: i64,
    /// Module names joined by commas; empty for all.
    pub(crate) modules: &'a str,
    /// `application` to see the records of all owners.
    pub(crate) kind: &'a str,
    /// Rows of a page before the rest of its last second.
    pub(crate) page: usize,
}

/// The changes of one page: everything up to and including the second of its last row.
pub(crate) fn changes(state: &State, request: &Request<'_>, person: &Person) -> Result<Json, Problem> {
    if request.kind == "application" && !person.admin {
        return Err(Problem::new("ACCESS_DENIED", "Only admin users can perform application sync"));
    }
    let everyone = request.kind == "application" || person.id == FIRST_USER;
    let modules = modules(state, request.modules, person)?;
    // Several modules are read through a table that does not notice the conversion of a lead.
    let time = if request.modules.contains(',') || request.modules.is_empty() {
        |record: &Record| record.object_modified
    } else {
        |record: &Record| record.modified
    };
    let concerned = |record: &&Record| {
        modules.iter().any(|module| module.name == record.module)
            && time(record) > request.since
            && (everyone || record.owner == person.id)
    };
    let mut times: Vec<i64> = state.store.records.values().filter(concerned).map(time).collect();
    times.sort_unstable();
    let last = times.iter().take(request.page).next_back().copied().unwrap_or(request.since);
    let more = times.iter().any(|each| *each > last);
    let (mut updated, mut deleted) = (Vec::new(), Vec::new());
    for module in &modules {
        let rows = state.store.records.values().filter(concerned);
        for record in rows.filter(|record| record.module == module.name && time(record) <= last) {
            if record.is_listed() {
                // A record whose owner does not exist is left out without a word.
                updated.extend(row(state, record, module).ok());
            } else {
                deleted.push(Json::Text(wsid(module, record.crmid)));
            }
        }
    }
    Ok(Json::object([
        ("updated", Json::List(updated)),
        ("deleted", Json::List(deleted)),
        ("more", Json::Bool(more)),
        ("lastModifiedTime", Json::Integer(last)),
    ]))
}

fn modules<'a>(state: &'a State, names: &str, person: &Person) -> Result<Vec<&'a Module>, Problem> {
    if names.is_empty() {
        return Ok(state.schema.modules().filter(|module| module.has_entity).collect());
    }
    let mut found = Vec::new();
    for name in names.split(',').map(str::trim) {
        let module = state.module_for(name, person)?;
        if !module.has_entity && module.name != "Users" {
            return Err(Problem::denied());
        }
        // Users are an entity for the permission and nothing for the search.
        if module.has_entity {
            found.push(module);
        }
    }
    Ok(found)
}

/// The flat record without its uuid, with the flags that the search looked at.
fn row(state: &State, record: &Record, module: &Module) -> Result<Json, Problem> {
    let mut entries = state.view().flat(record)?;
    entries.retain(|(name, _)| name != "cbuuid");
    entries.push(("deleted".to_owned(), Json::text("0")));
    if module.name == "Leads" {
        entries.push(("converted".to_owned(), Json::text("0")));
    }
    Ok(Json::Object(entries))
}
