//! One event as it is sent, in Segment's form, made a [`VisitorEvent`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::Fingerprint;
use serde_json::Value as Json;

use crate::campaign::Campaign;
use crate::consent;
use crate::event::{EventKind, IdentityKey, VisitorEvent};
use crate::event_table::{self, EventRule};
use crate::facts::{Fact, Facts};
use crate::settings::SignalPreferences;
use crate::traits::{self, plain};

/// The longest id of a visitor or an event, in characters.
const LONGEST_ID: usize = 500;
/// The longest name of a track event, in characters.
const LONGEST_NAME: usize = 200;

/// What an event is read with.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    pub(crate) source: &'a str,
    pub(crate) preferences: &'a SignalPreferences,
    /// The kind that the path names.
    pub(crate) kind: Option<EventKind>,
    /// The whole body: what holds for all of its events.
    pub(crate) batch: &'a Json,
    /// The visitor's address, where a browser sent the request itself.
    pub(crate) browser_ip: Option<&'a str>,
    pub(crate) received_at: Timestamp,
}

/// Why an event of a batch is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEvent {
    /// It is no object.
    #[error("not an object")]
    NotAnObject,
    /// It is larger than 64 KB.
    #[error("larger than 64 KB")]
    TooLarge,
    /// It names neither a user nor a browser nor an e-mail.
    #[error("neither userId nor anonymousId")]
    Nobody,
    /// Its kind is none.
    #[error("type is none of identify, track, page, screen, group, alias")]
    NoKind,
    /// A track event without a name.
    #[error("a track event without a name")]
    NoName,
}

/// What became of an event.
pub(crate) enum Read {
    /// It does something.
    Taken(Box<VisitorEvent>),
    /// The table of events has no row for it.
    Unmapped,
}

/// A text of at most so many characters, not blank. Numbers and booleans are texts too.
pub(crate) fn bounded(value: &Json, most: usize) -> Option<String> {
    let text = match value {
        Json::String(text) => text.trim().to_owned(),
        Json::Number(number) => number.to_string(),
        Json::Bool(value) => i32::from(*value).to_string(),
        _ => return None,
    };
    (!text.is_empty() && text.chars().count() <= most).then_some(text)
}

/// The first of these members that is there and not null.
pub(crate) fn member<'a>(holder: &'a Json, names: &[&str]) -> Option<&'a Json> {
    names.iter().find_map(|name| holder.get(*name)).filter(|value| !value.is_null())
}

/// A time as senders write it: ISO 8601 with an offset, or milliseconds since 1970.
fn time(value: &Json) -> Option<Timestamp> {
    match value {
        Json::String(text) => text.trim().parse().ok(),
        Json::Number(number) => Timestamp::from_millisecond(number.as_i64()?).ok(),
        _ => None,
    }
}

/// Reads one event.
pub(crate) fn read(sent: &Json, around: &Around<'_>) -> Result<Read, NotAnEvent> {
    if !sent.is_object() {
        return Err(NotAnEvent::NotAnObject);
    }
    let kind = match (member(sent, &["type"]).and_then(Json::as_str), around.kind) {
        (Some(name), _) => EventKind::ALL.into_iter().find(|kind| name.eq_ignore_ascii_case(kind.as_str())),
        (None, kind) => kind,
    };
    let kind = kind.ok_or(NotAnEvent::NoKind)?;
    let name = match kind {
        EventKind::Track => {
            let named = member(sent, &["event"]).and_then(|name| bounded(name, LONGEST_NAME));
            named.ok_or(NotAnEvent::NoName)?
        }
        _ => String::new(),
    };
    let id = |names: &[&str]| member(sent, names).and_then(|id| bounded(id, LONGEST_ID));
    let (user, anonymous) = (id(&["userId"]), id(&["anonymousId"]));
    let Some(rule) = event_table::rule(&around.preferences.events, kind, &name) else {
        return Ok(Read::Unmapped);
    };
    let at = happened_at(sent, around);
    let context =
        member(sent, &["context"]).or_else(|| member(around.batch, &["context"])).unwrap_or(&Json::Null);
    let properties = member(sent, &["properties"]).unwrap_or(&Json::Null);
    let mut found = traits_of(sent, context, properties, kind);
    let given = found.remove("email");
    let email = given.as_deref().and_then(traits::email);
    if user.is_none() && anonymous.is_none() && email.is_none() {
        return Err(NotAnEvent::Nobody);
    }
    if let Some(email) = &email {
        found.insert("email".to_owned(), email.clone());
    }
    stamp(&mut found, rule, properties);
    let source = around.source;
    let previous = id(&["previousId"]).filter(|_| kind == EventKind::Alias);
    Ok(Read::Taken(Box::new(VisitorEvent {
        source: source.to_owned(),
        id: event_id(sent, source, kind),
        kind,
        name,
        action: rule.action,
        user: user.map(|id| IdentityKey::user(source, &id)),
        anonymous: anonymous.map(|id| IdentityKey::anonymous(source, &id)),
        previous: previous
            .map(|id| vec![IdentityKey::user(source, &id), IdentityKey::anonymous(source, &id)])
            .unwrap_or_default(),
        at,
        received_at: around.received_at,
        bad_email: given.is_some() && email.is_none(),
        email,
        facts: facts(found, context, properties, at, around),
    })))
}

