//! What coreBOS's workflows send: the key, and which record a body names. Pure.
//!
//! A "Run Web Service" task with a "Webservice Mapping" map posts one flat JSON object, all values text, with the
//! headers that the map gives and no signature. Recorded from the code of January 2025. The body is a hint: only
//! which record it names, and when that was changed, is taken from it.
//!
//! The map that the bridge asks for sends `event`, `module`, `id` (by the directive EXPRESSION, which gives the
//! webservice id) and `modifiedtime`. What else is sent is not read.

use jiff::{SignedDuration, Timestamp};
use model::{Notice, NoticeKind, ObjectName, RecordRef, System};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use sync::nurturing::is_event_name;

use crate::wire;

/// The header that carries the key. It covers neither the body nor a time, which is harmless: whoever knows the key can
/// only make us read records again.
pub const KEY_HEADER: &str = "X-Bridge-Key";

/// How far in the future a modified time may lie. Later ones come from a map that renders times in a time zone.
const CLOCKS_DIFFER_BY: SignedDuration = SignedDuration::from_mins(5);

/// The longest name of a module, in bytes.
const MAX_MODULE_BYTES: usize = 100;

/// A body whose key is right. Only [`verify`] makes one.
#[derive(Clone, Copy)]
pub struct Verified<'a>(&'a [u8]);

/// Shows the length only.
impl std::fmt::Debug for Verified<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Verified({} bytes)", self.0.len())
    }
}

/// Why a request is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No header, or an empty one: the setting that the map names is not there.
    #[error("the request has no key")]
    Missing,
    /// Another key.
    #[error("the key does not match")]
    Mismatch,
    /// No key to compare with: nothing can be accepted.
    #[error("no webhook key is configured")]
    NoKey,
}

/// Compares the key of a request with every live one, in constant time.
///
/// Several keys are live while one is replaced by another. Empty keys match nothing.
pub fn verify<'a>(
    keys: &[SecretString],
    given: Option<&str>,
    raw: &'a [u8],
) -> Result<Verified<'a>, KeyError> {
    let mut usable = keys.iter().map(ExposeSecret::expose_secret).filter(|key| !key.is_empty()).peekable();
    if usable.peek().is_none() {
        return Err(KeyError::NoKey);
    }
    let given = given.map(str::trim).filter(|key| !key.is_empty()).ok_or(KeyError::Missing)?;
    // Digests have one length, so the comparison does not tell that of the key.
    let given = Sha256::digest(given.as_bytes());
    let mut matches = subtle::Choice::from(0);
    for key in usable {
        matches |= Sha256::digest(key.as_bytes()).as_slice().ct_eq(given.as_slice());
    }
    if bool::from(matches) { Ok(Verified(raw)) } else { Err(KeyError::Mismatch) }
}

/// What a body says.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The record, and what has happened to it.
    pub notice: Notice,
    /// Whether the event was one of those that the bridge's maps send. Others count as a save.
    pub known_event: bool,
}

/// Why no record can be taken from a body. The texts go into coreBOS's log; they name no value of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Neither a JSON object nor a form.
    #[error("the body is no JSON object; set inputtype to JSON in the map")]
    NotAnObject,
    /// Which module is not said.
    #[error("the body has no module; let the map send record_module as module")]
    NoModule,
    /// Which record is not said by its webservice id.
    #[error("the body has no webservice id; let the map send id by the directive EXPRESSION")]
    NoId,
}

