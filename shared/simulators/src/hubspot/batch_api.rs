//! `/crm/objects/{version}/{type}/batch/...`: up to a hundred at once.
//!
//! A record that is missing makes a read or an update partial (207). A create or upsert that clashes with another
//! record refuses the whole batch (409), and a value that is not taken refuses it too (400).

use serde_json::{Value as Json, json};

use super::answer::Answer;
use super::kinds::Kind;
use super::objects_api::{after_write, find};
use super::properties::written;
use super::records::{Work, associations_of, values_of};
use super::state::Record;
use super::view::{Wanted, told};

/// Inputs of one batch at most.
const INPUTS: usize = 100;

fn inputs(body: &Json) -> Result<&Vec<Json>, Answer> {
    match body.get("inputs").and_then(Json::as_array) {
        None => Err(Answer::invalid_input("Invalid input JSON: Some required fields were not set: [inputs]")),
        Some(inputs) if inputs.is_empty() => Err(Answer::invalid_input("inputs must not be empty")),
        Some(inputs) if inputs.len() > INPUTS => {
            Err(Answer::invalid_input(&format!("The maximum number of inputs is {INPUTS}")))
        }
        Some(inputs) => Ok(inputs),
    }
}

fn id_of(input: &Json) -> Result<&str, Answer> {
    input
        .get("id")
        .and_then(Json::as_str)
        .ok_or_else(|| Answer::invalid_input("Invalid input JSON: Some required fields were not set: [id]"))
}

