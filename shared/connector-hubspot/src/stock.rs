//! The stock of an object: search by id for the ids, batch reads for the records, and one search for many values.
//!
//! A page of search is a query of its own, sorted by id and beginning behind the last one, so that ten thousand results
//! are no end, and a record that is edited meanwhile moves no other one. Search answers with what its index knows: what
//! is found is read. What search does not know yet, webhooks and polls tell.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use http_client::{Method, Request};
use model::{ObjectName, Value};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use sync::import::{FoundMany, StockPage, Stocked};
use sync::{ConnectorError, Record, Stock};

use crate::batches::BATCH;
use crate::client::{HubSpot, with_json};
use crate::objects::Object;
use crate::schema::HubSpotSchema;
use crate::wire::{Listed, Wanted, WireRecord, associations_of, is_id};

/// Records of a page of search, which is the most that there is.
pub(crate) const PAGE: usize = 200;
/// The longest list of values in one search, in bytes of JSON: HubSpot takes bodies of 3,000 characters.
const VALUES_BYTES: usize = 2_000;

/// The associations of one record, as the batch tells them.
#[derive(Deserialize)]
struct Associated {
    from: End,
    #[serde(default)]
    to: Vec<To>,
}

#[derive(Deserialize)]
struct End {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct To {
    to_object_id: Json,
    #[serde(default)]
    association_types: Vec<AssociationType>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssociationType {
    type_id: u32,
}

impl To {
    fn id(&self) -> Option<String> {
        let id = match &self.to_object_id {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        is_id(&id).then_some(id)
    }
}

impl Stock for HubSpot {
    async fn stock(&self, object: &ObjectName, after: Option<&str>) -> Result<StockPage, ConnectorError> {
        let object = Object::of(object)?;
        let after = after.filter(|after| is_id(after)).unwrap_or("0");
        let filter = json!({ "propertyName": "hs_object_id", "operator": "GT", "value": after });
        let found = self.search(object, &filter, &["hs_object_id"]).await?;
        let mut rows: Vec<(u64, String)> = found
            .results
            .into_iter()
            .filter_map(|record| Some((record.id.parse().ok()?, record.id)))
            .collect();
        rows.sort_unstable();
        Ok(StockPage {
            more: rows.len() >= PAGE,
            left: found.total,
            rows: rows.into_iter().map(|(_, id)| (id, Stocked::Listed)).collect(),
        })
    }

    /// By batches. An old id of a merge is not in the answer: only a single read tells of those.
    async fn read_many(&self, object: &ObjectName, ids: &[String]) -> Result<Vec<Record>, ConnectorError> {
        let object = Object::of(object)?;
        let ids: Vec<&str> = ids.iter().map(String::as_str).filter(|id| is_id(id)).collect();
        let associations: Vec<Wanted> = associations_of(object).chain(self.looked_at(object)).collect();
        self.batch_with(object, &ids, &associations).await
    }

    async fn find_many(
        &self,
        object: &ObjectName,
        field: &str,
        values: &[String],
    ) -> Result<FoundMany, ConnectorError> {
        let object = Object::of(object)?;
        let schema = self.schema_of(object).await?;
        let Some(property) = schema.property(field) else {
            let detail = format!("HubSpot's {} has no property `{}`", object.name(), field.escape_default());
            return Err(ConnectorError::Misconfigured { detail });
        };
        if property.unique {
            let wanted: Vec<&str> = values.iter().map(String::as_str).collect();
            let found = self.batch(object, &wanted, Some(field)).await?;
            return Ok(by_value(field, values, found));
        }
        let mut all = FoundMany::new();
        for chunk in chunks(values) {
            let lower: Vec<String> = chunk.iter().map(|value| comparable(value)).collect();
            let filter = json!({ "propertyName": field, "operator": "IN", "values": lower });
            let found = self.search(object, &filter, &[field]).await?;
            // Values whose records do not fit into an answer are searched for one by one.
            if found.results.len() >= PAGE {
                continue;
            }
            let ids: Vec<&str> = found.results.iter().map(|record| record.id.as_str()).collect();
            let read = self.batch(object, &ids, None).await?;
            all.extend(by_value(field, chunk, read));
        }
        Ok(all)
    }
}

impl HubSpot {
    /// One page of what meets a filter, by id.
    async fn search(
        &self,
        object: Object,
        filter: &Json,
        properties: &[&str],
    ) -> Result<Listed<WireRecord>, ConnectorError> {
        self.searched(object, &json!([filter]), properties).await
    }

    /// One page of what meets all of these filters, by id.
    pub(crate) async fn searched<T: DeserializeOwned>(
        &self,
        object: Object,
        filters: &Json,
        properties: &[&str],
    ) -> Result<Listed<T>, ConnectorError> {
        let body = json!({
            "filterGroups": [{ "filters": filters }],
            "sorts": ["hs_object_id"],
            "properties": properties,
            "limit": PAGE,
            "after": "0",
        });
        let request = with_json(Request::read(Method::POST, self.objects(object, ["search"])), &body)?;
        self.ask(request).await
    }

