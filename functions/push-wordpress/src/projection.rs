//! What the map makes of a contact, in the form in which the site gives it back, and how it differs from a user.

use std::collections::{BTreeMap, BTreeSet};

use connector_wordpress::{CONTACT_ID, TAGS, WordPressSchema};
use jiff::Timestamp;
use mapping::{FieldMap, Surroundings};
use model::{Fields, Fingerprint, Value};
use sync::{Canonical, Record, Schema as _};

/// The field of the map that is the password.
pub(crate) const PASSWORD: &str = "user_pass";
/// The field of the map that is the login.
pub(crate) const LOGIN: &str = "user_login";
/// The field of the map that is the e-mail.
pub(crate) const EMAIL: &str = "user_email";
/// The field of the map that is the role.
pub(crate) const ROLE: &str = "role";

/// Fields that are decided on their own, not compared like others.
const APART: [&str; 3] = [PASSWORD, LOGIN, ROLE];

/// What a contact makes of a user.
#[derive(Clone, Default)]
pub(crate) struct Projection {
    /// Canonical values, none of them blank: what is empty in Mautic erases nothing on the site. Tags are an exception.
    pub(crate) values: Fields,
    /// What the site cannot hold, with the reason.
    pub(crate) unfit: BTreeMap<String, String>,
}

/// Applies the map.
pub(crate) fn project(
    map: &FieldMap,
    schema: &WordPressSchema,
    contact: &Record,
    tags: &[String],
    now: Timestamp,
) -> Projection {
    let surroundings =
        Surroundings { now: Some(now.as_second()), neutral_formats: true, ..Surroundings::default() };
    let mut made = Projection::default();
    for (target, value) in map.evaluate_each_in(&contact.fields, &surroundings) {
        match value {
            Ok(Some(value)) => made.take(schema, target.name(), &value),
            Ok(None) => {}
            Err(error) => {
                made.unfit.insert(target.name().to_owned(), error.to_string());
            }
        }
    }
    if schema.has(CONTACT_ID) {
        made.take(schema, CONTACT_ID, &Value::from(contact.reference.id.as_str()));
    }
    if schema.has(TAGS) {
        let tags = Value::Array(tags.iter().map(|tag| Value::from(tag.as_str())).collect());
        if let Canonical::Value(tags) = schema.canonical(TAGS, &tags) {
            made.values.insert(TAGS, tags);
        }
    }
    made
}

impl Projection {
    fn take(&mut self, schema: &WordPressSchema, name: &str, value: &Value) {
        let unfit = match schema.canonical(name, value) {
            Canonical::Value(value) if is_empty(&value) => return,
            Canonical::Value(value) => {
                self.values.insert(name, value);
                return;
            }
            Canonical::Unfit(reason) => reason,
            Canonical::ReadOnly => "WordPress does not let this field be written".to_owned(),
            // It would drop the value without a word.
            Canonical::NoSuchField => {
                "the site has not registered this key of user meta: list it in the must-use plugin".to_owned()
            }
        };
        self.unfit.insert(name.to_owned(), unfit);
    }

    /// The text of a field.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.values.text(name).map(str::trim).filter(|text| !text.is_empty())
    }

    /// Only tags, and whose they are.
    pub(crate) fn tags_only(mut self) -> Self {
        let others: Vec<String> = self
            .values
            .names()
            .filter(|name| ![CONTACT_ID, TAGS].contains(name))
            .map(str::to_owned)
            .collect();
        for name in others {
            self.values.remove(&name);
        }
        self.unfit.clear();
        self
    }

    /// The values that a user does not hold, but those that are decided on their own.
    ///
    /// `bases` are the fingerprints of what was sent last: what has not changed since is left to the site, where the
    /// person may have changed it. Without them everything is compared.
    pub(crate) fn difference(
        &self,
        user: &Record,
        bases: Option<&BTreeMap<String, Fingerprint>>,
        left_out: &BTreeSet<String>,
    ) -> Fields {
        let differs = |(name, value): &(&str, &Value)| {
            let is_old = bases.is_some_and(|bases| bases.get(*name) == Some(&Fingerprint::of(value)));
            let is_there = user.fields.get(name).is_some_and(|held| same(name, held, value));
            !APART.contains(name) && !is_old && !is_there && !left_out.contains(*name)
        };
        self.values.iter().filter(differs).map(|(name, value)| (name.to_owned(), value.clone())).collect()
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_blank() || value.as_array().is_some_and(model::Array::is_empty)
}

