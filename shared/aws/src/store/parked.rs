//! Parked changes, for whoever looks at them, mends the cause and sends them again.

use aws_sdk_dynamodb::types::ReturnValue;
use jiff::Timestamp;
use model::{Pair, ParkedChange};
use sync::StoreError;

use super::DynamoStore;
use super::expression::{Item, key_attributes};
use super::keys::{self, SK};
use super::{items, read};
use crate::aws_error::store_error;

/// A parked change with the name by which it is read and removed.
#[derive(Clone, Debug, PartialEq)]
pub struct Parked {
    /// Its name within the pair: `<time>#<receipt>#<digest>`.
    pub name: String,
    /// The change.
    pub change: ParkedChange,
}

impl DynamoStore {
    /// All parked changes of a pair, oldest first.
    pub async fn list_parked(&self, pair: &Pair) -> Result<Vec<Parked>, StoreError> {
        let items = read::query(self, &keys::parked_partition(pair), None).await?;
        items.into_iter().map(parked).collect()
    }

    /// The changes of a pair that were parked at a time or later, oldest first.
    pub async fn list_parked_since(&self, pair: &Pair, since: Timestamp) -> Result<Vec<Parked>, StoreError> {
        let items = read::query_from(self, &keys::parked_partition(pair), &keys::sortable(since)).await?;
        items.into_iter().map(parked).collect()
    }

    /// One parked change.
    pub async fn parked(&self, pair: &Pair, name: &str) -> Result<Option<Parked>, StoreError> {
        read::get(self, &keys::parked_by_name(pair, name)).await?.map(parked).transpose()
    }

    /// Removes a parked change: after it was sent again, or because it is not wanted any more. Whether it was there.
    pub async fn delete_parked(&self, pair: &Pair, name: &str) -> Result<bool, StoreError> {
        let key = key_attributes(&keys::parked_by_name(pair, name));
        let request = self.client.delete_item().table_name(&self.table).set_key(Some(key));
        let answer = request.return_values(ReturnValue::AllOld).send().await;
        let answer = answer.map_err(|error| store_error("DeleteItem", &error))?;
        Ok(answer.attributes.is_some_and(|old| !old.is_empty()))
    }
}

fn parked(item: Item) -> Result<Parked, StoreError> {
    let name = items::text_attribute(&item, SK).unwrap_or_default().to_owned();
    Ok(Parked { name, change: items::read("a parked change", item)? })
}
