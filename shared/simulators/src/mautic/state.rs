//! Everything that the simulated Mautic remembers, in the form of its JSON snapshot.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::contacts::Contacts;
use super::php::Php;
use super::schema::{Field, Object, stock_fields};
use super::stamp::{Actor, Stamp};

/// A contact as the database holds it: only fields with a value are in `values`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Contact {
    pub(crate) id: u64,
    pub(crate) stamp: Stamp,
    pub(crate) values: IndexMap<String, Php>,
    pub(crate) points: i64,
    pub(crate) last_active: Option<Timestamp>,
    pub(crate) identified: Option<Timestamp>,
    pub(crate) owner: Option<u64>,
    pub(crate) stage: Option<u64>,
    pub(crate) tags: Vec<String>,
    pub(crate) addresses: Vec<Address>,
    pub(crate) refusals: Vec<DoNotContact>,
    pub(crate) utm: Vec<Php>,
    pub(crate) picture: Option<String>,
    /// Segment id, and since when.
    pub(crate) segments: BTreeMap<u64, Timestamp>,
}

impl Contact {
    pub(crate) fn new(stamp: Stamp) -> Self {
        Self {
            id: 0,
            stamp,
            values: IndexMap::new(),
            points: 0,
            last_active: None,
            identified: None,
            owner: None,
            stage: None,
            tags: Vec::new(),
            addresses: Vec::new(),
            refusals: Vec::new(),
            utm: Vec::new(),
            picture: None,
            segments: BTreeMap::new(),
        }
    }

    /// Whether there is a name, an e-mail, a company or a social name: all others are anonymous visitors.
    pub(crate) fn is_identified(&self) -> bool {
        IDENTIFYING.iter().any(|alias| self.values.get(*alias).is_some_and(|value| !value.is_empty()))
    }
}

const IDENTIFYING: [&str; 10] = [
    "firstname",
    "lastname",
    "email",
    "company",
    "facebook",
    "foursquare",
    "instagram",
    "linkedin",
    "skype",
    "twitter",
];

/// An IP address of a contact.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Address {
    pub(crate) id: u64,
    pub(crate) text: String,
    /// Whether the address was looked up, as visits are and API calls are not.
    pub(crate) looked_up: bool,
}

/// Why a contact must not be written to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DoNotContact {
    pub(crate) id: u64,
    pub(crate) added: Timestamp,
    pub(crate) reason: i64,
    pub(crate) comments: String,
    pub(crate) channel: String,
    /// Which e-mail or message it was, or null.
    pub(crate) channel_id: Php,
}

/// A company as the database holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Company {
    pub(crate) id: u64,
    pub(crate) stamp: Stamp,
    pub(crate) values: IndexMap<String, Php>,
    pub(crate) score: i64,
}

/// That a contact belongs to a company.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Membership {
    pub(crate) company: u64,
    pub(crate) contact: u64,
    pub(crate) since: Timestamp,
    pub(crate) primary: bool,
}

/// A webhook.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Hook {
    pub(crate) id: u64,
    pub(crate) stamp: Stamp,
    pub(crate) published: bool,
    pub(crate) name: String,
    pub(crate) description: Php,
    pub(crate) url: String,
    pub(crate) secret: String,
    pub(crate) order: Php,
    pub(crate) triggers: Vec<String>,
    /// Whether the last deliveries were answered 2xx, newest last.
    pub(crate) log: Vec<bool>,
}

/// An event that waits for the queue to be processed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct QueueRow {
    pub(crate) id: u64,
    pub(crate) hook: u64,
    pub(crate) key: String,
    pub(crate) item: Php,
}

/// A role of the API.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Role {
    pub(crate) id: u64,
    pub(crate) stamp: Stamp,
    pub(crate) name: String,
    pub(crate) description: Php,
    pub(crate) admin: bool,
    pub(crate) permissions: Php,
}

impl Role {
    /// Whether the role may do `action` on `object`, as in `lead:leads` and `create`.
    pub(crate) fn may(&self, object: &str, action: &str) -> bool {
        let granted = |wanted: &str| {
            self.permissions.get(object).is_some_and(|actions| {
                actions.items().iter().any(|each| each.as_text().as_deref() == Some(wanted))
            })
        };
        self.admin || granted(action) || granted("full")
    }
}

