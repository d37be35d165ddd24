//! What a value may hang on besides the fields of the source: related records, users, the record itself.

use std::borrow::Cow;

use model::{Array, Fields, Value};

use crate::evaluate::Surroundings;
use crate::expression::Names;
use crate::php::date::{self};
use crate::php::entities;
use crate::php::fault::Fault;
use crate::php::number::float_cast;
use crate::semantics::Semantics;

/// Looks up the records that a record refers to. The one port of this crate.
///
/// It is asked while a map is evaluated, so whoever provides it reads the records beforehand:
/// [`FieldMap::references`](crate::FieldMap::references) tells which.
pub trait RelatedRecords: Sync {
    /// The record of a module under a web service id (`11x74`; `74` if that is what the field holds), users and
    /// groups included; nothing if the id is of another module.
    ///
    /// A group has a field `members`: a list of the ids of its users.
    fn related(&self, module: &str, id: &str) -> Option<RelatedRecord<'_>>;
}

/// A record that another one refers to.
#[derive(Clone, Copy)]
pub struct RelatedRecord<'a> {
    /// Its module: `Accounts`, `Users`, `Groups`.
    pub module: &'a str,
    /// Its fields.
    pub fields: &'a Fields,
}

/// The record itself, where coreBOS evaluates with one: outbound to HubSpot, and through `ProcessMap`.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    /// Its module.
    pub module: &'a str,
    /// Its fields as the web service's `retrieve` gives them.
    pub fields: &'a Fields,
}

/// The fields whose values FIELD and TEMPLATE show in the owner's format, as coreBOS's stock modules have
/// them (user interface types 5, 6 and 23 for dates; 7, 9, 71 and 72 for numbers).
const FORMATTED: [(&str, &[&str], &[&str]); 4] = [
    ("Accounts", &[], &["annual_revenue", "employees"]),
    ("Contacts", &["birthday", "support_end_date", "support_start_date"], &["contact_points"]),
    ("Leads", &[], &["annualrevenue"]),
    ("Potentials", &["closingdate"], &["amount", "forecast_amount", "probability"]),
];

/// The formats of a user.
struct Preferences<'a> {
    date: Cow<'a, str>,
    point: Cow<'a, str>,
    separator: Cow<'a, str>,
    decimals: usize,
}

/// A view of a record, as FIELD, TEMPLATE and EXPRESSION see it.
pub(crate) struct View<'a> {
    fields: &'a Fields,
    /// The module whose fields are shown in the owner's format; nothing if none are.
    module: Option<&'a str>,
    with_record: bool,
    semantics: Semantics,
    surroundings: &'a Surroundings<'a>,
}

impl<'a> View<'a> {
    /// The view on the record of the surroundings, or on the source if there is none.
    pub(crate) fn new(
        source: &'a Fields,
        origin: &'a str,
        semantics: Semantics,
        surroundings: &'a Surroundings<'a>,
    ) -> Self {
        match surroundings.record {
            Some(record) => Self {
                fields: record.fields,
                module: Some(record.module),
                with_record: true,
                semantics,
                surroundings,
            },
            None => Self {
                fields: source,
                module: FORMATTED.iter().any(|row| row.0 == origin).then_some(origin),
                with_record: false,
                semantics,
                surroundings,
            },
        }
    }

