//! Settings: the user's, edited at run time, typed by whoever reads them. Never secrets.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;
use model::System;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sync::StoreError;

use super::DynamoStore;
use super::expression::{Item, key_attributes, text};
use super::items::{self, Setting};
use super::keys::SK;
use super::limits::check_item;
use super::{keys, read};
use crate::aws_error::store_error;

/// When a setting was changed with the command line.
const CHANGED_AT: &str = "changed_at";
/// By whom.
const CHANGED_BY: &str = "changed_by";

/// A setting as it was read, for whoever shows or changes it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredSetting {
    /// Its key.
    pub key: String,
    /// What it holds.
    pub value: serde_json::Value,
    /// When it was last changed with the command line, and by whom.
    pub changed: Option<(Timestamp, String)>,
    /// What it holds, to the letter.
    raw: AttributeValue,
}

impl DynamoStore {
    /// Everything that stands in the settings, by key.
    ///
    /// # Errors
    /// The table does not answer.
    pub async fn stored_settings(&self) -> Result<Vec<StoredSetting>, StoreError> {
        let items = read::query(self, keys::SETTINGS, None).await?;
        Ok(items.into_iter().filter_map(stored).collect())
    }

    /// A setting with who changed it.
    ///
    /// # Errors
    /// The table does not answer.
    pub async fn stored_setting(&self, key: &str) -> Result<Option<StoredSetting>, StoreError> {
        Ok(read::get(self, &keys::setting(key)).await?.and_then(stored))
    }

    /// Changes a setting, or forgets it, if it still holds what was read. Whether it did: somebody else may have been
    /// faster.
    ///
    /// # Errors
    /// The table does not answer.
    pub async fn change_setting(
        &self,
        key: &str,
        read: Option<&StoredSetting>,
        new: Option<&serde_json::Value>,
        (at, by): (Timestamp, &str),
    ) -> Result<bool, StoreError> {
        let condition = if read.is_some() { "#value = :read" } else { "attribute_not_exists(pk)" };
        let names = read.map(|_| [("#value".to_owned(), "value".to_owned())].into());
        let values = read.map(|read| [(":read".to_owned(), read.raw.clone())].into());
        let Some(new) = new else {
            if read.is_none() {
                return Ok(true);
            }
            let request = self.client.delete_item().table_name(&self.table);
            let request =
                request.set_key(Some(key_attributes(&keys::setting(key)))).condition_expression(condition);
            let request =
                request.set_expression_attribute_names(names).set_expression_attribute_values(values);
            return match request.send().await {
                Ok(_) => Ok(true),
                Err(error)
                    if matches!(
                        error.as_service_error(),
                        Some(DeleteItemError::ConditionalCheckFailedException(_))
                    ) =>
                {
                    Ok(false)
                }
                Err(error) => Err(store_error("DeleteItem", &error)),
            };
        };
        let mut keyed = items::setting(key, new)?;
        keyed.item.insert(CHANGED_AT.to_owned(), text(at.to_string()));
        keyed.item.insert(CHANGED_BY.to_owned(), text(by));
        check_item(&keyed.key, &keyed.item)?;
        let request = self.client.put_item().table_name(&self.table).set_item(Some(keyed.item));
        let request = request.condition_expression(condition);
        let request = request.set_expression_attribute_names(names).set_expression_attribute_values(values);
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if matches!(
                    error.as_service_error(),
                    Some(PutItemError::ConditionalCheckFailedException(_))
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(store_error("PutItem", &error)),
        }
    }

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

    /// Remembers that a webhook of `system` was taken at this time. Who comes with an older one changes nothing.
    ///
    /// # Errors
    /// The table does not answer.
    pub async fn remember_heard(&self, system: &System, at: Timestamp) -> Result<(), StoreError> {
        let request = self.client.update_item().table_name(&self.table);
        let request = request
            .set_key(Some(key_attributes(&keys::heard(system))))
            .update_expression("SET heard_at = :at")
            .condition_expression("attribute_not_exists(heard_at) OR heard_at < :at")
            .expression_attribute_values(":at", text(keys::sortable(at)));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error)
                if matches!(
                    error.as_service_error(),
                    Some(UpdateItemError::ConditionalCheckFailedException(_))
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(store_error("UpdateItem", &error)),
        }
    }

    /// When a webhook of `system` was taken last, to ten minutes; nothing where none ever was.
    ///
    /// # Errors
    /// The table does not answer.
    pub async fn last_heard(&self, system: &System) -> Result<Option<Timestamp>, StoreError> {
        let item = read::get(self, &keys::heard(system)).await?;
        Ok(item.and_then(|item| items::text_attribute(&item, "heard_at")?.parse().ok()))
    }

    /// Takes what `system` says it is now for its identity: what an administrator's confirmation does.
    pub async fn confirm_identity(&self, system: &System, seen: &str) -> Result<(), StoreError> {
        self.put_setting(&keys::identity_setting(system), &seen).await
    }
}

/// The setting of an item. One that somebody has made without a value holds nothing.
fn stored(item: Item) -> Option<StoredSetting> {
    let key = items::text_attribute(&item, SK)?.to_owned();
    let at = items::text_attribute(&item, CHANGED_AT).and_then(|at| at.parse().ok());
    let changed = at.zip(items::text_attribute(&item, CHANGED_BY).map(str::to_owned));
    let raw = item.get("value").cloned().unwrap_or(AttributeValue::Null(true));
    let read: Result<Setting<serde_json::Value>, _> = items::read(&key, item);
    let value = read.map(|setting| setting.value).unwrap_or_default();
    Some(StoredSetting { key, value, changed, raw })
}

pub(super) fn value<T: DeserializeOwned>(key: &str, item: Item) -> Result<T, StoreError> {
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
