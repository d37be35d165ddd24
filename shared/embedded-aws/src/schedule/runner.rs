//! Fires a schedule again and again.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::event::scheduled_event;
use crate::clock::Clock;
use crate::event::{Observer, StackEvent};
use crate::lambda::Function;
use crate::names::LocalNames;
use crate::template::Schedule;

/// How often the clock is looked at, so that a clock that is turned, or a machine that slept, is noticed.
const LOOK: Duration = Duration::from_millis(250);

/// Runs one schedule from its first firing on, until told to stop. Firings that were missed are made up for by one.
pub(crate) async fn run(
    schedule: Schedule,
    first: Option<Timestamp>,
    function: Arc<Function>,
    names: LocalNames,
    clock: Clock,
    observer: Observer,
    mut stop: watch::Receiver<bool>,
) {
    let mut next = first;
    while let Some(mut time) = next {
        while clock.now() < time {
            let left = clock.now().duration_until(time);
            let left = Duration::try_from(left).unwrap_or(LOOK).min(LOOK);
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
        if *stop.borrow() {
            return;
        }
        let mut following = schedule.expression.after(time);
        while let Some(missed) = following.filter(|following| *following <= clock.now()) {
            time = missed;
            following = schedule.expression.after(time);
        }
        let payload = scheduled_event(&schedule, &names, time, 1);
        observer.tell(StackEvent::ScheduleFired {
            schedule: schedule.name.clone(),
            function: function.spec().name.clone(),
        });
        let (invoked, name, watcher) = (Arc::clone(&function), schedule.name.clone(), observer.clone());
        // Not waited for: the next firing comes at its time, whatever the function does.
        tokio::spawn(async move {
            if let Err(error) = invoked.invoke_as_event(payload).await {
                let message = format!("schedule {name} could not invoke its function: {error}");
                watcher.tell(StackEvent::Trouble { message });
            }
        });
        next = following;
    }
}
