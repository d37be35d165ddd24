//! Recorded answers of coreBOS's own map engine with a record: under `CoreBos` every case must agree.

use std::fmt::Write as _;
use std::sync::LazyLock;

use mapping::{FieldMap, Record, Semantics, Surroundings};
use model::{Fields, Value};
use serde::Deserialize;

use crate::users::Users;

/// One line of `fixtures/outbound.jsonl`.
#[derive(Deserialize)]
struct Case {
    id: String,
    feature: String,
    mode: String,
    module: String,
    record: Fields,
    related: Fields,
    source: Option<Fields>,
    map: String,
    target: Fields,
    result: Fields,
}

/// Whether a case is in the list of those that must be refused when the map is loaded.
fn is_refused(id: &str) -> bool {
    include_str!("../../fixtures/refused.txt").lines().any(|line| line.split(' ').next() == Some(id))
}

fn related_records(case: &Case) -> Users {
    let mut records = Users::recorded();
    for (id, record) in case.related.iter() {
        let fields: Fields = serde_json::from_str(&record.to_json_text()).unwrap();
        let module = if fields.contains("user_name") {
            "Users"
        } else if fields.contains("groupname") {
            "Groups"
        } else if fields.contains("accountname") {
            "Accounts"
        } else {
            "Contacts"
        };
        records.add(id, module, fields);
    }
    records
}

fn answer(case: &Case, semantics: Semantics) -> Result<Fields, String> {
    let map = FieldMap::compile(&case.id, case.map.as_bytes(), semantics).map_err(|e| e.to_string())?;
    let related = related_records(case);
    let with_record = case.mode == "record";
    let surroundings = Surroundings {
        now: Some(1_795_000_000),
        related: Some(&related),
        record: with_record.then_some(Record { module: &case.module, fields: &case.record }),
        ..Surroundings::default()
    };
    let source = case.source.as_ref().unwrap_or(&case.record);
    map.evaluate_onto(source, case.target.clone(), &surroundings).map_err(|e| e.to_string())
}

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    include_str!("../../fixtures/outbound.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
});

/// What our engine answers to a case, as JSON; `None` if there is no such case.
pub(crate) fn answer_to(id: &str, semantics: Semantics) -> Option<String> {
    let case = CASES.iter().find(|case| case.id == id)?;
    Some(answer(case, semantics).map_or_else(|_| "error".to_owned(), |fields| fields.to_json_text()))
}

#[test]
fn corebos_semantics_agrees_with_every_recorded_outbound_case() {
    let mut disagreements = String::new();
    let mut count = 0;
    for case in CASES.iter() {
        let answer = answer(case, Semantics::CoreBos);
        count += 1;
        let expects_error =
            case.result.len() == 1 && matches!(case.result.get("error"), Some(Value::Text(_)));
        let agrees = match &answer {
            Ok(fields) => !expects_error && fields.to_json_text() == case.result.to_json_text(),
            Err(_) => expects_error || is_refused(&case.id),
        };
        if !agrees {
            let answer = answer.map_or_else(|error| error, |fields| fields.to_json_text());
            let expected = case.result.to_json_text();
            let (id, feature, mode, map) = (&case.id, &case.feature, &case.mode, &case.map);
            writeln!(
                disagreements,
                "{id} {feature} {mode}\n  expected {expected}\n  answered {answer}\n  map {map}"
            )
            .unwrap();
        }
    }
    assert!(disagreements.is_empty(), "{disagreements}");
    assert!(count > 300, "{count}");
}
