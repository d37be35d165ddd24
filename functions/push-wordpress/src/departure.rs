//! Contacts that go: deleted, or taking no mail any more. What becomes of their users is a rule of the site; a user is
//! never deleted.

use connector_mautic::DO_NOT_CONTACT_EMAIL;
use connector_wordpress::{Departure, USER};
use model::{Fields, ObjectName, RecordRef, Value};
use sync::{Connector as _, ConnectorError, Reading, Record};

use crate::failure::Failure;
use crate::memory::{Departed, Remembered, Seen};
use crate::projection::ROLE;
use crate::rules;
use crate::update::{is_staff, list};
use crate::work::{Person, Work, texts};

/// Other roles for a user, and what is remembered of those before.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RoleChange {
    /// The roles to give; nothing where it has them already.
    pub(crate) give: Option<Vec<String>>,
    /// What is remembered afterwards.
    pub(crate) departed: Option<Departed>,
}

impl Work<'_> {
    /// The contact is gone from Mautic.
    pub(crate) async fn departs(&self, kept: &mut Remembered, seen: &mut Seen) -> Result<(), Failure> {
        let Some(id) = kept.user.clone() else {
            seen.ends(if self.command().is_some() { "no_contact" } else { "skipped" });
            return Ok(());
        };
        let Some(given) = self.departing_roles(self.preferences().when_deleted, seen) else {
            seen.ends("contact_deleted");
            return Ok(());
        };
        let reference = RecordRef::new(self.site, &ObjectName::new(USER), id);
        let user = match self.wordpress()?.read(&reference).await {
            Ok(Reading::Found(user)) => user,
            Ok(Reading::MergedInto(_) | Reading::Gone) => {
                *kept = kept.without_user();
                seen.ends("contact_deleted");
                return Ok(());
            }
            Err(ConnectorError::Forbidden { .. }) => {
                seen.ends("privileged");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        if is_staff(&user) {
            seen.ends("privileged");
            return Ok(());
        }
        let change = leave(&user, kept, given);
        if let Some(give) = &change.give {
            let mut values = Fields::new();
            values.insert(ROLE, list(give));
            match self.wordpress()?.update(&reference, &values).await {
                Ok(stored) => {
                    seen.fields.push(ROLE.to_owned());
                    self.without_privileges(&stored, true, seen).await?;
                }
                Err(ConnectorError::Rejected { message, .. }) => {
                    seen.refused.insert(ROLE.to_owned(), message);
                    seen.ends("refused");
                    return Ok(());
                }
                Err(ConnectorError::Forbidden { .. }) => {
                    seen.ends("privileged");
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        kept.departed = change.departed;
        seen.ends("departed");
        Ok(())
    }

    /// The roles of a user whose contact takes no mail, or takes it again.
    pub(crate) fn departing(
        &self,
        person: &Person,
        user: &Record,
        kept: &Remembered,
        seen: &mut Seen,
    ) -> Option<RoleChange> {
        let refuses = person.record.fields.get(DO_NOT_CONTACT_EMAIL) == Some(&Value::Bool(true));
        if refuses {
            let given = self.departing_roles(self.preferences().when_unsubscribed, seen)?;
            return Some(leave(user, kept, given));
        }
        let departed = kept.departed.as_ref()?;
        // Whoever has given the user other roles meanwhile meant it.
        let is_ours = texts(user.fields.get(ROLE)) == departed.given;
        Some(RoleChange { give: is_ours.then(|| departed.roles.clone()), departed: None })
    }

    fn departing_roles(&self, rule: Departure, seen: &mut Seen) -> Option<Vec<String>> {
        match rules::departing(self.preferences(), rule) {
            Ok(given) => given,
            Err(reason) => {
                seen.refused.insert(ROLE.to_owned(), reason);
                None
            }
        }
    }
}

/// Other roles for the user of a gone contact; those before are remembered once.
fn leave(user: &Record, kept: &Remembered, given: Vec<String>) -> RoleChange {
    let roles = texts(user.fields.get(ROLE));
    let departed =
        kept.departed.clone().unwrap_or_else(|| Departed { roles: roles.clone(), given: given.clone() });
    // Who was given something else since then by an administrator keeps it.
    let give = (kept.departed.is_none() && roles != given).then_some(given);
    RoleChange { give, departed: Some(departed) }
}
