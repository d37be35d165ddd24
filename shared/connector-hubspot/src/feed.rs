//! What changed: search by modified date, and the recycle bin for what was deleted.
//!
//! Search gives ten thousand results of one query, and a bulk edit can give more records than that one and the same
//! date. So pages go by id and each is a query of its own; a record that is edited meanwhile moves no other one. Search
//! lags behind: what changed within [`BEHIND`] before the time asked for is told again. The recycle bin has no filter
//! and is walked once an hour.

use http_client::{Method, Request};
use jiff::{SignedDuration, Timestamp};
use model::{NoticeKind, ObjectName};
use serde_json::json;
use sync::{ConnectorError, Feed, FeedPage};

use crate::client::{HubSpot, with_json};
use crate::objects::Object;
use crate::wire::is_id;

/// How far search is believed to lag behind. HubSpot says "a few moments"; others saw half a minute.
const BEHIND: SignedDuration = SignedDuration::from_mins(5);
/// Records of a page of search, which is the most that there is.
const PAGE: usize = 200;
/// Records of a page of the recycle bin, which is the most that there is.
const BIN_PAGE: usize = 100;
/// What the position of a page in the recycle bin begins with.
const BIN: &str = "bin:";
/// How often the recycle bin is walked.
const BIN_EVERY_SECONDS: i64 = 3_600;

impl Feed for HubSpot {
    async fn changes(
        &self,
        object: &ObjectName,
        from: Timestamp,
        after: Option<&str>,
    ) -> Result<FeedPage, ConnectorError> {
        let object = Object::of(object)?;
        match after.and_then(|after| after.strip_prefix(BIN)) {
            Some(after) => self.bin(object, from, after).await,
            None => self.changed(object, from, after.filter(|after| is_id(after)).unwrap_or("0")).await,
        }
    }
}

impl HubSpot {
    async fn changed(
        &self,
        object: Object,
        from: Timestamp,
        after: &str,
    ) -> Result<FeedPage, ConnectorError> {
        let since = (from - BEHIND).as_millisecond().to_string();
        let body = json!({
            "filterGroups": [{ "filters": [
                { "propertyName": object.modified_property(), "operator": "GTE", "value": since },
                { "propertyName": "hs_object_id", "operator": "GT", "value": after },
            ]}],
            "sorts": ["hs_object_id"],
            "properties": ["hs_object_id"],
            "limit": PAGE,
            "after": "0",
        });
        let request = with_json(Request::read(Method::POST, self.objects(object, ["search"])), &body)?;
        let (found, server_time) = self.page(request).await?;
        let full = found.results.len() >= PAGE;
        let last = found.results.iter().filter_map(|record| record.id.parse::<u64>().ok()).max();
        let changes = found.results.into_iter().map(|record| (record.id, NoticeKind::Saved)).collect();
        let next = match last.filter(|_| full) {
            Some(last) => Some(last.to_string()),
            None => is_bin_due(from, server_time).then(|| format!("{BIN}0")),
        };
        Ok(FeedPage { changes, next, server_time })
    }

    /// `GET ?archived=true`: by id, whenever it was deleted.
    async fn bin(&self, object: Object, from: Timestamp, after: &str) -> Result<FeedPage, ConnectorError> {
        let request = Request::read(Method::GET, self.objects(object, []))
            .query("archived", "true")
            .query("properties", "hs_object_id")
            .query("limit", &BIN_PAGE.to_string());
        let request = if after == "0" { request } else { request.query("after", after) };
        let (found, server_time) = self.page(request).await?;
        // The walk before this one was up to an hour ago.
        let since = from - BEHIND - SignedDuration::from_secs(BIN_EVERY_SECONDS);
        let next = found.next().map(|after| format!("{BIN}{after}"));
        let deleted =
            found.results.into_iter().filter(|record| record.archived_at().is_none_or(|at| at >= since));
        let changes = deleted.map(|record| (record.id, NoticeKind::Deleted)).collect();
        Ok(FeedPage { changes, next, server_time })
    }
}

/// Whether an hour has begun since `from`. Polls follow upon each other, so one of them sees every hour begin.
fn is_bin_due(from: Timestamp, now: Option<Timestamp>) -> bool {
    let hour = |at: Timestamp| at.as_second().div_euclid(BIN_EVERY_SECONDS);
    now.is_none_or(|now| hour(from) != hour(now))
}
