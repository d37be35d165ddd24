//! Which company a contact belongs to: `GET /api/contacts/{id}/companies`, and
//! `POST /api/companies/{id}/contact/{id}/add|remove`.
//!
//! Recorded from Mautic 5.1.0 (D21 to D43). A contact may be in several companies; the one that was added last is the
//! primary one, and its name is written into the contact's field `company`. That text is not the membership: it stays
//! when the company is deleted. Adding a contact to a company that it is in changes nothing, not even which one is
//! primary. When the primary one is left, Mautic makes another one primary, if there is one.
//!
//! `companies: [ids]` in a contact would end every membership that is not listed, and the text `company` makes a
//! company of any name that is new: neither is ever sent.

use std::collections::BTreeMap;

use http_client::{Effect, Method, Request};
use model::{Fields, RecordRef, Value};
use serde_json::Value as Json;
use sync::{Connector as _, ConnectorError, Reading, Record};

use crate::client::Mautic;
use crate::error::refusal;
use crate::objects::Object;
use crate::schema::PRIMARY_COMPANY;
use crate::wire;

/// What happens to the membership that was the primary one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Former {
    /// It stands for the reference that is changed, and ends with it. All other memberships are the users' own.
    Ends,
    /// It was there before anything of ours.
    Stays,
}

/// A contact's memberships.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memberships {
    all: Vec<u64>,
    primary: Option<u64>,
}

impl Memberships {
    /// From the rows of the database: every value is a text.
    fn of(json: &Json) -> Option<Self> {
        let rows: Vec<&Json> = match json.get("companies")? {
            Json::Array(list) => list.iter().collect(),
            Json::Object(map) => map.values().collect(),
            _ => return None,
        };
        let id = |row: &&Json| row.get("company_id").or_else(|| row.get("id")).and_then(wire::id_of);
        let is_primary = |row: &&Json| match row.get("is_primary") {
            Some(Json::String(text)) => text == "1",
            Some(Json::Bool(flag)) => *flag,
            Some(number) => number.as_u64() == Some(1),
            None => false,
        };
        let since =
            |row: &&Json| row.get("date_associated").and_then(Json::as_str).unwrap_or_default().to_owned();
        // Several can be marked when they were added at the same moment, and none in old data: the latest counts.
        let primary = rows.iter().copied().filter(|row| is_primary(row)).max_by_key(since);
        let primary = primary.or_else(|| rows.iter().copied().max_by_key(since));
        Some(Self { all: rows.iter().filter_map(id).collect(), primary: primary.as_ref().and_then(id) })
    }

    /// The primary company, as the field of the contact.
    pub(crate) fn field(&self) -> Value {
        self.primary.map_or(Value::Null, |id| Value::Text(id.to_string()))
    }
}

/// Takes the company out of the fields of a contact; the others go the way of fields.
pub(crate) fn split(object: Object, values: &Fields) -> (Option<Value>, Fields) {
    let mut fields = values.clone();
    let company = if object == Object::Contact { fields.remove(PRIMARY_COMPANY) } else { None };
    (company, fields)
}

/// Whether these fields of associations are asked for: the ones that a contact has.
pub(crate) fn wanted(object: Object, associations: &[&str]) -> bool {
    object == Object::Contact && associations.contains(&PRIMARY_COMPANY)
}

impl Mautic {
    /// `GET /api/contacts/{id}/companies`.
    ///
    /// # Errors
    /// Gone: there is no such contact.
    pub(crate) async fn memberships(&self, contact: &str) -> Result<Memberships, ConnectorError> {
        let json = self.get(Request::read(Method::GET, self.api(["contacts", contact, "companies"]))).await?;
        Memberships::of(&json).ok_or_else(|| ConnectorError::Unavailable {
            detail: "Mautic answered with no list of companies".to_owned(),
        })
    }

    /// Changes which company is the primary one of a contact; the one that was it before is left.
    ///
    /// Called again after a part of it failed, it does the rest, but for a former company that could not be left.
    pub(crate) async fn move_to_company(&self, contact: &str, company: &Value) -> Result<(), ConnectorError> {
        self.set_company(contact, company, Former::Ends).await
    }

