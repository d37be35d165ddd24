//! People who belong to companies: what is done to them in a schedule, and what must hold.

use std::collections::BTreeSet;

use model::{Link, LinkStatus, Side};

use super::claims::{ECHO, LINKED, SECOND, STILL, SWITCHED_OFF};
use super::play::{Broken, Play};
use super::remotes::{FIRM_ON_HUB, Remote, TICK};
use super::setup::Style;
use super::stage::Stepped;
use crate::memory::system::Asked;

/// What people call the reference to a company, whatever a system calls it. Its values are the names of companies.
pub(crate) const FIRM: &str = "firm";

/// The field of a system that holds what people call so.
fn own_field(system: usize, field: &'static str) -> &'static str {
    match (field, system) {
        (FIRM, 0) => "account_id",
        (FIRM, _) => "primary-company",
        _ => field,
    }
}

/// What people call a field of any system.
pub(crate) fn spoken(field: &str) -> &str {
    match field {
        "account_id" | "primary-company" => FIRM,
        _ => field,
    }
}

impl Play<'_> {
    /// What a person has to enter: the field of the system, and the value. A company that is not there yet is founded.
    pub(super) fn entry(
        &mut self,
        system: usize,
        field: &'static str,
        value: &str,
    ) -> (&'static str, String) {
        let own = own_field(system, field);
        if field != FIRM || value.is_empty() {
            return (own, value.to_owned());
        }
        let name = self.setup.firm_name(system);
        let firms = &self.stage.firms[system];
        let known =
            firms.ids().into_iter().find(|id| firms.value(id, name).is_some_and(|here| here == value));
        let id = known.unwrap_or_else(|| {
            self.stage.events += 1;
            self.ledger.founded.insert((system, value.to_owned()), self.stage.events);
            let id = self.stage.firms[system].person_creates(&[(name, value), (TICK, "1")]);
            self.tell_with(|stage| {
                format!("Somebody founds {value}: {}.", stage.firms[system].reference(&id))
            });
            id
        });
        (own, id)
    }

    /// A value of a system's own field as people say it.
    pub(super) fn said(&self, system: usize, field: &str, value: &str) -> String {
        if spoken(field) != FIRM || value.is_empty() {
            return value.to_owned();
        }
        self.stage.firms[system].value(value, self.setup.firm_name(system)).unwrap_or_default()
    }

    /// What a record holds, as people say it. None: it is not there.
    pub(super) fn held(&self, system: usize, id: &str, field: &'static str) -> Option<String> {
        let own = own_field(system, field);
        Some(self.said(system, own, &self.stage.systems[system].value(id, own)?))
    }

    /// Checks what the API was asked to write to a company.
    pub(super) fn check_firm_write(
        &mut self,
        number: usize,
        asked: &Asked,
        stepped: &Stepped,
    ) -> Result<(), Broken> {
        let firms = &self.stage.firms[number];
        let record = firms.reference(&asked.id);
        let values: Vec<String> =
            asked.values.iter().map(|(field, sent, ..)| format!("{field}=`{sent}`")).collect();
        let name = firms.value(&asked.id, self.setup.firm_name(number)).unwrap_or_default();
        let what = if asked.creates { "creates it with" } else { "writes" };
        self.tell(&format!("  {record} ◀ the API {what} {}", values.join(" ")));
        if self.still {
            return Err(Broken::new(STILL, format!("{record} was written: {values:?}")));
        }
        let lane = stepped.lane;
        let operations = self.setup.settings[lane.remote].operations(lane.direction);
        if asked.creates {
            if !operations.create {
                return Err(Broken::new(SWITCHED_OFF, format!("{record} was created")));
            }
            if self.ledger.founded.get(&(number, name.clone())).is_some_and(|at| *at > stepped.began) {
                // Founded by a person after the push had looked for it: nobody could know.
                self.ledger.firms_doubled = true;
            }
            if self.firms_named(number, &name) > 1 && !self.ledger.firms_doubled {
                return Err(Broken::new(SECOND, format!("{record} is another {name}")));
            }
            return Ok(());
        }
        match asked.values.iter().find(|(_, sent, before, _)| sent == before) {
            Some((field, sent, ..)) => {
                Err(Broken::new(ECHO, format!("{field} of {record} was `{sent}` already")))
            }
            None => Ok(()),
        }
    }

    fn firms_named(&self, number: usize, name: &str) -> usize {
        let firms = &self.stage.firms[number];
        let same =
            |id: &String| firms.value(id, self.setup.firm_name(number)).is_some_and(|here| here == name);
        firms.ids().iter().filter(|id| same(id)).count()
    }

    /// Whether coreBOS keeps a company in step with a system.
    pub(super) fn firm_goes_to(&self, number: usize, name: &str) -> bool {
        if self.setup.remote_of(number) != Some(Remote::HubSpot) {
            return true;
        }
        let firms = &self.stage.firms[0];
        let named = |id: &String| firms.value(id, FIRM_ON_HUB).is_some_and(|here| here == name);
        let hub = firms.ids().into_iter().find(named);
        hub.is_none_or(|hub| firms.value(&hub, TICK).as_deref() == Some("1"))
    }

    /// Every company is in every system, once, and linked.
    pub(super) fn check_firms(&self) -> Result<(), Broken> {
        if self.setup.style != Style::Families || self.ledger.firms_doubled || !self.all_on() {
            return Ok(());
        }
        let mut names = BTreeSet::new();
        for (number, firms) in self.stage.firms.iter().enumerate() {
            names.extend(
                firms.ids().into_iter().filter_map(|id| firms.value(&id, self.setup.firm_name(number))),
            );
        }
        for name in &names {
            for number in (0..self.stage.firms.len()).filter(|number| self.firm_goes_to(*number, name)) {
                let count = self.firms_named(number, name);
                if count != 1 {
                    return Err(Broken::new(LINKED, format!("there are {count} {name} in system {number}")));
                }
            }
            let of = |number: usize| {
                let firms = &self.stage.firms[number];
                firms
                    .ids()
                    .into_iter()
                    .find(|id| firms.value(id, self.setup.firm_name(number)).as_deref() == Some(name))
            };
            let Some(hub) = of(0) else { continue };
            for remote in (0..self.setup.remotes).filter(|remote| self.firm_goes_to(remote + 1, name)) {
                let Some(there) = of(remote + 1) else { continue };
                let spec = self.setup.firms_spec(remote);
                let ids = (
                    self.stage.firms[0].value(&hub, spec.id_field(Side::Hub)),
                    self.stage.firms[remote + 1].value(&there, spec.id_field(Side::Remote)),
                );
                let (hub, there) =
                    (self.stage.firms[0].reference(&hub), self.stage.firms[remote + 1].reference(&there));
                let joined = |link: &Link| {
                    link.hub == hub && link.remote == there && link.status == LinkStatus::Active
                };
                if !self.stage.store.links().iter().any(joined)
                    || ids != (Some(there.id.clone()), Some(hub.id.clone()))
                {
                    return Err(Broken::new(LINKED, format!("{hub} and {there} are not linked: {ids:?}")));
                }
            }
        }
        Ok(())
    }
}
