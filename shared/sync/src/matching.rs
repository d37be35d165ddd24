//! Matching: which record of the target side is meant, before anything is created.

use std::time::Duration;

use model::{Link, LinkStatus, Notice, RecordRef, Side};

use crate::decide::TargetNow;
use crate::error::ConnectorError;
use crate::pairs::{PairSpec, pair_spec};
use crate::ports::{Connector, Lookup, Reading, Record, StateStore};
use crate::push::{Delivery, Environment, PushError, World};
use crate::sabotage::{Break, broken};
use crate::succession;

/// How often a candidate that belongs to another living record is looked at again: a merge that is under way
/// shows both records for a moment.
const PATIENCE: u32 = 3;

/// What became of the linked target.
pub(crate) async fn linked_target<W: World>(
    environment: &Environment<'_, W>,
    notice: &Notice,
    reading: Reading,
) -> Result<TargetNow, PushError> {
    Ok(match reading {
        Reading::Found(record) => TargetNow::Linked(record),
        Reading::MergedInto(survivor) => {
            let linked = succession::link_of_survivor(environment, &survivor).await?;
            TargetNow::MergedInto { survivor, linked }
        }
        Reading::Gone => {
            let carriers = carriers_of(environment, &notice.record).await?;
            let mut successor = None;
            if let [only] = carriers.as_slice()
                && environment.store.find_link(&only.reference, &environment.context.pair).await?.is_none()
            {
                successor = Some(only.clone());
            }
            TargetNow::Gone { successor }
        }
    })
}

/// The records of the target side that carry the id of a source record. This is also how a creation is found
/// whose answer was lost: the id is in the payload of every create.
pub(crate) async fn carriers_of<W: World>(
    environment: &Environment<'_, W>,
    source: &RecordRef,
) -> Result<Vec<Record>, ConnectorError> {
    carriers_on(environment.context.spec, environment.direction.target(), environment.target, source).await
}

/// The records of a side that carry the id of a record of the other side.
pub(crate) async fn carriers_on<C: Connector>(
    spec: &PairSpec,
    side: Side,
    system: &C,
    source: &RecordRef,
) -> Result<Vec<Record>, ConnectorError> {
    if !spec.is_found_by_id(side) {
        return Ok(Vec::new());
    }
    let lookup = Lookup { field: spec.id_field(side).to_owned(), value: source.id.clone() };
    system.find(&spec.object(side), &lookup).await
}

/// Which record is meant by a source record that has no link.
pub(crate) async fn unlinked_target<W: World>(
    environment: &Environment<'_, W>,
    source: &Record,
    delivery: &Delivery,
) -> Result<TargetNow, PushError> {
    if broken(Break::MatchNothing) {
        return Ok(TargetNow::Nobody);
    }
    if let Some(target) = succession::inheritance(environment, source).await? {
        return Ok(target);
    }
    if let Some(target) = by_carried_id(environment, source).await? {
        return Ok(target);
    }
    let carriers = carriers_of(environment, &source.reference).await?;
    if let Some(target) = choose(environment, source, carriers).await? {
        return patient(target, delivery);
    }
    let beside = beside_parent(environment, source).await?;
    if let Some(target) = choose(environment, source, beside).await? {
        return patient(target, delivery);
    }
    let spec = environment.context.spec;
    let target_side = environment.direction.target();
    for (target_field, source_field) in spec.natural_keys(target_side) {
        let value = source.fields.text(source_field).map(str::trim).unwrap_or_default();
        if value.is_empty() {
            continue;
        }
        let lookup = Lookup { field: target_field.to_owned(), value: value.to_owned() };
        let found = environment.target.find(&spec.object(target_side), &lookup).await?;
        if let Some(target) = choose(environment, source, found).await? {
            return patient(target, delivery);
        }
    }
    Ok(TargetNow::Nobody)
}

