//! The memory: who a visitor is, across events, browsers and sources.
//!
//! An **identity** is what one source calls somebody: an id of its own, or the id of a browser. A **person** is everybody
//! with one e-mail: all identities of all sources that have named it. Mautic's contact belongs to the person.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{Fingerprint, RecordRef, System};
use serde::{Deserialize, Serialize};

use crate::campaign::Campaign;
use crate::event::{IdentityKey, VisitorEvent};
use crate::facts::{Fact, Facts};

/// How many events are told of a visitor.
pub const MOST_SEEN: usize = 20;
/// How many identities of a person are listed.
const MOST_IDENTITIES: usize = 50;

/// The key of a person in the table: no e-mail stands in it.
pub fn person_key(email: &str) -> String {
    format!("person#{}", Fingerprint::of_bytes(email.as_bytes()).as_str())
}

/// The name of an identity in the table.
pub fn name_in_memory(system: &System, key: &IdentityKey) -> String {
    format!("{system}#{}", key.as_str())
}

/// One event that a visitor made, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The event's id.
    pub id: String,
    /// Its kind, or what a track event is called.
    pub event: String,
    /// When it happened.
    pub at: Timestamp,
    /// When we took it.
    pub received_at: Timestamp,
    /// What became of it: `created`, `updated`, `dropped_no_email`, ...
    pub outcome: String,
    /// The HTTP status of Mautic's answer, where something was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The fields that were sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Fields that were refused, with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, String>,
}

impl Seen {
    /// An event of which nothing was sent.
    pub fn of(event: &VisitorEvent, outcome: &str) -> Self {
        Self {
            id: event.id.clone(),
            event: event.label().to_owned(),
            at: event.at,
            received_at: event.received_at,
            outcome: outcome.to_owned(),
            status: None,
            fields: Vec::new(),
            refused: BTreeMap::new(),
        }
    }
}

/// Notes an event, newest last; an event that is told again takes its own place.
pub fn note(list: &mut Vec<Seen>, seen: Seen) {
    list.retain(|known| known.id != seen.id);
    list.push(seen);
    let surplus = list.len().saturating_sub(MOST_SEEN);
    list.drain(..surplus);
}

/// What one source knows of somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Identity {
    /// What its events said.
    pub facts: Facts,
    /// Of a browser, or of an id that was replaced: the id by which the source itself knows the visitor, the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Fact<IdentityKey>>,
    /// Its last events.
    pub seen: Vec<Seen>,
}

/// Everybody with one e-mail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Person {
    /// What all events said.
    pub facts: Facts,
    /// The identities that have named the e-mail.
    pub identities: Vec<IdentityKey>,
    /// Counts how often anything new was learned, besides visits.
    pub learned: u64,
    /// What was sent to Mautic.
    pub sent: Sent,
    /// The last events.
    pub seen: Vec<Seen>,
}

/// What was sent to Mautic, so that it is not sent again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sent {
    /// The contact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<RecordRef>,
    /// How much had been learned when something was sent last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learned: Option<u64>,
    /// When something was sent last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The last visit that was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_active: Option<Timestamp>,
    /// By field: the value that was sent, or refused.
    pub fields: BTreeMap<String, Fingerprint>,
    /// Whether the tag was given (`true`) or taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<bool>,
    /// The campaign that was told last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<Campaign>,
}

impl Sent {
    /// Takes in what one event has sent, besides what others have sent meanwhile.
    pub fn take_in(&mut self, before: &Self, after: &Self) {
        if after.contact != before.contact {
            self.contact.clone_from(&after.contact);
        }
        if after.tag != before.tag {
            self.tag = after.tag;
        }
        if after.campaign != before.campaign {
            self.campaign.clone_from(&after.campaign);
        }
        self.learned = self.learned.max(after.learned);
        self.at = self.at.max(after.at);
        self.last_active = self.last_active.max(after.last_active);
        for (name, value) in &after.fields {
            if before.fields.get(name) != Some(value) {
                self.fields.insert(name.clone(), value.clone());
            }
        }
    }
}