    /// The value of a field; the owner is filled in as coreBOS does.
    fn raw(&self, name: &str) -> Option<Cow<'a, Value>> {
        let value = self.fields.get(name);
        if name == "assigned_user_id"
            && self.semantics == Semantics::CoreBos
            && value.is_none_or(Value::is_php_empty)
        {
            return Some(Cow::Owned(Value::from(self.surroundings.current_user.as_ref())));
        }
        value.map(Cow::Borrowed)
    }

    fn text(&self, name: &str) -> Cow<'a, str> {
        match self.fields.get(name) {
            Some(value) => value.php_string(),
            None => Cow::Borrowed(""),
        }
    }

    /// The web service id of a user or group, which may be given without its prefix.
    fn full_id(&self, id: &str) -> String {
        match self.surroundings.current_user.split_once('x') {
            Some((prefix, _)) if !id.contains('x') => format!("{prefix}x{id}"),
            _ => id.to_owned(),
        }
    }

    fn related(&self, module: &str, id: &str) -> Option<RelatedRecord<'a>> {
        self.surroundings.related?.related(module, id)
    }

    /// The users that own the record: several if a group does.
    fn owners(&self) -> Result<Owners<'a>, Fault> {
        let owner = self.raw("assigned_user_id").filter(|owner| !owner.is_php_empty());
        let Some(id) = owner.map(|owner| self.full_id(&owner.php_string())) else {
            return Ok(Owners::One(None));
        };
        if let Some(user) = self.related("Users", &id) {
            return Ok(Owners::One(Some(user)));
        }
        let Some(group) = self.related("Groups", &id) else {
            return Ok(Owners::One(None));
        };
        match group.fields.get("members").and_then(Value::as_array) {
            Some(members) => Ok(Owners::Members(members)),
            None => Err(Fault::new(
                "the owner is a group, and coreBOS's web service does not tell who its members are",
            )),
        }
    }

    /// The format of the owner, of the first one if a group owns the record; coreBOS's own where nobody's is known.
    fn preferences(&self) -> Preferences<'a> {
        let owner = match self.owners() {
            _ if self.surroundings.neutral_formats => None,
            Ok(Owners::One(owner)) => owner,
            Ok(Owners::Members(members)) => {
                members.values().find_map(|member| self.related("Users", &member.php_string()))
            }
            Err(_) => None,
        };
        let setting =
            |name: &str, default: &'static str| match owner.and_then(|owner| owner.fields.text(name)) {
                Some(setting) => Cow::Borrowed(setting),
                None => Cow::Borrowed(default),
            };
        Preferences {
            date: setting("date_format", "yyyy-mm-dd"),
            point: setting("currency_decimal_separator", "."),
            separator: setting("currency_grouping_separator", ","),
            decimals: setting("no_of_currency_decimals", "2").parse().unwrap_or(2).min(20),
        }
    }

    /// A value as a template shows it: in the owner's format; blank where PHP finds it empty.
    fn shown(&self, module: Option<&str>, name: &str, value: &Value) -> Result<String, Fault> {
        if let Value::Array(_) = value
            && self.semantics == Semantics::Bridge
        {
            return Err(Fault::new(format!("`{name}` is a list or an object, which no text can show")));
        }
        let text = value.php_string();
        let text = if self.with_record { entities::decode(&text) } else { text.into_owned() };
        if value.is_php_empty() {
            return Ok(String::new());
        }
        let row = module.and_then(|module| FORMATTED.iter().find(|row| row.0 == module));
        let Some((_, dates, numbers)) = row else {
            return Ok(text);
        };
        if numbers.contains(&name) {
            let preferences = self.preferences();
            return Ok(String::from_utf8_lossy(&crate::expression::format_number(
                float_cast(value),
                preferences.decimals,
                preferences.point.as_bytes(),
                preferences.separator.as_bytes(),
            ))
            .into_owned());
        }
        if dates.contains(&name) {
            return Ok(self.shown_date(&text));
        }
        Ok(text)
    }

    fn shown_date(&self, text: &str) -> String {
        let pattern = match self.preferences().date.as_ref() {
            "dd-mm-yyyy" => "d-m-Y",
            "mm-dd-yyyy" => "m-d-Y",
            _ => return text.to_owned(),
        };
        let day = text.split(' ').next().unwrap_or_default();
        match date::parse(day, 0) {
            Some(timestamp) if day.len() == 10 && day.as_bytes().get(4) == Some(&b'-') => {
                date::format(timestamp, pattern)
            }
            _ => text.to_owned(),
        }
    }

    /// `$field` in a template.
    pub(crate) fn field(&self, name: &str) -> Result<String, Fault> {
        match name {
            "recordid" => Ok(crm_id(&self.text("id")).to_owned()),
            "record_id" | "record_module" if self.with_record => Ok(String::new()),
            name => match self.raw(name) {
                Some(value) => self.shown(self.module, name, &value),
                None => Ok(String::new()),
            },
        }
    }

    /// FIELD `record_id`: the number of the record, if there is one.
    pub(crate) fn record_id(&self) -> Result<String, Fault> {
        if self.with_record { Ok(crm_id(&self.text("id")).to_owned()) } else { self.field("record_id") }
    }

    /// A dotted name in a template.
    pub(crate) fn shown_value(&self, name: &str, value: &Value) -> Result<String, Fault> {
        self.shown(None, name, value)
    }

    pub(crate) fn fields(&self) -> &'a Fields {
        self.fields
    }

    /// `$(reference : (Module) field)` in a template.
    pub(crate) fn reference(&self, reference: &str, module: &str, name: &str) -> Result<String, Fault> {
        if module == "Users" && reference == "assigned_user_id" {
            let value =
                |user: RelatedRecord<'a>| user.fields.get(name).map(Value::php_string).unwrap_or_default();
            return Ok(match self.owners()? {
                Owners::One(owner) => owner.map(value).unwrap_or_default().into_owned(),
                Owners::Members(members) => {
                    let users =
                        members.values().filter_map(|member| self.related("Users", &member.php_string()));
                    users.map(value).collect::<Vec<_>>().join(",")
                }
            });
        }
        let Some(record) = self.referred(reference, module) else {
            return Ok(String::new());
        };
        match name {
            "record_id" => {
                Ok(crm_id(&record.fields.get("id").map(Value::php_string).unwrap_or_default()).to_owned())
            }
            "record_module" => Ok(record.module.to_owned()),
            name => match record.fields.get(name) {
                None => Ok(String::new()),
                Some(value) if record.fields.contains(&format!("{name}ename")) && !is_owner(name) => {
                    Ok(crm_id(&value.php_string()).to_owned())
                }
                Some(value) => self.shown(Some(record.module), name, value),
            },
        }
    }

    /// The record that a field refers to, if it is of the module.
    fn referred(&self, reference: &str, module: &str) -> Option<RelatedRecord<'a>> {
        let id = self.raw(reference)?.php_string().into_owned();
        if id.is_empty() {
            return None;
        }
        let id = if matches!(module, "Users" | "Groups") { self.full_id(&id) } else { id };
        self.related(module, &id)
    }
}

