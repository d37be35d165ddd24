//! The progress of imports: `sync::ImportStore` on the table. A lease is a pair of attributes of the item.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;
use sync::import::{ImportKey, ImportLeased, Progress};
use sync::{ImportStore, StoreError};

use super::DynamoStore;
use super::expression::{Item, key_attributes, text};
use super::items::{self, StoredProgress, text_attribute};
use super::keys;
use crate::aws_error::store_error;

const UNTIL: &str = "held_until";

impl ImportStore for DynamoStore {
    /// The client repeats a call whose answer was lost: who holds the lease already takes it again.
    async fn lease_import(
        &self,
        key: &ImportKey,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<ImportLeased, StoreError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key_attributes(&keys::import(key))))
            .update_expression("SET holder = :holder, held_until = :until")
            .condition_expression("attribute_not_exists(holder) OR holder = :holder OR held_until <= :now")
            .expression_attribute_values(":holder", text(holder))
            .expression_attribute_values(":until", text(keys::sortable(until)))
            .expression_attribute_values(":now", text(keys::sortable(now)))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let error = match request.send().await {
            Ok(answer) => {
                let stored = answer.attributes.map_or_else(|| Ok(Progress::default()), read)?;
                return Ok(ImportLeased::Yes(stored));
            }
            Err(error) => error,
        };
        let Some(UpdateItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() else {
            return Err(store_error("UpdateItem", &error));
        };
        let held = failed.item.as_ref().and_then(|item| text_attribute(item, UNTIL)?.parse().ok());
        let until =
            held.ok_or_else(|| StoreError { detail: "the lease of an import has no time".to_owned() })?;
        Ok(ImportLeased::Held { until })
    }

    async fn move_import(
        &self,
        key: &ImportKey,
        holder: &str,
        progress: &Progress,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let until = Some(text(keys::sortable(until)));
        store(self, key, holder, progress, until, "SET #progress = :progress, held_until = :until").await
    }

    async fn release_import(
        &self,
        key: &ImportKey,
        holder: &str,
        progress: Option<&Progress>,
    ) -> Result<(), StoreError> {
        let ended = Progress::default();
        let update = "SET #progress = :progress REMOVE holder, held_until";
        store(self, key, holder, progress.unwrap_or(&ended), None, update).await.map(drop)
    }
}

async fn store(
    store: &DynamoStore,
    key: &ImportKey,
    holder: &str,
    progress: &Progress,
    until: Option<AttributeValue>,
    update: &str,
) -> Result<bool, StoreError> {
    let mut request = store
        .client
        .update_item()
        .table_name(&store.table)
        .set_key(Some(key_attributes(&keys::import(key))))
        .update_expression(update)
        .condition_expression("holder = :holder")
        .expression_attribute_names("#progress", "progress")
        .expression_attribute_values(":progress", items::progress(progress)?)
        .expression_attribute_values(":holder", text(holder));
    if let Some(until) = until {
        request = request.expression_attribute_values(":until", until);
    }
    let Err(error) = request.send().await else { return Ok(true) };
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
        _ => Err(store_error("UpdateItem", &error)),
    }
}

fn read(item: Item) -> Result<Progress, StoreError> {
    let stored: StoredProgress = items::read("the progress of an import", item)?;
    Ok(stored.progress)
}
