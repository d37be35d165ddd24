//! Gathers the facts about a record: what is kept about it, what both systems hold, and what a push would do.

use anyhow::Result;
use aws::queue::dead_letters::DeadLetters;
use aws::store::Parked;
use aws::{DynamoStore, SystemClock};
use jiff::Timestamp;
use model::{Direction, HistoryEntry, Intent, Lease, Link, LinkStatus, Pair, RecordRef, RecordState, Side};
use sync::inspect::{InspectError, Inspected, Standing};
use sync::ports::Writer;
use sync::redrive::direction_of;
use sync::{
    Clock as _, CursorKey, CursorStore as _, KeepsMaps, Opens, PairContext, PairSettings, Plan,
    StateStore as _,
};
use wiring::{MapInUse, NotReady, PushPorts, ReadyPair, ToHub, ToRemote};

use super::report::{
    DirectionFacts, FieldFacts, HistoryFacts, LeaseFacts, LinkFacts, LogFacts, LostFacts, OwnWriteFacts,
    ParkedFacts, PollFacts, QueueFacts, RecordFacts, RefusedFacts, Report,
};
use super::resolve::{Hit, Known};
use super::{short, words};
use crate::stack::Stack;
use crate::stack::log::{StackLog, insights_query, lines_about};
use crate::times::{later, shown};

/// How many log lines are shown.
const LOG_LINES: usize = 12;

/// What was looked at in one direction.
struct Looked {
    inspected: Inspected,
    facts: DirectionFacts,
}

/// Everything about a record.
///
/// # Errors
/// The table does not answer. What a system does not answer is told in the report.
pub(super) async fn report<H: Opens + KeepsMaps, R: Opens>(
    stack: &Stack,
    ports: &PushPorts<H, R>,
    known: &Known<H, R>,
    hit: &Hit,
    history: usize,
) -> Result<Report> {
    let store = stack.store()?;
    let now = SystemClock.now();
    let records = hit.records();
    let parked = parked_of(&store, &hit.pair, &records).await?;
    let mut trouble = Vec::new();
    let mut looked = Vec::new();
    match &known.ready {
        Ok(ready) => {
            if let Some(remote) = &hit.remote {
                let inspected = wiring::inspect::<ToHub<H, R>>(ports, ready, remote).await;
                take(&store, ready, inspected, Direction::ToHub, &parked, &mut looked, &mut trouble).await?;
            }
            if let Some(hub) = &hit.hub {
                let inspected = wiring::inspect::<ToRemote<H, R>>(ports, ready, hub).await;
                take(&store, ready, inspected, Direction::ToRemote, &parked, &mut looked, &mut trouble)
                    .await?;
            }
        }
        Err(error) => trouble.push(format!("the records cannot be looked at now: {error}")),
    }
    if let Err(error @ NotReady::SwitchedOff(_)) = ports.active().await {
        for looked in looked.iter_mut().filter(|looked| looked.facts.outcome != "unchanged") {
            looked.facts.before.push(error.to_string());
        }
    }
    let link = match &hit.link {
        Some(link) => store.link(&link.id).await?,
        None => None,
    };
    let mut entries = match &link {
        Some(link) => store.history(&link.id, now).await?,
        None => Vec::new(),
    };
    entries.reverse();
    entries.truncate(history);
    let mut report = Report {
        looked_at: now,
        stack: stack.name.clone(),
        pair: hit.pair.kind.as_str().to_owned(),
        in_short: Vec::new(),
        in_step: false,
        records: record_facts(&store, hit, &looked, now).await?,
        link: link.as_ref().map(|link| link_facts(link, &parked)),
        directions: looked.into_iter().map(|looked| looked.facts).collect(),
        parked,
        history: entries.into_iter().map(|entry| history_facts(&hit.pair, entry)).collect(),
        queues: queues(stack, &hit.pair, &mut trouble).await,
        polls: polls(&store, &hit.pair).await?,
        log: log(stack, &hit.pair, &records),
        trouble,
    };
    short::tell(&mut report);
    Ok(report)
}

async fn take<H, R>(
    store: &DynamoStore,
    ready: &ReadyPair<H, R>,
    inspected: Result<Inspected, InspectError>,
    direction: Direction,
    parked: &[ParkedFacts],
    looked: &mut Vec<Looked>,
    trouble: &mut Vec<String>,
) -> Result<()> {
    let context = &ready.context;
    let (from, to) = words::ends(context, direction);
    match inspected {
        Ok(inspected) => {
            let map = match direction {
                Direction::ToHub => &ready.to_hub,
                Direction::ToRemote => &ready.to_remote,
            };
            let mut facts = direction_facts(context, &inspected, map, parked);
            if let Some(key) =
                inspected.natural_key.as_ref().filter(|_| matches!(inspected.plan, Plan::Create { .. }))
                && let Some((by, until)) = store.key_claim(key, inspected.at).await?
                && by != inspected.source.reference
            {
                let by = words::named(&by);
                let until = shown(until);
                facts.before.push(format!(
                    "{by} is just being created in {to} for the same key: it waits until {until}"
                ));
            }
            looked.push(Looked { inspected, facts });
        }
        Err(error) => trouble.push(format!("{from} ▶ {to}: {error}")),
    }
    Ok(())
}

