//! The table as somebody sees it who only looks: nobody is in the way, and nothing can be written.

use jiff::Timestamp;
use model::{Lease, Link, LinkId, LinkStatus, Pair, RecordRef, RecordState, System};

use crate::error::StoreError;
use crate::ports::{Claimed, KeyClaimed, NaturalKey, Settled, Settlement, StateStore, Waiting};

/// What the table says to a write.
pub(super) const ONLY_LOOKS: &str = "an inspection writes nothing";

fn only_looks() -> StoreError {
    StoreError { detail: ONLY_LOOKS.to_owned() }
}

/// A table that is only read. Leases and the rest of a link are left out of what it gives: whoever looks wants to
/// know what comes after them.
pub(super) struct ReadOnly<'a, S> {
    pub(super) inner: &'a S,
}

fn rested(link: Link) -> Link {
    match link.status {
        LinkStatus::Broken { .. } => Link { status: LinkStatus::Active, ..link },
        LinkStatus::Active | LinkStatus::Tombstone { .. } => link,
    }
}

impl<S: StateStore> StateStore for ReadOnly<'_, S> {
    async fn find_link(&self, record: &RecordRef, pair: &Pair) -> Result<Option<Link>, StoreError> {
        Ok(self.inner.find_link(record, pair).await?.map(rested))
    }

    async fn link(&self, id: &LinkId) -> Result<Option<Link>, StoreError> {
        Ok(self.inner.link(id).await?.map(rested))
    }

    async fn state(&self, record: &RecordRef) -> Result<RecordState, StoreError> {
        Ok(RecordState { lease: None, ..self.inner.state(record).await? })
    }

    async fn claim(&self, _: &RecordRef, _: u64, _: &Lease) -> Result<Claimed, StoreError> {
        Err(only_looks())
    }

    async fn claim_key(
        &self,
        _: &NaturalKey,
        _: &RecordRef,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<KeyClaimed, StoreError> {
        Err(only_looks())
    }

    async fn settle(&self, _: &Settlement) -> Result<Settled, StoreError> {
        Err(only_looks())
    }

    async fn forget(&self, _: &Link) -> Result<(), StoreError> {
        Err(only_looks())
    }

    async fn count_delete(&self, _: &Pair, _: Timestamp) -> Result<u32, StoreError> {
        Err(only_looks())
    }

    async fn count_failure(&self, _: &str, _: Timestamp) -> Result<u32, StoreError> {
        Err(only_looks())
    }

    async fn is_waiting(&self, child: &Waiting, now: Timestamp) -> Result<bool, StoreError> {
        self.inner.is_waiting(child, now).await
    }

    async fn wait(&self, _: &Waiting, _: Timestamp) -> Result<(), StoreError> {
        Err(only_looks())
    }

    async fn waiting(
        &self,
        parent: &RecordRef,
        towards: &System,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Waiting>, StoreError> {
        self.inner.waiting(parent, towards, now, limit).await
    }

    async fn waited(&self, _: &[Waiting]) -> Result<(), StoreError> {
        Err(only_looks())
    }

    async fn first_identity(&self, _: &System, _: &str) -> Result<String, StoreError> {
        Err(only_looks())
    }
}
