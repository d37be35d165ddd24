//! The roll: deletes that no webhook told of.
//!
//! A feed by date finds what is there and was changed; a record that is gone is in no feed. So the ids are called in
//! order, a window at each tick, and asked in the table are those that are missing: whoever is missing and linked is
//! noticed as deleted. That is a question, as every delete: the push reads the record before it marks anything, and an id
//! that another record answers for was merged. A window costs the system one page and the table one batch of reads; all
//! records are called once in as many ticks as there are windows.

use std::collections::BTreeSet;
use std::future::Future;

use jiff::SignedDuration;
use model::{Notice, NoticeKind, ObjectName, Pair, RecordRef, Side};

use super::cursor::{CursorKey, CursorStore, Pass, Position};
use super::{PollEnvironment, PollError, Polled, Tick};
use crate::error::{ConnectorError, StoreError};
use crate::ports::{ChangeQueue, Clock};

/// Records of a window.
const WINDOW: usize = 200;
/// The most ids of a window: numbers may have gaps of any size.
const MOST_IDS: u64 = 1_000;
/// How many ids behind the last one that was ever there are asked for, too: the newest ones may be those that are gone,
/// made and lost between two calls. What was there at a call is asked for however many are gone.
const BEHIND: u64 = 50;

/// A system whose ids are numbers that are given in order, and that can tell which are there.
pub trait Roll: Send + Sync {
    /// At most `limit` ids that are there, from `first` on, in order.
    fn present(
        &self,
        object: &ObjectName,
        first: u64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<u64>, ConnectorError>> + Send;
}

/// The links, for whoever calls the roll.
pub trait LinkedRecords: Send + Sync {
    /// Those of the records that an active link of the pair names.
    fn linked(
        &self,
        pair: &Pair,
        records: &[RecordRef],
    ) -> impl Future<Output = Result<Vec<RecordRef>, StoreError>> + Send;
}

/// Where a window ends, and whether it is the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    first: u64,
    last: u64,
    is_last: bool,
}

/// `highest` is the highest id that was ever there.
fn window(first: u64, present: &[u64], full: bool, highest: u64) -> Window {
    let reached = present.last().copied().unwrap_or(first.saturating_sub(1));
    let wanted = if full { reached } else { reached.max(highest).saturating_add(BEHIND) };
    let last = wanted.min(first.saturating_add(MOST_IDS - 1));
    Window { first, last, is_last: !full && last == wanted }
}

/// Where a call begins and the highest id that was ever there, as the cursor keeps them.
fn remembered(after: &str) -> (u64, u64) {
    let (first, highest) = after.split_once('/').unwrap_or((after, ""));
    (first.parse().unwrap_or(1), highest.parse().unwrap_or(0))
}

/// Calls a window of the roll of one side of a pair.
///
/// The cursor stands under a name of its own beside the one of the feed.
///
/// # Errors
/// The system, the table or a queue. The window is called again at the next tick.
pub async fn call_roll<F: Roll, S: CursorStore + LinkedRecords, Q: ChangeQueue, C: Clock>(
    environment: &PollEnvironment<'_, F, S, Q, C>,
    pair: &Pair,
    object: &ObjectName,
    tick: &Tick<'_>,
) -> Result<Polled, PollError> {
    let PollEnvironment { feed, cursors, clock, .. } = environment;
    let system = pair.system(Side::Remote);
    let key = CursorKey { system: system.clone(), object: ObjectName::new(&format!("{object}.roll")) };
    let now = clock.now();
    let until = now + SignedDuration::try_from(tick.lease).unwrap_or_default();
    let Some(mut cursor) = cursors.lease_cursor(&key, tick.id, now, until).await? else {
        return Ok(Polled::Busy);
    };
    let pass = cursor.position.take().and_then(|position| position.pass);
    let (first, highest) = remembered(pass.as_ref().map_or("", |pass| &pass.after));
    let called = async {
        let present = feed.present(object, first, WINDOW).await?;
        let highest = present.last().copied().unwrap_or_default().max(highest);
        let window = window(first, &present, present.len() >= WINDOW, highest);
        let noticed = missing(environment, pair, object, tick, window, &present).await?;
        Ok::<_, PollError>((window, noticed, highest))
    };
    let called = called.await;
    let (next, highest) = match &called {
        Ok((window, _, highest)) if window.is_last => (1, *highest),
        Ok((window, _, highest)) => (window.last.saturating_add(1), *highest),
        Err(_) => (first, highest),
    };
    let began = pass.filter(|_| first > 1).map_or(now, |pass| pass.began);
    let pass = Pass { from: began, began, after: format!("{next}/{highest}") };
    cursor.position = Some(Position { since: began, pass: Some(pass) });
    if next == 1 && called.is_ok() {
        cursor.polled_at = Some(now);
    }
    let kept = cursors.release_cursor(&key, tick.id, &cursor).await;
    let (window, noticed, _) = called?;
    kept?;
    Ok(if window.is_last { Polled::Complete(noticed) } else { Polled::Unfinished(noticed) })
}

