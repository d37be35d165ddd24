//! What a rate budget means, kept by the twin in memory and by the table.

use std::sync::Arc;
use std::time::Duration;

use bridge_aws::{DynamoBudget, DynamoStore};
use jiff::{SignedDuration, Timestamp};
use sync::memory::MemoryBudget;
use sync::{BudgetKey, BudgetStore, Pace, Turn};

use crate::dynamodb::{TABLE, client};

/// Two processes.
type Two = [Arc<dyn BudgetStore>; 2];

/// Slow, so that no machine is slower: a turn in ten seconds, three at once.
const PACE: Pace = Pace { interval: Duration::from_secs(10), at_once: 3 };

fn key(limit: &'static str) -> BudgetKey {
    BudgetKey { system: "hubspot:main".parse().unwrap(), limit }
}

fn in_memory() -> Two {
    let first = MemoryBudget::default();
    [Arc::new(first.clone()), Arc::new(first)]
}

async fn on_the_table() -> Two {
    let store = DynamoStore::new(client().await, TABLE);
    [Arc::new(DynamoBudget::new(store.clone())), Arc::new(DynamoBudget::new(store))]
}

/// The seconds until a turn, to the nearest ten; nothing where it is too late.
async fn turn(store: &dyn BudgetStore, limit: &'static str, patience: i64) -> Option<i64> {
    let now = store.now();
    match store.take(&key(limit), PACE, now + SignedDuration::from_secs(patience)).await.unwrap() {
        Turn::Ours { from } => Some(in_tens(from.duration_since(now))),
        Turn::TooLate { from } => {
            assert!(from > now + SignedDuration::from_secs(patience), "it could have been had");
            None
        }
    }
}

fn in_tens(duration: SignedDuration) -> i64 {
    ((duration.as_secs() + 5).div_euclid(10) * 10).max(0)
}

async fn turns_come_at_once_after_a_rest_and_evenly_then([ours, theirs]: Two) {
    let mut waited = Vec::new();
    for store in [&ours, &theirs, &ours, &theirs, &ours] {
        waited.push(turn(&**store, "calls", 60).await);
    }
    assert_eq!(waited, [Some(0), Some(0), Some(0), Some(10), Some(20)]);
    assert_eq!(turn(&*ours, "calls", 20).await, None, "the next one is due in thirty seconds");
    assert_eq!(turn(&*theirs, "calls", 60).await, Some(30), "and was not used up by that");
    assert_eq!(turn(&*ours, "search", 0).await, Some(0), "another limit has turns of its own");
}

async fn nobody_gets_a_turn_while_the_system_rests([ours, theirs]: Two) {
    let until: Timestamp = ours.now() + SignedDuration::from_secs(40);
    ours.pause(&key("calls"), until).await.unwrap();
    ours.pause(&key("calls"), ours.now()).await.unwrap();
    assert_eq!(turn(&*theirs, "calls", 20).await, None);
    assert_eq!(turn(&*theirs, "calls", 60).await, Some(40));
}

#[tokio::test]
async fn memory_gives_turns() {
    turns_come_at_once_after_a_rest_and_evenly_then(in_memory()).await;
    nobody_gets_a_turn_while_the_system_rests(in_memory()).await;
}

#[tokio::test]
async fn the_table_gives_turns() {
    turns_come_at_once_after_a_rest_and_evenly_then(on_the_table().await).await;
    nobody_gets_a_turn_while_the_system_rests(on_the_table().await).await;
}

#[tokio::test]
async fn each_turn_is_given_once_however_many_ask_at_the_same_time() {
    let [store, _] = on_the_table().await;
    let asked = (0..12).map(|_| turn(&*store, "calls", 600));
    let mut waited: Vec<_> = futures::future::join_all(asked).await.into_iter().flatten().collect();
    waited.sort_unstable();
    // Who lost the race too often has none, and took none.
    let evenly = (1..).map(|n| 10 * n);
    let expected: Vec<i64> = [0, 0, 0].into_iter().chain(evenly).take(waited.len()).collect();
    assert_eq!(waited, expected);
}
