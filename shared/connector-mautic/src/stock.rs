//! The stock of an object: the list by id, with the records in it; and one list for many searches.
//!
//! Searches are alternatives of equality (`orX` of `eq`, each recorded: E15, G03). What the list calls `in` was not
//! recorded, and Mautic takes an expression that it does not know for no filter at all (E21).

use std::collections::HashMap;

use http_client::{Method, Request};
use model::ObjectName;
use serde_json::Value as Json;
use sync::import::{FoundMany, StockPage, Stocked};
use sync::{Connector as _, ConnectorError, Record, Schema as _, Stock};

use crate::client::{Mautic, listed};
use crate::feed::is_known;
use crate::objects::Object;
use crate::wire;

/// Records of a page. A contact with its fields has about 10 KB.
const PAGE: usize = 100;
/// Rows of one search; more than this, and it does not count as complete.
const ROWS_AT_MOST: usize = 200;
/// The longest query, in bytes as it is sent: web servers take lines of 8 KB.
const QUERY_AT_MOST: usize = 6_000;

impl Stock for Mautic {
    async fn stock(&self, object: &ObjectName, after: Option<&str>) -> Result<StockPage, ConnectorError> {
        let object = Object::of(object)?;
        let ourselves = self.ourselves().await?;
        let mut request = self.list(object, PAGE).query("order[0][col]", "id").query("order[0][dir]", "asc");
        if let Some(after) = after {
            request = request
                .query("where[0][col]", "id")
                .query("where[0][expr]", "gt")
                .query("where[0][val]", after);
        }
        let json = self.get(request).await?;
        let list = listed(&json, object)?;
        let more = list.len() >= PAGE;
        let mut rows = Vec::with_capacity(list.len());
        for row in list {
            let Some(id) = row.get("id").and_then(wire::id_of) else { continue };
            let stocked = if object == Object::Contact && !is_known(row) {
                Stocked::PassedOver
            } else {
                self.parse(object, row, ourselves).map_or(Stocked::Listed, Stocked::Record)
            };
            rows.push((id, stocked));
        }
        // An object by id, which a reader need not keep in order.
        rows.sort_unstable_by_key(|(id, _)| *id);
        let rows = rows.into_iter().map(|(id, stocked)| (id.to_string(), stocked)).collect();
        let left =
            json.get("total").and_then(|total| total.as_u64().or_else(|| total.as_str()?.parse().ok()));
        Ok(StockPage { rows, more, left })
    }

    async fn read_many(&self, object: &ObjectName, ids: &[String]) -> Result<Vec<Record>, ConnectorError> {
        let ids = ids.iter().filter(|id| wire::id_of(&Json::from(id.as_str())).is_some());
        let ids: Vec<&String> = ids.collect();
        let mut records = Vec::with_capacity(ids.len());
        for (_, found) in self.search(Object::of(object)?, "id", &ids).await? {
            records.extend(found);
        }
        Ok(records)
    }

    async fn find_many(
        &self,
        object: &ObjectName,
        field: &str,
        values: &[String],
    ) -> Result<FoundMany, ConnectorError> {
        // An unknown column is a server error in Mautic.
        if !self.schema(object).await?.has(field) {
            let detail = format!("Mautic's {object} has no field `{field}`");
            return Err(ConnectorError::Misconfigured { detail });
        }
        let object = Object::of(object)?;
        let values: Vec<&String> = values.iter().collect();
        let mut all = FoundMany::new();
        for (chunk, records) in self.search(object, field, &values).await? {
            let mut by_value: HashMap<String, Vec<Record>> = HashMap::new();
            for record in records {
                let value = record.fields.get(field).map(|value| value.php_string().into_owned());
                by_value.entry(comparable(&value.unwrap_or_default())).or_default().push(record);
            }
            all.extend(chunk.into_iter().map(|value| {
                let found = by_value.get(&comparable(value)).cloned().unwrap_or_default();
                (value.clone(), found)
            }));
        }
        Ok(all)
    }
}

/// Values that were searched for together, and what was found.
type Searched<'a> = Vec<(Vec<&'a String>, Vec<Record>)>;

impl Mautic {
    fn list(&self, object: Object, limit: usize) -> Request {
        Request::read(Method::GET, self.api([object.plural()])).query("limit", &limit.to_string())
    }

    /// Searches for several values of a column, as many at once as a line holds. Values whose records do not fit into
    /// an answer are missing.
    async fn search<'a>(
        &self,
        object: Object,
        column: &str,
        values: &[&'a String],
    ) -> Result<Searched<'a>, ConnectorError> {
        let ourselves = self.ourselves().await?;
        let mut all = Vec::new();
        let mut rest = values;
        while !rest.is_empty() {
            let mut request = self.list(object, ROWS_AT_MOST).query("where[0][expr]", "orX");
            let (mut taken, mut bytes) = (0, 0);
            for value in rest {
                let size = bytes_of(column, taken, value);
                if taken > 0 && bytes + size > QUERY_AT_MOST {
                    break;
                }
                for (key, text) in [("col", column), ("expr", "eq"), ("val", value.as_str())] {
                    request = request.query(&format!("where[0][val][{taken}][{key}]"), text);
                }
                (taken, bytes) = (taken + 1, bytes + size);
            }
            let (chunk, later) = rest.split_at(taken);
            rest = later;
            let json = self.get(request).await?;
            let rows = listed(&json, object)?;
            if rows.len() < ROWS_AT_MOST {
                let records = rows.into_iter().filter_map(|row| self.parse(object, row, ourselves).ok());
                all.push((chunk.to_vec(), records.collect()));
            }
        }
        Ok(all)
    }
}

/// How long one alternative is at most: brackets and most other bytes are sent as three.
fn bytes_of(column: &str, number: usize, value: &str) -> usize {
    let key = "&where%5B0%5D%5Bval%5D%5B%5D%5Bval%5D=".len() + number.to_string().len();
    let plain = value.bytes().filter(u8::is_ascii_alphanumeric).count();
    3 * key + column.len() + "eq".len() + plain + 3 * (value.len() - plain)
}

/// The database compares without regard to case and accents; we with regard to accents.
fn comparable(value: &str) -> String {
    value.trim().to_lowercase()
}
