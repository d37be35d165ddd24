//! Receive: what a verified webhook becomes, whatever system sent it.

use model::{Notice, System};

use crate::error::StoreError;
use crate::ports::ChangeQueue;

/// Queues the notices of one request towards the systems that must hear of them.
///
/// Coalesced per record: several notices of one record in one request say no more than one.
pub async fn receive<Q: ChangeQueue>(
    queue: &Q,
    targets: &[System],
    notices: Vec<Notice>,
) -> Result<usize, StoreError> {
    let notices = Notice::coalesce(notices);
    if notices.is_empty() {
        return Ok(0);
    }
    let reached = targets.iter().filter(|target| queue.reaches(target));
    futures::future::try_join_all(reached.map(|target| queue.send(target, &notices))).await?;
    Ok(notices.len())
}
