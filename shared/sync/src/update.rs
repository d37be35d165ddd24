//! Updating a target record under its lease, and settling what was written.

use model::{Breaker, HistoryEntry, Link, LinkStatus, RecordState, Side};

use crate::announce::announce;
use crate::apply::{history, new_link, source_record, target_record, target_reference, unleased};
use crate::decide::TargetNow;
use crate::plan::{FieldPlan, LinkChange, WriteBack};
use crate::ports::{Clock, Settled, Settlement, StateStore};
use crate::push::{PushError, Report, Seen, World, parked_change, report};
use crate::refuse::{park_unfit, refuse, with_holders};
use crate::related::look_up;
use crate::sabotage::{Break, broken};
use crate::settings::PairSettings;
use crate::settle::{
    Written, changed_link, forget_refusals, id_base, remember_own_writes, settle_bases, settled_without_write,
};
use crate::succession;
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

/// Carries out an update. Two records that meet are linked first, if anything is to be written.
pub(crate) async fn update<W: World>(
    seen: &mut Seen<'_, W>,
    plan: FieldPlan,
    mut change: LinkChange,
    write_back: Option<WriteBack>,
) -> Result<Option<Report>, PushError> {
    if change == LinkChange::New && !plan.writes.is_empty() && !broken(Break::WriteBeforeTheLink) {
        if !link_first(seen).await? {
            return Ok(None);
        }
        change = LinkChange::None;
    }
    write_and_settle(seen, plan, change, write_back).await
}

async fn write_and_settle<W: World>(
    seen: &Seen<'_, W>,
    mut plan: FieldPlan,
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
        Some(link) => changed_link(environment.context, link, &change),
        None => new_link(
            environment,
            environment.direction,
            &source.reference,
            &target.reference,
            &seen.notice.receipt,
        ),
    };
    // It was decided by the record as it is: its gate is open.
    link.paused = false;
    let mut settlement = moved_lookups(held, &link);
    let mut states = vec![];
    let mut source_version = seen.states.source.version;
    let mut written = Vec::new();

    if !plan.writes.is_empty() {
        let Some(breaker) = counted(&link, &environment.context.settings, environment.clock.now()) else {
            return trip(seen, held, &plan).await;
        };
        link.breaker = Some(breaker);
        let Some((mut answer, version)) = write_claimed(seen, &plan, &link, target).await? else {
            return Ok(None);
        };
        let mut state = unleased(&seen.states.target, version);
        remember_own_writes(&mut state, &answer.written, &answer.answer, plan.edited_at);
        states.push((target.reference.clone(), state));
        let facts = facts_of(&plan, &answer.written);
        let known = [&source.related, &target.related];
        look_up(environment, environment.direction.reverse(), &mut answer.answer, &known).await?;
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
        // What was to lose against a value that was refused has not lost, and travels.
        let to_lose = plan.overruled.iter().any(|field| refused.contains_key(field));
        plan.leftovers |= to_lose && !broken(Break::ForgetWhatWasToLose);
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
        settlement.history = Some(history_of(seen, outcome, &written, &plan, &settlement));
        settlement.link = Some(link.clone());
        if environment.store.settle(&settlement).await? == Settled::Conflict {
            return resettle(seen, settlement, &plan, &written).await;
        }
        link.version += 1;
        succession::retire(seen).await;
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

/// The history entry of an update, with the fields that its settlement parks.
fn history_of<W: World>(
    seen: &Seen<'_, W>,
    outcome: &str,
    written: &[String],
    plan: &FieldPlan,
    settlement: &Settlement,
) -> HistoryEntry {
    let refused = settlement.parked.iter().flat_map(|parked| parked.fields.keys().cloned()).collect();
    HistoryEntry { refused, ..history(seen, outcome, written.to_vec(), plan.lost.clone()) }
}

/// Stores the link of two records that meet, before anything is written to them. `false`: somebody was faster.
///
/// A write whose link is not there yet is one that nobody could settle: not who finds the intent of a worker that died,
/// nor a worker whose settlement comes too late. An edit made meanwhile would meet our own value "for the first time",
/// and could lose to it. Both states are raised, so that whoever has looked for a partner before and found none does
/// not create one.
async fn link_first<W: World>(seen: &mut Seen<'_, W>) -> Result<bool, PushError> {
    let environment = seen.environment;
    let (Some(source), Some(target)) = (source_record(seen), target_record(seen)) else { return Ok(false) };
    let (source, target) = (source.reference.clone(), target.reference.clone());
    let mut link = new_link(environment, environment.direction, &source, &target, &seen.notice.receipt);
    let settlement = Settlement {
        states: vec![(source, seen.states.source.clone()), (target, seen.states.target.clone())],
        history: Some(history(seen, "linked", Vec::new(), Vec::new())),
        link: Some(link.clone()),
        ..moved_lookups(None, &link)
    };
    if environment.store.settle(&settlement).await? == Settled::Conflict {
        return Ok(false);
    }
    link.version += 1;
    seen.states.source.version += 1;
    seen.states.target.version += 1;
    seen.link = Some(link);
    Ok(true)
}

/// What of a plan was really written.
fn facts_of(plan: &FieldPlan, written: &[String]) -> Written {
    let settled = plan.settled.iter().filter(|(x, _)| written.contains(x));
    Written {
        settled: settled.map(|(x, base)| (x.clone(), base.clone())).collect(),
        fields: written.to_vec(),
        pending: plan.pending.clone(),
        created: false,
    }
}

/// Which records find the link now, and which no longer do.
fn moved_lookups(held: Option<&Link>, link: &Link) -> Settlement {
    let mut settlement = Settlement::default();
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
    settlement
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
