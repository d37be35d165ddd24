//! The clock of a simulator: the real one by default, a test's own when it says so.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// Tells the time whenever a simulator stamps something.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The clock of this machine.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the real clock that simulators use when no other is given"
)]
pub fn real_clock() -> Clock {
    Arc::new(Timestamp::now)
}

/// A clock that stands still until it is told to move.
#[derive(Debug, Clone)]
pub struct ManualClock {
    now: Arc<Mutex<Timestamp>>,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn starting_at(start: Timestamp) -> Self {
        Self { now: Arc::new(Mutex::new(start)) }
    }

    /// Moves the clock to `now`, back in time too.
    pub fn set(&self, now: Timestamp) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Moves the clock by `by`; a sum outside of jiff's range leaves it where it is.
    pub fn advance(&self, by: SignedDuration) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(later) = now.checked_add(by) {
            *now = later;
        }
    }

    /// This clock in the form that simulators take.
    pub fn as_clock(&self) -> Clock {
        let now = Arc::clone(&self.now);
        Arc::new(move || *now.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let manual = ManualClock::starting_at(Timestamp::UNIX_EPOCH);
        let clock = manual.as_clock();
        assert_eq!(clock(), Timestamp::UNIX_EPOCH);
        manual.advance(SignedDuration::from_secs(5));
        assert_eq!(clock().as_second(), 5);
        manual.set(Timestamp::UNIX_EPOCH);
        assert_eq!(clock().as_second(), 0);
    }
}
