//! The fields of a coreBOS module, and what coreBOS makes of a value for each of them.
//!
//! `describe`, recorded from a coreBOS of January 2025.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Value;
use serde::Deserialize;
use serde_json::Value as Json;
use sync::{Canonical, FieldShape, ListedField, Schema};

use crate::convert::{self, Choice, Unfit};

/// The fields of one module. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CoreBosSchema(Arc<Module>);

#[derive(Debug)]
struct Module {
    id_prefix: String,
    fields: BTreeMap<String, Field>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    kind: Kind,
    writable: bool,
    /// Stored by a creation only; an edit leaves it as it is, without a word.
    at_creation_only: bool,
    mandatory: bool,
    limit_chars: Option<usize>,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// Text that coreBOS trims.
    Line,
    /// Text that it keeps as it is.
    Area,
    Email,
    Boolean,
    Decimal,
    Integer,
    Date,
    DateTime,
    Time,
    Choices(Vec<Choice>),
    /// One of a list, or anything else: coreBOS stores that, too.
    Choice(Vec<Choice>),
    Reference,
    /// A user or a group; a user by e-mail, too.
    Owner,
}

impl Kind {
    fn shape(&self) -> FieldShape {
        match self {
            Self::Line | Self::Area => FieldShape::Text,
            Self::Email => FieldShape::Email,
            Self::Boolean => FieldShape::Boolean,
            Self::Decimal | Self::Integer => FieldShape::Number,
            Self::Date => FieldShape::Date,
            Self::DateTime => FieldShape::DateTime,
            Self::Time => FieldShape::Time,
            Self::Choices(_) => FieldShape::Multi,
            Self::Choice(_) => FieldShape::Picklist,
            Self::Reference => FieldShape::Reference,
            Self::Owner => FieldShape::Owner,
        }
    }
}

/// By which of our user's preferences coreBOS reads a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// By none.
    AsItIs,
    /// By its decimal separator.
    Number,
    /// By its time zone.
    Moment,
}

/// A module as `describe` answers it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Description {
    id_prefix: String,
    fields: Vec<DescribedField>,
}

#[derive(Deserialize)]
struct DescribedField {
    name: String,
    #[serde(rename = "type")]
    kind: DescribedType,
    #[serde(default)]
    mandatory: bool,
    #[serde(default)]
    editable: bool,
    #[serde(default, deserialize_with = "text_of_code")]
    uitype: String,
    #[serde(default, deserialize_with = "text_of_code")]
    displaytype: String,
    #[serde(default)]
    typeofdata: String,
}

