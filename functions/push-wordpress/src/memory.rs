//! What is remembered of the user of a contact on a site: ids, fingerprints, names of fields. Never a value.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::Fingerprint;
use serde::{Deserialize, Serialize};

/// How many notices are remembered.
const SEEN: usize = 20;

/// The user of a contact, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remembered {
    /// The user's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// By field: what the map made of the contact when the user was brought up to date last.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Fingerprint>,
    /// By field: what the site has refused. Not tried again before it is something else, or a campaign asks for it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, Fingerprint>,
    /// The mark of the password that the contact held last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordMark>,
    /// That the user was there and is there no more: somebody has removed it on the site.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// That the contact has gone, and what its user had before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub departed: Option<Departed>,
    /// The last notices and what became of them, newest last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<Seen>,
}

/// The mark of a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordMark {
    /// The mark.
    pub mark: Fingerprint,
    /// Of the key that it was made with: marks of different keys cannot be compared.
    pub key: Fingerprint,
}

/// What a user had before its contact went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departed {
    /// Its roles.
    pub roles: Vec<String>,
    /// The roles that it was given instead.
    pub given: Vec<String>,
}

/// One notice and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The notice's receipt.
    pub id: String,
    /// `add`, `update`, `update_tags` for a campaign; `saved`, `deleted` for what follows by itself.
    pub event: String,
    /// When it was dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// `created`, `updated`, `unchanged`, `privileged`, ...
    pub outcome: String,
    /// The fields that were sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Fields that were refused, with the reason: the site's own words, or ours.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, String>,
}

impl Seen {
    /// Something that became nothing more than this.
    pub(crate) fn ends(&mut self, outcome: &str) {
        outcome.clone_into(&mut self.outcome);
    }
}

impl Remembered {
    /// Notes a notice, newest last; one that is told again takes its own place.
    pub(crate) fn note(&mut self, seen: Seen) {
        self.seen.retain(|known| known.id != seen.id);
        self.seen.push(seen);
        let surplus = self.seen.len().saturating_sub(SEEN);
        self.seen.drain(..surplus);
    }

    /// Forgets the user, who is not there any more.
    pub(crate) fn without_user(&self) -> Self {
        Self { removed: self.user.is_some() || self.removed, seen: self.seen.clone(), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_that_is_told_again_is_noted_once_and_old_ones_make_room() {
        let mut remembered = Remembered::default();
        let seen = |id: usize, outcome: &str| Seen {
            id: id.to_string(),
            outcome: outcome.to_owned(),
            ..Seen::default()
        };
        (0..30).for_each(|id| remembered.note(seen(id, "updated")));
        remembered.note(seen(29, "unchanged"));
        assert_eq!(remembered.seen.len(), SEEN);
        assert_eq!(remembered.seen.last().map(|seen| seen.outcome.as_str()), Some("unchanged"));
        assert_eq!(remembered.seen.first().map(|seen| seen.id.as_str()), Some("10"));
    }

    #[test]
    fn what_is_stored_keeps_its_shape() {
        let remembered = Remembered { user: Some("12".to_owned()), ..Remembered::default() };
        let json = "{\"user\":\"12\"}";
        assert_eq!(serde_json::to_string(&remembered).unwrap(), json);
        assert_eq!(serde_json::from_str::<Remembered>(json).unwrap(), remembered);
    }
}
