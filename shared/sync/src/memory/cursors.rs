//! Cursors that keep their promises: leases, and nothing moved by who has lost his.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use super::{lock, step};
use crate::error::StoreError;
use crate::poll::{Cursor, CursorKey, CursorStore};

#[derive(Debug, Default)]
struct Kept {
    cursor: Cursor,
    lease: Option<(String, Timestamp)>,
}

/// The cursors of one world.
#[derive(Clone, Debug, Default)]
pub struct MemoryCursors(Arc<Mutex<BTreeMap<CursorKey, Kept>>>);

impl MemoryCursors {
    fn store(&self, key: &CursorKey, holder: &str, cursor: &Cursor, release: bool) -> bool {
        let mut all = lock(&self.0);
        let kept = all.entry(key.clone()).or_default();
        if kept.lease.as_ref().is_none_or(|(held_by, _)| held_by != holder) {
            return false;
        }
        kept.cursor = cursor.clone();
        if release {
            kept.lease = None;
        }
        true
    }
}

impl CursorStore for MemoryCursors {
    async fn cursor(&self, key: &CursorKey) -> Result<Cursor, StoreError> {
        step().await;
        Ok(lock(&self.0).get(key).map(|kept| kept.cursor.clone()).unwrap_or_default())
    }

    async fn lease_cursor(
        &self,
        key: &CursorKey,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Cursor>, StoreError> {
        step().await;
        let mut all = lock(&self.0);
        let kept = all.entry(key.clone()).or_default();
        if kept.lease.as_ref().is_some_and(|(held_by, held_until)| held_by != holder && *held_until > now) {
            return Ok(None);
        }
        kept.lease = Some((holder.to_owned(), until));
        Ok(Some(kept.cursor.clone()))
    }

    async fn move_cursor(&self, key: &CursorKey, holder: &str, cursor: &Cursor) -> Result<bool, StoreError> {
        step().await;
        Ok(self.store(key, holder, cursor, false))
    }

    async fn release_cursor(&self, key: &CursorKey, holder: &str, cursor: &Cursor) -> Result<(), StoreError> {
        step().await;
        self.store(key, holder, cursor, true);
        Ok(())
    }
}