/// The answer to a batch, with what did not work. HubSpot promises no order of the results: it is never that of the inputs.
fn done(work: &Work<'_>, status: u16, mut results: Vec<Json>, missing: &[String]) -> Answer {
    let at = written(work.now);
    results.reverse();
    let body = json!({ "status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at });
    if missing.is_empty() {
        return Answer::of(status, body);
    }
    let errors = json!([{
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": "Could not get some objects, they may be deleted or not exist. Check that ids are valid.",
        "context": { "ids": missing },
    }]);
    Answer::of(207, body).with("numErrors", json!(1)).with("errors", errors)
}

/// Batch reads know no associations, and no ids of records that were merged.
pub(crate) fn read(work: &Work<'_>, kind: Kind, body: &Json) -> Result<Answer, Answer> {
    for required in ["properties", "propertiesWithHistory"] {
        if !body.get(required).is_some_and(Json::is_array) {
            let message = format!("Invalid input JSON: Some required fields were not set: [{required}]");
            return Err(Answer::invalid_input(&message));
        }
    }
    let texts = |name: &str| -> Vec<String> {
        let list = body.get(name).and_then(Json::as_array).into_iter().flatten();
        list.filter_map(Json::as_str).map(str::to_owned).collect()
    };
    let wanted = Wanted {
        properties: texts("properties"),
        history: texts("propertiesWithHistory"),
        associations: Vec::new(),
    };
    let by = body.get("idProperty").and_then(Json::as_str);
    let (mut results, mut missing) = (Vec::new(), Vec::new());
    for input in inputs(body)? {
        let id = id_of(input)?;
        match find(work.state, kind, id, by)? {
            Some(record) if record.is_live() && (by.is_some() || record.id.to_string() == id) => {
                results.push(told(work.state, kind, record, &wanted));
            }
            _ => missing.push(id.to_owned()),
        }
    }
    Ok(done(work, 200, results, &missing))
}

pub(crate) fn create(work: &mut Work<'_>, kind: Kind, body: &Json) -> Result<Answer, Answer> {
    whole(work, kind, |work, _| {
        let mut results = Vec::new();
        for input in inputs(body)? {
            let values = values_of(input)?;
            let id = work.create(kind, &values, &associations_of(input)?)?;
            let mut told = after_write(work.state, kind, id, &values);
            if let Some(trace) = input.get("objectWriteTraceId") {
                told["objectWriteTraceId"] = trace.clone();
            }
            results.push(told);
        }
        Ok(done(work, 201, results, &[]))
    })
}

/// What a batch has changed so far: nothing of a refused one stays.
struct Before {
    last_id: u64,
    records: Vec<Record>,
}

impl Before {
    fn of(work: &Work<'_>) -> Self {
        Self { last_id: work.state.next_id, records: Vec::new() }
    }

    fn keep(&mut self, work: &Work<'_>, kind: Kind, id: u64) {
        self.records.extend(work.state.record(kind, id).cloned());
    }

    fn restore(self, work: &mut Work<'_>, kind: Kind) {
        let last_id = self.last_id;
        let records = work.state.records.entry(kind).or_default();
        // The first of several states is the oldest.
        records.extend(self.records.into_iter().rev().map(|record| (record.id, record)));
        records.retain(|id, _| *id <= last_id);
        let is_new = |end: (Kind, u64)| end.0 == kind && end.1 > last_id;
        work.state.associations.retain(|each| !is_new(each.from) && !is_new(each.to));
        work.state.next_id = last_id;
        work.events.clear();
    }
}

/// Does all of a batch, or nothing.
fn whole<'a>(
    work: &mut Work<'a>,
    kind: Kind,
    run: impl FnOnce(&mut Work<'a>, &mut Before) -> Result<Answer, Answer>,
) -> Result<Answer, Answer> {
    let mut before = Before::of(work);
    let answer = run(work, &mut before);
    if answer.is_err() {
        before.restore(work, kind);
    }
    answer
}

pub(crate) fn update(work: &mut Work<'_>, kind: Kind, body: &Json) -> Result<Answer, Answer> {
    whole(work, kind, |work, before| {
        let (mut results, mut missing) = (Vec::new(), Vec::new());
        for input in inputs(body)? {
            let id = id_of(input)?;
            let by = input.get("idProperty").and_then(Json::as_str);
            if kind == Kind::Contact && by == Some("email") {
                return Err(Answer::invalid_input(
                    "Unable to perform update/upsert by non-unique 0-1 property",
                ));
            }
            let values = values_of(input)?;
            let found = find(work.state, kind, id, by)?
                .filter(|record| record.is_live() && (by.is_some() || record.id.to_string() == id))
                .map(|record| record.id);
            let Some(found) = found else {
                missing.push(id.to_owned());
                continue;
            };
            before.keep(work, kind, found);
            work.update(kind, found, &values)?;
            results.push(after_write(work.state, kind, found, &values));
        }
        Ok(done(work, 200, results, &missing))
    })
}

pub(crate) fn upsert(work: &mut Work<'_>, kind: Kind, body: &Json) -> Result<Answer, Answer> {
    whole(work, kind, |work, before| {
        let mut results = Vec::new();
        for input in inputs(body)? {
            let id = id_of(input)?;
            let by = input.get("idProperty").and_then(Json::as_str);
            let Some(by) = by else { return Err(Answer::invalid_input("idProperty is required")) };
            let mut values = values_of(input)?;
            let found = find(work.state, kind, id, Some(by))?.map(|record| record.id);
            let (id, new) = if let Some(found) = found {
                before.keep(work, kind, found);
                work.update(kind, found, &values)?;
                (found, false)
            } else {
                values.entry(by.to_owned()).or_insert_with(|| id.to_owned());
                (work.create(kind, &values, &[])?, true)
            };
            let mut told = after_write(work.state, kind, id, &values);
            told["new"] = json!(new);
            results.push(told);
        }
        Ok(done(work, 200, results, &[]))
    })
}

pub(crate) fn archive(work: &mut Work<'_>, kind: Kind, body: &Json) -> Result<Answer, Answer> {
    for input in inputs(body)? {
        let id = id_of(input)?.parse().ok();
        if let Some(id) = id {
            work.archive(kind, id);
        }
    }
    Ok(Answer::no_content())
}
