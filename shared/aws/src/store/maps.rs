//! Field maps: the settings that override them, what coreBOS had when it was asked last, and what is in use; all of it
//! in one round trip.
//!
//! The texts stand apart from the turn to ask: that is taken every half minute, and writing costs by the size of the
//! item.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use jiff::Timestamp;
use model::{PairKind, System};
use sync::{MapThere, RememberedMap, StoreError, UsedMap};

use super::DynamoStore;
use super::expression::{Item, key_attributes, text};
use super::items::{self, text_attribute};
use super::keys::{self, ItemKey};
use super::{read, settings};
use crate::aws_error::store_error;

/// What the table holds of the maps of a pair.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapMemory {
    /// When their keeper was asked last.
    pub asked_at: Option<Timestamp>,
    /// By name, the maps in the settings.
    pub settings: BTreeMap<String, String>,
    /// By name, what is remembered.
    pub maps: BTreeMap<String, RememberedMap>,
}

impl DynamoStore {
    /// What the table holds of the maps of a pair that have these names.
    ///
    /// # Errors
    /// Also when a setting is no text; the error names it and tells no value.
    pub async fn map_memory(
        &self,
        keeper: &System,
        pair: PairKind,
        names: &[&str],
    ) -> Result<MapMemory, StoreError> {
        let asked_key = keys::maps_asked(keeper, pair);
        let setting_of = |name: &str| keys::setting(&keys::map_setting(name));
        let mut wanted: Vec<ItemKey> = vec![asked_key.clone()];
        for name in names {
            wanted.extend([setting_of(name), keys::map(keeper, name)]);
        }
        let mut found = read::batch_get(self, &wanted).await?;
        let asked = found.remove(&asked_key);
        let asked_at = asked.and_then(|item| text_attribute(&item, "asked_at")?.parse().ok());
        let mut memory = MapMemory { asked_at, ..MapMemory::default() };
        for name in names {
            if let Some(item) = found.remove(&setting_of(name)) {
                let xml = settings::value(&keys::map_setting(name), item)?;
                memory.settings.insert((*name).to_owned(), xml);
            }
            let remembered: Option<Item> = found.remove(&keys::map(keeper, name));
            let remembered =
                remembered.map(|item| items::read("what is remembered of a map", item)).transpose()?;
            memory.maps.insert((*name).to_owned(), remembered.unwrap_or_default());
        }
        Ok(memory)
    }

    /// Takes the turn to ask for the maps of a pair until a time; `false` where another one has it, or has asked since
    /// `seen`.
    pub async fn take_turn_to_ask(
        &self,
        keeper: &System,
        pair: PairKind,
        seen: Option<Timestamp>,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let same = if seen.is_some() { "asked_at = :seen" } else { "attribute_not_exists(asked_at)" };
        let mut request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key_attributes(&keys::maps_asked(keeper, pair))))
            .update_expression("SET asking_until = :until")
            .condition_expression(format!(
                "({same}) AND (attribute_not_exists(asking_until) OR asking_until <= :now)"
            ))
            .expression_attribute_values(":until", text(keys::sortable(until)))
            .expression_attribute_values(":now", text(keys::sortable(now)));
        if let Some(seen) = seen {
            request = request.expression_attribute_values(":seen", text(keys::sortable(seen)));
        }
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(store_error("UpdateItem", &error)),
            },
        }
    }

    /// The maps of a pair were asked for at this time, and what was answered is remembered; the turn ends.
    pub async fn maps_asked(
        &self,
        keeper: &System,
        pair: PairKind,
        asked_at: Timestamp,
    ) -> Result<(), StoreError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key_attributes(&keys::maps_asked(keeper, pair))))
            .update_expression("SET asked_at = :at REMOVE asking_until")
            .expression_attribute_values(":at", text(keys::sortable(asked_at)));
        request.send().await.map(drop).map_err(|error| store_error("UpdateItem", &error))
    }

    /// Remembers what a keeper has by a name.
    pub async fn remember_there(
        &self,
        keeper: &System,
        name: &str,
        there: &[MapThere],
    ) -> Result<(), StoreError> {
        self.remember(keeper, name, "there", items::of_map(&there)?).await
    }

    /// Remembers which map of a name is in use.
    pub async fn remember_used(&self, keeper: &System, name: &str, used: &UsedMap) -> Result<(), StoreError> {
        self.remember(keeper, name, "used", items::of_map(used)?).await
    }

    async fn remember(
        &self,
        keeper: &System,
        name: &str,
        what: &str,
        value: aws_sdk_dynamodb::types::AttributeValue,
    ) -> Result<(), StoreError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key_attributes(&keys::map(keeper, name))))
            .update_expression("SET #what = :value")
            .expression_attribute_names("#what", what)
            .expression_attribute_values(":value", value);
        request.send().await.map(drop).map_err(|error| store_error("UpdateItem", &error))
    }
}
