//! In-memory twins of the ports: what each port promises, in the fewest lines.
//!
//! Every call yields once before it acts, so that a scheduler can interleave pushes at any step, or drop one
//! there as a crash would.

pub mod clock;
pub mod cursors;
pub mod queue;
pub mod store;
pub mod system;

pub use clock::MemoryClock;
pub use cursors::MemoryCursors;
pub use queue::MemoryQueue;
pub use store::MemoryStore;
pub use system::{MemoryField, MemorySchema, MemorySystem};

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

/// Gives way once.
pub(crate) struct Step(bool);

pub(crate) fn step() -> Step {
    Step(false)
}

impl Future for Step {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A lock whose holder's panic does not spread: the data are plain values.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
