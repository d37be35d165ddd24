//! What the operating system has counted for each process, and when what was logged.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use embedded_aws::StackEvent;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;

use super::bill::Bill;
use crate::functions;

/// How often processes are looked at: one that ends takes with it what it used since.
const LOOKS: Duration = Duration::from_millis(100);
/// In what Linux counts a process's time for others: hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;
/// The page that the fields of `/proc/<id>/stat` stand on: proc(5). User time is the 14th, system time the 15th.
const USER_TIME: usize = 14;

/// What a process has used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Used {
    cpu_seconds: f64,
    peak_mib: f64,
}

#[derive(Debug, Default)]
struct Seen {
    /// By process: its function, and what it has used.
    processes: BTreeMap<u32, (String, Used)>,
    alive: Vec<u32>,
    /// When a record's change was pushed first, by the function and the record's id.
    pushed: HashMap<(String, String), Instant>,
    /// How many changes were pushed, by outcome.
    outcomes: BTreeMap<String, usize>,
    /// How many requests functions have answered with success.
    webhooks: usize,
    /// What AWS counts of the API, the queues' pollers and the logs.
    bill: Bill,
    /// How long each invocation took, by function.
    took: HashMap<String, Vec<Duration>>,
}

/// Watches a stack.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    seen: Arc<Mutex<Seen>>,
    before: Used,
}

impl Meter {
    /// Begins to watch. What this process has used so far does not count.
    pub(crate) fn start(mut events: UnboundedReceiver<StackEvent>) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let watching = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                lock(&watching).take(event);
            }
        });
        let looking = Arc::downgrade(&seen);
        tokio::spawn(async move {
            while let Some(seen) = looking.upgrade() {
                lock(&seen).look();
                drop(seen);
                tokio::time::sleep(LOOKS).await;
            }
        });
        Self { seen, before: used("self").unwrap_or_default() }
    }

    /// What this process has used so far does not count any more: what a run needs is there from now on.
    pub(crate) fn begin_here(&mut self) {
        self.before = used("self").unwrap_or_default();
    }

    /// Seconds of the processor so far by role: the first word of the function's name, and `emulation`, this process.
    /// Empty where the operating system does not tell.
    pub(crate) fn cpu_seconds(&self) -> BTreeMap<String, f64> {
        let mut seen = lock(&self.seen);
        seen.look();
        let mut roles = BTreeMap::new();
        for (function, used) in seen.processes.values() {
            let role = function.split('-').next().unwrap_or_default();
            *roles.entry(role.to_owned()).or_default() += used.cpu_seconds;
        }
        if let Some(own) = used("self") {
            roles.insert("emulation".to_owned(), own.cpu_seconds - self.before.cpu_seconds);
        }
        roles
    }

    /// The most memory that a process of each function has held, in MiB.
    pub(crate) fn peak_memory(&self) -> BTreeMap<String, f64> {
        let mut peaks = BTreeMap::<String, f64>::new();
        for (function, used) in lock(&self.seen).processes.values().filter(|(_, used)| used.peak_mib > 0.0) {
            let peak = peaks.entry(function.clone()).or_default();
            *peak = peak.max(used.peak_mib);
        }
        peaks
    }

    /// The most memory that a process has held so far, in MiB; 0 where nobody tells.
    pub(crate) fn peak_of(process: u32) -> f64 {
        used(&process.to_string()).map_or(0.0, |used| used.peak_mib)
    }

    /// When a function has pushed a change of a record first.
    pub(crate) fn pushed(&self, function: &str, id: &str) -> Option<Instant> {
        lock(&self.seen).pushed.get(&(function.to_owned(), id.to_owned())).copied()
    }

    /// How many requests were answered with success.
    pub(crate) fn webhooks(&self) -> usize {
        lock(&self.seen).webhooks
    }

    /// What AWS has counted so far of the API, the functions, the queues' pollers and the logs. `memory` is that of each
    /// function, in MB.
    pub(super) fn bill(&self, memory: &BTreeMap<&str, u32>) -> Bill {
        let seen = lock(&self.seen);
        let mut bill = seen.bill;
        for (function, took) in &seen.took {
            let memory = memory.get(function.as_str()).copied().unwrap_or_default();
            for took in took {
                bill.invocation(*took, memory);
            }
        }
        bill
    }

    /// How many changes were pushed, whatever became of them.
    pub(crate) fn changes(&self) -> usize {
        lock(&self.seen).outcomes.values().sum()
    }

    /// Forgets what was pushed so far.
    pub(crate) fn forget_changes(&self) {
        let mut seen = lock(&self.seen);
        seen.pushed.clear();
        seen.outcomes.clear();
        seen.webhooks = 0;
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seen {
    fn take(&mut self, event: StackEvent) {
        match event {
            StackEvent::ProcessStarted { function, process_id } => {
                self.processes.insert(process_id, (known(&function).to_owned(), Used::default()));
                self.alive.push(process_id);
            }
            StackEvent::ProcessExited { process_id, .. } => self.alive.retain(|id| *id != process_id),
            StackEvent::FunctionLog { function, line, .. } => {
                self.bill.log_line(&line);
                self.read(known(&function), &line);
            }
            StackEvent::RequestServed { function, status, .. } => {
                self.bill.gateway_request();
                if function.is_some() && (200..300).contains(&status) {
                    self.webhooks += 1;
                }
            }
            StackEvent::InvocationFinished { function, duration, .. } => {
                self.took.entry(function).or_default().push(duration);
            }
            StackEvent::BatchFinished { succeeded, .. } => self.bill.batch(succeeded),
            _ => {}
        }
    }

    /// The line that tells what became of a change.
    fn read(&mut self, function: &str, line: &str) {
        // Nothing else is worth being parsed: there are several lines for each change.
        if !line.contains("\"change pushed\"") {
            return;
        }
        let Ok(line) = serde_json::from_str::<Value>(line) else { return };
        let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
        *self.outcomes.entry(text("outcome").to_owned()).or_default() += 1;
        let key = (function.to_owned(), text("record.id").to_owned());
        self.pushed.entry(key).or_insert_with(Instant::now);
    }

    fn look(&mut self) {
        for id in &self.alive {
            if let (Some((_, kept)), Some(used)) = (self.processes.get_mut(id), used(&id.to_string())) {
                *kept = used;
            }
        }
    }
}

/// The name of a function without that of its stack, with which it may begin.
fn known(function: &str) -> &str {
    functions::names().find(|name| function.ends_with(name)).unwrap_or(function)
}

/// What a process has used, as Linux tells it; nothing elsewhere.
fn used(process: &str) -> Option<Used> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    Some(Used { cpu_seconds: cpu_seconds(&stat)?, peak_mib: peak_mib(&status).unwrap_or_default() })
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    // The second field is the name of the program in brackets, and may hold anything.
    let (_, behind) = stat.rsplit_once(')')?;
    let mut fields = behind.split_whitespace().skip(USER_TIME - 3);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) / TICKS_PER_SECOND)
}