/// A code that coreBOS gives as text for all fields but `id`, where it is a number.
fn text_of_code<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Json::deserialize(deserializer)? {
        Json::String(text) => text,
        Json::Number(number) => number.to_string(),
        _ => String::new(),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribedType {
    name: String,
    #[serde(default)]
    picklist_values: Json,
}

impl DescribedType {
    /// The values of a picklist. References have members of that name, too, which nobody asks for.
    fn choices(&self) -> Vec<Choice> {
        let options = self.picklist_values.as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |option: &Json, name: &str| option.get(name)?.as_str().map(str::to_owned);
        let choice = |option: &Json| {
            let value = text(option, "value").filter(|value| !value.is_empty())?;
            Some(Choice { label: text(option, "label").unwrap_or_else(|| value.clone()), value })
        };
        options.iter().filter_map(choice).collect()
    }
}

impl CoreBosSchema {
    /// The schema from the result of `describe` for one module; `None` if it is no such thing.
    pub fn from_description(result: &Json) -> Option<Self> {
        let description = Description::deserialize(result).ok()?;
        let fields = description.fields.iter().map(|field| (field.name.clone(), Field::of(field))).collect();
        Some(Self(Arc::new(Module { id_prefix: description.id_prefix, fields })))
    }

    /// The number before the `x` in ids of this module's records.
    pub fn id_prefix(&self) -> &str {
        &self.0.id_prefix
    }

    /// The fields without which coreBOS creates no record.
    pub fn mandatory(&self) -> impl Iterator<Item = &str> {
        self.0.fields.iter().filter(|(_, field)| field.mandatory).map(|(name, _)| name.as_str())
    }

    /// Whether an edit of this field would be ignored.
    pub(crate) fn is_at_creation_only(&self, field: &str) -> bool {
        self.0.fields.get(field).is_some_and(|definition| definition.at_creation_only)
    }

    /// Whether this is a field that an edit leaves as it is: one that cannot be written at all, or by a creation only.
    pub fn is_closed_to_edits(&self, field: &str) -> bool {
        self.0.fields.get(field).is_some_and(|definition| !definition.writable || definition.at_creation_only)
    }

    /// By what coreBOS reads a value of this field.
    pub(crate) fn reads(&self, field: &str) -> Reads {
        match self.0.fields.get(field).map(|definition| &definition.kind) {
            Some(Kind::Decimal) => Reads::Number,
            Some(Kind::DateTime) => Reads::Moment,
            _ => Reads::AsItIs,
        }
    }

    /// The dates that can be written.
    pub(crate) fn dates(&self) -> impl Iterator<Item = &str> {
        let dates = self.0.fields.iter().filter(|(_, field)| field.writable && field.kind == Kind::Date);
        dates.map(|(name, _)| name.as_str())
    }
}

impl Schema for CoreBosSchema {
    fn canonical(&self, field: &str, value: &Value) -> Canonical {
        match self.0.fields.get(field) {
            None => Canonical::NoSuchField,
            Some(definition) if !definition.writable => Canonical::ReadOnly,
            Some(definition) => match definition.canonical(value) {
                Ok(text) => Canonical::Value(Value::Text(text)),
                Err(reason) => Canonical::Unfit(reason),
            },
        }
    }

    fn has(&self, field: &str) -> bool {
        self.0.fields.contains_key(field)
    }

    fn listed(&self) -> Option<Vec<ListedField>> {
        let listed = |(name, field): (&String, &Field)| ListedField {
            name: name.clone(),
            shape: field.kind.shape(),
            // The bridge gives every record an owner.
            required: field.mandatory && field.kind != Kind::Owner,
            read_only: !field.writable,
        };
        Some(self.0.fields.iter().map(listed).collect())
    }

    /// A number of 0 may be one that nobody has filled in: coreBOS keeps no blank ones (H005).
    fn may_be_blank(&self, field: &str, value: &Value) -> bool {
        if value.is_blank() {
            return true;
        }
        let number = |kind: &Kind| matches!(kind, Kind::Decimal | Kind::Integer);
        let zero = || convert::text(value).and_then(|text| convert::decimal(&text)).is_ok_and(|n| n == "0");
        self.0.fields.get(field).is_some_and(|definition| number(&definition.kind)) && zero()
    }
}

impl Field {
    fn of(field: &DescribedField) -> Self {
        let kind = match field.kind.name.as_str() {
            "text" => Kind::Area,
            "email" => Kind::Email,
            "boolean" => Kind::Boolean,
            "double" | "currency" => Kind::Decimal,
            "integer" => Kind::Integer,
            "date" => Kind::Date,
            "datetime" => Kind::DateTime,
            "time" => Kind::Time,
            "multipicklist" => Kind::Choices(field.kind.choices()),
            "picklist" => Kind::Choice(field.kind.choices()),
            "reference" => Kind::Reference,
            "owner" => Kind::Owner,
            // Texts, phones, URLs.
            _ => Kind::Line,
        };
        // Type 4 is the number that coreBOS gives. Only fields of display types 1 and 3 are stored by an edit, and those
        // of 4 and 5 by a creation.
        let at_creation_only = matches!(field.displaytype.as_str(), "4" | "5");
        let is_stored = at_creation_only || matches!(field.displaytype.as_str(), "" | "1" | "3");
        let writable = field.editable && field.uitype != "4" && is_stored && field.name != "id";
        Self {
            kind,
            writable,
            at_creation_only,
            mandatory: field.mandatory,
            limit_chars: limit_of(&field.typeofdata),
        }
    }

    /// Null and '' are alike; the blank of a boolean is no, the blank of a number is 0.
    fn canonical(&self, value: &Value) -> Result<String, Unfit> {
        let text = match &self.kind {
            Kind::Boolean => return convert::boolean(value),
            Kind::Choices(options) => return convert::choices(value, options),
            // PHP's text of false is empty.
            Kind::Decimal | Kind::Integer => match value {
                Value::Bool(value) => u8::from(*value).to_string(),
                other => convert::text(other)?,
            },
            _ => convert::text(value)?,
        };
        match &self.kind {
            Kind::Area => convert::within(text, self.limit_chars),
            Kind::Email => convert::within(convert::email(&text), self.limit_chars),
            Kind::Decimal => convert::decimal(&text),
            Kind::Integer => convert::integer(&text),
            Kind::Date => convert::date(&text),
            Kind::DateTime => convert::datetime(&text),
            Kind::Time => convert::time(&text),
            Kind::Owner if text.contains('@') => Ok(convert::email(&text).to_lowercase()),
            Kind::Reference | Kind::Owner => convert::reference(&text),
            Kind::Choice(options) => convert::within(convert::choice(text.trim(), options), self.limit_chars),
            Kind::Line | Kind::Boolean | Kind::Choices(_) => {
                convert::within(text.trim().to_owned(), self.limit_chars)
            }
        }
    }
}

/// The longest text of a field: `V~O~LE~100`. Most fields do not tell.
fn limit_of(typeofdata: &str) -> Option<usize> {
    let mut parts = typeofdata.split('~');
    parts.find(|part| *part == "LE")?;
    parts.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use model::Array;

    use super::*;

    fn schema(exchange: &str) -> CoreBosSchema {
        let exchange: Json = serde_json::from_str(exchange).unwrap();
        CoreBosSchema::from_description(&exchange["response"]["body"]["result"]).unwrap()
    }

    fn contacts() -> CoreBosSchema {
        schema(include_str!("../fixtures/B001_describe_with_integration_fields_Contacts.json"))
    }

    fn accounts() -> CoreBosSchema {
        schema(include_str!("../fixtures/B002_describe_with_integration_fields_Accounts.json"))
    }

    /// A module with one field of a type that neither Contacts nor Accounts has.
    fn with(kind: &str, typeofdata: &str) -> CoreBosSchema {
        let field = serde_json::json!({"name": "cf_1", "type": {"name": kind}, "mandatory": false, "editable": true,
            "uitype": "33", "displaytype": "1", "typeofdata": typeofdata});
        let description = serde_json::json!({"idPrefix": "12", "fields": [field]});
        CoreBosSchema::from_description(&description).unwrap()
    }

    /// One row per fact: field, value, what coreBOS gives back. The call that shows it stands beside it.
    #[test]
    fn values_take_the_form_in_which_corebos_gives_them_back() {
        let rows: &[(&str, Value, &str)] = &[
            ("lastname", "  pad  ".into(), "pad"),        // F031
            ("description", "  pad  ".into(), "  pad  "), // F031: text areas are kept
            ("mailingstreet", "Calle 1\n".into(), "Calle 1\n"),
            ("lastname", "<script>alert(1)</script>x".into(), "<script>alert(1)</script>x"), // F019
            ("lastname", Value::Int(7), "7"),
            ("leadsource", "Not In List".into(), "Not In List"), // A073
            ("leadsource", "cold call".into(), "Cold Call"),
            ("email", "not-an-email".into(), "not-an-email"), // A074
            ("email", " ana @acme.example ".into(), "ana@acme.example"),
            ("email", "aña(x)@acme.example".into(), "aax@acme.example"),
            ("donotcall", Value::Bool(true), "1"), // A024
            ("donotcall", "true".into(), "1"),     // coreBOS would store 0
            ("donotcall", "0".into(), "0"),        // A025
            ("donotcall", Value::Null, "0"),
            ("contact_points", "99999.500000".into(), "99999.5"),
            ("contact_points", Value::Int(50), "50"),
            ("contact_points", Value::Float(12.34), "12.34"),
            ("contact_points", "-0.0000001".into(), "0"),
            ("contact_points", "0.0000005".into(), "0.000001"),
            ("contact_points", "00012.50".into(), "12.5"),
            ("contact_points", "1.5E3".into(), "1500"),
            ("contact_points", "-7".into(), "-7"),
            ("contact_points", Value::Bool(false), "0"),
            ("contact_points", Value::Null, "0"),            // H005
            ("birthday", "1980-02-29".into(), "1980-02-29"), // A014
            ("birthday", "1980-02-29 10:11:12".into(), "1980-02-29"),
            ("birthday", "0000-00-00".into(), ""), // A075 leaves such a date
            ("account_id", "11x8588".into(), "11x8588"), // A014
            ("account_id", "11x0".into(), ""),
            ("assigned_user_id", "20x3".into(), "20x3"),
            ("assigned_user_id", " Ana@crm.example".into(), "ana@crm.example"),
            ("mautic_id", Value::Int(381), "381"),
        ];
        let schema = contacts();
        for (field, value, expected) in rows {
            let found = schema.canonical(field, value);
            assert_eq!(found, Canonical::Value((*expected).into()), "{field} {}", value.revealed());
            assert_eq!(
                schema.canonical(field, &(*expected).into()),
                found,
                "{field}: the form is not stable"
            );
        }
        assert_eq!(accounts().canonical("employees", &"42".into()), Canonical::Value("42".into())); // A013
        assert_eq!(
            accounts().canonical("annual_revenue", &"1234.560000".into()),
            Canonical::Value("1234.56".into())
        );
    }

    #[test]
    fn types_of_custom_fields_have_their_form_too() {
        let rows: &[(&str, Value, &str)] = &[
            ("datetime", "2026-03-04T05:06:07+02:00".into(), "2026-03-04 03:06:00"),
            ("datetime", "2026-03-04 05:06:07".into(), "2026-03-04 05:06:00"),
            ("datetime", "0000-00-00 00:00:00".into(), ""),
            ("time", "14:15:00".into(), "14:15"),
            ("multipicklist", "b|a".into(), "a |##| b"),
            ("multipicklist", "b |##| a|c".into(), "a|c |##| b"),
            (
                "multipicklist",
                Value::Array(["b", "a", "b"].map(Value::from).into_iter().collect::<Array>()),
                "a |##| b",
            ),
            ("multipicklist", Value::Null, ""),
        ];
        for (kind, value, expected) in rows {
            let found = with(kind, "V~O").canonical("cf_1", value);
            assert_eq!(found, Canonical::Value((*expected).into()), "{kind} {}", value.revealed());
        }
    }

    #[test]
    fn a_number_of_nought_may_be_a_blank_and_nothing_else_that_is_filled_may() {
        let schema = contacts();
        for (field, value, blank) in [
            ("contact_points", "0.000000", true),
            ("contact_points", "0", true),
            ("contact_points", "", true),
            ("contact_points", "0.000001", false),
            ("emailoptout", "0", false),
            ("mailingzip", "0", false),
            ("mailingzip", "", true),
        ] {
            assert_eq!(schema.may_be_blank(field, &value.into()), blank, "{field} {value}");
        }
    }

    #[test]
    fn null_and_empty_text_are_the_same_for_every_field() {
        for schema in [contacts(), accounts()] {
            for field in schema.0.fields.keys() {
                assert_eq!(
                    schema.canonical(field, &Value::Null),
                    schema.canonical(field, &"".into()),
                    "{field}"
                );
            }
        }
    }

    #[test]
    fn what_corebos_would_spoil_is_unfit() {
        let schema = contacts();
        for (field, value) in [
            ("birthday", Value::from("31/12/1999")), // A075: stored as 0000-00-00
            ("birthday", "1999-12-31 nonsense".into()),
            ("contact_points", "1.234,56".into()), // H006: stored as 1.234560
            ("contact_points", "many".into()),
            ("contact_points", Value::Float(f64::INFINITY)),
            ("contact_points", "123456789012345678901".into()),
            ("donotcall", "perhaps".into()),
            ("account_id", "Acme".into()), // A069: dropped in silence
            ("account_id", "8588".into()),
            ("lastname", Value::Array(Array::new())),
            ("lastname", Value::Bytes(vec![0xff])),
        ] {
            assert!(
                matches!(schema.canonical(field, &value), Canonical::Unfit(_)),
                "{field} {}",
                value.revealed()
            );
        }
        assert!(matches!(accounts().canonical("employees", &"4.5".into()), Canonical::Unfit(_)));
        assert!(matches!(with("string", "V~O~LE~3").canonical("cf_1", &"abcd".into()), Canonical::Unfit(_)));
    }

    #[test]
    fn fields_that_cannot_be_written_are_told_apart() {
        let schema = contacts();
        for field in ["id", "contact_no", "modifiedtime", "createdtime", "modifiedby", "hubspotlastsync"] {
            assert_eq!(schema.canonical(field, &"x".into()), Canonical::ReadOnly, "{field}");
        }
        // Display type 4: stored by a creation, ignored in silence by an edit.
        assert!(matches!(schema.canonical("hubspotrecord", &"x".into()), Canonical::Value(_)));
        assert!(schema.is_at_creation_only("hubspotrecord") && !schema.is_at_creation_only("lastname"));
        assert_eq!(schema.canonical("nosuchfield", &"x".into()), Canonical::NoSuchField);
        assert!(schema.has("mautic_id") && schema.has("contact_no") && !schema.has("zip"));
        assert_eq!(schema.id_prefix(), "12");
        assert_eq!(schema.mandatory().collect::<Vec<_>>(), ["assigned_user_id", "lastname"]);
    }

    #[test]
    fn something_else_is_no_description() {
        for json in
            ["null", "[]", "{}", r#"{"idPrefix":"12"}"#, r#"{"idPrefix":"12","fields":[{"name":"x"}]}"#]
        {
            assert!(
                CoreBosSchema::from_description(&serde_json::from_str(json).unwrap()).is_none(),
                "{json}"
            );
        }
    }

    #[test]
    fn the_list_of_fields_agrees_with_what_is_said_of_each() {
        let schema = contacts();
        let listed = schema.listed().unwrap();
        let of = |name: &str| listed.iter().find(|field| field.name == name).unwrap();
        assert_eq!((of("lastname").shape, of("lastname").required), (FieldShape::Text, true));
        assert!(!of("assigned_user_id").required, "the bridge gives every record an owner");
        assert_eq!(of("birthday").shape, FieldShape::Date);
        assert_eq!(of("account_id").shape, FieldShape::Reference);
        for field in &listed {
            assert!(schema.has(&field.name), "{field:?}");
            let writes = schema.canonical(&field.name, &Value::Null) != Canonical::ReadOnly;
            assert_eq!(writes, !field.read_only, "{field:?}");
        }
    }
}
