//! The stack under torment: a process of its own, so that it can be killed, and what its tormentor has of it.
//!
//! It is told what to do on standard input and tells what happens on standard output, a JSON object per line.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use embedded_aws::{Between, Clock, StackEvent};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::oneshot;

use crate::config::Config;
use crate::local::{self, LocalOptions};
use crate::screen;
use crate::stack::Address;

/// How long an invocation may take here, in seconds; a lease is longer, and a message is invisible for longer still.
const TIMEOUT_SECONDS: u32 = 6;
const LEASE_SECONDS: u32 = 8;
/// How much faster the clock of the queues runs: a message is invisible for ten seconds instead of sixty.
const PACE: i32 = 6;
/// How long the stack may take to start or to answer. The machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many log lines are kept for the story of a failure.
const KEPT_LINES: usize = 4_000;

/// What the process is started with.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Spec {
    pub(crate) config: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) port: u16,
    /// When the run began: the clock of the queues started then, whichever process reads it.
    pub(crate) began: Timestamp,
    /// Where functions are told that SQS and DynamoDB are.
    pub(crate) sqs: String,
    pub(crate) dynamodb: String,
}

/// Where the services really are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ready {
    pub(crate) sqs: String,
    pub(crate) dynamodb: String,
    pub(crate) webhooks: BTreeMap<String, String>,
}

/// What the tormentor asks for.
#[derive(Debug, Serialize, Deserialize)]
enum Order {
    /// Fires the schedule of a function.
    Poll { function: String },
    /// What waits.
    Status,
}

/// What the stack tells.
#[derive(Debug, Serialize, Deserialize)]
enum Told {
    Ready(Ready),
    Started { function: String, process: u32 },
    Ended { process: u32 },
    DeadLetter,
    Log { line: String },
    Status { waiting: usize, dead: usize },
    Polled { function: String, error: Option<String> },
    Failed { why: String },
}

