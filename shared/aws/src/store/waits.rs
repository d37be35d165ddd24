//! Records that wait for the parent that they name.

use futures::future::try_join_all;
use jiff::Timestamp;
use model::{RecordRef, System};
use sync::{StoreError, Waiting};

use super::DynamoStore;
use super::expression::{is_expired, key_attributes, number, text};
use super::{items, keys, read};
use crate::aws_error::store_error;

/// How many items are deleted at the same time.
const DELETES_AT_ONCE: usize = 25;

pub(super) async fn is_waiting(
    store: &DynamoStore,
    child: &Waiting,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let item = read::get(store, &keys::waiting(child)).await?;
    Ok(item.is_some_and(|item| !is_expired(&item, now)))
}

pub(super) async fn wait(store: &DynamoStore, child: &Waiting, until: Timestamp) -> Result<(), StoreError> {
    let item = items::waiting(child, until)?;
    let request = store.client.put_item().table_name(&store.table).set_item(Some(item.item));
    request.send().await.map(|_| ()).map_err(|error| store_error("PutItem", &error))
}

pub(super) async fn waiting(
    store: &DynamoStore,
    parent: &RecordRef,
    towards: &System,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Waiting>, StoreError> {
    let (mut found, mut from) = (Vec::new(), None);
    loop {
        // A page holds thousands of children; the limit is applied before the filter, so none is asked for.
        let request = store.client.query().table_name(&store.table).consistent_read(true);
        let request = request
            .key_condition_expression("pk = :pk AND begins_with(sk, :towards)")
            .filter_expression("expires_at > :now")
            .expression_attribute_values(":pk", text(keys::waits_partition(parent)))
            .expression_attribute_values(":towards", text(keys::waits_prefix(towards)))
            .expression_attribute_values(":now", number(now.as_second()))
            .set_exclusive_start_key(from);
        let page = request.send().await.map_err(|error| store_error("Query", &error))?;
        found.extend(page.items.into_iter().flatten());
        from = page.last_evaluated_key.filter(|key| !key.is_empty());
        if from.is_none() || found.len() >= limit {
            return found.into_iter().take(limit).map(items::read_waiting).collect();
        }
    }
}

pub(super) async fn waited(store: &DynamoStore, children: &[Waiting]) -> Result<(), StoreError> {
    for chunk in children.chunks(DELETES_AT_ONCE) {
        try_join_all(chunk.iter().map(|child| delete(store, child))).await?;
    }
    Ok(())
}

async fn delete(store: &DynamoStore, child: &Waiting) -> Result<(), StoreError> {
    let key = key_attributes(&keys::waiting(child));
    let request = store.client.delete_item().table_name(&store.table).set_key(Some(key));
    request.send().await.map(|_| ()).map_err(|error| store_error("DeleteItem", &error))
}
