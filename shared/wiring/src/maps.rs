//! Which map is in use, and where it is from: the settings, coreBOS, or the bundle.
//!
//! An administrator edits maps in coreBOS, in the module Business Maps, where they always were. A map in the settings
//! (`map:<name>`) goes first, the map of that name in coreBOS next, the one that ships with the bundle last. Before an
//! edit is used it is compiled, and checked against the fields that both systems really have. An edit that brings a new
//! mistake is not used: the map that was in use stays, and that is told at every look, until the edit is mended. Where
//! none was in use before, a map that cannot be used stops the pair: the one that ships would write other fields.
//!
//! What coreBOS has is asked for once in half a minute, by whichever process comes first; the others read it from the
//! table.

mod choice;

use std::collections::BTreeMap;

use aws::store::MapMemory;
use aws::telemetry::{Counter, Metrics};
use aws::{DynamoStore, SystemClock};
use jiff::{SignedDuration, Timestamp};
use mapping::Finding;
use mapping::check::check;
use model::{Direction, Side, System};
use sync::{
    Clock as _, Connector, ConnectorError, KeepsMaps, MapSource, MapThere, PairMap, PairSpec, UsedMap,
};

use self::choice::{Choice, Chosen};
use crate::live_schema::Live;
use crate::not_ready::NotReady;
use crate::pairs::Systems;

/// How long a turn to ask coreBOS lasts: nobody else asks meanwhile, nor after a failure.
const TURN: SignedDuration = SignedDuration::from_secs(10);
/// How soon the others look again while one of them asks.
const SOON: SignedDuration = SignedDuration::from_secs(2);
/// How often somebody who has no answer yet looks for the first one that another gets, and the pause between.
const FIRST_LOOKS: u32 = 10;
const FIRST_PAUSE: std::time::Duration = std::time::Duration::from_millis(200);

/// A map that is in use.
#[derive(Clone, Debug)]
pub struct MapInUse {
    /// Its name in coreBOS.
    pub name: &'static str,
    /// Its XML.
    pub xml: String,
    /// Where it is from.
    pub origin: MapOrigin,
    /// Since when.
    pub since: Timestamp,
}

/// Where a map in use is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MapOrigin {
    /// From where it is looked for first; nothing waits.
    Current(MapSource),
    /// It was in use before an edit that cannot be used.
    LastGood {
        /// Where it was from.
        was: MapSource,
        /// Where the edit is.
        edited: MapSource,
        /// What is wrong with the edit: the checker's words, with lines and columns.
        problem: String,
    },
}

impl std::fmt::Display for MapOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Current(source) => source.fmt(f),
            Self::LastGood { was, edited, .. } => {
                write!(f, "{was}, from before the edit in {edited} that cannot be used")
            }
        }
    }
}

impl MapOrigin {
    /// What is wrong with an edit that waits to be mended, and where it is.
    pub fn waiting_edit(&self) -> Option<(&MapSource, &str)> {
        match self {
            Self::Current(_) => None,
            Self::LastGood { edited, problem, .. } => Some((edited, problem)),
        }
    }
}

/// The maps of a pair, compiled.
#[derive(Debug)]
pub(crate) struct PairMaps {
    pub(crate) to_hub: (PairMap, MapInUse),
    pub(crate) to_remote: (PairMap, MapInUse),
    /// Until when they need not be looked at again.
    pub(crate) until: Timestamp,
}

/// Why there is no map to use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct Unusable {
    /// Where the map is that cannot be used; none if there is no map of this name.
    pub place: Option<MapSource>,
    /// What is wrong: the checker's words.
    pub problem: String,
}

impl From<Unusable> for NotReady {
    fn from(error: Unusable) -> Self {
        Self::ByAdministrator { reason: "map", detail: error.problem }
    }
}

/// What was seen of a map, for an administrator.
#[derive(Clone, Debug)]
pub struct LookedAt {
    /// Its name.
    pub name: &'static str,
    /// Which way it goes.
    pub direction: Direction,
    /// The map that pushes use, or why none can be used.
    pub in_use: Result<MapInUse, Unusable>,
    /// What the checker says about the map in use, or about the one that cannot be used.
    pub findings: Vec<Finding>,
}

/// The name of the map that fills a side.
pub(crate) fn map_name(spec: &PairSpec, side: Side) -> &'static str {
    match side {
        Side::Hub => spec.map_to_hub,
        Side::Remote => spec.map_to_remote,
    }
}

/// Both maps of a pair, ready to be used. What coreBOS has is at most `fresh` old.
///
/// # Errors
/// A map cannot be used and none was in use before; or coreBOS was never asked and cannot be asked now.
pub(crate) async fn of_pair<H: KeepsMaps, R: Connector>(
    store: &DynamoStore,
    systems: &Systems<H, R>,
    spec: &'static PairSpec,
    fresh: SignedDuration,
) -> Result<PairMaps, NotReady> {
    let names = [spec.map_to_hub, spec.map_to_remote];
    let (memory, until) = remembered(store, &systems.hub, spec, &names, fresh).await?;
    let to_hub = taken(store, systems, spec, Direction::ToHub, &memory).await?;
    let to_remote = taken(store, systems, spec, Direction::ToRemote, &memory).await?;
    Ok(PairMaps { to_hub, to_remote, until })
}

