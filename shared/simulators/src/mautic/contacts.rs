//! The contacts by id, and found by e-mail, as the database's own index finds them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::php::Php;
use super::state::Contact;

/// The field with an index: the only one that is unique in a fresh installation.
const INDEXED: &str = "email";

/// All contacts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contacts {
    by_id: BTreeMap<u64, Contact>,
    /// By e-mail in lower case.
    by_email: HashMap<String, BTreeSet<u64>>,
}

impl Contacts {
    /// Puts a contact in the place of the one with its id, if there is one.
    pub(crate) fn insert(&mut self, id: u64, contact: Contact) {
        self.remove(id);
        if let Some(email) = lower_case(&contact, INDEXED) {
            self.by_email.entry(email).or_default().insert(id);
        }
        self.by_id.insert(id, contact);
    }

    pub(crate) fn remove(&mut self, id: u64) -> Option<Contact> {
        let contact = self.by_id.remove(&id)?;
        if let Some(email) = lower_case(&contact, INDEXED)
            && let Some(ids) = self.by_email.get_mut(&email)
        {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_email.remove(&email);
            }
        }
        Some(contact)
    }

    /// Changes a contact in its place; none when it is not there.
    pub(crate) fn change<T>(&mut self, id: u64, change: impl FnOnce(&mut Contact) -> T) -> Option<T> {
        let mut contact = self.remove(id)?;
        let result = change(&mut contact);
        self.insert(id, contact);
        Some(result)
    }

    /// Contacts whose field has this value, letter case ignored, newest first. `value` is in lower case.
    pub(crate) fn holding(&self, alias: &str, value: &str) -> Vec<u64> {
        if alias == INDEXED {
            return self.by_email.get(value).into_iter().flatten().rev().copied().collect();
        }
        let all = self.by_id.values().rev();
        all.filter(|contact| lower_case(contact, alias).as_deref() == Some(value))
            .map(|contact| contact.id)
            .collect()
    }
}

fn lower_case(contact: &Contact, alias: &str) -> Option<String> {
    contact.values.get(alias).and_then(Php::as_text).map(|text| text.to_lowercase())
}

impl Deref for Contacts {
    type Target = BTreeMap<u64, Contact>;

    fn deref(&self) -> &Self::Target {
        &self.by_id
    }
}

impl Serialize for Contacts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.by_id.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Contacts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut contacts = Self::default();
        for (id, contact) in BTreeMap::<u64, Contact>::deserialize(deserializer)? {
            contacts.insert(id, contact);
        }
        Ok(contacts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mautic::stamp::{Actor, Stamp};

    #[test]
    fn contacts_are_found_by_what_they_hold_now() {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let contact = |id: u64, email: &str| {
            let mut contact = Contact::new(Stamp::created(now, &Actor::nobody()));
            contact.id = id;
            contact.values.insert("email".to_owned(), Php::text(email));
            contact.values.insert("city".to_owned(), Php::text(email));
            contact
        };
        let mut contacts = Contacts::default();
        for (id, email) in [(1, "A@x.example"), (2, "a@X.example"), (3, "b@x.example"), (4, "a@x.example")] {
            contacts.insert(id, contact(id, email));
        }
        assert_eq!(contacts.holding("email", "a@x.example"), [4, 2, 1]);
        contacts.remove(4);
        contacts.insert(2, contact(2, "b@x.example"));
        let moved = contacts.change(1, |contact| contact.values.shift_remove("email"));
        assert!(moved.is_some() && contacts.change(9, |_| ()).is_none());
        for alias in ["email", "city"] {
            assert_eq!(contacts.holding(alias, "b@x.example"), [3, 2], "{alias}");
        }
        assert!(contacts.holding("email", "a@x.example").is_empty());
        let kept: Contacts = serde_json::from_value(serde_json::to_value(&contacts).unwrap()).unwrap();
        assert_eq!((kept.holding("email", "b@x.example"), kept.len()), (vec![3, 2], 3));
    }
}
