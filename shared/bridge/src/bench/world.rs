//! What the runs on the stack have in common: a world of stand-ins and functions, senders, and the wait until it is quiet.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use embedded_aws::{Between, Stack};
use futures::future::join_all;
use http_client::{BaseUrl, Client, ClientSettings, Method, Request};
use url::Url;

use super::figures::Figures;
use super::meter::Meter;
use crate::local::{self, Local, LocalOptions};
use crate::progress;
use crate::simulated::Simulated;

/// Requests that are under way at the same time.
const SENDERS: usize = 8;
/// How often it is looked whether all is quiet.
const LOOKS: Duration = Duration::from_millis(20);
/// How many looks in a row must find nothing.
const CALM_LOOKS: usize = 10;
/// How long nothing may happen before the run is given up.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long running work may take to finish at the end.
const GRACE: Duration = Duration::from_secs(5);

/// A stack with stand-ins, and what is counted in it.
pub(super) struct World {
    pub(super) systems: Simulated,
    pub(super) local: Local,
    pub(super) meter: Meter,
}

impl World {
    /// Starts the stack. Nothing is polled, so that nothing but the run's own events happens.
    pub(super) async fn start(systems: Simulated, functions: Option<&Path>) -> Result<Self> {
        Self::start_between(systems, functions, Between::default()).await
    }

    /// The same with somebody between the functions and the services of AWS.
    pub(super) async fn start_between(
        systems: Simulated,
        functions: Option<&Path>,
        between: Between,
    ) -> Result<Self> {
        let options = LocalOptions {
            without_schedules: true,
            between,
            functions: functions.map(Path::to_path_buf),
            ..LocalOptions::default()
        };
        let mut local = local::start(&systems.config()?, options).await?;
        let (_, none) = tokio::sync::mpsc::unbounded_channel();
        let meter = Meter::start(std::mem::replace(&mut local.events, none));
        Ok(Self { systems, local, meter })
    }

    /// The figures that every run has, and the end of the stack. `begun` is when the first event was sent, `done` when
    /// the last effect was there.
    pub(super) async fn end(self, figures: Figures, begun: Instant, done: Instant) -> Figures {
        let seconds = done.duration_since(begun).as_secs_f64();
        let thousands = number(figures.events) / 1000.0;
        let cpu = self.meter.cpu_seconds();
        let figures = Figures {
            seconds,
            per_second: Some(number(figures.events) / seconds),
            cpu_seconds_per_1000: cpu.into_iter().map(|(role, cpu)| (role, cpu / thousands)).collect(),
            peak_memory_mib: self.meter.peak_memory(),
            ..figures
        };
        self.local.stack.stop(GRACE).await;
        figures
    }

    /// Waits until no message waits or is under way; when that was.
    ///
    /// # Errors
    /// Nothing moves any more, and messages are left.
    pub(super) async fn until_quiet(&self, what: &str) -> Result<Instant> {
        let waiting = || unfinished(&self.local.stack);
        let bar = progress::bar(waiting(), what);
        let (mut calm, mut least, mut moved) = (0, usize::MAX, Instant::now());
        let mut quiet_since = Instant::now();
        while calm < CALM_LOOKS {
            let left = waiting();
            if left == 0 {
                if calm == 0 {
                    quiet_since = Instant::now();
                }
                calm += 1;
            } else {
                calm = 0;
            }
            if left < least {
                (least, moved) = (left, Instant::now());
            }
            ensure!(moved.elapsed() < PATIENCE || left == 0, "{left} changes are left, and nothing moves");
            let total = usize::try_from(bar.length().unwrap_or_default()).unwrap_or(usize::MAX);
            bar.set_position(u64::try_from(total.saturating_sub(left)).unwrap_or_default());
            tokio::time::sleep(LOOKS).await;
        }
        bar.finish_and_clear();
        Ok(quiet_since)
    }
}

/// Messages that wait, rest or are under way, dead letters not included.
fn unfinished(stack: &Stack) -> usize {
    let status = stack.status();
    let queues = status.queues.iter().filter(|(name, _)| !name.contains("-dead"));
    queues.map(|(_, queue)| queue.visible + queue.in_flight + queue.delayed).sum()
}

/// One request of a run.
pub(super) struct Sent {
    pub(super) request: Request,
    /// What it is to be answered with.
    pub(super) status: u16,
}

/// When a request was begun, and how long its answer took.
pub(super) type Acknowledged = (Instant, Duration);

/// Sends requests, several at a time; `request(n)` is the one with the number `n`. Gives back each one's times, by number.
pub(super) async fn send_all(
    count: usize,
    what: &str,
    request: impl Fn(usize) -> Result<Sent>,
) -> Result<Vec<Acknowledged>> {
    let client = Client::new(ClientSettings::default())?;
    let bar = progress::bar(count, what);
    let next = AtomicUsize::new(0);
    let sender = async || -> Result<Vec<(usize, Acknowledged)>> {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(done);
            }
            let sent = request(number)?;
            let begun = Instant::now();
            let answer = client.send(&sent.request).await?;
            done.push((number, (begun, begun.elapsed())));
            ensure!(answer.status == sent.status, "request {number} is answered with {}", answer.status);
            bar.inc(1);
        }
    };
    let mut all = Vec::with_capacity(count);
    for done in join_all((0..SENDERS).map(|_| sender())).await {
        all.extend(done?);
    }
    bar.finish_and_clear();
    all.sort_unstable_by_key(|(number, _)| *number);
    Ok(all.into_iter().map(|(_, times)| times).collect())
}

/// A request to a webhook's URL.
pub(super) fn post(url: &str) -> Result<Request> {
    let url = Url::parse(url).context("the stack has no such URL")?;
    let base = BaseUrl::parse(url.origin().ascii_serialization().as_str())?;
    let path: Vec<&str> = url.path_segments().into_iter().flatten().collect();
    Ok(Request::write(Method::POST, base.join(path)))
}

#[expect(clippy::cast_precision_loss, reason = "it is shown with a few digits")]
pub(super) fn number(count: usize) -> f64 {
    count as f64
}
