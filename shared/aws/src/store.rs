//! The table: `sync::StateStore` on DynamoDB, and what the command line reads and writes besides.
//!
//! One table with the keys `pk` and `sk` (both text) and the TTL attribute `expires_at` (seconds since 1970).
//! The keys of every item are in [`keys`], their attributes in `items`, both pinned by snapshot tests. All reads
//! are consistent. An item whose time is over counts as gone, although DynamoDB may show it for days.

mod budget;
mod claims;
mod cursors;
mod erase;
mod expression;
#[cfg(feature = "measurements")]
mod fill;
mod gather;
mod imports;
mod items;
pub mod keys;
mod limits;
mod maps;
mod parked;
mod read;
mod seen;
mod sessions;
mod settings;
mod settle;
mod visitors;
mod waits;

pub use budget::DynamoBudget;
pub use maps::MapMemory;
pub use parked::Parked;
pub use sessions::DynamoSessions;
pub use settings::StoredSetting;
pub use visitors::Kept;

use std::sync::Arc;

use gather::Gathering;
use jiff::Timestamp;
use model::{Lease, Link, LinkId, Pair, RecordRef, RecordState, System};
use sync::{
    Claimed, KeyClaimed, NaturalKey, NoticeContext, Settled, Settlement, StateStore, StoreError, Waiting,
};

/// The table of a stack.
#[derive(Clone, Debug)]
pub struct DynamoStore {
    client: aws_sdk_dynamodb::Client,
    table: String,
    /// Reads that are made together.
    gathering: Arc<Gathering>,
}

impl DynamoStore {
    /// The table called `table`.
    pub fn new(client: aws_sdk_dynamodb::Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into(), gathering: Arc::default() }
    }
}

impl StateStore for DynamoStore {
    async fn notice_context(
        &self,
        record: &RecordRef,
        pair: &Pair,
    ) -> Result<Option<NoticeContext>, StoreError> {
        read::notice_context(self, record, pair).await
    }

    async fn find_link(&self, record: &RecordRef, pair: &Pair) -> Result<Option<Link>, StoreError> {
        read::find_link(self, record, pair).await
    }

    async fn link(&self, id: &LinkId) -> Result<Option<Link>, StoreError> {
        read::link(self, id).await
    }

    async fn state(&self, record: &RecordRef) -> Result<RecordState, StoreError> {
        read::state(self, record).await
    }

    async fn claim(&self, record: &RecordRef, version: u64, lease: &Lease) -> Result<Claimed, StoreError> {
        claims::claim(self, record, version, lease).await
    }

    async fn claim_key(
        &self,
        key: &NaturalKey,
        by: &RecordRef,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<KeyClaimed, StoreError> {
        claims::claim_key(self, key, by, now, until).await
    }

    async fn settle(&self, settlement: &Settlement) -> Result<Settled, StoreError> {
        settle::settle(self, settlement).await
    }

    async fn forget(&self, link: &Link) -> Result<(), StoreError> {
        erase::forget(self, link).await
    }

    async fn count_delete(&self, pair: &Pair, now: Timestamp) -> Result<u32, StoreError> {
        claims::count_delete(self, pair, now).await
    }

    async fn count_failure(&self, receipt: &str, now: Timestamp) -> Result<u32, StoreError> {
        claims::count_failure(self, receipt, now).await
    }

    async fn is_waiting(&self, child: &Waiting, now: Timestamp) -> Result<bool, StoreError> {
        waits::is_waiting(self, child, now).await
    }

    async fn wait(&self, child: &Waiting, until: Timestamp) -> Result<(), StoreError> {
        waits::wait(self, child, until).await
    }

    async fn waiting(
        &self,
        parent: &RecordRef,
        towards: &System,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Waiting>, StoreError> {
        waits::waiting(self, parent, towards, now, limit).await
    }

    async fn waited(&self, children: &[Waiting]) -> Result<(), StoreError> {
        waits::waited(self, children).await
    }

    async fn first_identity(&self, system: &System, seen: &str) -> Result<String, StoreError> {
        settings::first_identity(self, system, seen).await
    }
}
