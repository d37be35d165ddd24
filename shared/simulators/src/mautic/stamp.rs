//! Who made and changed a record, and when: times of one second, as Mautic's database keeps them.

use indexmap::IndexMap;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::php::Php;

/// Who does something: a user, an OAuth client, or nobody (a visitor, a cron job).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Actor {
    /// None for OAuth client credentials and for nobody.
    pub(crate) id: Option<u64>,
    /// First and last name; one blank for nobody.
    pub(crate) name: String,
}

impl Actor {
    /// A visitor of the website or a cron job: no id, and a name of one blank (captures H02, G01).
    pub(crate) fn nobody() -> Self {
        Self { id: None, name: " ".to_owned() }
    }
}

/// The first keys of nearly everything that Mautic shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    pub(crate) added: Option<Timestamp>,
    pub(crate) modified: Option<Timestamp>,
    pub(crate) created_by: Option<u64>,
    pub(crate) created_by_user: Option<String>,
    pub(crate) modified_by: Option<u64>,
    pub(crate) modified_by_user: Option<String>,
}

impl Stamp {
    /// Made now by `actor`; made by nobody leaves no name.
    pub(crate) fn created(now: Timestamp, actor: &Actor) -> Self {
        let named = actor.name.trim().is_empty().then_some(()).is_none();
        Self {
            added: Some(now),
            created_by: actor.id,
            created_by_user: named.then(|| actor.name.clone()),
            ..Self::default()
        }
    }

    pub(crate) fn modify(&mut self, now: Timestamp, actor: &Actor) {
        self.modified = Some(now);
        self.touch(actor);
    }

    /// Notes who saved without a change: the names move, the time does not (capture B08).
    pub(crate) fn touch(&mut self, actor: &Actor) {
        self.modified_by = actor.id;
        self.modified_by_user = Some(actor.name.clone());
    }

    pub(crate) fn entries(&self) -> IndexMap<String, Php> {
        let id = |id: Option<u64>| id.map_or(Php::Null, Php::id);
        [
            ("isPublished", Php::Bool(true)),
            ("dateAdded", time(self.added)),
            ("dateModified", time(self.modified)),
            ("createdBy", id(self.created_by)),
            ("createdByUser", Php::optional_text(self.created_by_user.as_ref())),
            ("modifiedBy", id(self.modified_by)),
            ("modifiedByUser", Php::optional_text(self.modified_by_user.as_ref())),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
    }

    /// The two names alone: what is left of a related record (captures C32, C35).
    pub(crate) fn names(&self) -> IndexMap<String, Php> {
        let mut entries = self.entries();
        entries.retain(|key, _| matches!(key.as_str(), "createdByUser" | "modifiedByUser"));
        entries
    }
}

/// ISO 8601 with `+00:00`, or null.
pub(crate) fn time(moment: Option<Timestamp>) -> Php {
    moment.map_or(Php::Null, |moment| Php::Text(iso(moment)))
}

/// ISO 8601 with `+00:00` and whole seconds.
pub(crate) fn iso(moment: Timestamp) -> String {
    moment.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// `Y-m-d H:i:s` in UTC: how the database and date-time fields write it.
pub(crate) fn sql(moment: Timestamp) -> String {
    moment.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
