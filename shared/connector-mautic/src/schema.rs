//! The fields of a Mautic object, and what Mautic makes of a value for each of them.
//!
//! `GET /api/fields/contact`, `GET /api/fields/company` — <https://developer.mautic.org/#fields>, recorded from
//! Mautic 5.1.0.

mod listed;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Value;
use serde::Deserialize;
use serde_json::Value as Json;
use sync::{Canonical, ListedField, Schema};

use crate::convert::{self, Choice, Unfit};
use crate::objects::{DO_NOT_CONTACT_EMAIL, OWNER, Object};
use crate::places;

/// The longest text of a field that names no limit of its own, in characters.
///
/// Source: Mautic answers "It should have 191 characters or less", the width of its columns.
const TEXT_LIMIT_CHARS: usize = 191;
/// The longest text of a field whose column is a TEXT, in bytes.
const LONG_TEXT_LIMIT_BYTES: usize = 65_535;

/// Names of a record's bag that are no fields: Mautic alone writes them.
const READ_ONLY: &[&str] = &[
    "id",
    "dateAdded",
    "dateModified",
    "dateIdentified",
    "createdBy",
    "createdByUser",
    "modifiedBy",
    "modifiedByUser",
    "lastActive",
    "isPublished",
    "color",
    "preferredProfileImage",
    "score",
];

/// A field of contacts that the API takes and does not store: Mautic counts visits itself.
const LAST_ACTIVE: &str = "last_active";

/// The company that a contact belongs to, as a field: the id of the primary one, blank where there is none. No alias has
/// such a name. Mautic keeps it apart from the contact; `memberships.rs` reads and writes it.
pub const PRIMARY_COMPANY: &str = "primary-company";

/// The fields of one object. Cheap to clone.
#[derive(Clone, Debug)]
pub struct MauticSchema {
    object: Object,
    fields: Arc<BTreeMap<String, Field>>,
}

/// One field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) kind: Kind,
    /// The longest text, in characters, where the column is a VARCHAR.
    limit_chars: Option<usize>,
    /// Whether Mautic refuses a record without it.
    required: bool,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Text,
    Email,
    Html,
    Number {
        scale: u32,
        round_mode: u32,
    },
    Boolean,
    Select {
        options: Vec<Choice>,
    },
    MultiSelect {
        options: Vec<Choice>,
    },
    Country,
    Region,
    Locale,
    Date,
    DateTime,
    Time,
    /// Whether mail may not be sent: no field, but an entry of the list `doNotContact`.
    DoNotContact,
    /// The user who owns a contact, by e-mail.
    Owner,
}

impl MauticSchema {
    /// The schema from the fields as the API lists them.
    pub(crate) fn new(object: Object, listed: Vec<WireField>) -> Self {
        let published = listed.into_iter().filter(|field| field.is_published);
        let mut fields: BTreeMap<String, Field> =
            published.map(|field| (field.alias.clone(), Field::of(&field))).collect();
        if object == Object::Contact {
            for (name, kind) in [(DO_NOT_CONTACT_EMAIL, Kind::DoNotContact), (OWNER, Kind::Owner)] {
                fields.insert(name.to_owned(), Field { kind, limit_chars: None, required: false });
            }
        }
        Self { object, fields: Arc::new(fields) }
    }

    /// The field with this alias.
    pub(crate) fn field(&self, alias: &str) -> Option<&Field> {
        self.fields.get(alias)
    }
}

impl Schema for MauticSchema {
    fn canonical(&self, field: &str, value: &Value) -> Canonical {
        if self.object == Object::Contact && field == PRIMARY_COMPANY {
            return match convert::record_id(value) {
                Ok(id) => Canonical::Value(id.map_or(Value::Null, Value::Text)),
                Err(reason) => Canonical::Unfit(reason),
            };
        }
        let Some(definition) = self.fields.get(field) else {
            // An unpublished field is ignored by the API like one that is not there.
            return if READ_ONLY.contains(&field) { Canonical::ReadOnly } else { Canonical::NoSuchField };
        };
        if self.object == Object::Contact && field == LAST_ACTIVE {
            return Canonical::ReadOnly;
        }
        match definition.canonical(value) {
            // A contact always has points; blank ones are none.
            Ok(Value::Null) if self.object == Object::Contact && field == "points" => {
                Canonical::Value(Value::Int(0))
            }
            // The API drops 0 from an edit of a contact without a word: blank is the nearest that it can be told.
            Ok(value) if self.object == Object::Contact && field != "points" && is_nought(&value) => {
                Canonical::Value(Value::Null)
            }
            Ok(value) => Canonical::Value(value),
            Err(reason) => Canonical::Unfit(reason),
        }
    }

    fn has(&self, field: &str) -> bool {
        self.fields.contains_key(field)
            || READ_ONLY.contains(&field)
            || self.object == Object::Contact && field == PRIMARY_COMPANY
    }

