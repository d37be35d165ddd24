//! The contract of cursors, and of what walks have seen, kept by the table as by its twin in memory.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use model::ObjectName;
use sync::memory::MemoryCursors;
use sync::poll::{Pass, Position, Stretch};
use sync::{Cursor, CursorKey, CursorStore, SeenStore};

use crate::nouns::{at, system};

fn key(object: &str) -> CursorKey {
    CursorKey { system: system("mautic:main"), object: ObjectName::new(object) }
}

fn read_to(time: Timestamp, after: Option<&str>) -> Cursor {
    let pass = after.map(|after| Pass { from: time, began: time, after: after.to_owned() });
    Cursor { position: Some(Position { since: time, pass }), polled_at: Some(time) }
}

async fn keeps_the_contract(store: impl CursorStore) {
    let (now, contacts) = (at(0), key("contact"));
    let until = now + SignedDuration::from_secs(40);
    assert_eq!(store.cursor(&contacts).await.unwrap(), Cursor::default(), "a new one");
    assert_eq!(store.lease_cursor(&contacts, "a", now, until).await.unwrap(), Some(Cursor::default()));
    assert_eq!(store.lease_cursor(&contacts, "b", now, until).await.unwrap(), None, "it is held");
    assert_eq!(
        store.lease_cursor(&contacts, "a", now, until).await.unwrap(),
        Some(Cursor::default()),
        "by whom"
    );
    assert!(store.lease_cursor(&key("company"), "b", now, until).await.unwrap().is_some(), "one per object");
    let half = read_to(now, Some("100"));
    assert!(store.move_cursor(&contacts, "a", &half).await.unwrap());
    assert!(!store.move_cursor(&contacts, "b", &read_to(until, None)).await.unwrap());
    store.release_cursor(&contacts, "b", &read_to(until, None)).await.unwrap();
    assert_eq!(store.cursor(&contacts).await.unwrap(), half, "only the holder moves it");
    // The worker died; its lease ends.
    assert_eq!(
        store.lease_cursor(&contacts, "b", until, until + SignedDuration::from_secs(40)).await.unwrap(),
        Some(half)
    );
    let whole = read_to(until, None);
    assert!(!store.move_cursor(&contacts, "a", &whole).await.unwrap(), "it has lost the lease");
    store.release_cursor(&contacts, "b", &whole).await.unwrap();
    assert_eq!(store.cursor(&contacts).await.unwrap(), whole);
    assert_eq!(
        store.lease_cursor(&contacts, "c", until, until).await.unwrap(),
        Some(whole),
        "it was given back"
    );
}

#[tokio::test]
async fn the_table_keeps_the_contract_of_cursors() {
    keeps_the_contract(crate::dynamodb::store().await).await;
}

#[tokio::test]
async fn the_twin_in_memory_keeps_the_contract_of_cursors() {
    keeps_the_contract(MemoryCursors::default()).await;
}

fn stretch(ids: impl IntoIterator<Item = u64>, mark: &str) -> Stretch {
    ids.into_iter().map(|id| (id, mark.to_owned())).collect()
}

async fn remembers_what_was_seen(store: impl SeenStore) {
    let (contacts, deals) = (key("contact.walk"), key("deal.walk"));
    let all = |walk: CursorKey| {
        let store = &store;
        async move { store.stretches(&walk, 0, u64::MAX).await.unwrap() }
    };
    assert_eq!(all(contacts.clone()).await, BTreeMap::new());
    // Ids are in the order of numbers, not of texts; a record that belongs to nothing has a blank mark.
    let firsts = [9, 10, 100, u64::MAX - 1];
    let kept: BTreeMap<u64, Stretch> =
        firsts.iter().map(|first| (*first, stretch([*first, first + 1], ""))).collect();
    store.keep_stretches(&contacts, &kept).await.unwrap();
    store.keep_stretches(&deals, &BTreeMap::from([(10, stretch([10], "a"))])).await.unwrap();
    assert_eq!(all(contacts.clone()).await, kept);
    let between = store.stretches(&contacts, 10, 100).await.unwrap();
    assert_eq!(between.keys().copied().collect::<Vec<_>>(), [10, 100], "both ends are in it");
    // Twelve characters for each of two hundred ids: an item of a few kilobytes.
    let long = stretch(10_000_000_000..10_000_000_200, "0123456789ab");
    let changed = BTreeMap::from([(9, Stretch::new()), (10, long.clone()), (11, Stretch::new())]);
    store.keep_stretches(&contacts, &changed).await.unwrap();
    let now = all(contacts).await;
    assert_eq!(now.keys().copied().collect::<Vec<_>>(), [10, 100, u64::MAX - 1], "empty ones are forgotten");
    assert_eq!(now[&10], long);
    assert_eq!(all(deals).await.len(), 1);
}

#[tokio::test]
async fn the_table_remembers_what_walks_have_seen() {
    remembers_what_was_seen(crate::dynamodb::store().await).await;
}

#[tokio::test]
async fn the_twin_in_memory_remembers_what_walks_have_seen() {
    remembers_what_was_seen(MemoryCursors::default()).await;
}
