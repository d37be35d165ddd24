//! What flows: the table, queues, dead letters, parked changes, polls, the brake.

use std::collections::BTreeMap;

use aws::config::PushQueue;
use aws::queue::dead_letters::DeadLetters;
use aws::queue::depth;
use aws::{DynamoStore, SystemClock};
use jiff::{SignedDuration, Timestamp};
use model::{ObjectName, Pair, Side, System, SystemKind};
use sync::pairs::{PAIRS, PairSpec, has_associations, pair_spec};
use sync::poll::walk_key;
use sync::settings;
use sync::{Clock as _, CursorKey, CursorStore as _, PairSettings, PollSettings};

use super::check::Checks;
use crate::stack::Stack;

/// So much in a queue is more than a busy day.
const MANY: u64 = 1_000;
/// A poll that has been due for so long is late.
const LATE: SignedDuration = SignedDuration::from_mins(15);
/// A walk through all records that takes longer than this is slow.
const LONG_ROUND: SignedDuration = SignedDuration::from_hours(72);

/// The table, if it answers.
pub(super) async fn table(stack: &Stack, checks: &mut Checks) -> Option<DynamoStore> {
    let store = match stack.store() {
        Ok(store) => store,
        Err(error) => {
            checks.problem("table", format!("{error:#}"), "deploy the stack anew");
            return None;
        }
    };
    match store.setting::<serde_json::Value>("doctor").await {
        Ok(_) => {
            checks.ok("table", "answers");
            Some(store)
        }
        Err(error) => {
            checks.problem("table", error.to_string(), "check the table's name, the region and your rights");
            None
        }
    }
}

/// Whether a setting lets a pair work beside another integration.
pub(super) async fn other_integration_is_allowed(store: &DynamoStore) -> bool {
    for pair in PAIRS {
        if of_pair(store, pair).await.is_ok_and(|settings| settings.allow_other_integration) {
            return true;
        }
    }
    false
}

/// The settings of a pair; else why they cannot be used.
async fn of_pair(store: &DynamoStore, spec: &PairSpec) -> Result<PairSettings, String> {
    let stored = store.setting(&settings::pair_key(spec.kind)).await.map_err(|error| error.to_string())?;
    settings::pair_settings(spec.kind, stored).map_err(|error| error.to_string())
}

/// The settings of the polls of a system; else why they cannot be used.
async fn of_poll(store: &DynamoStore, system: &System) -> Result<PollSettings, String> {
    let stored = store.setting(&settings::poll_key(system)).await.map_err(|error| error.to_string())?;
    settings::poll_settings(system, stored).map_err(|error| error.to_string())
}

pub(super) async fn examine(stack: &Stack, store: &DynamoStore, checks: &mut Checks) {
    let mut told: Vec<(System, ObjectName)> = Vec::new();
    queues(stack, SystemKind::CoreBos, checks).await;
    // A name that is wrong is told where the settings are.
    let pairs = match stack.pairs_in_use(store).await {
        Ok(pairs) => pairs,
        Err(_) => stack.pairs().unwrap_or_default(),
    };
    let mut remotes: Vec<&System> = pairs.iter().map(|pair| &pair.remote).collect();
    remotes.dedup();
    for remote in remotes {
        queues(stack, remote.kind(), checks).await;
        let settings = wiring::systems::settings_of(store, remote).await;
        let is_polled = settings.is_ok_and(|(settings, _)| settings.active);
        for pair in pairs.iter().filter(|pair| pair.remote == *remote) {
            let spec = pair_spec(pair.kind);
            parked(store, pair, checks).await;
            brake(store, spec, pair, checks).await;
            for (system, side) in [(&pair.hub, Side::Hub), (&pair.remote, Side::Remote)] {
                // Two pairs may share an object, and two systems a module.
                let what = (system.clone(), spec.object(side));
                if is_polled && !told.contains(&what) {
                    poll(store, system, spec, side, checks).await;
                    told.push(what);
                }
            }
        }
    }
}

async fn queues(stack: &Stack, kind: SystemKind, checks: &mut Checks) {
    let Ok(queue) = stack.environment.push_queue(kind) else { return };
    let what = format!("towards {}", queue.target);
    self::queue(stack, queue, &what, checks).await;
}

/// How much waits in a queue, and what nobody could read.
pub(super) async fn queue(stack: &Stack, queue: PushQueue, what: &str, checks: &mut Checks) {
    let name = format!("queue {what}");
    match depth(&stack.clients.sqs, &queue.url).await {
        Err(error) => checks.problem(&name, error.to_string(), "check the queue and your rights"),
        Ok(depth) => {
            let seen = format!("{} waiting, {} in flight", depth.waiting, depth.in_flight);
            if depth.waiting > MANY {
                checks.warning(
                    &name,
                    seen,
                    "see whether a system is slow or away; an alarm watches the age of the oldest",
                );
            } else {
                checks.ok(&name, seen);
            }
        }
    }
    let name = format!("dead letters {what}");
    if let Some(letters) = DeadLetters::of(stack.clients.sqs.clone(), queue) {
        match letters.count().await {
            Err(error) => checks.problem(name, error.to_string(), "check the queue and your rights"),
            Ok(0) => checks.ok(name, "none"),
            Ok(count) => {
                let remedy =
                    "`bridge deadletters list` shows them; mend the cause, then redrive or drop them";
                checks.problem(name, format!("{count}"), remedy);
            }
        }
    }
}

