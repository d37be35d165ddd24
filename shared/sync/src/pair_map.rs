//! A pair with its two compiled maps, its settings and its switches: everything that a decision needs to know
//! besides the records.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mapping::{FieldMap, Finding, MapError, Semantics};
use model::{Direction, Fingerprint, Pair, Side};

use crate::pairs::{AssociationSpec, PairSpec, RidesAlong};
use crate::sabotage::{Break, broken};
use crate::settings::{Operations, PairSettings};

/// Fields that are filled when a record is created and never touched again: an owner is the users' own.
const CREATE_ONLY: &[&str] = &["assigned_user_id"];

/// What to do about an outbound map that is not in coreBOS.
const KEEP_IN_COREBOS: &str = "coreBOS evaluates such a field itself, with the map that it has: put this map into coreBOS, \
                               as a Business Map of this name, or leave the field out";

/// What to do about an inbound map.
const ONLY_OUTBOUND: &str = "leave it out: coreBOS can evaluate it for its own records only, and this map makes fields of \
                             coreBOS from records of another system";

/// What is known of a target field before any record is read.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about a field")]
pub struct FieldRule {
    /// Identifies the compiled definition.
    pub definition: Fingerprint,
    /// The source fields that it reads.
    pub sources: BTreeSet<String>,
    /// It reads none: a constant.
    pub constant: bool,
    /// It reads the clock or chance: evaluated when something else changed, never a change itself.
    pub volatile: bool,
    /// The side that `<master>` names, from the point of view of this map: `true` for its origin.
    pub origin_wins: Option<bool>,
    /// Filled at creation only.
    pub create_only: bool,
    /// Nothing that a merge takes away is an edit: Mautic forgets the refusals of the contact that is merged away.
    pub forgets_at_merge: bool,
}

/// Where a field's value comes from.
#[derive(Clone, Debug)]
pub(crate) enum Filled {
    /// A source field, whatever the map says.
    FromSource(&'static str),
    /// The id of the source record.
    BySourceId,
    /// The partner of the parent that the source record names: an association.
    ByParent,
    /// This text, at creation.
    AtBirth(&'static str),
    /// The time of the write.
    ByClock,
}

/// Where a map is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MapOrigin {
    /// In coreBOS, as a Business Map. Only such a map can leave fields to coreBOS, which evaluates what it has itself.
    CoreBos {
        /// Its id there; its name would do too.
        id: String,
    },
    /// It was in coreBOS, which has another one of its name now. What only coreBOS can evaluate is left alone: it would
    /// evaluate the other one.
    EditedInCoreBos,
    /// In the settings, or in the bundle.
    Elsewhere,
}

/// One direction's map, with the fields that the bridge itself adds. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PairMap {
    pub(crate) map: Arc<FieldMap>,
    pub(crate) rules: Arc<BTreeMap<String, FieldRule>>,
    pub(crate) added: Arc<Vec<(String, Filled)>>,
    /// Whether fields whose definition was edited since they were settled are written.
    pub(crate) applies_edits: bool,
    /// The map that coreBOS evaluates fields with, if there are any that only it can evaluate.
    pub(crate) processed_by: Option<String>,
    /// Targets of the map that the target system fills by itself, from an association that is carried.
    pub(crate) followers: Vec<String>,
}

impl PairMap {
    /// Compiles a map for a direction of a pair.
    ///
    /// What only coreBOS can evaluate is left to it if the map goes out of coreBOS and is kept there; the map's
    /// warnings name these fields.
    ///
    /// # Errors
    /// The map cannot be used; with line and column, and what to do.
    pub fn compile(
        name: &str,
        xml: &[u8],
        semantics: Semantics,
        origin: &MapOrigin,
        spec: &PairSpec,
        direction: Direction,
    ) -> Result<Self, MapError> {
        let advise = |error: MapError, advice: &str| {
            if error.needs_corebos() { error.with_advice(advice) } else { error }
        };
        match (direction, origin) {
            (Direction::ToRemote, MapOrigin::CoreBos { id }) => {
                let mut map =
                    Self::new(FieldMap::compile_with_corebos(name, xml, semantics)?, spec, direction);
                map.processed_by = map.map.needs_corebos().then(|| id.clone());
                Ok(map)
            }
            (Direction::ToRemote, MapOrigin::EditedInCoreBos) => {
                Ok(Self::new(FieldMap::compile_with_corebos(name, xml, semantics)?, spec, direction))
            }
            (Direction::ToRemote, MapOrigin::Elsewhere) => FieldMap::compile(name, xml, semantics)
                .map(|map| Self::new(map, spec, direction))
                .map_err(|error| advise(error, KEEP_IN_COREBOS)),
            (Direction::ToHub, _) => FieldMap::compile(name, xml, semantics)
                .map(|map| Self::new(map, spec, direction))
                .map_err(|error| advise(error, ONLY_OUTBOUND)),
        }
    }

