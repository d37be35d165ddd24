//! Which record is meant: by any of its ids, by its e-mail, by the name of a company.

use std::str::FromStr;
use std::sync::Arc;

use anyhow::Result;
use aws::DynamoStore;
use model::{Link, ObjectName, Pair, RecordRef, Side, System, SystemKind};
use sync::{Connector, Lookup, Opens, Reading, StateStore as _};
use wiring::{NotReady, ReadyPair};

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// `mautic:main#contact#47`.
    Reference(RecordRef),
    /// `47`, `mautic:47`, `11x74`: an id, of a kind of system where that is said or clear.
    Id {
        /// Which kind of system.
        kind: Option<SystemKind>,
        /// The id.
        id: String,
    },
    /// An e-mail, or the name of a company.
    Text(String),
}

impl FromStr for Asked {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let parts: Vec<&str> = text.splitn(3, '#').collect();
        if let [system, object, id] = parts.as_slice()
            && let Ok(system) = system.parse::<System>()
        {
            return Ok(Self::Reference(RecordRef::new(&system, &ObjectName::new(object), *id)));
        }
        if let Some((kind, id)) = text.split_once(':')
            && let Some(kind) = SystemKind::ALL.into_iter().find(|known| known.as_str() == kind)
        {
            return Ok(Self::Id { kind: Some(kind), id: id.trim().to_owned() });
        }
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_number(text) {
            return Ok(Self::Id { kind: None, id: text.to_owned() });
        }
        let webservice_id = text.split_once('x').is_some_and(|(a, b)| is_number(a) && is_number(b));
        if webservice_id {
            return Ok(Self::Id { kind: Some(SystemKind::CoreBos), id: text.to_owned() });
        }
        Ok(Self::Text(text.to_owned()))
    }
}

/// A record that may be meant, with the one that it is linked to, or that has the same e-mail or name.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub(super) pair: Pair,
    pub(super) hub: Option<RecordRef>,
    pub(super) remote: Option<RecordRef>,
    pub(super) link: Option<Link>,
}

impl Hit {
    fn of(pair: &Pair, side: Side, record: RecordRef) -> Self {
        let (hub, remote) = match side {
            Side::Hub => (Some(record), None),
            Side::Remote => (None, Some(record)),
        };
        Self { pair: pair.clone(), hub, remote, link: None }
    }

    fn linked(link: Link) -> Self {
        let (hub, remote) = (Some(link.hub.clone()), Some(link.remote.clone()));
        Self { pair: link.pair.clone(), hub, remote, link: Some(link) }
    }

    /// The records that are known, coreBOS's first.
    pub(super) fn records(&self) -> Vec<RecordRef> {
        self.hub.iter().chain(&self.remote).cloned().collect()
    }
}

/// A pair, with its systems if they can be asked.
pub(super) struct Known<H, R> {
    pub(super) pair: Pair,
    pub(super) ready: Result<Arc<ReadyPair<H, R>>, NotReady>,
}

/// What was found, and what could not be asked.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) hits: Vec<Hit>,
    pub(super) trouble: Vec<String>,
}

impl Found {
    /// Takes up what was found elsewhere, each link once.
    pub(super) fn join(&mut self, other: Self) {
        for hit in other.hits {
            let again = hit.link.as_ref().is_some_and(|link| {
                self.hits.iter().any(|known| known.link.as_ref().is_some_and(|other| other.id == link.id))
            });
            if !again {
                self.hits.push(hit);
            }
        }
        self.trouble.extend(other.trouble);
        self.trouble.dedup();
    }
}

/// Finds the records that are meant.
///
/// # Errors
/// The table does not answer.
pub(super) async fn find<H: Opens, R: Opens>(
    store: &DynamoStore,
    pairs: &[Known<H, R>],
    asked: &Asked,
) -> Result<Found> {
    let mut found = Found::default();
    for known in pairs {
        let mut here = Found::default();
        match &known.ready {
            Ok(ready) => {
                let (hub, remote) = (&ready.systems.hub, &*ready.systems.remote);
                on_side(store, known, Side::Hub, Some(hub), asked, &mut here).await?;
                on_side(store, known, Side::Remote, Some(remote), asked, &mut here).await?;
            }
            Err(error) => {
                on_side::<H, H, R>(store, known, Side::Hub, None, asked, &mut here).await?;
                on_side::<H, H, R>(store, known, Side::Remote, None, asked, &mut here).await?;
                found.trouble.push(error.to_string());
            }
        }
        if matches!(asked, Asked::Text(_)) {
            here.hits = together(here.hits);
        }
        found.join(here);
    }
    Ok(found)
}