    fn listed(&self) -> Option<Vec<ListedField>> {
        Some(listed::fields(self))
    }
}

fn is_nought(value: &Value) -> bool {
    matches!(value, Value::Int(0)) || matches!(value, Value::Float(number) if *number == 0.0)
}

impl Field {
    fn of(field: &WireField) -> Self {
        let kind = match field.kind.as_str() {
            "number" => Kind::Number {
                // Mautic rounds to whole numbers where no scale is set.
                scale: field.number("scale").unwrap_or(0),
                round_mode: field.number("roundmode").unwrap_or(4),
            },
            "boolean" => Kind::Boolean,
            "select" => Kind::Select { options: field.options() },
            "multiselect" => Kind::MultiSelect { options: field.options() },
            "date" => Kind::Date,
            "datetime" => Kind::DateTime,
            "time" => Kind::Time,
            "email" => Kind::Email,
            "html" => Kind::Html,
            "country" => Kind::Country,
            "region" => Kind::Region,
            "locale" => Kind::Locale,
            // Time zones are a list that Mautic knows, and refuses what is not in it. Lookups only propose their list.
            _ => Kind::Text,
        };
        let long = matches!(field.kind.as_str(), "html" | "textarea") || field.alias.contains("description");
        let limit_chars = (!long).then(|| field.limit_chars.unwrap_or(TEXT_LIMIT_CHARS));
        Self { kind, limit_chars, required: field.is_required }
    }

    fn canonical(&self, value: &Value) -> Result<Value, Unfit> {
        if let Kind::MultiSelect { options } = &self.kind {
            return Ok(convert::multiselect(value, options)?.map_or(Value::Null, Value::Text));
        }
        let text = match (value, &self.kind) {
            // PHP's text of false is empty, which would be blank.
            (Value::Bool(value), Kind::Boolean | Kind::Number { .. } | Kind::DoNotContact) => {
                Some(i32::from(*value).to_string())
            }
            _ => convert::text(value)?,
        };
        let Some(text) = text else { return Ok(Value::Null) };
        let text = match &self.kind {
            Kind::Text => self.fitting(convert::without_tags(&text).trim().to_owned())?,
            Kind::Country => self.fitting(places::country(&convert::without_tags(&text)))?,
            Kind::Region => self.fitting(places::region(&convert::without_tags(&text)))?,
            // `es-ES` is `es_ES` there.
            Kind::Locale => self.fitting(text.replace('-', "_"))?,
            Kind::Owner => convert::email(text.to_lowercase())?,
            Kind::Email => convert::email(self.fitting(text)?)?,
            Kind::Html => self.fitting(text)?,
            Kind::Number { scale, round_mode } => return self::number(&text, *scale, *round_mode),
            Kind::Boolean => return Ok(Value::Bool(convert::boolean(&text)?)),
            // No entry is nothing said, so that an entry is never lost where two records meet.
            Kind::DoNotContact => {
                return Ok(if convert::boolean(&text)? { Value::Bool(true) } else { Value::Null });
            }
            Kind::Select { options } => convert::option(&text, options)
                .ok_or_else(|| "the value is not among the options of this field".to_owned())?,
            Kind::Date => return Ok(convert::date(&text)?.map_or(Value::Null, Value::Text)),
            Kind::DateTime => return Ok(convert::datetime(&text)?.map_or(Value::Null, Value::Text)),
            Kind::Time => convert::time(&text)?,
            Kind::MultiSelect { .. } => return Ok(Value::Null),
        };
        Ok(if text.is_empty() { Value::Null } else { Value::Text(text) })
    }

    fn fitting(&self, text: String) -> Result<String, Unfit> {
        match self.limit_chars {
            Some(limit) => convert::within(text, limit),
            None if text.len() > LONG_TEXT_LIMIT_BYTES => {
                Err(format!("the text is longer than {LONG_TEXT_LIMIT_BYTES} bytes"))
            }
            None => Ok(text),
        }
    }
}

fn number(text: &str, scale: u32, round_mode: u32) -> Result<Value, Unfit> {
    let rounded = convert::rounded(convert::number(text)?, scale, round_mode);
    if scale > 0 {
        // Minus zero is zero.
        return Ok(Value::Float(rounded + 0.0));
    }
    #[expect(clippy::cast_possible_truncation, reason = "a whole number of at most 2^53, checked before")]
    if rounded.abs() <= 9_007_199_254_740_992.0 {
        return Ok(Value::Int(rounded as i64));
    }
    Err("the number is too large".to_owned())
}

/// A field as the API lists it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireField {
    alias: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default = "yes")]
    is_published: bool,
    #[serde(default)]
    is_required: bool,
    #[serde(default)]
    properties: Json,
    /// Mautic 5.1 and later, where an administrator has set it.
    #[serde(default, rename = "charLengthLimit")]
    limit_chars: Option<usize>,
}

