//! Updating a target record under its lease, and settling what was written.

use model::{Breaker, Link, LinkStatus, Notice, NoticeKind, RecordRef, RecordState, Side};

use crate::apply::{history, new_link, source_record, target_record, target_reference, unleased};
use crate::decide::TargetNow;
use crate::plan::{FieldPlan, LinkChange, WriteBack};
use crate::ports::{ChangeQueue, Clock, Connector, Settled, Settlement, StateStore};
use crate::push::{PushError, Report, Seen, World, parked_change, report};
use crate::refuse::{park_unfit, refuse, with_holders};
use crate::settings::PairSettings;
use crate::settle::{
    Written, changed_link, forget_refusals, id_base, remember_own_writes, settle_bases, settled_without_write,
};
use crate::write::write_claimed;
use crate::write_back::write_id_back;

/// Counts a write of a link; `None` when it is one too many.
fn counted(link: &Link, settings: &PairSettings, now: jiff::Timestamp) -> Option<Breaker> {
    let window = jiff::SignedDuration::try_from(PairSettings::BREAKER_WINDOW).unwrap_or_default();
    let breaker = match &link.breaker {
        Some(breaker) if now.duration_since(breaker.since) < window => {
            Breaker { since: breaker.since, writes: breaker.writes + 1 }
        }
        _ => Breaker { since: now, writes: 1 },
    };
    (breaker.writes <= settings.writes_per_link).then_some(breaker)
}

pub(crate) async fn update<W: World>(
    seen: &Seen<'_, W>,
    plan: FieldPlan,
    change: LinkChange,
    write_back: Option<WriteBack>,
) -> Result<Option<Report>, PushError> {
    let environment = seen.environment;
    let (Some(source), Some(target)) = (source_record(seen), target_record(seen)) else { return Ok(None) };
    let held = match (&seen.link, &seen.target) {
        (Some(link), _) | (None, TargetNow::Inherited { link, .. }) => Some(link),
        (None, _) => None,
    };
    let mut link = match held {
        Some(link) => changed_link(link, &change),
        None => new_link(
            environment,
            environment.direction,
            &source.reference,
            &target.reference,
            &seen.notice.receipt,
        ),
    };
    let mut settlement = Settlement::default();
    moved_lookups(&mut settlement, held, &link);
    let mut states = vec![];
    let mut source_version = seen.states.source.version;
    let mut written = Vec::new();

    if !plan.writes.is_empty() {
        let Some(breaker) = counted(&link, &environment.context.settings, environment.clock.now()) else {
            return trip(seen, held, &plan).await;
        };
        link.breaker = Some(breaker);
        let Some((answer, version)) = write_claimed(seen, &plan, &link, target).await? else {
            return Ok(None);
        };
        let mut state = unleased(&seen.states.target, version);
        remember_own_writes(&mut state, &answer.written, &answer.answer, plan.edited_at);
        states.push((target.reference.clone(), state));
        let facts = Written {
            settled: plan
                .settled
                .iter()
                .filter(|(x, _)| answer.written.contains(x))
                .map(|(x, b)| (x.clone(), b.clone()))
                .collect(),
            fields: answer.written.clone(),
            pending: plan.pending.clone(),
        };
        settle_bases(
            environment.context,
            environment.direction,
            &mut link.bases,
            &facts,
            &answer.answer,
            &seen.source_schema,
            environment.clock.now(),
        );
        forget_refusals(&mut link, environment.direction, &facts.settled);
        let refused = with_holders(seen, answer.refused, &plan.writes, Some(&target.reference)).await;
        refuse(seen, &mut settlement, &mut link, &plan, &refused);
        written = answer.written;
    }
    let already = settled_without_write(&plan);
    forget_refusals(&mut link, environment.direction, &already);
    link.bases.of_mut(environment.direction).extend(already);
    link.bases.of_mut(environment.direction.reverse()).extend(plan.settled_reverse.clone());
    park_unfit(seen, &mut settlement, &mut link, &plan);
    if let Some(back) = write_back.as_ref().filter(|b| b.already_there)
        && let Some((field, base)) =
            id_base(environment.context, environment.direction.reverse(), &back.value, &seen.source_schema)
    {
        link.bases.of_mut(environment.direction.reverse()).insert(field, base);
    }

    let outcome = if !written.is_empty() {
        "updated"
    } else if held.is_none() {
        "linked"
    } else {
        "settled"
    };
    announce(seen, &target.reference, &plan, &written).await?;
    if change != LinkChange::None {
        // The source record changes hands too: whoever is about to create its partner must not succeed.
        states.push((source.reference.clone(), seen.states.source.clone()));
        source_version += 1;
    }
    let unchanged = held == Some(&link) && states.is_empty();
    settlement.states = states;
    if !unchanged {
        settlement.history = Some(history(seen, outcome, written.clone(), plan.lost.clone()));
        settlement.link = Some(link.clone());
        if environment.store.settle(&settlement).await? == Settled::Conflict {
            return resettle(seen, settlement, &plan, &written).await;
        }
        link.version += 1;
    }
    if let Some(back) = write_back.filter(|b| !b.already_there) {
        let state = RecordState { version: source_version, ..seen.states.source.clone() };
        write_id_back(seen, link, &source.reference, &state, &back).await?;
    }
    let mut done =
        report(outcome, if unchanged { "pending" } else { "" }, seen.notice, Some(target.reference.clone()));
    done.fields = written;
    Ok(Some(done))
}