/// One record of each side with the same e-mail or name, neither linked: they stand for the same one.
fn together(mut hits: Vec<Hit>) -> Vec<Hit> {
    let unlinked = |hit: &&Hit| hit.link.is_none();
    let hubs: Vec<RecordRef> = hits.iter().filter(unlinked).filter_map(|hit| hit.hub.clone()).collect();
    let remotes: Vec<RecordRef> = hits.iter().filter(unlinked).filter_map(|hit| hit.remote.clone()).collect();
    if let ([hub], [remote]) = (hubs.as_slice(), remotes.as_slice()) {
        let pair = hits.iter().find(unlinked).map(|hit| hit.pair.clone());
        hits.retain(|hit| hit.link.is_some());
        hits.extend(pair.map(|pair| Hit {
            pair,
            hub: Some(hub.clone()),
            remote: Some(remote.clone()),
            link: None,
        }));
    }
    hits
}

async fn on_side<C: Connector, H, R>(
    store: &DynamoStore,
    known: &Known<H, R>,
    side: Side,
    system: Option<&C>,
    asked: &Asked,
    found: &mut Found,
) -> Result<()> {
    let spec = sync::pair_spec(known.pair.kind);
    let (instance, object) = (known.pair.system(side), spec.object(side));
    let mut records: Vec<(RecordRef, bool)> = Vec::new();
    match asked {
        Asked::Reference(record) => {
            if record.system == *instance && record.object == object {
                records.push((record.clone(), false));
            }
        }
        Asked::Id { kind, id } => {
            if kind.is_none_or(|kind| kind == instance.kind()) {
                let bare = side == Side::Hub && !id.contains('x');
                let id = if bare {
                    number_of(system, &object, id, &mut found.trouble).await
                } else {
                    Some(id.clone())
                };
                records.extend(id.map(|id| (RecordRef::new(instance, &object, id), false)));
            }
        }
        Asked::Text(text) => {
            for (field, _) in spec.natural_keys(side) {
                let Some(system) = system else { continue };
                let lookup = Lookup { field: field.to_owned(), value: text.clone() };
                match system.find(&object, &lookup).await {
                    Ok(listed) => records.extend(listed.into_iter().map(|record| (record.reference, true))),
                    Err(error) => found.trouble.push(format!("{instance} cannot be searched: {error}")),
                }
            }
        }
    }
    for (record, is_there) in records {
        if let Some(link) = store.find_link(&record, &known.pair).await? {
            found.hits.push(Hit::linked(link));
        } else if is_there
            || is_known(store, &known.pair, &record).await?
            || reads(system, &record, &mut found.trouble).await
        {
            found.hits.push(Hit::of(&known.pair, side, record));
        }
    }
    Ok(())
}

/// The id of a coreBOS record by its number alone.
async fn number_of<C: Connector>(
    system: Option<&C>,
    object: &ObjectName,
    number: &str,
    trouble: &mut Vec<String>,
) -> Option<String> {
    match system?.related(object, number).await {
        Ok(fields) => fields?.text("id").map(str::to_owned),
        Err(error) => {
            trouble.push(format!("{} cannot be asked for {number}: {error}", system?.system()));
            None
        }
    }
}

/// Whether the table knows a record that is not linked.
async fn is_known(store: &DynamoStore, pair: &Pair, record: &RecordRef) -> Result<bool> {
    if store.state(record).await?.version > 0 {
        return Ok(true);
    }
    let parked = store.list_parked(pair).await?;
    Ok(parked.iter().any(|parked| parked.change.notice.record == *record))
}

async fn reads<C: Connector>(system: Option<&C>, record: &RecordRef, trouble: &mut Vec<String>) -> bool {
    let Some(system) = system else { return false };
    match system.read(record).await {
        Ok(Reading::Found(_) | Reading::MergedInto(_)) => true,
        Ok(Reading::Gone) => false,
        Err(error) => {
            trouble.push(format!("{record} cannot be read: {error}"));
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Asked {
        let Ok(asked) = text.parse();
        asked
    }

    #[test]
    fn a_record_is_named_in_any_of_its_ways() {
        let id = |kind, id: &str| Asked::Id { kind, id: id.to_owned() };
        assert_eq!(asked("47"), id(None, "47"));
        assert_eq!(asked(" 11x74 "), id(Some(SystemKind::CoreBos), "11x74"));
        assert_eq!(asked("mautic:47"), id(Some(SystemKind::Mautic), "47"));
        assert_eq!(asked("corebos:11x74"), id(Some(SystemKind::CoreBos), "11x74"));
        let reference = asked("mautic:main#contact#47");
        assert!(matches!(&reference, Asked::Reference(record) if record.id == "47"), "{reference:?}");
        for text in ["ana@example.org", "Acme: Sons & Co", "12 x 3", "x12", "Max#1", ""] {
            assert_eq!(asked(text), Asked::Text(text.to_owned()));
        }
    }
}
