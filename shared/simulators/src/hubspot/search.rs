//! `/crm/objects/{version}/{type}/search`: filters over an index that lags behind, and never past 10,000 results.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

use super::answer::Answer;
use super::kinds::Kind;
use super::state::{Record, State, Values};
use super::view::{Wanted, told};

/// Results of a query at most, over all its pages.
const RESULTS: usize = 10_000;
/// Records of a page at most.
const PAGE: usize = 200;
/// Characters of a body at most.
const BODY_CHARS: usize = 3_000;
/// Groups, filters of a group, filters in all.
const GROUPS: usize = 5;
const FILTERS: usize = 6;
const FILTERS_IN_ALL: usize = 18;

const OPERATORS: [&str; 13] = [
    "EQ",
    "NEQ",
    "LT",
    "LTE",
    "GT",
    "GTE",
    "BETWEEN",
    "IN",
    "NOT_IN",
    "HAS_PROPERTY",
    "NOT_HAS_PROPERTY",
    "CONTAINS_TOKEN",
    "NOT_CONTAINS_TOKEN",
];

struct Filter {
    property: String,
    operator: String,
    value: String,
    high: String,
    values: Vec<String>,
}

/// Answers a search.
pub(crate) fn search(
    state: &State,
    kind: Kind,
    body: &Json,
    size: usize,
    now: Timestamp,
    lag: SignedDuration,
) -> Answer {
    answer(state, kind, body, size, now, lag).unwrap_or_else(|refused| refused)
}

fn answer(
    state: &State,
    kind: Kind,
    body: &Json,
    size: usize,
    now: Timestamp,
    lag: SignedDuration,
) -> Result<Answer, Answer> {
    for required in ["filterGroups", "sorts", "properties", "limit", "after"] {
        if body.get(required).is_none() {
            let message = format!("Invalid input JSON: Some required fields were not set: [{required}]");
            return Err(Answer::invalid_input(&message));
        }
    }
    if size > BODY_CHARS {
        return Err(Answer::invalid_input(&format!(
            "The request body is longer than {BODY_CHARS} characters"
        )));
    }
    let limit = body["limit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(0);
    if !(1..=PAGE).contains(&limit) {
        return Err(Answer::invalid_input(&format!("limit must be between 1 and {PAGE}")));
    }
    let after: usize = match body["after"].as_str().unwrap_or_default() {
        "" => 0,
        text => text.parse().map_err(|_| Answer::invalid_input("after is not a valid cursor"))?,
    };
    if after + limit > RESULTS {
        return Err(Answer::invalid_input(&format!(
            "The maximum number of results for a query is {RESULTS}"
        )));
    }
    let groups = groups(state, kind, body)?;
    let sort = sort(state, kind, body)?;
    let mut found: Vec<(&Record, &Values)> = state
        .records
        .get(&kind)
        .into_iter()
        .flat_map(|records| records.values())
        .filter(|record| record.is_live())
        .filter_map(|record| Some((record, record.indexed(now, lag)?)))
        .filter(|(_, values)| {
            groups.is_empty() || groups.iter().any(|group| group.iter().all(|f| meets(values, f)))
        })
        .collect();
    if let Some((property, descending)) = &sort {
        found.sort_by(|(_, one), (_, other)| {
            let order = compare(value_of(one, property), value_of(other, property));
            if *descending { order.reverse() } else { order }
        });
    }
    let total = found.len();
    let texts = body["properties"].as_array().into_iter().flatten();
    let wanted = Wanted {
        properties: texts.filter_map(Json::as_str).map(str::to_owned).collect(),
        ..Wanted::default()
    };
    let page = found.iter().skip(after).take(limit);
    let results: Vec<Json> = page
        .map(|(record, values)| {
            // The index answers with what it knows.
            let known = Record { values: (*values).clone(), ..(*record).clone() };
            told(state, kind, &known, &wanted)
        })
        .collect();
    let mut answer = json!({ "total": total, "results": results });
    if after + limit < total {
        answer["paging"] = json!({ "next": { "after": (after + limit).to_string() } });
    }
    Ok(Answer::ok(answer))
}

fn groups(state: &State, kind: Kind, body: &Json) -> Result<Vec<Vec<Filter>>, Answer> {
    let Some(listed) = body["filterGroups"].as_array() else {
        return Err(Answer::invalid_input("filterGroups must be a list"));
    };
    let mut groups = Vec::new();
    for group in listed {
        let filters = group.get("filters").and_then(Json::as_array).cloned().unwrap_or_default();
        if filters.len() > FILTERS {
            return Err(Answer::invalid_input(&format!("A group takes at most {FILTERS} filters")));
        }
        groups.push(filters.iter().map(|each| filter(state, kind, each)).collect::<Result<Vec<_>, _>>()?);
    }
    if groups.len() > GROUPS || groups.iter().map(Vec::len).sum::<usize>() > FILTERS_IN_ALL {
        return Err(Answer::invalid_input("There are too many filters"));
    }
    Ok(groups)
}

fn filter(state: &State, kind: Kind, json: &Json) -> Result<Filter, Answer> {
    let text = |name: &str| match json.get(name) {
        None => Ok(String::new()),
        Some(Json::String(text)) => Ok(text.clone()),
        Some(_) => Err(Answer::invalid_input(&format!("Invalid input JSON: {name} must be a string"))),
    };
    let property = text("propertyName")?;
    if state.property(kind, &property).is_none() {
        return Err(Answer::invalid_input(&format!("Property \"{property}\" does not exist")));
    }
    let operator = text("operator")?;
    if !OPERATORS.contains(&operator.as_str()) {
        return Err(Answer::invalid_input(&format!("{operator} is not an operator")));
    }
    let values = json.get("values").and_then(Json::as_array).into_iter().flatten();
    let values: Vec<String> = values.filter_map(Json::as_str).map(str::to_owned).collect();
    if matches!(operator.as_str(), "IN" | "NOT_IN") && values.is_empty() {
        return Err(Answer::invalid_input(&format!("{operator} needs values")));
    }
    Ok(Filter { property, operator, value: text("value")?, high: text("highValue")?, values })
}

/// One sort: `name`, or `-name` for descending.
fn sort(state: &State, kind: Kind, body: &Json) -> Result<Option<(String, bool)>, Answer> {
    let Some(sorts) = body["sorts"].as_array() else {
        return Err(Answer::invalid_input("sorts must be a list"));
    };
    let Some(first) = sorts.first() else { return Ok(None) };
    if sorts.len() > 1 {
        return Err(Answer::invalid_input("Only one sort is allowed"));
    }
    let Some(text) = first.as_str() else {
        return Err(Answer::invalid_input("Invalid input JSON: sorts must be strings"));
    };
    let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
    if state.property(kind, name).is_none() {
        return Err(Answer::invalid_input(&format!("Property \"{name}\" does not exist")));
    }
    Ok(Some((name.to_owned(), descending)))
}

fn value_of<'a>(values: &'a Values, property: &str) -> &'a str {
    values.get(property).map_or("", String::as_str)
}

