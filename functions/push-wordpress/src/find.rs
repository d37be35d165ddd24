//! The user of a contact: the one that is known, the one that carries the contact's id, the one with its e-mail.

use aws::store::Kept;
use connector_wordpress::{CONTACT_ID, USER};
use model::{ObjectName, RecordRef};
use sync::{Connector as _, ConnectorError, Lookup, Reading, Record};

use crate::failure::Failure;
use crate::memory::{Remembered, Seen};
use crate::projection::{EMAIL, Projection};
use crate::work::{Person, Work};

impl Work<'_> {
    /// Finds the user. Nobody, with an outcome, where somebody is there who must not be taken.
    pub(crate) async fn find(
        &self,
        person: &Person,
        made: &Projection,
        kept: &mut Remembered,
        seen: &mut Seen,
    ) -> Result<Option<Record>, Failure> {
        let site = self.wordpress()?;
        if let Some(id) = &kept.user {
            let reference = RecordRef::new(self.site, &ObjectName::new(USER), id.as_str());
            match site.read(&reference).await {
                Ok(Reading::Found(user)) => return Ok(Some(user)),
                Ok(Reading::MergedInto(_) | Reading::Gone) => *kept = kept.without_user(),
                // The must-use plugin hides whoever works on the site.
                Err(ConnectorError::Forbidden { .. }) => {
                    seen.ends("privileged");
                    return Ok(None);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let contact = &person.record.reference;
        let mut found = self.with(CONTACT_ID, &contact.id).await?;
        if found.len() > 1 {
            seen.refused
                .insert("*".to_owned(), "several users of the site carry the contact's id".to_owned());
            seen.ends("ambiguous");
            return Ok(None);
        }
        if found.is_empty()
            && let Some(email) = made.text(EMAIL)
        {
            found = self.with(EMAIL, email).await?;
            // Of two users with one e-mail, WordPress itself takes the older one.
            found.sort_by_key(|user| user.reference.id.parse::<u64>().unwrap_or(u64::MAX));
        }
        let Some(user) = found.into_iter().next() else { return Ok(None) };
        if !self.take(contact, made.text(EMAIL), &user).await? {
            let told = "another contact with this e-mail has the user: merge the two contacts in Mautic";
            seen.refused.insert("*".to_owned(), told.to_owned());
            seen.ends("shared_email");
            return Ok(None);
        }
        kept.user = Some(user.reference.id.clone());
        kept.removed = false;
        Ok(Some(user))
    }

    async fn with(&self, field: &str, value: &str) -> Result<Vec<Record>, Failure> {
        let lookup = Lookup { field: field.to_owned(), value: value.to_owned() };
        Ok(self.wordpress()?.find(&ObjectName::new(USER), &lookup).await?)
    }

    /// Takes a user for a contact; not from another contact that is alive and has the same e-mail.
    pub(crate) async fn take(
        &self,
        contact: &RecordRef,
        email: Option<&str>,
        user: &Record,
    ) -> Result<bool, Failure> {
        let store = &self.ports.store;
        let owner = store.owner_of_user(&user.reference).await?;
        if owner.value.as_ref() == Some(contact) {
            return Ok(true);
        }
        let carried = user.fields.text(CONTACT_ID).map(str::trim).filter(|id| !id.is_empty());
        let carried = carried.map(|id| RecordRef { id: id.to_owned(), ..contact.clone() });
        let other = owner.value.clone().or(carried).filter(|other| other != contact);
        if let Some(other) = other
            && let Reading::Found(other) | Reading::MergedInto(other) =
                self.ready.mautic.read_person(&other).await?
            && other.reference != *contact
        {
            let theirs = other.fields.text("email").map(str::trim);
            let is_same = |email: &str| theirs.is_some_and(|theirs| theirs.eq_ignore_ascii_case(email));
            if email.is_some_and(is_same) {
                return Ok(false);
            }
        }
        let kept = Kept { value: Some(contact.clone()), version: owner.version };
        if store.keep_owner_of_user(&user.reference, &kept).await? {
            return Ok(true);
        }
        Err(Failure::contended("two contacts reached for one user at the same time"))
    }
}
