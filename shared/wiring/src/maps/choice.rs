//! The choice among the maps of a name: the one that an administrator wants, or the one from before where that cannot be
//! used.

use aws::SystemClock;
use aws::store::MapMemory;
use jiff::Timestamp;
use mapping::check::{Schemas, check};
use mapping::{Finding, MapError, Semantics, Severity};
use model::Direction;
use sync::maps::MAX_REMEMBERED_BYTES;
use sync::{Clock as _, Connector, MapSource, PairMap, PairSpec, RememberedMap, UsedMap};

use super::{MapInUse, MapOrigin, Unusable, map_name};
use crate::live_schema::Live;

/// What there is to choose from.
pub(super) struct Choice<'m> {
    spec: &'static PairSpec,
    direction: Direction,
    pub(super) name: &'static str,
    setting: Option<&'m String>,
    remembered: RememberedMap,
}

/// A map that was chosen.
pub(super) struct Chosen {
    pub(super) map: PairMap,
    pub(super) in_use: MapInUse,
    /// Whether another one was in use before.
    pub(super) is_new: bool,
}

/// Where the map is to be taken from: its source and, if it can be read at all, its XML.
pub(super) type Wanted = (MapSource, Result<String, String>);

/// The map that was in use last: its source, its XML, since when.
type Used = (MapSource, String, Timestamp);

impl<'m> Choice<'m> {
    pub(super) fn of(spec: &'static PairSpec, direction: Direction, memory: &'m MapMemory) -> Self {
        let name = map_name(spec, direction.target());
        let remembered = memory.maps.get(name).cloned().unwrap_or_default();
        Self { spec, direction, name, setting: memory.settings.get(name), remembered }
    }

    /// The map that should be in use; nothing if there is none of this name anywhere.
    pub(super) fn wanted(&self) -> Option<Wanted> {
        let too_long = || {
            Err(format!(
                "it is too long: a map may have {MAX_REMEMBERED_BYTES} bytes; take out what it does not need"
            ))
        };
        if let Some(xml) = self.setting {
            let xml = if xml.len() > MAX_REMEMBERED_BYTES { too_long() } else { Ok(xml.clone()) };
            return Some((MapSource::Settings, xml));
        }
        match self.remembered.there.as_slice() {
            [] => Some((MapSource::Bundle, Ok(mapping::shipped::find(self.name)?.xml.to_owned()))),
            [map] => {
                let source = MapSource::CoreBos { id: map.id.clone() };
                Some((source, map.xml.clone().map_or_else(too_long, Ok)))
            }
            several => {
                let ids: Vec<&str> = several.iter().map(|map| map.id.as_str()).collect();
                let problem =
                    format!("coreBOS has several maps {}: {}; rename all but one", self.name, ids.join(", "));
                Some((MapSource::CoreBos { id: ids.join(", ") }, Err(problem)))
            }
        }
    }

    /// The map that was in use last.
    fn used(&self) -> Option<Used> {
        let UsedMap { source, xml, since } = self.remembered.used.clone()?;
        let xml = xml.or_else(|| Some(mapping::shipped::find(self.name)?.xml.to_owned()))?;
        Some((source, xml, since))
    }

    fn compile(&self, xml: &str, origin: &sync::MapOrigin) -> Result<PairMap, MapError> {
        PairMap::compile(self.name, xml.as_bytes(), Semantics::Bridge, origin, self.spec, self.direction)
    }

    /// The map to use.
    ///
    /// # Errors
    /// None can be used: an administrator must act.
    pub(super) async fn choose<H: Connector, R: Connector>(
        &self,
        live: Live<'_, H, R>,
    ) -> Result<Chosen, Unusable> {
        let Some((source, xml)) = self.wanted() else {
            return Err(Unusable { place: None, problem: format!("there is no map {}", self.name) });
        };
        let used = self.used();
        let problem = match self.usable(live, &source, xml, used.as_ref()).await {
            Ok(chosen) => return Ok(chosen),
            Err(problem) => problem,
        };
        let Some((was, xml, since)) = used else {
            return Err(Unusable { place: Some(source), problem });
        };
        // coreBOS evaluates the map that it has, which is the edited one.
        let before = match was {
            MapSource::CoreBos { .. } => sync::MapOrigin::EditedInCoreBos,
            MapSource::Settings | MapSource::Bundle => sync::MapOrigin::Elsewhere,
        };
        let Ok(map) = self.compile(&xml, &before) else {
            return Err(Unusable { place: Some(source), problem });
        };
        let origin = MapOrigin::LastGood { was, edited: source, problem };
        Ok(Chosen { map, in_use: MapInUse { name: self.name, xml, origin, since }, is_new: false })
    }

