//! Recorded answers of coreBOS's own map engine: under `CoreBos` every case must agree.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use mapping::{FieldMap, Semantics, Surroundings};
use model::{Fields, Value};
use serde::Deserialize;

/// One line of `fixtures/inbound.jsonl`.
#[derive(Deserialize)]
struct Case {
    id: String,
    feature: String,
    map: String,
    #[serde(default)]
    content: Option<String>,
    source: Fields,
    target: Fields,
    result: Fields,
}

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    include_str!("../../fixtures/inbound.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
});

/// What our engine answers: the fields, or the text of an error.
fn answer(case: &Case, semantics: Semantics) -> Result<Fields, String> {
    let text = match case.content.as_deref() {
        Some("direct") => mapping::decode_entities(&case.map),
        _ => case.map.clone(),
    };
    let map = FieldMap::compile(&case.id, text.as_bytes(), semantics).map_err(|e| e.to_string())?;
    let users = crate::users::Users::recorded();
    let surroundings =
        Surroundings { now: Some(1_795_000_000), related: Some(&users), ..Surroundings::default() };
    map.evaluate_onto(&case.source, case.target.clone(), &surroundings).map_err(|e| e.to_string())
}

/// What our engine answers to a case, as JSON; `None` if there is no such case.
pub(crate) fn answer_to(id: &str, semantics: Semantics) -> Option<String> {
    let case = CASES.iter().find(|case| case.id == id)?;
    Some(answer(case, semantics).map_or_else(|_| "error".to_owned(), |fields| fields.to_json_text()))
}

fn expects_error(case: &Case) -> bool {
    matches!(case.result.get("error"), Some(Value::Text(_))) && case.result.len() == 1
}

#[test]
fn corebos_semantics_agrees_with_every_recorded_inbound_case() {
    let mut disagreements = String::new();
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for case in CASES.iter() {
        let answer = answer(case, Semantics::CoreBos);
        let agrees = match &answer {
            Ok(fields) => !expects_error(case) && fields.to_json_text() == case.result.to_json_text(),
            Err(_) => expects_error(case),
        };
        let count = counts.entry(case.feature.clone()).or_default();
        count.0 += usize::from(agrees);
        count.1 += 1;
        if !agrees {
            let answer = answer.map_or_else(|error| error, |fields| fields.to_json_text());
            let expected = case.result.to_json_text();
            writeln!(
                disagreements,
                "{} {}\n  expected {expected}\n  answered {answer}\n  map {}\n  source {}",
                case.id,
                case.feature,
                case.map,
                case.source.to_json_text()
            )
            .unwrap();
        }
    }
    assert!(disagreements.is_empty(), "{disagreements}\n{counts:?}");
    assert!(counts.values().map(|count| count.1).sum::<usize>() > 3900, "{counts:?}");
}
