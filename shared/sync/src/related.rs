//! What a map needs besides the record: related records, and coreBOS's own evaluation; looked up before anything is
//! decided.
//!
//! A reference (`$(account_id : (Accounts) accountname)`) always leads to a record of coreBOS, whichever side the
//! map reads. One hop, each record once, all of them at once, none if the map has no references. What is looked up
//! stays with the record that refers to it, so that whoever projects it sees the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use mapping::{RelatedRecord, RelatedRecords, Surroundings};
use model::{Direction, Fields, ObjectName, RecordRef, Side};

use crate::decide::{SourceNow, TargetNow};
use crate::error::{ConnectorError, Disposition};
use crate::pair_map::PairMap;
use crate::ports::{Clock, Connector, Record};
use crate::push::{Environment, World};

/// How many records are looked up at the same time.
const AT_ONCE: usize = 8;

/// How often a look at the map may ask for more: a record, or a user, then the group, then its users.
const LOOKS: usize = 4;

/// How long to wait before coreBOS is asked again for an evaluation that it broke off.
const DOUBT_PAUSE: Duration = Duration::from_millis(700);

/// What the map of a record needs besides it: the records that it refers to, as far as the map has asked for them, and
/// what coreBOS itself made of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Related(Option<Box<Gathered>>);

/// In a box, because most maps need nothing.
#[derive(Clone, Debug, Default, PartialEq)]
struct Gathered {
    /// By module and id.
    records: BTreeMap<String, BTreeMap<String, LookedUp>>,
    /// Nothing if coreBOS was not asked: nothing needs it, or there is no such record yet.
    processed: Option<Processed>,
}

/// What coreBOS made of a record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Processed {
    Answer(Fields),
    /// It cannot evaluate the map for this record; why.
    Failed(String),
}

#[derive(Clone, Debug, PartialEq)]
enum LookedUp {
    Found(Fields),
    /// There is none: the reference reads as blank, as in coreBOS.
    Gone,
    /// It may not be read, or never can be; why.
    Unreadable(String),
}

impl Related {
    fn get(&self, module: &str, id: &str) -> Option<(&String, &LookedUp)> {
        let (module, records) = self.0.as_ref()?.records.get_key_value(module)?;
        Some((module, records.get(id)?))
    }

    /// What coreBOS made of the record, if it was asked.
    pub(crate) fn processed(&self) -> Option<&Processed> {
        self.0.as_ref()?.processed.as_ref()
    }

    fn insert(&mut self, module: String, id: String, found: LookedUp) {
        self.0.get_or_insert_default().records.entry(module).or_default().insert(id, found);
    }
}

/// What the evaluation of a field asked for and did not get.
#[derive(Debug)]
pub(crate) enum Missed {
    /// Nobody has looked it up yet.
    NotLookedUp { module: String, id: String },
    /// It is there and cannot be read.
    Unreadable(String),
}

/// Answers the questions of an evaluation, and notes those that it cannot answer.
pub(crate) struct Asked<'a> {
    related: &'a Related,
    missed: Mutex<Vec<Missed>>,
}

impl<'a> Asked<'a> {
    pub(crate) fn new(related: &'a Related) -> Self {
        Self { related, missed: Mutex::default() }
    }

