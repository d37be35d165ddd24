//! What changed: `GET /api/{object}` by date and id, and the webhooks that should have told.
//!
//! A record that was never edited has no modified date in Mautic 5.1, so both dates are asked for; inside `orX` they go
//! by the names of their columns. Pages go by id: by offset, a record that is edited meanwhile would move the others.
//! Companies tell no date, and can be asked for by it all the same. Recorded: E19, G03, G06.

use http_client::{Method, Request};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::{NoticeKind, ObjectName};
use serde::Deserialize;
use serde_json::Value as Json;
use sync::{ConnectorError, Feed, FeedPage};

use crate::client::{Mautic, json_request, listed};
use crate::error::{refusal, unreadable};
use crate::objects::Object;
use crate::wire;
use http_client::Effect;

/// Records of a page. A contact with its fields has about 10 KB.
const PAGE: usize = 100;

impl Feed for Mautic {
    /// Contacts that are nobody yet, visitors without a name or an address, are not told: Mautic's webhooks do not
    /// tell of them either. The first edit that identifies one is.
    async fn changes(
        &self,
        object: &ObjectName,
        from: Timestamp,
        after: Option<&str>,
    ) -> Result<FeedPage, ConnectorError> {
        let object = Object::of(object)?;
        let from = from.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string();
        let mut request = Request::read(Method::GET, self.api([object.plural()]))
            .query("where[0][expr]", "orX")
            .query("where[0][val][0][col]", "date_modified")
            .query("where[0][val][0][expr]", "gte")
            .query("where[0][val][0][val]", &from)
            .query("where[0][val][1][col]", "date_added")
            .query("where[0][val][1][expr]", "gte")
            .query("where[0][val][1][val]", &from)
            .query("order[0][col]", "id")
            .query("order[0][dir]", "asc")
            .query("limit", &PAGE.to_string());
        if let Some(after) = after {
            request = request
                .query("where[1][col]", "id")
                .query("where[1][expr]", "gt")
                .query("where[1][val]", after);
        }
        let answer = self.call(request).await?;
        if !answer.is_success() {
            return Err(refusal(&answer, Effect::Read));
        }
        let json: Json = answer.json().map_err(|_| unreadable(&answer, Effect::Read, "not JSON"))?;
        let rows = listed(&json, object)?;
        let last = rows.iter().filter_map(|row| row.get("id").and_then(wire::id_of)).max();
        let next = last.filter(|_| rows.len() >= PAGE).map(|last| last.to_string());
        let known = rows.iter().filter(|row| object == Object::Company || is_known(row));
        let ids = known.filter_map(|row| row.get("id").and_then(wire::id_of));
        let changes = ids.map(|id| (id.to_string(), NoticeKind::Saved)).collect();
        Ok(FeedPage { changes, next, server_time: answer.server_time() })
    }
}

/// Whether a contact has been somebody, at least once.
fn is_known(contact: &Json) -> bool {
    contact.get("dateIdentified").is_none_or(|date| !date.is_null())
}

/// A webhook, as Mautic keeps it. Its secret is not read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// Its id.
    pub id: u64,
    /// What the administrator calls it.
    #[serde(default)]
    pub name: String,
    /// Where it leads.
    #[serde(default)]
    pub webhook_url: String,
    /// Whether it is switched on. Mautic switches it off when its receiver answers 410, or nothing but failures.
    #[serde(default)]
    pub is_published: bool,
}

impl Mautic {
    /// `GET /api/hooks`: the webhooks that our user may see.
    ///
    /// # Errors
    /// Forbidden where its role lacks `webhook:webhooks` viewown and viewother.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, ConnectorError> {
        let json = self.get(Request::read(Method::GET, self.api(["hooks"])).query("limit", "200")).await;
        let json = json.map_err(webhooks_refused)?;
        let unusable =
            || ConnectorError::Unavailable { detail: "Mautic answered with no list of webhooks".to_owned() };
        let rows: Vec<Json> = match json.get("hooks") {
            Some(Json::Array(list)) => list.clone(),
            Some(Json::Object(map)) => map.values().cloned().collect(),
            _ => return Err(unusable()),
        };
        rows.into_iter().map(|row| serde_json::from_value(row).map_err(|_| unusable())).collect()
    }

    /// `PATCH /api/hooks/{id}/edit`: switches a webhook on. Its secret and its events stay (recorded: I10, I12).
    pub async fn publish_webhook(&self, id: u64) -> Result<(), ConnectorError> {
        let url = self.api(["hooks", &id.to_string(), "edit"]);
        let request = json_request(Method::PATCH, url, &serde_json::json!({ "isPublished": true }))?;
        let answer = self.call(request).await?;
        if answer.is_success() { Ok(()) } else { Err(webhooks_refused(refusal(&answer, Effect::Write))) }
    }
}

fn webhooks_refused(error: ConnectorError) -> ConnectorError {
    match error {
        ConnectorError::Forbidden { .. } => ConnectorError::Forbidden {
            detail: "the role of our Mautic user does not show the webhooks: it needs webhook:webhooks viewown, viewother, \
                     and editother to switch one on again"
                .to_owned(),
        },
        other => other,
    }
}
