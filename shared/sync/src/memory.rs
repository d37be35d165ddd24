//! In-memory twins of the ports: what each port promises, in the fewest lines.
//!
//! Every call yields once before it acts, so that a scheduler can interleave pushes at any step, or drop one
//! there as a crash would.

pub mod budget;
pub mod clock;
pub mod cursors;
pub mod imports;
pub mod people;
pub mod queue;
pub mod schema;
pub mod sessions;
mod stock;
pub mod store;
pub mod system;

pub use budget::MemoryBudget;
pub use clock::MemoryClock;
pub use cursors::MemoryCursors;
pub use imports::MemoryImports;
pub use queue::MemoryQueue;
pub use schema::{MemoryField, MemorySchema};
pub use sessions::MemorySessions;
pub use store::MemoryStore;
pub use system::{Habits, MemorySystem};

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

thread_local! {
    static ABOUT_TO: Cell<&'static str> = const { Cell::new("") };
}

/// What the call that gave way last on this thread is about to do: `claim`, `update`, `settle`. A scheduler stops
/// pushes at such places, and tells of them.
pub fn about_to() -> &'static str {
    ABOUT_TO.get()
}

/// Gives way once.
pub(crate) struct Step(bool);

/// Gives way before something that no scheduler looks for by name.
pub(crate) fn step() -> Step {
    before("go on")
}

/// Gives way before doing this.
pub(crate) fn before(what: &'static str) -> Step {
    ABOUT_TO.set(what);
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