/// What is read for an event: the identities that it names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// By the source's own id.
    pub user: Option<Identity>,
    /// By the browser's id.
    pub anonymous: Option<Identity>,
    /// Ids before an alias.
    pub previous: Vec<(IdentityKey, Identity)>,
    /// Where the event names a browser only: the user that it belongs to.
    pub owner: Option<(IdentityKey, Identity)>,
}

/// What an event makes of the identities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The identities as they shall be.
    pub identities: Vec<(IdentityKey, Identity)>,
    /// Whether anything but the last visit changed in one of them.
    pub changed: bool,
    /// The e-mail of the person, if anybody has named it.
    pub email: Option<String>,
    /// What the person is told.
    pub facts: Facts,
    /// The identities of the person.
    pub keys: Vec<IdentityKey>,
}

/// Puts an event together with what is known of its visitor.
///
/// What a browser did before anybody said who sits there belongs to the first user that it is linked to. What a user says
/// of himself stays with that user: two people at one computer are two people.
pub fn resolve(event: &VisitorEvent, known: &Known) -> Resolved {
    let mut resolved = Resolved { facts: event.facts.clone(), ..Resolved::default() };
    let mut user = match (&event.user, &known.owner) {
        (Some(key), _) => Some((key.clone(), known.user.clone().unwrap_or_default())),
        (None, Some(owner)) => Some(owner.clone()),
        (None, None) => None,
    };
    let mut inherited = Facts::default();
    if let Some(key) = &event.anonymous {
        let mut browser = known.anonymous.clone().unwrap_or_default();
        if let Some((user_key, _)) = user.as_ref().filter(|_| event.user.is_some()) {
            if browser.user.as_ref().is_none_or(|fact| fact.value == *user_key) {
                inherited.merge(&browser.facts);
            }
            resolved.changed |= link(&mut browser, user_key, event.at);
        } else {
            resolved.changed |= browser.facts.merge(&event.facts);
            if user.is_none() {
                inherited.merge(&browser.facts);
            }
        }
        resolved.identities.push((key.clone(), browser));
    }
    if let Some((user_key, _)) = user.as_ref().filter(|_| event.user.is_some()) {
        for (key, before) in known.previous.iter().filter(|(key, _)| key != user_key) {
            let mut before = before.clone();
            inherited.merge(&before.facts);
            resolved.changed |= link(&mut before, user_key, event.at);
            resolved.identities.push((key.clone(), before));
        }
    }
    if let Some((key, identity)) = &mut user {
        resolved.changed |= identity.facts.merge(&event.facts);
        let mut own = inherited.clone();
        if identity.facts.text("email").is_some() {
            // Who the user is, the user says.
            own.traits.remove("email");
        }
        resolved.changed |= identity.facts.merge(&own);
        inherited = identity.facts.clone();
        resolved.identities.push((key.clone(), identity.clone()));
    }
    let memory = inherited.text("email").map(str::to_owned);
    resolved.email = event.email.clone().or_else(|| memory.clone());
    // What belongs to another e-mail is another person's.
    if memory.is_none() || memory == resolved.email {
        resolved.facts.merge(&inherited);
    }
    resolved.keys = resolved.identities.iter().map(|(key, _)| key.clone()).collect();
    resolved
}

/// Links an identity to the user that it belongs to, unless a newer event has linked it already.
fn link(identity: &mut Identity, user: &IdentityKey, at: Timestamp) -> bool {
    let fact = Fact::new(user.clone(), at);
    let newer = |old: &Fact<IdentityKey>| (old.at, &old.value) < (fact.at, &fact.value);
    let other = |old: &Fact<IdentityKey>| old.value != fact.value;
    if identity.user.as_ref().is_some_and(|old| !newer(old)) {
        return false;
    }
    let changed = identity.user.as_ref().is_none_or(other);
    identity.user = Some(fact);
    changed
}

impl Person {
    /// Takes in what an event told; tells whether anything but the last visit changed.
    pub fn learn(&mut self, resolved: &Resolved) -> bool {
        let mut changed = self.facts.merge(&resolved.facts);
        for key in &resolved.keys {
            if !self.identities.contains(key) && self.identities.len() < MOST_IDENTITIES {
                self.identities.push(key.clone());
                changed = true;
            }
        }
        self.learned += u64::from(changed);
        changed
    }
}