fn is_owner(name: &str) -> bool {
    matches!(name, "assigned_user_id" | "modifiedby" | "created_user_id")
}

/// Who owns a record.
enum Owners<'a> {
    /// A user, or nobody who is known.
    One(Option<RelatedRecord<'a>>),
    /// The ids of a group's users.
    Members(&'a Array),
}

/// The number behind the `x` of a web service id.
fn crm_id(id: &str) -> &str {
    id.split_once('x').map_or("", |(_, number)| number)
}

/// Names in an expression with a record: references and owners are the names of what they refer to.
impl Names for View<'_> {
    fn value(&self, name: &str) -> Result<Value, Fault> {
        if let Some(reference) = name.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')')) {
            let mut words =
                reference.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'));
            let mut word = || words.find(|word| !word.is_empty()).unwrap_or_default().to_owned();
            let (field, module, name) = (word(), word(), word());
            return self.referred_value(&field, &module, &name);
        }
        let Some(value) = self.raw(name) else {
            return Ok(Value::Null);
        };
        if !self.with_record {
            return Ok(value.into_owned());
        }
        let named = self.fields.get(&format!("{name}ename")).and_then(Value::as_array);
        if let Some(named) = named
            && !value.is_php_empty()
            && named.get(&"module".into()).and_then(Value::as_text) != Some("Groups")
        {
            let shown = named.get(&"reference".into()).map(Value::php_string).unwrap_or_default();
            return Ok(Value::Text(match self.semantics {
                Semantics::CoreBos => entities::encode(&shown),
                Semantics::Bridge => shown.into_owned(),
            }));
        }
        Ok(match value.as_ref() {
            Value::Text(text) => Value::Text(entities::decode(text)),
            other => other.clone(),
        })
    }
}

impl View<'_> {
    /// `$(reference : (Module) field)` in an expression: numbers as they are, dates in the owner's format.
    fn referred_value(&self, reference: &str, module: &str, name: &str) -> Result<Value, Fault> {
        if module == "Users" && reference == "assigned_user_id" {
            return self.reference(reference, module, name).map(Value::Text);
        }
        let Some(record) = self.referred(reference, module) else {
            return Ok(Value::Text(String::new()));
        };
        let dates = FORMATTED.iter().find(|row| row.0 == record.module).map_or(&[][..], |row| row.1);
        match record.fields.get(name) {
            Some(value) if dates.contains(&name) => Ok(Value::Text(self.shown_date(&value.php_string()))),
            Some(Value::Text(text)) if !record.fields.contains(&format!("{name}ename")) => {
                Ok(Value::Text(entities::decode(text)))
            }
            _ => self.reference(reference, module, name).map(Value::Text),
        }
    }
}
