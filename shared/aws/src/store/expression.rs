//! Small pieces of DynamoDB requests: keys, conditions on versions, expiry.

use std::collections::HashMap;
use std::fmt::Display;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::keys::{EXPIRES_AT, ItemKey, PK, SK};

/// An item, as DynamoDB gives and takes it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// Text.
pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number.
pub(super) fn number(value: impl Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The key attributes of an item.
pub(super) fn key_attributes(key: &ItemKey) -> Item {
    HashMap::from([(PK.to_owned(), text(&key.pk)), (SK.to_owned(), text(&key.sk))])
}

/// The condition that an item still has the version that was read, with the values it needs. 0: no item.
pub(super) fn version_condition(version: u64) -> (&'static str, Option<AttributeValue>) {
    if version == 0 {
        ("attribute_not_exists(pk)", None)
    } else {
        ("version = :version", Some(number(version)))
    }
}

/// The value of the TTL attribute: the second after `until`, so that nothing goes early.
pub(super) fn expiry(until: Timestamp) -> AttributeValue {
    number(until.as_second().saturating_add(1))
}

/// Whether the item's time is over.
pub(super) fn is_expired(item: &Item, now: Timestamp) -> bool {
    let expires_at =
        item.get(EXPIRES_AT).and_then(|value| value.as_n().ok()).and_then(|n| n.parse::<i64>().ok());
    expires_at.is_some_and(|second| second <= now.as_second())
}
