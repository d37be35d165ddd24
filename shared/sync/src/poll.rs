//! Poll: what changed in a system since the last time becomes notices. It finds what webhooks have lost.
//!
//! A **pass** reads everything that was changed from the cursor on, page by page, less an overlap: a record that was
//! changed in one second may become visible in a later one. Repeats are not filtered; the decision of the push makes
//! them harmless. The cursor moves only after what a page told is queued. When a pass is complete, the cursor stands
//! at the time at which it began, by the system's own clock, so an idle system tells nothing twice for long. A pass
//! that time does not suffice for goes on at the next tick; a tick that meets a running one ends.

mod cursor;
mod roll;
mod settings;
mod walk;

use std::future::Future;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use model::{Notice, NoticeKind, ObjectName, RecordRef, System};

use crate::error::{ConnectorError, StoreError};
use crate::ports::{ChangeQueue, Clock};

pub use cursor::{Cursor, CursorKey, CursorStore, Pass, Position};
pub use roll::{LinkedRecords, Roll, call_roll};
pub use settings::{DayHours, FasterHours, PollSettings, Weekday};
pub use walk::{Belonging, SeenStore, Stretch, WalkPage, Walked, walk, walk_key};

/// One page of what changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedPage {
    /// Ids of records, and whether they were changed or are gone.
    pub changes: Vec<(String, NoticeKind)>,
    /// Where the next page begins; nothing when this was the last one.
    pub next: Option<String>,
    /// The system's clock when it answered, where it tells.
    pub server_time: Option<Timestamp>,
}

/// A system that can be asked what changed.
pub trait Feed: Send + Sync {
    /// A page of the records of `object` that were changed at `from` or later, by the system's clock. `after` is what
    /// the page before gave as its `next`. A record that changes while pages are read may be told in none of them.
    fn changes(
        &self,
        object: &ObjectName,
        from: Timestamp,
        after: Option<&str>,
    ) -> impl Future<Output = Result<FeedPage, ConnectorError>> + Send;
}

/// How far the clocks of a system and of the bridge may differ where the system tells no time.
const CLOCKS_DIFFER_BY: SignedDuration = SignedDuration::from_secs(120);

/// What a tick works with.
#[derive(Debug)]
pub struct PollEnvironment<'a, F, S, Q, C> {
    /// The system that is asked.
    pub feed: &'a F,
    /// The cursors.
    pub cursors: &'a S,
    /// The queues.
    pub queue: &'a Q,
    /// The clock.
    pub clock: &'a C,
    /// Who must hear of the changes.
    pub targets: &'a [System],
    /// The settings of the system's polls.
    pub settings: &'a PollSettings,
}

/// One firing of the schedule.
#[derive(Clone, Debug)]
pub struct Tick<'a> {
    /// Unique: receipts begin with it.
    pub id: &'a str,
    /// Whether to poll although it is not due.
    pub at_once: bool,
    /// No page is begun later than this.
    pub until: Timestamp,
    /// How long the lease of the cursor holds: longer than the tick may run.
    pub lease: Duration,
}

/// What became of a tick for one object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Polled {
    /// The settings say that it is not time.
    #[default]
    NotDue,
    /// Another tick is at it.
    Busy,
    /// Everything was read; how many records were noticed.
    Complete(usize),
    /// Time was over; how many records were noticed. The next tick goes on.
    Unfinished(usize),
}

/// Why a tick failed. The cursor stands behind the last page that was queued.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The system did not answer, or refused.
    #[error(transparent)]
    System(#[from] ConnectorError),
    /// The table or a queue did not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Polls one object of a system, if it is due.
///
/// # Errors
/// The system, the table or a queue. The lease is given back, and the next tick tries again.
pub async fn poll<F: Feed, S: CursorStore, Q: ChangeQueue, C: Clock>(
    environment: &PollEnvironment<'_, F, S, Q, C>,
    key: &CursorKey,
    tick: &Tick<'_>,
) -> Result<Polled, PollError> {
    let PollEnvironment { cursors, clock, settings, .. } = environment;
    let now = clock.now();
    let seen = cursors.cursor(key).await?;
    if !tick.at_once && !settings.is_due(now, &seen) {
        return Ok(Polled::NotDue);
    }
    let until = now + SignedDuration::try_from(tick.lease).unwrap_or_default();
    let Some(mut cursor) = cursors.lease_cursor(key, tick.id, now, until).await? else {
        return Ok(Polled::Busy);
    };
    let outcome = pass(environment, key, tick, &mut cursor).await;
    if matches!(outcome, Ok(Polled::Complete(_))) {
        cursor.polled_at = Some(now);
    }
    let kept = cursors.release_cursor(key, tick.id, &cursor).await;
    let outcome = outcome?;
    kept?;
    Ok(outcome)
}

/// Reads pages until there are no more, or time is over.
async fn pass<F: Feed, S: CursorStore, Q: ChangeQueue, C: Clock>(
    environment: &PollEnvironment<'_, F, S, Q, C>,
    key: &CursorKey,
    tick: &Tick<'_>,
    cursor: &mut Cursor,
) -> Result<Polled, PollError> {
    let mut noticed = 0;
    loop {
        let now = environment.clock.now();
        if now >= tick.until {
            return Ok(Polled::Unfinished(noticed));
        }
        let overlap = SignedDuration::from_secs(environment.settings.overlap_seconds.into());
        let (from, after) = match &cursor.position {
            // What is older than the bridge is for an import.
            None => (now, None),
            Some(Position { pass: Some(pass), .. }) => (pass.from, Some(pass.after.clone())),
            Some(Position { since, pass: None }) => (*since - overlap, None),
        };
        let page = environment.feed.changes(&key.object, from, after.as_deref()).await?;
        let found = notices_of(key, tick, noticed, &page, now);
        noticed += found.len();
        let reached = environment.targets.iter().filter(|target| environment.queue.reaches(target));
        if !found.is_empty() {
            futures::future::try_join_all(reached.map(|target| environment.queue.send(target, &found)))
                .await?;
        }
        let began = match &cursor.position {
            Some(Position { pass: Some(pass), .. }) => pass.began,
            _ => page.server_time.unwrap_or(now - CLOCKS_DIFFER_BY),
        };
        let stood = cursor.position.as_ref().map(|position| position.since);
        let complete = page.next.is_none();
        cursor.position = Some(match page.next {
            Some(next) if after.as_ref() == Some(&next) => {
                let detail = format!("{} gives the same page of {} again and again", key.system, key.object);
                return Err(ConnectorError::Unavailable { detail }.into());
            }
            Some(next) => {
                Position { since: stood.unwrap_or(from), pass: Some(Pass { from, began, after: next }) }
            }
            // A clock that was set back must not make us read everything again.
            None => Position { since: stood.map_or(began, |stood| stood.max(began)), pass: None },
        });
        if complete {
            return Ok(Polled::Complete(noticed));
        }
        if !environment.cursors.move_cursor(key, tick.id, cursor).await? {
            return Ok(Polled::Busy);
        }
    }
}

fn notices_of(
    key: &CursorKey,
    tick: &Tick<'_>,
    noticed: usize,
    page: &FeedPage,
    now: Timestamp,
) -> Vec<Notice> {
    let all = page.changes.iter().enumerate().map(|(index, (id, kind))| Notice {
        record: RecordRef::new(&key.system, &key.object, id),
        kind: *kind,
        receipt: format!("{}/{}/{}", tick.id, key.object, noticed + index),
        received_at: now,
        modified_at: None,
        command: None,
        event: None,
    });
    Notice::coalesce(all)
}
