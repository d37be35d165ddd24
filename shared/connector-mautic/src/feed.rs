//! What changed: `GET /api/{object}` by date and id.
//!
//! A record that was never edited has no modified date in Mautic 5.1, so both dates are asked for; inside `orX` they go
//! by the names of their columns. Pages go by id: by offset, a record that is edited meanwhile would move the others.
//! Companies tell no date, and can be asked for by it all the same. Recorded: E19, G03, G06.

use http_client::{Effect, Method, Request};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::{NoticeKind, ObjectName};
use serde_json::Value as Json;
use sync::{ConnectorError, Feed, FeedPage, Roll};

use crate::client::{Mautic, listed};
use crate::error::{refusal, unreadable};
use crate::objects::Object;
use crate::wire;

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

impl Roll for Mautic {
    /// `minimal` leaves out what is not asked for here (recorded: E14). The ids of contacts that were merged away are not
    /// listed.
    async fn present(
        &self,
        object: &ObjectName,
        first: u64,
        limit: usize,
    ) -> Result<Vec<u64>, ConnectorError> {
        let object = Object::of(object)?;
        let request = Request::read(Method::GET, self.api([object.plural()]))
            .query("where[0][col]", "id")
            .query("where[0][expr]", "gte")
            .query("where[0][val]", &first.to_string())
            .query("order[0][col]", "id")
            .query("order[0][dir]", "asc")
            .query("limit", &limit.to_string())
            .query("minimal", "1");
        let json = self.get(request).await?;
        let mut ids: Vec<u64> = listed(&json, object)?
            .into_iter()
            .filter_map(|row| row.get("id").and_then(wire::id_of))
            .collect();
        ids.sort_unstable();
        Ok(ids)
    }
}

/// Whether a contact has been somebody, at least once.
pub(crate) fn is_known(contact: &Json) -> bool {
    contact.get("dateIdentified").is_none_or(|date| !date.is_null())
}