async fn parked(store: &DynamoStore, pair: &Pair, checks: &mut Checks) {
    let name = format!("parked changes of {}", pair.kind.as_str());
    match store.list_parked(pair).await {
        Err(error) => checks.problem(name, error.to_string(), ""),
        Ok(parked) if parked.is_empty() => checks.ok(name, "none"),
        Ok(parked) => {
            let mut by_reason: BTreeMap<&str, usize> = BTreeMap::new();
            for each in &parked {
                *by_reason.entry(&each.change.reason).or_default() += 1;
            }
            let told = by_reason.iter().map(|(reason, count)| format!("{count} {reason}"));
            let seen = format!("{}: {}", parked.len(), told.collect::<Vec<_>>().join(", "));
            checks.warning(name, seen, "`bridge parked list` says what each needs");
        }
    }
}

async fn brake(store: &DynamoStore, spec: &PairSpec, pair: &Pair, checks: &mut Checks) {
    let name = format!("brake of {}", pair.kind.as_str());
    let deletes = store.deletes_in_hour_of(pair, SystemClock.now()).await.map_err(|error| error.to_string());
    let (settings, deletes) = match (of_pair(store, spec).await, deletes) {
        (Ok(settings), Ok(deletes)) => (settings, deletes),
        (Err(error), _) | (_, Err(error)) => {
            checks.problem(name, error, "correct the setting: the pair is stopped");
            return;
        }
    };
    let limit = settings.deletes_per_hour;
    let seen = format!("{deletes} deletes in this hour, {limit} are allowed");
    if deletes > limit {
        let remedy =
            "its deletes are stopped: see who deletes so much; raise deletes_per_hour if that is meant";
        checks.problem(name, seen, remedy);
    } else {
        checks.ok(name, seen);
    }
}

async fn poll(store: &DynamoStore, system: &System, spec: &PairSpec, side: Side, checks: &mut Checks) {
    let object = spec.object(side);
    let name = format!("poll of {object} in {system}");
    let settings = match of_poll(store, system).await {
        Ok(settings) => settings,
        Err(error) => {
            checks.problem(name, error, "correct the setting: nothing is polled");
            return;
        }
    };
    if !settings.enabled {
        checks.warning(name, "switched off by the settings", "what webhooks lose is not found");
        return;
    }
    // Only HubSpot has associations that move no date.
    if system.kind() == SystemKind::HubSpot && has_associations(system.kind(), &object) {
        walk(store, system, &object, &settings, checks).await;
    }
    match store.cursor(&CursorKey { system: system.clone(), object }).await {
        Err(error) => checks.problem(name, error.to_string(), ""),
        Ok(cursor) => match cursor.polled_at {
            None => checks.warning(
                name,
                "never complete so far",
                "wait for the first tick, or see the function's log",
            ),
            Some(at) => {
                let seen = format!("last complete {}", ago(at));
                let (now, then) = (SystemClock.now(), SystemClock.now() - LATE);
                // Due now and a while ago, so that the end of quiet hours is no reason.
                if at < then && settings.is_due(then, &cursor) && settings.is_due(now, &cursor) {
                    let remedy =
                        "see the log of the poll function: it does not run, or it does not get through";
                    checks.problem(name, seen, remedy);
                } else {
                    checks.ok(name, seen);
                }
            }
        },
    }
}

/// How the walk of a poll for associations that changed alone gets on.
async fn walk(
    store: &DynamoStore,
    system: &System,
    object: &ObjectName,
    settings: &PollSettings,
    checks: &mut Checks,
) {
    let name = format!("associations of {object} in {system}");
    if settings.walk_pages == 0 {
        checks.warning(name, "are not walked by the settings", "those that webhooks lose are not found");
        return;
    }
    let cursor = match store.cursor(&walk_key(system, object)).await {
        Ok(cursor) => cursor,
        Err(error) => {
            checks.problem(name, error.to_string(), "");
            return;
        }
    };
    let under_way = cursor.position.and_then(|position| position.pass).map(|pass| pass.began);
    let seen = match (under_way, cursor.polled_at) {
        (Some(began), _) => format!("a round goes on that began {}", ago(began)),
        (None, Some(began)) => format!("the last round began {}", ago(began)),
        (None, None) => "no round has begun".to_owned(),
    };
    let began = under_way.or(cursor.polled_at);
    if began.is_some_and(|began| began < SystemClock.now() - LONG_ROUND) {
        let remedy = "raise the setting hubspot.walk-pages, or see the log of the poll function: it does not get through";
        checks.warning(name, seen, remedy);
    } else {
        checks.ok(name, seen);
    }
}

fn ago(at: Timestamp) -> String {
    let seconds = SystemClock.now().duration_since(at).as_secs();
    if seconds < 120 { format!("{seconds} s ago") } else { format!("{} min ago", seconds / 60) }
}
