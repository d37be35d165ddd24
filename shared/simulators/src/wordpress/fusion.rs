//! WP Fusion's webhook receiver, for sites that own it: pages for people, never JSON but for `test`.
//!
//! Made from its documentation and from what is known of its source; see the decision table of its answers there.

use serde_json::json;

use super::answer::Answer;
use super::engine::Engine;
use super::parameters::Parameters;

/// The answer to `/?wpf_action=...`; none where the site does not own the plugin.
pub(crate) fn answer(engine: &Engine, parameters: &Parameters) -> Option<Answer> {
    let key = engine.state().fusion_key.clone()?;
    let action = parameters.text("wpf_action")?.to_lowercase();
    if parameters.text("access_key").as_deref() != Some(key.as_str()) {
        return Some(Answer::page(403, "Invalid Access Key", "Invalid Access Key"));
    }
    if action.is_empty() {
        return Some(Answer::page(500, "No Action Specified", "No Action Specified"));
    }
    if action == "test" {
        return Some(Answer::ok(json!({ "success": true })));
    }
    let Some(contact) = parameters.text("contact_id").filter(|id| !id.is_empty()) else {
        return Some(Answer::page(
            200,
            "Abort",
            "Contact data not found, or contact not eligible for update.",
        ));
    };
    if parameters.text("async").is_some_and(|text| !text.is_empty()) {
        engine.change(|state| run(state, &action, &contact, engine.now()));
        let text = format!("Success! Contact ID {contact} pushed to async queue.");
        return Some(Answer::page(200, "Success", &text));
    }
    Some(engine.change(|state| run(state, &action, &contact, engine.now())))
}

fn run(state: &mut super::state::State, action: &str, contact: &str, now: jiff::Timestamp) -> Answer {
    let linked = |state: &super::state::State| {
        let of = |user: &&super::state::User| {
            user.meta.get("mautic_contact_id").and_then(serde_json::Value::as_str) == Some(contact)
        };
        state.users.iter().find(of).map(|user| user.id)
    };
    match (action, linked(state)) {
        ("update" | "update_tags", None) => {
            Answer::page(200, "Not Found", &format!("No matching user found for contact ID {contact}"))
        }
        ("add" | "update" | "update_tags", Some(id)) => {
            Answer::page(200, "Success", &format!("Success! Updated user {id}"))
        }
        ("add", None) => match state.fusion_contacts.get(contact).cloned() {
            None => Answer::page(500, "Error", &format!("Import user failed for contact ID {contact}.")),
            Some(email) => {
                let known = state.by_email(&email).map(|user| user.id);
                let id = known.unwrap_or_else(|| state.seat(&email, &email, "subscriber", now));
                if let Some(user) = state.user_mut(id) {
                    user.meta.insert("mautic_contact_id".to_owned(), json!(contact));
                }
                Answer::page(200, "Success", &format!("Success! User imported with ID {id}"))
            }
        },
        _ => Answer::page(200, "Abort", "Nothing to do."),
    }
}
