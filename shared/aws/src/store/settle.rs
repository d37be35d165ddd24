//! Settling: everything that a decision makes true, in one transaction, or nothing of it.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, Delete, Put, TransactWriteItem};
use model::{Link, RecordRef};
use sync::{NaturalKey, Settled, Settlement, StoreError};

use super::DynamoStore;
use super::expression::{Item, key_attributes, version_condition};
use super::items::{self, Keyed};
use super::keys::{self, ItemKey};
use super::limits::{MAX_ACTIONS, MAX_TRANSACTION_BYTES, check_item};
use crate::aws_error::store_error;

/// One action of the transaction.
struct Action {
    /// What is put; `None` deletes.
    item: Option<Item>,
    condition: Option<String>,
    names: BTreeMap<String, String>,
    values: Item,
    /// Whether the settlement holds without it: the release of a key that meanwhile belongs to another.
    dispensable: bool,
}

/// The actions of a settlement, by key: a transaction may touch an item once.
#[derive(Default)]
struct Actions {
    by_key: BTreeMap<ItemKey, Action>,
    bytes: usize,
}

pub(super) async fn settle(store: &DynamoStore, settlement: &Settlement) -> Result<Settled, StoreError> {
    let mut actions = plan(settlement)?;
    loop {
        if actions.by_key.is_empty() {
            return Ok(Settled::Yes);
        }
        match write(store, &actions).await? {
            Written::Yes => return Ok(Settled::Yes),
            Written::Conflict => return Ok(Settled::Conflict),
            // At most once: without dispensable actions there is no such answer.
            Written::OnlyDispensable => actions.by_key.retain(|_, action| !action.dispensable),
        }
    }
}

enum Written {
    Yes,
    Conflict,
    OnlyDispensable,
}

async fn write(store: &DynamoStore, actions: &Actions) -> Result<Written, StoreError> {
    let requests: Result<Vec<_>, _> =
        actions.by_key.iter().map(|(key, a)| request(&store.table, key, a)).collect();
    // The client makes the ClientRequestToken, so its own repetitions of a lost call count once.
    let answer = store.client.transact_write_items().set_transact_items(Some(requests?)).send().await;
    let Err(error) = answer else { return Ok(Written::Yes) };
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
    else {
        return Err(store_error("TransactWriteItems", &error));
    };
    let dispensable: Vec<bool> = actions.by_key.values().map(|action| action.dispensable).collect();
    judge(cancelled.cancellation_reasons(), &dispensable)
}

/// What the reasons of a cancelled transaction mean. They come in the order of the actions.
fn judge(reasons: &[CancellationReason], dispensable: &[bool]) -> Result<Written, StoreError> {
    let mut only_dispensable = false;
    let mut others = Vec::new();
    for (index, reason) in reasons.iter().enumerate() {
        match reason.code().unwrap_or("None") {
            "None" => {}
            "ConditionalCheckFailed" if dispensable.get(index) == Some(&true) => only_dispensable = true,
            "ConditionalCheckFailed" | "TransactionConflict" => return Ok(Written::Conflict),
            other => others.push(other),
        }
    }
    if others.is_empty() && only_dispensable {
        return Ok(Written::OnlyDispensable);
    }
    Err(StoreError { detail: format!("TransactWriteItems: cancelled: {}", others.join(", ")) })
}

/// The items that a settlement puts.
#[cfg(feature = "measurements")]
pub(super) fn items(settlement: &Settlement) -> Result<Vec<Item>, StoreError> {
    let actions = plan(settlement)?.by_key;
    Ok(actions.into_values().filter_map(|action| action.item).collect())
}

