//! One process of a function, from its start to its end.

use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::answer::Outcome;
use super::environment;
use super::function::FunctionSetup;
use super::logs::{self, LogTail};
use super::runtime_api::{Invocation, RuntimeApi};
use crate::clock::Clock;
use crate::event::{Observer, StackEvent};
use crate::template::FunctionSpec;

/// Makes the command that runs a function. The stack adds the environment and the pipes.
pub type Launcher = Arc<dyn Fn(&FunctionSpec) -> Command + Send + Sync>;

/// Time that Lambda gives a process to start, on top of the function's own timeout.
const START_LIMIT: Duration = Duration::from_secs(10);
/// Between SIGTERM and SIGKILL, for a process with an extension. Source: Lambda developer guide, "Shutdown phase".
const TERMINATION_LIMIT: Duration = Duration::from_millis(500);
/// How long the lines of a process that has ended are waited for.
const LAST_LINES_LIMIT: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    id: u32,
    api: RuntimeApi,
    tail: LogTail,
    readers: Vec<JoinHandle<()>>,
    begun: Instant,
    asked_once: bool,
    function: String,
    observer: Observer,
}

/// How an invocation went, and for how long the function had it.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) outcome: Outcome,
    pub(super) duration: Duration,
    /// Whether the process had come so far as to ask for an event.
    pub(super) started: bool,
}

impl Process {
    pub(super) async fn start(setup: &FunctionSetup) -> Result<Self, String> {
        let spec = &setup.spec;
        let api = RuntimeApi::start(&spec.name, &spec.handler).await.map_err(|error| error.to_string())?;
        let mut command = (setup.launcher)(spec);
        let own: Vec<_> = command
            .as_std()
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        command
            .env_clear()
            .envs(environment::inherited())
            .envs(own)
            .envs(environment::variables(
                spec,
                &setup.names.region,
                &setup.endpoints,
                &setup.extra_environment,
            ))
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // Ctrl-C in a terminal goes to the whole group; the stack wants to end its functions itself, after their work.
        #[cfg(unix)]
        command.process_group(0);
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        let begun = Instant::now();
        let mut child = command.spawn().map_err(|error| format!("cannot start {program}: {error}"))?;
        let id = child.id().unwrap_or_default();
        let tail = LogTail::default();
        let mut readers = Vec::new();
        if let Some(pipe) = child.stdout.take() {
            readers.push(logs::read(pipe, spec.name.clone(), tail.clone(), setup.observer.clone()));
        }
        if let Some(pipe) = child.stderr.take() {
            readers.push(logs::read(pipe, spec.name.clone(), tail.clone(), setup.observer.clone()));
        }
        setup.observer.tell(StackEvent::ProcessStarted { function: spec.name.clone(), process_id: id });
        let (function, observer) = (spec.name.clone(), setup.observer.clone());
        Ok(Self { child, id, api, tail, readers, begun, asked_once: false, function, observer })
    }

    /// True while the process runs. Reaps it if it has ended.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Hands one event over and waits for its answer, the deadline, the end of the process, or the end of the stack.
    pub(super) async fn run(
        &mut self,
        mut invocation: Invocation,
        limit: Duration,
        clock: &Clock,
        stop: &mut watch::Receiver<bool>,
    ) -> Ran {
        self.tail.begin(&invocation.request_id);
        let start_limit = if self.asked_once { limit } else { START_LIMIT + limit };
        let start_deadline = Instant::now() + start_limit;
        let not_started = |outcome| Ran { outcome, duration: Duration::ZERO, started: false };
        let answered = loop {
            let asking = tokio::select! {
                biased;
                Some(asking) = self.api.asking.recv() => asking,
                Some(outcome) = self.api.init_errors.recv() => {
                    // The runtime ends itself after it has said so.
                    let _ = timeout(LAST_LINES_LIMIT, self.child.wait()).await;
                    return not_started(outcome);
                }
                status = self.child.wait() => return not_started(Outcome::Exited(describe(status))),
                () = tokio::time::sleep_until(start_deadline) => return not_started(Outcome::TimedOut),
                () = stopped(stop) => return not_started(Outcome::Stopped),
            };
            if !std::mem::replace(&mut self.asked_once, true) {
                let (function, after) = (self.function.clone(), self.begun.elapsed());
                self.observer.tell(StackEvent::ProcessReady { function, process_id: self.id, after });
            }
            let limit_ms = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
            invocation.deadline_ms = clock.now_ms().saturating_add(limit_ms);
            let answered = self.api.begin(&invocation);
            // A request that was given up meanwhile takes nothing; the process asks again.
            if asking.send(invocation.clone()).is_ok() {
                break answered;
            }
        };
        let begun = Instant::now();
        let outcome = tokio::select! {
            biased;
            Ok(outcome) = answered => outcome,
            status = self.child.wait() => Outcome::Exited(describe(status)),
            () = tokio::time::sleep_until(begun + limit) => Outcome::TimedOut,
            () = stopped(stop) => Outcome::Stopped,
        };
        Ran { outcome, duration: begun.elapsed(), started: true }
    }

    /// The lines of the last invocation. What the process wrote before it answered is in the pipe by then, so a
    /// moment is enough for the readers.
    pub(super) async fn lines(&mut self) -> Vec<String> {
        if self.is_alive() {
            tokio::time::sleep(Duration::from_millis(30)).await;
        } else {
            for reader in &mut self.readers {
                let _ = timeout(LAST_LINES_LIMIT, reader).await;
            }
            self.readers.clear();
        }
        self.tail.lines()
    }

    /// Ends the process: SIGTERM first if it has an extension, as Lambda does, then SIGKILL.
    pub(super) async fn end(mut self, setup: &FunctionSetup, graceful: bool) {
        if graceful && self.api.has_extensions() && self.is_alive() {
            self.terminate();
            let _ = timeout(TERMINATION_LIMIT, self.child.wait()).await;
        }
        if self.is_alive() {
            // It may end by itself in between.
            let _ = self.child.start_kill();
        }
        let status = match self.child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        for reader in &mut self.readers {
            let _ = timeout(LAST_LINES_LIMIT, reader).await;
        }
        let function = setup.spec.name.clone();
        setup.observer.tell(StackEvent::ProcessExited { function, process_id: self.id, status });
    }

    #[cfg(unix)]
    fn terminate(&self) {
        let id = i32::try_from(self.id).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(id) = id {
            // The process may end by itself in between.
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
    }

    #[cfg(not(unix))]
    fn terminate(&self) {}
}

/// Waits until the stack is told to stop, or is dropped.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// The words of Lambda for the end of a process.
fn describe(status: std::io::Result<ExitStatus>) -> String {
    match status {
        Err(error) => format!("Runtime cannot be waited for: {error}"),
        Ok(status) if status.success() => "Runtime exited without providing a reason".to_owned(),
        Ok(status) => match status.code() {
            Some(code) => format!("Runtime exited with error: exit status {code}"),
            None => format!("Runtime exited with error: {}", signal(status)),
        },
    }
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match status.signal() {
        Some(9) => "signal: killed".to_owned(),
        Some(6) => "signal: aborted".to_owned(),
        Some(11) => "signal: segmentation fault".to_owned(),
        Some(15) => "signal: terminated".to_owned(),
        Some(other) => format!("signal: {other}"),
        None => status.to_string(),
    }
}

#[cfg(not(unix))]
fn signal(status: ExitStatus) -> String {
    status.to_string()
}
