//! Holds our answers against recorded answers of coreBOS's own engine.
//!
//! A recording is one JSON object: an inbound map (`map`, `source`, `target`), an expression (`expr`, `env`)
//! or an outbound map (`map`, `mode`, `module`, `record`, `related`, perhaps `source`), with coreBOS's
//! `result`, which is `{"error": ...}` where it threw.

use std::collections::HashMap;

use model::{Fields, Key, Value};
use serde::Deserialize;

use crate::evaluate::Surroundings;
use crate::expression::Expression;
use crate::map::FieldMap;
use crate::php::entities;
use crate::record::{Record, RelatedRecord, RelatedRecords};
use crate::semantics::Semantics;

/// The moment that evaluations take for now. No recording hangs on it.
const NOW: i64 = 1_795_000_000;

/// A recorded answer.
#[derive(Clone, Debug, Deserialize)]
pub struct Recording {
    /// Its name.
    pub id: String,
    /// What it is about.
    #[serde(default)]
    pub feature: String,
    #[serde(flatten)]
    question: Question,
    result: Value,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Question {
    Expression {
        expr: String,
        env: Option<Fields>,
    },
    Outbound {
        map: String,
        mode: Mode,
        module: String,
        record: Fields,
        related: Fields,
        source: Option<Fields>,
        #[serde(default)]
        target: Fields,
    },
    Inbound {
        map: String,
        /// `direct` if the text did not go through coreBOS's storage, which decodes it once.
        content: Option<String>,
        source: Fields,
        #[serde(default)]
        target: Fields,
    },
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Record,
    Bag,
}

/// How our answer compares.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Both answers are the same, or both are errors.
    Agrees,
    /// We refuse the map or the expression by name when it is loaded, because only coreBOS can evaluate it.
    Refused {
        /// Why.
        reason: String,
        /// Whether coreBOS throws there, so that both have no value.
        throws: bool,
    },
    /// The answers differ.
    Disagrees {
        /// What coreBOS answered, as JSON.
        expected: String,
        /// What we answer, as JSON, or why we do not.
        answered: String,
    },
}

/// Our answer: JSON, or why there is none and whether only coreBOS could give one.
enum Answer {
    Json(String),
    Error { text: String, needs_corebos: bool },
}

