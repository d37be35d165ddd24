//! What the items of the table hold. Their shapes are pinned by a snapshot test, because during a deployment old
//! and new functions read each other's items: add attributes as optional first, remove them later.

use jiff::{SignedDuration, Timestamp};
use model::{
    Direction, HistoryEntry, Lease, Link, LinkId, Lost, ParkedChange, RecordRef, RecordState, Side, System,
    Value,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::{from_attribute_value, from_item, to_attribute_value, to_item};
use sync::import::Progress;
use sync::poll::Stretch;
use sync::{Cursor, CursorKey, StoreError, Waiting};

use aws_sdk_dynamodb::types::AttributeValue;

use super::expression::{Item, expiry, key_attributes, number, text};
use super::keys::{self, EXPIRES_AT, ItemKey};
use crate::aws_error::without_values;

/// How long the history of a link is kept.
pub(super) const HISTORY_DAYS: i64 = 90;
/// How long an hour's counter of deletes is kept.
pub(super) const BRAKE_DAYS: i64 = 2;
/// How long failed attempts of a notice are remembered: as long as the notice can be in its queue.
pub(super) const FAILURE_DAYS: i64 = 14;

/// An item with its key.
pub(super) struct Keyed {
    pub(super) key: ItemKey,
    pub(super) item: Item,
}

/// Where a record's link is.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lookup {
    /// The link.
    pub(super) link: LinkId,
    /// The record on the link's other side when this was stored: a hint that saves a round trip, checked against
    /// the link after it is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) partner: Option<RecordRef>,
}

/// Who claimed a natural key.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeyClaim {
    /// The record that is about to be copied.
    pub(super) by: RecordRef,
    /// Until when. Of fixed width, because conditions compare it as text.
    pub(super) until: String,
}

/// A history entry with its lost values as JSON text: DynamoDB would reorder objects, normalise numbers and
/// refuse some floats.
#[derive(Debug, Serialize, Deserialize)]
struct StoredHistory {
    at: Timestamp,
    receipt: String,
    direction: Direction,
    outcome: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fields: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refused: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    received_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lost: Vec<StoredLost>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredLost {
    side: Side,
    field: String,
    value_json: String,
    reason: String,
}

/// A record that waits for its parent.
#[derive(Debug, Serialize, Deserialize)]
struct StoredWaiting {
    parent: RecordRef,
    child: RecordRef,
    towards: System,
}

/// A setting.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Setting<T> {
    /// Its value; typed and validated by whoever reads it.
    pub(super) value: T,
}

/// A cursor, beside the attributes of its lease.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct StoredCursor {
    /// Nothing where only a lease was stored so far.
    #[serde(default)]
    pub(super) cursor: Cursor,
}

/// What a walk has seen of a stretch of ids: marks by id.
#[derive(Debug, Serialize, Deserialize)]
struct StoredSeen {
    first: u64,
    marks: Stretch,
}

/// How far an import has come, beside the attributes of its lease.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct StoredProgress {
    /// Nothing where only a lease was stored so far.
    #[serde(default)]
    pub(super) progress: Progress,
}

/// How far an import has come, as an attribute.
pub(super) fn progress(progress: &Progress) -> Result<AttributeValue, StoreError> {
    to_attribute_value(progress)
        .map_err(|_| StoreError { detail: "the progress of an import cannot be stored".to_owned() })
}

/// A cursor as an attribute.
pub(super) fn cursor(cursor: &Cursor) -> Result<AttributeValue, StoreError> {
    to_attribute_value(cursor).map_err(|_| StoreError { detail: "a cursor cannot be stored".to_owned() })
}

/// What a walk has seen of the ids from `first` on.
pub(super) fn seen(walk: &CursorKey, first: u64, marks: &Stretch) -> Result<Keyed, StoreError> {
    keyed(&keys::seen(walk, first), &StoredSeen { first, marks: marks.clone() })
}

/// The stretch of an item, with the id from which it reaches on.
pub(super) fn read_seen(item: Item) -> Result<(u64, Stretch), StoreError> {
    let stored: StoredSeen = read("what a walk has seen", item)?;
    Ok((stored.first, stored.marks))
}

/// The link, as the settle that follows `version` stores it.
pub(super) fn link(link: &Link, version: u64) -> Result<Keyed, StoreError> {
    let key = keys::link(&link.id);
    let mut item = keyed(&key, link)?;
    item.item.insert("version".to_owned(), number(version));
    Ok(item)
}

/// The lookup from `record` to its link.
pub(super) fn lookup(record: &RecordRef, link: &Link) -> Result<Keyed, StoreError> {
    let partner = [(&link.hub, &link.remote), (&link.remote, &link.hub)]
        .into_iter()
        .find(|(side, _)| side.system == record.system)
        .map(|(_, partner)| partner.clone());
    keyed(&keys::lookup(record, &link.pair), &Lookup { link: link.id.clone(), partner })
}

/// The state of a record, as the change that follows `version` stores it.
pub(super) fn state(record: &RecordRef, state: &RecordState, version: u64) -> Result<Keyed, StoreError> {
    let mut item = keyed(&keys::state(record), state)?;
    item.item.insert("version".to_owned(), number(version));
    Ok(item)
}