    async fn set_company(
        &self,
        contact: &str,
        company: &Value,
        former: Former,
    ) -> Result<(), ConnectorError> {
        let held = self.memberships(contact).await?;
        let text = company.php_string();
        let wanted = wire::id_of(&Json::from(text.trim()));
        if let Some(company) = wanted.filter(|_| wanted != held.primary) {
            if held.all.contains(&company) {
                // Only an addition makes a company the primary one.
                self.set_member(contact, company, "remove").await?;
            }
            self.set_member(contact, company, "add").await?;
        }
        match held.primary.filter(|_| former == Former::Ends) {
            // The new one is in place: the contact is never seen without a company.
            Some(former) if wanted != Some(former) => {
                let left = self.set_member(contact, former, "remove").await;
                if wanted.is_some() { left.map_err(after_a_write) } else { left }
            }
            _ => Ok(()),
        }
    }

    /// `POST /api/companies/{id}/contact/{id}/add|remove`.
    async fn set_member(&self, contact: &str, company: u64, verb: &str) -> Result<(), ConnectorError> {
        let url = self.api(["companies", &company.to_string(), "contact", contact, verb]);
        let answer = self.call(Request::write(Method::POST, url)).await?;
        if answer.is_success() {
            return Ok(());
        }
        match refusal(&answer, Effect::Write) {
            // Who is not there is in no company.
            ConnectorError::Gone if verb == "remove" => Ok(()),
            ConnectorError::Gone => {
                let message = format!("Mautic has no company {company}");
                let fields = BTreeMap::from([(PRIMARY_COMPANY.to_owned(), message.clone())]);
                Err(ConnectorError::Rejected { message, fields })
            }
            error => Err(error),
        }
    }

    /// Puts a new contact into its company, and gives it as it is then. A contact that was there already keeps the
    /// companies that it has.
    ///
    /// Nothing that fails here is an error: the contact exists, and whether it is in its company is seen at the answer.
    pub(crate) async fn created_in_company(&self, created: Record, company: &Value) -> Record {
        let contact = &created.reference;
        if self.set_company(&contact.id, company, Former::Stays).await.is_err() {
            return created;
        }
        match self.read_with(contact, &[PRIMARY_COMPANY]).await {
            Ok(Reading::Found(found)) => found,
            _ => created,
        }
    }

    /// The contact after a change of its company, with that company.
    pub(crate) async fn moved(&self, contact: &RecordRef) -> Result<Record, ConnectorError> {
        match self.read_with(contact, &[PRIMARY_COMPANY]).await.map_err(after_a_write)? {
            Reading::Found(found) => Ok(found),
            Reading::MergedInto(_) | Reading::Gone => Err(ConnectorError::Gone),
        }
    }
}

/// What went wrong after a write does not say that nothing was done.
pub(crate) fn after_a_write(error: ConnectorError) -> ConnectorError {
    match error {
        ConnectorError::Unavailable { .. } | ConnectorError::RateLimited { .. } => {
            ConnectorError::Doubtful { detail: format!("written, and then: {error}") }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_primary_company_is_the_marked_one_else_the_latest() {
        let row = |id: &str, primary: &str, since: &str| serde_json::json!({ "company_id": id, "is_primary": primary, "date_associated": since });
        let rows = [
            (vec![row("2", "0", "2026-11-21 02:50:06"), row("3", "1", "2026-11-21 02:50:05")], Some(3)),
            (vec![row("3", "0", "2026-11-21 02:50:08"), row("2", "0", "2026-11-21 02:50:06")], Some(3)),
            (vec![row("3", "1", "2026-11-21 02:50:06"), row("2", "1", "2026-11-21 02:50:08")], Some(2)),
            (Vec::new(), None),
        ];
        for (rows, primary) in rows {
            let found =
                Memberships::of(&serde_json::json!({ "total": rows.len(), "companies": rows })).unwrap();
            assert_eq!((found.primary, found.all.len()), (primary, rows.len()));
        }
        assert_eq!(Memberships::of(&serde_json::json!({ "companies": {} })), Some(Memberships::default()));
        for unusable in [serde_json::json!({}), serde_json::json!({ "companies": null })] {
            assert_eq!(Memberships::of(&unusable), None);
        }
    }
}