/// When it happened: as it says, but not in the future.
fn happened_at(sent: &Json, around: &Around<'_>) -> Timestamp {
    let of_event =
        ["timestamp", "originalTimestamp", "sentAt"].iter().find_map(|name| time(sent.get(*name)?));
    let said = of_event.or_else(|| around.batch.get("sentAt").and_then(time));
    said.unwrap_or(around.received_at).min(around.received_at)
}

/// The traits of an event: those of an identify count more than those that clients repeat in the context. Of properties
/// only the e-mail is one.
fn traits_of(sent: &Json, context: &Json, properties: &Json, kind: EventKind) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let email = properties.as_object().into_iter().flatten().find(|(name, _)| plain(name) == "email");
    if let Some(email) = email.and_then(|(_, value)| bounded(value, LONGEST_ID)) {
        found.insert("email".to_owned(), email);
    }
    found.extend(traits::traits(context.get("traits").unwrap_or(&Json::Null)));
    let own = sent.get("traits").unwrap_or(&Json::Null);
    match kind {
        // What a group is called is not what its member is called.
        EventKind::Group => {
            if let Some(name) = member(own, &["name"]).and_then(|name| bounded(name, LONGEST_NAME)) {
                found.insert("company".to_owned(), name);
            }
        }
        _ => found.extend(traits::traits(own)),
    }
    found
}

fn stamp(found: &mut BTreeMap<String, String>, rule: &EventRule, properties: &Json) {
    for (field, from) in &rule.stamps {
        let value = from.iter().find_map(|name| {
            let wanted = plain(name);
            let mut properties = properties.as_object().into_iter().flatten();
            properties
                .find(|(name, _)| plain(name) == wanted)
                .and_then(|(_, value)| bounded(value, LONGEST_NAME))
        });
        if let Some(value) = value {
            found.insert(field.clone(), value);
        }
    }
}

fn facts(
    traits: BTreeMap<String, String>,
    context: &Json,
    properties: &Json,
    at: Timestamp,
    around: &Around<'_>,
) -> Facts {
    let preferences = around.preferences;
    let campaign = Campaign::of(context, properties).map(|campaign| Fact::new(campaign, at));
    let answers = consent::answers(context, preferences.categories(), &preferences.consent_names);
    let said = member(context, &["ip"]).and_then(|ip| bounded(ip, 60));
    let ip = said.as_deref().or(around.browser_ip).and_then(public_address);
    Facts {
        traits: traits.into_iter().map(|(name, value)| (name, Fact::new(value, at))).collect(),
        consent: answers.into_iter().map(|(name, answer)| (name, Fact::new(answer, at))).collect(),
        first_touch: campaign.clone(),
        last_touch: campaign,
        ip: ip.map(|ip| Fact::new(ip, at)),
        seen: Some(at),
    }
}

/// An address of the public internet; others say nothing of where a visitor is.
pub(crate) fn public_address(text: &str) -> Option<String> {
    use std::net::IpAddr;
    let address: IpAddr = text.trim().parse().ok()?;
    let public = match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            let shared = a == 100 && (64..128).contains(&b);
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
                || address.is_broadcast()
                || address.is_multicast()
                || shared
                || a == 0
                || a >= 240)
        }
        IpAddr::V6(address) => {
            !(address.is_loopback()
                || address.is_unspecified()
                || address.is_multicast()
                || address.is_unique_local()
                || address.is_unicast_link_local())
        }
    };
    public.then(|| address.to_canonical().to_string())
}

/// The same for the same event however often it is sent: made of the sender's id, else of what the event says.
fn event_id(sent: &Json, source: &str, kind: EventKind) -> String {
    let said = member(sent, &["messageId"]).and_then(|id| bounded(id, LONGEST_ID));
    let made_of = said.unwrap_or_else(|| {
        let mut event = sent.clone();
        if let Some(event) = event.as_object_mut() {
            event.remove("sentAt");
        }
        event.to_string()
    });
    let text = format!("{source}|{}|{made_of}", kind.as_str());
    Fingerprint::of_bytes(text.as_bytes()).as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_tell_where_a_visitor_is() {
        for text in ["203.0.113.50", "2001:db8::1", "::ffff:203.0.113.50"] {
            assert!(public_address(text).is_some(), "{text}");
        }
        for text in [
            "10.0.0.1",
            "127.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "169.254.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "x",
            "",
            "203.0.113.50:80",
        ] {
            assert_eq!(public_address(text), None, "{text}");
        }
        assert_eq!(public_address("::ffff:203.0.113.50").unwrap(), "203.0.113.50");
    }
}