/// What the table holds, with what coreBOS has now if it is time to ask; and until when that is fresh enough.
async fn remembered<H: KeepsMaps>(
    store: &DynamoStore,
    hub: &H,
    spec: &'static PairSpec,
    names: &[&str],
    fresh: SignedDuration,
) -> Result<(MapMemory, Timestamp), NotReady> {
    let mut looks = 0;
    loop {
        looks += 1;
        let memory = store.map_memory(hub.system(), spec.kind, names).await?;
        let now = SystemClock.now();
        if names.iter().all(|name| memory.settings.contains_key(*name)) {
            return Ok((memory, later(now, fresh)));
        }
        if let Some(asked_at) = memory.asked_at
            && later(asked_at, fresh) > now
        {
            return Ok((memory, later(asked_at, fresh).min(later(now, fresh))));
        }
        let until = later(now, TURN);
        let ours = store.take_turn_to_ask(hub.system(), spec.kind, memory.asked_at, now, until).await?;
        if !ours && memory.asked_at.is_some() {
            return Ok((memory, later(now, SOON)));
        }
        if !ours && looks < FIRST_LOOKS {
            SystemClock.sleep(FIRST_PAUSE).await;
            continue;
        }
        return ask(store, hub, spec, names, memory, now, fresh).await;
    }
}

/// Asks coreBOS. Where it cannot be asked, what it had before is good enough.
async fn ask<H: KeepsMaps>(
    store: &DynamoStore,
    hub: &H,
    spec: &'static PairSpec,
    names: &[&str],
    mut memory: MapMemory,
    now: Timestamp,
    fresh: SignedDuration,
) -> Result<(MapMemory, Timestamp), NotReady> {
    let found = match hub.field_maps(names).await {
        Ok(found) => found,
        Err(error) if memory.asked_at.is_none() => return Err(error.into()),
        Err(error) => {
            tracing::warn!(
                record.system = %hub.system(),
                reason = error.code(),
                detail = %error,
                "coreBOS cannot be asked for its maps; those from before stay in use"
            );
            return Ok((memory, later(now, TURN)));
        }
    };
    for name in names {
        let there = found.iter().filter(|map| map.name == *name).cloned();
        let there: Vec<MapThere> = there.map(MapThere::of).collect();
        let remembered = memory.maps.entry((*name).to_owned()).or_default();
        if remembered.there != there {
            store.remember_there(hub.system(), name, &there).await?;
            remembered.there = there;
        }
    }
    store.maps_asked(hub.system(), spec.kind, now).await?;
    Ok((memory, later(now, fresh)))
}

/// The map of a direction, taken into use: whoever comes next knows what was in use.
async fn taken<H: KeepsMaps, R: Connector>(
    store: &DynamoStore,
    systems: &Systems<H, R>,
    spec: &'static PairSpec,
    direction: Direction,
    memory: &MapMemory,
) -> Result<(PairMap, MapInUse), NotReady> {
    let choice = Choice::of(spec, direction, memory);
    let Chosen { map, in_use, is_new } = choice.choose(Live::both(systems)).await?;
    if is_new && let MapOrigin::Current(source) = &in_use.origin {
        let xml = Some(in_use.xml.clone()).filter(|_| *source != MapSource::Bundle);
        let used = UsedMap { source: source.clone(), xml, since: in_use.since };
        store.remember_used(systems.hub.system(), in_use.name, &used).await?;
        tracing::info!(map = in_use.name, origin = %in_use.origin, "another map is in use");
    }
    Ok((map, in_use))
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Tells of an edit that waits to be mended: one log line and one count.
pub(crate) fn tell(map: &MapInUse, metrics: &Metrics) {
    let Some((edited, problem)) = map.origin.waiting_edit() else { return };
    tracing::error!(
        map = map.name,
        edited = %edited,
        origin = %map.origin,
        outcome = "stopped",
        reason = "map",
        detail = problem,
        "an edited map waits for an administrator, the one from before stays in use"
    );
    metrics.count(Counter::Stopped, 1, &[("reason", "map"), ("map", map.name)]);
}

/// Looks at the maps of a pair as a push would, and changes nothing: coreBOS is asked now, if it is there.
///
/// # Errors
/// The table does not answer. That coreBOS does not is no error: what it had before counts; its words come second.
pub async fn look<H: KeepsMaps, R: Connector>(
    store: &DynamoStore,
    keeper: &System,
    live: Live<'_, H, R>,
    spec: &'static PairSpec,
) -> Result<(Vec<LookedAt>, Option<ConnectorError>), NotReady> {
    let names = [spec.map_to_hub, spec.map_to_remote];
    let mut memory = store.map_memory(keeper, spec.kind, &names).await?;
    let asked = match live.hub {
        Some(hub) => hub.field_maps(&names).await.map(Some),
        None => Ok(None),
    };
    if let Ok(Some(found)) = &asked {
        let mut there: BTreeMap<&str, Vec<MapThere>> = BTreeMap::new();
        for map in found {
            there.entry(map.name.as_str()).or_default().push(MapThere::of(map.clone()));
        }
        for name in names {
            memory.maps.entry(name.to_owned()).or_default().there = there.remove(name).unwrap_or_default();
        }
    }
    let mut looked = Vec::new();
    for direction in [Direction::ToHub, Direction::ToRemote] {
        let choice = Choice::of(spec, direction, &memory);
        let (in_use, xml) = match choice.choose(live).await {
            Ok(chosen) => {
                let xml = chosen.in_use.xml.clone();
                (Ok(chosen.in_use), Some(xml))
            }
            Err(error) => (Err(error), choice.wanted().and_then(|(_, xml)| xml.ok())),
        };
        let findings = match xml {
            Some(xml) => {
                let schemas = live.schemas(spec, direction, choice.name, &xml).await.unwrap_or_default();
                check(choice.name, xml.as_bytes(), Some(&schemas))
            }
            None => Vec::new(),
        };
        looked.push(LookedAt { name: choice.name, direction, in_use, findings });
    }
    Ok((looked, asked.err()))
}
