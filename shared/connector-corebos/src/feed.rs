//! `sync`: what changed in a module, as coreBOS's own feed tells it.
//!
//! A page is everything that was changed after a second, up to and including the second of its last row; so no page
//! ends within a second. Records of all owners are told to administrators only.

use http_client::Effect;
use jiff::Timestamp;
use model::{NoticeKind, ObjectName};
use serde_json::Value as Json;
use sync::{ConnectorError, Feed, FeedPage};

use crate::client::CoreBos;
use crate::wire;

impl Feed for CoreBos {
    async fn changes(
        &self,
        module: &ObjectName,
        from: Timestamp,
        after: Option<&str>,
    ) -> Result<FeedPage, ConnectorError> {
        // coreBOS compares with "later than", and `from` counts.
        let since = after.map_or_else(|| from.as_second().saturating_sub(1).to_string(), str::to_owned);
        let parameters =
            [("modifiedTime", since.as_str()), ("elementType", module.as_str()), ("syncType", "application")];
        let (result, server_time) =
            self.call_timed("sync", &parameters, Effect::Read).await.map_err(|error| match error {
                ConnectorError::Forbidden { .. } => ConnectorError::Misconfigured {
                    detail: format!(
                        "coreBOS does not tell what changed in {module}: our user must be an administrator, and the \
                         module must be one of its modules"
                    ),
                },
                other => other,
            })?;
        page(&result, &since, server_time).ok_or_else(|| ConnectorError::Unavailable {
            detail: format!("coreBOS answered with no changes of {module}"),
        })
    }
}

fn page(result: &Json, since: &str, server_time: Option<Timestamp>) -> Option<FeedPage> {
    let updated = result.get("updated")?.as_array()?.iter().filter_map(|record| record.get("id")?.as_str());
    let deleted = result.get("deleted")?.as_array()?.iter().filter_map(Json::as_str);
    let known = |id: &&str| wire::is_record_id(id);
    let saved = updated.filter(known).map(|id| (id.to_owned(), NoticeKind::Saved));
    let gone = deleted.filter(known).map(|id| (id.to_owned(), NoticeKind::Deleted));
    let changes = saved.chain(gone).collect();
    let next = if result.get("more")?.as_bool()? {
        Some(seconds(result.get("lastModifiedTime")?).unwrap_or_else(|| since.to_owned()))
    } else {
        None
    };
    Some(FeedPage { changes, next, server_time })
}

/// Seconds since 1970, as a number or as text.
fn seconds(value: &Json) -> Option<String> {
    match value {
        Json::Number(number) => number.as_i64().map(|seconds| seconds.to_string()),
        Json::String(text) => text.parse::<i64>().ok().map(|seconds| seconds.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_recorded_answer_tells_its_records_and_that_it_is_the_last() {
        let recorded: Json =
            serde_json::from_str(include_str!("../fixtures/A050_sync_contacts_after_delete.json")).unwrap();
        let page = page(&recorded["response"]["body"]["result"], "0", None).unwrap();
        let saved = page.changes.iter().filter(|(_, kind)| *kind == NoticeKind::Saved).count();
        let gone: Vec<&str> = page
            .changes
            .iter()
            .filter(|(_, kind)| *kind == NoticeKind::Deleted)
            .map(|(id, _)| id.as_str())
            .collect();
        assert_eq!((saved, gone.len(), page.next), (1, 1, None), "{gone:?}");
    }

    #[test]
    fn a_page_that_is_not_the_last_says_where_the_next_begins() {
        let answer = |last: Json| json!({ "updated": [{ "id": "12x1" }, { "id": "" }], "deleted": ["12x2", 7], "more": true, "lastModifiedTime": last });
        for last in [json!(1_795_224_269), json!("1795224269")] {
            let page = page(&answer(last), "5", None).unwrap();
            assert_eq!(page.next.as_deref(), Some("1795224269"));
            assert_eq!(
                page.changes,
                [("12x1".to_owned(), NoticeKind::Saved), ("12x2".to_owned(), NoticeKind::Deleted)]
            );
        }
        assert_eq!(page(&answer(json!(null)), "5", None).unwrap().next.as_deref(), Some("5"));
    }

    #[test]
    fn what_is_no_answer_of_sync_is_none() {
        for other in
            [json!(null), json!([]), json!({ "updated": [] }), json!({ "updated": {}, "deleted": [] })]
        {
            assert_eq!(page(&other, "0", None), None, "{other}");
        }
    }
}
