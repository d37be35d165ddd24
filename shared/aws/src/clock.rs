//! The clock of the machine: the one place where it is read.

use std::time::Duration;

use jiff::Timestamp;
use sync::Clock;

/// The clock of the machine that the function runs on. Lambda keeps it in step by NTP.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is passed")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
