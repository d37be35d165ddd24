//! A person as field maps see one: a flat record.

use jiff::Timestamp;
use model::Fields;

use crate::facts::Facts;

/// The fields of a person, by name.
///
/// | field | holds |
/// |---|---|
/// | `email`, `first_name`, `last_name`, `phone`, `company`, `city`, `state`, `postal_code`, `country` | the traits, however they were spelled |
/// | any other name | the trait or stamp of that name, as it was sent |
/// | `ip` | the visitor's address |
/// | `last_active` | the last visit, UTC, `2026-06-06 14:32:10` |
/// | `utm_source`, `utm_medium`, `utm_campaign`, `utm_content`, `utm_term` | the campaign that brought the visitor last |
/// | `first_utm_source`, ... | the one that did so first |
/// | `consent_marketing`, ... | `granted` or `denied` |
///
/// What nobody said is absent: an absent source leaves its target alone.
pub fn fields(facts: &Facts) -> Fields {
    let mut fields = Fields::new();
    for (name, fact) in &facts.traits {
        fields.insert(name.as_str(), fact.value.as_str());
    }
    if let Some(ip) = &facts.ip {
        fields.insert("ip", ip.value.as_str());
    }
    if let Some(seen) = facts.seen {
        fields.insert("last_active", last_active(seen));
    }
    for (prefix, touch) in [("", &facts.last_touch), ("first_", &facts.first_touch)] {
        let Some(touch) = touch else { continue };
        for (name, value) in touch.value.parts().into_iter().filter(|(_, value)| !value.is_empty()) {
            fields.insert(format!("{prefix}{name}"), value);
        }
    }
    for (category, fact) in &facts.consent {
        fields.insert(format!("consent_{category}"), if fact.value { "granted" } else { "denied" });
    }
    fields
}

/// A moment as Mautic reads `lastActive`.
fn last_active(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
