//! What the bridge has written: found in the bodies of its requests by the values that people entered.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use simulators::WorkRecord;

use super::people::Side;

/// How often each value was written: by system, field and value.
pub(crate) type Effects = BTreeMap<(Side, String, String), usize>;

/// Counts what was written.
pub(crate) fn effects(side: Side, work: &[WorkRecord], values: &BTreeSet<String>) -> Effects {
    let mut effects = Effects::new();
    for record in work {
        for written in written(side, record) {
            count(&written, side, values, &mut effects);
        }
    }
    effects
}

/// How many requests have changed something.
pub(crate) fn writes(side: Side, work: &[WorkRecord]) -> usize {
    work.iter().filter(|record| !written(side, record).is_empty()).count()
}

/// The parts of a request that were written; none for a request that reads, or that was refused.
fn written(side: Side, record: &WorkRecord) -> Vec<Value> {
    match side {
        Side::CoreBos => corebos(record),
        Side::Mautic => mautic(record),
        Side::HubSpot => hubspot(record),
    }
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_default()
}

/// A form with the operation, and the record as JSON.
fn corebos(record: &WorkRecord) -> Vec<Value> {
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(&record.body)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let operation = form.get("operation").map(|name| name.to_lowercase()).unwrap_or_default();
    let writes = ["create", "revise", "update", "upsert", "masscreate"].contains(&operation.as_str());
    if !writes || json(&record.answer)["success"] != true {
        return Vec::new();
    }
    ["element", "elements"]
        .iter()
        .filter_map(|name| form.get(*name))
        .map(|text| json(text.as_bytes()))
        .collect()
}

fn mautic(record: &WorkRecord) -> Vec<Value> {
    if record.method == "GET" || record.method == "DELETE" || !record.path.starts_with("/api/") {
        return Vec::new();
    }
    if !(200..300).contains(&record.status) {
        return Vec::new();
    }
    let (body, answer) = (json(&record.body), json(&record.answer));
    match (body, answer["statusCodes"].as_array()) {
        // Each part of a batch has an answer of its own.
        (Value::Array(parts), Some(codes)) => {
            let done = |code: Option<&Value>| code.and_then(Value::as_u64).is_some_and(|code| code < 300);
            let parts = parts.into_iter().enumerate();
            parts.filter(|(at, _)| done(codes.get(*at))).map(|(_, part)| part).collect()
        }
        (body, _) => vec![body],
    }
}

fn hubspot(record: &WorkRecord) -> Vec<Value> {
    let reads = ["/search", "/batch/read"].iter().any(|end| record.path.ends_with(end));
    let is_object = record.path.contains("/objects/");
    if record.method == "GET" || record.method == "DELETE" || reads || !is_object {
        return Vec::new();
    }
    // What a 207 has done of a batch is in its results.
    match record.status {
        200 | 201 => vec![json(&record.body)],
        207 => vec![json(&record.answer)["results"].clone()],
        _ => Vec::new(),
    }
}

fn count(part: &Value, side: Side, values: &BTreeSet<String>, effects: &mut Effects) {
    match part {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if values.contains(text) => {
                        *effects.entry((side, name.clone(), text.clone())).or_default() += 1;
                    }
                    other => count(other, side, values, effects),
                }
            }
        }
        Value::Array(parts) => parts.iter().for_each(|part| count(part, side, values, effects)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(method: &str, path: &str, body: &str, status: u16, answer: &str) -> WorkRecord {
        WorkRecord {
            method: method.to_owned(),
            path: path.to_owned(),
            body: body.to_owned().into(),
            status,
            answer: answer.to_owned().into(),
        }
    }

    #[test]
    fn a_value_that_was_written_twice_is_counted_twice_in_every_system() {
        let values = BTreeSet::from(["city-1-7".to_owned()]);
        let element = "operation=revise&element=%7B%22mailingcity%22%3A%22city-1-7%22%7D";
        let cases = [
            (
                Side::CoreBos,
                "mailingcity",
                work("POST", "/webservice.php", element, 200, r#"{"success":true}"#),
            ),
            (
                Side::Mautic,
                "city",
                work("PATCH", "/api/contacts/3/edit", r#"{"city":"city-1-7"}"#, 200, "{}"),
            ),
            (
                Side::HubSpot,
                "city",
                work(
                    "POST",
                    "/crm/objects/2026-09/contacts/batch/update",
                    r#"{"inputs":[{"id":"1","properties":{"city":"city-1-7"}}]}"#,
                    200,
                    "{}",
                ),
            ),
        ];
        for (side, field, record) in cases {
            let found = effects(side, &[record.clone(), record], &values);
            assert_eq!(found.get(&(side, field.to_owned(), "city-1-7".to_owned())), Some(&2), "{side:?}");
        }
    }

    #[test]
    fn what_was_refused_or_only_read_was_not_written() {
        let values = BTreeSet::from(["city-1-7".to_owned()]);
        let batch = r#"[{"city":"city-1-7"}]"#;
        for (side, record) in [
            (Side::CoreBos, work("POST", "/webservice.php", "operation=query&query=city-1-7", 200, "{}")),
            (Side::Mautic, work("PATCH", "/api/contacts/3/edit", r#"{"city":"city-1-7"}"#, 422, "{}")),
            (Side::Mautic, work("PATCH", "/api/contacts/batch/edit", batch, 200, r#"{"statusCodes":[422]}"#)),
            (
                Side::HubSpot,
                work("POST", "/crm/objects/2026-09/contacts/search", r#"{"a":"city-1-7"}"#, 200, "{}"),
            ),
        ] {
            assert!(effects(side, &[record], &values).is_empty(), "{side:?}");
        }
    }
}