/// Whether two values are the same to the site. Tags have no order, an e-mail no case.
fn same(name: &str, held: &Value, wanted: &Value) -> bool {
    match (held, wanted) {
        (Value::Array(held), Value::Array(wanted)) => texts(held) == texts(wanted),
        (Value::Array(_), _) | (_, Value::Array(_)) => false,
        _ if name == EMAIL => held.php_string().trim().eq_ignore_ascii_case(wanted.php_string().trim()),
        _ => held.php_string() == wanted.php_string(),
    }
}

fn texts(list: &model::Array) -> BTreeSet<String> {
    list.values().map(|value| value.php_string().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use connector_wordpress::schema::Meta;
    use mapping::Semantics;
    use model::{ObjectName, RecordRef};
    use sync::{Related, Writer};

    use super::*;

    fn record(system: &str, object: &str, fields: Fields) -> Record {
        let reference = RecordRef::new(&system.parse().unwrap(), &ObjectName::new(object), "47");
        Record {
            reference,
            fields,
            modified: None,
            last_writer: Writer::Unknown,
            related: Related::default(),
        }
    }

    fn schema(plugin: bool) -> WordPressSchema {
        let meta =
            [(CONTACT_ID, Meta::Text), (TAGS, Meta::Texts)].map(|(name, kind)| (name.to_owned(), kind));
        WordPressSchema::new(if plugin { meta.into_iter().collect() } else { BTreeMap::new() })
    }

    fn made(plugin: bool, xml: &str) -> Projection {
        let contact = [("email", "ana@x.test"), ("firstname", "Ana"), ("lastname", ""), ("phone", "1")];
        let map = FieldMap::compile("m", xml.as_bytes(), Semantics::Bridge).unwrap();
        let contact = record("mautic:main", "contact", contact.into_iter().collect());
        project(
            &map,
            &schema(plugin),
            &contact,
            &["A, B".to_owned(), "VIP".to_owned()],
            Timestamp::UNIX_EPOCH,
        )
    }

    fn names(fields: &Fields) -> Vec<&str> {
        fields.names().collect()
    }

    #[test]
    fn what_is_empty_in_mautic_erases_nothing_and_tags_need_the_plugin() {
        let xml = mapping::shipped::MAUTIC_TO_USERS;
        assert_eq!(names(&made(false, xml).values), ["user_email", "first_name"]);
        let with_plugin = made(true, xml);
        assert_eq!(names(&with_plugin.values), ["user_email", "first_name", CONTACT_ID, TAGS]);
        assert_eq!(names(&with_plugin.tags_only().values), [CONTACT_ID, TAGS]);
    }

    #[test]
    fn a_key_of_meta_that_the_site_has_not_registered_is_told() {
        let xml = mapping::shipped::MAUTIC_TO_USERS.replacen("first_name", "billing_phone", 1);
        let made = made(true, &xml);
        assert!(made.unfit["billing_phone"].contains("not registered"), "{:?}", made.unfit);
    }

    #[test]
    fn only_what_differs_is_sent_and_a_person_s_own_edit_stays_until_mautic_changes() {
        let made = made(true, mapping::shipped::MAUTIC_TO_USERS);
        let mut user = Fields::new();
        user.insert("user_email", "Ana@X.test");
        user.insert("first_name", "Anita");
        user.insert(CONTACT_ID, "47");
        user.insert(TAGS, Value::Array(["VIP", "A, B"].map(Value::from).into_iter().collect()));
        let user = record("wordpress:shop", "user", user);
        let none = BTreeSet::new();
        assert_eq!(names(&made.difference(&user, None, &none)), ["first_name"]);
        let base: BTreeMap<_, _> =
            [("first_name".to_owned(), Fingerprint::of(&Value::from("Ana")))].into_iter().collect();
        assert!(made.difference(&user, Some(&base), &none).is_empty());
        let older: BTreeMap<_, _> =
            [("first_name".to_owned(), Fingerprint::of(&Value::from("Anne")))].into_iter().collect();
        assert_eq!(names(&made.difference(&user, Some(&older), &none)), ["first_name"]);
        assert!(made.difference(&user, None, &["first_name".to_owned()].into()).is_empty());
    }
}
