//! A table that keeps its promises: conditional writes, all or nothing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use model::{HistoryEntry, Lease, Link, LinkId, Pair, ParkedChange, RecordRef, RecordState, System};

use super::{before, lock, step};
use crate::error::StoreError;
use crate::notice_context::{NoticeContext, one_by_one};
use crate::ports::{Claimed, KeyClaimed, NaturalKey, Settled, Settlement, StateStore, Waiting};
use crate::sabotage::{Break, broken};

#[derive(Debug, Default)]
struct Tables {
    links: BTreeMap<LinkId, Link>,
    lookups: BTreeMap<(RecordRef, String), LinkId>,
    states: BTreeMap<RecordRef, RecordState>,
    keys: BTreeMap<String, (RecordRef, Timestamp)>,
    history: BTreeMap<LinkId, Vec<HistoryEntry>>,
    parked: Vec<ParkedChange>,
    deletes: BTreeMap<(String, i64), u32>,
    failures: BTreeMap<String, u32>,
    identities: BTreeMap<System, String>,
    waiting: BTreeMap<Waiting, Timestamp>,
}

/// The table of one world.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    tables: Arc<Mutex<Tables>>,
    /// Who asks: the number of a pair. The table does not care.
    pair: usize,
}

impl MemoryStore {
    /// All links.
    pub fn links(&self) -> Vec<Link> {
        lock(&self.tables).links.values().cloned().collect()
    }

    /// All parked changes.
    pub fn parked(&self) -> Vec<ParkedChange> {
        lock(&self.tables).parked.clone()
    }

    /// The history of a link.
    pub fn history(&self, link: &LinkId) -> Vec<HistoryEntry> {
        lock(&self.tables).history.get(link).cloned().unwrap_or_default()
    }

    /// The children that wait for their parents, live or expired.
    pub fn children(&self) -> Vec<Waiting> {
        lock(&self.tables).waiting.keys().cloned().collect()
    }

    /// The records that carry a lease, live or expired.
    pub fn leased(&self) -> Vec<RecordRef> {
        lock(&self.tables).states.iter().filter(|(_, s)| s.lease.is_some()).map(|(r, _)| r.clone()).collect()
    }
}

impl MemoryStore {
    /// The same table, asked by this pair.
    pub(crate) fn of_pair(&self, pair: usize) -> Self {
        Self { tables: Arc::clone(&self.tables), pair }
    }

    /// Under which key a state is kept: that of the record, whoever asks.
    fn state_key<'a>(&self, record: &'a RecordRef) -> Cow<'a, RecordRef> {
        if broken(Break::LeasePerLink) {
            return Cow::Owned(RecordRef { id: format!("{}@{}", record.id, self.pair), ..record.clone() });
        }
        Cow::Borrowed(record)
    }
}

fn key_text(key: &NaturalKey) -> String {
    format!("{}#{}#{}", key.system, key.object, key.key.as_str())
}

impl StateStore for MemoryStore {
    /// In three steps, as the real table does it: whose link it is, with the state; the other state; then the link.
    async fn notice_context(
        &self,
        record: &RecordRef,
        pair: &Pair,
    ) -> Result<Option<NoticeContext>, StoreError> {
        if broken(Break::TrustAnOldLink) {
            return one_by_one(self, record, pair).await;
        }
        before("find_link").await;
        let state_of = |tables: &Tables, record: &RecordRef| {
            tables.states.get(&*self.state_key(record)).cloned().unwrap_or_default()
        };
        let (link, state) = {
            let tables = lock(&self.tables);
            let id = tables.lookups.get(&(record.clone(), pair.found_as().to_string()));
            (id.and_then(|id| tables.links.get(id)).cloned(), state_of(&tables, record))
        };
        let Some(link) = link else {
            return Ok(Some(NoticeContext { state, link: None, partner: RecordState::default() }));
        };
        let (id, hint) = (&link.id, link.partner_of(record));
        before("state").await;
        let partner = state_of(&lock(&self.tables), hint);
        before("link").await;
        let now = lock(&self.tables).links.get(id).cloned();
        match now {
            Some(link) if link.partner_of(record) == hint => {
                Ok(Some(NoticeContext { state, link: Some(link), partner }))
            }
            _ => one_by_one(self, record, pair).await,
        }
    }

    async fn find_link(&self, record: &RecordRef, pair: &Pair) -> Result<Option<Link>, StoreError> {
        before("find_link").await;
        let tables = lock(&self.tables);
        let id = tables.lookups.get(&(record.clone(), pair.found_as().to_string()));
        Ok(id.and_then(|id| tables.links.get(id)).cloned())
    }

    async fn link(&self, id: &LinkId) -> Result<Option<Link>, StoreError> {
        before("link").await;
        Ok(lock(&self.tables).links.get(id).cloned())
    }

    async fn state(&self, record: &RecordRef) -> Result<RecordState, StoreError> {
        before("state").await;
        Ok(lock(&self.tables).states.get(&*self.state_key(record)).cloned().unwrap_or_default())
    }

