//! All fields of a Mautic object, for whoever checks a map against them.

use sync::{FieldShape, ListedField};

use super::{Kind, LAST_ACTIVE, MauticSchema, PRIMARY_COMPANY, READ_ONLY};
use crate::objects::Object;

/// The fields that Mautic lists, and what its records have besides.
pub(super) fn fields(schema: &MauticSchema) -> Vec<ListedField> {
    let is_contact = schema.object == Object::Contact;
    let field = |name: &str, shape, read_only| ListedField {
        name: name.to_owned(),
        shape,
        required: schema.fields.get(name).is_some_and(|field| field.required),
        read_only,
    };
    let listed = schema
        .fields
        .iter()
        .map(|(alias, definition)| field(alias, shape(&definition.kind), is_contact && alias == LAST_ACTIVE));
    let is_unlisted = |name: &&str| !schema.fields.contains_key(*name);
    let beside = READ_ONLY.iter().copied().filter(is_unlisted);
    let beside = beside.map(|name| field(name, FieldShape::Text, true));
    let primary = is_contact.then(|| field(PRIMARY_COMPANY, FieldShape::Reference, false));
    listed.chain(beside).chain(primary).collect()
}

fn shape(kind: &Kind) -> FieldShape {
    match kind {
        Kind::Text | Kind::Html => FieldShape::Text,
        Kind::Email => FieldShape::Email,
        Kind::Number { .. } => FieldShape::Number,
        Kind::Boolean | Kind::DoNotContact => FieldShape::Boolean,
        Kind::Select { .. } | Kind::Country | Kind::Region | Kind::Locale => FieldShape::Picklist,
        Kind::MultiSelect { .. } => FieldShape::Multi,
        Kind::Date => FieldShape::Date,
        Kind::DateTime => FieldShape::DateTime,
        Kind::Time => FieldShape::Time,
        Kind::Owner => FieldShape::Owner,
    }
}

#[cfg(test)]
mod tests {
    use model::Value;
    use sync::{Canonical, Schema as _};

    use super::*;

    fn schema(object: Object, exchange: &str) -> MauticSchema {
        let exchange: serde_json::Value = serde_json::from_str(exchange).unwrap();
        let fields = exchange["response"]["body"]["fields"].as_object().unwrap();
        let listed = fields.values().map(|field| serde_json::from_value(field.clone()).unwrap()).collect();
        MauticSchema::new(object, listed)
    }

    #[test]
    fn the_list_of_fields_agrees_with_what_is_said_of_each() {
        let contacts = schema(Object::Contact, include_str!("../../fixtures/api/fields_contact.json"));
        let companies = schema(Object::Company, include_str!("../../fixtures/api/fields_company.json"));
        for schema in [&contacts, &companies] {
            let listed = fields(schema);
            for field in &listed {
                assert!(schema.has(&field.name), "{field:?}");
                let writes = schema.canonical(&field.name, &Value::Null) != Canonical::ReadOnly;
                assert_eq!(writes, !field.read_only, "{field:?}");
                assert_eq!(listed.iter().filter(|other| other.name == field.name).count(), 1, "{field:?}");
            }
        }
    }

    #[test]
    fn a_field_is_required_where_mautic_says_so() {
        let listed = serde_json::json!([
            { "alias": "vip", "type": "boolean", "isRequired": true },
            { "alias": "city", "type": "text" },
        ]);
        let schema = MauticSchema::new(Object::Contact, serde_json::from_value(listed).unwrap());
        let required = fields(&schema).into_iter().filter(|field| field.required).map(|field| field.name);
        assert_eq!(required.collect::<Vec<_>>(), ["vip"]);
    }
}
