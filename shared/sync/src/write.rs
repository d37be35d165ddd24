//! The write itself: claimed before, answered after, looked up where the answer was lost.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{Fingerprint, Intent, IntentField, Lease, Link, RecordRef};

use crate::apply::{lease, release, source_record, target_record};
use crate::associations;
use crate::error::ConnectorError;
use crate::plan::FieldPlan;
use crate::ports::{Claimed, Clock, Connector, Reading, Record, StateStore};
use crate::project::stored;
use crate::push::{PushError, Seen, World};
use crate::refuse::with_holders;
use crate::sabotage::{Break, broken};
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
    if broken(Break::WriteBeforeTheClaim) {
        let result = write(seen, plan, &target.reference, &lease).await?;
        let claimed = environment.store.claim(&target.reference, seen.states.target.version, &lease).await?;
        let Claimed::Yes { version } = claimed else { return Ok(None) };
        return Ok(Some((result, version)));
    }
    let claimed = if broken(Break::SkipTheClaim) {
        Claimed::Yes { version: seen.states.target.version }
    } else {
        environment.store.claim(&target.reference, seen.states.target.version, &lease).await?
    };
    let Claimed::Yes { version } = claimed else { return Ok(None) };
    // The source must not have been claimed since its state was read: what we read of it could be a write of our
    // own that is not settled yet. Whoever claims it from now on meets our lease on the target.
    if let Some(source) = source_record(seen)
        && !broken(Break::LookOnceAtTheSource)
        && environment.store.state(&source.reference).await?.version != seen.states.source.version
    {
        release(environment, &target.reference, &seen.states.target, version).await?;
        return Ok(None);
    }
    match write(seen, plan, &target.reference, &lease).await {
        Ok(mut result) => {
            let (direction, schema) = (environment.direction, &seen.target_schema);
            let (written, answer) = (&result.written, &mut result.answer);
            associations::translate_answer(environment, direction, written, answer, schema).await?;
            Ok(Some((result, version)))
        }
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

/// What stands in the way of a write although it was not sent, in words that name both records: another one with the
/// same e-mail.
async fn standing_in_the_way<W: World>(
    seen: &Seen<'_, W>,
    refused: BTreeMap<String, String>,
) -> Option<String> {
    let target = target_record(seen).filter(|_| !refused.is_empty())?;
    let refused = with_holders(seen, refused, &target.fields, Some(&target.reference)).await;
    let words = refused.into_iter().map(|(name, words)| format!("{name}: {words}"));
    Some(words.collect::<Vec<_>>().join("; "))
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
                let (mut named, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
                    fields.into_iter().partition(|(name, _)| writes.contains(name));
                let standing = standing_in_the_way(seen, others).await;
                if named.is_empty() {
                    let words = standing.unwrap_or(message);
                    named = writes.names().map(|name| (name.to_owned(), words.clone())).collect();
                } else if let Some(words) = &standing {
                    // The connector knew no better than the message.
                    let vague = named.values_mut().filter(|told| **told == message);
                    vague.for_each(|told| told.clone_from(words));
                }
                for (name, words) in named {
                    writes.remove(&name);
                    refused.insert(name, words);
                }
                // What rides along is no reason for a write of its own.
                let rides = |name: &str| {
                    let map = environment.context.map(environment.direction);
                    map.rule(name).is_some_and(|rule| rule.volatile) && !broken(Break::WriteWhatRidesAlong)
                };
                if writes.names().all(rides) {
                    let Some(answer) = target_record(seen).cloned() else { return Err(ConnectorError::Gone) };
                    return Ok(WriteResult { answer, written: Vec::new(), refused });
                }
            }
            Err(doubt @ ConnectorError::Doubtful { .. }) => {
                environment.clock.sleep(DOUBT_PAUSE).await;
                let side = environment.direction.target();
                let reading =
                    associations::read(environment.context, side, environment.target, target).await?;
                let Reading::Found(found) = reading else { return Err(doubt) };
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
