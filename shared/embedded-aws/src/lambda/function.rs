//! One function: its processes, its concurrency, its counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use super::answer::{InvokeAnswer, InvokeRefused, Outcome};
use super::environment::Endpoints;
use super::process::{Launcher, Process, Ran};
use super::runtime_api::Invocation;
use super::{MAX_ASYNCHRONOUS_BYTES, MAX_SYNCHRONOUS_BYTES};
use crate::clock::Clock;
use crate::event::{Observer, StackEvent};
use crate::names::LocalNames;
use crate::template::FunctionSpec;

/// The longest pause before a function that does not start is started again.
const LONGEST_BACKOFF: Duration = Duration::from_secs(10);

/// Everything that the processes of a function share.
pub(crate) struct FunctionSetup {
    pub(crate) spec: FunctionSpec,
    pub(crate) names: LocalNames,
    pub(crate) endpoints: Endpoints,
    pub(crate) extra_environment: BTreeMap<String, String>,
    pub(crate) launcher: Launcher,
    pub(crate) observer: Observer,
    pub(crate) clock: Clock,
    /// Processes at one time, unless the template reserves a concurrency.
    pub(crate) default_concurrency: usize,
}

/// What to do when all processes are busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// Refuse if the template reserves a concurrency, as Lambda does; else wait this long for a free process.
    AsCaller(Duration),
    /// Wait as long as it takes: for pollers, which hold the event and come back by themselves in AWS.
    Always,
}

/// A function and its processes.
pub(crate) struct Function {
    setup: FunctionSetup,
    concurrency: usize,
    slots: Arc<Semaphore>,
    idle: Mutex<Vec<Process>>,
    busy: AtomicUsize,
    invocations: AtomicU64,
    errors: AtomicU64,
    throttles: AtomicU64,
    /// Starts that failed in a row.
    failed_starts: AtomicUsize,
    stop: watch::Sender<bool>,
}

/// Counts of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct FunctionCounts {
    pub(crate) idle: usize,
    pub(crate) busy: usize,
    pub(crate) invocations: u64,
    pub(crate) errors: u64,
    pub(crate) throttles: u64,
}

impl Function {
    pub(crate) fn new(setup: FunctionSetup) -> Self {
        let reserved =
            setup.spec.reserved_concurrency.map(|reserved| usize::try_from(reserved).unwrap_or(usize::MAX));
        let sources = setup.spec.queue_sources().filter_map(|source| source.maximum_concurrency);
        let concurrency =
            reserved.unwrap_or_else(|| sources.fold(setup.default_concurrency.max(1), usize::max));
        let concurrency = concurrency.min(Semaphore::MAX_PERMITS);
        Self {
            setup,
            concurrency,
            slots: Arc::new(Semaphore::new(concurrency)),
            idle: Mutex::new(Vec::new()),
            busy: AtomicUsize::new(0),
            invocations: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            throttles: AtomicU64::new(0),
            failed_starts: AtomicUsize::new(0),
            stop: watch::Sender::new(false),
        }
    }

    pub(crate) fn spec(&self) -> &FunctionSpec {
        &self.setup.spec
    }

    /// Processes that may run at one time.
    pub(crate) fn concurrency(&self) -> usize {
        self.concurrency
    }

    pub(crate) fn counts(&self) -> FunctionCounts {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        FunctionCounts {
            idle: idle.iter_mut().filter_map(|process| process.is_alive().then_some(())).count(),
            busy: self.busy.load(Ordering::Relaxed),
            invocations: self.invocations.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            throttles: self.throttles.load(Ordering::Relaxed),
        }
    }

    /// Invokes the function and waits for its answer. The invocation goes on when the caller goes away, as in Lambda.
    pub(crate) async fn invoke(
        self: &Arc<Self>,
        payload: Vec<u8>,
        waiting: Waiting,
        wants_log: bool,
    ) -> Result<InvokeAnswer, InvokeRefused> {
        check_size(&payload, MAX_SYNCHRONOUS_BYTES)?;
        let slot = self.slot(waiting).await?;
        let function = Arc::clone(self);
        let run = tokio::spawn(async move {
            let answer = function.run(payload, wants_log).await;
            drop(slot);
            answer
        });
        run.await.map_err(|_| InvokeRefused::Stopping)
    }

