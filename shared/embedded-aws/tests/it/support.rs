//! A stack for a test, and waiting for what happens in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use embedded_aws::{Stack, StackEvent, StackOptions};
use tokio::sync::mpsc::UnboundedReceiver;

/// Nothing here takes long; whoever waits this long waits in vain.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program of one of the examples.
///
/// `cargo test` builds them, but not when it is given the name of a test, nor with `--test it`. A missing or outdated
/// program would make a test mean something else, so it is refused.
pub(crate) fn example(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push("examples");
    path.push(name);
    let built = std::fs::metadata(&path).and_then(|found| found.modified()).ok();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = newest(&here.join("src")).max(newest(&here.join("examples").join(format!("{name}.rs"))));
    assert!(
        built.is_some_and(|built| built >= source),
        "{} is missing or older than its source; run `cargo build -p embedded-aws --examples` first",
        path.display()
    );
    path
}

/// When the newest file below a path was changed.
fn newest(path: &Path) -> SystemTime {
    match std::fs::read_dir(path) {
        Ok(entries) => {
            entries.map(|entry| newest(&entry.unwrap().path())).max().unwrap_or(SystemTime::UNIX_EPOCH)
        }
        Err(_) => std::fs::metadata(path).unwrap().modified().unwrap(),
    }
}

/// Options with the echo function behind every function.
pub(crate) fn options(template: &str) -> StackOptions {
    let program = example("echo-function");
    StackOptions::new(template, Arc::new(move |_| tokio::process::Command::new(&program)))
}

/// A running stack and what it tells.
pub(crate) struct Running {
    pub(crate) stack: Stack,
    pub(crate) events: UnboundedReceiver<StackEvent>,
    /// Events that nobody has waited for yet. A line can come after what followed from it.
    seen: Vec<StackEvent>,
}

pub(crate) async fn start(template: &str) -> Running {
    start_with(options(template)).await
}

pub(crate) async fn start_with(mut options: StackOptions) -> Running {
    let (sender, events) = tokio::sync::mpsc::unbounded_channel();
    options.observer = Some(sender);
    Running { stack: Stack::start(options).await.unwrap(), events, seen: Vec::new() }
}

impl Running {
    /// Waits for an event, takes it out, and gives what the function makes of it.
    pub(crate) async fn wait<T>(
        &mut self,
        what: &str,
        mut wanted: impl FnMut(&StackEvent) -> Option<T>,
    ) -> T {
        let known = self.seen.iter().enumerate().find_map(|(place, event)| Some((place, wanted(event)?)));
        if let Some((place, found)) = known {
            self.seen.remove(place);
            return found;
        }
        let search = async {
            loop {
                let event = self.events.recv().await.expect("the stack has ended");
                if let Some(found) = wanted(&event) {
                    return found;
                }
                self.seen.push(event);
            }
        };
        match tokio::time::timeout(PATIENCE, search).await {
            Ok(found) => found,
            Err(elapsed) => panic!("{what} did not happen ({elapsed}); instead: {:#?}", self.seen),
        }
    }

    /// Waits for a line that a function writes.
    pub(crate) async fn line(&mut self, expected: &str) {
        self.wait(expected, |event| match event {
            StackEvent::FunctionLog { line, .. } if line == expected => Some(()),
            _ => None,
        })
        .await;
    }

    /// Waits for the next line that begins so.
    pub(crate) async fn line_from(&mut self, start: &str) -> String {
        self.wait(start, |event| match event {
            StackEvent::FunctionLog { line, .. } if line.starts_with(start) => Some(line.clone()),
            _ => None,
        })
        .await
    }
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = tokio::time::Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < PATIENCE, "{what} did not come true");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether a process runs. One that has ended and that nobody has waited for counts as ended where that can be seen.
pub(crate) fn is_running(process_id: u32) -> bool {
    let process = i32::try_from(process_id).ok().and_then(rustix::process::Pid::from_raw).unwrap();
    if rustix::process::test_kill_process(process).is_err() {
        return false;
    }
    let status = std::fs::read_to_string(format!("/proc/{process_id}/stat")).unwrap_or_default();
    let state = status.rsplit(')').next().and_then(|rest| rest.split_whitespace().next());
    !matches!(state, Some("X" | "Z"))
}