/// The process itself: `bridge stack-under-torment SPEC`.
pub(crate) async fn run(spec: &Path) -> Result<ExitCode> {
    let text = std::fs::read_to_string(spec).with_context(|| format!("cannot read {}", spec.display()))?;
    let spec: Spec = serde_json::from_str(&text)?;
    let mut local = match start(&spec).await {
        Ok(local) => local,
        Err(error) => {
            tell(&Told::Failed { why: format!("{error:#}") });
            return Ok(ExitCode::FAILURE);
        }
    };
    let _announced = Address::of(&local.stack, Some(&spec.data), 0)?.announce(Some(&spec.data), 0)?;
    let endpoints = local.stack.endpoints();
    let webhooks = local.stack.routes().into_iter().filter(|(_, url, _)| !url.contains('{'));
    tell(&Told::Ready(Ready {
        sqs: endpoints.sqs.clone(),
        dynamodb: endpoints.dynamodb.clone(),
        webhooks: webhooks.map(|(_, url, function)| (function, url)).collect(),
    }));
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    loop {
        tokio::select! {
            event = local.events.recv() => {
                if let Some(told) = event.and_then(told) {
                    tell(&told);
                }
            }
            order = orders.next_line() => {
                // Whoever has started this is gone.
                let Ok(Some(order)) = order else { break };
                obey(&serde_json::from_str(&order)?, &local.stack).await;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn start(spec: &Spec) -> Result<local::Local> {
    let config = Config::read(&spec.config)?;
    let every_minute = "ScheduleExpression: rate(1 minute)";
    let edits = [
        (every_minute.to_owned(), format!("{every_minute}\n            State: DISABLED")),
        ("    Timeout: 30\n".to_owned(), format!("    Timeout: {TIMEOUT_SECONDS}\n")),
    ];
    let lease = BTreeMap::from([("LEASE_SECONDS".to_owned(), LEASE_SECONDS.to_string())]);
    let began = spec.began;
    let clock = Clock::from_fn(move || faster(began, Clock::system().now()));
    let options = LocalOptions {
        data: Some(spec.data.clone()),
        port: spec.port,
        environment: BTreeMap::from([("*".to_owned(), lease)]),
        template_edits: edits.into(),
        // Not the secrets: they are read once in the life of a process.
        between: Between {
            sqs: Some(spec.sqs.clone()),
            dynamodb: Some(spec.dynamodb.clone()),
            ..Between::default()
        },
        queue_clock: Some(clock),
        ..LocalOptions::default()
    };
    local::start(&config, options).await
}

/// The clock of the queues.
fn faster(began: Timestamp, now: Timestamp) -> Timestamp {
    let gone = now.duration_since(began);
    began.checked_add(gone.checked_mul(PACE).unwrap_or(gone)).unwrap_or(now)
}

async fn obey(order: &Order, stack: &embedded_aws::Stack) {
    match order {
        Order::Poll { function } => {
            let at_once = json!({ "detail": { "at_once": true } });
            let answer = stack.invoke(function, &at_once).await;
            let error = match answer {
                Ok(answer) => answer.error.map(|error| error.to_string()).or_else(|| undone(&answer.payload)),
                Err(refused) => Some(refused.to_string()),
            };
            tell(&Told::Polled { function: function.clone(), error });
        }
        Order::Status => {
            let queues = stack.status().queues;
            let count = |dead: bool| -> usize {
                let wanted = queues.iter().filter(|(name, _)| name.contains("dead") == dead);
                wanted.map(|(_, queue)| queue.visible + queue.in_flight + queue.delayed).sum()
            };
            tell(&Told::Status { waiting: count(false), dead: count(true) });
        }
    }
}

/// Why a poll has not looked at everything, by its answer.
fn undone(payload: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(payload);
    ["busy", "failed", "unavailable"]
        .into_iter()
        .find(|why| text.contains(&format!("\"{why}\"")))
        .map(str::to_owned)
}

fn told(event: StackEvent) -> Option<Told> {
    match event {
        StackEvent::ProcessStarted { function, process_id } => {
            Some(Told::Started { function, process: process_id })
        }
        StackEvent::ProcessExited { process_id, .. } => Some(Told::Ended { process: process_id }),
        StackEvent::DeadLettered(_) => Some(Told::DeadLetter),
        StackEvent::FunctionLog { line, .. } => Some(Told::Log { line }),
        StackEvent::Trouble { message } => Some(Told::Log { line: message }),
        _ => None,
    }
}

fn tell(told: &Told) {
    if let Ok(text) = serde_json::to_string(told) {
        screen::line(&text);
    }
}

/// What is known of the stack, whichever process it is at the moment.
#[derive(Debug, Default)]
struct Known {
    processes: BTreeMap<u32, String>,
    ready: Option<oneshot::Sender<Result<Ready, String>>>,
    status: Option<oneshot::Sender<(usize, usize)>>,
    polled: Option<oneshot::Sender<Option<String>>>,
    dead_letters: usize,
    lines: VecDeque<String>,
}

/// The stack, seen by its tormentor.
pub(crate) struct Tormented {
    child: Child,
    orders: ChildStdin,
    known: Arc<Mutex<Known>>,
    /// Where its services are.
    pub(crate) ready: Ready,
}

impl Tormented {
    /// Starts the process and waits until its services answer.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) async fn start(spec: &Path, before: Option<&Self>) -> Result<Self> {
        let program = std::env::current_exe().context("cannot find this binary")?;
        let mut child = Command::new(program)
            .arg("stack-under-torment")
            .arg(spec)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the stack")?;
        let (Some(orders), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("the stack has no pipes")
        };
        // The log goes on where that of the process before ended.
        let (lines, dead_letters) = before.map_or_else(Default::default, |before| {
            let known = before.known();
            (known.lines.clone(), known.dead_letters)
        });
        let (sender, ready) = oneshot::channel();
        let known = Known { ready: Some(sender), lines, dead_letters, ..Known::default() };
        let known = Arc::new(Mutex::new(known));
        let listener = Arc::clone(&known);
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if let Ok(told) = serde_json::from_str(&line) {
                    listener.lock().unwrap_or_else(PoisonError::into_inner).hear(told);
                }
            }
        });
        let ready = tokio::time::timeout(PATIENCE, ready).await.context("the stack does not start")?;
        let ready = ready.context("the stack ended while it started")?.map_err(anyhow::Error::msg)?;
        Ok(Self { child, orders, known, ready })
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Messages that wait or are in flight, and dead letters.
    pub(crate) async fn waiting(&mut self) -> Result<(usize, usize)> {
        let (sender, answer) = oneshot::channel();
        self.known().status = Some(sender);
        self.order(&Order::Status).await?;
        Ok(tokio::time::timeout(PATIENCE, answer).await.context("the stack says nothing")??)
    }

    /// Fires the schedule of a function and waits for its end; gives its error, or why it has not looked at everything.
    pub(crate) async fn poll(&mut self, function: &str) -> Result<Option<String>> {
        let (sender, answer) = oneshot::channel();
        self.known().polled = Some(sender);
        self.order(&Order::Poll { function: function.to_owned() }).await?;
        Ok(tokio::time::timeout(PATIENCE, answer).await.context("the poll does not end")??)
    }

    async fn order(&mut self, order: &Order) -> Result<()> {
        let line = format!("{}\n", serde_json::to_string(order)?);
        self.orders.write_all(line.as_bytes()).await.context("the stack does not listen")?;
        Ok(self.orders.flush().await?)
    }

    /// Ends every process of the functions that fit, without a word; how many.
    pub(crate) fn kill_functions(&self, fits: impl Fn(&str) -> bool) -> usize {
        self.known().kill(fits)
    }

    /// Ends every push, for whoever wants that from another task.
    pub(crate) fn killer(&self) -> impl Fn() + Send + Sync + 'static {
        let known = Arc::clone(&self.known);
        move || {
            known.lock().unwrap_or_else(PoisonError::into_inner).kill(|function| function.contains("push-"));
        }
    }

    /// Ends the whole stack without a word. Its functions are left alone, as machines of a cloud would be.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        self.child.start_kill().context("the stack cannot be killed")?;
        self.child.wait().await?;
        Ok(())
    }

    /// How many messages were given up.
    pub(crate) fn dead_letters(&self) -> usize {
        self.known().dead_letters
    }

    /// The log lines that hold one of these texts, the last of them.
    pub(crate) fn lines_with(&self, texts: &[String], most: usize) -> Vec<String> {
        let known = self.known();
        let fitting = known.lines.iter().filter(|line| texts.iter().any(|text| line.contains(text.as_str())));
        let fitting: Vec<String> = fitting.cloned().collect();
        fitting[fitting.len().saturating_sub(most)..].to_vec()
    }
}