impl Recording {
    /// Reads a recording from its JSON.
    pub fn parse(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// Holds our answer against the recorded one.
    pub fn verify(&self, semantics: Semantics) -> Verdict {
        let is_error = matches!(&self.result, Value::Array(result)
            if result.len() == 1 && matches!(result.get(&Key::from("error")), Some(Value::Text(_))));
        let expected = self.result.to_json_text();
        match self.ask(semantics) {
            // Never agreement: it was not evaluated.
            Answer::Error { text, needs_corebos: true } => {
                Verdict::Refused { reason: text, throws: is_error }
            }
            Answer::Error { .. } if is_error => Verdict::Agrees,
            Answer::Json(json) if !is_error && json == expected => Verdict::Agrees,
            Answer::Json(answered) | Answer::Error { text: answered, .. } => {
                Verdict::Disagrees { expected, answered }
            }
        }
    }

    /// Our answer as JSON, or nothing if it is an error.
    pub fn answer(&self, semantics: Semantics) -> Option<String> {
        match self.ask(semantics) {
            Answer::Json(json) => Some(json),
            Answer::Error { .. } => None,
        }
    }

    fn ask(&self, semantics: Semantics) -> Answer {
        match &self.question {
            Question::Expression { expr, env } => expression(expr, env.as_ref(), semantics),
            Question::Inbound { map, content, source, target } => {
                let decoded = (content.as_deref() == Some("direct")).then(|| entities::decode(map));
                let records = Records::default();
                let surroundings = surroundings(&records, None);
                evaluate(
                    &self.id,
                    decoded.as_deref().unwrap_or(map),
                    source,
                    target,
                    &surroundings,
                    semantics,
                )
            }
            Question::Outbound { map, mode, module, record, related, source, target } => {
                let records = Records::of(record, related);
                let seen = (*mode == Mode::Record).then_some(Record { module, fields: record });
                let surroundings = surroundings(&records, seen);
                let source = source.as_ref().unwrap_or(record);
                evaluate(&self.id, map, source, target, &surroundings, semantics)
            }
        }
    }
}

fn surroundings<'a>(records: &'a Records, record: Option<Record<'a>>) -> Surroundings<'a> {
    Surroundings { now: Some(NOW), related: Some(records), record, ..Surroundings::default() }
}

fn expression(text: &str, env: Option<&Fields>, semantics: Semantics) -> Answer {
    let surroundings = Surroundings { now: Some(NOW), ..Surroundings::default() };
    let value =
        Expression::compile(text, semantics).and_then(|compiled| compiled.evaluate(env, &surroundings));
    match value {
        Ok(value) => Answer::Json(value.to_json_text()),
        Err(error) => Answer::Error { needs_corebos: error.needs_corebos(), text: error.to_string() },
    }
}

fn evaluate(
    id: &str,
    xml: &str,
    source: &Fields,
    target: &Fields,
    surroundings: &Surroundings<'_>,
    semantics: Semantics,
) -> Answer {
    let map = match FieldMap::compile(id, xml.as_bytes(), semantics) {
        Ok(map) => map,
        Err(error) => return Answer::Error { needs_corebos: error.needs_corebos(), text: error.to_string() },
    };
    match map.evaluate_onto(source, target.clone(), surroundings) {
        Ok(made) => {
            // PHP's arrays do not tell an object with the keys 0 to n-1 from a list; nor does the recording.
            let array: model::Array =
                made.into_iter().map(|(name, value)| (Key::from(name), value)).collect();
            Answer::Json(Value::Array(array).to_json_text())
        }
        Err(error) => Answer::Error { text: error.to_string(), needs_corebos: false },
    }
}

/// The records that a recording refers to, and the users of the coreBOS that was recorded.
struct Records(Vec<(String, String, Fields)>);

/// Users 19x1, 19x5 and 19x6: name, first and last name, date format, decimals, grouping, number of decimals.
#[rustfmt::skip]
const USERS: [[&str; 8]; 3] = [
    ["19x1", "admin", "", "Administrator", "yyyy-mm-dd", ".", ",", "2"],
    ["19x5", "peer2", "Peer", "Two", "dd-mm-yyyy", ".", ",", "2"],
    ["19x6", "peer3", "Père", "Trois", "mm-dd-yyyy", ",", ".", "3"],
];

/// The names of these columns in coreBOS.
const USER_FIELDS: [&str; 8] = [
    "id",
    "user_name",
    "first_name",
    "last_name",
    "date_format",
    "currency_decimal_separator",
    "currency_grouping_separator",
    "no_of_currency_decimals",
];

impl Default for Records {
    fn default() -> Self {
        let users = USERS.iter().map(|user| {
            let fields: Fields = USER_FIELDS.into_iter().zip(user.iter().copied()).collect();
            (user.first().copied().unwrap_or_default().to_owned(), "Users".to_owned(), fields)
        });
        let members: model::Array = ["19x5", "19x6"].into_iter().map(Value::from).collect();
        let group: Fields = [
            ("id", Value::from("20x2")),
            ("groupname", Value::from("Team Selling")),
            ("members", Value::Array(members)),
        ]
        .into_iter()
        .collect();
        Self(users.chain([("20x2".to_owned(), "Groups".to_owned(), group)]).collect())
    }
}

impl Records {
    fn of(record: &Fields, related: &Fields) -> Self {
        let mut records = Self::default();
        for (id, value) in related.iter() {
            let Value::Array(array) = value else { continue };
            let fields: Fields =
                array.iter().map(|(key, value)| (key.text().into_owned(), value.clone())).collect();
            let module = module_of(id, &fields, record, related);
            records.0.retain(|known| known.0 != id);
            records.0.push((id.to_owned(), module, fields));
        }
        records
    }
}

/// The module of a record: told by the records that refer to it, else by the fields it has.
fn module_of(id: &str, fields: &Fields, record: &Fields, related: &Fields) -> String {
    let own = [("user_name", "Users"), ("groupname", "Groups")];
    if let Some((_, module)) = own.iter().find(|(field, _)| fields.contains(field)) {
        return (*module).to_owned();
    }
    let own_fields = record.iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let others = related.iter().filter_map(|(_, value)| value.as_array());
    let other_fields =
        others.map(|holder| holder.iter().map(|(key, value)| (key.text().into_owned(), value)).collect());
    let told = std::iter::once(own_fields)
        .chain(other_fields)
        .find_map(|holder: HashMap<String, &Value>| module_told_by(&holder, id));
    told.unwrap_or_else(|| {
        let telling = [("accountname", "Accounts"), ("potentialname", "Potentials"), ("lead_no", "Leads")];
        let found = telling.iter().find(|(field, _)| fields.contains(field));
        found.map_or("Contacts", |(_, module)| module).to_owned()
    })
}

/// The module of an id that a record refers to: `account_id` has it in `account_idename`.
fn module_told_by(holder: &HashMap<String, &Value>, id: &str) -> Option<String> {
    let refers = |value: &Value| value.as_text() == Some(id);
    let mut referring = holder.iter().filter(|(_, value)| refers(value));
    referring.find_map(|(name, _)| {
        let told = holder.get(&format!("{name}ename"))?.as_array()?;
        Some(told.get(&Key::from("module"))?.as_text()?.to_owned())
    })
}

impl RelatedRecords for Records {
    fn related(&self, module: &str, id: &str) -> Option<RelatedRecord<'_>> {
        let (_, module, fields) = self.0.iter().find(|known| known.0 == id && known.1 == module)?;
        Some(RelatedRecord { module, fields })
    }
}
