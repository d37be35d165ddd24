//! Visitors: what is remembered of identities and people. Whoever keeps them knows what stands in them; here they are a
//! text with a version and an end.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sync::StoreError;

use super::DynamoStore;
use super::expression::{Item, expiry, is_expired, key_attributes, number, text, version_condition};
use super::items::text_attribute;
use super::keys::EXPIRES_AT;
use super::limits::check_item;
use super::{keys, read};
use crate::aws_error::store_error;

/// The attribute that holds what is remembered, as JSON.
const REMEMBERED: &str = "remembered";

/// What is remembered under a key. Version 0: nothing yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept<T> {
    /// What.
    pub value: T,
    /// Raised by every change; changes are conditional on it.
    pub version: u64,
}

impl DynamoStore {
    /// What is remembered under these keys, in their order; what has ended is nothing.
    ///
    /// # Errors
    /// Also where something else is stored there; the error names the key and tells no value.
    pub async fn remembered<T: DeserializeOwned + Default>(
        &self,
        names: &[String],
        now: Timestamp,
    ) -> Result<Vec<Kept<T>>, StoreError> {
        let keys: Vec<_> = names.iter().map(|name| keys::visitor(name)).collect();
        let mut found = match keys.as_slice() {
            [] => return Ok(Vec::new()),
            [key] => read::get(self, key).await?.map(|item| (key.clone(), item)).into_iter().collect(),
            _ => read::batch_get(self, &keys).await?,
        };
        keys.iter()
            .map(|key| {
                let item = found.remove(key).filter(|item| !is_expired(item, now));
                item.map_or_else(|| Ok(Kept::default()), |item| kept(key, &item))
            })
            .collect()
    }

    /// Remembers this until a time, if nobody has changed it since it was read; whether it did.
    ///
    /// # Errors
    /// The table does not answer, or it is more than an item can hold.
    pub async fn keep_remembered<T: Serialize>(
        &self,
        name: &str,
        kept: &Kept<T>,
        (now, until): (Timestamp, Timestamp),
    ) -> Result<bool, StoreError> {
        let key = keys::visitor(name);
        let value = serde_json::to_string(&kept.value)
            .map_err(|_| StoreError { detail: format!("what {key} shall hold cannot be written as JSON") })?;
        let mut item = key_attributes(&key);
        item.insert(REMEMBERED.to_owned(), text(value));
        item.insert("version".to_owned(), number(kept.version.saturating_add(1)));
        item.insert(EXPIRES_AT.to_owned(), expiry(until));
        check_item(&key, &item)?;
        let (unchanged, version) = version_condition(kept.version);
        let mut request = self.client.put_item().table_name(&self.table).set_item(Some(item));
        request = match version {
            Some(version) => {
                request.condition_expression(unchanged).expression_attribute_values(":version", version)
            }
            // What has ended counts as gone, although it may still be there.
            None => request
                .condition_expression(format!("{unchanged} OR {EXPIRES_AT} <= :now"))
                .expression_attribute_values(":now", number(now.as_second())),
        };
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(store_error("PutItem", &error)),
            },
        }
    }

    /// Forgets what is remembered under a key.
    ///
    /// # Errors
    /// The table does not answer.
    pub async fn forget_remembered(&self, name: &str) -> Result<(), StoreError> {
        let key = key_attributes(&keys::visitor(name));
        let request = self.client.delete_item().table_name(&self.table).set_key(Some(key));
        request.send().await.map(drop).map_err(|error| store_error("DeleteItem", &error))
    }
}

fn kept<T: DeserializeOwned>(key: &keys::ItemKey, item: &Item) -> Result<Kept<T>, StoreError> {
    let wrong = || StoreError { detail: format!("{key} does not hold what is remembered of a visitor") };
    let value = text_attribute(item, REMEMBERED).ok_or_else(wrong)?;
    let version = item.get("version").and_then(|value| value.as_n().ok());
    let version = version.and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
    Ok(Kept { value: serde_json::from_str(value).map_err(|_| wrong())?, version })
}
