//! Single reads of pushes that run side by side, made together: one `BatchGetItem` for all of them.

use std::collections::HashMap;

use sync::StoreError;
use sync::together::Together;

use super::DynamoStore;
use super::expression::Item;
use super::keys::ItemKey;
use super::read::{batch_get, get};

/// Who reads at the same time: the keys of one read, and the items that are there.
pub(super) type Gathering = Together<Vec<ItemKey>, Vec<Option<Item>>, StoreError>;

/// What was read for all.
struct Fetched {
    items: HashMap<ItemKey, Item>,
    /// How many still want each.
    wanted: HashMap<ItemKey, usize>,
}

/// Several items, in the order of their keys.
pub(super) async fn items<const N: usize>(
    store: &DynamoStore,
    keys: [ItemKey; N],
) -> Result<[Option<Item>; N], StoreError> {
    let fetch = |asked: Vec<Vec<ItemKey>>| fetch(store, asked.into_iter().flatten().collect());
    let mut items =
        store.gathering.ask(keys.to_vec(), fetch, |fetched, keys| pick(fetched, keys)).await?.into_iter();
    Ok(std::array::from_fn(|_| items.next().flatten()))
}

/// One item.
pub(super) async fn item(store: &DynamoStore, key: ItemKey) -> Result<Option<Item>, StoreError> {
    let [item] = items(store, [key]).await?;
    Ok(item)
}

async fn fetch(store: &DynamoStore, keys: Vec<ItemKey>) -> Result<Fetched, StoreError> {
    let items = match keys.as_slice() {
        [only] => get(store, only).await?.map(|item| (only.clone(), item)).into_iter().collect(),
        several => batch_get(store, several).await?,
    };
    let mut wanted = HashMap::with_capacity(keys.len());
    for key in keys {
        *wanted.entry(key).or_default() += 1;
    }
    Ok(Fetched { items, wanted })
}

/// Copies an item as long as others want it, too.
fn pick(fetched: &mut Fetched, keys: &[ItemKey]) -> Vec<Option<Item>> {
    let mut picked = Vec::with_capacity(keys.len());
    for key in keys {
        let left = fetched.wanted.get_mut(key).map_or(0, |left| {
            *left = left.saturating_sub(1);
            *left
        });
        picked.push(if left == 0 { fetched.items.remove(key) } else { fetched.items.get(key).cloned() });
    }
    picked
}
