//! What webhooks are told: one event per change, each matched against the subscriptions.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::kinds::{ASSOCIATION_TYPES, Kind};
use super::state::{Source, State, Subscription};

/// The longest value that an event carries.
const VALUE_LIMIT_CHARS: usize = 65_536;

/// Properties whose changes nobody can subscribe to.
const SILENT: [&str; 2] = ["hs_lastmodifieddate", "lastmodifieddate"];

/// Something that happened to a record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    kind: Kind,
    id: u64,
    what: What,
}

#[derive(Debug, Clone, PartialEq)]
enum What {
    Created,
    Changed { property: String, value: String },
    Deleted,
    Restored,
    Privacy,
    Merged { primary: u64, other: u64 },
    Associated { to: (Kind, u64), type_id: u32, primary: bool, removed: bool },
}

impl Event {
    pub(crate) fn created(kind: Kind, id: u64) -> Self {
        Self { kind, id, what: What::Created }
    }

    pub(crate) fn changed(kind: Kind, id: u64, property: &str, value: &str) -> Self {
        let value = value.chars().take(VALUE_LIMIT_CHARS).collect();
        Self { kind, id, what: What::Changed { property: property.to_owned(), value } }
    }

    pub(crate) fn deleted(kind: Kind, id: u64) -> Self {
        Self { kind, id, what: What::Deleted }
    }

    pub(crate) fn restored(kind: Kind, id: u64) -> Self {
        Self { kind, id, what: What::Restored }
    }

    pub(crate) fn privacy(id: u64) -> Self {
        Self { kind: Kind::Contact, id, what: What::Privacy }
    }

    pub(crate) fn merged(kind: Kind, primary: u64, other: u64, new: u64) -> Self {
        Self { kind, id: new, what: What::Merged { primary, other } }
    }

    pub(crate) fn associated(
        from: (Kind, u64),
        to: (Kind, u64),
        type_id: u32,
        primary: bool,
        removed: bool,
    ) -> Self {
        Self { kind: from.0, id: from.1, what: What::Associated { to, type_id, primary, removed } }
    }

    fn action(&self) -> &'static str {
        match self.what {
            What::Created => "creation",
            What::Changed { .. } => "propertyChange",
            What::Deleted => "deletion",
            What::Restored => "restore",
            What::Privacy => "privacyDeletion",
            What::Merged { .. } => "merge",
            What::Associated { .. } => "associationChange",
        }
    }

    /// The type of the old subscriptions; objects as new as leads have none.
    fn old_type(&self) -> Option<String> {
        (self.kind != Kind::Lead).then(|| format!("{}.{}", self.kind.singular(), self.action()))
    }

    fn is_wanted(&self, subscription: &Subscription) -> bool {
        let by_type = Some(&subscription.kind) == self.old_type().as_ref()
            || (subscription.kind == format!("object.{}", self.action())
                && subscription.object == Some(self.kind));
        let by_property = match &self.what {
            What::Changed { property, .. } => {
                subscription.property.as_ref() == Some(property) && !SILENT.contains(&property.as_str())
            }
            _ => true,
        };
        by_type && by_property
    }

    /// The bodies of this event, one for each subscription that wants it.
    pub(crate) fn bodies(&self, state: &mut State, at: Timestamp, source: &Source) -> Vec<Json> {
        let wanted: Vec<Subscription> =
            state.subscriptions.iter().filter(|each| self.is_wanted(each)).cloned().collect();
        wanted.iter().map(|subscription| self.body(state, subscription, at, source)).collect()
    }

    fn body(&self, state: &mut State, subscription: &Subscription, at: Timestamp, source: &Source) -> Json {
        // Not unique for good: ids of events may repeat, so nobody may count on them.
        state.next_event += 1;
        let mut body = json!({
            "eventId": state.next_event % 4_101_286_500,
            "subscriptionId": subscription.id,
            "portalId": state.portal_id,
            "appId": state.app_id,
            "occurredAt": at.as_millisecond(),
            "subscriptionType": subscription.kind,
            "attemptNumber": 0,
            "objectId": self.id,
            "changeSource": source.kind,
            "sourceId": source.id,
        });
        let Some(object) = body.as_object_mut() else { return body };
        let mut put = |name: &str, value: Json| {
            object.insert(name.to_owned(), value);
        };
        if subscription.kind.starts_with("object.") {
            put("objectTypeId", json!(self.kind.type_id()));
        }
        match &self.what {
            What::Created => put("changeFlag", json!("CREATED")),
            What::Deleted => put("changeFlag", json!("DELETED")),
            What::Changed { property, value } => {
                put("propertyName", json!(property));
                put("propertyValue", json!(value));
            }
            What::Merged { primary, other } => {
                put("primaryObjectId", json!(primary));
                put("mergedObjectIds", json!([other]));
                put("newObjectId", json!(self.id));
                put("numberOfPropertiesMoved", json!(0));
            }
            What::Associated { to, type_id, primary, removed } => {
                object.remove("objectId");
                let known =
                    ASSOCIATION_TYPES.iter().find(|each| each.from == self.kind && each.id == *type_id);
                let mut put = |name: &str, value: Json| {
                    object.insert(name.to_owned(), value);
                };
                put("fromObjectId", json!(self.id));
                put("toObjectId", json!(to.1));
                put("associationRemoved", json!(removed));
                put("isPrimaryAssociation", json!(primary));
                put("associationTypeId", json!(type_id));
                if known.is_some() {
                    let name = format!("{}_TO_{}", self.kind.singular(), to.0.singular()).to_uppercase();
                    put("associationType", json!(name));
                }
            }
            What::Restored | What::Privacy => {}
        }
        body
    }
}
