//! The reads of a push: records with the fields of their associations, a source that is not written yet once more.

use std::time::Duration;

use model::{Notice, NoticeKind, RecordRef, RecordState};

use crate::associations;
use crate::error::ConnectorError;
use crate::ports::{Clock, Connector, Reading, Record, StateStore};
use crate::push::{Environment, PushError, World};
use crate::recover;

/// How often, and how long apart, a record is read again that is older than its notice says, or is not there yet.
const REREADS: u32 = 4;
const REREAD_PAUSE: Duration = Duration::from_millis(400);

/// Reads both records at once, and the source again while its notice knows more than it shows: coreBOS tells of a
/// save before the transaction commits. Only notices that name a modified time wait.
pub(crate) async fn read_both<W: World>(
    environment: &Environment<'_, W>,
    notice: &Notice,
    target: Option<&RecordRef>,
) -> Result<(Reading, Option<Reading>), ConnectorError> {
    let (context, direction) = (environment.context, environment.direction);
    let source_read = || associations::read(context, direction.source(), environment.source, &notice.record);
    let target_read = async {
        match target {
            Some(target) => {
                associations::read(context, direction.target(), environment.target, target).await.map(Some)
            }
            None => Ok(None),
        }
    };
    let (mut source, target) = futures::future::try_join(source_read(), target_read).await?;
    for _ in 0..REREADS {
        let stale = match (&source, notice.modified_at) {
            (Reading::Found(Record { modified: Some(modified), .. }), Some(named)) => *modified < named,
            (Reading::Gone, Some(_)) => notice.kind == NoticeKind::Saved,
            _ => false,
        };
        if !stale {
            break;
        }
        environment.clock.sleep(REREAD_PAUSE).await;
        source = source_read().await?;
    }
    Ok((source, target))
}

/// The state of a record, and then the record.
pub(crate) async fn read_under_state<W: World, C: Connector>(
    environment: &Environment<'_, W>,
    system: &C,
    record: &RecordRef,
) -> Result<Option<(Record, RecordState)>, PushError> {
    let state = environment.store.state(record).await?;
    if recover::in_the_way(environment, record, &state).await? {
        return Ok(None);
    }
    let context = environment.context;
    let side = context.side_of(record);
    match associations::read(context, side, system, record).await? {
        Reading::Found(found) => Ok(Some((found, state))),
        Reading::MergedInto(_) | Reading::Gone => Ok(None),
    }
}
