//! What all records belong to, a hundred at a time: an association that changes alone moves no date in HubSpot.
//!
//! `GET /crm/objects/{version}/{type}?associations=...` lists by ascending id, live records only, and is no search: its
//! pages have no end at ten thousand, do not lag behind, and count against the limit of all calls alone.

use std::collections::BTreeSet;

use http_client::{Method, Request};
use model::ObjectName;
use sync::poll::{Belonging, WalkPage};
use sync::{ConnectorError, Walked};

use crate::client::HubSpot;
use crate::objects::Object;
use crate::wire::associations_of;

/// Records of a page, which is the most that there is.
const PAGE: usize = 100;

impl Walked for HubSpot {
    async fn belongings(&self, object: &ObjectName, after: Option<&str>) -> Result<WalkPage, ConnectorError> {
        let object = Object::of(object)?;
        let ends: BTreeSet<&str> = associations_of(object).map(|wanted| wanted.to.plural()).collect();
        let mut request = Request::read(Method::GET, self.objects(object, []))
            .query("limit", &PAGE.to_string())
            .query("properties", "hs_object_id");
        if !ends.is_empty() {
            request = request.query("associations", &ends.into_iter().collect::<Vec<_>>().join(","));
        }
        if let Some(after) = after {
            request = request.query("after", after);
        }
        let (listed, _) = self.page(request).await?;
        let next = listed.next();
        let mut records: Vec<Belonging> = listed
            .results
            .into_iter()
            .filter(|record| !record.archived)
            .filter_map(|record| {
                let id = record.id.parse().ok()?;
                let to = record.belongs_to(associations_of(object));
                Some(Belonging { id, to, created: record.created_at() })
            })
            .collect();
        records.sort_unstable_by_key(|record| record.id);
        Ok(WalkPage { records, next })
    }
}
