//! Claims: the lease of a record, a natural key, one more delete. Each is one conditional write.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;
use model::{Lease, Pair, RecordRef};
use sync::{Claimed, KeyClaimed, NaturalKey, StoreError};

use super::DynamoStore;
use super::expression::{Item, expiry, key_attributes, number, text, version_condition};
use super::items::{self, BRAKE_DAYS, FAILURE_DAYS, KeyClaim, later};
use super::keys;
use crate::aws_error::store_error;

pub(super) async fn claim(
    store: &DynamoStore,
    record: &RecordRef,
    version: u64,
    lease: &Lease,
) -> Result<Claimed, StoreError> {
    let next = version + 1;
    let (condition, expected) = version_condition(version);
    let mut request = store
        .client
        .update_item()
        .table_name(&store.table)
        .set_key(Some(key_attributes(&keys::state(record))))
        .update_expression("SET lease = :lease, version = :next")
        .condition_expression(condition)
        .expression_attribute_values(":lease", items::lease(lease)?)
        .expression_attribute_values(":next", number(next))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    if let Some(expected) = expected {
        request = request.expression_attribute_values(":version", expected);
    }
    let Err(error) = request.send().await else { return Ok(Claimed::Yes { version: next }) };
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
            // The client repeats a call whose answer was lost. If the first one got through, the lease is ours.
            let ours = failed.item.as_ref().is_some_and(|item| holds(item, lease, next));
            Ok(if ours { Claimed::Yes { version: next } } else { Claimed::Changed })
        }
        // Somebody settles this record right now.
        Some(UpdateItemError::TransactionConflictException(_)) => Ok(Claimed::Changed),
        _ => Err(store_error("UpdateItem", &error)),
    }
}

/// Whether the stored state is the one that this very claim makes.
fn holds(item: &Item, lease: &Lease, version: u64) -> bool {
    let stored = item.get("lease").and_then(items::read_lease);
    item.get("version") == Some(&number(version)) && stored.is_some_and(|stored| stored == *lease)
}

pub(super) async fn claim_key(
    store: &DynamoStore,
    key: &NaturalKey,
    by: &RecordRef,
    now: Timestamp,
    until: Timestamp,
) -> Result<KeyClaimed, StoreError> {
    let item = items::claim(&keys::claim(key), by, until)?;
    let request = store
        .client
        .put_item()
        .table_name(&store.table)
        .set_item(Some(item.item))
        .condition_expression("attribute_not_exists(pk) OR #until <= :now OR #by = :by")
        .expression_attribute_names("#until", "until")
        .expression_attribute_names("#by", "by")
        .expression_attribute_values(":now", text(keys::sortable(now)))
        .expression_attribute_values(":by", items::record(by)?)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let Err(error) = request.send().await else { return Ok(KeyClaimed::Yes) };
    let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() else {
        return Err(store_error("PutItem", &error));
    };
    let item = failed
        .item
        .clone()
        .ok_or_else(|| StoreError { detail: "PutItem: no holder was named".to_owned() })?;
    let held: KeyClaim = items::read("the claim of a natural key", item)?;
    let until = held.until.parse();
    let until =
        until.map_err(|_| StoreError { detail: "the claim of a natural key has no time".to_owned() })?;
    Ok(KeyClaimed::Held { by: held.by, until })
}

/// The client repeats a call whose answer was lost, so a delete may be counted twice: the brake errs to the safe side.
pub(super) async fn count_delete(
    store: &DynamoStore,
    pair: &Pair,
    now: Timestamp,
) -> Result<u32, StoreError> {
    count(store, &keys::brake(pair, now), "deletes", later(now, BRAKE_DAYS)).await
}

impl DynamoStore {
    /// How many deletes of a pair were counted in the hour that `moment` lies in.
    ///
    /// # Errors
    /// The table does not answer.
    pub async fn deletes_in_hour_of(&self, pair: &Pair, moment: Timestamp) -> Result<u32, StoreError> {
        let item = super::read::get(self, &keys::brake(pair, moment)).await?;
        let count = item.as_ref().and_then(|item| item.get("deletes")?.as_n().ok()?.parse().ok());
        Ok(count.unwrap_or_default())
    }
}

/// Counts one more attempt that failed for reasons of the change itself.
pub(super) async fn count_failure(
    store: &DynamoStore,
    receipt: &str,
    now: Timestamp,
) -> Result<u32, StoreError> {
    count(store, &keys::failures(receipt), "failures", later(now, FAILURE_DAYS)).await
}

async fn count(
    store: &DynamoStore,
    key: &keys::ItemKey,
    name: &str,
    expires: Timestamp,
) -> Result<u32, StoreError> {
    let request = store
        .client
        .update_item()
        .table_name(&store.table)
        .set_key(Some(key_attributes(key)))
        .update_expression("ADD #name :one SET expires_at = :expires_at")
        .expression_attribute_names("#name", name)
        .expression_attribute_values(":one", number(1))
        .expression_attribute_values(":expires_at", expiry(expires))
        .return_values(ReturnValue::UpdatedNew);
    let answer = request.send().await.map_err(|error| store_error("UpdateItem", &error))?;
    let count =
        answer.attributes.as_ref().and_then(|item| item.get(name)).and_then(|value| value.as_n().ok());
    count
        .and_then(|count| count.parse().ok())
        .ok_or_else(|| StoreError { detail: "UpdateItem: no count in the answer".to_owned() })
}
