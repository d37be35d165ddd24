//! Redrive: a parked change goes back into the flow, and is really tried again.
//!
//! A refusal is remembered so that it is not repeated; a redrive forgets it first, and only then queues the notice.
//! Who dies in between leaves a change that is parked and would be tried again: nothing is lost either way. The parked
//! change itself is for the caller to remove, after the queue has taken the notice.

use jiff::Timestamp;
use model::{Direction, Link, LinkStatus, Notice, ParkedChange, RecordState, System};

use crate::error::StoreError;
use crate::pairs::pair_spec;
use crate::ports::{ChangeQueue, Clock, Settled, Settlement, StateStore};

/// How often the link and the state are read again when somebody settles them meanwhile.
const ATTEMPTS: u32 = 5;

/// What became of a redrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redriven {
    /// The queue has taken the notice.
    Queued {
        /// The system that its push writes.
        towards: System,
        /// How many refusals were forgotten.
        forgotten: usize,
    },
    /// Somebody writes one of the records, or just settles them: try again later. Nothing was queued.
    Busy {
        /// When the lease ends, where there is one.
        until: Option<Timestamp>,
    },
    /// No queue leads to the system: its push is not deployed.
    Unreachable {
        /// Which system.
        towards: System,
    },
}

/// Forgets what was refused of a parked change, and queues its notice under a new receipt, which must be unique.
///
/// # Errors
/// The table or the queue does not answer; the change can be redriven again.
pub async fn redrive<S: StateStore, Q: ChangeQueue, C: Clock>(
    store: &S,
    queue: &Q,
    clock: &C,
    change: &ParkedChange,
    receipt: &str,
) -> Result<Redriven, StoreError> {
    let direction = direction_of(change);
    let towards = change.pair.system(direction.target()).clone();
    if !queue.reaches(&towards) {
        return Ok(Redriven::Unreachable { towards });
    }
    for _ in 0..ATTEMPTS {
        let forgetting = match forgetting(store, clock, change).await? {
            Ok(forgetting) => forgetting,
            Err(until) => return Ok(Redriven::Busy { until: Some(until) }),
        };
        if store.settle(&forgetting.settlement).await? == Settled::Conflict {
            continue;
        }
        let notice = Notice {
            receipt: receipt.to_owned(),
            received_at: clock.now(),
            modified_at: None,
            ..change.notice.clone()
        };
        queue.send(&towards, &[notice]).await?;
        return Ok(Redriven::Queued { towards, forgotten: forgetting.forgotten });
    }
    Ok(Redriven::Busy { until: None })
}

/// Which way the parked change was going.
pub fn direction_of(change: &ParkedChange) -> Direction {
    if change.notice.record.system == change.pair.hub { Direction::ToRemote } else { Direction::ToHub }
}

struct Forgetting {
    settlement: Settlement,
    forgotten: usize,
}

/// The settlement that forgets the refusals, or until when a lease must be waited for.
async fn forgetting<S: StateStore, C: Clock>(
    store: &S,
    clock: &C,
    change: &ParkedChange,
) -> Result<Result<Forgetting, Timestamp>, StoreError> {
    let record = &change.notice.record;
    let mut forgetting = Forgetting { settlement: Settlement::default(), forgotten: 0 };
    if let Some(link) = store.find_link(record, &change.pair).await? {
        let cleared = cleared(&link, change);
        if cleared != link {
            forgetting.forgotten += link.refused.len() - cleared.refused.len();
            forgetting.settlement.link = Some(cleared);
        }
    }
    let state = store.state(record).await?;
    let pair = change.pair.to_string();
    if state.refused_creates.contains_key(&pair) {
        // Another version would make whoever holds the lease settle in vain.
        if let Some(lease) = state.lease.as_ref().filter(|lease| lease.until > clock.now()) {
            return Ok(Err(lease.until));
        }
        let mut cleared = RecordState { ..state };
        cleared.refused_creates.remove(&pair);
        forgetting.forgotten += 1;
        forgetting.settlement.states.push((record.clone(), cleared));
    }
    Ok(Ok(forgetting))
}

/// The link without the refusals that a parked change is about, and out of its rest.
fn cleared(link: &Link, change: &ParkedChange) -> Link {
    let direction = direction_of(change);
    let id_field = pair_spec(change.pair.kind).id_field(direction.source());
    let mut link = link.clone();
    link.refused.retain(|refusal| {
        let named = change.fields.is_empty() || change.fields.contains_key(&refusal.field);
        // The id of the new partner, written back to the source.
        let is_id = refusal.direction == direction.reverse() && refusal.field == id_field;
        !(is_id || (refusal.direction == direction && named))
    });
    if matches!(link.status, LinkStatus::Broken { .. }) {
        link.status = LinkStatus::Active;
        link.breaker = None;
    }
    link
}
