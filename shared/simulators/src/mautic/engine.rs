//! The running simulator: its database behind a lock, its switches, the delivery of webhooks.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;

use super::deliver;
use super::events::Event;
use super::php::{Fractions, Php};
use super::stamp::Actor;
use super::state::{QueueRow, State};
use super::{Delivered, Delivery, QueueReport};
use crate::clock::Clock;

/// How many answers of a listener are remembered: the most that `webhook_disable_limit` looks at.
const LOG_LIMIT: usize = 100;

/// Failures do not count while a webhook was changed less than this ago.
const UNTOUCHED_SECONDS: i64 = 2 * 24 * 60 * 60;

/// Who calls the API.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) actor: Actor,
    pub(crate) role: u64,
}

/// An OAuth client that may ask for tokens with its own credentials.
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) name: String,
    pub(crate) role: u64,
}

pub(crate) struct Engine {
    state: Mutex<State>,
    clock: Clock,
    data: Option<PathBuf>,
    pub(crate) work_time: Duration,
    pub(crate) batch_limit: usize,
    queue_limit: usize,
    pub(crate) origin: OnceLock<String>,
    pub(crate) clients: Vec<Client>,
    pub(crate) tokens: Mutex<HashMap<String, (usize, Timestamp)>>,
    pub(crate) rate: Option<u32>,
    pub(crate) window: Mutex<(Timestamp, u32)>,
    pub(crate) api_enabled: AtomicBool,
    pub(crate) basic_auth_enabled: AtomicBool,
    delivery: Mutex<Delivery>,
    repeats: AtomicBool,
    delivered: Mutex<Vec<Delivered>>,
}

/// What an engine is made of, beside its database.
pub(crate) struct Setup {
    pub(crate) clock: Clock,
    pub(crate) data: Option<PathBuf>,
    pub(crate) work_time: Duration,
    pub(crate) queue_limit: usize,
    pub(crate) clients: Vec<Client>,
    pub(crate) rate: Option<u32>,
    pub(crate) delivery: Delivery,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    pub(crate) fn new(state: State, setup: Setup) -> Self {
        let now = (setup.clock)();
        Self {
            state: Mutex::new(state),
            clock: setup.clock,
            data: setup.data,
            work_time: setup.work_time,
            batch_limit: 200,
            queue_limit: setup.queue_limit.max(1),
            origin: OnceLock::new(),
            clients: setup.clients,
            tokens: Mutex::default(),
            rate: setup.rate,
            window: Mutex::new((now, 0)),
            api_enabled: AtomicBool::new(true),
            basic_auth_enabled: AtomicBool::new(true),
            delivery: Mutex::new(setup.delivery),
            repeats: AtomicBool::new(false),
            delivered: Mutex::default(),
        }
    }

