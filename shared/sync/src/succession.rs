//! Succession: who stands for a record that is gone or has turned into another one.
//!
//! coreBOS merges two records by deleting one, and converts a lead by making a contact of it. A HubSpot merge makes a third
//! record. In each case the partner on the other side lives on with the successor, and nothing is deleted or doubled.

use model::{Direction, Fields, Link, LinkStatus, Notice, NoticeKind, RecordRef, Side, Value};

use crate::decide::{SourceNow, TargetNow};
use crate::error::{ConnectorError, StoreError};
use crate::gate;
use crate::pairs::{HubGone, PAIRS, PairSpec, pair_spec};
use crate::ports::{Canonical, ChangeQueue, Clock, Connector, Lookup, Reading, Record, Schema, StateStore};
use crate::push::{Environment, PushError, Seen, World};
use crate::sabotage::{Break, broken};

/// The link of the record that a merged one lives on in; that of the record which the survivor names as its own, where it
/// has not moved to the survivor yet: the merge of two linked records leaves one of them over, and the survivor says which.
pub(crate) async fn link_of_survivor<W: World>(
    environment: &Environment<'_, W>,
    survivor: &Record,
) -> Result<Option<Link>, StoreError> {
    let context = environment.context;
    if let Some(link) = environment.store.find_link(&survivor.reference, &context.pair).await? {
        return Ok(Some(link));
    }
    let is_remote = context.side_of(&survivor.reference) == Side::Remote;
    let carried = survivor.fields.text(context.spec.id_field(Side::Remote)).unwrap_or_default().trim();
    let asked = context.spec.gate.is_some() && is_remote && !broken(Break::AskNoSurvivor);
    if !asked || carried.is_empty() {
        return Ok(None);
    }
    let named = RecordRef::new(&context.pair.hub, &context.spec.object(Side::Hub), carried);
    let link = environment.store.find_link(&named, &context.pair).await?;
    Ok(link.filter(|link| link.status == LinkStatus::Active))
}

/// Who stands for a coreBOS record that is gone, before its partner goes into the recycle bin: the one record that carries
/// the partner's id, or has its natural key, and is linked to nobody else.
pub(crate) async fn heir<W: World>(
    environment: &Environment<'_, W>,
    source: SourceNow,
    link: Option<&Link>,
    target: Option<&Reading>,
) -> Result<SourceNow, PushError> {
    let spec = environment.context.spec;
    let SourceNow::Gone = source else { return Ok(source) };
    let Some(link) = link.filter(|link| link.status == LinkStatus::Active && !link.paused) else {
        return Ok(source);
    };
    let archives = spec.hub_gone == HubGone::RemoteIsArchived && !broken(Break::LookForNoHeir);
    if environment.direction != Direction::ToRemote || !archives {
        return Ok(source);
    }
    if let Some(survivor) = beside_heir(environment, link, target).await? {
        return Ok(SourceNow::MergedInto { survivor, linked: None });
    }
    let mut lookups = Vec::new();
    if spec.is_found_by_id(Side::Hub) {
        lookups.push(Lookup { field: spec.id_field(Side::Hub).to_owned(), value: link.remote.id.clone() });
    }
    if let Some(Reading::Found(target)) = target {
        for (field, remote) in spec.natural_keys(Side::Hub) {
            let value = target.fields.text(remote).unwrap_or_default().trim();
            if !value.is_empty() {
                lookups.push(Lookup { field: field.to_owned(), value: value.to_owned() });
            }
        }
    }
    for lookup in lookups {
        let found = environment.source.find(&spec.object(Side::Hub), &lookup).await?;
        let mut heirs = Vec::new();
        for candidate in found.into_iter().filter(|found| found.reference != link.hub) {
            if environment.store.find_link(&candidate.reference, &environment.context.pair).await?.is_none() {
                heirs.push(candidate);
            }
        }
        if let Ok([survivor]) = <[Record; 1]>::try_from(heirs) {
            return Ok(SourceNow::MergedInto { survivor, linked: None });
        }
    }
    Ok(source)
}

/// Who stands for a record that is gone because its other partner, to which this one belongs, has gone over to them.
async fn beside_heir<W: World>(
    environment: &Environment<'_, W>,
    link: &Link,
    target: Option<&Reading>,
) -> Result<Option<Record>, PushError> {
    let (context, store) = (environment.context, environment.store);
    let beside = context.associations.iter().find(|association| association.spec.is_itself());
    let (Some(association), Some(Reading::Found(target))) = (beside, target) else { return Ok(None) };
    let named = target.fields.text(association.spec.remote_field).unwrap_or_default();
    let object = pair_spec(association.spec.parents).object(Side::Remote);
    let parent = RecordRef::new(&context.pair.remote, &object, named);
    let Some(other) = store.find_link(&parent, &association.parents).await? else { return Ok(None) };
    let is_another = other.hub != link.hub && other.hub.object == link.hub.object;
    if !is_another
        || other.status != LinkStatus::Active
        || store.find_link(&other.hub, &context.pair).await?.is_some()
    {
        return Ok(None);
    }
    Ok(match environment.source.read(&other.hub).await? {
        Reading::Found(survivor) => Some(survivor),
        Reading::MergedInto(_) | Reading::Gone => None,
    })
}