    /// The map that should be in use, if it can be used; else what is wrong with it.
    async fn usable<H: Connector, R: Connector>(
        &self,
        live: Live<'_, H, R>,
        source: &MapSource,
        xml: Result<String, String>,
        used: Option<&Used>,
    ) -> Result<Chosen, String> {
        let xml = xml?;
        let map = self.compile(&xml, &origin_of(source)).map_err(|error| error.to_string())?;
        if let Some((_, before, _)) = used.filter(|(_, before, _)| *before != xml)
            && let Some(mistakes) = self.new_mistakes(live, before, &xml).await
        {
            return Err(mistakes);
        }
        let same = used.filter(|(was, before, _)| was == source && *before == xml);
        let since = same.map_or_else(|| SystemClock.now(), |(_, _, since)| *since);
        let in_use = MapInUse { name: self.name, xml, origin: MapOrigin::Current(source.clone()), since };
        Ok(Chosen { map, in_use, is_new: same.is_none() })
    }

    /// The mistakes that an edit brings and that the map in use does not have, in words. What was wrong before is no
    /// reason to keep an edit out.
    async fn new_mistakes<H: Connector, R: Connector>(
        &self,
        live: Live<'_, H, R>,
        before: &str,
        edited: &str,
    ) -> Option<String> {
        let schemas = match live.schemas(self.spec, self.direction, self.name, edited).await {
            Ok(schemas) => schemas,
            Err(error) => {
                return Some(format!("it cannot be checked before both systems tell their fields: {error}"));
            }
        };
        let mut known = errors(self.name, before, &schemas);
        let mut new = errors(self.name, edited, &schemas);
        new.retain(|finding| {
            let at = known.iter().position(|known| known.problem == finding.problem);
            at.map(|at| known.swap_remove(at)).is_none()
        });
        let told: Vec<String> = new.iter().map(ToString::to_string).collect();
        (!told.is_empty()).then(|| told.join("\n"))
    }
}

fn errors(name: &str, xml: &str, schemas: &Schemas) -> Vec<Finding> {
    let mut findings = check(name, xml.as_bytes(), Some(schemas));
    findings.retain(|finding| finding.severity == Severity::Error);
    findings
}

