//! Visitors: contacts that are made and brought up to date by what somebody did on a website.
//!
//! `POST /api/contacts/new`, `PATCH /api/contacts/{id}/edit`, `POST /api/contacts/{id}/utm/add` —
//! <https://developer.mautic.org/#contacts>, recorded from Mautic 5.1.0 (C16 to C21, C46, C51, C52, J08). Besides fields
//! they carry what no field map of records has: the address of the visitor, the last visit, a tag, a campaign.

use http_client::{Effect, Method, Request};
use model::{Fields, RecordRef};
use serde_json::{Map, Value as Json, json};
use sync::{ConnectorError, Record};

use crate::client::{Mautic, json_request};
use crate::error::refusal;
use crate::objects::Object;
use crate::writing;

/// What a write tells of a visitor.
#[derive(Clone, Default)]
pub struct VisitorWrite {
    /// Canonical values of fields, none of them blank.
    pub values: Fields,
    /// The address from which the visitor came: in the body, and as `X-Forwarded-For`, from which Mautic looks up where
    /// that is while a contact has no place of its own.
    pub ip: Option<String>,
    /// The last visit: UTC, `2026-06-06 14:32:10`.
    pub last_active: Option<String>,
    /// A tag, and whether it is given or taken away. Other tags stay as they are.
    pub tag: Option<(String, bool)>,
}

/// Shows names of fields only.
impl std::fmt::Debug for VisitorWrite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fields: Vec<&str> = self.values.names().collect();
        f.debug_struct("VisitorWrite")
            .field("fields", &fields)
            .field("tag", &self.tag)
            .finish_non_exhaustive()
    }
}

/// A campaign that brought a visitor. Blank parts are not sent.
#[derive(Clone, Copy, Default)]
pub struct CampaignVisit<'a> {
    /// `utm_source` and the like, by their names.
    pub parts: &'a [(&'a str, &'a str)],
    /// The page.
    pub url: &'a str,
    /// The page that led there.
    pub referer: &'a str,
    /// When: ISO 8601.
    pub at: &'a str,
}

/// Shows nothing.
impl std::fmt::Debug for CampaignVisit<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CampaignVisit")
    }
}

impl VisitorWrite {
    fn add_to(&self, mut body: Map<String, Json>) -> Map<String, Json> {
        if let Some(ip) = &self.ip {
            body.insert("ipAddress".to_owned(), json!(ip));
        }
        if let Some(at) = &self.last_active {
            body.insert("lastActive".to_owned(), json!(at));
        }
        if let Some((tag, given)) = &self.tag {
            let tag = if *given { tag.clone() } else { format!("-{tag}") };
            body.insert("tags".to_owned(), json!([tag]));
        }
        body
    }

    fn request(
        &self,
        mautic: &Mautic,
        method: Method,
        path: &[&str],
        body: Map<String, Json>,
    ) -> Result<Request, ConnectorError> {
        let request = json_request(method, mautic.api(path.iter().copied()), &self.add_to(body))?;
        Ok(match &self.ip {
            Some(ip) => request.header("x-forwarded-for", ip),
            None => request,
        })
    }
}

impl Mautic {
    /// Makes a contact of a visitor, or changes the one that has the e-mail already: Mautic looks for it itself. Two such
    /// calls at the same moment make two contacts, so the caller claims the e-mail first. Whether it was made.
    ///
    /// # Errors
    /// Rejected, by field, where a value is refused: nothing was written then.
    pub async fn create_visitor(&self, write: &VisitorWrite) -> Result<(Record, bool), ConnectorError> {
        let schema = self.schema_of(Object::Contact).await?;
        let ourselves = self.ourselves().await?;
        let body = writing::create_body(Object::Contact, &schema, &write.values);
        let request = write.request(self, Method::POST, &["contacts", "new"], body)?;
        let answer = self.call(request).await?;
        let record = self.written(Object::Contact, &answer, ourselves)?;
        Ok((record, answer.status == 201))
    }

    /// Tells a contact what a visitor did. Fields that are not sent stay as they are; nothing is ever blanked.
    ///
    /// # Errors
    /// Rejected, by field, where a value is refused: nothing was written then. Gone where the contact was merged into
    /// another one.
    pub async fn update_visitor(
        &self,
        contact: &RecordRef,
        write: &VisitorWrite,
    ) -> Result<Record, ConnectorError> {
        let schema = self.schema_of(Object::Contact).await?;
        let ourselves = self.ourselves().await?;
        let mut body = writing::create_body(Object::Contact, &schema, &write.values);
        body.remove("force");
        let request = write.request(self, Method::PATCH, &["contacts", &contact.id, "edit"], body)?;
        let answer = self.call(request).await?;
        let record = self.written(Object::Contact, &answer, ourselves)?;
        if record.reference.id != contact.id {
            return Err(ConnectorError::Gone);
        }
        Ok(record)
    }

    /// Adds a campaign to the list of those that brought a contact. Each call adds a row.
    ///
    /// # Errors
    /// Gone where there is no such contact.
    pub async fn add_campaign(
        &self,
        contact: &RecordRef,
        visit: &CampaignVisit<'_>,
    ) -> Result<(), ConnectorError> {
        let others = [("url", visit.url), ("referer", visit.referer), ("lastActive", visit.at)];
        let named = visit.parts.iter().copied().chain(others).filter(|(_, value)| !value.is_empty());
        let body: Map<String, Json> = named.map(|(name, value)| (name.to_owned(), json!(value))).collect();
        let url = self.api(["contacts", contact.id.as_str(), "utm", "add"]);
        let answer = self.call(json_request(Method::POST, url, &body)?).await?;
        if answer.is_success() { Ok(()) } else { Err(refusal(&answer, Effect::Write)) }
    }

    /// Whether Mautic itself tells contacts apart by their e-mail: if not, it makes a new one for every visit.
    ///
    /// # Errors
    /// The fields cannot be listed.
    pub async fn email_is_unique(&self) -> Result<bool, ConnectorError> {
        let fields = self.field_list(Object::Contact).await?;
        let email = fields.iter().find(|field| field.get("alias").and_then(Json::as_str) == Some("email"));
        let flag = email
            .and_then(|field| field.get("isUniqueIdentifer").or_else(|| field.get("isUniqueIdentifier")));
        Ok(flag.is_some_and(|flag| flag == &json!(true) || flag == &json!(1) || flag == &json!("1")))
    }
}
