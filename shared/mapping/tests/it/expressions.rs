//! Recorded answers of coreBOS's own expression engine: under `CoreBos` every case must agree.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use mapping::{Expression, Semantics, Surroundings};
use model::{Fields, Value};
use serde::Deserialize;

/// One line of `fixtures/expressions.jsonl`.
#[derive(Deserialize)]
struct Case {
    id: String,
    feature: String,
    expr: String,
    env: Option<Fields>,
    result: Value,
}

fn answer(case: &Case, semantics: Semantics) -> Result<Value, String> {
    let expression = Expression::compile(&case.expr, semantics).map_err(|error| error.to_string())?;
    // A few recordings use the clock in a place where the time makes no difference.
    let surroundings = Surroundings { now: Some(1_795_000_000), ..Surroundings::default() };
    expression.evaluate(case.env.as_ref(), &surroundings).map_err(|error| error.to_string())
}

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    include_str!("../../fixtures/expressions.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
});

/// What our engine answers to a case, as JSON; `None` if there is no such case.
pub(crate) fn answer_to(id: &str, semantics: Semantics) -> Option<String> {
    let case = CASES.iter().find(|case| case.id == id)?;
    Some(answer(case, semantics).map_or_else(|_| "error".to_owned(), |value| value.to_json_text()))
}

fn expects_error(case: &Case) -> bool {
    matches!(&case.result, Value::Array(array) if array.len() == 1 && array.get(&"error".into()).is_some())
}

#[test]
fn corebos_semantics_agrees_with_every_recorded_expression() {
    let mut disagreements = String::new();
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for case in CASES.iter() {
        let answer = answer(case, Semantics::CoreBos);
        let agrees = match &answer {
            // These hang on coreBOS's own data and must be refused when they are compiled.
            _ if case.feature == "unsupported" => {
                Expression::compile(&case.expr, Semantics::CoreBos).is_err()
            }
            Ok(value) => !expects_error(case) && value.to_json_text() == case.result.to_json_text(),
            Err(_) => expects_error(case),
        };
        let count = counts.entry(case.feature.clone()).or_default();
        count.0 += usize::from(agrees);
        count.1 += 1;
        if !agrees {
            let answer = answer.map_or_else(|error| error, |value| value.to_json_text());
            let env = case.env.as_ref().map(Fields::to_json_text).unwrap_or_default();
            let (expected, expr) = (case.result.to_json_text(), &case.expr);
            writeln!(disagreements, "{} {expr} @{env}\n  expected {expected}\n  answered {answer}", case.id)
                .unwrap();
        }
    }
    let total: usize = counts.values().map(|count| count.1).sum();
    let agreed: usize = counts.values().map(|count| count.0).sum();
    assert!(disagreements.is_empty(), "{disagreements}\n{agreed} of {total} agree");
    assert!(total > 3000, "{total}");
}
