//! The event source mapper: feeds the messages of a queue to a function, as Lambda's pollers do.

mod event;
mod verdict;

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant};

use crate::event::{Observer, StackEvent};
use crate::lambda::{Function, Waiting};
use crate::names::LocalNames;
use crate::sqs::{Broker, ReceiveRequest, ReceivedMessage};
use crate::template::QueueSource;

/// How long one receive waits. Lambda's pollers wait up to 20 s.
const LONG_POLL_SECONDS: i64 = 20;
/// After an error of the queue itself, so that a broken queue is not asked in a tight loop.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);
/// Bodies of one batch together, so that the event stays under Lambda's 6 MB once it is JSON.
const MAX_BATCH_BYTES: usize = 3 * 1_048_576;

/// What a mapper works with.
pub(crate) struct Mapping {
    pub(crate) source: QueueSource,
    pub(crate) function: Arc<Function>,
    pub(crate) broker: Broker,
    pub(crate) names: LocalNames,
    pub(crate) observer: Observer,
}

/// Polls until told to stop, then waits for the batches that are under way.
pub(crate) async fn run(mapping: Mapping, mut stop: watch::Receiver<bool>) {
    let concurrency = mapping.function.concurrency();
    let concurrency = mapping.source.maximum_concurrency.map_or(concurrency, |most| concurrency.min(most));
    let places = Arc::new(Semaphore::new(concurrency));
    let mapping = Arc::new(mapping);
    let mut batches = JoinSet::new();
    loop {
        // A place first, then the messages: a message that waits for a place would use up its visibility.
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Ok(place) = place else { break };
        let batch = tokio::select! {
            batch = gather(&mapping) => batch,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        while batches.try_join_next().is_some() {}
        if !batch.is_empty() {
            let mapping = Arc::clone(&mapping);
            batches.spawn(async move {
                deliver(&mapping, &batch).await;
                drop(place);
            });
        }
    }
    while batches.join_next().await.is_some() {}
}

/// One batch: a single receive, or as many as the window allows.
async fn gather(mapping: &Mapping) -> Vec<ReceivedMessage> {
    let source = &mapping.source;
    let mut batch = receive(mapping, source.batch_size, LONG_POLL_SECONDS).await;
    if batch.is_empty() || source.batching_window.is_zero() {
        return batch;
    }
    let deadline = Instant::now() + source.batching_window;
    while batch.len() < source.batch_size {
        let left = deadline.saturating_duration_since(Instant::now());
        let bytes: usize = batch.iter().map(|message| message.body.len()).sum();
        if left.is_zero() || bytes >= MAX_BATCH_BYTES {
            break;
        }
        // A receive waits whole seconds: a window ends up to one second late, and none is cut to nothing.
        let whole = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        let wait = i64::try_from(whole).unwrap_or(LONG_POLL_SECONDS).min(LONG_POLL_SECONDS);
        let more = receive(mapping, source.batch_size - batch.len(), wait).await;
        batch.extend(more);
    }
    batch
}

async fn receive(mapping: &Mapping, count: usize, wait: i64) -> Vec<ReceivedMessage> {
    let request = ReceiveRequest::everything(count.min(10), wait);
    match mapping.broker.receive(&mapping.source.queue, &request).await {
        Ok(messages) => messages,
        Err(error) => {
            trouble(mapping, &format!("cannot be received from: {error}"));
            tokio::time::sleep(PAUSE_AFTER_ERROR).await;
            Vec::new()
        }
    }
}

/// Invokes the function with a batch and deletes what it has dealt with. Everything else comes back when its
/// visibility ends.
async fn deliver(mapping: &Mapping, batch: &[ReceivedMessage]) {
    let queue = &mapping.source.queue;
    let event = event::sqs_event(batch, &mapping.names.queue_arn(queue), &mapping.names.region);
    let answer = match mapping.function.invoke(event, Waiting::Always, false).await {
        Ok(answer) => answer,
        Err(error) => {
            trouble(mapping, &format!("has a batch that could not be delivered: {error}"));
            finished(mapping, 0, batch.len());
            return;
        }
    };
    let succeeded = verdict::succeeded(&answer, mapping.source.reports_item_failures, batch);
    let handles: Vec<&str> = succeeded.iter().map(|message| message.receipt_handle.as_str()).collect();
    let mut deleted = handles.len();
    if !handles.is_empty() {
        match mapping.broker.delete_all(queue, &handles).await {
            // A FIFO queue refuses a handle whose visibility has ended; the message comes again.
            Ok(refused) => deleted -= refused,
            Err(error) => {
                trouble(mapping, &format!("cannot be deleted from: {error}"));
                deleted = 0;
            }
        }
    }
    finished(mapping, deleted, batch.len() - deleted);
}

fn finished(mapping: &Mapping, succeeded: usize, failed: usize) {
    mapping.observer.tell(StackEvent::BatchFinished {
        queue: mapping.source.queue.clone(),
        function: mapping.function.spec().name.clone(),
        succeeded,
        failed,
    });
}

fn trouble(mapping: &Mapping, what: &str) {
    let message = format!("queue {} {what}", mapping.source.queue);
    mapping.observer.tell(StackEvent::Trouble { message });
}
