//! Whether mail may be sent to a contact, told by the call that nothing stands in the way of.
//!
//! `POST /api/contacts/{id}/dnc/email/add`, `.../remove` — <https://developer.mautic.org/#add-do-not-contact>, recorded
//! from Mautic 5.1.0 (C22 to C28). An edit of the contact takes the same entry and saves a call, but Mautic refuses every
//! edit of a contact whose e-mail another contact has, too. Nobody may get mail after all for that reason.

use std::collections::BTreeMap;

use http_client::{Effect, Method};
use model::{Fields, RecordRef};
use sync::{Connector as _, ConnectorError, Reading, Record};

use crate::client::{Mautic, json_request};
use crate::error::refusal;
use crate::objects::DO_NOT_CONTACT_EMAIL;
use crate::writing::entry;

/// Whether an edit was refused for a field that it did not send, with a subscription in it.
pub(crate) fn stands_in_the_way(values: &Fields, refused: &BTreeMap<String, String>) -> bool {
    let unsent = !refused.is_empty() && !refused.keys().any(|name| values.contains(name));
    unsent && values.contains(DO_NOT_CONTACT_EMAIL)
}

impl Mautic {
    /// Writes the subscription alone.
    ///
    /// # Errors
    /// Rejected, naming every other field besides what stands in the way, where there are any: they cannot be written
    /// for now.
    pub(crate) async fn write_subscription(
        &self,
        record: &RecordRef,
        values: &Fields,
        (message, mut refused): (String, BTreeMap<String, String>),
    ) -> Result<Record, ConnectorError> {
        let (Some(value), 1) = (values.get(DO_NOT_CONTACT_EMAIL), values.len()) else {
            let others = values.names().filter(|name| *name != DO_NOT_CONTACT_EMAIL);
            refused.extend(others.map(|name| (name.to_owned(), message.clone())));
            return Err(ConnectorError::Rejected { message, fields: refused });
        };
        let verb = if value.is_blank() { "remove" } else { "add" };
        let url = self.api(["contacts", record.id.as_str(), "dnc", "email", verb]);
        let answer = self.call(json_request(Method::POST, url, &entry(value))?).await?;
        if !answer.is_success() {
            return Err(refusal(&answer, Effect::Write));
        }
        // This answer lacks `fields.all`.
        match self.read(record).await? {
            Reading::Found(stored) => Ok(stored),
            Reading::MergedInto(_) | Reading::Gone => Err(ConnectorError::Gone),
        }
    }
}
