//! A pair with its two compiled maps, its settings and its switches: everything that a decision needs to know
//! besides the records.

use std::collections::{BTreeMap, BTreeSet};

use mapping::FieldMap;
use model::{Direction, Fingerprint, Pair, Side};

use crate::pairs::PairSpec;
use crate::settings::{Operations, PairSettings};

/// Fields that are filled when a record is created and never touched again: an owner is the users' own.
const CREATE_ONLY: &[&str] = &["assigned_user_id"];

/// What is known of a target field before any record is read.
#[derive(Clone, Debug)]
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
}

/// Where a field's value comes from.
#[derive(Clone, Debug)]
pub(crate) enum Filled {
    /// A source field, whatever the map says.
    FromSource(&'static str),
    /// The id of the source record.
    BySourceId,
}

/// One direction's map, with the fields that the bridge itself adds.
#[derive(Debug)]
pub struct PairMap {
    pub(crate) map: FieldMap,
    pub(crate) rules: BTreeMap<String, FieldRule>,
    pub(crate) added: Vec<(String, Filled)>,
}

impl PairMap {
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
        // The id is the bridge's own business: it stands whatever the map says.
        let id_field = spec.id_field(direction.target());
        rules.insert(id_field.to_owned(), added_rule("id"));
        added.push((id_field.to_owned(), Filled::BySourceId));
        Self { map, rules, added }
    }

    /// The fields that it fills, the bridge's own included.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.rules.keys().map(String::as_str)
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
    }
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