/// The partner of the record that the source has come of: a contact takes over what its lead was linked to.
pub(crate) async fn inheritance<W: World>(
    environment: &Environment<'_, W>,
    source: &Record,
) -> Result<Option<TargetNow>, PushError> {
    let context = environment.context;
    let Some((kind, field)) = context.spec.succeeds else { return Ok(None) };
    if environment.direction != Direction::ToRemote {
        return Ok(None);
    }
    let named = source.fields.text(field).unwrap_or_default().trim();
    if named.is_empty() {
        return Ok(None);
    }
    let before = RecordRef::new(&context.pair.hub, &pair_spec(kind).object(Side::Hub), named);
    let Some(link) = environment.store.find_link(&before, &context.pair).await? else { return Ok(None) };
    if link.status != LinkStatus::Active || link.hub != before {
        return Ok(None);
    }
    let reading = environment.target.read(&link.remote).await?;
    Ok(match reading {
        Reading::Found(target) => Some(TargetNow::Inherited { target, link, merged: false }),
        Reading::MergedInto(_) | Reading::Gone => None,
    })
}

/// Tells the successors of a record that coreBOS calls deleted although it can be read: it was converted, and its
/// successors were made before they said of whom they come.
pub(crate) async fn tell_successors<W: World>(seen: &Seen<'_, W>) -> Result<(), PushError> {
    let environment = seen.environment;
    let SourceNow::Found(source) = &seen.source else { return Ok(()) };
    if seen.notice.kind == NoticeKind::Saved || environment.direction != Direction::ToRemote {
        return Ok(());
    }
    let follows =
        |spec: &&PairSpec| spec.succeeds.is_some_and(|(kind, _)| kind == environment.context.spec.kind);
    for spec in PAIRS.iter().filter(follows) {
        let Some((_, field)) = spec.succeeds else { continue };
        let lookup = Lookup { field: field.to_owned(), value: source.reference.id.clone() };
        let found = environment.source.find(&spec.object(Side::Hub), &lookup).await?;
        let now = environment.clock.now();
        let notices: Vec<Notice> = found
            .into_iter()
            .map(|successor| Notice {
                receipt: format!("{}>{}@{now}", seen.notice.receipt, successor.reference.id),
                record: successor.reference,
                kind: NoticeKind::Saved,
                received_at: now,
                modified_at: None,
                command: None,
                event: None,
            })
            .collect();
        if !notices.is_empty() {
            environment.queue.send(environment.target.system(), &notices).await?;
        }
    }
    Ok(())
}

/// Takes the id and the tick off a record whose partner has gone to its successor. What coreBOS does not let us write
/// there does no harm: nobody finds a link of it any more.
pub(crate) async fn retire<W: World>(seen: &Seen<'_, W>) {
    let TargetNow::Inherited { link, .. } = &seen.target else { return };
    let environment = seen.environment;
    let spec = environment.context.spec;
    let Some(gate) = spec.gate else { return };
    if environment.direction != Direction::ToRemote || link.hub.object == spec.object(Side::Hub) {
        return;
    }
    let mut values = Fields::default();
    values.insert(gate.opted_in, "0");
    values.insert(spec.id_field(Side::Hub), "");
    let retired = environment.source.update(&link.hub, &values).await;
    if let Err(error) = retired
        && error != ConnectorError::Gone
    {
        tracing::warn!(
            record.system = %link.hub.system,
            record.object = %link.hub.object,
            record.id = link.hub.id,
            reason = error.code(),
            "a converted record keeps the id of its former partner"
        );
    }
}

/// What a successor must get besides the id: it is kept in step as the record was that it comes of.
pub(crate) fn opt_in_along<S: Schema>(
    spec: &PairSpec,
    direction: Direction,
    source: &Record,
    schema: &S,
) -> Fields {
    let mut along = Fields::default();
    if let Some(gate) = spec.gate
        && direction == Direction::ToRemote
        && !gate::is_open(spec, source)
        && let Canonical::Value(yes) = schema.canonical(gate.opted_in, &Value::Text("1".to_owned()))
    {
        along.insert(gate.opted_in, yes);
    }
    along
}
