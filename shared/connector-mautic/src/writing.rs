//! The bodies of writes: how each kind of field is set and cleared, and what Mautic cannot be told.

use std::collections::BTreeMap;

use model::{Fields, Value};
use serde_json::{Map, Value as Json};
use sync::{ConnectorError, Record};

use crate::convert;
use crate::objects::Object;
use crate::schema::{Kind, MauticSchema};

/// Says why a value cannot be sent.
const ZERO_IS_DROPPED: &str =
    "Mautic drops the value 0 without a word when a contact is changed through its API";

/// The body of `PATCH /api/{object}/{id}/edit`.
///
/// # Errors
/// Rejected, with the fields by name, where Mautic would drop a value: 0 and "0" on contacts.
pub(crate) fn update_body(
    object: Object,
    schema: &MauticSchema,
    values: &Fields,
) -> Result<Map<String, Json>, ConnectorError> {
    let mut body = Map::new();
    let mut refused = BTreeMap::new();
    for (alias, value) in values.iter() {
        let Some(field) = schema.field(alias) else {
            refused.insert(
                alias.to_owned(),
                "Mautic has no such field, or does not let it be written".to_owned(),
            );
            continue;
        };
        if object == Object::Contact && field.kind != Kind::Boolean && is_zero(value) {
            refused.insert(alias.to_owned(), ZERO_IS_DROPPED.to_owned());
            continue;
        }
        body.insert(alias.to_owned(), encoded(&field.kind, value));
    }
    if !refused.is_empty() {
        return Err(rejected(refused));
    }
    if object == Object::Contact {
        // Without it blanks are ignored; companies take them anyway.
        body.insert("overwriteWithBlank".to_owned(), Json::Bool(true));
    }
    Ok(body)
}

/// The body of `POST /api/{object}/new`. Blank values are left out, as is a contact's 0, which Mautic would drop.
pub(crate) fn create_body(object: Object, schema: &MauticSchema, values: &Fields) -> Map<String, Json> {
    let mut body = Map::new();
    for (alias, value) in values.iter().filter(|(_, value)| !value.is_blank()) {
        let Some(field) = schema.field(alias) else { continue };
        if object == Object::Contact && field.kind != Kind::Boolean && is_zero(value) {
            continue;
        }
        body.insert(alias.to_owned(), encoded(&field.kind, value));
    }
    if object == Object::Company {
        // Without it a company of the same name would be changed instead, and lose every field that is not sent.
        body.insert("force".to_owned(), Json::from(1));
    }
    body
}

/// Corrects and checks what Mautic answered to an update.
///
/// A number that was cleared comes back as 0, although null is stored. A number between -1 and 1 may have been
/// dropped like 0.
pub(crate) fn check_answer(
    schema: &MauticSchema,
    sent: &Fields,
    mut record: Record,
) -> Result<Record, ConnectorError> {
    let mut refused = BTreeMap::new();
    for (alias, value) in sent.iter() {
        let is_number = matches!(schema.field(alias).map(|f| &f.kind), Some(Kind::Number { .. }));
        if !is_number {
            continue;
        }
        if value.is_blank() && record.fields.get(alias).is_some_and(is_zero) {
            record.fields.insert(alias, Value::Null);
        }
        let small = matches!(value, Value::Float(number) if number.abs() < 1.0);
        if small && record.fields.get(alias).and_then(as_float) != as_float(value) {
            refused.insert(alias.to_owned(), ZERO_IS_DROPPED.to_owned());
        }
    }
    if refused.is_empty() { Ok(record) } else { Err(rejected(refused)) }
}

fn rejected(fields: BTreeMap<String, String>) -> ConnectorError {
    ConnectorError::Rejected { message: "some values cannot be expressed towards Mautic".to_owned(), fields }
}

/// What PHP takes for zero.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Int(number) => *number == 0,
        Value::Float(number) => *number == 0.0,
        Value::Text(text) => text == "0",
        _ => false,
    }
}

fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Float(number) => Some(*number),
        Value::Int(_) | Value::Text(_) => value.php_string().parse().ok(),
        _ => None,
    }
}

/// A canonical value as Mautic takes it.
fn encoded(kind: &Kind, value: &Value) -> Json {
    let text = value.php_string();
    match kind {
        // '' clears neither of these; null does.
        Kind::Date | Kind::DateTime | Kind::Time | Kind::Boolean if value.is_blank() => Json::Null,
        Kind::DateTime => Json::String(convert::datetime_for_writing(&text)),
        Kind::MultiSelect { .. } => text.split('|').filter(|part| !part.is_empty()).map(Json::from).collect(),
        _ if value.is_blank() => Json::String(String::new()),
        _ => value.to_json(),
    }
}
