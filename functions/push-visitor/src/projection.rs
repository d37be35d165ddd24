//! What the map makes of a person, in the form in which Mautic gives it back.

use std::collections::BTreeMap;

use connector_mautic::MauticSchema;
use connector_signal::{Campaign, Facts, Utm};
use jiff::Timestamp;
use mapping::{FieldMap, Surroundings};
use model::{Fields, Value};
use sync::{Canonical, Schema as _};

/// Fields that are none: Mautic takes them beside the fields of a contact.
const IP: &str = "ipAddress";
const LAST_ACTIVE: &str = "lastActive";

/// What is to be told of a person.
#[derive(Debug, Default)]
pub(crate) struct Projection {
    /// Canonical values, none of them blank.
    pub(crate) values: Fields,
    /// The visitor's address.
    pub(crate) ip: Option<String>,
    /// The last visit.
    pub(crate) last_active: Option<String>,
    /// What Mautic cannot hold, with the reason.
    pub(crate) unfit: BTreeMap<String, String>,
}

/// Applies the map.
pub(crate) fn project(
    map: &FieldMap,
    schema: &MauticSchema,
    facts: &Facts,
    (email, utm, now): (&str, Utm, Timestamp),
) -> Projection {
    let mut source = connector_signal::fields(facts);
    source.insert("email", email);
    let surroundings =
        Surroundings { now: Some(now.as_second()), neutral_formats: true, ..Surroundings::default() };
    let mut made = Projection::default();
    for (target, value) in map.evaluate_each_in(&source, &surroundings) {
        let name = target.name();
        let value = match value {
            Ok(Some(value)) => value,
            Ok(None) => continue,
            Err(error) => {
                made.unfit.insert(name.to_owned(), error.to_string());
                continue;
            }
        };
        match name {
            IP => made.ip = text(&value),
            LAST_ACTIVE => made.last_active = text(&value),
            _ if is_campaign(name) && !utm.has_fields() => {}
            _ => match schema.canonical(name, &value) {
                // What nobody said, or said in vain, erases nothing.
                Canonical::Value(value) if value.is_blank() => {}
                Canonical::Value(value) => {
                    made.values.insert(name, value);
                }
                Canonical::Unfit(reason) => {
                    made.unfit.insert(name.to_owned(), reason);
                }
                // Fields that somebody may create: Mautic has no place for them yet.
                Canonical::NoSuchField | Canonical::ReadOnly => {}
            },
        }
    }
    made
}

fn is_campaign(name: &str) -> bool {
    Campaign::default().parts().iter().any(|(part, _)| *part == name)
}

fn text(value: &Value) -> Option<String> {
    let text = value.php_string().trim().to_owned();
    (!text.is_empty()).then_some(text)
}
