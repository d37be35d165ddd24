//! The limits of DynamoDB, checked before a call so that the error says which item is too large.
//!
//! Source: "Quotas in Amazon DynamoDB" and "DynamoDB item sizes and formats" in the developer guide.

use aws_sdk_dynamodb::types::AttributeValue;
use sync::StoreError;

use super::expression::Item;
use super::keys::ItemKey;

/// Actions in one transaction.
pub(super) const MAX_ACTIONS: usize = 100;
/// One item: names and values together.
pub(super) const MAX_ITEM_BYTES: usize = 400 * 1024;
/// All items of one transaction together.
pub(super) const MAX_TRANSACTION_BYTES: usize = 4 * 1024 * 1024;

/// What DynamoDB counts for an item: the bytes of its attribute names and values.
pub(super) fn item_bytes(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

fn value_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        // About one byte per two digits, and one or two more; the text is never shorter than that.
        AttributeValue::N(digits) => digits.len() + 1,
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        // Containers cost three bytes, and one for each element.
        AttributeValue::L(list) => 3 + list.iter().map(|v| 1 + value_bytes(v)).sum::<usize>(),
        AttributeValue::M(map) => 3 + map.iter().map(|(n, v)| 1 + n.len() + value_bytes(v)).sum::<usize>(),
        AttributeValue::Ss(set) | AttributeValue::Ns(set) => set.iter().map(String::len).sum(),
        AttributeValue::Bs(set) => set.iter().map(|bytes| bytes.as_ref().len()).sum(),
        _ => 1,
    }
}

/// Refuses an item that DynamoDB would refuse for its size; gives its size.
pub(super) fn check_item(key: &ItemKey, item: &Item) -> Result<usize, StoreError> {
    let bytes = item_bytes(item);
    if bytes > MAX_ITEM_BYTES {
        let detail = format!("the item {key} has {bytes} bytes; DynamoDB takes at most {MAX_ITEM_BYTES}");
        return Err(StoreError { detail });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::expression::{number, text};

    #[test]
    fn names_values_and_nesting_are_counted() {
        let list = AttributeValue::L(vec![text("ab"), AttributeValue::Bool(true)]);
        let map = AttributeValue::M([("k".to_owned(), number(12))].into());
        let item = Item::from([("list".to_owned(), list), ("m".to_owned(), map)]);
        assert_eq!(item_bytes(&item), (4 + 3 + 1 + 2 + 1 + 1) + (1 + 3 + 1 + 1 + 3));
    }

    #[test]
    fn an_item_that_is_too_large_is_named() {
        let key = ItemKey { pk: "link#1".into(), sk: "link".into() };
        let item = Item::from([("a".to_owned(), text("x".repeat(MAX_ITEM_BYTES)))]);
        let error = check_item(&key, &item).unwrap_err();
        assert!(error.detail.contains("link#1 / link"), "{error}");
        let item = Item::from([("a".to_owned(), text("x".repeat(MAX_ITEM_BYTES - 1)))]);
        assert_eq!(check_item(&key, &item).unwrap(), MAX_ITEM_BYTES);
    }
}
