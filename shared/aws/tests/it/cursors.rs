//! The contract of cursors, kept by the table as by its twin in memory.

use jiff::{SignedDuration, Timestamp};
use model::ObjectName;
use sync::memory::MemoryCursors;
use sync::poll::{Pass, Position};
use sync::{Cursor, CursorKey, CursorStore};

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
