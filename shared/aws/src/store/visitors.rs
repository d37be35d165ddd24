//! What is remembered of visitors, and of users of sites. Whoever keeps it knows what stands in it; here it is a text with a
//! version, and an end where it has one.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use jiff::Timestamp;
use model::{RecordRef, System};
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
        self.kept(&keys, now).await
    }

    /// What is remembered of the user of a contact on a site.
    ///
    /// # Errors
    /// Also where something else is stored there; the error names the key and tells no value.
    pub async fn remembered_user<T: DeserializeOwned + Default>(
        &self,
        site: &System,
        contact: &RecordRef,
    ) -> Result<Kept<T>, StoreError> {
        self.kept_for_good(keys::site_user(site, contact)).await
    }

    /// Remembers this of the user of a contact on a site, if nobody has changed it since it was read; whether it did.
    ///
    /// # Errors
    /// The table does not answer, or it is more than an item can hold.
    pub async fn keep_remembered_user<T: Serialize>(
        &self,
        site: &System,
        contact: &RecordRef,
        kept: &Kept<T>,
    ) -> Result<bool, StoreError> {
        self.keep(&keys::site_user(site, contact), kept, None).await
    }

    /// The contact whose user this is, as far as it is remembered.
    ///
    /// # Errors
    /// As of [`Self::remembered_user`].
    pub async fn owner_of_user(&self, user: &RecordRef) -> Result<Kept<Option<RecordRef>>, StoreError> {
        self.kept_for_good(keys::owner_of_user(user)).await
    }

    /// Remembers whose user this is, if nobody has changed it since it was read; whether it did.
    ///
    /// # Errors
    /// The table does not answer.
    pub async fn keep_owner_of_user(
        &self,
        user: &RecordRef,
        kept: &Kept<Option<RecordRef>>,
    ) -> Result<bool, StoreError> {
        self.keep(&keys::owner_of_user(user), kept, None).await
    }

    async fn kept_for_good<T: DeserializeOwned + Default>(
        &self,
        key: keys::ItemKey,
    ) -> Result<Kept<T>, StoreError> {
        Ok(self.kept(&[key], Timestamp::UNIX_EPOCH).await?.into_iter().next().unwrap_or_default())
    }

    async fn kept<T: DeserializeOwned + Default>(
        &self,
        keys: &[keys::ItemKey],
        now: Timestamp,
    ) -> Result<Vec<Kept<T>>, StoreError> {
        let mut found = match keys {
            [] => return Ok(Vec::new()),
            [key] => read::get(self, key).await?.map(|item| (key.clone(), item)).into_iter().collect(),
            _ => read::batch_get(self, keys).await?,
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
        self.keep(&keys::visitor(name), kept, Some((now, until))).await
    }

    async fn keep<T: Serialize>(
        &self,
        key: &keys::ItemKey,
        kept: &Kept<T>,
        ends: Option<(Timestamp, Timestamp)>,
    ) -> Result<bool, StoreError> {
        let value = serde_json::to_string(&kept.value)
            .map_err(|_| StoreError { detail: format!("what {key} shall hold cannot be written as JSON") })?;
        let mut item = key_attributes(key);
        item.insert(REMEMBERED.to_owned(), text(value));
        item.insert("version".to_owned(), number(kept.version.saturating_add(1)));
        if let Some((_, until)) = ends {
            item.insert(EXPIRES_AT.to_owned(), expiry(until));
        }
        check_item(key, &item)?;
        let (unchanged, version) = version_condition(kept.version);
        let mut request = self.client.put_item().table_name(&self.table).set_item(Some(item));
        request = match (version, ends) {
            (Some(version), _) => {
                request.condition_expression(unchanged).expression_attribute_values(":version", version)
            }
            (None, None) => request.condition_expression(unchanged),
            // What has ended counts as gone, although it may still be there.
            (None, Some((now, _))) => request
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
    let wrong = || StoreError { detail: format!("{key} does not hold what is remembered there") };
    let value = text_attribute(item, REMEMBERED).ok_or_else(wrong)?;
    let version = item.get("version").and_then(|value| value.as_n().ok());
    let version = version.and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
    Ok(Kept { value: serde_json::from_str(value).map_err(|_| wrong())?, version })
}
