//! The progress of imports, kept: leases, and nothing moved by who has lost his.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use super::{lock, step};
use crate::error::StoreError;
use crate::import::{ImportKey, ImportLeased, ImportStore, Progress};

#[derive(Debug, Default)]
struct Kept {
    progress: Progress,
    lease: Option<(String, Timestamp)>,
}

/// The progress of the imports of one world.
#[derive(Clone, Debug, Default)]
pub struct MemoryImports(Arc<Mutex<BTreeMap<ImportKey, Kept>>>);

impl MemoryImports {
    /// How far an import has come.
    pub fn progress(&self, key: &ImportKey) -> Option<Progress> {
        lock(&self.0).get(key).map(|kept| kept.progress.clone())
    }
}

impl ImportStore for MemoryImports {
    async fn lease_import(
        &self,
        key: &ImportKey,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<ImportLeased, StoreError> {
        step().await;
        let mut all = lock(&self.0);
        let kept = all.entry(key.clone()).or_default();
        if let Some((held_by, held_until)) = &kept.lease
            && held_by != holder
            && *held_until > now
        {
            return Ok(ImportLeased::Held { until: *held_until });
        }
        kept.lease = Some((holder.to_owned(), until));
        Ok(ImportLeased::Yes(kept.progress.clone()))
    }

    async fn move_import(
        &self,
        key: &ImportKey,
        holder: &str,
        progress: &Progress,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        step().await;
        let mut all = lock(&self.0);
        let Some(kept) = all.get_mut(key).filter(|kept| is_held_by(kept, holder)) else { return Ok(false) };
        kept.progress = progress.clone();
        kept.lease = Some((holder.to_owned(), until));
        Ok(true)
    }

    async fn release_import(
        &self,
        key: &ImportKey,
        holder: &str,
        progress: Option<&Progress>,
    ) -> Result<(), StoreError> {
        step().await;
        let mut all = lock(&self.0);
        if let Some(kept) = all.get_mut(key).filter(|kept| is_held_by(kept, holder)) {
            *kept = Kept { progress: progress.cloned().unwrap_or_default(), lease: None };
        }
        Ok(())
    }
}

fn is_held_by(kept: &Kept, holder: &str) -> bool {
    kept.lease.as_ref().is_some_and(|(held_by, _)| held_by == holder)
}
