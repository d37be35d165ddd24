//! Forgetting: what the table holds about a person who wants to be forgotten.
//!
//! The link itself stays, as a tombstone: ids, and that something was there. So nothing brings the record back.

use model::{Bases, Link};
use sync::{Settled, Settlement, StateStore as _, StoreError};

use super::DynamoStore;
use super::expression::key_attributes;
use super::keys::{self, HISTORY_PREFIX, ItemKey, SK};
use super::{items, read};
use crate::aws_error::store_error;

pub(super) async fn forget(store: &DynamoStore, link: &Link) -> Result<(), StoreError> {
    let records = [&link.hub, &link.remote];
    for parked in store.list_parked(&link.pair).await? {
        if records.contains(&&parked.change.notice.record) {
            store.delete_parked(&link.pair, &parked.name).await?;
        }
    }
    let pk = keys::link(&link.id).pk;
    for item in read::query(store, &pk, Some(HISTORY_PREFIX)).await? {
        let sk = items::text_attribute(&item, SK).unwrap_or_default().to_owned();
        let key = key_attributes(&ItemKey { pk: pk.clone(), sk });
        let request = store.client.delete_item().table_name(&store.table).set_key(Some(key));
        request.send().await.map_err(|error| store_error("DeleteItem", &error))?;
    }
    let Some(fresh) = store.link(&link.id).await? else { return Ok(()) };
    let bare = Link { bases: Bases::default(), refused: Vec::new(), ..fresh };
    match store.settle(&Settlement { link: Some(bare), ..Settlement::default() }).await? {
        Settled::Yes => Ok(()),
        Settled::Conflict => Err(StoreError { detail: "the link was settled meanwhile".to_owned() }),
    }
}
