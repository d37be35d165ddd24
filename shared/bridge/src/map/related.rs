//! The records that a record refers to, as given beside it.

use std::collections::HashMap;

use mapping::{RelatedRecord, RelatedRecords};
use model::{Fields, Key, Value};

/// A field that only records of one module have, and the module.
const TELLING_FIELDS: [(&str, &str); 7] = [
    ("user_name", "Users"),
    ("groupname", "Groups"),
    ("accountname", "Accounts"),
    ("potentialname", "Potentials"),
    ("contact_no", "Contacts"),
    ("lead_no", "Leads"),
    ("portal", "Contacts"),
];

/// Records by web service id, each with its module.
pub(super) struct Related(HashMap<String, (String, Fields)>);

impl Related {
    /// The records of `related`, a bag of records by web service id. What `record` says about the modules of
    /// the records that it refers to (`account_idename`) counts; else the fields tell.
    pub(super) fn new(record: &Fields, related: &Fields) -> Self {
        let given: Vec<_> =
            related.iter().filter_map(|(id, value)| Some((id.to_owned(), fields_of(value)?))).collect();
        let mut modules = HashMap::new();
        for fields in std::iter::once(record).chain(given.iter().map(|(_, fields)| fields)) {
            modules.extend(named_modules(fields));
        }
        let with_module = |(id, fields): (String, Fields)| {
            let told = TELLING_FIELDS.iter().find(|(field, _)| fields.contains(field));
            let module = modules.get(&id).cloned().or_else(|| told.map(|row| row.1.to_owned()));
            (id, (module.unwrap_or_default(), fields))
        };
        Self(given.into_iter().map(with_module).collect())
    }
}

impl RelatedRecords for Related {
    /// A record whose module nothing tells is of the one that is asked for.
    fn related(&self, module: &str, id: &str) -> Option<RelatedRecord<'_>> {
        let (own, fields) = self.0.get(id)?;
        (own == module || own.is_empty()).then_some(RelatedRecord { module: own, fields })
    }
}

/// The fields of a record that is a member of another JSON document.
pub(super) fn fields_of(value: &Value) -> Option<Fields> {
    let array = value.as_array()?;
    Some(array.iter().map(|(key, value)| (key.text().into_owned(), value.clone())).collect())
}

/// The ids in a record with the modules that coreBOS names for them: beside `account_id` there is
/// `account_idename` with the module.
fn named_modules(record: &Fields) -> impl Iterator<Item = (String, String)> {
    record.iter().filter_map(|(name, value)| {
        let module = value.as_array()?.get(&Key::from("module"))?.as_text()?;
        let id = record.text(name.strip_suffix("ename")?)?;
        (!id.is_empty() && !module.is_empty()).then(|| (id.to_owned(), module.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_is_what_the_record_says_or_what_the_fields_tell() {
        let record: Fields = serde_json::from_str(
            r#"{"product_id":"14x3","product_idename":{"module":"Products","reference":"Tea"}}"#,
        )
        .unwrap();
        let related: Fields = serde_json::from_str(
            r#"{"14x3":{"productname":"Tea"},"11x74":{"accountname":"ACME"},"99x1":{"x":"y"},"7":"no record"}"#,
        )
        .unwrap();
        let records = Related::new(&record, &related);
        let is_there = |module: &str, id: &str| records.related(module, id).is_some();
        assert!(is_there("Products", "14x3") && !is_there("Accounts", "14x3"));
        assert!(is_there("Accounts", "11x74") && !is_there("Contacts", "11x74"));
        assert!(is_there("Vendors", "99x1"));
        assert!(!is_there("Accounts", "7"));
    }
}