/// Which records find the link now, and which no longer do.
fn moved_lookups(settlement: &mut Settlement, held: Option<&Link>, link: &Link) {
    for side in [Side::Hub, Side::Remote] {
        let now = link.record(side);
        match held.map(|l| l.record(side)) {
            Some(before) if before == now => {}
            Some(before) => {
                settlement.lookups_removed.push(before.clone());
                settlement.lookups_added.push(now.clone());
            }
            None => settlement.lookups_added.push(now.clone()),
        }
    }
}

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
    let now = environment.clock.now();
    let notice = |suffix: &str| Notice {
        record: target.clone(),
        kind: NoticeKind::Saved,
        receipt: format!("{}>{suffix}", seen.notice.receipt),
        received_at: now,
        modified_at: None,
    };
    let source_system = environment.source.system();
    let reverse = environment.context.operations(environment.direction.reverse());
    if plan.leftovers && reverse.update && environment.queue.reaches(source_system) {
        environment.queue.send(source_system, &[notice("left")]).await?;
    }
    if written.is_empty() || environment.direction.target() != Side::Hub {
        return Ok(());
    }
    for remote in environment.other_remotes.iter().filter(|remote| environment.queue.reaches(remote)) {
        environment.queue.send(remote, &[notice(&remote.to_string())]).await?;
    }
    Ok(())
}

/// Tells the other pairs of a coreBOS record that it was created.
pub(crate) async fn announce_created<W: World>(
    seen: &Seen<'_, W>,
    target: &RecordRef,
) -> Result<(), PushError> {
    announce(seen, target, &FieldPlan::default(), &["id".to_owned()]).await
}

/// Somebody settled the link between our read and our settlement, although the write was done under our lease:
/// what was written is a fact, and is put onto the link as it is now.
async fn resettle<W: World>(
    seen: &Seen<'_, W>,
    settlement: Settlement,
    plan: &FieldPlan,
    written: &[String],
) -> Result<Option<Report>, PushError> {
    let environment = seen.environment;
    let Some(ours) = settlement.link.clone().filter(|l| l.version > 0 && !written.is_empty()) else {
        // Nothing was written, or the link itself was new: begin again.
        for (record, state) in &settlement.states {
            environment
                .store
                .settle(&Settlement {
                    states: vec![(record.clone(), state.clone())],
                    ..Settlement::default()
                })
                .await?;
        }
        return Ok(None);
    };
    let Some(mut fresh) = environment.store.link(&ours.id).await? else { return Ok(None) };
    let direction = environment.direction;
    for x in written {
        if let Some(base) = plan.settled.get(x) {
            fresh.bases.of_mut(direction).insert(x.clone(), base.clone());
        }
        let partners: Vec<_> = ours
            .bases
            .of(direction.reverse())
            .iter()
            .filter(|(y, _)| environment.context.are_partners(direction, x, y) && !plan.pending.contains(y))
            .map(|(y, b)| (y.clone(), b.clone()))
            .collect();
        fresh.bases.of_mut(direction.reverse()).extend(partners);
    }
    fresh.breaker.clone_from(&ours.breaker);
    // Whatever else the plan meant to settle is decided afresh in the next round.
    let target = target_reference(seen);
    let mut settlement = settlement;
    settlement.states.retain(|(record, _)| Some(record) == target.as_ref());
    let again = Settlement {
        link: Some(fresh),
        lookups_added: Vec::new(),
        lookups_removed: Vec::new(),
        ..settlement
    };
    environment.store.settle(&again).await?;
    Ok(None)
}

async fn trip<W: World>(
    seen: &Seen<'_, W>,
    held: Option<&Link>,
    plan: &FieldPlan,
) -> Result<Option<Report>, PushError> {
    let Some(link) = held else { return Ok(None) };
    let since = seen.environment.clock.now();
    let pause = PairSettings::BREAKER_PAUSE;
    let fields: Vec<&str> = plan.writes.names().collect();
    let message = format!(
        "{} and {} were written more than {} times in {} minutes, {} the last that changed; something outside keeps \
         changing them. Nothing is lost: they rest for {} minutes and are brought in step then. Find out what it is",
        link.hub,
        link.remote,
        seen.environment.context.settings.writes_per_link,
        PairSettings::BREAKER_WINDOW.as_secs() / 60,
        fields.join(", "),
        pause.as_secs() / 60,
    );
    let settlement = Settlement {
        link: Some(Link { status: LinkStatus::Broken { since }, breaker: None, ..link.clone() }),
        history: Some(history(
            seen,
            "broken",
            fields.iter().map(|&name| name.to_owned()).collect(),
            Vec::new(),
        )),
        parked: vec![parked_change(seen.environment, seen.notice, "breaker", message)],
        ..Settlement::default()
    };
    match seen.environment.store.settle(&settlement).await? {
        Settled::Yes => Err(PushError::Wait { after: pause, reason: "breaker" }),
        Settled::Conflict => Ok(None),
    }
}
