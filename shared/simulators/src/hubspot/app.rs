//! The webhooks of a project app, as its file says: `src/app/webhooks/webhooks-hsmeta.json` of a HubSpot project.

use serde_json::Value as Json;

use super::kinds::Kind;
use super::state::Subscription;

/// Subscriptions of an app at most.
const SUBSCRIPTIONS: usize = 1_000;
/// What can happen to a record.
const ACTIONS: [&str; 6] =
    ["creation", "deletion", "propertyChange", "merge", "restore", "associationChange"];
/// Properties that have no webhooks.
const UNSENT: [&str; 2] = ["hs_lastmodifieddate", "num_unique_conversion_events"];

/// The target URL of a file, and its active subscriptions. `known`: whether an object has a property.
pub(super) fn read(
    text: &str,
    known: impl Fn(Kind, &str) -> bool,
) -> Result<(String, Vec<Subscription>), String> {
    let json: Json = serde_json::from_str(text).map_err(|error| format!("this is no JSON: {error}"))?;
    if json["type"] != "webhooks" || json["uid"].as_str().is_none_or(str::is_empty) {
        return Err("uid and the type `webhooks` are required".to_owned());
    }
    let settings = &json["config"]["settings"];
    let target = settings["targetUrl"].as_str().unwrap_or_default();
    if !target.starts_with("https://") {
        return Err(format!("targetUrl must be an https URL, not {target:?}"));
    }
    if !settings["maxConcurrentRequests"].as_u64().is_some_and(|many| (1..=10).contains(&many)) {
        return Err("maxConcurrentRequests must be a number from 1 to 10".to_owned());
    }
    let mut all: Vec<Subscription> = Vec::new();
    for list in ["crmObjects", "legacyCrmObjects", "hubEvents"] {
        let listed = json["config"]["subscriptions"][list].as_array();
        for each in listed.into_iter().flatten().filter(|each| each["active"] == true) {
            let subscription = subscription(list, each, &known)?;
            let is_same = |other: &Subscription| {
                (&other.kind, other.object, &other.property)
                    == (&subscription.kind, subscription.object, &subscription.property)
            };
            if all.iter().any(is_same) {
                return Err(format!("{each} is there twice"));
            }
            all.push(Subscription { id: 7_562_680 + all.len() as u64, ..subscription });
        }
    }
    if all.len() > SUBSCRIPTIONS {
        return Err(format!("an app has at most {SUBSCRIPTIONS} subscriptions"));
    }
    Ok((target.to_owned(), all))
}

fn subscription(
    list: &str,
    json: &Json,
    known: &impl Fn(Kind, &str) -> bool,
) -> Result<Subscription, String> {
    let kind = json["subscriptionType"].as_str().unwrap_or_default();
    let property = json["propertyName"].as_str().map(str::to_owned);
    let wrong = |why: &str| Err(format!("{list}: {json}: {why}"));
    let (object, action) = kind.split_once('.').unwrap_or_default();
    if list == "hubEvents" {
        let made = || Subscription { id: 0, kind: kind.to_owned(), object: None, property: None };
        return if kind == "contact.privacyDeletion" { Ok(made()) } else { wrong("no such event") };
    }
    if !ACTIONS.contains(&action) {
        return wrong("no such event");
    }
    let named = if list == "crmObjects" { json["objectType"].as_str().unwrap_or_default() } else { object };
    let is_generic = object == "object";
    if is_generic != (list == "crmObjects") {
        return wrong("it belongs into the other list");
    }
    let Some(of) = Kind::of(named).filter(|of| is_generic || *of != Kind::Lead) else {
        return wrong("no such object");
    };
    match &property {
        Some(name) if action == "propertyChange" => {
            if UNSENT.contains(&name.as_str()) || !known(of, name) {
                return wrong("no such property");
            }
        }
        None if action != "propertyChange" => {}
        _ => return wrong("changes of properties name one, other events none"),
    }
    Ok(Subscription { id: 0, kind: kind.to_owned(), object: is_generic.then_some(of), property })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_with(subscriptions: &Json) -> Result<usize, String> {
        let file = json!({
            "uid": "w", "type": "webhooks",
            "config": {
                "settings": { "targetUrl": "https://h.example.com/hooks", "maxConcurrentRequests": 10 },
                "subscriptions": subscriptions,
            },
        });
        read(&file.to_string(), |_, name| name == "email").map(|(_, all)| all.len())
    }

    #[test]
    fn subscriptions_are_taken_as_hubspot_takes_them() {
        let email =
            json!({ "subscriptionType": "contact.propertyChange", "propertyName": "email", "active": true });
        let lead = json!({ "subscriptionType": "object.creation", "objectType": "lead", "active": true });
        let off = json!({ "subscriptionType": "nonsense", "active": false });
        let good = json!({ "crmObjects": [lead], "legacyCrmObjects": [email, off] });
        assert_eq!(read_with(&good), Ok(2));
        for (list, wrong) in [
            ("legacyCrmObjects", json!([email, email])),
            ("legacyCrmObjects", json!([lead])),
            ("crmObjects", json!([email])),
            ("legacyCrmObjects", json!([{ "subscriptionType": "contact.propertyChange", "active": true }])),
            ("legacyCrmObjects", json!([{ "subscriptionType": "lead.creation", "active": true }])),
            ("hubEvents", json!([{ "subscriptionType": "contact.creation", "active": true }])),
        ] {
            assert!(read_with(&json!({ list: wrong })).is_err(), "{list} {wrong}");
        }
    }
}