fn direction_facts(
    context: &PairContext,
    inspected: &Inspected,
    map: &MapInUse,
    parked: &[ParkedFacts],
) -> DirectionFacts {
    let (from, to) = words::ends(context, inspected.direction);
    let (outcome, next) = words::plan(context, inspected);
    let happens = matches!(inspected.plan, Plan::Create { .. } | Plan::Update { .. });
    let fields = inspected.fields.iter().map(|view| {
        let words =
            parked.iter().filter(|parked| parked.to == to).find_map(|parked| parked.fields.get(&view.field));
        let (state, told) = words::field(view, &from, &to, happens, words.map(String::as_str));
        FieldFacts {
            field: view.field.clone(),
            sources: view.sources.clone(),
            line: view.line,
            directive: view.directive.clone(),
            made: view.made.clone(),
            value: view.value.clone(),
            held: view.held.clone(),
            here: view.here.clone(),
            base: words::base(view.base).0,
            master: view.master.map(|side| words::label(context.pair.system(side))),
            pending: view.pending.clone(),
            source_edited: view.source_edited,
            target_edited: view.target_edited,
            state,
            told,
        }
    });
    DirectionFacts {
        before: before(inspected),
        fields: fields.collect(),
        map: map.name.to_owned(),
        map_kept: map.origin.to_string(),
        map_edit: map.origin.waiting_edit().map(|(edited, problem)| {
            format!("{} was edited in {edited}, and the edit cannot be used: {problem}", map.name)
        }),
        from,
        to,
        outcome,
        next,
    }
}

/// What a push would wait for, or find out first.
fn before(inspected: &Inspected) -> Vec<String> {
    let mut before = Vec::new();
    if let Some(Link { status: LinkStatus::Broken { since }, .. }) = &inspected.link {
        let until = shown(later(*since, PairSettings::BREAKER_PAUSE));
        before.push(format!("the two were written too often and rest until {until}; their notices wait"));
    }
    for (record, lease) in inspected.leases() {
        let (record, until) = (words::named(record), shown(lease.until));
        before.push(if lease.until > inspected.at {
            format!("a push is writing {record} right now: others wait until {until} at most")
        } else {
            format!(
                "a write of {record} was begun and its worker died (its lease ended {until}): what it did is found out \
                 first"
            )
        });
    }
    before
}

async fn record_facts(
    store: &DynamoStore,
    hit: &Hit,
    looked: &[Looked],
    now: Timestamp,
) -> Result<Vec<RecordFacts>> {
    let mut facts = Vec::new();
    for (side, record) in [(Side::Hub, &hit.hub), (Side::Remote, &hit.remote)] {
        let as_source = looked.iter().find(|looked| looked.inspected.direction.source() == side);
        let as_target = looked.iter().find(|looked| looked.inspected.direction.target() == side);
        let standing = as_source.map(|looked| &looked.inspected.source);
        let standing = standing.or_else(|| as_target.and_then(|looked| looked.inspected.target.as_ref()));
        match (standing, record) {
            (Some(standing), _) => facts.push(standing_facts(standing, &hit.pair, now)),
            (None, Some(record)) => {
                let state = store.state(record).await?;
                facts.push(state_facts(record, &state, &hit.pair, now));
            }
            (None, None) => {}
        }
    }
    Ok(facts)
}

fn standing_facts(standing: &Standing, pair: &Pair, now: Timestamp) -> RecordFacts {
    let record = standing.record.as_ref();
    RecordFacts {
        is: match record {
            Some(_) if standing.merged => "merged",
            Some(_) => "there",
            None => "gone",
        },
        modified: record.and_then(|record| record.modified),
        last_writer: record.map(|record| match record.last_writer {
            Writer::Us => "us",
            Writer::Other => "somebody else",
            Writer::Unknown => "unknown",
        }),
        ..state_facts(&standing.reference, &standing.state, pair, now)
    }
}

fn state_facts(record: &RecordRef, state: &RecordState, pair: &Pair, now: Timestamp) -> RecordFacts {
    let own_writes = state.own_writes.iter().map(|(field, own)| {
        (field.clone(), OwnWriteFacts { produced: own.produced, stands_for: own.stands_for })
    });
    RecordFacts {
        system: words::label(&record.system),
        record: record.key(),
        is: "unknown",
        modified: None,
        last_writer: None,
        lease: state.lease.as_ref().map(|lease| lease_facts(lease, now)),
        own_writes: own_writes.collect(),
        creation_refused: state.refused_creates.contains_key(&pair.to_string()),
    }
}

fn lease_facts(lease: &Lease, now: Timestamp) -> LeaseFacts {
    let (intent, fields) = match &lease.intent {
        Intent::Write { fields, .. } => ("write", fields.keys().cloned().collect()),
        Intent::Create { fields, .. } => ("create", fields.keys().cloned().collect()),
    };
    LeaseFacts { until: lease.until, live: lease.until > now, intent, fields }
}

