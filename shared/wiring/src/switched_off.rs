//! What is told of while a system is switched off by its setting `active`.
//!
//! Webhooks are answered and queued as always: they read no settings. A push that meets a system which is off touches
//! neither side; it writes down the record that its notice names, once however often it is told of, and is done with
//! the notice. When the system is on again, the next tick of a poll queues a notice for each record written down, and
//! the poll goes on from its cursor. So nothing waits in a queue that keeps messages for 14 days only, and what no poll
//! could find (a change that moves no date) arrives all the same.
//!
//! A notice that carries a command, or towards HubSpot a workflow's event, stays in its queue: that is no record, and is
//! done once.
//!
//! Records are written down as waiting for the system itself, in the way in which children wait for their parents.

use aws::schedule::Firing;
use aws::{DynamoStore, SqsChangeQueue, SystemClock};
use jiff::SignedDuration;
use model::{Notice, NoticeKind, ObjectName, RecordRef, System, SystemKind};
use sync::{ChangeQueue as _, Clock as _, Outcome, StateStore as _, StoreError, Waiting};

use crate::pairs::PushPorts;
use crate::way::Way;

/// How long a record stays written down. Later, an import brings both sides in step.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24 * 366);

/// How many records are queued at once.
const AT_ONCE: usize = 100;

/// Of two systems the one that can be switched off: the site, where one is; else the one that is not coreBOS.
pub(crate) fn remote_of<'s>(one: &'s System, other: &'s System) -> &'s System {
    let is_site = other.kind() == SystemKind::WordPress;
    if is_site || one.kind() == SystemKind::CoreBos { other } else { one }
}

/// Writes down a record that a site must hear of when it is switched on again.
///
/// # Errors
/// The table does not answer.
pub async fn remember_for_site(
    store: &DynamoStore,
    site: &System,
    record: &RecordRef,
) -> Result<(), StoreError> {
    let waiting = Waiting { parent: the_system(site), child: record.clone(), towards: site.clone() };
    store.wait(&waiting, SystemClock.now() + REMEMBERED).await
}

/// Stands for the system itself, for which records wait.
fn the_system(remote: &System) -> RecordRef {
    RecordRef::new(remote, &ObjectName::new("system"), "active")
}

/// Writes down the record of a notice, and is done with the notice.
pub(crate) async fn remember<W: Way>(notice: &Notice, ports: &PushPorts<W::Hub, W::Remote>) -> Outcome {
    let remote = ports.remote();
    let towards = if notice.record.system == *remote { ports.hub() } else { remote };
    let waiting =
        Waiting { parent: the_system(remote), child: notice.record.clone(), towards: towards.clone() };
    match ports.store.wait(&waiting, SystemClock.now() + REMEMBERED).await {
        Ok(()) => Outcome::Done(sync::push::Report {
            outcome: "skipped",
            reason: "system_off",
            source: notice.record.clone(),
            target: None,
            fields: Vec::new(),
        }),
        Err(error) => Outcome::Retry { after: None, reason: "store", detail: error.to_string() },
    }
}

/// How many records wait for a system to be switched on, towards a target; `limit` and more count as that.
///
/// # Errors
/// The table does not answer.
pub async fn remembered(
    store: &DynamoStore,
    remote: &System,
    towards: &System,
    limit: usize,
) -> Result<usize, StoreError> {
    Ok(store.waiting(&the_system(remote), towards, SystemClock.now(), limit).await?.len())
}

/// Queues what was written down. First queued, then forgotten.
///
/// A push that still met the system switched off may write a record down again between the two. Its notice is older
/// than the one that is queued here, and so is the edit that it tells of: the push of the newer one reads that edit.
pub(crate) async fn take_up(
    store: &DynamoStore,
    queue: &SqsChangeQueue,
    remote: &System,
    towards: &System,
    firing: &Firing,
) -> Result<(), StoreError> {
    let system = the_system(remote);
    for round in 0_u32.. {
        let now = SystemClock.now();
        let waiting = store.waiting(&system, towards, now, AT_ONCE).await?;
        if waiting.is_empty() {
            return Ok(());
        }
        let notice = |(index, waiting): (usize, &Waiting)| Notice {
            record: waiting.child.clone(),
            // The push finds out that a record is gone, and believes it after a moment.
            kind: NoticeKind::Saved,
            receipt: format!("{}/on-{round}-{index}", firing.id),
            received_at: now,
            modified_at: None,
            command: None,
            event: None,
        };
        let notices: Vec<Notice> = waiting.iter().enumerate().map(notice).collect();
        queue.send(towards, &notices).await?;
        store.waited(&waiting).await?;
        tracing::info!(record.system = %remote, noticed = notices.len(), "what changed while a system was off is queued");
        if waiting.len() < AT_ONCE || now >= firing.until {
            return Ok(());
        }
    }
    Ok(())
}