/// Takes the record out of a body. `receipt` makes the notice's receipt unique: the id of the request.
///
/// The content type says nothing: coreBOS sends JSON under any. A form is read as well, because a content type of a
/// form in the map makes coreBOS send one.
pub fn parse(
    body: Verified<'_>,
    system: &System,
    receipt: &str,
    received_at: Timestamp,
) -> Result<Parsed, BodyError> {
    let members = members(body.0)?;
    let text = |name: &str| members.get(name).and_then(Json::as_str).map(str::trim).unwrap_or_default();
    let module = Some(text("module")).filter(|module| is_module(module)).ok_or(BodyError::NoModule)?;
    let id = ["id", "wsid"].into_iter().map(text).find(|id| wire::is_record_id(id)).ok_or(BodyError::NoId)?;
    let (kind, event) = match text("event") {
        "delete" => (NoticeKind::Deleted, None),
        "save" | "create" | "edit" | "update" | "modify" => (NoticeKind::Saved, None),
        other => (NoticeKind::Saved, Some(other)),
    };
    let known_event = event.is_none();
    let event = event.filter(|name| is_event_name(name)).map(str::to_owned);
    let modified_at = wire::utc(text("modifiedtime"));
    Ok(Parsed {
        notice: Notice {
            record: RecordRef::new(system, &ObjectName::new(module), id),
            kind,
            receipt: format!("{receipt}/0"),
            received_at,
            modified_at: modified_at.filter(|time| time.duration_since(received_at) < CLOCKS_DIFFER_BY),
            command: None,
            event,
        },
        known_event,
    })
}

fn members(raw: &[u8]) -> Result<Map<String, Json>, BodyError> {
    // Ids are ASCII: bytes that are no UTF-8 elsewhere must not lose the notice.
    let text = String::from_utf8_lossy(raw);
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with('{') {
        return serde_json::from_str(text).map_err(|_| BodyError::NotAnObject);
    }
    let form: Map<String, Json> = url::form_urlencoded::parse(text.as_bytes())
        .filter(|(name, _)| ["event", "module", "id", "wsid", "modifiedtime"].contains(&name.as_ref()))
        .map(|(name, value)| (name.into_owned(), Json::String(value.into_owned())))
        .collect();
    if form.is_empty() { Err(BodyError::NotAnObject) } else { Ok(form) }
}