    /// The target fields that read a source field.
    pub fn targets_of<'m>(&'m self, source: &'m str) -> impl Iterator<Item = &'m str> {
        self.rules
            .iter()
            .filter(move |(_, rule)| rule.sources.contains(source))
            .map(|(name, _)| name.as_str())
    }

    /// Prepares a map for a direction of a pair.
    pub fn new(map: FieldMap, spec: &PairSpec, direction: Direction) -> Self {
        let mut rules = BTreeMap::new();
        for target in map.targets() {
            let rule = FieldRule {
                definition: Fingerprint::of_bytes(target.definition().as_ref()),
                sources: target.sources().iter().map(|source| source.root.clone()).collect(),
                constant: target.is_constant(),
                volatile: target.is_volatile(),
                origin_wins: target.master().map(|master| master.origin_wins),
                create_only: CREATE_ONLY.contains(&target.name()),
                forgets_at_merge: false,
            };
            rules.insert(target.name().to_owned(), rule);
        }
        let mut added = Vec::new();
        for &(target, source) in spec.forced(direction) {
            if !rules.contains_key(target) {
                rules.insert(target.to_owned(), added_rule(source));
                added.push((target.to_owned(), Filled::FromSource(source)));
            }
        }
        if direction == Direction::ToHub {
            for &(target, value) in spec.given_at_birth {
                let rule = FieldRule { constant: true, create_only: true, ..added_rule(value) };
                rules.insert(target.to_owned(), FieldRule { sources: BTreeSet::new(), ..rule });
                added.push((target.to_owned(), Filled::AtBirth(value)));
            }
            for &(target, what) in spec.rides_along {
                let (source, filled) = match what {
                    RidesAlong::Field(source) => (source, Filled::FromSource(source)),
                    RidesAlong::Now => ("now", Filled::ByClock),
                };
                let rule = FieldRule { volatile: true, origin_wins: None, ..added_rule(source) };
                rules.insert(target.to_owned(), FieldRule { sources: BTreeSet::new(), ..rule });
                added.push((target.to_owned(), filled));
            }
        }
        // The id is the bridge's own business: it stands whatever the map says.
        let id_field = spec.id_field(direction.target());
        rules.insert(id_field.to_owned(), added_rule("id"));
        added.push((id_field.to_owned(), Filled::BySourceId));
        Self {
            map: Arc::new(map),
            rules: Arc::new(rules),
            added: Arc::new(added),
            applies_edits: false,
            processed_by: None,
            followers: Vec::new(),
        }
    }

    /// The same map, applied where it was edited: what an administrator asks for with `bridge import --changed`.
    #[must_use]
    pub fn applying_edits(self) -> Self {
        Self { applies_edits: true, ..self }
    }

    /// The line of the map's XML that makes a field; none for the fields that the bridge adds.
    pub fn line(&self, field: &str) -> Option<usize> {
        self.map.targets().find(|target| target.name() == field).map(mapping::Target::line)
    }

    /// What was found when the map was compiled: it works, but probably not as meant.
    pub fn warnings(&self) -> &[Finding] {
        self.map.warnings()
    }

    /// The same map, which carries who refuses mail. A map that fills the field itself stays as it is.
    #[must_use]
    pub fn with_opt_outs(mut self, spec: &PairSpec, direction: Direction) -> Self {
        let Some((hub, remote)) = spec.opt_out else { return self };
        let (target, source) = match direction {
            Direction::ToHub => (hub, remote),
            Direction::ToRemote => (remote, hub),
        };
        if !self.rules.contains_key(target) {
            let rule = FieldRule { forgets_at_merge: true, ..added_rule(source) };
            Arc::make_mut(&mut self.rules).insert(target.to_owned(), rule);
            Arc::make_mut(&mut self.added).push((target.to_owned(), Filled::FromSource(source)));
        }
        self
    }

    /// The same map, whose `<master>` elements decide nothing.
    #[must_use]
    pub fn without_masters(mut self) -> Self {
        let by_map = |name: &String| !self.added.iter().any(|(added, _)| added == name);
        let ours: Vec<String> = self.rules.keys().filter(|name| by_map(name)).cloned().collect();
        for name in ours {
            if let Some(rule) = Arc::make_mut(&mut self.rules).get_mut(&name) {
                rule.origin_wins = None;
            }
        }
        self
    }

