//! The bodies of writes: how each kind of field is set and cleared, and what Mautic cannot be told.

use std::collections::BTreeMap;

use model::{Fields, Value};
use serde_json::{Map, Value as Json, json};
use sync::{ConnectorError, Record};

use crate::convert;
use crate::objects::Object;
use crate::schema::{Kind, MauticSchema};

/// Says why a value cannot be sent.
const ZERO_IS_DROPPED: &str =
    "Mautic drops 0, and numbers between -1 and 1, without a word when a contact is changed through its API";

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
        if object == Object::Contact && is_number_or_text(&field.kind) && is_dropped(value) {
            refused.insert(alias.to_owned(), ZERO_IS_DROPPED.to_owned());
            continue;
        }
        place(&mut body, alias, &field.kind, value);
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
        if object == Object::Contact && is_number_or_text(&field.kind) && is_dropped(value) {
            continue;
        }
        place(&mut body, alias, &field.kind, value);
    }
    if object == Object::Company {
        // Without it a company of the same name would be changed instead, and lose every field that is not sent.
        body.insert("force".to_owned(), Json::from(1));
    }
    body
}

/// Corrects what Mautic answered to an update: a number that was cleared comes back as 0, although null is stored.
pub(crate) fn corrected(schema: &MauticSchema, sent: &Fields, mut record: Record) -> Record {
    for (alias, _) in sent.iter().filter(|(_, value)| value.is_blank()) {
        let is_number = matches!(schema.field(alias).map(|field| &field.kind), Some(Kind::Number { .. }));
        if is_number && record.fields.get(alias).is_some_and(is_dropped) {
            record.fields.insert(alias, Value::Null);
        }
    }
    record
}

/// Puts a value where Mautic looks for it.
fn place(body: &mut Map<String, Json>, alias: &str, kind: &Kind, value: &Value) {
    match kind {
        Kind::DoNotContact => body.insert("doNotContact".to_owned(), Json::Array(vec![entry(value)])),
        // coreBOS has no records without an owner: a blank says nothing.
        Kind::Owner if value.is_blank() => None,
        _ => body.insert(alias.to_owned(), encoded(kind, value)),
    };
}

/// An entry of the list `doNotContact`: reason 3 is "somebody said so", 0 takes an entry away, whatever its reason.
/// Mautic keeps the reason of an entry that is there already (recorded: C30, C31, F18 to F24).
pub(crate) fn entry(value: &Value) -> Json {
    if value.is_blank() {
        return json!({ "channel": "email", "reason": 0 });
    }
    json!({ "channel": "email", "reason": 3, "comments": "opted out in coreBOS" })
}

fn is_number_or_text(kind: &Kind) -> bool {
    !matches!(kind, Kind::Boolean | Kind::DoNotContact)
}

fn rejected(fields: BTreeMap<String, String>) -> ConnectorError {
    ConnectorError::Rejected { message: "some values cannot be expressed towards Mautic".to_owned(), fields }
}

/// Whether Mautic takes a value for "not meant": numeric for PHP, and 0 without its fraction. Phones like "0 89 12" are
/// no numbers, "0.5" and "00" are.
///
/// Source: recorded (B19, B20, F13, F14), and Mautic's `CustomFieldsApiControllerTrait::setCustomFieldValues`, which
/// filters by `is_numeric($value) ? 0 !== (int) $value : true`.
fn is_dropped(value: &Value) -> bool {
    match value {
        Value::Int(number) => *number == 0,
        Value::Float(number) => number.abs() < 1.0,
        Value::Text(text) => convert::number(text.trim()).is_ok_and(|number| number.abs() < 1.0),
        _ => false,
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
