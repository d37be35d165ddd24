//! Inspection: what a push of a record would see and decide now, field by field. Takes no lease and writes nothing.
//!
//! It reads and decides with the code of pushes, so what it tells is what a push would do; and it goes on where a push
//! would wait, and tells what it would wait for.

mod fields;

use std::marker::PhantomData;

use jiff::Timestamp;
use model::{Direction, Link, LinkId, LinkStatus, Notice, NoticeKind, RecordRef, RecordState};

pub use fields::{BaseState, FieldView, Verdict};

use crate::apply::{source_record, target_record, target_reference};
use crate::create::natural_key;
use crate::decide::{SourceNow, TargetNow};
use crate::error::{ConnectorError, StoreError};
use crate::plan::Plan;
use crate::ports::{NaturalKey, Record, StateStore};
use crate::push::{Delivery, Environment, PushError, Seen, World, see};
use crate::read_only::{ONLY_LOOKS, ReadOnly, View};

/// How often everything is read again when it changes while it is read.
const LOOKS: u32 = 6;

/// Why a record cannot be inspected.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// A system does not answer, or refuses.
    #[error(transparent)]
    Connector(#[from] ConnectorError),
    /// The table does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A push would wait, and there is nothing to look at before it is over.
    #[error("a push would wait now: {reason}")]
    Waits {
        /// A short code.
        reason: &'static str,
    },
    /// It changes faster than it can be read.
    #[error("others keep changing the same records; look again in a moment")]
    Restless,
}

impl From<PushError> for InspectError {
    fn from(error: PushError) -> Self {
        match error {
            PushError::Connector(error) => Self::Connector(error),
            PushError::Store(error) => Self::Store(error),
            PushError::Busy { .. } => Self::Waits { reason: "leased" },
            PushError::Unanswered { .. } => Self::Waits { reason: "doubtful" },
            PushError::Wait { reason, .. } => Self::Waits { reason },
        }
    }
}

/// A record with what is kept about it.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its address: of the survivor, where it was merged into another one.
    pub reference: RecordRef,
    /// The record as it is now; nothing where it is gone.
    pub record: Option<Record>,
    /// Whether it answered for another id, that of the record that was merged into it.
    pub merged: bool,
    /// What is kept about it: the lease of somebody who writes it, the times of our own writes.
    pub state: RecordState,
}

/// What a push of a record would see and decide.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// Which way the push would go.
    pub direction: Direction,
    /// The link as it is stored.
    pub link: Option<Link>,
    /// The record that would be read.
    pub source: Standing,
    /// The record that would be written, where one is linked or meant.
    pub target: Option<Standing>,
    /// What would be done about it.
    pub plan: Plan,
    /// The fields of the target, by name, as far as the record that is read is there.
    pub fields: Vec<FieldView>,
    /// What stands for the record to be, if it had to be created: somebody who creates the same one claims it first.
    pub natural_key: Option<NaturalKey>,
    /// When it was looked at.
    pub at: Timestamp,
}

impl Inspected {
    /// A live or expired lease that a push would wait for, or recover, before it decides: whose, and on which record.
    pub fn leases(&self) -> impl Iterator<Item = (&RecordRef, &model::Lease)> {
        let standings = std::iter::once(&self.source).chain(self.target.as_ref());
        standings.filter_map(|standing| Some((&standing.reference, standing.state.lease.as_ref()?)))
    }
}

/// Leases and the rest of a link are left out: whoever looks wants to know what comes after them.
pub(crate) struct PastTheRest;

impl View for PastTheRest {
    fn link_of(&self, _record: &RecordRef) -> Option<Link> {
        None
    }

    fn link(&self, _id: &LinkId) -> Option<Link> {
        None
    }

    fn seen_link(&self, link: Link) -> Link {
        match link.status {
            LinkStatus::Broken { .. } => Link { status: LinkStatus::Active, ..link },
            LinkStatus::Active | LinkStatus::Tombstone { .. } => link,
        }
    }

    fn seen_state(&self, state: RecordState) -> RecordState {
        RecordState { lease: None, ..state }
    }
}

/// The world of an inspection: the same systems, and a table that is only read.
struct Looking<'a, W>(PhantomData<fn() -> &'a W>);

impl<'a, W: World> World for Looking<'a, W> {
    type Source = W::Source;
    type Target = W::Target;
    type Store = ReadOnly<'a, W::Store, PastTheRest>;
    type Queue = W::Queue;
    type Clock = W::Clock;
}

/// Looks at a record as a push of it would, in the direction of the environment.
///
/// # Errors
/// A system or the table does not answer, or everything keeps changing.
pub async fn inspect<W: World>(
    environment: &Environment<'_, W>,
    record: &RecordRef,
) -> Result<Inspected, InspectError> {
    let store = ReadOnly { inner: environment.store, view: PastTheRest };
    let looking = Environment::<Looking<'_, W>> {
        context: environment.context,
        direction: environment.direction,
        source: environment.source,
        target: environment.target,
        store: &store,
        queue: environment.queue,
        clock: environment.clock,
        lease: environment.lease,
        other_remotes: environment.other_remotes,
    };
    // As old as can be, so that a delete needs no confirmation.
    let notice = Notice {
        record: record.clone(),
        kind: NoticeKind::Saved,
        receipt: "inspection".to_owned(),
        received_at: Timestamp::UNIX_EPOCH,
        modified_at: None,
        command: None,
        event: None,
    };
    for _ in 0..LOOKS {
        // A candidate that is taken is not waited for: whoever looks wants to know about it.
        match Box::pin(see(&looking, &notice, &Delivery { attempt: u32::MAX })).await {
            Ok(Some(seen)) => return told(environment, &seen).await,
            Ok(None) => {}
            Err(PushError::Store(error)) if error.detail == ONLY_LOOKS => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(InspectError::Restless)
}

async fn told<W: World>(
    environment: &Environment<'_, W>,
    seen: &Seen<'_, Looking<'_, W>>,
) -> Result<Inspected, InspectError> {
    let plan = seen.plan();
    let source = source_record(seen);
    let source_reference = source.map_or_else(|| seen.notice.record.clone(), |r| r.reference.clone());
    let source_standing = Standing {
        state: environment.store.state(&source_reference).await?,
        reference: source_reference,
        record: source.cloned(),
        merged: matches!(seen.source, SourceNow::MergedInto { .. }),
    };
    let target = target_record(seen);
    let target_standing = match target_reference(seen) {
        Some(reference) => Some(Standing {
            state: environment.store.state(&reference).await?,
            reference,
            record: target.cloned(),
            merged: matches!(seen.target, TargetNow::MergedInto { .. }),
        }),
        None => None,
    };
    // As stored: a link that rests was looked at as if it did not.
    let link = match &seen.link {
        Some(link) => environment.store.link(&link.id).await?,
        None => None,
    };
    Ok(Inspected {
        direction: environment.direction,
        link,
        source: source_standing,
        target: target_standing,
        fields: fields::views(seen, &plan),
        natural_key: source.and_then(|source| natural_key(seen, source)),
        plan,
        at: seen.now(),
    })
}
