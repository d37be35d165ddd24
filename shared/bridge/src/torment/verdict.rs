//! How the worlds stand at the end: what was lost, made twice, written twice, differs, or waits unaccounted for.

use std::collections::BTreeMap;

use super::ledger::{Effects, effects};
use super::people::{FIELDS, People, Person, Side, found};
use crate::simulated::Simulated;

/// What is wrong; all of it must be empty.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) lost: Vec<String>,
    pub(crate) duplicates: Vec<String>,
    pub(crate) effects: Vec<String>,
    pub(crate) divergent: Vec<String>,
    pub(crate) unaccounted: Vec<String>,
}

impl Verdict {
    /// Every finding.
    pub(crate) fn findings(&self) -> impl Iterator<Item = &String> {
        let parts = [&self.lost, &self.duplicates, &self.effects, &self.divergent, &self.unaccounted];
        parts.into_iter().flatten()
    }
}

/// Compares the worlds.
pub(crate) fn judge(systems: &Simulated, people: &People) -> Verdict {
    let mut verdict = Verdict::default();
    for person in &people.persons {
        judge_person(systems, person, &mut verdict);
    }
    for ((side, field, value), times) in all_effects(systems, people) {
        let once_more = people.unknown_when_deleted.contains(&(side, value.clone()));
        if times > if once_more { 2 } else { 1 } {
            verdict.effects.push(format!("{field} {value} was written {times} times to {}", side.name()));
        }
    }
    verdict
}

fn all_effects(systems: &Simulated, people: &People) -> Effects {
    let mut all = effects(Side::CoreBos, &systems.corebos.work(), &people.values);
    all.extend(effects(Side::Mautic, &systems.mautic.work(), &people.values));
    if let Some(portal) = &systems.hubspot {
        all.extend(effects(Side::HubSpot, &portal.work(), &people.values));
    }
    all
}

fn judge_person(systems: &Simulated, person: &Person, verdict: &mut Verdict) {
    let mut records = BTreeMap::new();
    for side in [Side::CoreBos, Side::Mautic, Side::HubSpot] {
        let mut here = found(systems, side, &person.email);
        if here.len() > 1 {
            let ids: Vec<_> = here.iter().map(|(id, _)| id.as_str()).collect();
            let ids = ids.join(", ");
            verdict.duplicates.push(format!("{} is in {} as {ids}", person.email, side.name()));
        }
        match here.pop() {
            Some((_, fields)) => drop(records.insert(side, fields)),
            None if person.expected.contains(&side) && !person.deleted => {
                verdict.lost.push(format!("{} is not in {}", person.email, side.name()));
            }
            None => {}
        }
    }
    if person.deleted {
        return;
    }
    for (field, entered) in FIELDS.iter().zip(&person.entered) {
        let values: BTreeMap<Side, &str> = records
            .iter()
            .map(|(side, fields)| (*side, fields.get(field.on(*side)).map_or("", String::as_str)))
            .collect();
        let told = || {
            let shown: Vec<_> =
                values.iter().map(|(side, value)| format!("{value:?} in {}", side.name())).collect();
            format!("{} of {} is {}", field.mautic, person.email, shown.join(", "))
        };
        let mut different: Vec<_> = values.values().collect();
        different.sort_unstable();
        different.dedup();
        match different.as_slice() {
            [one] => {
                let is_an_entered_one = entered.values().any(|value| value == **one);
                let is_rightly_blank = one.is_empty() && entered.is_empty();
                if !is_an_entered_one && !is_rightly_blank {
                    let entered: Vec<_> = entered.values().map(String::as_str).collect();
                    verdict.divergent.push(format!("{}, last entered: {}", told(), entered.join(", ")));
                }
            }
            [] => {}
            _ => verdict.divergent.push(told()),
        }
    }
}
