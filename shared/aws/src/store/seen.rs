//! What walks have seen: `sync::SeenStore` on the table, one item for each stretch of ids.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use sync::poll::Stretch;
use sync::{CursorKey, SeenStore, StoreError};

use super::DynamoStore;
use super::expression::key_attributes;
use super::{items, keys, read};
use crate::aws_error::store_error;

/// Stretches that are written at once.
const WRITES_AT_ONCE: usize = 10;

impl SeenStore for DynamoStore {
    async fn stretches(
        &self,
        walk: &CursorKey,
        first: u64,
        last: u64,
    ) -> Result<BTreeMap<u64, Stretch>, StoreError> {
        let (first, last) = (keys::seen(walk, first), keys::seen(walk, last));
        let found = read::query_between(self, &first, &last).await?;
        found.into_iter().map(items::read_seen).collect()
    }

    async fn keep_stretches(
        &self,
        walk: &CursorKey,
        stretches: &BTreeMap<u64, Stretch>,
    ) -> Result<(), StoreError> {
        let all: Vec<(&u64, &Stretch)> = stretches.iter().collect();
        for chunk in all.chunks(WRITES_AT_ONCE) {
            try_join_all(chunk.iter().map(|(first, stretch)| keep(self, walk, **first, stretch))).await?;
        }
        Ok(())
    }
}

async fn keep(
    store: &DynamoStore,
    walk: &CursorKey,
    first: u64,
    stretch: &Stretch,
) -> Result<(), StoreError> {
    if stretch.is_empty() {
        let key = key_attributes(&keys::seen(walk, first));
        let request = store.client.delete_item().table_name(&store.table).set_key(Some(key));
        return request.send().await.map(drop).map_err(|error| store_error("DeleteItem", &error));
    }
    let item = items::seen(walk, first, stretch)?.item;
    let request = store.client.put_item().table_name(&store.table).set_item(Some(item));
    request.send().await.map(drop).map_err(|error| store_error("PutItem", &error))
}
