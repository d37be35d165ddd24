//! The body of a webhook: events, of which only the records' ids are taken.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{Notice, NoticeKind, ObjectName, RecordRef, System};
use serde::Deserialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::signature::Verified;
use crate::objects::Object;

/// The most events of one body. HubSpot sends a hundred at most.
const MAX_EVENTS: usize = 10_000;
/// The most problems that are told one by one.
const MAX_PROBLEMS: usize = 20;
/// The most types of events that are counted by name.
const MAX_TYPES: usize = 100;

/// What was found in a body.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// One notice per record, in order of first appearance.
    pub notices: Vec<Notice>,
    /// How many events there were of each type.
    pub counted: BTreeMap<String, u64>,
    /// Events of other portals than ours; not taken.
    pub foreign: u64,
    /// What could not be used, by position; without personal data.
    pub problems: Vec<String>,
}

/// Why nothing could be taken from a body. Its text names no value of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// No JSON, or no list of events.
    #[error("the body is not a JSON list of events (line {line}, column {column})")]
    NotAList {
        /// Where it ends to be one, counted from 1.
        line: usize,
        /// The byte in that line.
        column: usize,
    },
    /// More than HubSpot ever sends.
    #[error("the body holds more than {MAX_EVENTS} events")]
    TooMany,
}

/// One event, read leniently: members come and go between HubSpot's versions.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Event {
    portal_id: Option<Json>,
    #[serde(alias = "eventType")]
    subscription_type: Option<String>,
    object_id: Option<Json>,
    object_type_id: Option<Json>,
    primary_object_id: Option<Json>,
    merged_object_ids: Option<Vec<Json>>,
    new_object_id: Option<Json>,
    association_type: Option<String>,
    from_object_id: Option<Json>,
    to_object_id: Option<Json>,
    from_object_type_id: Option<Json>,
}

/// Takes the records out of a signed body. `portal` is ours, where it is known: an app may be installed in several.
///
/// Events of an unexpected shape are told in `problems`, and the others are taken all the same: to refuse the body
/// would bring all of them again.
///
/// # Errors
/// The body is no list of events.
pub fn parse(
    body: Verified<'_>,
    system: &System,
    portal: Option<&str>,
    receipt: &str,
    received_at: Timestamp,
) -> Result<Parsed, BodyError> {
    let list: Vec<&RawValue> = serde_json::from_slice(body.raw())
        .map_err(|error| BodyError::NotAList { line: error.line(), column: error.column() })?;
    if list.len() > MAX_EVENTS {
        return Err(BodyError::TooMany);
    }
    let mut parsed = Parsed::default();
    let mut notices = Vec::new();
    let mut untold = 0_u64;
    for (position, raw) in list.into_iter().enumerate() {
        let mut problem = |what: &str| {
            if parsed.problems.len() < MAX_PROBLEMS {
                parsed.problems.push(format!("event {position}: {what}"));
            } else {
                untold += 1;
            }
        };
        let Ok(event) = serde_json::from_str::<Event>(raw.get()) else {
            problem("not an object of the known shape");
            continue;
        };
        let Some(kind) = event.subscription_type.as_deref().filter(|kind| is_name(kind)) else {
            problem("no type");
            continue;
        };
        let room = parsed.counted.contains_key(kind) || parsed.counted.len() < MAX_TYPES;
        *parsed.counted.entry(if room { kind.to_owned() } else { "other".to_owned() }).or_default() += 1;
        let of_portal = event.portal_id.as_ref().and_then(id_of);
        if let (Some(ours), Some(theirs)) = (portal, &of_portal)
            && ours != theirs
        {
            parsed.foreign += 1;
            continue;
        }
        let named = event.records(kind);
        if named.is_empty() && event.is_about_records(kind) {
            problem("no usable id");
        }
        for (object, id, what) in named {
            let record = RecordRef::new(system, &ObjectName::new(object.name()), id);
            notices.push(Notice {
                record,
                kind: what,
                receipt: format!("{receipt}/{}", notices.len()),
                received_at,
                // Reads by id are of the present: there is nothing to wait for.
                modified_at: None,
                command: None,
                event: None,
            });
        }
    }
    if untold > 0 {
        parsed.problems.push(format!("and {untold} more"));
    }
    parsed.notices = Notice::coalesce(notices);
    Ok(parsed)
}

impl Event {
    /// The records that an event names.
    fn records(&self, kind: &str) -> Vec<(Object, String, NoticeKind)> {
        let Some((of, action)) = kind.split_once('.') else { return Vec::new() };
        let object = match of {
            "object" => self.object_type_id.as_ref().and_then(id_text).and_then(|id| Object::of_type(&id)),
            name => Object::of_type(name),
        };
        let one = |id: Option<&Json>, what| -> Vec<(Object, String, NoticeKind)> {
            object.zip(id.and_then(id_of)).map(|(object, id)| (object, id, what)).into_iter().collect()
        };
        match action {
            "creation" | "propertyChange" | "restore" => one(self.object_id.as_ref(), NoticeKind::Saved),
            "deletion" => one(self.object_id.as_ref(), NoticeKind::Deleted),
            "privacyDeletion" => one(self.object_id.as_ref(), NoticeKind::Erased),
            "merge" => {
                let gone = self.primary_object_id.iter().chain(self.merged_object_ids.iter().flatten());
                let mut all: Vec<_> = gone.flat_map(|id| one(Some(id), NoticeKind::Deleted)).collect();
                all.extend(one(self.new_object_id.as_ref().or(self.object_id.as_ref()), NoticeKind::Saved));
                all
            }
            "associationChange" => {
                let from = object.or_else(|| {
                    self.from_object_type_id.as_ref().and_then(id_text).and_then(|id| Object::of_type(&id))
                });
                let id = self.from_object_id.as_ref().or(self.object_id.as_ref()).and_then(id_of);
                let ends = self.association_type.as_deref().and_then(ends_of);
                let mut all: Vec<_> =
                    from.zip(id).map(|(object, id)| (object, id, NoticeKind::Saved)).into_iter().collect();
                // The child is the one that carries the association here, and the event may come from its parent.
                if let (Some((_, to)), Some(id)) = (ends, self.to_object_id.as_ref().and_then(id_of)) {
                    all.push((to, id, NoticeKind::Saved));
                }
                all
            }
            _ => Vec::new(),
        }
    }

