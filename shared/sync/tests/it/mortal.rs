//! What polls are tried with: a worker that dies on the way, and a queue that can fail.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use model::{Notice, System};
use sync::{ChangeQueue, StoreError};

/// What comes of a future that is dropped after so many steps; nothing if it has not ended by then.
pub(crate) fn after_steps<T>(steps: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut running = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..steps {
        if let Poll::Ready(outcome) = running.as_mut().poll(&mut context) {
            return Some(outcome);
        }
    }
    None
}

/// A queue that can fail.
#[derive(Clone, Default)]
pub(crate) struct Queue {
    pub(crate) sent: Arc<Mutex<Vec<Notice>>>,
    pub(crate) fails: Arc<Mutex<bool>>,
}

impl ChangeQueue for Queue {
    fn reaches(&self, _: &System) -> bool {
        true
    }

    async fn send(&self, _: &System, notices: &[Notice]) -> Result<(), StoreError> {
        if *self.fails.lock().unwrap() {
            return Err(StoreError { detail: "asked to fail".to_owned() });
        }
        self.sent.lock().unwrap().extend(notices.iter().cloned());
        Ok(())
    }
}