/// Notices the linked records of a window that are not there.
async fn missing<F: Roll, S: CursorStore + LinkedRecords, Q: ChangeQueue, C: Clock>(
    environment: &PollEnvironment<'_, F, S, Q, C>,
    pair: &Pair,
    object: &ObjectName,
    tick: &Tick<'_>,
    window: Window,
    present: &[u64],
) -> Result<usize, PollError> {
    let present: BTreeSet<u64> = present.iter().copied().collect();
    let absent = (window.first..=window.last).filter(|id| !present.contains(id));
    let absent: Vec<RecordRef> =
        absent.map(|id| RecordRef::new(pair.system(Side::Remote), object, id.to_string())).collect();
    if absent.is_empty() {
        return Ok(0);
    }
    let now = environment.clock.now();
    let linked = environment.cursors.linked(pair, &absent).await?;
    let notices: Vec<Notice> = linked
        .into_iter()
        .enumerate()
        .map(|(index, record)| Notice {
            record,
            kind: NoticeKind::Deleted,
            receipt: format!("{}/{object}.roll/{index}", tick.id),
            received_at: now,
            modified_at: None,
            command: None,
            event: None,
        })
        .collect();
    let hub = pair.system(Side::Hub);
    if !notices.is_empty() && environment.queue.reaches(hub) {
        environment.queue.send(hub, &notices).await?;
    }
    Ok(notices.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_window_ends_at_its_last_record_and_the_last_one_a_little_behind() {
        let of = |first, last, is_last| Window { first, last, is_last };
        assert_eq!(window(1, &[1, 2, 7], true, 7), of(1, 7, false));
        assert_eq!(window(8, &[9], false, 9), of(8, 59, true));
        assert_eq!(window(8, &[], false, 0), of(8, 57, true));
    }

    #[test]
    fn whoever_was_there_once_is_called_however_many_of_the_newest_are_gone() {
        assert_eq!(window(1, &[4], false, 500), Window { first: 1, last: 550, is_last: true });
        assert_eq!(window(1, &[4], false, 5_000), Window { first: 1, last: 1_000, is_last: false });
        assert_eq!(window(1_001, &[], false, 5_000), Window { first: 1_001, last: 2_000, is_last: false });
        assert_eq!((remembered("7/500"), remembered("7"), remembered("")), ((7, 500), (7, 0), (1, 0)));
    }

    #[test]
    fn no_gap_is_too_large() {
        assert_eq!(window(1, &[5, 90_000], true, 90_000), Window { first: 1, last: 1_000, is_last: false });
        assert_eq!(window(1, &[970], false, 970), Window { first: 1, last: 1_000, is_last: false });
        let far = window(u64::MAX - 5, &[u64::MAX], false, u64::MAX);
        assert_eq!((far.last, far.is_last), (u64::MAX, true));
    }
}