fn yes() -> bool {
    true
}

impl WireField {
    /// A number among the properties; Mautic gives some as text.
    fn number(&self, name: &str) -> Option<u32> {
        let json = self.properties.get(name)?;
        let number = json.as_u64().or_else(|| json.as_str()?.trim().parse().ok())?;
        u32::try_from(number).ok().filter(|&n| n <= 18)
    }

    /// The options: texts, or objects with a label and a value.
    fn options(&self) -> Vec<Choice> {
        let list: Vec<&Json> = match self.properties.get("list") {
            Some(Json::Array(list)) => list.iter().collect(),
            Some(Json::Object(map)) => map.values().collect(),
            _ => Vec::new(),
        };
        let text = |json: &Json| match json {
            Json::String(text) => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let choice = |option: &Json| {
            let value = text(option.get("value").unwrap_or(option))?;
            let label = option.get("label").and_then(text).unwrap_or_else(|| value.clone());
            Some(Choice { value, label })
        };
        list.into_iter().filter_map(choice).collect()
    }
}

#[cfg(test)]
mod tests {
    use model::Array;

    use super::*;

    fn schema(object: Object, exchange: &str) -> MauticSchema {
        let exchange: Json = serde_json::from_str(exchange).unwrap();
        let fields = exchange["response"]["body"]["fields"].as_object().unwrap();
        let listed = fields.values().map(|field| serde_json::from_value(field.clone()).unwrap()).collect();
        MauticSchema::new(object, listed)
    }

    fn contacts() -> MauticSchema {
        schema(Object::Contact, include_str!("../fixtures/api/fields_contact.json"))
    }

    fn companies() -> MauticSchema {
        schema(Object::Company, include_str!("../fixtures/api/fields_company.json"))
    }

    fn text(text: &str) -> Value {
        Value::from(text)
    }

    /// One row per fact: field, value, what Mautic 5.1.0 gives back. The exchange that shows it stands beside it.
    #[test]
    fn values_take_the_form_in_which_mautic_gives_them_back() {
        let rows: &[(&str, Value, Value)] = &[
            ("lastname", text("  spaced  "), text("spaced")), // B42
            ("lastname", text("A <b>B</b> & \"C\" 'D'"), text("A B & \"C\" 'D'")), // B41
            ("lastname", text("Emoji 🎉 日本"), text("Emoji 🎉 日本")), // B43
            ("lastname", text("a < b > c"), text("a < b > c")),
            ("lastname", text(" <br> "), Value::Null),
            ("lastname", Value::Int(7), text("7")),
            ("f_longtext", text("l1\nl2"), text("l1\nl2")), // B01
            ("notes_html", text("<p>Hi <b>x</b></p>"), text("<p>Hi <b>x</b></p>")), // B01
            ("email", text(" ZOE@Example.test"), text("ZOE@Example.test")), // B51: the case is kept
            ("vip", Value::Int(1), Value::Bool(true)),      // B23
            ("vip", text("0"), Value::Bool(false)),         // F06
            ("vip", text("false"), Value::Bool(false)),     // F07: Mautic itself ignores this spelling
            ("vip", Value::Bool(false), Value::Bool(false)), // B22
            ("score_n", text("7"), Value::Int(7)),
            ("score_n", Value::Float(7.0), Value::Int(7)),
            ("score_n", text("7.5"), Value::Int(8)), // half to even
            ("score_n", text("6.5"), Value::Int(6)),
            ("score_n", Value::Bool(false), Value::Null), // B19: 0 cannot be told
            ("score_n", text("0.4"), Value::Null),
            ("amount", text("12.340000"), Value::Float(12.34)), // B01
            ("amount", Value::Int(-5), Value::Float(-5.0)),
            ("amount", text("-0.001"), Value::Null),
            ("amount", text("0.5"), Value::Float(0.5)),
            ("points", text("99999.000000"), Value::Int(99_999)),
            ("points", Value::Null, Value::Int(0)),
            ("last_order", text("2026-03-04T05:06:07Z"), text("2026-03-04 05:06:00")), // B44
            ("last_order", text("2026-03-04T05:06:07+02:00"), text("2026-03-04 03:06:00")), // B45
            ("last_order", text("2026-03-04 05:06"), text("2026-03-04 05:06:00")),     // J06
            ("last_order", text("2026-03-04"), text("2026-03-04 00:00:00")),
            ("last_order", text("0000-00-00 00:00:00"), Value::Null), // B47
            ("birthday", text("1990-02-03"), text("1990-02-03")),     // B01
            ("birthday", text("1990-02-03 00:00:00"), text("1990-02-03")),
            ("birthday", text("0000-00-00"), Value::Null),
            ("call_at", text("01:02:03"), text("01:02:00")), // B49
            ("call_at", text("14:15"), text("14:15:00")),
            ("plan", text("pro"), text("pro")),                  // B01
            ("interests", text("red|green"), text("green|red")), // B27
            ("interests", text("red |##| green"), text("green|red")),
            (
                "interests",
                Value::Array(["red", "blue"].map(Value::from).into_iter().collect::<Array>()),
                text("blue|red"),
            ),
            ("interests", text("Red |##| GREEN"), text("green|red")), // B30: Mautic itself refuses labels
            ("plan", text("Pro"), text("pro")),
            ("country", text("Spain"), text("Spain")), // B01
            ("country", text("ES"), text("Spain")),    // B35: Mautic itself refuses codes
            ("state", text("WA"), text("Washington")), // B36
            ("preferred_locale", text("es-ES"), text("es_ES")),
            (DO_NOT_CONTACT_EMAIL, text("1"), Value::Bool(true)),
            (DO_NOT_CONTACT_EMAIL, text("0"), Value::Null),
            (DO_NOT_CONTACT_EMAIL, Value::Bool(false), Value::Null),
        ];
        let schema = contacts();
        for (field, value, expected) in rows {
            let found = schema.canonical(field, value);
            assert_eq!(found, Canonical::Value(expected.clone()), "{field} {}", value.revealed());
            assert_eq!(schema.canonical(field, expected), found, "{field}: the form is not stable");
        }
    }

