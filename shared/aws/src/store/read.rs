//! Reads: links, lookups, states. Consistent, unless it is said why they need not be; several items in one round trip where
//! it can be.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use jiff::Timestamp;
use model::{HistoryEntry, Link, LinkId, LinkStatus, Pair, RecordRef, RecordState};
use sync::{LinkedRecords, NaturalKey, NoticeContext, StoreError};

use super::DynamoStore;
use super::expression::{Item, is_expired, key_attributes, text};
use super::gather;
use super::items::{self, KeyClaim, Lookup};
use super::keys::{self, HISTORY_PREFIX, ItemKey, PK, SK};
use crate::aws_error::store_error;

/// How often a lookup is followed again when it moved while it was followed.
const LOOKUP_ATTEMPTS: u32 = 3;
/// How often DynamoDB is asked again for items that it left out of a batch, and the first wait; doubled each time.
const BATCH_ATTEMPTS: u32 = 6;
const BATCH_FIRST_WAIT: Duration = Duration::from_millis(20);
/// Keys in one `BatchGetItem`.
const BATCH_KEYS: usize = 100;

impl DynamoStore {
    /// The states of several records, in their order, in one round trip.
    pub async fn states(&self, records: &[RecordRef]) -> Result<Vec<RecordState>, StoreError> {
        let keys: Vec<ItemKey> = records.iter().map(keys::state).collect();
        let found = batch_get(self, &keys).await?;
        keys.iter().map(|key| read_state(found.get(key).cloned())).collect()
    }

    /// Who has claimed a natural key, and until when, unless the claim is over.
    pub async fn key_claim(
        &self,
        key: &NaturalKey,
        now: Timestamp,
    ) -> Result<Option<(RecordRef, Timestamp)>, StoreError> {
        let Some(item) = get(self, &keys::claim(key)).await? else { return Ok(None) };
        let claim: KeyClaim = items::read("the claim of a natural key", item)?;
        let until: Timestamp = claim.until.parse().unwrap_or_default();
        Ok((until > now).then_some((claim.by, until)))
    }

    /// The history of a link, newest last, without what is older than its time.
    pub async fn history(&self, id: &LinkId, now: Timestamp) -> Result<Vec<HistoryEntry>, StoreError> {
        let items = query(self, &keys::link(id).pk, Some(HISTORY_PREFIX)).await?;
        items.into_iter().filter(|item| !is_expired(item, now)).map(items::read_history).collect()
    }
}

impl LinkedRecords for DynamoStore {
    /// Two batches of reads: the lookups, and the links that they lead to. Eventually consistent, at half the price: a link
    /// that is younger than a moment is found by the next call, and one that has changed in it leads to a question too many.
    async fn linked(&self, pair: &Pair, records: &[RecordRef]) -> Result<Vec<RecordRef>, StoreError> {
        let lookups: Vec<ItemKey> = records.iter().map(|record| keys::lookup(record, pair)).collect();
        let mut found = batch_get_as(self, &lookups, Consistency::Eventual).await?;
        let mut leading = Vec::new();
        for (record, key) in records.iter().zip(&lookups) {
            if let Some(lookup) = read_lookup(found.remove(key))? {
                leading.push((record, keys::link(&lookup.link)));
            }
        }
        let wanted: Vec<ItemKey> = leading.iter().map(|(_, key)| key.clone()).collect();
        let links = batch_get_as(self, &wanted, Consistency::Eventual).await?;
        let mut linked = Vec::new();
        for (record, key) in leading {
            let link = read_link(links.get(&key).cloned())?;
            // A tombstone knows already that the record is gone.
            if link.is_some_and(|link| link.status == LinkStatus::Active && names(&link, record)) {
                linked.push(record.clone());
            }
        }
        Ok(linked)
    }
}

fn names(link: &Link, record: &RecordRef) -> bool {
    link.hub == *record || link.remote == *record
}

/// In three round trips, one where there is no link: the lookup with the state; the state of the other side, at which the
/// lookup hints; then the link, so that it is no older than the states.
pub(super) async fn notice_context(
    store: &DynamoStore,
    record: &RecordRef,
    pair: &Pair,
) -> Result<Option<NoticeContext>, StoreError> {
    let [lookup, state] = gather::items(store, [keys::lookup(record, pair), keys::state(record)]).await?;
    let state = read_state(state)?;
    let Some(lookup) = read_lookup(lookup)? else {
        return Ok(Some(NoticeContext { state, link: None, partner: RecordState::default() }));
    };
    if let Some(hint) = &lookup.partner {
        let partner = self::state(store, hint).await?;
        let link = link(store, &lookup.link).await?;
        if let Some(link) = link.filter(|link| names(link, record) && names(link, hint)) {
            return Ok(Some(NoticeContext { state, link: Some(link), partner }));
        }
    }
    // The lookup or the link has moved, or the record is an alias: one by one it can be told which.
    sync::one_by_one(store, record, pair).await
}

pub(super) async fn find_link(
    store: &DynamoStore,
    record: &RecordRef,
    pair: &Pair,
) -> Result<Option<Link>, StoreError> {
    let key = keys::lookup(record, pair);
    let Some(mut lookup) = read_lookup(gather::item(store, key.clone()).await?)? else { return Ok(None) };
    for _ in 0..LOOKUP_ATTEMPTS {
        let found = link(store, &lookup.link).await?;
        if found.as_ref().is_some_and(|link| names(link, record)) {
            return Ok(found);
        }
        // The link does not name the record: either the record is an alias, left behind by a merge, or the lookup
        // moved to another link after it was read. Acting on the wrong link would pass its version check.
        match read_lookup(gather::item(store, key.clone()).await?)? {
            None => return Ok(None),
            Some(again) if again.link == lookup.link => return Ok(found),
            Some(again) => lookup = again,
        }
    }
    Err(StoreError { detail: format!("the lookup {key} keeps moving") })
}

