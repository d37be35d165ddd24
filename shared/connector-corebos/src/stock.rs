//! The stock of a module: `query` for the ids, page by page, `MassRetrieve` for the records, and one `query` for many
//! searches.
//!
//! Pages go by id: `where id > '12x47'` compares the numbers, whatever the operator, since the parser takes the
//! module's number off (recorded for `=` and `in`: A039, A058). The records of a `query` lack `cbuuid` and the names
//! of what they refer to, so they are not the ones of `retrieve`; those of `MassRetrieve` are (A094).

use std::collections::HashMap;

use http_client::Effect;
use model::ObjectName;
use serde_json::Value as Json;
use sync::import::{FoundMany, StockPage, Stocked};
use sync::{Connector as _, ConnectorError, Record, Schema as _, Stock};

use crate::client::CoreBos;
use crate::query;
use crate::wire;

/// Records of a page.
const PAGE: usize = 100;
/// Records in one `MassRetrieve`.
const RETRIEVED_AT_ONCE: usize = 50;
/// Values in one search.
const VALUES_AT_ONCE: usize = 50;
/// Rows of one search; more than this, and it does not count as complete.
const ROWS_AT_MOST: usize = 500;

impl Stock for CoreBos {
    async fn stock(&self, module: &ObjectName, after: Option<&str>) -> Result<StockPage, ConnectorError> {
        let text = query::ids_after(module.as_str(), after, PAGE)?;
        let (told, _) = self.ask("query", &[("query", &text)], Effect::Read).await?;
        let rows = told.result.as_array().ok_or_else(|| no_rows(module))?;
        let ids = rows.iter().filter_map(|row| row.get("id")?.as_str()).filter(|id| wire::is_record_id(id));
        let left = told.more.get("totalrows").and_then(number);
        Ok(StockPage {
            more: rows.len() >= PAGE,
            rows: ids.map(|id| (id.to_owned(), Stocked::Listed)).collect(),
            left,
        })
    }

    async fn read_many(&self, module: &ObjectName, ids: &[String]) -> Result<Vec<Record>, ConnectorError> {
        // The module of the last id decides how all of them look: they must be of one.
        let schema = self.schema(module).await?;
        let ours = |id: &&String| wire::prefix_of(id) == Some(schema.id_prefix());
        let ids: Vec<&str> = ids.iter().filter(ours).map(String::as_str).collect();
        let mut records = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(RETRIEVED_AT_ONCE) {
            let ids = chunk.join(",");
            let (told, session) = self.ask("MassRetrieve", &[("ids", &ids)], Effect::Read).await?;
            let found = match &told.result {
                Json::Object(found) => found.values().collect(),
                Json::Array(found) => found.iter().collect(),
                _ => Vec::new(),
            };
            records.extend(
                found
                    .into_iter()
                    .filter_map(|row| wire::record(self.system(), module, row, &session.user_id)),
            );
        }
        Ok(records)
    }

    async fn find_many(
        &self,
        module: &ObjectName,
        field: &str,
        values: &[String],
    ) -> Result<FoundMany, ConnectorError> {
        if !self.schema(module).await?.has(field) {
            let detail = format!("coreBOS's {module} has no field `{}`", field.escape_default());
            return Err(ConnectorError::Misconfigured { detail });
        }
        // What cannot be searched for is found out by whoever searches for it alone.
        let searchable: Vec<&String> = values.iter().filter(|value| query::is_searchable(value)).collect();
        let mut all = FoundMany::new();
        for chunk in searchable.chunks(VALUES_AT_ONCE) {
            let text = query::by_values(module.as_str(), field, chunk, ROWS_AT_MOST)?;
            let (told, session) = self.ask("query", &[("query", &text)], Effect::Read).await?;
            let rows = told.result.as_array().ok_or_else(|| no_rows(module))?;
            if rows.len() >= ROWS_AT_MOST {
                continue;
            }
            let mut by_value: HashMap<String, Vec<Record>> = HashMap::new();
            for record in
                rows.iter().filter_map(|row| wire::record(self.system(), module, row, &session.user_id))
            {
                let value = record.fields.text(field).map(comparable).unwrap_or_default();
                by_value.entry(value).or_default().push(record);
            }
            all.extend(chunk.iter().map(|value| {
                let found = by_value.get(&comparable(value)).cloned().unwrap_or_default();
                ((*value).clone(), found)
            }));
        }
        Ok(all)
    }
}

/// The database compares without regard to case and accents; we with regard to accents.
fn comparable(value: &str) -> String {
    value.trim().to_lowercase()
}

fn no_rows(module: &ObjectName) -> ConnectorError {
    ConnectorError::Unavailable { detail: format!("a query of {module} answered with no rows") }
}

/// A number, as a number or as text.
fn number(value: &Json) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