fn link_facts(link: &Link, parked: &[ParkedFacts]) -> LinkFacts {
    let (status, since, gone, until) = match &link.status {
        LinkStatus::Active => ("active", None, None, None),
        LinkStatus::Tombstone { gone, since } => ("tombstone", Some(*since), Some(*gone), None),
        LinkStatus::Broken { since } => {
            ("resting", Some(*since), None, Some(later(*since, PairSettings::BREAKER_PAUSE)))
        }
    };
    let refused = link.refused.iter().map(|refusal| {
        let by = words::label(link.pair.system(refusal.direction.target()));
        let words = parked
            .iter()
            .filter(|parked| parked.to == by)
            .find_map(|parked| parked.fields.get(&refusal.field));
        RefusedFacts { by, field: refusal.field.clone(), words: words.cloned() }
    });
    LinkFacts {
        id: link.id.clone(),
        status,
        since,
        gone_in: gone.map(|side| words::label(link.pair.system(side))),
        until,
        writes_lately: link.breaker.as_ref().map(|breaker| breaker.writes).unwrap_or_default(),
        refused: refused.collect(),
    }
}

/// What is parked about these records, newest first.
async fn parked_of(store: &DynamoStore, pair: &Pair, records: &[RecordRef]) -> Result<Vec<ParkedFacts>> {
    let listed = store.list_parked(pair).await?;
    let concerned = listed.iter().filter(|parked| records.contains(&parked.change.notice.record));
    Ok(concerned.rev().map(parked_facts).collect())
}

/// A parked change as it is shown.
pub(crate) fn parked_facts(parked: &Parked) -> ParkedFacts {
    let change = &parked.change;
    let to = words::label(change.pair.system(direction_of(change).target()));
    let record = words::named(&change.notice.record);
    ParkedFacts {
        id: id_of(&parked.name),
        at: change.at,
        pair: change.pair.kind.as_str().to_owned(),
        advice: words::advice(&change.reason, &record, &to),
        record: change.notice.record.key(),
        to,
        reason: change.reason.clone(),
        message: change.message.clone(),
        fields: change.fields.clone(),
        receipt: change.notice.receipt.clone(),
        received_at: change.notice.received_at,
    }
}

/// The short id of a parked change: the digest of its content, which ends its name.
pub(crate) fn id_of(name: &str) -> String {
    name.rsplit('#').next().unwrap_or(name).to_owned()
}

fn history_facts(pair: &Pair, entry: HistoryEntry) -> HistoryFacts {
    let label = |side| words::label(pair.system(side));
    let lost = entry.lost.into_iter().map(|lost| LostFacts {
        of: label(lost.side),
        field: lost.field,
        value: lost.value,
        reason: lost.reason,
    });
    HistoryFacts {
        at: entry.at,
        from: label(entry.direction.source()),
        to: label(entry.direction.target()),
        outcome: entry.outcome,
        written: entry.fields,
        refused: entry.refused,
        lost: lost.collect(),
        receipt: entry.receipt,
        received_at: entry.received_at,
    }
}

async fn queues(stack: &Stack, pair: &Pair, trouble: &mut Vec<String>) -> Vec<QueueFacts> {
    let mut facts = Vec::new();
    for system in [&pair.hub, &pair.remote] {
        let Ok(queue) = stack.environment.push_queue(system.kind()) else { continue };
        let towards = words::label(system);
        let client = stack.clients.sqs.clone();
        match aws::queue::depth(&client, &queue.url).await {
            Ok(depth) => {
                let dead = match DeadLetters::of(client, queue) {
                    Some(dead) => dead.count().await.ok(),
                    None => None,
                };
                let (waiting, in_flight) = (depth.waiting, depth.in_flight);
                facts.push(QueueFacts { towards, waiting, in_flight, dead_letters: dead });
            }
            Err(error) => trouble.push(format!("the queue towards {towards} cannot be looked at: {error}")),
        }
    }
    facts
}

async fn polls(store: &DynamoStore, pair: &Pair) -> Result<Vec<PollFacts>> {
    let spec = sync::pair_spec(pair.kind);
    let mut facts = Vec::new();
    for side in [Side::Hub, Side::Remote] {
        let (system, object) = (pair.system(side), spec.object(side));
        let cursor = store.cursor(&CursorKey { system: system.clone(), object: object.clone() }).await?;
        facts.push(PollFacts {
            system: words::label(system),
            object: object.to_string(),
            read_until: cursor.position.map(|position| position.since),
        });
    }
    Ok(facts)
}

fn log(stack: &Stack, pair: &Pair, records: &[RecordRef]) -> LogFacts {
    match &stack.log {
        StackLog::Kept(path) => {
            let mut lines = lines_about(path, records, LOG_LINES);
            lines.reverse();
            LogFacts { lines, ..LogFacts::default() }
        }
        StackLog::InCloudWatch { prefix } => {
            let group =
                |system: &model::System| format!("/aws/lambda/{prefix}push-{}", system.kind().as_str());
            LogFacts {
                lines: Vec::new(),
                groups: [&pair.hub, &pair.remote].map(group).to_vec(),
                query: Some(insights_query(records)),
            }
        }
    }
}
