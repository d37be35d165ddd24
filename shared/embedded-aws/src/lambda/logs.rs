//! What a process writes, line by line, to the observer and to the answer of the running invocation.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::task::JoinHandle;

use crate::event::{Observer, StackEvent};

/// Lines kept per invocation.
const MAX_LINES: usize = 1_000;

/// The lines of the running invocation.
#[derive(Debug, Clone, Default)]
pub(super) struct LogTail(Arc<Mutex<Tail>>);

#[derive(Debug, Default)]
struct Tail {
    request_id: Option<String>,
    lines: Vec<String>,
}

impl LogTail {
    pub(super) fn begin(&self, request_id: &str) {
        let mut tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Lines from before the first invocation belong to it: they tell why a start went wrong.
        if tail.request_id.is_some() {
            tail.lines.clear();
        }
        tail.request_id = Some(request_id.to_owned());
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).lines.clone()
    }

    fn add(&self, line: &str) -> Option<String> {
        let mut tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.lines.len() < MAX_LINES {
            tail.lines.push(line.to_owned());
        }
        tail.request_id.clone()
    }
}

/// Reads a pipe to its end. A line that is not UTF-8 is shown with replacement characters.
pub(super) fn read(
    pipe: impl AsyncRead + Unpin + Send + 'static,
    function: String,
    tail: LogTail,
    observer: Observer,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut reader = BufReader::new(pipe);
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            match reader.read_until(b'\n', &mut bytes).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            let text = String::from_utf8_lossy(&bytes);
            let line = text.trim_end_matches(['\n', '\r']);
            let request_id = tail.add(line);
            let line = line.to_owned();
            observer.tell(StackEvent::FunctionLog { function: function.clone(), request_id, line });
        }
    })
}
