//! Announcements: the notices that a push sends itself, so that nothing waits for one that was lost.

use model::{Direction, Notice, NoticeKind, RecordRef, Side};

use crate::decide::TargetNow;
use crate::plan::{FieldPlan, Plan, SkipReason};
use crate::ports::{ChangeQueue, Clock, Connector};
use crate::push::{Environment, PushError, Seen, World};
use crate::sabotage::{Break, broken};

/// Tells the other direction what is left for it, and the other pairs of a coreBOS record that it was written.
///
/// Before the settlement, so that nothing is lost in between: a notice too many does no harm.
pub(crate) async fn announce<W: World>(
    seen: &Seen<'_, W>,
    target: &RecordRef,
    plan: &FieldPlan,
    written: &[String],
) -> Result<(), PushError> {
    let environment = seen.environment;
    let source_system = environment.source.system();
    let reverse = environment.context.operations(environment.direction.reverse());
    let told = plan.leftovers && reverse.update && !broken(Break::TellNothingLeft);
    if told && environment.queue.reaches(source_system) {
        let notice = notice(environment, &seen.notice.receipt, target, NoticeKind::Saved, "left");
        environment.queue.send(source_system, &[notice]).await?;
    }
    if written.is_empty() || environment.direction.target() != Side::Hub {
        return Ok(());
    }
    tell_other_pairs(environment, &seen.notice.receipt, target).await
}

/// Tells of the record that a ticked record of coreBOS would be linked with, where only the way into coreBOS is switched
/// on: nobody has touched it, and so nobody else tells of it.
pub(crate) async fn tell_matched<W: World>(seen: &Seen<'_, W>, plan: &Plan) -> Result<(), PushError> {
    let environment = seen.environment;
    let (context, direction) = (environment.context, environment.direction);
    let (TargetNow::Matched(target) | TargetNow::Inherited { target, .. }) = &seen.target else {
        return Ok(());
    };
    let ticked = context.spec.gate.is_some() && direction == Direction::ToRemote;
    let other_way = context.operations(direction.reverse()).update && !broken(Break::KeepATickSecret);
    let source_system = environment.source.system();
    if *plan == Plan::Skip(SkipReason::SwitchedOff)
        && ticked
        && other_way
        && environment.queue.reaches(source_system)
    {
        let receipt = &seen.notice.receipt;
        let notice = notice(environment, receipt, &target.reference, NoticeKind::Saved, "left");
        environment.queue.send(source_system, &[notice]).await?;
    }
    Ok(())
}

/// Tells the other pairs of a coreBOS record that it was written, created or found to have been.
pub(crate) async fn tell_other_pairs<W: World>(
    environment: &Environment<'_, W>,
    receipt: &str,
    record: &RecordRef,
) -> Result<(), PushError> {
    if broken(Break::TellNoOtherPair) {
        return Ok(());
    }
    for remote in environment.other_remotes.iter().filter(|remote| environment.queue.reaches(remote)) {
        let notice = notice(environment, receipt, record, NoticeKind::Saved, &remote.to_string());
        environment.queue.send(remote, &[notice]).await?;
    }
    Ok(())
}

/// A notice that a push sends on its own account. Its receipt is never the same twice, or the queue would drop it: the
/// notice that brought us here may come again, and what it leaves then is news. Nor does it grow from one to the next.
pub(crate) fn notice<W: World>(
    environment: &Environment<'_, W>,
    receipt: &str,
    record: &RecordRef,
    kind: NoticeKind,
    what: &str,
) -> Notice {
    let now = environment.clock.now();
    let root = receipt.split('>').next().unwrap_or_default();
    let receipt = if broken(Break::ReuseAnId) {
        format!("{record}>{what}@{}", now.as_second())
    } else {
        format!("{root}>{what}@{now}")
    };
    Notice {
        record: record.clone(),
        kind,
        receipt,
        received_at: now,
        modified_at: None,
        command: None,
        event: None,
    }
}