fn plan(settlement: &Settlement) -> Result<Actions, StoreError> {
    let mut actions = Actions::default();
    if let Some(link) = &settlement.link {
        actions.put_version(items::link(link, link.version + 1)?, link.version)?;
        for record in &settlement.lookups_added {
            actions.lookup(link, record, Some(items::lookup(record, link)?.item))?;
        }
        for record in &settlement.lookups_removed {
            actions.lookup(link, record, None)?;
        }
        if let Some(entry) = &settlement.history {
            actions.put(items::history(&link.id, link.version + 1, entry)?)?;
        }
    } else if settlement.history.is_some()
        || !settlement.lookups_added.is_empty()
        || !settlement.lookups_removed.is_empty()
    {
        let detail = "a settlement without a link has no history and no lookups".to_owned();
        return Err(StoreError { detail });
    }
    for (record, state) in &settlement.states {
        actions.put_version(items::state(record, state, state.version + 1)?, state.version)?;
    }
    for change in &settlement.parked {
        // Equal changes have equal keys, and are one.
        if !actions.by_key.contains_key(&keys::parked(change)) {
            actions.put(items::parked(change)?)?;
        }
    }
    if let Some((key, holder)) = &settlement.key_released {
        actions.release(key, holder)?;
    }
    if actions.by_key.len() > MAX_ACTIONS {
        let count = actions.by_key.len();
        let detail =
            format!("a settlement of {count} items; DynamoDB takes at most {MAX_ACTIONS} in a transaction");
        return Err(StoreError { detail });
    }
    if actions.bytes > MAX_TRANSACTION_BYTES {
        let bytes = actions.bytes;
        let detail = format!("a settlement of {bytes} bytes; DynamoDB takes at most {MAX_TRANSACTION_BYTES}");
        return Err(StoreError { detail });
    }
    Ok(actions)
}

impl Actions {
    fn add(&mut self, key: ItemKey, action: Action) -> Result<(), StoreError> {
        if let Some(item) = &action.item {
            self.bytes += check_item(&key, item)?;
        }
        if self.by_key.contains_key(&key) {
            return Err(StoreError { detail: format!("a settlement names the item {key} twice") });
        }
        self.by_key.insert(key, action);
        Ok(())
    }

    fn put(&mut self, keyed: Keyed) -> Result<(), StoreError> {
        self.add(keyed.key, Action::new(Some(keyed.item)))
    }

    fn put_version(&mut self, keyed: Keyed, version: u64) -> Result<(), StoreError> {
        let (condition, expected) = version_condition(version);
        let mut action = Action::new(Some(keyed.item)).only_if(condition);
        if let Some(expected) = expected {
            action.values.insert(":version".to_owned(), expected);
        }
        self.add(keyed.key, action)
    }

    /// Stores or removes a lookup, unless it leads to another link.
    fn lookup(&mut self, link: &Link, record: &RecordRef, item: Option<Item>) -> Result<(), StoreError> {
        let mut action = Action::new(item).only_if("attribute_not_exists(pk) OR #link = :link");
        action.names.insert("#link".to_owned(), "link".to_owned());
        action.values.insert(":link".to_owned(), items::link_id(&link.id));
        self.add(keys::lookup(record, &link.pair), action)
    }

    /// Gives a natural key back, unless another record has taken it over meanwhile.
    fn release(&mut self, key: &NaturalKey, holder: &RecordRef) -> Result<(), StoreError> {
        let mut action = Action::new(None).only_if("attribute_not_exists(pk) OR #by = :by");
        action.names.insert("#by".to_owned(), "by".to_owned());
        action.values.insert(":by".to_owned(), items::record(holder)?);
        action.dispensable = true;
        self.add(keys::claim(key), action)
    }
}

impl Action {
    fn new(item: Option<Item>) -> Self {
        Self { item, condition: None, names: BTreeMap::new(), values: Item::new(), dispensable: false }
    }

    fn only_if(mut self, condition: impl Into<String>) -> Self {
        self.condition = Some(condition.into());
        self
    }
}

fn request(table: &str, key: &ItemKey, action: &Action) -> Result<TransactWriteItem, StoreError> {
    let names = action.names.clone();
    let names = (!names.is_empty()).then(|| names.into_iter().collect());
    let values: Option<Item> = (!action.values.is_empty()).then(|| action.values.clone());
    let incomplete =
        |_| StoreError { detail: format!("TransactWriteItems: the action on {key} is incomplete") };
    let builder = TransactWriteItem::builder();
    let condition = action.condition.clone();
    if let Some(item) = &action.item {
        let put =
            Put::builder().table_name(table).set_item(Some(item.clone())).set_condition_expression(condition);
        let put = put.set_expression_attribute_names(names).set_expression_attribute_values(values);
        return Ok(builder.put(put.build().map_err(incomplete)?).build());
    }
    let key = Some(key_attributes(key));
    let delete = Delete::builder().table_name(table).set_key(key).set_condition_expression(condition);
    let delete = delete.set_expression_attribute_names(names).set_expression_attribute_values(values);
    Ok(builder.delete(delete.build().map_err(incomplete)?).build())
}
