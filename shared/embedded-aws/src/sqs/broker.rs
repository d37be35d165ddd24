//! The queues as everybody shares them: locking, waiting for messages, durability.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::error::SqsError;
use super::journal::Journal;
use super::message::SendRequest;
use super::queue::Sent;
use super::receive::{ReceiveRequest, ReceivedMessage};
use super::state::{QueueCounts, State};
use crate::clock::Clock;
use crate::names::LocalNames;

/// The longest sleep before a receive looks again, in milliseconds: the queues' clock may run faster than the machine's.
const LOOK_MS: u64 = 1_000;

/// The queue service. Clones share the same queues.
#[derive(Clone)]
pub struct Broker(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    arrivals: Mutex<HashMap<String, Arc<Notify>>>,
    journal: Option<Journal>,
    clock: Clock,
    on_dead_letter: Box<dyn Fn(DeadLetter) + Send + Sync>,
}

/// Queues that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BrokerError(String);

/// A message that went to a queue for dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Queue that it left.
    pub queue: String,
    /// Queue that it went to.
    pub dead_letter_queue: String,
    /// Its id.
    pub message_id: String,
    /// How often it had been received.
    pub receive_count: u32,
}

impl Broker {
    /// Opens the queues: in memory, or durable in a file that is made if it is missing.
    pub fn open(
        file: Option<&Path>,
        names: LocalNames,
        clock: Clock,
        on_dead_letter: impl Fn(DeadLetter) + Send + Sync + 'static,
    ) -> Result<Self, BrokerError> {
        let (journal, queues) = match file {
            None => (None, BTreeMap::new()),
            Some(file) => {
                let (journal, queues) = Journal::open(file).map_err(BrokerError)?;
                (Some(journal), queues)
            }
        };
        Ok(Self(Arc::new(Inner {
            state: Mutex::new(State::new(names, queues)),
            arrivals: Mutex::new(HashMap::new()),
            journal,
            clock,
            on_dead_letter: Box::new(on_dead_letter),
        })))
    }

    /// Makes a queue, or changes the settings of one that a former run left, as a deployment would.
    pub async fn deploy_queue(
        &self,
        name: &str,
        attributes: &BTreeMap<String, String>,
    ) -> Result<(), SqsError> {
        self.commit(|state, now_ms| state.deploy(name, attributes, now_ms)).await
    }

    /// Sends a text to a queue by its name.
    pub async fn send_text(
        &self,
        queue: &str,
        body: &str,
        group: Option<&str>,
        deduplication: Option<&str>,
    ) -> Result<String, SqsError> {
        let request = SendRequest {
            message_body: Some(body.to_owned()),
            message_group_id: group.map(str::to_owned),
            message_deduplication_id: deduplication.map(str::to_owned),
            ..SendRequest::default()
        };
        self.commit(|state, now_ms| state.send(queue, request, now_ms)).await.map(|sent: Sent| sent.id)
    }

    /// Exact counts of every queue, by name.
    pub fn counts(&self) -> BTreeMap<String, QueueCounts> {
        let now_ms = self.0.clock.now_ms();
        let mut state = self.lock();
        let names: Vec<String> = state.queues.keys().cloned().collect();
        names
            .into_iter()
            .filter_map(|name| state.queue(&name, now_ms).ok().map(|queue| (name, queue.messages.counts())))
            .collect()
    }

    /// Changes the queues, and answers when the change is durable.
    pub(super) async fn commit<T>(
        &self,
        change: impl FnOnce(&mut State, i64) -> Result<T, SqsError>,
    ) -> Result<T, SqsError> {
        let now_ms = self.0.clock.now_ms();
        let (result, written, woken, dead_letters) = {
            let mut state = self.lock();
            let result = change(&mut state, now_ms);
            let changes = std::mem::take(&mut state.changes);
            let journal = self.0.journal.as_ref().filter(|_| !changes.is_empty());
            // Handed over under the lock, so that the file has the order of the memory.
            let written = journal.map(|journal| journal.write(changes));
            (result, written, std::mem::take(&mut state.woken), std::mem::take(&mut state.dead_letters))
        };
        if let Some(written) = written {
            match written.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    return Err(SqsError::storage(format!("the queues cannot be written: {error}")));
                }
                Err(_) => return Err(SqsError::storage("the queues are closed")),
            }
        }
        for queue in woken {
            self.arrival(&queue).notify_waiters();
        }
        for dead_letter in dead_letters {
            (self.0.on_dead_letter)(dead_letter);
        }
        result
    }

    /// Receives, waiting for messages as long as the request or the queue says.
    pub(crate) async fn receive(
        &self,
        url: &str,
        request: &ReceiveRequest,
    ) -> Result<Vec<ReceivedMessage>, SqsError> {
        request.check()?;
        let name = url.rsplit('/').next().unwrap_or_default().to_owned();
        let now_ms = self.0.clock.now_ms();
        let queue_wait = self.lock().queue(&name, now_ms)?.attributes.wait_seconds;
        let wait = request.wait_time_seconds.unwrap_or(queue_wait);
        let deadline = Instant::now() + Duration::from_secs(u64::try_from(wait).unwrap_or(0));
        loop {
            let arrival = self.arrival(&name);
            let notified = arrival.notified();
            tokio::pin!(notified);
            // Counts from here on, so that nothing sent during the look is missed.
            notified.as_mut().enable();
            let (messages, next_ms) = self
                .commit(|state, now_ms| {
                    let messages = state.receive(&name, request, now_ms)?;
                    Ok((messages, state.queue(&name, now_ms)?.messages.next_visible_ms()))
                })
                .await?;
            if !messages.is_empty() || Instant::now() >= deadline {
                return Ok(messages);
            }
            let look_again = next_ms.map_or(deadline, |next_ms| {
                let wait_ms = u64::try_from(next_ms - self.0.clock.now_ms()).unwrap_or(0).clamp(1, LOOK_MS);
                deadline.min(Instant::now() + Duration::from_millis(wait_ms))
            });
            tokio::select! {
                () = &mut notified => {}
                () = tokio::time::sleep_until(look_again) => {}
            }
        }
    }

    /// Deletes messages by their handles; answers how many handles were refused.
    pub(crate) async fn delete_all(&self, queue: &str, handles: &[&str]) -> Result<usize, SqsError> {
        self.commit(|state, now_ms| {
            let results = handles.iter().map(|handle| state.delete(queue, handle, now_ms));
            Ok(results.filter(Result::is_err).count())
        })
        .await
    }

    fn arrival(&self, queue: &str) -> Arc<Notify> {
        let mut arrivals = self.0.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        arrivals.entry(queue.to_owned()).or_default().clone()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Broker")
    }
}