    /// The same map with the associations of the pair. A field that the map itself fills stays the map's.
    #[must_use]
    pub fn with_associations(mut self, spec: &PairSpec, direction: Direction) -> Self {
        for association in spec.associations {
            if association.is_itself() && direction == Direction::ToHub {
                continue;
            }
            let (target, source) =
                (association.field(direction.target()), association.field(direction.source()));
            if self.carries(target) {
                // Two associations of the other side are one field here.
                if let Some(rule) = Arc::make_mut(&mut self.rules).get_mut(target) {
                    rule.sources.insert(source.to_owned());
                }
                continue;
            }
            if self.rules.contains_key(target) {
                continue;
            }
            let rule = FieldRule { origin_wins: None, ..added_rule(source) };
            Arc::make_mut(&mut self.rules).insert(target.to_owned(), rule);
            Arc::make_mut(&mut self.added).push((target.to_owned(), Filled::ByParent));
            for follower in association.followers(direction.target()) {
                if Arc::make_mut(&mut self.rules).remove(*follower).is_some() {
                    self.followers.push((*follower).to_owned());
                }
            }
        }
        self
    }

    /// Whether this direction carries an association into this field.
    pub(crate) fn carries(&self, target: &str) -> bool {
        self.added.iter().any(|(name, filled)| name == target && matches!(filled, Filled::ByParent))
    }

    /// The targets of the map that are left to the target system, which fills them from an association.
    pub fn left_to_target(&self) -> &[String] {
        &self.followers
    }

    /// The fields that it fills, the bridge's own included.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.rules.keys().map(String::as_str)
    }

    /// What the map itself says about a field; nothing for fields that the bridge adds.
    pub fn target(&self, field: &str) -> Option<&mapping::Target> {
        self.map.target(field).filter(|_| !self.added.iter().any(|(added, _)| added == field))
    }

    /// The rule of a target field.
    pub fn rule(&self, field: &str) -> Option<&FieldRule> {
        self.rules.get(field)
    }
}

/// The rule of a field that the bridge adds.
fn added_rule(source: &str) -> FieldRule {
    FieldRule {
        definition: Fingerprint::of_bytes(format!("bridge:{source}").as_bytes()),
        sources: BTreeSet::from([source.to_owned()]),
        constant: false,
        volatile: false,
        origin_wins: Some(true),
        create_only: false,
        forgets_at_merge: false,
    }
}

/// An association that a pair carries, in one direction at least.
#[derive(Clone, Debug)]
pub struct Association {
    /// Its row in the table.
    pub spec: &'static AssociationSpec,
    /// The pair that joins the parents.
    pub parents: Pair,
    /// The settings of that pair.
    pub parent_settings: PairSettings,
}

/// A pair, ready to decide.
#[derive(Debug)]
pub struct PairContext {
    /// The pair.
    pub pair: Pair,
    /// Its row in the table of pairs.
    pub spec: &'static PairSpec,
    /// Its settings.
    pub settings: PairSettings,
    /// The map into coreBOS.
    pub to_hub: PairMap,
    /// The map out of coreBOS.
    pub to_remote: PairMap,
    /// Whether anybody pushes into coreBOS.
    pub hub_is_pushed: bool,
    /// Whether anybody pushes into the other system.
    pub remote_is_pushed: bool,
    /// The associations that one of the maps carries.
    pub associations: Vec<Association>,
}

impl PairContext {
    /// The map of a direction.
    pub fn map(&self, direction: Direction) -> &PairMap {
        match direction {
            Direction::ToHub => &self.to_hub,
            Direction::ToRemote => &self.to_remote,
        }
    }

    /// The switches of a direction; all off when nobody pushes that way.
    pub fn operations(&self, direction: Direction) -> Operations {
        let pushed = match direction.target() {
            Side::Hub => self.hub_is_pushed,
            Side::Remote => self.remote_is_pushed,
        };
        if broken(Break::IgnoreSwitches) {
            return Operations::default();
        }
        let set = self.settings.operations(direction);
        if pushed { set } else { Operations { create: false, update: false, delete: false, ..set } }
    }

    /// Whether `y`, a field of the source side, and `x`, a field of the target side, are partners: each is among
    /// what the other is made of.
    pub fn are_partners(&self, direction: Direction, x: &str, y: &str) -> bool {
        let reads = |direction, target: &str, source: &str| {
            self.map(direction).rule(target).is_some_and(|rule| rule.sources.contains(source))
        };
        reads(direction, x, y) && reads(direction.reverse(), y, x)
    }
}