    /// Invokes the function as an event: a failure is tried again after one minute and then after two.
    pub(crate) async fn invoke_as_event(self: &Arc<Self>, payload: Vec<u8>) -> Result<(), InvokeRefused> {
        check_size(&payload, MAX_ASYNCHRONOUS_BYTES)?;
        let mut attempt = 0;
        loop {
            let answer = self.invoke(payload.clone(), Waiting::Always, false).await?;
            if answer.error.is_none() || attempt >= self.setup.spec.asynchronous_retries {
                return Ok(());
            }
            attempt += 1;
            let mut stop = self.stop.subscribe();
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(60) * attempt) => {}
                _ = stop.wait_for(|stop| *stop) => return Err(InvokeRefused::Stopping),
            }
        }
    }

    async fn slot(&self, waiting: Waiting) -> Result<OwnedSemaphorePermit, InvokeRefused> {
        let throttled = || {
            self.throttles.fetch_add(1, Ordering::Relaxed);
            InvokeRefused::Throttled
        };
        let slots = Arc::clone(&self.slots);
        match waiting {
            Waiting::AsCaller(limit) => {
                let limit =
                    if self.setup.spec.reserved_concurrency.is_some() { Duration::ZERO } else { limit };
                match timeout(limit, slots.acquire_owned()).await {
                    Ok(slot) => slot.map_err(|_| InvokeRefused::Stopping),
                    Err(_) => Err(throttled()),
                }
            }
            // A reserved concurrency of zero switches a function off.
            Waiting::Always if self.concurrency == 0 => Err(throttled()),
            Waiting::Always => slots.acquire_owned().await.map_err(|_| InvokeRefused::Stopping),
        }
    }

    async fn run(self: Arc<Self>, payload: Vec<u8>, wants_log: bool) -> InvokeAnswer {
        let _busy = Busy::begin(&self.busy);
        self.invocations.fetch_add(1, Ordering::Relaxed);
        let request_id = uuid::Uuid::new_v4().to_string();
        let (ran, process) = self.run_in_process(payload, &request_id).await;
        let mut log_lines = Vec::new();
        if let Some(mut process) = process {
            if wants_log {
                log_lines = process.lines().await;
            }
            if ran.outcome.keeps_process() && ran.started && process.is_alive() {
                self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(process);
            } else {
                process.end(&self.setup, false).await;
            }
        }
        let (payload, error) = ran.outcome.into_answer(&request_id, self.setup.spec.timeout);
        if error.is_some() {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
        self.setup.observer.tell(StackEvent::InvocationFinished {
            function: self.setup.spec.name.clone(),
            request_id: request_id.clone(),
            error: error.as_ref().map(|error| error.error_type.clone()),
            duration: ran.duration,
        });
        InvokeAnswer { request_id, payload, error, duration: ran.duration, log_lines }
    }

    async fn run_in_process(&self, payload: Vec<u8>, request_id: &str) -> (Ran, Option<Process>) {
        let failed = |outcome| Ran { outcome, duration: Duration::ZERO, started: false };
        let mut stop = self.stop.subscribe();
        let idle = self.take_idle().await;
        let started = match idle {
            Some(process) => Ok(process),
            None => self.start(&mut stop).await,
        };
        let mut process = match started {
            Ok(process) => process,
            Err(outcome) => return (failed(outcome), None),
        };
        let invocation = Invocation {
            request_id: request_id.to_owned(),
            payload,
            deadline_ms: 0,
            function_arn: self.setup.names.function_arn(&self.setup.spec.name),
            trace_id: trace_id(self.setup.clock.now_ms()),
        };
        let ran = process.run(invocation, self.setup.spec.timeout, &self.setup.clock, &mut stop).await;
        if ran.started {
            self.failed_starts.store(0, Ordering::Relaxed);
        } else {
            self.failed_starts.fetch_add(1, Ordering::Relaxed);
        }
        (ran, Some(process))
    }

    async fn start(&self, stop: &mut watch::Receiver<bool>) -> Result<Process, Outcome> {
        self.back_off().await;
        if *stop.borrow_and_update() {
            return Err(Outcome::Stopped);
        }
        Process::start(&self.setup).await.map_err(|why| {
            self.failed_starts.fetch_add(1, Ordering::Relaxed);
            Outcome::NotStarted(why)
        })
    }

    /// A process that waits for work; the ones that have died meanwhile are reaped.
    async fn take_idle(&self) -> Option<Process> {
        loop {
            let mut process = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if process.is_alive() {
                return Some(process);
            }
            process.end(&self.setup, false).await;
        }
    }

    async fn back_off(&self) {
        tokio::time::sleep(pause_after(self.failed_starts.load(Ordering::Relaxed))).await;
    }

    /// Ends everything without waiting for anything.
    pub(crate) fn abandon(&self) {
        self.slots.close();
        self.stop.send_replace(true);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Takes no more work, lets what runs finish within the limit, and ends every process.
    pub(crate) async fn end(&self, limit: Duration) {
        let all = u32::try_from(self.concurrency).unwrap_or(u32::MAX);
        // All slots free means that nothing runs.
        let quiet = timeout(limit, self.slots.acquire_many(all)).await;
        self.slots.close();
        drop(quiet);
        self.stop.send_replace(true);
        // What still runs is told to stop, and ends its process itself.
        while self.busy.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for process in idle {
            process.end(&self.setup, true).await;
        }
    }
}

/// Counts an invocation as running until it is dropped.
struct Busy<'c>(&'c AtomicUsize);

impl<'c> Busy<'c> {
    fn begin(count: &'c AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Doubles with every start that failed in a row, from a tenth of a second on.
fn pause_after(failed_starts: usize) -> Duration {
    match failed_starts {
        0 => Duration::ZERO,
        failures => Duration::from_millis(100 << (failures - 1).min(10)).min(LONGEST_BACKOFF),
    }
}

fn check_size(payload: &[u8], limit: usize) -> Result<(), InvokeRefused> {
    let bytes = payload.len();
    if bytes > limit { Err(InvokeRefused::TooLarge { bytes, limit }) } else { Ok(()) }
}

fn trace_id(now_ms: i64) -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("Root=1-{:08x}-{};Parent={};Sampled=0", now_ms / 1_000, &random[..24], &random[16..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_before_a_start_doubles_up_to_ten_seconds() {
        let pauses: Vec<u128> = (0..9).map(|failures| pause_after(failures).as_millis()).collect();
        assert_eq!(pauses, [0, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000]);
        assert_eq!(pause_after(usize::MAX), LONGEST_BACKOFF);
    }
}