fn is_module(name: &str) -> bool {
    (1..=MAX_MODULE_BYTES).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn keys(all: &[&str]) -> Vec<SecretString> {
        all.iter().map(|&key| SecretString::from(key)).collect()
    }

    fn now() -> Timestamp {
        "2026-11-21T02:28:54Z".parse().unwrap()
    }

    fn parsed(body: &[u8]) -> Result<Parsed, BodyError> {
        parse(Verified(body), &"corebos:main".parse().unwrap(), "req-1", now())
    }

    fn body(changes: &Json) -> Vec<u8> {
        let mut body = json!({
            "event": "save", "module": "Contacts", "id": "12x8608", "crmid": "8608",
            "modifiedtime": "2026-11-21 02:28:53", "modifiedby": "1", "mautic_id": "", "hubspotid": ""
        });
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        body.to_string().into_bytes()
    }

    #[test]
    fn any_live_key_is_enough_and_nothing_else_is() {
        for live in [&["new"][..], &["old", "new"], &["new", "old"], &["", "new"]] {
            assert!(verify(&keys(live), Some(" new "), b"{}").is_ok(), "{live:?}");
        }
        let live = keys(&["new", "old"]);
        for given in ["ne", "new2", "NEW", "newold"] {
            assert_eq!(verify(&live, Some(given), b"{}").unwrap_err(), KeyError::Mismatch);
        }
        for none in [None, Some(""), Some("  ")] {
            assert_eq!(verify(&live, none, b"{}").unwrap_err(), KeyError::Missing);
        }
        for unset in [&[][..], &[""]] {
            assert_eq!(verify(&keys(unset), Some(""), b"{}").unwrap_err(), KeyError::NoKey);
        }
    }

    #[test]
    fn a_save_names_its_record_and_when_it_was_changed() {
        let Parsed { notice, known_event } = parsed(&body(&json!({}))).unwrap();
        assert!(known_event);
        assert_eq!(notice.record.key(), "corebos:main#Contacts#12x8608");
        assert_eq!((notice.kind, notice.receipt.as_str()), (NoticeKind::Saved, "req-1/0"));
        assert_eq!(notice.modified_at.unwrap().to_string(), "2026-11-21T02:28:53Z");
    }

    #[test]
    fn a_recorded_body_is_read_where_its_map_also_sends_the_module() {
        let recorded: Json =
            serde_json::from_str(include_str!("../fixtures/W002_workflow_modify.json")).unwrap();
        let raw = recorded["body_raw"].as_str().unwrap();
        assert_eq!(parsed(raw.as_bytes()), Err(BodyError::NoModule));
        let with_module = raw.replacen('{', "{\"module\":\"Contacts\",", 1);
        let Parsed { notice, known_event } = parsed(with_module.as_bytes()).unwrap();
        assert_eq!((notice.record.id.as_str(), known_event), ("12x8608", true));
        assert_eq!(notice.modified_at.unwrap().to_string(), "2026-11-21T02:28:53Z");
    }

    #[test]
    fn a_delete_is_told_from_a_save_and_an_unknown_event_is_a_save() {
        let kind = |event: &str| {
            let parsed = parsed(&body(&json!({ "event": event }))).unwrap();
            (parsed.notice.kind, parsed.known_event)
        };
        assert_eq!(kind("delete"), (NoticeKind::Deleted, true));
        for event in ["save", "create", "edit", "update", "modify"] {
            assert_eq!(kind(event), (NoticeKind::Saved, true));
        }
        assert_eq!(kind("trial-started"), (NoticeKind::Saved, false));
        assert_eq!(kind(""), (NoticeKind::Saved, false));
    }

    #[test]
    fn the_name_of_an_event_of_the_user_s_own_goes_with_the_notice() {
        let event = |name: &str| parsed(&body(&json!({ "event": name }))).unwrap().notice.event;
        assert_eq!(event("trial-started").as_deref(), Some("trial-started"));
        for none in ["save", "delete", "", "two words", "<b>"] {
            assert_eq!(event(none), None, "{none}");
        }
        assert_eq!(event(&"x".repeat(101)), None);
    }

    #[test]
    fn a_form_is_read_like_an_object() {
        let form =
            b"event=delete&module=Accounts&id=11x7&lastname=a%26b&modifiedtime=2026-11-21+02%3A28%3A53";
        let Parsed { notice, .. } = parsed(form).unwrap();
        assert_eq!(notice.record.key(), "corebos:main#Accounts#11x7");
        assert_eq!((notice.kind, notice.modified_at.is_some()), (NoticeKind::Deleted, true));
    }

    #[test]
    fn a_time_of_another_zone_is_not_waited_for() {
        for time in ["2026-11-21 08:28:53", "21-11-2026 02:28", "", "0000-00-00 00:00:00"] {
            assert_eq!(parsed(&body(&json!({ "modifiedtime": time }))).unwrap().notice.modified_at, None);
        }
    }

    #[test]
    fn what_is_missing_is_told_with_its_remedy() {
        for (changes, error) in [
            (json!({ "module": "" }), BodyError::NoModule),
            (json!({ "module": "../x" }), BodyError::NoModule),
            (json!({ "module": 7 }), BodyError::NoModule),
            (json!({ "id": "" }), BodyError::NoId),
            (json!({ "id": "8608" }), BodyError::NoId),
            (json!({ "id": ["12x1"] }), BodyError::NoId),
        ] {
            assert_eq!(parsed(&body(&changes)), Err(error), "{changes}");
        }
        for raw in [&b""[..], b"[]", b"null", b"{", b"{\"a\":1} x", b"\xff\xfe", b"[{\"id\":\"12x1\"}]"] {
            assert_eq!(parsed(raw), Err(BodyError::NotAnObject), "{raw:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_utf_8_elsewhere_lose_nothing() {
        let mut raw = b"{\"lastname\":\"\xff\xfe\",".to_vec();
        raw.extend_from_slice(&body(&json!({}))[1..]);
        assert_eq!(parsed(&raw).unwrap().notice.record.id, "12x8608");
    }

    proptest! {
        #[test]
        fn no_body_panics(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parsed(&raw);
        }

        #[test]
        fn no_mutilated_body_panics_or_names_a_strange_record(at in 0_usize..200, byte: u8) {
            let mut raw = body(&json!({}));
            if let Some(slot) = raw.get_mut(at) {
                *slot = byte;
            }
            if let Ok(parsed) = parsed(&raw) {
                prop_assert!(wire::is_record_id(&parsed.notice.record.id));
                prop_assert!(is_module(parsed.notice.record.object.as_str()));
            }
        }
    }
}
