//! Five thousand changes at once, against the limits that HubSpot really has: not one call is refused.
//!
//! Time is played: it stands still while a call is under way, and moves to the next turn when everybody waits for one. So
//! calls follow upon each other as closely as turns allow, and the hours that a portal's limits ask for pass at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connector_hubspot::{Credentials, HubSpot, HubSpotPreferences, HubSpotSettings};
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use model::{Fields, ObjectName, RecordRef};
use simulators::clock::ManualClock;
use simulators::hubspot::{self, HubSpotOptions, HubSpotSimulator, Kind, Limits};
use sync::budget::{BudgetStore, Turn};
use sync::memory::MemoryBudget;
use sync::{BudgetKey, Connector as _, ConnectorError, Lookup, Pace, Reading, Shared, StoreError};
use tokio::sync::oneshot;

/// How many changes.
const CHANGES: usize = 5_000;
/// How many functions push at once.
const WORKERS: usize = 8;

/// Who waits, and until when.
#[derive(Debug, Default)]
struct Waiting {
    at_work: usize,
    number: u64,
    until: BTreeMap<(Timestamp, u64), oneshot::Sender<()>>,
}

/// Turns on a clock that is played.
#[derive(Clone, Debug)]
struct Played {
    turns: MemoryBudget,
    clock: ManualClock,
    waiting: Arc<Mutex<Waiting>>,
}

impl Played {
    fn at(clock: ManualClock) -> Self {
        let waiting = Waiting { at_work: WORKERS, ..Waiting::default() };
        Self { turns: MemoryBudget::default(), clock, waiting: Arc::new(Mutex::new(waiting)) }
    }

    fn now(&self) -> Timestamp {
        (self.clock.as_clock())()
    }

    /// One is at work no longer; if it was the last one, time moves.
    fn rest(&self, waiting: &mut Waiting) {
        waiting.at_work -= 1;
        if waiting.at_work == 0
            && let Some(((until, _), first)) = waiting.until.pop_first()
        {
            self.clock.set(until.max(self.now()));
            waiting.at_work += 1;
            first.send(()).unwrap();
        }
    }

    fn done(&self) {
        self.rest(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl BudgetStore for Played {
    fn now(&self) -> Timestamp {
        self.now()
    }

    fn wait(&self, duration: Duration) -> BoxFuture<'_, ()> {
        let (sender, woken) = oneshot::channel();
        {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.number += 1;
            let until = (self.now() + SignedDuration::try_from(duration).unwrap(), waiting.number);
            waiting.until.insert(until, sender);
            self.rest(&mut waiting);
        }
        Box::pin(async move { woken.await.unwrap() })
    }

    fn take<'a>(
        &'a self,
        key: &'a BudgetKey,
        pace: Pace,
        latest: Timestamp,
    ) -> BoxFuture<'a, Result<Turn, StoreError>> {
        Box::pin(async move { Ok(self.turns.take_at(self.now(), key, pace, latest)) })
    }

    fn pause<'a>(&'a self, key: &'a BudgetKey, until: Timestamp) -> BoxFuture<'a, Result<(), StoreError>> {
        self.turns.pause(key, until)
    }
}

fn connector(portal: &HubSpotSimulator, token: &str, played: &Played) -> HubSpot {
    let credentials = Credentials::Token(token.to_owned().into());
    let shared = Shared { budget: Arc::new(played.clone()), ..Shared::default() };
    let settings = HubSpotSettings::new(portal.url(), credentials, HubSpotPreferences::default());
    HubSpot::new("hubspot:main".parse().unwrap(), HubSpotSettings { shared, ..settings }).unwrap()
}

/// Asks again as a message does that goes back into its queue.
macro_rules! until_taken {
    ($played:expr, $call:expr) => {
        loop {
            match $call.await {
                Ok(done) => break done,
                Err(ConnectorError::RateLimited { retry_after }) => {
                    $played.wait(retry_after.unwrap_or(Duration::from_secs(1))).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    };
}

async fn push(hubspot: &HubSpot, played: &Played, id: &str, number: usize) {
    let record = RecordRef::new(hubspot.system(), &ObjectName::new("contact"), id);
    let read = until_taken!(played, hubspot.read(&record));
    assert!(matches!(read, Reading::Found(_)), "{record}");
    if number.is_multiple_of(10) {
        // A natural key that is not unique is searched for.
        let lookup = Lookup { field: "lastname".to_owned(), value: format!("Nobody {number}") };
        let found = until_taken!(played, hubspot.find(&record.object, &lookup));
        assert!(found.is_empty());
    }
    let city: Fields = [("city", format!("Vigo {number}").as_str())].into_iter().collect();
    let stored = until_taken!(played, hubspot.update(&record, &city));
    assert_eq!(stored.reference.id, id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_five_thousand_changes_meets_no_limit_of_a_free_portal() {
    let clock = ManualClock::starting_at("2026-11-21T08:00:00Z".parse().unwrap());
    let mut options = HubSpotOptions::default();
    options.limits = Limits { per_ten_seconds: 100, per_day: 250_000, searches_per_second: 5 };
    options.clock = clock.as_clock();
    let token = options.token.clone();
    let portal = hubspot::start(options).await.unwrap();
    let ids: Vec<String> = (0..CHANGES)
        .map(|number| {
            let name = format!("Somebody {number}");
            portal.create_as_user(Kind::Contact, &[("lastname", &name)]).unwrap()
        })
        .collect();
    let played = Played::at(clock.clone());
    let began = (clock.as_clock())();
    let mut workers = Vec::new();
    for worker in 0..WORKERS {
        let (hubspot, played) = (connector(&portal, &token, &played), played.clone());
        let mine: Vec<(usize, String)> =
            ids.iter().cloned().enumerate().filter(|(number, _)| number % WORKERS == worker).collect();
        workers.push(tokio::spawn(async move {
            hubspot.read_only_these(&ObjectName::new("contact"), ["city".to_owned()]);
            for (number, id) in mine {
                push(&hubspot, &played, &id, number).await;
            }
            played.done();
        }));
    }
    for worker in workers {
        worker.await.unwrap();
    }
    assert_eq!(portal.refused_calls(), 0);
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(portal.record(Kind::Contact, id).unwrap()["city"], format!("Vigo {number}"));
    }
    // Nor does anybody dawdle: most of what the portal allows is used.
    let calls = CHANGES * 2 + CHANGES / 10;
    let spent = (clock.as_clock())().duration_since(began).as_secs_f64();
    let least = f64::from(u32::try_from(calls).unwrap()) / 10.0;
    assert!(
        spent < least * 1.6,
        "{calls} calls took {spent} s of the portal's time; {least} s are the least"
    );
}
