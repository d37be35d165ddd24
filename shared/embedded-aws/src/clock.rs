//! The clock, handed in so that tests own the time.

use std::sync::Arc;

use jiff::Timestamp;

/// Tells the time. Cloning is cheap; all clones tell the same time.
///
/// Everything that reasons about time in this crate asks a `Clock`. Waiting is done by tokio timers, which follow
/// the machine; so a test that turns a manual clock forward also has to wake what waits.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The clock of this machine.
    pub fn system() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the one place where the clock is read")]
        Self(Arc::new(Timestamp::now))
    }

    /// A clock that answers what `tell` answers.
    pub fn from_fn(tell: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }

    /// The time now, in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.now().as_millisecond()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Clock")
    }
}