    /// The present in whole seconds, as Mautic's columns keep it.
    pub(crate) fn now(&self) -> Timestamp {
        let now = (self.clock)();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&locked(&self.state))
    }

    /// Changes the database and writes the snapshot, if there is to be one.
    pub(crate) fn write<T>(&self, change: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let now = self.now();
        let mut state = locked(&self.state);
        let result = change(&mut state, now);
        if let Some(path) = &self.data
            && let Ok(text) = serde_json::to_vec(&*state)
        {
            // A snapshot that cannot be written must not break the request: the next one tries again.
            let unfinished = path.with_extension("tmp");
            let _ = std::fs::write(&unfinished, text).and_then(|()| std::fs::rename(&unfinished, path));
        }
        result
    }

    /// Changes the database, then tells the webhooks; returns when they have answered.
    pub(crate) async fn act<T>(&self, change: impl FnOnce(&mut State, Timestamp) -> (T, Vec<Event>)) -> T {
        let (result, events) = self.write(change);
        self.tell(events).await;
        result
    }

    pub(crate) fn delivery(&self) -> Delivery {
        *locked(&self.delivery)
    }

    pub(crate) fn set_delivery(&self, delivery: Delivery) {
        *locked(&self.delivery) = delivery;
    }

    pub(crate) fn set_repeats(&self, repeats: bool) {
        self.repeats.store(repeats, Ordering::Relaxed);
    }

    pub(crate) fn delivered(&self) -> Vec<Delivered> {
        locked(&self.delivered).clone()
    }

    pub(crate) fn clear_delivered(&self) {
        locked(&self.delivered).clear();
    }

    /// Sends the events one after the other, or puts them into the queue.
    pub(crate) async fn tell(&self, events: Vec<Event>) {
        for event in events {
            let hooks: Vec<u64> = self.read(|state| {
                let wants = |triggers: &[String]| triggers.iter().any(|trigger| trigger == event.key);
                let hooks = state.hooks.values().filter(|hook| hook.published && wants(&hook.triggers));
                hooks.map(|hook| hook.id).collect()
            });
            for hook in hooks {
                match self.delivery() {
                    Delivery::Immediate => {
                        let batch = [(event.key.to_owned(), event.item.clone())];
                        let _ = self.send(hook, batch.into_iter()).await;
                    }
                    Delivery::Queue => self.write(|state, _| {
                        let id = state.next_id("queue");
                        let (key, item) = (event.key.to_owned(), event.item.clone());
                        state.queue.push(QueueRow { id, hook, key, item });
                    }),
                }
            }
        }
    }

    /// Posts items, grouped by their keys, and draws the consequences for the webhook.
    pub(crate) async fn send(
        &self,
        hook: u64,
        items: impl Iterator<Item = (String, Php)>,
    ) -> Result<u16, std::io::Error> {
        let mut groups: IndexMap<String, Vec<Php>> = IndexMap::new();
        for (key, item) in items {
            groups.entry(key).or_default().push(item);
        }
        let keys: Vec<String> = groups.keys().cloned().collect();
        let events = groups.values().map(Vec::len).sum();
        let body = groups.into_iter().map(|(key, items)| (key, Php::List(items))).collect();
        let body = Php::Map(body).encode(Fractions::Dropped);
        self.post(hook, &body, keys, events).await
    }

    pub(crate) async fn post(
        &self,
        hook: u64,
        body: &str,
        keys: Vec<String>,
        events: usize,
    ) -> Result<u16, std::io::Error> {
        let target =
            self.read(|state| state.hooks.get(&hook).map(|hook| (hook.url.clone(), hook.secret.clone())));
        let Some((url, secret)) = target else { return Err(std::io::ErrorKind::NotFound.into()) };
        let origin = self.origin.get().cloned().unwrap_or_default();
        let times = if self.repeats.load(Ordering::Relaxed) { 2 } else { 1 };
        let mut outcome = Err(std::io::ErrorKind::NotConnected.into());
        for _ in 0..times {
            outcome = deliver::post(&url, &origin, &secret, body).await;
            let status = outcome.as_ref().ok().copied();
            locked(&self.delivered).push(Delivered { hook, keys: keys.clone(), events, status });
        }
        self.write(|state, now| judge(state, hook, outcome.as_ref().ok().copied(), now));
        outcome
    }

    /// One run of `mautic:webhooks:process`.
    ///
    /// Any HTTP answer removes the rows that were sent, a failure of the connection keeps them for the next
    /// run (captures I36 to I43).
    pub(crate) async fn process_queue(&self) -> QueueReport {
        let mut report = QueueReport::default();
        let hooks: Vec<u64> = self
            .read(|state| state.hooks.values().filter(|hook| hook.published).map(|hook| hook.id).collect());
        for hook in hooks {
            loop {
                let rows: Vec<QueueRow> = self.read(|state| {
                    let descending =
                        state.hooks.get(&hook).is_some_and(|hook| hook.order == Php::text("DESC"));
                    let mut rows: Vec<QueueRow> =
                        state.queue.iter().filter(|row| row.hook == hook).cloned().collect();
                    if descending {
                        rows.reverse();
                    }
                    rows.truncate(self.queue_limit);
                    rows
                });
                if rows.is_empty() {
                    break;
                }
                let sent: Vec<u64> = rows.iter().map(|row| row.id).collect();
                match self.send(hook, rows.into_iter().map(|row| (row.key, row.item))).await {
                    Ok(status) => {
                        report.posts += 1;
                        report.events += sent.len();
                        report.lost += if (200..300).contains(&status) { 0 } else { sent.len() };
                        self.write(|state, _| state.queue.retain(|row| !sent.contains(&row.id)));
                    }
                    Err(_) => break,
                }
            }
        }
        report.waiting = self.read(|state| state.queue.len());
        report
    }
}

/// Unpublishes a webhook on 410, and on failures only when nothing else came for long.
fn judge(state: &mut State, hook: u64, status: Option<u16>, now: Timestamp) {
    let Some(hook) = state.hooks.get_mut(&hook) else { return };
    // Mautic saves the webhook with each delivery: the names move, the time does not (capture E38).
    hook.stamp.modified_by = hook.stamp.created_by;
    hook.stamp.modified_by_user.clone_from(&hook.stamp.created_by_user);
    let success = status.is_some_and(|status| (200..300).contains(&status));
    hook.log.push(success);
    let surplus = hook.log.len().saturating_sub(LOG_LIMIT);
    hook.log.drain(..surplus);
    let changed = hook.stamp.modified.or(hook.stamp.added).map_or(0, Timestamp::as_second);
    let untouched = now.as_second().saturating_sub(changed) > UNTOUCHED_SECONDS;
    let hopeless = !success && untouched && hook.log.iter().all(|success| !success);
    if status == Some(410) || hopeless {
        hook.published = false;
    }
}
