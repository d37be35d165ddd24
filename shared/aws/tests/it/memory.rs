//! The in-memory twin keeps the same contract as the table, with one limit: it removes lookups and releases natural
//! keys without asking who holds them by now, so `keeps_what_others_hold` is not among its checks.

use sync::memory::MemoryStore;

use crate::contract::keeps_the_contract;

async fn store() -> MemoryStore {
    MemoryStore::default()
}

keeps_the_contract!(memory_store, crate::memory::store);
