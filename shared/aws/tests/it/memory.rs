//! The in-memory twin keeps the same contract as the table.

use sync::memory::MemoryStore;

use crate::contract::{keeps_the_contract, keeps_what_others_hold};

async fn store() -> MemoryStore {
    MemoryStore::default()
}

keeps_the_contract!(memory_store, crate::memory::store);
keeps_what_others_hold!(memory_store_of_many, crate::memory::store);
