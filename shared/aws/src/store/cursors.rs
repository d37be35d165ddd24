//! Cursors: `sync::CursorStore` on the table. A lease is a pair of attributes of the cursor's item.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValue;
use jiff::Timestamp;
use sync::{Cursor, CursorKey, CursorStore, StoreError};

use super::DynamoStore;
use super::expression::{Item, key_attributes, text};
use super::items::{self, StoredCursor};
use super::keys;
use crate::aws_error::store_error;

impl CursorStore for DynamoStore {
    async fn cursor(&self, key: &CursorKey) -> Result<Cursor, StoreError> {
        super::read::get(self, &keys::cursor(key)).await?.map_or_else(|| Ok(Cursor::default()), read)
    }

    /// The client repeats a call whose answer was lost: who holds the lease already takes it again.
    async fn lease_cursor(
        &self,
        key: &CursorKey,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Cursor>, StoreError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key_attributes(&keys::cursor(key))))
            .update_expression("SET holder = :holder, held_until = :until")
            .condition_expression("attribute_not_exists(holder) OR holder = :holder OR held_until <= :now")
            .expression_attribute_values(":holder", text(holder))
            .expression_attribute_values(":until", text(keys::sortable(until)))
            .expression_attribute_values(":now", text(keys::sortable(now)))
            .return_values(ReturnValue::AllNew);
        match request.send().await {
            Ok(answer) => answer.attributes.map_or_else(|| Ok(Cursor::default()), read).map(Some),
            Err(error) if is_refused(error.as_service_error()) => Ok(None),
            Err(error) => Err(store_error("UpdateItem", &error)),
        }
    }

    async fn move_cursor(&self, key: &CursorKey, holder: &str, cursor: &Cursor) -> Result<bool, StoreError> {
        store(self, key, holder, cursor, "SET #cursor = :cursor").await
    }

    async fn release_cursor(&self, key: &CursorKey, holder: &str, cursor: &Cursor) -> Result<(), StoreError> {
        store(self, key, holder, cursor, "SET #cursor = :cursor REMOVE holder, held_until").await.map(drop)
    }
}

async fn store(
    store: &DynamoStore,
    key: &CursorKey,
    holder: &str,
    cursor: &Cursor,
    update: &str,
) -> Result<bool, StoreError> {
    let request = store
        .client
        .update_item()
        .table_name(&store.table)
        .set_key(Some(key_attributes(&keys::cursor(key))))
        .update_expression(update)
        .condition_expression("holder = :holder")
        // A reserved word of DynamoDB.
        .expression_attribute_names("#cursor", "cursor")
        .expression_attribute_values(":cursor", items::cursor(cursor)?)
        .expression_attribute_values(":holder", text(holder));
    match request.send().await {
        Ok(_) => Ok(true),
        Err(error) if is_refused(error.as_service_error()) => Ok(false),
        Err(error) => Err(store_error("UpdateItem", &error)),
    }
}

fn is_refused(error: Option<&UpdateItemError>) -> bool {
    matches!(error, Some(UpdateItemError::ConditionalCheckFailedException(_)))
}

fn read(item: Item) -> Result<Cursor, StoreError> {
    let stored: StoredCursor = items::read("a cursor", item)?;
    Ok(stored.cursor)
}
