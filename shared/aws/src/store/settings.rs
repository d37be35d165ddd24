//! Settings: the user's, edited at run time, typed by whoever reads them. Never secrets.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use model::System;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sync::StoreError;

use super::DynamoStore;
use super::expression::{Item, key_attributes};
use super::items::{self, Setting};
use super::limits::check_item;
use super::{keys, read};
use crate::aws_error::store_error;

impl DynamoStore {
    /// The setting `key`, or nothing where none is stored: the default holds then.
    ///
    /// # Errors
    /// Also when what is stored is not a `T`; the error names the key and tells no value.
    pub async fn setting<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StoreError> {
        read::get(self, &keys::setting(key)).await?.map(|item| value(key, item)).transpose()
    }

    /// Stores the setting `key`.
    pub async fn put_setting<T: Serialize>(&self, key: &str, value: &T) -> Result<(), StoreError> {
        let keyed = items::setting(key, value)?;
        check_item(&keyed.key, &keyed.item)?;
        let request = self.client.put_item().table_name(&self.table).set_item(Some(keyed.item));
        request.send().await.map_err(|error| store_error("PutItem", &error))?;
        Ok(())
    }

    /// Forgets the setting `key`, so that its default holds. Whether it was there.
    pub async fn delete_setting(&self, key: &str) -> Result<bool, StoreError> {
        let key = key_attributes(&keys::setting(key));
        let request = self.client.delete_item().table_name(&self.table).set_key(Some(key));
        let answer = request.return_values(ReturnValue::AllOld).send().await;
        let answer = answer.map_err(|error| store_error("DeleteItem", &error))?;
        Ok(answer.attributes.is_some_and(|old| !old.is_empty()))
    }

    /// Takes what `system` says it is now for its identity: what an administrator's confirmation does.
    pub async fn confirm_identity(&self, system: &System, seen: &str) -> Result<(), StoreError> {
        self.put_setting(&keys::identity_setting(system), &seen).await
    }
}

fn value<T: DeserializeOwned>(key: &str, item: Item) -> Result<T, StoreError> {
    let setting: Setting<T> = items::read(&format!("the setting `{key}`"), item)?;
    Ok(setting.value)
}

/// Read first, because it is stored once and asked for at every cold start.
pub(super) async fn first_identity(
    store: &DynamoStore,
    system: &System,
    seen: &str,
) -> Result<String, StoreError> {
    let key = keys::identity_setting(system);
    if let Some(stored) = store.setting(&key).await? {
        return Ok(stored);
    }
    let request = store
        .client
        .put_item()
        .table_name(&store.table)
        .set_item(Some(items::setting(&key, &seen)?.item))
        .condition_expression("attribute_not_exists(pk)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let Err(error) = request.send().await else { return Ok(seen.to_owned()) };
    let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() else {
        return Err(store_error("PutItem", &error));
    };
    // Another worker met the system at the same moment.
    let item = failed
        .item
        .clone()
        .ok_or_else(|| StoreError { detail: "PutItem: no identity was given".to_owned() })?;
    value(&key, item)
}
