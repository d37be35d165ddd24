//! The fields of a user, and the keys of user meta that a site has registered.

use std::collections::BTreeMap;

use model::{Array, Value};
use sync::{Canonical, Schema};

use crate::username;

/// What a user is called among objects.
pub const USER: &str = "user";
/// The key of user meta that holds the id of the Mautic contact; WP Fusion's.
pub const CONTACT_ID: &str = "mautic_contact_id";
/// The key of user meta that holds the names of the contact's tags; WP Fusion's.
pub const TAGS: &str = "mautic_tags";

/// The longest address that WordPress can store, in characters.
const LONGEST_EMAIL: usize = 100;

/// The fields of a user besides its meta: our name, WordPress's name.
pub(crate) const FIELDS: &[(&str, &str)] = &[
    ("user_login", "username"),
    ("user_email", "email"),
    ("user_pass", "password"),
    ("first_name", "first_name"),
    ("last_name", "last_name"),
    ("display_name", "name"),
    ("nickname", "nickname"),
    ("user_nicename", "slug"),
    ("user_url", "url"),
    ("description", "description"),
    ("locale", "locale"),
    ("role", "roles"),
];

/// What a registered key of user meta holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meta {
    /// One text.
    Text,
    /// A list of texts.
    Texts,
}

/// What can be written to a user of a site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WordPressSchema {
    meta: BTreeMap<String, Meta>,
}

impl WordPressSchema {
    /// A schema with these registered keys.
    pub fn new(meta: BTreeMap<String, Meta>) -> Self {
        Self { meta }
    }

    /// The registered keys of user meta that can be written, and what each holds.
    pub fn meta(&self) -> &BTreeMap<String, Meta> {
        &self.meta
    }

    /// Whether the site has registered what the must-use plugin registers.
    pub fn has_plugin(&self) -> bool {
        self.meta.get(CONTACT_ID) == Some(&Meta::Text) && self.meta.get(TAGS) == Some(&Meta::Texts)
    }

    /// The names of all fields that can be written.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        FIELDS.iter().map(|(ours, _)| *ours).chain(self.meta.keys().map(String::as_str))
    }
}

impl Schema for WordPressSchema {
    fn canonical(&self, field: &str, value: &Value) -> Canonical {
        if let Some(kind) = self.meta.get(field) {
            return match (kind, value) {
                (Meta::Text, Value::Array(_)) => {
                    unfit("the site has registered this key as a text, not as a list")
                }
                (Meta::Text, other) => text(other.php_string().into_owned()),
                (Meta::Texts, value) => Canonical::Value(Value::Array(texts(value))),
            };
        }
        if !self.has(field) {
            return Canonical::NoSuchField;
        }
        if matches!(value, Value::Array(_)) && field != "role" {
            return unfit("a list where WordPress takes a text");
        }
        let plain = || value.php_string().trim().to_owned();
        match field {
            "user_login" if plain().is_empty() => text(String::new()),
            "user_login" => text(username::acceptable(&plain())),
            "user_email" => match email_problem(&plain()) {
                Some(problem) => unfit(problem),
                None => text(plain()),
            },
            // Kept as it is: blanks are part of a password.
            "user_pass" if value.php_string().contains('\\') => {
                unfit("WordPress takes no backslash in a password")
            }
            "user_pass" => text(value.php_string().into_owned()),
            "role" => match value {
                Value::Array(_) => Canonical::Value(Value::Array(texts(value))),
                _ => text(role_slug(&plain())),
            },
            "description" | "user_url" => text(plain()),
            _ => text(one_line(&plain())),
        }
    }

    fn has(&self, field: &str) -> bool {
        self.meta.contains_key(field) || FIELDS.iter().any(|(ours, _)| *ours == field)
    }
}

fn text(text: String) -> Canonical {
    Canonical::Value(Value::Text(text))
}

fn unfit(problem: &str) -> Canonical {
    Canonical::Unfit(problem.to_owned())
}

/// A list of texts: of a list, or of a text as Mautic writes several choices (`a|b`).
fn texts(value: &Value) -> Array {
    let texts: Vec<String> = match value {
        Value::Array(list) => list.values().map(|each| each.php_string().into_owned()).collect(),
        other => other.php_string().split('|').map(|part| part.trim().to_owned()).collect(),
    };
    texts.into_iter().filter(|text| !text.is_empty()).map(Value::Text).collect()
}

/// The name of a role as WordPress keeps it: `Shop Manager` is `shop_manager`.
pub fn role_slug(title: &str) -> String {
    title.trim().to_lowercase().split_whitespace().collect::<Vec<_>>().join("_")
}

/// What WordPress would refuse, or break at, in an address; nothing for a blank.
fn email_problem(email: &str) -> Option<&'static str> {
    if email.is_empty() {
        return None;
    }
    if email.chars().count() > LONGEST_EMAIL {
        return Some("the address is longer than the 100 characters that WordPress can store");
    }
    let fits_locally = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c);
    let fits_a_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let fits = email.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && local.chars().all(fits_locally)
            && domain.contains('.')
            && domain.split('.').all(fits_a_label)
    });
    if fits { None } else { Some("WordPress takes no such address: it knows ASCII addresses only") }
}

/// As WordPress cleans names: without tags, blanks single.
fn one_line(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        kept.push_str(before);
        rest = tag.find('>').and_then(|end| tag.get(end + 1..)).unwrap_or_default();
    }
    kept.push_str(rest);
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> WordPressSchema {
        let meta = [(CONTACT_ID.to_owned(), Meta::Text), (TAGS.to_owned(), Meta::Texts)];
        WordPressSchema::new(meta.into_iter().collect())
    }

    fn canonical(field: &str, value: impl Into<Value>) -> Result<String, String> {
        match schema().canonical(field, &value.into()) {
            Canonical::Value(value) => Ok(value.to_json_text()),
            Canonical::Unfit(reason) => Err(reason),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn values_take_the_form_in_which_wordpress_gives_them_back() {
        assert_eq!(canonical("last_name", "O'Neil <b>x</b> ").unwrap(), "\"O'Neil x\"");
        assert_eq!(canonical("user_login", "ann+tag@x.test").unwrap(), "\"anntag@x.test\"");
        assert_eq!(canonical("role", "Shop Manager").unwrap(), "\"shop_manager\"");
        assert_eq!(canonical(CONTACT_ID, 77_i64).unwrap(), "\"77\"");
        assert_eq!(canonical(TAGS, "VIP|A, B").unwrap(), "[\"VIP\",\"A, B\"]");
        assert_eq!(canonical(TAGS, "").unwrap(), "[]");
    }

    #[test]
    fn what_wordpress_would_break_at_is_unfit_before_it_is_sent() {
        assert!(canonical("user_email", format!("{}@x.test", "b".repeat(100))).is_err());
        for email in ["not an email", "jürgen@x.test", "a@b"] {
            assert!(canonical("user_email", email).is_err(), "{email}");
        }
        for email in ["ann+tag@x.test", "o'neil@x.test", ""] {
            assert!(canonical("user_email", email).is_ok(), "{email}");
        }
        assert!(canonical("user_pass", "a\\b").is_err());
        assert!(!schema().has("billing_phone"));
    }
}
