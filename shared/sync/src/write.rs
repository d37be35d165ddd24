//! The write itself: claimed before, answered after, looked up where the answer was lost.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{Fields, Fingerprint, Intent, IntentField, Lease, Link, RecordRef};

use crate::apply::{lease, release, source_record, target_record};
use crate::error::ConnectorError;
use crate::plan::FieldPlan;
use crate::ports::{Claimed, Clock, Connector, Reading, Record, StateStore};
use crate::project::stored;
use crate::push::{PushError, Seen, World};
use crate::settle::written_of_intent;

/// How long to wait before looking whether a write whose answer was lost was done.
const DOUBT_PAUSE: Duration = Duration::from_millis(700);

/// What came of a write to the target.
pub(crate) struct WriteResult {
    pub(crate) answer: Record,
    pub(crate) written: Vec<String>,
    pub(crate) refused: BTreeMap<String, String>,
}

/// Claims the target, writes, and gives back the answer with the version that the claim made.
pub(crate) async fn write_claimed<W: World>(
    seen: &Seen<'_, W>,
    plan: &FieldPlan,
    link: &Link,
    target: &Record,
) -> Result<Option<(WriteResult, u64)>, PushError> {
    let environment = seen.environment;
    let mut fields = BTreeMap::new();
    for (name, _) in plan.writes.iter() {
        let before = Fingerprint::of(&stored(target, name, &seen.target_schema));
        // A mark that is taken away has no projection of its own; it needs no base.
        if let Some(projection) = plan.settled.get(name) {
            fields.insert(name.to_owned(), IntentField { projection: projection.clone(), before });
        }
    }
    let intent = Intent::Write {
        link: link.id.clone(),
        direction: environment.direction,
        fields,
        pending: plan.pending.clone(),
        edited_at: plan.edited_at,
    };
    let lease = lease(environment, seen.notice, intent);
    let claimed = environment.store.claim(&target.reference, seen.states.target.version, &lease).await?;
    let Claimed::Yes { version } = claimed else { return Ok(None) };
    // The source must not have been claimed since its state was read: what we read of it could be a write of our
    // own that is not settled yet. Whoever claims it from now on meets our lease on the target.
    if let Some(source) = source_record(seen)
        && environment.store.state(&source.reference).await?.version != seen.states.source.version
    {
        release(environment, &target.reference, &seen.states.target, version).await?;
        return Ok(None);
    }
    match write(seen, plan, &target.reference, &lease).await {
        Ok(result) => Ok(Some((result, version))),
        // The lease stays: whether the write was done is found out when it has ended.
        Err(error @ ConnectorError::Doubtful { .. }) => {
            Err(PushError::Unanswered { until: lease.until, detail: error.to_string() })
        }
        Err(ConnectorError::Gone) => {
            release(environment, &target.reference, &seen.states.target, version).await?;
            Ok(None)
        }
        Err(error) => {
            release(environment, &target.reference, &seen.states.target, version).await?;
            Err(error.into())
        }
    }
}

/// Writes, leaving out what the target refuses by name.
async fn write<W: World>(
    seen: &Seen<'_, W>,
    plan: &FieldPlan,
    target: &RecordRef,
    lease: &Lease,
) -> Result<WriteResult, ConnectorError> {
    let environment = seen.environment;
    let mut writes = plan.writes.clone();
    let mut refused: BTreeMap<String, String> = BTreeMap::new();
    loop {
        match environment.target.update(target, &writes).await {
            Ok(answer) => {
                let written = writes.names().map(str::to_owned).collect();
                return Ok(WriteResult { answer, written, refused });
            }
            Err(ConnectorError::Rejected { message, fields }) => {
                let named: Vec<(String, String)> =
                    fields.into_iter().filter(|(name, _)| writes.contains(name)).collect();
                if named.is_empty() {
                    refused.extend(writes.names().map(|name| (name.to_owned(), message.clone())));
                    writes = Fields::default();
                }
                for (name, words) in named {
                    writes.remove(&name);
                    refused.insert(name, words);
                }
                if writes.is_empty() {
                    let Some(answer) = target_record(seen).cloned() else { return Err(ConnectorError::Gone) };
                    return Ok(WriteResult { answer, written: Vec::new(), refused });
                }
            }
            Err(doubt @ ConnectorError::Doubtful { .. }) => {
                environment.clock.sleep(DOUBT_PAUSE).await;
                let Reading::Found(found) = environment.target.read(target).await? else { return Err(doubt) };
                let Some(facts) = written_of_intent(&lease.intent, &found, &seen.target_schema) else {
                    return Err(doubt);
                };
                if writes.names().all(|name| facts.fields.iter().any(|f| f == name)) {
                    return Ok(WriteResult { answer: found, written: facts.fields, refused });
                }
                return Err(doubt);
            }
            Err(error) => return Err(error),
        }
    }
}
