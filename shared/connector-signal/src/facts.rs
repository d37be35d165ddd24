//! Facts: what is known of a visitor, each with the time at which it was true.
//!
//! Two sets of facts are merged into one that holds, of each, the newest. Merging is commutative, associative and
//! repeatable, so the order in which events arrive does not matter, and an event that arrives twice changes nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::campaign::Campaign;

/// The most traits that are kept of one visitor.
pub const MOST_TRAITS: usize = 100;

/// Something that was true at a time.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact<T> {
    /// What.
    pub value: T,
    /// When.
    pub at: Timestamp,
}

/// Shows the time only.
impl<T> std::fmt::Debug for Fact<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fact({})", self.at)
    }
}

impl<T> Fact<T> {
    /// A fact.
    pub fn new(value: T, at: Timestamp) -> Self {
        Self { value, at }
    }
}

impl<T: Ord> Fact<T> {
    /// Whether this one stands against the other: it is newer. Of two of the same time the larger one stands, whoever came
    /// first.
    fn beats(&self, other: &Self) -> bool {
        (self.at, &self.value) > (other.at, &other.value)
    }
}

/// Everything that is known.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Traits by name: the ones that the bridge knows under one name each (`email`, `first_name`, `postal_code`), all
    /// others as they were sent.
    pub traits: BTreeMap<String, Fact<String>>,
    /// Whether the visitor agreed, by category.
    pub consent: BTreeMap<String, Fact<bool>>,
    /// The campaign that brought the visitor first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_touch: Option<Fact<Campaign>>,
    /// The campaign that brought the visitor last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_touch: Option<Fact<Campaign>>,
    /// The address from which the visitor came last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<Fact<String>>,
    /// When the visitor was there last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<Timestamp>,
}

/// Shows names and times, never values.
impl std::fmt::Debug for Facts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Facts")
            .field("traits", &self.traits.keys().collect::<Vec<_>>())
            .field("consent", &self.consent.keys().collect::<Vec<_>>())
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}

impl Facts {
    /// Takes in what is newer in the other; tells whether any value is another one now. The last visit and its address
    /// are none, and what is said again is nothing new: clients repeat what they know with every event.
    pub fn merge(&mut self, other: &Self) -> bool {
        let mut changed = merge_map(&mut self.traits, &other.traits, Fact::beats);
        changed |= self.forget_beyond_limit();
        // Of an agreement and a refusal of the same moment the refusal stands.
        changed |= merge_map(&mut self.consent, &other.consent, |new, old| {
            (new.at, !new.value) > (old.at, !old.value)
        });
        let same = Campaign::is_same;
        changed |=
            merge_one(&mut self.first_touch, other.first_touch.as_ref(), |new, old| old.beats(new), same);
        changed |= merge_one(&mut self.last_touch, other.last_touch.as_ref(), Fact::beats, same);
        merge_one(&mut self.ip, other.ip.as_ref(), Fact::beats, String::eq);
        self.seen = self.seen.max(other.seen);
        changed
    }

    /// A trait's value.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.traits.get(name).map(|fact| fact.value.as_str())
    }

    /// Whether the visitor agreed to all of these; `None` where one is not known and none is refused.
    pub fn agreed_to<'a>(&self, categories: impl IntoIterator<Item = &'a str>) -> Option<bool> {
        let mut known = true;
        for category in categories {
            match self.consent.get(category) {
                Some(fact) if !fact.value => return Some(false),
                Some(_) => {}
                None => known = false,
            }
        }
        known.then_some(true)
    }

    /// Keeps the newest traits only. What it forgets it was not asked to keep: no site has so many.
    fn forget_beyond_limit(&mut self) -> bool {
        let mut forgot = false;
        while self.traits.len() > MOST_TRAITS {
            let oldest = self.traits.iter().filter(|(name, _)| *name != "email");
            let Some(oldest) =
                oldest.min_by_key(|(name, fact)| (fact.at, *name)).map(|(name, _)| name.clone())
            else {
                break;
            };
            self.traits.remove(&oldest);
            forgot = true;
        }
        forgot
    }
}

fn merge_map<T: Clone + PartialEq>(
    kept: &mut BTreeMap<String, Fact<T>>,
    other: &BTreeMap<String, Fact<T>>,
    beats: impl Fn(&Fact<T>, &Fact<T>) -> bool,
) -> bool {
    let mut changed = false;
    for (name, fact) in other {
        if kept.get(name).is_none_or(|old| beats(fact, old)) {
            let before = kept.insert(name.clone(), fact.clone());
            changed |= before.is_none_or(|before| before.value != fact.value);
        }
    }
    changed
}

fn merge_one<T: Clone>(
    kept: &mut Option<Fact<T>>,
    other: Option<&Fact<T>>,
    beats: impl Fn(&Fact<T>, &Fact<T>) -> bool,
    same: impl Fn(&T, &T) -> bool,
) -> bool {
    let Some(fact) = other else { return false };
    if kept.as_ref().is_some_and(|old| !beats(fact, old)) {
        return false;
    }
    let before = kept.replace(fact.clone());
    before.is_none_or(|before| !same(&before.value, &fact.value))
}
