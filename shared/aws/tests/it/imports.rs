//! The contract of the progress of imports, kept by the table as by its twin in memory.

use jiff::SignedDuration;
use model::Direction;
use sync::ImportStore;
use sync::import::{ImportKey, ImportLeased, Progress, Scope, Tally};
use sync::memory::MemoryImports;

use crate::nouns::{at, pair};

fn key(direction: Direction, scope: Scope) -> ImportKey {
    ImportKey { pair: pair(), direction, scope }
}

async fn keeps_the_contract(store: impl ImportStore) {
    let (now, ours) = (at(0), key(Direction::ToHub, Scope::Stock));
    let until = now + SignedDuration::from_secs(30);
    let fresh = ImportLeased::Yes(Progress::default());
    assert_eq!(store.lease_import(&ours, "a", now, until).await.unwrap(), fresh, "a new one");
    assert_eq!(store.lease_import(&ours, "b", now, until).await.unwrap(), ImportLeased::Held { until });
    assert_eq!(store.lease_import(&ours, "a", now, until).await.unwrap(), fresh, "by whom");
    for other in [key(Direction::ToRemote, Scope::Stock), key(Direction::ToHub, Scope::EditedMaps)] {
        assert_eq!(store.lease_import(&other, "b", now, until).await.unwrap(), fresh, "one each");
    }
    let mut tally = Tally::default();
    tally.count("parked", "ambiguous");
    let half = Progress { after: Some("100".to_owned()), begun: Some(now), tally };
    let later = until + SignedDuration::from_secs(10);
    assert!(store.move_import(&ours, "a", &half, later).await.unwrap());
    assert!(!store.move_import(&ours, "b", &Progress::default(), later).await.unwrap());
    assert_eq!(
        store.lease_import(&ours, "b", until, later).await.unwrap(),
        ImportLeased::Held { until: later },
        "moving takes the lease again"
    );
    store.release_import(&ours, "b", None).await.unwrap();
    // The import died; its lease ends.
    let end = later + SignedDuration::from_secs(30);
    assert_eq!(store.lease_import(&ours, "b", later, end).await.unwrap(), ImportLeased::Yes(half.clone()));
    assert!(
        !store.move_import(&ours, "a", &Progress::default(), end).await.unwrap(),
        "it has lost the lease"
    );
    store.release_import(&ours, "b", Some(&half)).await.unwrap();
    assert_eq!(
        store.lease_import(&ours, "c", later, end).await.unwrap(),
        ImportLeased::Yes(half),
        "given back"
    );
    store.release_import(&ours, "c", None).await.unwrap();
    assert_eq!(store.lease_import(&ours, "d", later, end).await.unwrap(), fresh, "it had come to its end");
}

#[tokio::test]
async fn the_table_keeps_the_contract_of_imports() {
    keeps_the_contract(crate::dynamodb::store().await).await;
}

#[tokio::test]
async fn the_twin_in_memory_keeps_the_contract_of_imports() {
    keeps_the_contract(MemoryImports::default()).await;
}
