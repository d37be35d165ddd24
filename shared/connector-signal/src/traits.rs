//! Traits, as everybody spells them, under one name each.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::wire::{bounded, member};

/// The most traits that are read of one event.
const MOST: usize = 60;
/// The longest name of a trait, in characters.
const LONGEST_NAME: usize = 80;
/// The longest value of a trait, in characters. Longer ones are left out: a cut one would be a wrong one.
const LONGEST_VALUE: usize = 1_000;

/// A trait that the bridge knows, and how it is spelled: without case, blanks, underscores and hyphens.
const KNOWN: [(&str, &[&str]); 9] = [
    ("email", &["email", "emailaddress"]),
    ("first_name", &["firstname"]),
    ("last_name", &["lastname"]),
    ("phone", &["phone", "phonenumber"]),
    ("company", &["company", "companyname"]),
    ("city", &["city"]),
    ("state", &["state", "region"]),
    ("postal_code", &["postalcode", "zip", "zipcode", "postcode"]),
    ("country", &["country", "countrycode"]),
];

/// A name without case, blanks, underscores, hyphens and points.
pub(crate) fn plain(name: &str) -> String {
    name.chars()
        .filter(|letter| !matches!(letter, ' ' | '_' | '-' | '.'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The traits of an object. Blank ones, lists and objects are none, but for `address` and `company`.
pub(crate) fn traits(sent: &Json) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let Some(sent) = sent.as_object() else { return found };
    // What stands at the top counts more than what stands inside `address`.
    if let Some(address) = sent.get("address").and_then(Json::as_object) {
        for (name, value) in address.iter().take(MOST) {
            if let (Some(known), Some(text)) = (known(name), bounded(value, LONGEST_VALUE)) {
                found.insert(known.to_owned(), text);
            }
        }
    }
    split_name(sent, &mut found);
    for (name, value) in sent.iter().take(MOST) {
        let value = if plain(name) == "company" { member(value, &["name"]).unwrap_or(value) } else { value };
        let Some(text) = bounded(value, LONGEST_VALUE) else { continue };
        if name.trim().is_empty() || name.chars().count() > LONGEST_NAME {
            continue;
        }
        found.insert(known(name).unwrap_or(name.as_str()).to_owned(), text);
    }
    found
}

fn known(name: &str) -> Option<&'static str> {
    let plain = plain(name);
    KNOWN.iter().find(|(_, spelled)| spelled.contains(&plain.as_str())).map(|(known, _)| *known)
}

/// `name` is both names, split at the first blank; the single ones count more.
fn split_name(sent: &Map<String, Json>, found: &mut BTreeMap<String, String>) {
    let Some(name) = sent.get("name").and_then(|value| bounded(value, LONGEST_VALUE)) else { return };
    let (first, last) = name.split_once(char::is_whitespace).unwrap_or((&name, ""));
    found.insert("first_name".to_owned(), first.to_owned());
    if !last.trim().is_empty() {
        found.insert("last_name".to_owned(), last.trim().to_owned());
    }
}

/// An e-mail as it is compared and stored, or nothing where it is none.
///
/// Looser than Mautic's own check, which has the last word; strict enough that a person is not made of `n/a`.
pub(crate) fn email(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let (local, domain) = text.rsplit_once('@')?;
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>()[],;:\"\\".contains(c);
    let is_domain = domain.contains('.')
        && domain.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        });
    let fits = !local.is_empty() && !local.contains('@') && text.len() <= 190;
    (fits && is_domain && !text.contains(odd)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_spelling_of_a_known_trait_is_the_same_trait() {
        let sent = json!({
            "email": " Jane.Doe@Example.com ", "firstName": "Jane", "last_name": "Doe", "phone": 44,
            "company": { "name": "ACME", "id": 3 }, "plan": "pro", "vip": true, "empty": "", "nothing": null,
            "list": [1], "address": { "city": "Paris", "postalCode": "75001", "Country": "FR", "street": "x" },
            "city": "London",
        });
        let expected = [
            ("city", "London"),
            ("company", "ACME"),
            ("country", "FR"),
            ("email", "Jane.Doe@Example.com"),
            ("first_name", "Jane"),
            ("last_name", "Doe"),
            ("phone", "44"),
            ("plan", "pro"),
            ("postal_code", "75001"),
            ("vip", "1"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(traits(&sent), BTreeMap::from(expected));
    }

    #[test]
    fn a_whole_name_is_split_unless_its_parts_are_given() {
        let of = |sent: Json| {
            let found = traits(&sent);
            (found.get("first_name").cloned(), found.get("last_name").cloned())
        };
        let both = |first: &str, last: &str| (Some(first.to_owned()), Some(last.to_owned()));
        assert_eq!(of(json!({ "name": "Jane van der Berg" })), both("Jane", "van der Berg"));
        assert_eq!(of(json!({ "name": "Cher" })), (Some("Cher".to_owned()), None));
        assert_eq!(of(json!({ "name": "J D", "FirstName": "Jane" })), both("Jane", "D"));
    }

    #[test]
    fn what_is_no_address_is_none() {
        assert_eq!(email(" Jane@Example.COM "), Some("jane@example.com".to_owned()));
        for text in [
            "",
            "n/a",
            "jane",
            "@example.com",
            "jane@",
            "jane@localhost",
            "a b@example.com",
            "a@b@c.example",
            "a@-b.example",
            "a@b..example",
            "<a@b.example>",
        ] {
            assert_eq!(email(text), None, "{text}");
        }
    }
}