/// Moments are compared as milliseconds, numbers as numbers, everything else as text.
fn compare(one: &str, other: &str) -> Ordering {
    match (number(one), number(other)) {
        (Some(one), Some(other)) => one.total_cmp(&other),
        _ => one.cmp(other),
    }
}

/// Numbers are exact up to 2^53, which ids and milliseconds stay below.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of this era are exact in a double")]
fn number(text: &str) -> Option<f64> {
    match text.parse::<Timestamp>() {
        Ok(at) => Some(at.as_millisecond() as f64),
        Err(_) => text.parse().ok(),
    }
}

fn meets(values: &Values, filter: &Filter) -> bool {
    let stored = values.get(&filter.property).map(String::as_str);
    let Some(stored) = stored else {
        return matches!(
            filter.operator.as_str(),
            "NOT_HAS_PROPERTY" | "NEQ" | "NOT_IN" | "NOT_CONTAINS_TOKEN"
        );
    };
    let is = |value: &str| compare(stored, value) == Ordering::Equal || stored.eq_ignore_ascii_case(value);
    match filter.operator.as_str() {
        "EQ" => is(&filter.value),
        "NEQ" => !is(&filter.value),
        "LT" => compare(stored, &filter.value) == Ordering::Less,
        "LTE" => compare(stored, &filter.value) != Ordering::Greater,
        "GT" => compare(stored, &filter.value) == Ordering::Greater,
        "GTE" => compare(stored, &filter.value) != Ordering::Less,
        "BETWEEN" => {
            compare(stored, &filter.value) != Ordering::Less
                && compare(stored, &filter.high) != Ordering::Greater
        }
        // Values of texts must be lower case here: others meet nothing.
        "IN" => filter.values.iter().any(|value| stored.to_lowercase() == *value),
        "NOT_IN" => !filter.values.iter().any(|value| stored.to_lowercase() == *value),
        "HAS_PROPERTY" => true,
        "CONTAINS_TOKEN" => has_token(stored, &filter.value),
        "NOT_CONTAINS_TOKEN" => !has_token(stored, &filter.value),
        _ => false,
    }
}

/// Whole words, letter case ignored; `*` stands for any ending.
fn has_token(stored: &str, wanted: &str) -> bool {
    let stored = stored.to_lowercase();
    let wanted = wanted.to_lowercase();
    let mut words = stored.split(|c: char| !c.is_alphanumeric());
    match wanted.strip_suffix('*') {
        Some(beginning) => words.any(|word| word.starts_with(beginning)),
        None => words.any(|word| word == wanted),
    }
}
