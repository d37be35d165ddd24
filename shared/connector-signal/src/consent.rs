//! What a visitor agreed to, in every shape in which it is sent.
//!
//! | read in this order | who sends it |
//! |---|---|
//! | `context.consent.canonical.<category>` | Signal today |
//! | `context.consent.categories.<name>` | Signal, in the names of the site's consent tool |
//! | `context.consent.<category>` | Signal before |
//! | `context.consent.categoryPreferences.<name>` | Segment and those who follow it |
//!
//! Nothing of it: nothing is known, and what was known before stays.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// The answers of an event, for these categories; `names` are what sites call a category besides its own name.
pub(crate) fn answers<'a>(
    context: &Json,
    categories: impl IntoIterator<Item = &'a str>,
    names: &BTreeMap<String, Vec<String>>,
) -> BTreeMap<String, bool> {
    let Some(consent) = context.get("consent").filter(|consent| consent.is_object()) else {
        return BTreeMap::new();
    };
    let shapes = [
        consent.get("canonical"),
        consent.get("categories"),
        Some(consent),
        consent.get("categoryPreferences"),
    ];
    let mut answers = BTreeMap::new();
    for category in categories {
        let others = names.get(category).into_iter().flatten().map(String::as_str);
        let known: Vec<&str> = std::iter::once(category).chain(others).collect();
        let answer = shapes
            .iter()
            .flatten()
            .find_map(|shape| known.iter().find_map(|name| shape.get(*name).and_then(granted)));
        if let Some(answer) = answer {
            answers.insert(category.to_owned(), answer);
        }
    }
    answers
}

/// Yes or no, as it is written; anything else is no answer.
fn granted(value: &Json) -> Option<bool> {
    match value {
        Json::Bool(answer) => Some(*answer),
        Json::Number(number) => match number.as_i64() {
            Some(1) => Some(true),
            Some(0) => Some(false),
            _ => None,
        },
        Json::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "granted" | "true" | "yes" | "1" | "allow" | "allowed" => Some(true),
            "denied" | "false" | "no" | "0" | "deny" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn marketing(consent: &Json) -> Option<bool> {
        let names = BTreeMap::from([("marketing".to_owned(), vec!["C0004".to_owned()])]);
        answers(&json!({ "consent": consent }), ["marketing"], &names).get("marketing").copied()
    }

    #[test]
    fn every_documented_shape_is_read_and_the_newest_counts_first() {
        let rows = [
            (json!({ "canonical": { "marketing": true } }), Some(true)),
            (
                json!({ "canonical": { "marketing": false }, "categories": { "marketing": true } }),
                Some(false),
            ),
            (json!({ "canonical": { "analytics": true }, "categories": { "C0004": false } }), Some(false)),
            (json!({ "marketing": "granted" }), Some(true)),
            (json!({ "marketing": "denied", "categoryPreferences": { "marketing": true } }), Some(false)),
            (json!({ "categoryPreferences": { "marketing": false, "analytics": true } }), Some(false)),
            (json!({ "categoryPreferences": { "C0004": 1 } }), Some(true)),
            (json!({ "analytics": true }), None),
            (json!({ "marketing": "perhaps" }), None),
            (json!({ "canonical": [], "marketing": null }), None),
            (json!([true]), None),
            (Json::Null, None),
        ];
        for (consent, expected) in rows {
            assert_eq!(marketing(&consent), expected, "{consent}");
        }
    }
}
