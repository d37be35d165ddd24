//! The table as somebody sees it who only looks: nothing can be written.

use jiff::Timestamp;
use model::{Lease, Link, LinkId, Pair, RecordRef, RecordState, System};

use crate::error::StoreError;
use crate::ports::{Claimed, KeyClaimed, NaturalKey, Settled, Settlement, StateStore, Waiting};

/// What the table says to a write. A preview or an inspection that meets it stands before an intent that a push would
/// recover.
pub(crate) const ONLY_LOOKS: &str = "whoever only looks writes nothing";

fn only_looks() -> StoreError {
    StoreError { detail: ONLY_LOOKS.to_owned() }
}

/// What somebody who only looks sees otherwise than it stands in the table.
pub(crate) trait View: Send + Sync {
    /// A link of a record that the table does not have.
    fn link_of(&self, record: &RecordRef) -> Option<Link>;

    /// A link that the table does not have.
    fn link(&self, id: &LinkId) -> Option<Link>;

    /// A link of the table.
    fn seen_link(&self, link: Link) -> Link {
        link
    }

    /// A state of the table.
    fn seen_state(&self, state: RecordState) -> RecordState {
        state
    }
}

/// A table that is only read.
pub(crate) struct ReadOnly<'a, S, V> {
    pub(crate) inner: &'a S,
    pub(crate) view: V,
}

impl<S: StateStore, V: View> StateStore for ReadOnly<'_, S, V> {
    async fn find_link(&self, record: &RecordRef, pair: &Pair) -> Result<Option<Link>, StoreError> {
        if let Some(link) = self.view.link_of(record) {
            return Ok(Some(link));
        }
        Ok(self.inner.find_link(record, pair).await?.map(|link| self.view.seen_link(link)))
    }

    async fn link(&self, id: &LinkId) -> Result<Option<Link>, StoreError> {
        if let Some(link) = self.view.link(id) {
            return Ok(Some(link));
        }
        Ok(self.inner.link(id).await?.map(|link| self.view.seen_link(link)))
    }

    async fn state(&self, record: &RecordRef) -> Result<RecordState, StoreError> {
        Ok(self.view.seen_state(self.inner.state(record).await?))
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