/// A user of Mautic.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) stamp: Stamp,
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) email: String,
    pub(crate) role: u64,
    pub(crate) timezone: Php,
}

impl User {
    pub(crate) fn actor(&self) -> Actor {
        Actor { id: Some(self.id), name: format!("{} {}", self.first_name, self.last_name) }
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("User").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A segment of contacts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Segment {
    pub(crate) id: u64,
    pub(crate) stamp: Stamp,
    pub(crate) name: String,
    pub(crate) alias: String,
}

/// A stage that contacts can be in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stage {
    pub(crate) id: u64,
    pub(crate) stamp: Stamp,
    pub(crate) name: String,
    pub(crate) weight: i64,
}

/// The database.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) fields: Vec<Field>,
    pub(crate) contacts: Contacts,
    /// Id of a contact that was merged away, and the contact that took its place.
    pub(crate) merged: BTreeMap<u64, u64>,
    pub(crate) companies: BTreeMap<u64, Company>,
    pub(crate) memberships: Vec<Membership>,
    pub(crate) hooks: BTreeMap<u64, Hook>,
    pub(crate) queue: Vec<QueueRow>,
    pub(crate) roles: BTreeMap<u64, Role>,
    pub(crate) users: BTreeMap<u64, User>,
    pub(crate) segments: BTreeMap<u64, Segment>,
    pub(crate) stages: BTreeMap<u64, Stage>,
    /// Tag ids by name.
    pub(crate) tags: IndexMap<String, u64>,
    /// Last id given out, by table.
    pub(crate) last_ids: BTreeMap<String, u64>,
}

impl State {
    /// A fresh installation: stock fields, nobody but the administrator's role.
    pub(crate) fn fresh() -> Self {
        let mut state = Self {
            fields: stock_fields(),
            contacts: Contacts::default(),
            merged: BTreeMap::new(),
            companies: BTreeMap::new(),
            memberships: Vec::new(),
            hooks: BTreeMap::new(),
            queue: Vec::new(),
            roles: BTreeMap::new(),
            users: BTreeMap::new(),
            segments: BTreeMap::new(),
            stages: BTreeMap::new(),
            tags: IndexMap::new(),
            last_ids: BTreeMap::new(),
        };
        let last_field = state.fields.iter().map(|field| field.id).max().unwrap_or(0);
        state.last_ids.insert("field".to_owned(), last_field);
        state
    }

    /// The next id of a table; ids are never used twice.
    pub(crate) fn next_id(&mut self, table: &str) -> u64 {
        let last = self.last_ids.entry(table.to_owned()).or_insert(0);
        *last += 1;
        *last
    }

    /// Fields of an object: those that were added come first, then the stock ones.
    pub(crate) fn fields_of(&self, object: Object) -> Vec<Field> {
        let mut fields: Vec<Field> =
            self.fields.iter().filter(|field| field.object == object).cloned().collect();
        fields.sort_by_key(|field| (field.stamp.added.is_none(), field.id));
        fields
    }

    /// The contact that answers to an id: itself, or the one it was merged into.
    pub(crate) fn contact_id(&self, id: u64) -> Option<u64> {
        if self.contacts.contains_key(&id) {
            return Some(id);
        }
        self.merged.get(&id).copied().filter(|survivor| self.contacts.contains_key(survivor))
    }

    /// Contacts with this e-mail address, letter case ignored, newest first.
    pub(crate) fn contacts_with_email(&self, email: &str) -> Vec<u64> {
        self.contacts.holding("email", &email.to_lowercase())
    }

    /// Companies with this name, letter case ignored, newest first.
    pub(crate) fn companies_named(&self, name: &str) -> Vec<u64> {
        let name = name.to_lowercase();
        self.companies
            .values()
            .rev()
            .filter(|company| text_equals(company.values.get("companyname"), &name))
            .map(|company| company.id)
            .collect()
    }

    /// The id of a tag, made when there is none.
    pub(crate) fn tag_id(&mut self, name: &str) -> u64 {
        if let Some(id) = self.tags.get(name) {
            return *id;
        }
        let id = self.next_id("tag");
        self.tags.insert(name.to_owned(), id);
        id
    }
}

fn text_equals(value: Option<&Php>, lower_case: &str) -> bool {
    value.and_then(Php::as_text).is_some_and(|text| text.to_lowercase() == lower_case)
}