/// An entry of the history of the link whose version it led to.
pub(super) fn history(id: &LinkId, version: u64, entry: &HistoryEntry) -> Result<Keyed, StoreError> {
    let key = keys::history(id, entry.at, &entry.receipt, version);
    let stored = StoredHistory {
        at: entry.at,
        receipt: entry.receipt.clone(),
        direction: entry.direction,
        outcome: entry.outcome.clone(),
        fields: entry.fields.clone(),
        refused: entry.refused.clone(),
        received_at: entry.received_at,
        lost: entry.lost.iter().map(stored_lost).collect(),
    };
    let mut item = keyed(&key, &stored)?;
    item.item.insert(EXPIRES_AT.to_owned(), expiry(later(entry.at, HISTORY_DAYS)));
    Ok(item)
}

fn stored_lost(lost: &Lost) -> StoredLost {
    StoredLost {
        side: lost.side,
        field: lost.field.clone(),
        value_json: lost.value.to_json_text(),
        reason: lost.reason.clone(),
    }
}

/// The history entry of an item.
pub(super) fn read_history(item: Item) -> Result<HistoryEntry, StoreError> {
    let stored: StoredHistory = read("a history entry", item)?;
    let lost = stored.lost.into_iter().map(|lost| {
        let value: Value = serde_json::from_str(&lost.value_json)
            .map_err(|_| StoreError { detail: "a lost value in a history entry is not JSON".to_owned() })?;
        Ok(Lost { side: lost.side, field: lost.field, value, reason: lost.reason })
    });
    Ok(HistoryEntry {
        at: stored.at,
        receipt: stored.receipt,
        direction: stored.direction,
        outcome: stored.outcome,
        fields: stored.fields,
        refused: stored.refused,
        received_at: stored.received_at,
        lost: lost.collect::<Result<_, StoreError>>()?,
    })
}

/// A parked change.
pub(super) fn parked(change: &ParkedChange) -> Result<Keyed, StoreError> {
    keyed(&keys::parked(change), change)
}

/// The claim of a natural key.
pub(super) fn claim(key: &ItemKey, by: &RecordRef, until: Timestamp) -> Result<Keyed, StoreError> {
    let mut item = keyed(key, &KeyClaim { by: by.clone(), until: keys::sortable(until) })?;
    item.item.insert(EXPIRES_AT.to_owned(), expiry(until));
    Ok(item)
}

/// A record that waits for its parent.
pub(super) fn waiting(child: &Waiting, until: Timestamp) -> Result<Keyed, StoreError> {
    let Waiting { parent, child: waits, towards } = child.clone();
    let mut item = keyed(&keys::waiting(child), &StoredWaiting { parent, child: waits, towards })?;
    item.item.insert(EXPIRES_AT.to_owned(), expiry(until));
    Ok(item)
}

/// The waiting record of an item.
pub(super) fn read_waiting(item: Item) -> Result<Waiting, StoreError> {
    let StoredWaiting { parent, child, towards } = read("a waiting record", item)?;
    Ok(Waiting { parent, child, towards })
}

/// A setting.
pub(super) fn setting<T: Serialize>(key: &str, value: &T) -> Result<Keyed, StoreError> {
    keyed(&keys::setting(key), &Setting { value })
}

/// Anything that is remembered of a map, as an attribute.
pub(super) fn of_map<T: Serialize>(what: &T) -> Result<AttributeValue, StoreError> {
    to_attribute_value(what).map_err(|_| StoreError { detail: "a map cannot be remembered".to_owned() })
}

/// A lease, as an attribute.
pub(super) fn lease(lease: &Lease) -> Result<AttributeValue, StoreError> {
    to_attribute_value(lease).map_err(|_| StoreError { detail: "a lease cannot be stored".to_owned() })
}

/// A record's address, as an attribute.
pub(super) fn record(record: &RecordRef) -> Result<AttributeValue, StoreError> {
    to_attribute_value(record)
        .map_err(|_| StoreError { detail: "a record's address cannot be stored".to_owned() })
}

/// The lease that an attribute holds, if it holds one.
pub(super) fn read_lease(attribute: &AttributeValue) -> Option<Lease> {
    from_attribute_value(attribute.clone()).ok()
}

/// The typed form of an item. `what` names it in the error, which tells no value.
pub(super) fn read<T: DeserializeOwned>(what: &str, item: Item) -> Result<T, StoreError> {
    from_item(item).map_err(|error| {
        let complaint = error.to_string();
        StoreError { detail: format!("{what} cannot be read: {}", without_values(&complaint)) }
    })
}

/// Later by so many days.
pub(super) fn later(time: Timestamp, days: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX)
}

fn keyed<T: Serialize>(key: &ItemKey, value: &T) -> Result<Keyed, StoreError> {
    let mut item: Item =
        to_item(value).map_err(|_| StoreError { detail: format!("the item {key} cannot be stored") })?;
    item.extend(key_attributes(key));
    Ok(Keyed { key: key.clone(), item })
}

/// Reads the attribute `name` as text, if it is.
pub(super) fn text_attribute<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
}

/// The id of a link as an attribute.
pub(super) fn link_id(id: &LinkId) -> AttributeValue {
    text(id)
}
