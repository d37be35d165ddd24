//! Cursors that keep their promises: leases, and nothing moved by who has lost his. And what walks have seen.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use super::{lock, step};
use crate::error::StoreError;
use crate::poll::{Cursor, CursorKey, CursorStore, SeenStore, Stretch};

#[derive(Debug, Default)]
struct Kept {
    cursor: Cursor,
    lease: Option<(String, Timestamp)>,
}

/// The cursors of one world.
#[derive(Clone, Debug, Default)]
pub struct MemoryCursors {
    kept: Arc<Mutex<BTreeMap<CursorKey, Kept>>>,
    seen: Arc<Mutex<BTreeMap<CursorKey, BTreeMap<u64, Stretch>>>>,
    kept_stretches: Arc<Mutex<usize>>,
}

impl MemoryCursors {
    /// How many stretches were kept or forgotten so far.
    pub fn kept_stretches(&self) -> usize {
        *lock(&self.kept_stretches)
    }

    /// The ids that a walk remembers.
    pub fn remembered(&self, walk: &CursorKey) -> Vec<u64> {
        let seen = lock(&self.seen);
        seen.get(walk).into_iter().flatten().flat_map(|(_, stretch)| stretch.keys().copied()).collect()
    }

    fn store(&self, key: &CursorKey, holder: &str, cursor: &Cursor, release: bool) -> bool {
        let mut all = lock(&self.kept);
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
        Ok(lock(&self.kept).get(key).map(|kept| kept.cursor.clone()).unwrap_or_default())
    }

    async fn lease_cursor(
        &self,
        key: &CursorKey,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Cursor>, StoreError> {
        step().await;
        let mut all = lock(&self.kept);
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

impl SeenStore for MemoryCursors {
    async fn stretches(
        &self,
        walk: &CursorKey,
        first: u64,
        last: u64,
    ) -> Result<BTreeMap<u64, Stretch>, StoreError> {
        step().await;
        let seen = lock(&self.seen);
        let all = seen.get(walk).into_iter().flat_map(|all| all.range(first..=last));
        Ok(all.map(|(first, stretch)| (*first, stretch.clone())).collect())
    }

    /// One by one, as the table does: who dies here has kept a part.
    async fn keep_stretches(
        &self,
        walk: &CursorKey,
        stretches: &BTreeMap<u64, Stretch>,
    ) -> Result<(), StoreError> {
        for (first, stretch) in stretches {
            step().await;
            let mut seen = lock(&self.seen);
            let all = seen.entry(walk.clone()).or_default();
            if stretch.is_empty() {
                all.remove(first);
            } else {
                all.insert(*first, stretch.clone());
            }
            *lock(&self.kept_stretches) += 1;
        }
        Ok(())
    }
}