fn origin_of(source: &MapSource) -> sync::MapOrigin {
    match source {
        MapSource::CoreBos { id } => sync::MapOrigin::CoreBos { id: id.clone() },
        MapSource::Settings | MapSource::Bundle => sync::MapOrigin::Elsewhere,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use model::PairKind;
    use sync::memory::MemorySystem;
    use sync::{MapThere, pair_spec};

    use super::*;

    const NAME: &str = "ContactsToMautic";

    /// A map with these fields, each made of `lastname`.
    fn map(targets: &[&str]) -> String {
        let fields: Vec<String> = targets.iter().map(|target| field(target, "")).collect();
        format!("<map><fields>{}</fields></map>", fields.join("\n"))
    }

    fn field(target: &str, directive: &str) -> String {
        format!(
            "<field><fieldname>{target}</fieldname><Orgfields><Orgfield><OrgfieldName>lastname</OrgfieldName>\
             {directive}</Orgfield></Orgfields></field>"
        )
    }

    /// A field that only coreBOS can evaluate.
    fn ruled(target: &str) -> String {
        let rule = field(target, "<OrgfieldID>RULE</OrgfieldID><Rule>Segments</Rule>");
        format!("<map><fields>{}{rule}</fields></map>", field("lastname", ""))
    }

    fn in_use(source: MapSource, xml: &str) -> UsedMap {
        let since = Timestamp::UNIX_EPOCH;
        UsedMap { xml: (source != MapSource::Bundle).then(|| xml.to_owned()), source, since }
    }

    fn in_corebos(id: &str) -> MapSource {
        MapSource::CoreBos { id: id.to_owned() }
    }

    async fn chosen(
        setting: Option<&str>,
        there: &[(&str, Option<&str>)],
        used: Option<UsedMap>,
    ) -> Result<Chosen, Unusable> {
        let there = there
            .iter()
            .map(|(id, xml)| MapThere { id: (*id).to_owned(), xml: xml.map(str::to_owned) })
            .collect();
        let memory = MapMemory {
            asked_at: None,
            settings: setting.into_iter().map(|xml| (NAME.to_owned(), xml.to_owned())).collect(),
            maps: BTreeMap::from([(NAME.to_owned(), RememberedMap { there, used })]),
        };
        let live = Live::<MemorySystem, MemorySystem> { hub: None, remote: None };
        let spec = pair_spec(PairKind::MauticContacts);
        Choice::of(spec, Direction::ToRemote, &memory).choose(live).await
    }

    fn current(chosen: Result<Chosen, Unusable>) -> (MapSource, bool) {
        match chosen.unwrap() {
            Chosen { in_use: MapInUse { origin: MapOrigin::Current(source), .. }, is_new, .. } => {
                (source, is_new)
            }
            Chosen { in_use, .. } => panic!("{}", in_use.origin),
        }
    }

    fn waiting(chosen: Result<Chosen, Unusable>) -> (Chosen, String) {
        let chosen = chosen.unwrap();
        assert!(!chosen.is_new);
        let problem = chosen.in_use.origin.waiting_edit().unwrap().1.to_owned();
        (chosen, problem)
    }

    #[tokio::test]
    async fn the_settings_go_before_corebos_and_corebos_before_the_bundle() {
        let (one, other) = (map(&["lastname"]), map(&["firstname"]));
        let there = [("37x1", Some(other.as_str()))];
        assert_eq!(current(chosen(Some(&one), &there, None).await), (MapSource::Settings, true));
        assert_eq!(current(chosen(None, &there, None).await), (in_corebos("37x1"), true));
        assert_eq!(current(chosen(None, &[], None).await), (MapSource::Bundle, true));
        let same = Some(in_use(in_corebos("37x1"), &other));
        assert_eq!(current(chosen(None, &there, same).await), (in_corebos("37x1"), false));
        let shipped = Some(in_use(MapSource::Bundle, ""));
        assert_eq!(current(chosen(None, &[], shipped.clone()).await), (MapSource::Bundle, false));
        assert_eq!(current(chosen(None, &there, shipped).await), (in_corebos("37x1"), true));
    }

    #[tokio::test]
    async fn an_edit_that_cannot_be_used_keeps_the_one_before_whichever_that_was() {
        let good = map(&["lastname"]);
        for was in [in_corebos("37x1"), MapSource::Settings, MapSource::Bundle] {
            for broken in [None, Some("<map>"), Some(map(&["lastname", "zip"]).as_str())] {
                let (kept, problem) =
                    waiting(chosen(None, &[("37x1", broken)], Some(in_use(was.clone(), &good))).await);
                assert!(!problem.is_empty());
                let shipped = mapping::shipped::CONTACTS_TO_MAUTIC;
                let before = if was == MapSource::Bundle { shipped } else { &good };
                assert_eq!(kept.in_use.xml, before);
                assert!(kept.in_use.origin.to_string().starts_with(&was.to_string()));
            }
        }
        let (_, problem) = waiting(
            chosen(
                None,
                &[("37x1", Some(good.as_str())), ("37x2", None)],
                Some(in_use(in_corebos("37x1"), &good)),
            )
            .await,
        );
        assert!(problem.contains("several maps ContactsToMautic: 37x1, 37x2"), "{problem}");
    }

    #[tokio::test]
    async fn what_was_never_usable_is_replaced_by_nothing() {
        let there = [("37x1", Some("<map>"))];
        let error = chosen(None, &there, None).await.map(drop).unwrap_err();
        assert_eq!(error.place, Some(in_corebos("37x1")));
        assert!(error.problem.contains("ContactsToMautic:1:"), "{error}");
        let long = " ".repeat(MAX_REMEMBERED_BYTES + 1);
        let error = chosen(Some(&long), &[], None).await.map(drop).unwrap_err();
        assert!(error.problem.contains("too long"), "{error}");
    }

    #[tokio::test]
    async fn a_mistake_that_was_there_before_keeps_no_edit_out() {
        let (old, edited) = (map(&["lastname", "zip"]), map(&["lastname", "firstname", "zip"]));
        // At first contact a field that nobody has is left out, as it always was.
        assert_eq!(current(chosen(None, &[("37x1", Some(&old))], None).await).0, in_corebos("37x1"));
        let before = Some(in_use(in_corebos("37x1"), &old));
        assert!(current(chosen(None, &[("37x1", Some(&edited))], before.clone()).await).1);
        let worse = map(&["lastname", "zip", "lastnam"]);
        let (_, problem) = waiting(chosen(None, &[("37x1", Some(&worse))], before).await);
        assert!(problem.contains("did you mean `lastname`?") && !problem.contains("`zip`"), "{problem}");
    }

    #[tokio::test]
    async fn only_the_map_that_corebos_has_now_leaves_fields_to_it() {
        let map = ruled("position");
        assert!(chosen(None, &[("37x1", Some(&map))], None).await.is_ok());
        let error = chosen(Some(&map), &[], None).await.map(drop).unwrap_err();
        assert!(error.problem.contains("put this map into coreBOS"), "{error}");
        // The one before goes on without these fields.
        let (kept, _) =
            waiting(chosen(None, &[("37x1", Some("<map>"))], Some(in_use(in_corebos("37x1"), &map))).await);
        assert_eq!(kept.in_use.xml, map);
    }
}
