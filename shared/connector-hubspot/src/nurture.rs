//! What begins a workflow of HubSpot's, since no call enrols anybody: the membership of a list, a custom event.
//!
//! `PUT /crm/lists/{version}/{list}/memberships/add`, for static lists; `POST /events/{version}/send`, in portals with an
//! Enterprise edition. <https://developers.hubspot.com/docs/api-reference>, read 2026-11-21.

use http_client::{Effect, Method, Request};
use jiff::Timestamp;
use model::Fingerprint;
use serde::Deserialize;
use serde_json::json;
use sync::ConnectorError;

use crate::client::{HubSpot, with_json};
use crate::error::{refusal, unreadable};
use crate::wire::is_id;

/// A custom event that a record meets.
#[derive(Clone, Debug)]
pub struct CustomEvent<'a> {
    /// Its full name: `pe247187887_trial_started`.
    pub name: &'a str,
    /// The record.
    pub record: &'a str,
    /// When it happened.
    pub at: Timestamp,
    /// What makes it the same event when it is sent again: HubSpot takes it once.
    pub once: &'a str,
}

/// Who was added to a list.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Added {
    record_ids_missing: Vec<serde_json::Value>,
}

impl HubSpot {
    /// Makes a record a member of a static list. Being one already is good.
    ///
    /// # Errors
    /// Rejected: there is no such list, it chooses its members itself, or it holds records of another type.
    pub async fn add_to_list(&self, list: &str, record: &str) -> Result<(), ConnectorError> {
        let no_list = |what: &str| ConnectorError::Rejected {
            message: format!("HubSpot's list {list} {what}"),
            fields: std::collections::BTreeMap::new(),
        };
        if !is_id(list) {
            return Err(no_list("has no such number"));
        }
        let url = self.api(["crm", "lists", self.version(), list, "memberships", "add"]);
        let answer = self.call(with_json(Request::write(Method::PUT, url), &json!([record]))?).await?;
        if !answer.is_success() {
            return Err(match refusal(&answer, Effect::Write) {
                ConnectorError::Gone => no_list("is not there"),
                other => other,
            });
        }
        let added: Added = answer.json().map_err(|_| unreadable(&answer, Effect::Write, "no memberships"))?;
        let is_ours =
            |id: &serde_json::Value| id.as_str().map_or_else(|| id.to_string(), str::to_owned) == record;
        if added.record_ids_missing.iter().any(is_ours) {
            return Err(no_list("takes no such record: it holds another type"));
        }
        Ok(())
    }

    /// Lets a record meet a custom event. Sent twice, it counts once.
    ///
    /// # Errors
    /// Rejected: there is no event of this name.
    pub async fn send_event(&self, event: &CustomEvent<'_>) -> Result<(), ConnectorError> {
        let url = self.api(["events", self.version(), "send"]);
        let body = json!({
            "eventName": event.name,
            "objectId": event.record,
            "occurredAt": event.at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            "properties": {},
            "uuid": uuid_of(event.once),
        });
        // Of the same id HubSpot takes the first one: sending it again is no harm.
        let answer = self.call(with_json(Request::write(Method::POST, url), &body)?).await?;
        if answer.is_success() {
            return Ok(());
        }
        Err(match refusal(&answer, Effect::Write) {
            ConnectorError::Gone => ConnectorError::Rejected {
                message: format!("HubSpot has no custom event {}", event.name),
                fields: std::collections::BTreeMap::new(),
            },
            other => other,
        })
    }
}

/// The id of an event, which is always the same for the same text.
fn uuid_of(once: &str) -> String {
    let digest = Fingerprint::of_bytes(once.as_bytes());
    let hex = digest.as_str();
    // Version 8: made by a rule of one's own (RFC 9562).
    format!("{}-{}-8{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_event_has_the_same_id_and_another_one_another() {
        let id = uuid_of("req-1/0 trial-started");
        assert_eq!(id, uuid_of("req-1/0 trial-started"));
        assert_ne!(id, uuid_of("req-2/0 trial-started"));
        let parts: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(&id[14..15], "8");
    }
}