    /// What was missed since the last time.
    pub(crate) fn take(&self) -> Vec<Missed> {
        std::mem::take(&mut self.missed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl RelatedRecords for Asked<'_> {
    fn related(&self, module: &str, id: &str) -> Option<RelatedRecord<'_>> {
        let missed = match self.related.get(module, id) {
            Some((module, LookedUp::Found(fields))) => return Some(RelatedRecord { module, fields }),
            Some((_, LookedUp::Gone)) => return None,
            Some((_, LookedUp::Unreadable(reason))) => Missed::Unreadable(reason.clone()),
            None => Missed::NotLookedUp { module: module.to_owned(), id: id.to_owned() },
        };
        self.missed.lock().unwrap_or_else(PoisonError::into_inner).push(missed);
        None
    }
}

/// What a value may hang on besides the record.
pub(crate) fn surroundings<'a>(asked: &'a Asked<'a>, now: Timestamp) -> Surroundings<'a> {
    Surroundings {
        now: Some(now.as_second()),
        chance: Some(u64::from(now.subsec_nanosecond().unsigned_abs())),
        related: Some(asked),
        // The format in which an owner likes to see dates is nothing that another system could read.
        neutral_formats: true,
        processed: match asked.related.processed() {
            Some(Processed::Answer(fields)) => Some(fields),
            Some(Processed::Failed(_)) | None => None,
        },
        ..Surroundings::default()
    }
}

/// Looks up what a map needs besides `record`, so that it can be projected.
///
/// `direction` is that of the map. What `known` records had looked up is not looked up again. A record that may not
/// be read, or whose module does not exist, is kept as such: it concerns the fields that read it and no others.
///
/// # Errors
/// coreBOS cannot be asked for now, or refuses our credentials.
pub(crate) async fn look_up<W: World>(
    environment: &Environment<'_, W>,
    direction: Direction,
    record: &mut Record,
    known: &[&Related],
) -> Result<(), ConnectorError> {
    let map = environment.context.map(direction);
    // A record that is about to be created has no id, and nobody can be asked about it.
    if let Some(map) = map.processed_by.as_deref().filter(|_| !record.reference.id.is_empty()) {
        let processed = process(environment, map, &record.reference).await?;
        record.related.0.get_or_insert_default().processed = Some(processed);
    }
    if map.map.references().next().is_none() {
        return Ok(());
    }
    let now = environment.clock.now();
    for _ in 0..LOOKS {
        let asked = missing(map, record, now);
        if asked.is_empty() {
            break;
        }
        let mut wanted = Vec::new();
        for (module, id) in asked {
            match known.iter().find_map(|related| related.get(&module, &id)) {
                Some((_, held)) => record.related.insert(module, id, held.clone()),
                None => wanted.push((module, id)),
            }
        }
        let reads = futures::stream::iter(wanted).map(|(module, id)| async move {
            let found = ask(environment, &module, &id).await?;
            Ok::<_, ConnectorError>((module, id, found))
        });
        let found: Vec<_> = reads.buffer_unordered(AT_ONCE).try_collect().await?;
        for (module, id, found) in found {
            record.related.insert(module, id, found);
        }
    }
    Ok(())
}

/// What coreBOS makes of a record. Where it cannot, that concerns the fields that only it can evaluate and no others.
async fn process<W: World>(
    environment: &Environment<'_, W>,
    map: &str,
    record: &RecordRef,
) -> Result<Processed, ConnectorError> {
    let mut asked_before = false;
    loop {
        let answer = match environment.direction.target() {
            Side::Hub => environment.target.process_map(map, record).await,
            Side::Remote => environment.source.process_map(map, record).await,
        };
        return match answer {
            Ok(fields) => Ok(Processed::Answer(fields)),
            Err(ConnectorError::Doubtful { .. }) if !asked_before => {
                asked_before = true;
                environment.clock.sleep(DOUBT_PAUSE).await;
                continue;
            }
            Err(error @ (ConnectorError::Doubtful { .. } | ConnectorError::Misconfigured { .. })) => {
                Ok(Processed::failed(&error))
            }
            Err(error) if error.disposition() == Disposition::Park => Ok(Processed::failed(&error)),
            Err(error) => Err(error),
        };
    }
}

impl Processed {
    fn failed(error: &ConnectorError) -> Self {
        Self::Failed(format!("coreBOS evaluates this field, and cannot: {}", error.words()))
    }
}

/// The records that an evaluation asks for and that are not there yet.
fn missing(map: &PairMap, record: &Record, now: Timestamp) -> BTreeSet<(String, String)> {
    let asked = Asked::new(&record.related);
    let surroundings = surroundings(&asked, now);
    map.map.evaluate_each_in(&record.fields, &surroundings).for_each(drop);
    let missed = asked.take().into_iter();
    let mut wanted: BTreeSet<(String, String)> = missed
        .filter_map(|missed| match missed {
            Missed::NotLookedUp { module, id } => Some((module, id)),
            Missed::Unreadable(_) => None,
        })
        .collect();
    // An owner is looked for among the groups only when it is no user.
    let users: Vec<String> =
        wanted.iter().filter(|(module, _)| module == "Users").map(|(_, id)| id.clone()).collect();
    wanted.retain(|(module, id)| module != "Groups" || !users.contains(id));
    wanted
}

async fn ask<W: World>(
    environment: &Environment<'_, W>,
    module: &str,
    id: &str,
) -> Result<LookedUp, ConnectorError> {
    let object = ObjectName::new(module);
    let answer = match environment.direction.target() {
        Side::Hub => environment.target.related(&object, id).await,
        Side::Remote => environment.source.related(&object, id).await,
    };
    match answer {
        Ok(Some(fields)) => Ok(LookedUp::Found(fields)),
        Ok(None) | Err(ConnectorError::Gone) => Ok(LookedUp::Gone),
        Err(error @ ConnectorError::Misconfigured { .. }) => Ok(unreadable(module, &error)),
        Err(error) if error.disposition() == Disposition::Park => Ok(unreadable(module, &error)),
        Err(error) => Err(error),
    }
}

fn unreadable(module: &str, error: &ConnectorError) -> LookedUp {
    LookedUp::Unreadable(format!("a record of {module} that it refers to cannot be read: {}", error.words()))
}

/// Looks up what both maps of a push read of other records.
pub(crate) async fn look_up_both<W: World>(
    environment: &Environment<'_, W>,
    source: &mut SourceNow,
    target: &mut TargetNow,
) -> Result<(), ConnectorError> {
    let direction = environment.direction;
    let source = match source {
        SourceNow::Found(record) | SourceNow::MergedInto { survivor: record, .. } => record,
        SourceNow::Gone => return Ok(()),
    };
    look_up(environment, direction, source, &[]).await?;
    match target {
        TargetNow::Linked(record)
        | TargetNow::Matched(record)
        | TargetNow::MergedInto { survivor: record, .. }
        | TargetNow::Inherited { target: record, .. }
        | TargetNow::Gone { successor: Some(record) } => {
            look_up(environment, direction.reverse(), record, &[&source.related]).await
        }
        TargetNow::Gone { successor: None }
        | TargetNow::Ambiguous(_)
        | TargetNow::Taken { .. }
        | TargetNow::Nobody => Ok(()),
    }
}