fn peak_mib(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_of_linux_are_read() {
        let stat = "4711 (push co) rebos) S 1 4711 4711 0 -1 4194560 2000 0 0 0 250 75 0 0 20 0 3 0 100 1 2";
        assert_eq!(cpu_seconds(stat), Some(3.25));
        assert_eq!(cpu_seconds("4711 (x"), None);
        assert_eq!(peak_mib("Name:\tx\nVmPeak:\t9 kB\nVmHWM:\t   24576 kB\n"), Some(24.0));
        assert_eq!(peak_mib("Name:\tx\n"), None);
    }

    #[test]
    fn a_change_is_counted_by_its_outcome_and_timed_once() {
        let mut seen = Seen::default();
        let line = |outcome: &str| {
            format!(r#"{{"message":"change pushed","record.id":"47","outcome":"{outcome}"}}"#)
        };
        let key = ("push-corebos".to_owned(), "47".to_owned());
        seen.read("push-corebos", &line("created"));
        let first = seen.pushed.get(&key).copied();
        seen.read("push-corebos", &line("skipped"));
        seen.read("push-corebos", r#"{"message":"something else","record.id":"48"}"#);
        assert!(first.is_some() && seen.pushed.get(&key).copied() == first && seen.pushed.len() == 1);
        assert_eq!(seen.outcomes, [("created".to_owned(), 1), ("skipped".to_owned(), 1)].into());
    }

    #[test]
    fn a_function_is_known_by_the_end_of_its_name() {
        let mut seen = Seen::default();
        let function = "some-stack-push-corebos".to_owned();
        seen.take(StackEvent::ProcessStarted { function: function.clone(), process_id: 7 });
        assert_eq!(seen.processes.get(&7).map(|(name, _)| name.as_str()), Some("push-corebos"));
        seen.take(StackEvent::ProcessExited { function, process_id: 7, status: String::new() });
        assert!(seen.alive.is_empty());
    }
}