    #[test]
    fn null_and_empty_text_are_the_same_for_every_field() {
        for schema in [contacts(), companies()] {
            for field in schema.fields.keys() {
                let blank = schema.canonical(field, &Value::Null);
                assert_eq!(schema.canonical(field, &text("")), blank, "{field}");
                assert_eq!(schema.canonical(field, &text(" \t")), blank, "{field}");
                assert!(
                    matches!(field.as_str(), "points" | LAST_ACTIVE)
                        || blank == Canonical::Value(Value::Null),
                    "{field}"
                );
            }
        }
    }

    #[test]
    fn what_mautic_refuses_or_drops_is_unfit() {
        let long = "x".repeat(192);
        let rows = [
            ("plan", text("gold")),            // B34
            ("interests", text("red|purple")), // B29
            ("interests", text("red,blue")),   // B28
            ("email", text("not-an-email")),   // B38
            ("email", text("a b@example.test")),
            ("score_n", text("abc")), // B39
            ("score_n", text("1.234,56")),
            ("score_n", text("inf")),
            ("amount", Value::Float(f64::NAN)),
            ("firstname", text(&long)), // B40
            ("firstname", Value::Array(Array::new())),
            ("firstname", Value::Bytes(vec![0xff])),
            ("last_order", text("yesterdayish")), // B46
            ("birthday", text("31/12/2020")),     // B48
            ("birthday", text("1990-02-03 nonsense")),
            ("call_at", text("25:00")),
            ("vip", text("maybe")),
        ];
        let schema = contacts();
        for (field, value) in rows {
            let found = schema.canonical(field, &value);
            let Canonical::Unfit(reason) = found else { panic!("{field}: {found:?}") };
            assert!(
                !reason.contains("gold") && !reason.contains("example"),
                "the value is in the text: {reason}"
            );
        }
        assert!(matches!(schema.canonical("firstname", &text(&"é".repeat(191))), Canonical::Value(_)));
        assert!(matches!(companies().canonical("companydescription", &text(&long)), Canonical::Value(_)));
    }

    #[test]
    fn fields_that_cannot_be_written_are_told_apart() {
        let schema = contacts();
        assert_eq!(schema.canonical("zip", &text("46001")), Canonical::NoSuchField);
        assert_eq!(schema.canonical("id", &text("1")), Canonical::ReadOnly);
        assert_eq!(schema.canonical(LAST_ACTIVE, &text("2026-01-01 00:00")), Canonical::ReadOnly);
        assert!(schema.has("zipcode") && schema.has("id") && !schema.has("zip"));
        let unpublished = serde_json::json!({"alias": "old", "type": "text", "isPublished": false});
        let schema = MauticSchema::new(Object::Contact, vec![serde_json::from_value(unpublished).unwrap()]);
        assert_eq!(schema.canonical("old", &text("x")), Canonical::NoSuchField);
    }

    #[test]
    fn a_limit_that_an_administrator_has_set_holds() {
        let field =
            serde_json::json!({"alias": "short", "type": "text", "charLengthLimit": 3, "properties": []});
        let schema = MauticSchema::new(Object::Contact, vec![serde_json::from_value(field).unwrap()]);
        assert!(matches!(schema.canonical("short", &text("abcd")), Canonical::Unfit(_)));
    }
}