impl Known {
    /// Ends the processes of the functions that fit; how many.
    fn kill(&self, fits: impl Fn(&str) -> bool) -> usize {
        let doomed = self.processes.iter().filter(|(_, function)| fits(function));
        doomed.filter(|(process, _)| kill(**process)).count()
    }

    fn hear(&mut self, told: Told) {
        match told {
            Told::Ready(ready) => answer(&mut self.ready, Ok(ready)),
            Told::Failed { why } => answer(&mut self.ready, Err(why)),
            Told::Status { waiting, dead } => answer(&mut self.status, (waiting, dead)),
            Told::Polled { error, .. } => answer(&mut self.polled, error),
            Told::Started { function, process } => drop(self.processes.insert(process, function)),
            Told::Ended { process } => drop(self.processes.remove(&process)),
            Told::DeadLetter => self.dead_letters += 1,
            Told::Log { line } => {
                if self.lines.len() == KEPT_LINES {
                    self.lines.pop_front();
                }
                self.lines.push_back(line);
            }
        }
    }
}

/// Answers who asked, if somebody still waits.
fn answer<T>(asked: &mut Option<oneshot::Sender<T>>, with: T) {
    if let Some(sender) = asked.take() {
        let _ = sender.send(with);
    }
}

/// `kill -9`; false when there is no such process any more.
#[cfg(unix)]
fn kill(process: u32) -> bool {
    let id = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    id.is_some_and(|id| rustix::process::kill_process(id, rustix::process::Signal::KILL).is_ok())
}

#[cfg(not(unix))]
fn kill(_process: u32) -> bool {
    false
}

impl std::fmt::Debug for Tormented {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tormented").field("ready", &self.ready).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn the_clock_of_the_queues_is_ahead_and_never_goes_back() {
        let began = Timestamp::UNIX_EPOCH;
        let at = |seconds| began.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(began);
        assert_eq!(faster(began, began), began);
        assert_eq!(faster(began, at(10)), at(60));
    }

    #[test]
    fn what_is_told_is_read() {
        let mut known = Known::default();
        known.hear(Told::Started { function: "push-mautic".to_owned(), process: 7 });
        known.hear(Told::DeadLetter);
        assert_eq!((known.processes.len(), known.dead_letters), (1, 1));
        known.hear(Told::Ended { process: 7 });
        assert_eq!(known.processes.len(), 0);
        for told in [Told::Log { line: "x".to_owned() }, Told::Status { waiting: 1, dead: 0 }] {
            let text = serde_json::to_string(&told).unwrap_or_default();
            assert!(serde_json::from_str::<Told>(&text).is_ok(), "{text}");
        }
    }
}
