//! Fills the shelf for a page: the records of the page, their partners, and what would be searched for one by one.
//!
//! Nothing here must succeed: what is not on the shelf is read when it is needed.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, TryStreamExt as _};
use model::{Link, RecordRef, RecordState};

use super::shelf::Shelf;
use super::stock::{Stock, Stocked};
use crate::error::{ConnectorError, StoreError};
use crate::ports::{Connector as _, Record, StateStore};
use crate::push::{Environment, World};

/// How many items of the table are asked for at the same time.
const AT_ONCE: usize = 32;

/// A record of a page that is to be looked at.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// Which one.
    pub(crate) record: RecordRef,
    /// Its number in the run.
    pub(crate) number: u64,
    /// Its link when the page was read.
    pub(crate) link: Option<Link>,
}

/// Why something was not prefetched. Told, never acted on.
pub(crate) type Unfetched = Vec<String>;

/// The links of the records of a page.
pub(crate) async fn links<W: World>(
    environment: &Environment<'_, W>,
    records: Vec<RecordRef>,
    first: u64,
) -> Result<Vec<Item>, StoreError> {
    let (store, pair) = (environment.store, &environment.context.pair);
    let numbered = (first..).zip(records);
    let linked = numbered.map(|(number, record)| async move {
        let link = store.find_link(&record, pair).await?;
        Ok(Item { record, number, link })
    });
    futures::stream::iter(linked).buffered(AT_ONCE).try_collect().await
}

/// Fills the shelf.
pub(crate) async fn fill<W>(
    environment: &Environment<'_, W>,
    shelf: &Shelf,
    rows: Vec<(String, Stocked)>,
    items: &[Item],
) -> Unfetched
where
    W: World,
    W::Source: Stock,
    W::Target: Stock,
{
    let mut unfetched = Vec::new();
    let listed = rows.into_iter().filter_map(|(_, row)| match row {
        Stocked::Record(record) => Some(record),
        Stocked::Listed | Stocked::PassedOver => None,
    });
    let listed: BTreeMap<RecordRef, Record> =
        listed.map(|record| (record.reference.clone(), record)).collect();
    let wanted = items.iter().map(|item| item.record.clone()).collect();
    noted(&mut unfetched, stand(environment, environment.source, shelf, wanted, listed).await);
    let mut partners = noted(&mut unfetched, search(environment, shelf, items).await);
    let target_side = environment.direction.target();
    partners.extend(
        items.iter().filter_map(|item| item.link.as_ref()).map(|link| link.record(target_side).clone()),
    );
    let partners = partners.into_iter().collect();
    noted(&mut unfetched, stand(environment, environment.target, shelf, partners, BTreeMap::new()).await);
    unfetched
}

fn noted<T: Default>(unfetched: &mut Unfetched, result: Result<T, String>) -> T {
    result.unwrap_or_else(|why| {
        unfetched.push(why);
        T::default()
    })
}

fn why(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Puts records of one system onto the shelf, each read after its state; or read before, where its state says that
/// the bridge has never written it.
async fn stand<W: World, C: Stock>(
    environment: &Environment<'_, W>,
    system: &C,
    shelf: &Shelf,
    wanted: BTreeSet<RecordRef>,
    mut listed: BTreeMap<RecordRef, Record>,
) -> Result<(), String> {
    let store = environment.store;
    let states = wanted.into_iter().map(|record| async move {
        let state = store.state(&record).await?;
        Ok::<_, StoreError>((record, state))
    });
    let states: Vec<(RecordRef, RecordState)> =
        futures::stream::iter(states).buffered(AT_ONCE).try_collect().await.map_err(why)?;
    let mut versions = BTreeMap::new();
    for (record, state) in states {
        match listed.remove(&record) {
            _ if state.lease.is_some() => {}
            Some(read) if state.version == 0 => shelf.put(read, 0),
            _ => {
                versions.insert(record, state.version);
            }
        }
    }
    let Some(object) = versions.keys().next().map(|record| record.object.clone()) else { return Ok(()) };
    let ids: Vec<String> = versions.keys().map(|record| record.id.clone()).collect();
    for record in system.read_many(&object, &ids).await.map_err(why)? {
        if let Some(version) = versions.get(&record.reference) {
            shelf.put(record, *version);
        }
    }
    Ok(())
}

/// Searches on the target side for what records without a link would be matched by. Gives the records that could be
/// meant.
async fn search<W>(
    environment: &Environment<'_, W>,
    shelf: &Shelf,
    items: &[Item],
) -> Result<BTreeSet<RecordRef>, String>
where
    W: World,
    W::Target: Stock,
{
    let (spec, side) = (environment.context.spec, environment.direction.target());
    let (object, target) = (spec.object(side), environment.target);
    let mut values: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut meant = BTreeSet::new();
    for item in items.iter().filter(|item| item.link.is_none()) {
        if spec.is_found_by_id(side) {
            values.entry(spec.id_field(side)).or_default().insert(item.record.id.clone());
        }
        let Some((source, _)) = shelf.record(&item.record) else { continue };
        let text = |field| source.fields.text(field).map(str::trim).filter(|text| !text.is_empty());
        if let Some(carried) = text(spec.id_field(environment.direction.source())) {
            meant.insert(RecordRef::new(target.system(), &object, carried));
        }
        for (target_field, source_field) in spec.natural_keys(side) {
            if let Some(value) = text(source_field) {
                values.entry(target_field).or_default().insert(value.to_owned());
            }
        }
    }
    for (field, values) in values {
        let values: Vec<String> = values.into_iter().collect();
        let found = target.find_many(&object, field, &values).await;
        for (value, found) in found.map_err(|error: ConnectorError| why(error))? {
            meant.extend(found.iter().map(|record| record.reference.clone()));
            shelf.put_found(target.system(), field, &value, found);
        }
    }
    Ok(meant)
}