    /// Records by their ids, with some of their associations.
    pub(crate) async fn batch_with(
        &self,
        object: Object,
        ids: &[&str],
        associations: &[Wanted],
    ) -> Result<Vec<Record>, ConnectorError> {
        let mut records = self.batch(object, ids, None).await?;
        for wanted in associations {
            let of: Vec<&str> = records.iter().map(|record| record.reference.id.as_str()).collect();
            let mut associated = self.associated(object, *wanted, &of).await?;
            for record in &mut records {
                let id = associated.remove(&record.reference.id).map_or(Value::Null, Value::Text);
                record.fields.insert(wanted.field, id);
            }
        }
        Ok(records)
    }

    /// `POST .../batch/read`, by id or by a unique property. What is not there is missing in the answer.
    async fn batch(
        &self,
        object: Object,
        keys: &[&str],
        by: Option<&str>,
    ) -> Result<Vec<Record>, ConnectorError> {
        let schema: HubSpotSchema = self.schema_of(object).await?;
        let properties = self.properties(object, &schema);
        let mut records = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(BATCH) {
            let inputs: Vec<Json> = chunk.iter().map(|key| json!({ "id": key })).collect();
            let mut body = json!({ "properties": properties, "propertiesWithHistory": [], "inputs": inputs });
            if let Some(by) = by {
                body["idProperty"] = Json::from(by);
            }
            let url = self.objects(object, ["batch", "read"]);
            let listed: Listed<WireRecord> =
                self.ask(with_json(Request::read(Method::POST, url), &body)?).await?;
            let live = listed.results.into_iter().filter(|found| !found.archived);
            records.extend(live.map(|found| found.record(&self.system, object, &schema, &[])));
        }
        Ok(records)
    }

    /// `POST /crm/associations/{version}/{from}/{to}/batch/read`: the record that each belongs to, the primary one or
    /// else the oldest.
    async fn associated(
        &self,
        object: Object,
        wanted: Wanted,
        ids: &[&str],
    ) -> Result<HashMap<String, String>, ConnectorError> {
        let mut all = HashMap::new();
        let ends = [object.type_id(), wanted.to.type_id()];
        for chunk in ids.chunks(BATCH) {
            let inputs: Vec<Json> = chunk.iter().map(|id| json!({ "id": id })).collect();
            let path = ["crm", "associations", self.version(), ends[0], ends[1], "batch", "read"];
            let request = Request::read(Method::POST, self.api(path));
            let listed: Listed<Associated> =
                self.ask(with_json(request, &json!({ "inputs": inputs }))?).await?;
            for each in listed.results {
                let primary = each
                    .to
                    .iter()
                    .find(|to| to.association_types.iter().any(|kind| kind.type_id == wanted.type_id));
                let oldest = || {
                    let ids: BTreeSet<u128> =
                        each.to.iter().filter_map(To::id).filter_map(|id| id.parse().ok()).collect();
                    ids.first().map(u128::to_string)
                };
                if let Some(id) = primary.and_then(To::id).or_else(oldest) {
                    all.insert(each.from.id, id);
                }
            }
        }
        Ok(all)
    }
}

/// As many values at once as a search takes.
fn chunks(values: &[String]) -> Vec<&[String]> {
    let (mut all, mut rest) = (Vec::new(), values);
    while !rest.is_empty() {
        let (mut taken, mut bytes) = (0, 0);
        for value in rest {
            let size = Json::from(value.as_str()).to_string().len() + 1;
            if taken > 0 && (bytes + size > VALUES_BYTES || taken >= BATCH) {
                break;
            }
            (taken, bytes) = (taken + 1, bytes + size);
        }
        let (chunk, later) = rest.split_at(taken);
        all.push(chunk);
        rest = later;
    }
    all
}

/// The records that have each value.
fn by_value(field: &str, values: &[String], records: Vec<Record>) -> FoundMany {
    let mut found: BTreeMap<String, Vec<Record>> = BTreeMap::new();
    for record in records {
        let value = record.fields.text(field).map(comparable).unwrap_or_default();
        let known = found.entry(value).or_default();
        if !known.contains(&record) {
            known.push(record);
        }
    }
    let of = |value: &String| found.get(&comparable(value)).cloned().unwrap_or_default();
    values.iter().map(|value| (value.clone(), of(value))).collect()
}

/// HubSpot compares without regard to letter case.
fn comparable(value: &str) -> String {
    value.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_stay_short_and_lose_no_value() {
        let values: Vec<String> = (0..150).map(|n| format!("{}-{n}", "\"x\"".repeat(n % 30))).collect();
        let chunks = chunks(&values);
        assert_eq!(chunks.concat(), values);
        assert!(chunks.len() > 2);
        for chunk in chunks {
            assert!(json!(chunk).to_string().len() <= VALUES_BYTES + 2, "{chunk:?}");
        }
    }
}
