//! The stock of a memory system: pages of a few records, some of them listed without their fields.

use model::ObjectName;

use super::{MemorySystem, step};
use crate::error::ConnectorError;
use crate::import::{FoundMany, Stock, StockPage, Stocked};
use crate::ports::{Connector as _, Reading, Record};

/// Records of a page. Small, so that a world of some dozens has several.
const PAGE: usize = 7;

impl Stock for MemorySystem {
    async fn stock(&self, _: &ObjectName, after: Option<&str>) -> Result<StockPage, ConnectorError> {
        step().await;
        let ids: Vec<String> =
            self.ids().into_iter().filter(|id| after.is_none_or(|after| id.as_str() > after)).collect();
        let mut rows = Vec::new();
        for id in ids.iter().take(PAGE) {
            // Every third is only listed, as coreBOS's are.
            let record = match self.read(&self.reference(id)).await? {
                Reading::Found(record) if rows.len() % 3 != 2 => Stocked::Record(record),
                _ => Stocked::Listed,
            };
            rows.push((id.clone(), record));
        }
        Ok(StockPage { rows, more: ids.len() > PAGE, left: u64::try_from(ids.len()).ok() })
    }

    async fn read_many(&self, _: &ObjectName, ids: &[String]) -> Result<Vec<Record>, ConnectorError> {
        let mut found = Vec::new();
        for id in ids {
            if let Reading::Found(record) = self.read(&self.reference(id)).await? {
                found.push(record);
            }
        }
        Ok(found)
    }

    async fn find_many(
        &self,
        object: &ObjectName,
        field: &str,
        values: &[String],
    ) -> Result<FoundMany, ConnectorError> {
        let all = self.read_many(object, &self.ids()).await?;
        let has = |value: &str| all.iter().filter(|r| r.fields.text(field) == Some(value)).cloned().collect();
        Ok(values.iter().map(|value| (value.clone(), has(value))).collect())
    }
}