pub(super) async fn link(store: &DynamoStore, id: &LinkId) -> Result<Option<Link>, StoreError> {
    read_link(gather::item(store, keys::link(id)).await?)
}

pub(super) async fn state(store: &DynamoStore, record: &RecordRef) -> Result<RecordState, StoreError> {
    read_state(gather::item(store, keys::state(record)).await?)
}

fn read_link(item: Option<Item>) -> Result<Option<Link>, StoreError> {
    item.map(|item| items::read("a link", item)).transpose()
}

fn read_lookup(item: Option<Item>) -> Result<Option<Lookup>, StoreError> {
    item.map(|item| items::read("the lookup of a link", item)).transpose()
}

fn read_state(item: Option<Item>) -> Result<RecordState, StoreError> {
    item.map_or_else(|| Ok(RecordState::default()), |item| items::read("the state of a record", item))
}

/// One item.
pub(super) async fn get(store: &DynamoStore, key: &ItemKey) -> Result<Option<Item>, StoreError> {
    let request = store.client.get_item().table_name(&store.table).consistent_read(true);
    let answer = request.set_key(Some(key_attributes(key))).send().await;
    Ok(answer.map_err(|error| store_error("GetItem", &error))?.item)
}

/// Whether a read sees every write that was answered before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Consistency {
    Strong,
    /// May miss what was written a moment ago, and costs half.
    Eventual,
}

/// Several items in one round trip; keys without an item are left out.
pub(super) async fn batch_get(
    store: &DynamoStore,
    keys: &[ItemKey],
) -> Result<HashMap<ItemKey, Item>, StoreError> {
    batch_get_as(store, keys, Consistency::Strong).await
}

async fn batch_get_as(
    store: &DynamoStore,
    keys: &[ItemKey],
    consistency: Consistency,
) -> Result<HashMap<ItemKey, Item>, StoreError> {
    let consistent = consistency == Consistency::Strong;
    let mut unique = keys.to_vec();
    unique.sort();
    unique.dedup();
    let mut found = HashMap::new();
    for chunk in unique.chunks(BATCH_KEYS) {
        let mut wanted: Vec<Item> = chunk.iter().map(key_attributes).collect();
        let mut wait = BATCH_FIRST_WAIT;
        for attempt in 1.. {
            let request =
                KeysAndAttributes::builder().consistent_read(consistent).set_keys(Some(wanted)).build();
            let request = request.map_err(|_| StoreError { detail: "BatchGetItem: no keys".to_owned() })?;
            let call = store.client.batch_get_item().request_items(&store.table, request);
            let answer = call.send().await.map_err(|error| store_error("BatchGetItem", &error))?;
            for item in answer.responses.into_iter().flatten().flat_map(|(_, items)| items) {
                if let (Some(pk), Some(sk)) =
                    (items::text_attribute(&item, PK), items::text_attribute(&item, SK))
                {
                    found.insert(ItemKey { pk: pk.to_owned(), sk: sk.to_owned() }, item);
                }
            }
            wanted = answer.unprocessed_keys.into_iter().flatten().flat_map(|(_, rest)| rest.keys).collect();
            if wanted.is_empty() {
                break;
            }
            if attempt == BATCH_ATTEMPTS {
                return Err(StoreError {
                    detail: "BatchGetItem: items left unread, the table is throttled".to_owned(),
                });
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
    }
    Ok(found)
}

/// All items of a partition, in order, whose sort key begins with `prefix`.
pub(super) async fn query(
    store: &DynamoStore,
    pk: &str,
    prefix: Option<&str>,
) -> Result<Vec<Item>, StoreError> {
    match prefix {
        None => query_where(store, pk, "pk = :pk", &[]).await,
        Some(prefix) => query_where(store, pk, "pk = :pk AND begins_with(sk, :sk)", &[(":sk", prefix)]).await,
    }
}

/// All items of a partition, in order, whose sort key is this or comes after it.
pub(super) async fn query_from(store: &DynamoStore, pk: &str, first: &str) -> Result<Vec<Item>, StoreError> {
    query_where(store, pk, "pk = :pk AND sk >= :sk", &[(":sk", first)]).await
}

/// All items of a partition, in order, from one key to another, both included.
pub(super) async fn query_between(
    store: &DynamoStore,
    first: &ItemKey,
    last: &ItemKey,
) -> Result<Vec<Item>, StoreError> {
    let bounds = [(":first", first.sk.as_str()), (":last", last.sk.as_str())];
    query_where(store, &first.pk, "pk = :pk AND sk BETWEEN :first AND :last", &bounds).await
}

async fn query_where(
    store: &DynamoStore,
    pk: &str,
    condition: &str,
    sort_keys: &[(&str, &str)],
) -> Result<Vec<Item>, StoreError> {
    let mut items = Vec::new();
    let mut from = None;
    loop {
        let mut request = store.client.query().table_name(&store.table).consistent_read(true);
        request = request.key_condition_expression(condition).set_exclusive_start_key(from);
        request = request.expression_attribute_values(":pk", text(pk));
        for (name, sort_key) in sort_keys {
            request = request.expression_attribute_values(*name, text(*sort_key));
        }
        let page = request.send().await.map_err(|error| store_error("Query", &error))?;
        items.extend(page.items.into_iter().flatten());
        from = page.last_evaluated_key.filter(|key| !key.is_empty());
        if from.is_none() {
            return Ok(items);
        }
    }
}