/// The records that could be meant because the parent is the other partner of the same record of coreBOS: that record,
/// or what belongs to that partner.
async fn beside_parent<W: World>(
    environment: &Environment<'_, W>,
    source: &Record,
) -> Result<Vec<Record>, PushError> {
    let (context, target_side) = (environment.context, environment.direction.target());
    let beside = context.associations.iter().find(|association| association.spec.is_itself());
    let Some(association) = beside else { return Ok(Vec::new()) };
    let parent = match target_side {
        Side::Remote => source.reference.clone(),
        Side::Hub => {
            let named = source.fields.text(association.spec.remote_field).unwrap_or_default();
            let object = pair_spec(association.spec.parents).object(Side::Remote);
            RecordRef::new(&context.pair.remote, &object, named)
        }
    };
    let link = environment.store.find_link(&parent, &association.parents).await?;
    // The other partner may belong to a record of another module by now.
    let object = context.spec.object(Side::Hub);
    let Some(link) = link.filter(|link| link.status == LinkStatus::Active && link.hub.object == object)
    else {
        return Ok(Vec::new());
    };
    if target_side == Side::Remote {
        let lookup =
            Lookup { field: association.spec.remote_field.to_owned(), value: link.remote.id.clone() };
        return Ok(environment.target.find(&context.spec.object(Side::Remote), &lookup).await?);
    }
    Ok(match environment.target.read(&link.hub).await? {
        Reading::Found(record) | Reading::MergedInto(record) => vec![record],
        Reading::Gone => Vec::new(),
    })
}

/// The record whose id the source carries. An id that leads nowhere, or to a record that belongs to another
/// living one, says nothing: people copy records with all their fields.
async fn by_carried_id<W: World>(
    environment: &Environment<'_, W>,
    source: &Record,
) -> Result<Option<TargetNow>, PushError> {
    let spec = environment.context.spec;
    let carried =
        source.fields.text(spec.id_field(environment.direction.source())).unwrap_or_default().trim();
    if carried.is_empty() {
        return Ok(None);
    }
    let object = spec.object(environment.direction.target());
    let reference = RecordRef::new(environment.target.system(), &object, carried);
    let record = match environment.target.read(&reference).await {
        Ok(Reading::Found(record) | Reading::MergedInto(record)) => record,
        Ok(Reading::Gone) | Err(ConnectorError::Forbidden { .. } | ConnectorError::Rejected { .. }) => {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    Ok(match choose(environment, source, vec![record]).await? {
        Some(TargetNow::Taken { .. }) => None,
        other => other,
    })
}

/// Chooses among found records: exactly one that nobody living has.
async fn choose<W: World>(
    environment: &Environment<'_, W>,
    source: &Record,
    found: Vec<Record>,
) -> Result<Option<TargetNow>, PushError> {
    let mut free = Vec::new();
    let mut taken = None;
    for record in found {
        match environment.store.find_link(&record.reference, &environment.context.pair).await? {
            None => free.push(TargetNow::Matched(record)),
            Some(link) => match inherited(environment, source, link, record).await? {
                heir @ TargetNow::Inherited { .. } => free.push(heir),
                other => taken = taken.or(Some(other)),
            },
        }
    }
    if free.len() > 1 {
        let candidates = free.iter().filter_map(reference_of).collect();
        return Ok(Some(TargetNow::Ambiguous(candidates)));
    }
    Ok(free.pop().or(taken))
}

fn reference_of(target: &TargetNow) -> Option<RecordRef> {
    match target {
        TargetNow::Matched(record) | TargetNow::Inherited { target: record, .. } => {
            Some(record.reference.clone())
        }
        _ => None,
    }
}

/// Whether the source takes over the link of a record: the record that it was linked to is gone, or was merged
/// into the source.
async fn inherited<W: World>(
    environment: &Environment<'_, W>,
    source: &Record,
    link: Link,
    target: Record,
) -> Result<TargetNow, PushError> {
    let by = link.record(environment.direction.source()).clone();
    if by == source.reference {
        return Ok(TargetNow::Inherited { target, link, merged: false });
    }
    Ok(match environment.source.read(&by).await? {
        Reading::Gone => TargetNow::Inherited { target, link, merged: false },
        Reading::MergedInto(survivor) if survivor.reference == source.reference => {
            TargetNow::Inherited { target, link, merged: true }
        }
        Reading::Found(_) | Reading::MergedInto(_) => TargetNow::Taken { candidate: target.reference, by },
    })
}

/// A taken candidate may be a merge that is not finished: it is looked at again a few times.
fn patient(target: TargetNow, delivery: &Delivery) -> Result<TargetNow, PushError> {
    if matches!(target, TargetNow::Taken { .. }) && delivery.attempt <= PATIENCE {
        return Err(PushError::Wait { after: Duration::from_secs(2), reason: "candidate_taken" });
    }
    Ok(target)
}
