//! A contact as whoever makes users of contacts needs it: with its tags, and its segments where they are asked for.
//!
//! `GET /api/contacts/{id}`, `GET /api/contacts/{id}/segments` — <https://developer.mautic.org/#contacts>, recorded from
//! Mautic 5.1.0.

use http_client::{Method, Request};
use model::{Array, RecordRef, Value};
use serde_json::Value as Json;
use sync::{ConnectorError, Reading};

use crate::client::Mautic;
use crate::objects::Object;
use crate::wire;

/// The field with the names of a contact's tags: a list of texts.
pub const TAGS: &str = "tags";

impl Mautic {
    /// Reads a contact, with the names of its tags in the field [`TAGS`].
    ///
    /// # Errors
    /// Mautic cannot be asked, or does not let us read it.
    pub async fn read_person(&self, contact: &RecordRef) -> Result<Reading, ConnectorError> {
        let Some(id) = wire::id_of(&Json::from(contact.id.as_str())) else { return Ok(Reading::Gone) };
        let ourselves = self.ourselves().await?;
        let id = id.to_string();
        let json = match self.get(Request::read(Method::GET, self.api(["contacts", &id]))).await {
            Err(ConnectorError::Gone) => return Ok(Reading::Gone),
            other => other?,
        };
        let body = json.get(Object::Contact.singular()).unwrap_or(&Json::Null);
        let found = self.parse(Object::Contact, body, ourselves).map_err(|what| {
            ConnectorError::Unavailable { detail: format!("Mautic answered with {}", what.detail()) }
        })?;
        let mut found = self.with_owner_email(found).await?;
        let tags: Array = tags_of(body).map(Value::from).collect();
        found.fields.insert(TAGS, Value::Array(tags));
        Ok(if found.reference.id == id { Reading::Found(found) } else { Reading::MergedInto(found) })
    }

    /// Whether a contact is in the segment with this alias.
    ///
    /// # Errors
    /// Gone where there is no such contact.
    pub async fn is_in_segment(&self, contact: &RecordRef, alias: &str) -> Result<bool, ConnectorError> {
        let url = self.api(["contacts", contact.id.as_str(), "segments"]);
        let json = self.get(Request::read(Method::GET, url)).await?;
        let lists = json.get("lists").unwrap_or(&Json::Null);
        let has_alias =
            |list: &Json| list.get("alias").and_then(Json::as_str).is_some_and(|known| known == alias);
        Ok(match lists {
            Json::Array(lists) => lists.iter().any(has_alias),
            Json::Object(lists) => lists.values().any(has_alias),
            _ => false,
        })
    }
}

/// The names of the tags, as a person wrote them. Blank ones are none.
fn tags_of(contact: &Json) -> impl Iterator<Item = &str> {
    let tags = contact.get("tags").and_then(Json::as_array).into_iter().flatten();
    let names = tags.filter_map(|tag| tag.get("tag").and_then(Json::as_str).or_else(|| tag.as_str()));
    names.map(str::trim).filter(|name| !name.is_empty())
}