    /// Whether the event should have named a record that the bridge knows.
    fn is_about_records(&self, kind: &str) -> bool {
        let Some((of, action)) = kind.split_once('.') else { return false };
        let known = Object::of_type(of).is_some()
            || (of == "object"
                && self
                    .object_type_id
                    .as_ref()
                    .and_then(id_text)
                    .and_then(|id| Object::of_type(&id))
                    .is_some());
        let actions = [
            "creation",
            "propertyChange",
            "restore",
            "deletion",
            "privacyDeletion",
            "merge",
            "associationChange",
        ];
        known && actions.contains(&action)
    }
}

/// The ends of an association by its name: `CONTACT_TO_COMPANY`.
fn ends_of(name: &str) -> Option<(Object, Object)> {
    let (from, to) = name.split_once("_TO_")?;
    Some((Object::of_type(from)?, Object::of_type(to)?))
}

/// The id of a record: digits, as a number or as text. Ids are longer than 32 bits.
fn id_of(json: &Json) -> Option<String> {
    let text = id_text(json)?;
    let digits = !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit());
    (digits && text != "0").then_some(text)
}

fn id_text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether a type is a name as HubSpot gives them, so that nothing else ever reaches a log or a metric.
fn is_name(kind: &str) -> bool {
    let plain = kind.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    plain && !kind.is_empty() && kind.len() <= 100
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::{SIGNATURE_HEADER, verify};
    use base64::Engine as _;
    use hmac::{Hmac, KeyInit as _, Mac as _};

    fn parsed(body: &str) -> Result<Parsed, BodyError> {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"s").unwrap();
        mac.update(format!("POSThttps://x/{body}0").as_bytes());
        let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
        assert_eq!(SIGNATURE_HEADER, "X-HubSpot-Signature-v3");
        let now = Timestamp::UNIX_EPOCH;
        let secrets = ["s".to_owned().into()];
        let verified =
            verify(&secrets, "https://x/", Some(&signature), Some("0"), body.as_bytes(), now).unwrap();
        parse(verified, &"hubspot:main".parse().unwrap(), Some("247187887"), "req", now)
    }

    fn seen(parsed: &Parsed) -> Vec<(String, NoticeKind)> {
        parsed.notices.iter().map(|n| (format!("{}/{}", n.record.object, n.record.id), n.kind)).collect()
    }

    #[test]
    fn every_record_of_a_body_is_noticed_once_and_the_rest_is_told() {
        let body = r#"[
            {"subscriptionType":"contact.propertyChange","portalId":247187887,"objectId":541935488729,"propertyName":"email","propertyValue":"a@example.org"},
            {"subscriptionType":"contact.propertyChange","portalId":247187887,"objectId":541935488729,"propertyName":"phone"},
            {"eventType":"object.creation","portalId":247187887,"objectTypeId":"0-136","objectId":"7"},
            {"subscriptionType":"contact.merge","portalId":247187887,"primaryObjectId":1,"mergedObjectIds":[2],"newObjectId":3},
            {"subscriptionType":"contact.associationChange","portalId":247187887,"fromObjectId":4,"toObjectId":5,"associationType":"CONTACT_TO_COMPANY"},
            {"subscriptionType":"contact.privacyDeletion","portalId":247187887,"objectId":6},
            {"subscriptionType":"contact.creation","portalId":1,"objectId":8},
            {"subscriptionType":"contact.creation","portalId":247187887,"objectId":"not an id"},
            {"subscriptionType":"conversation.creation","portalId":247187887,"objectId":9},
            7
        ]"#;
        let parsed = parsed(body).unwrap();
        let expected = [
            ("contact/541935488729", NoticeKind::Saved),
            ("lead/7", NoticeKind::Saved),
            ("contact/1", NoticeKind::Deleted),
            ("contact/2", NoticeKind::Deleted),
            ("contact/3", NoticeKind::Saved),
            ("contact/4", NoticeKind::Saved),
            ("company/5", NoticeKind::Saved),
            ("contact/6", NoticeKind::Erased),
        ];
        assert_eq!(seen(&parsed), expected.map(|(record, kind)| (record.to_owned(), kind)));
        assert_eq!((parsed.foreign, parsed.problems.len()), (1, 2), "{:?}", parsed.problems);
        assert!(!format!("{:?}", parsed.problems).contains("example.org"));
    }

    #[test]
    fn what_is_no_list_is_told_by_its_place() {
        assert!(matches!(parsed("{}"), Err(BodyError::NotAList { line: 1, .. })));
        assert!(matches!(parsed("[{]"), Err(BodyError::NotAList { line: 1, column: 3 })));
        assert_eq!(parsed("[]").unwrap(), Parsed::default());
    }
}
