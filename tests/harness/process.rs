//! The bridge command line as a program of its own: started, read, interrupted, killed.

use std::ffi::OsStr;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How long a program may take to say or do what a story waits for.
const PATIENCE: Duration = Duration::from_secs(180);

/// A program that runs. Dropping it kills it.
#[derive(Debug)]
pub struct Program {
    child: Child,
    output: UnboundedReceiver<String>,
    /// What it has said so far, standard error included.
    pub said: Vec<String>,
}

/// How a program has ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; none when a signal has ended it.
    pub code: Option<i32>,
    /// Everything that it has said.
    pub said: Vec<String>,
}

impl Ended {
    /// Everything that it has said, as one text.
    pub fn text(&self) -> String {
        self.said.join("\n")
    }
}

impl Program {
    /// Starts a program; its output is read as a pipe.
    ///
    /// # Panics
    /// It does not start.
    pub fn start<A: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = A>) -> Self {
        Self::start_in(program, arguments, &[])
    }

    /// Starts a program with more environment variables.
    ///
    /// # Panics
    /// It does not start.
    pub fn start_in<A: AsRef<OsStr>>(
        program: &str,
        arguments: impl IntoIterator<Item = A>,
        environment: &[(&str, &str)],
    ) -> Self {
        let mut command = Command::new(program);
        command.envs(environment.iter().copied());
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.kill_on_drop(true).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{program}: {error}"));
        let (sender, output) = unbounded_channel();
        pass_on(child.stdout.take(), sender.clone());
        pass_on(child.stderr.take(), sender);
        Self { child, output, said: Vec::new() }
    }

    /// Waits until it has said a line that holds this text, and gives the line.
    ///
    /// # Panics
    /// It does not.
    pub async fn until_said(&mut self, holds: &str) -> String {
        let begun = Instant::now();
        loop {
            if let Some(line) = self.said.iter().find(|line| line.contains(holds)) {
                return line.clone();
            }
            let left = PATIENCE.saturating_sub(begun.elapsed());
            match tokio::time::timeout(left, self.output.recv()).await {
                Ok(Some(line)) => self.said.push(line),
                Ok(None) | Err(_) => panic!("the program never said {holds:?}, but {:#?}", self.said),
            }
        }
    }

    /// Takes in what it has said meanwhile.
    pub fn listen(&mut self) {
        while let Ok(line) = self.output.try_recv() {
            self.said.push(line);
        }
    }

    /// Asks it to end as Ctrl-C does.
    pub fn interrupt(&self) {
        if let Some(id) = self.child.id() {
            signal("-INT", id);
        }
    }

    /// Ends it without a word, as `kill -9` does, and waits until it is gone.
    ///
    /// # Panics
    /// It cannot be ended.
    pub async fn kill(mut self) -> Ended {
        self.child.start_kill().unwrap_or_else(|error| panic!("{error}"));
        self.end().await
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// It does not.
    pub async fn end(mut self) -> Ended {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status: ExitStatus = match ended {
            Ok(Ok(status)) => status,
            _ => panic!("the program does not end; it said {:#?}", self.said),
        };
        // A process that it has left behind may still hold the pipe.
        while let Ok(Some(line)) = tokio::time::timeout(Duration::from_secs(2), self.output.recv()).await {
            self.said.push(line);
        }
        Ended { code: status.code(), said: self.said }
    }
}

/// `kill -9` of a process that the story has started.
pub fn end_process(id: u32) {
    signal("-KILL", id);
}

fn signal(name: &str, id: u32) {
    let done = std::process::Command::new("kill").arg(name).arg(id.to_string()).status();
    assert!(done.is_ok_and(|status| status.success()), "kill {name} {id} failed");
}

fn pass_on(stream: Option<impl AsyncRead + Unpin + Send + 'static>, sender: UnboundedSender<String>) {
    let Some(stream) = stream else { return };
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
}
