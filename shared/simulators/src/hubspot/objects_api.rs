//! `/crm/objects/{version}/{type}`: one record at a time, lists, merges, privacy deletions.

use serde_json::{Value as Json, json};

use super::answer::Answer;
use super::http::Call;
use super::kinds::Kind;
use super::records::{Work, associations_of, values_of};
use super::state::{Record, State, Values};
use super::view::{Wanted, told};

/// Records of a page at most.
const PAGE: usize = 100;

/// What the query asks for.
pub(crate) fn wanted(call: &Call) -> Wanted {
    let list = |name: &str| -> Vec<String> {
        let all = call.query.iter().filter(|(key, _)| key == name);
        all.flat_map(|(_, value)| value.split(','))
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    Wanted {
        properties: list("properties"),
        history: list("propertiesWithHistory"),
        associations: list("associations").iter().filter_map(|name| Kind::of(name)).collect(),
    }
}

/// The record that an id in a path names: by its number, or by the unique property of `idProperty`.
pub(crate) fn find<'a>(
    state: &'a State,
    kind: Kind,
    id: &str,
    by: Option<&str>,
) -> Result<Option<&'a Record>, Answer> {
    match by {
        None | Some("hs_object_id") => Ok(id.parse().ok().and_then(|id| state.survivor(kind, id))),
        Some(property) => match state.property(kind, property) {
            Some(found) if found.unique => Ok(state.by_unique(kind, property, id)),
            Some(_) => Err(Answer::invalid_input(&format!("Property {property} is not a unique property"))),
            None => Err(Answer::invalid_input(&format!("Property \"{property}\" does not exist"))),
        },
    }
}

pub(crate) fn read(call: &Call, state: &State, kind: Kind, id: &str) -> Answer {
    let archived = call.flag("archived");
    match find(state, kind, id, call.parameter("idProperty")) {
        Err(answer) => answer,
        Ok(Some(record)) if !record.erased && record.archived_at.is_some() == archived => {
            Answer::ok(told(state, kind, record, &wanted(call)))
        }
        Ok(_) => Answer::no_record(),
    }
}

pub(crate) fn list(call: &Call, state: &State, kind: Kind) -> Answer {
    let limit = match call.parameter("limit").map(str::parse::<usize>) {
        None => 10,
        Some(Ok(limit)) if (1..=PAGE).contains(&limit) => limit,
        Some(_) => return Answer::invalid_input(&format!("limit must be between 1 and {PAGE}")),
    };
    let after: u64 = match call.parameter("after").map(str::parse) {
        None => 0,
        Some(Ok(after)) => after,
        Some(Err(_)) => return Answer::invalid_input("after is not a valid cursor"),
    };
    let archived = call.flag("archived");
    let shown = |record: &&Record| {
        if archived {
            record.archived_at.is_some() && !record.erased && record.merged_into.is_none()
        } else {
            record.is_live()
        }
    };
    let records =
        state.records.get(&kind).into_iter().flat_map(|all| all.range(after..)).map(|(_, record)| record);
    let mut found: Vec<&Record> = records.filter(shown).take(limit + 1).collect();
    let next = if found.len() > limit { found.pop().map(|record| record.id) } else { None };
    let wanted = wanted(call);
    let results: Vec<Json> = found.into_iter().map(|record| told(state, kind, record, &wanted)).collect();
    let mut body = json!({ "results": results });
    if let Some(next) = next {
        body["paging"] = json!({ "next": { "after": next.to_string() } });
    }
    Answer::ok(body)
}

pub(crate) fn create(work: &mut Work<'_>, kind: Kind, body: &Json) -> Answer {
    let made = values_of(body)
        .and_then(|values| Ok((values, associations_of(body)?)))
        .and_then(|(values, associations)| Ok((work.create(kind, &values, &associations)?, values)));
    match made {
        Err(answer) => answer,
        Ok((id, values)) => {
            let location = format!("https://api.hubapi.com/crm/objects/{}/{id}", kind.plural());
            Answer::created(after_write(work.state, kind, id, &values), &location)
        }
    }
}

/// What a write answers: the properties that were sent, and those that HubSpot itself keeps. Not the others.
pub(crate) fn after_write(state: &State, kind: Kind, id: u64, sent: &Values) -> Json {
    state.record(kind, id).map_or(Json::Null, |record| {
        let own = ["hs_object_id", kind.created_property(), kind.modified_property()];
        let names = own.into_iter().map(str::to_owned).chain(sent.keys().cloned());
        let mut told =
            told(state, kind, record, &Wanted { properties: names.clone().collect(), ..Wanted::default() });
        let names: Vec<String> = names.collect();
        if let Some(properties) = told["properties"].as_object_mut() {
            properties.retain(|name, _| names.contains(name));
        }
        told
    })
}

/// A single update reaches the survivor of a merge by an old id.
pub(crate) fn update(call: &Call, work: &mut Work<'_>, kind: Kind, id: &str, body: &Json) -> Answer {
    let values = match values_of(body) {
        Ok(values) => values,
        Err(answer) => return answer,
    };
    let found = match find(work.state, kind, id, call.parameter("idProperty")) {
        Err(answer) => return answer,
        Ok(found) => found.filter(|record| record.is_live()).map(|record| record.id),
    };
    let Some(found) = found else { return Answer::no_record() };
    match work.update(kind, found, &values) {
        Ok(()) => Answer::ok(after_write(work.state, kind, found, &values)),
        Err(answer) => answer,
    }
}

pub(crate) fn archive(work: &mut Work<'_>, kind: Kind, id: &str) -> Answer {
    // An old id of a merge acts on the survivor here too.
    let found = id.parse().ok().and_then(|id| work.state.survivor(kind, id)).map(|record| record.id);
    if let Some(found) = found {
        work.archive(kind, found);
    }
    Answer::no_content()
}

pub(crate) fn merge(work: &mut Work<'_>, kind: Kind, body: &Json) -> Answer {
    if kind == Kind::Lead {
        return Answer::invalid_input("Merging is not supported for this object type");
    }
    let id = |name: &str| body.get(name).and_then(Json::as_str).and_then(|id| id.parse::<u64>().ok());
    let (Some(primary), Some(other)) = (id("primaryObjectId"), id("objectIdToMerge")) else {
        return Answer::invalid_input("primaryObjectId and objectIdToMerge are required");
    };
    if primary == other {
        return Answer::invalid_input("A record cannot be merged with itself");
    }
    match work.merge(kind, primary, other) {
        Ok(id) => {
            let all = work.state.record(kind, id).map(|record| record.values.clone()).unwrap_or_default();
            Answer::ok(after_write(work.state, kind, id, &all))
        }
        Err(answer) => answer,
    }
}

pub(crate) fn erase(work: &mut Work<'_>, body: &Json) -> Answer {
    let Some(id) = body.get("objectId").and_then(Json::as_str) else {
        return Answer::invalid_input("objectId is required");
    };
    let found = match find(work.state, Kind::Contact, id, body.get("idProperty").and_then(Json::as_str)) {
        Err(answer) => return answer,
        Ok(found) => found.map(|record| record.id),
    };
    if let Some(found) = found {
        work.erase(found);
    }
    Answer::no_content()
}