    async fn claim(&self, record: &RecordRef, version: u64, lease: &Lease) -> Result<Claimed, StoreError> {
        before("claim").await;
        let mut tables = lock(&self.tables);
        let state = tables.states.entry(self.state_key(record).into_owned()).or_default();
        if state.version != version {
            return Ok(Claimed::Changed);
        }
        state.version += 1;
        state.lease = Some(lease.clone());
        Ok(Claimed::Yes { version: state.version })
    }

    async fn claim_key(
        &self,
        key: &NaturalKey,
        by: &RecordRef,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<KeyClaimed, StoreError> {
        before("claim_key").await;
        let mut tables = lock(&self.tables);
        let held = tables.keys.get(&key_text(key)).cloned();
        if let Some((holder, until)) = held
            && holder != *by
            && until > now
        {
            return Ok(KeyClaimed::Held { by: holder, until });
        }
        tables.keys.insert(key_text(key), (by.clone(), until));
        Ok(KeyClaimed::Yes)
    }

    async fn settle(&self, settlement: &Settlement) -> Result<Settled, StoreError> {
        before("settle").await;
        let mut tables = lock(&self.tables);
        let current = |tables: &Tables, record: &RecordRef| {
            tables.states.get(&*self.state_key(record)).map_or(0, |s| s.version)
        };
        if settlement.states.iter().any(|(record, state)| current(&tables, record) != state.version) {
            return Ok(Settled::Conflict);
        }
        if let Some(link) = &settlement.link {
            if tables.links.get(&link.id).map_or(0, |l| l.version) != link.version {
                return Ok(Settled::Conflict);
            }
            let pair = link.pair.found_as().to_string();
            let taken = |record: &RecordRef| {
                tables.lookups.get(&(record.clone(), pair.clone())).is_some_and(|id| *id != link.id)
            };
            // A lookup that leads to another link by now is that link's.
            if settlement.lookups_added.iter().chain(&settlement.lookups_removed).any(taken) {
                return Ok(Settled::Conflict);
            }
            for record in &settlement.lookups_removed {
                tables.lookups.remove(&(record.clone(), pair.clone()));
            }
            for record in &settlement.lookups_added {
                tables.lookups.insert((record.clone(), pair.clone()), link.id.clone());
            }
            let stored = Link { version: link.version + 1, ..link.clone() };
            tables.links.insert(link.id.clone(), stored);
            if let Some(history) = &settlement.history {
                tables.history.entry(link.id.clone()).or_default().push(history.clone());
            }
        }
        for (record, state) in &settlement.states {
            let key = self.state_key(record).into_owned();
            tables.states.insert(key, RecordState { version: state.version + 1, ..state.clone() });
        }
        tables.parked.extend(settlement.parked.iter().cloned());
        if let Some((key, by)) = &settlement.key_released
            && tables.keys.get(&key_text(key)).is_some_and(|(holder, _)| holder == by)
        {
            tables.keys.remove(&key_text(key));
        }
        Ok(Settled::Yes)
    }

    async fn forget(&self, link: &Link) -> Result<(), StoreError> {
        before("forget").await;
        let mut tables = lock(&self.tables);
        tables.history.remove(&link.id);
        tables.parked.retain(|change| ![&link.hub, &link.remote].contains(&&change.notice.record));
        if let Some(link) = tables.links.get_mut(&link.id) {
            link.bases = model::Bases::default();
            link.refused.clear();
            link.version += 1;
        }
        Ok(())
    }

    async fn count_delete(&self, pair: &Pair, now: Timestamp) -> Result<u32, StoreError> {
        before("count_delete").await;
        let hour = now.as_second().div_euclid(3600);
        let mut tables = lock(&self.tables);
        let count = tables.deletes.entry((pair.to_string(), hour)).or_default();
        *count += 1;
        Ok(*count)
    }

    async fn count_failure(&self, receipt: &str, _: Timestamp) -> Result<u32, StoreError> {
        before("count_failure").await;
        let mut tables = lock(&self.tables);
        let count = tables.failures.entry(receipt.to_owned()).or_default();
        *count += 1;
        Ok(*count)
    }

    async fn is_waiting(&self, child: &Waiting, now: Timestamp) -> Result<bool, StoreError> {
        step().await;
        Ok(lock(&self.tables).waiting.get(child).is_some_and(|until| *until > now))
    }

    async fn wait(&self, child: &Waiting, until: Timestamp) -> Result<(), StoreError> {
        step().await;
        lock(&self.tables).waiting.insert(child.clone(), until);
        Ok(())
    }

    async fn waiting(
        &self,
        parent: &RecordRef,
        towards: &System,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Waiting>, StoreError> {
        step().await;
        let tables = lock(&self.tables);
        let live = tables
            .waiting
            .iter()
            .filter(|(child, until)| child.parent == *parent && child.towards == *towards && **until > now);
        Ok(live.map(|(child, _)| child.clone()).take(limit).collect())
    }

    async fn waited(&self, children: &[Waiting]) -> Result<(), StoreError> {
        step().await;
        let mut tables = lock(&self.tables);
        for child in children {
            tables.waiting.remove(child);
        }
        Ok(())
    }

    async fn first_identity(&self, system: &System, seen: &str) -> Result<String, StoreError> {
        step().await;
        Ok(lock(&self.tables).identities.entry(system.clone()).or_insert_with(|| seen.to_owned()).clone())
    }
}
