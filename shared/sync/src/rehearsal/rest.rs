//! The claims that are checked when everything has come to rest.

use std::collections::BTreeSet;

use model::{Link, LinkStatus, Side};

use super::claims::{CLEAN, CONVERGES, KEPT, LINKED, MARKED, ONE_WAY, ONE_WRITE, SECOND, SURVIVES};
use super::families::FIRM;
use super::ledger::tag;
use super::play::{Broken, Play};
use super::setup::Style;
use crate::pairs::HubGone;

impl Play<'_> {
    /// Whether every direction of every pair is switched on.
    pub(super) fn all_on(&self) -> bool {
        self.setup.settings.iter().all(|settings| {
            [&settings.to_hub, &settings.to_remote].iter().all(|way| way.create && way.update && way.delete)
        })
    }

    /// Checks everything when all has come to rest.
    pub(crate) fn check_end(&mut self) -> Result<(), Broken> {
        self.check_clean()?;
        self.check_forgotten()?;
        self.check_wanted()?;
        if !self.setup.brake {
            self.check_links()?;
            self.check_firms()?;
            self.check_lead_records()?;
        }
        let mut idents = BTreeSet::new();
        for number in 0..self.stage.systems.len() {
            for id in self.stage.systems[number].ids() {
                let ident = self.ident(number, &id);
                if !idents.insert((number, ident.clone())) && !self.ledger.replaced.contains(&ident) {
                    return Err(Broken::new(SECOND, format!("there are two {ident} in system {number}")));
                }
            }
        }
        let idents: BTreeSet<String> = idents.into_iter().map(|(_, ident)| ident).collect();
        for ident in &idents {
            if !self.ledger.replaced.contains(ident) && !self.setup.brake {
                self.check_person(ident)?;
            }
        }
        self.check_count()
    }

    fn check_clean(&self) -> Result<(), Broken> {
        if let Some(record) = self.stage.store.leased().first() {
            return Err(Broken::new(CLEAN, format!("a lease is left on {record}")));
        }
        let disturbed =
            self.setup.records_end() || !self.ledger.replaced.is_empty() || self.ledger.firms_doubled;
        let parked = self.stage.store.parked().into_iter().find(|parked| {
            let expected = parked.reason == "refused" && self.setup.refusals;
            !expected && !disturbed
        });
        match parked {
            Some(parked) => Err(Broken::new(
                CLEAN,
                format!("parked: {} because of {}", parked.notice.record, parked.reason),
            )),
            None => Ok(()),
        }
    }

    /// Every record has at most one living link per pair, and no living link leads to a record that is gone.
    fn check_links(&self) -> Result<(), Broken> {
        let links = self.stage.store.links();
        for (index, link) in links.iter().enumerate() {
            if link.status != LinkStatus::Active {
                self.check_marks(link, &links)?;
                continue;
            }
            let other = links[..index].iter().find(|other| {
                other.status == LinkStatus::Active
                    && other.pair == link.pair
                    && (other.hub == link.hub || other.remote == link.remote)
            });
            if let Some(other) = other {
                return Err(Broken::new(
                    LINKED,
                    format!(
                        "{} and {} are linked besides {} and {}",
                        link.hub, link.remote, other.hub, other.remote
                    ),
                ));
            }
            let Some(lane) = self.stage.lanes().find(|lane| self.stage.context(*lane).pair == link.pair)
            else {
                continue;
            };
            for side in [Side::Hub, Side::Remote] {
                let record = link.record(side);
                if self.all_on()
                    && !link.paused
                    && self.stage.at(lane, side).value(&record.id, "ident").is_none()
                {
                    return Err(Broken::new(MARKED, format!("{record} is gone, and its link lives")));
                }
            }
        }
        Ok(())
    }

    fn check_marks(&self, link: &Link, links: &[Link]) -> Result<(), Broken> {
        let LinkStatus::Tombstone { gone, .. } = link.status else { return Ok(()) };
        let left = link.record(gone.other());
        let lane = self.stage.lanes().find(|lane| self.stage.context(*lane).pair == link.pair);
        let Some(lane) = lane.filter(|_| self.all_on() && !self.setup.merges && !self.setup.used_ids) else {
            return Ok(());
        };
        let linked_again = |other: &Link| {
            other.status == LinkStatus::Active
                && other.pair == link.pair
                && other.record(gone.other()) == left
        };
        // Whoever ticks a record again takes the marks away.
        let ticked = self.setup.ticks && Some(lane.remote) == self.setup.gated();
        if ticked || links.iter().any(linked_again) {
            return Ok(());
        }
        let (system, spec) = (self.stage.at(lane, gone.other()), self.stage.context(lane).spec);
        // What was put into the recycle bin and came back carries no mark.
        let binned = gone == Side::Hub && spec.hub_gone == HubGone::RemoteIsArchived;
        for mark in spec.marks(gone.other()).into_iter().filter(|_| !binned) {
            let (field, Some(value)) = (mark.field, mark.text()) else { continue };
            if let Some(here) = system.value(&left.id, field)
                && here != value
            {
                return Err(Broken::new(MARKED, format!("{field} of {left} is `{here}`")));
            }
        }
        Ok(())
    }

    /// One person or thing, in all systems.
    fn check_person(&self, ident: &str) -> Result<(), Broken> {
        let records: Vec<Option<String>> = (0..self.stage.systems.len())
            .map(|number| {
                self.stage.systems[number].ids().into_iter().find(|id| self.ident(number, id) == *ident)
            })
            .collect();
        let disturbed = self.ledger.disturbed.contains(ident);
        let goes: Vec<bool> =
            (0..records.len()).map(|number| self.goes_to(number, records[0].as_deref())).collect();
        if self.all_on() {
            if let Some(missing) =
                (0..records.len()).find(|number| goes[*number] && records[*number].is_none())
            {
                if disturbed || self.ledger.refused.contains(ident) {
                    return Ok(());
                }
                return Err(Broken::new(LINKED, format!("there is no {ident} in system {missing}")));
            }
            let there = records.iter().zip(&goes);
            let ids: Vec<Option<&str>> = there.map(|(id, goes)| id.as_deref().filter(|_| *goes)).collect();
            self.check_ids(ident, &ids)?;
            for field in self.setup.style.both_ways() {
                self.check_field(ident, field, &ids)?;
            }
            if !disturbed {
                self.check_derived(&ids)?;
            }
        }
        let rests = records.iter().zip(&goes).any(|(id, goes)| id.is_some() && !goes);
        if disturbed || rests {
            return Ok(());
        }
        for field in self.setup.style.both_ways() {
            self.check_survival(ident, field, &records)?;
        }
        Ok(())
    }

    /// The ids stand on both sides, and the link is there.
    fn check_ids(&self, ident: &str, ids: &[Option<&str>]) -> Result<(), Broken> {
        for remote in 0..self.setup.remotes {
            let (Some(here), Some(there)) = (ids[0], ids[remote + 1]) else { continue };
            let spec = self.setup.spec(remote);
            let [on_hub, on_remote] = [
                self.stage.systems[0].value(here, spec.id_field(Side::Hub)),
                self.stage.systems[remote + 1].value(there, spec.id_field(Side::Remote)),
            ];
            if on_hub.as_deref() != Some(there) || on_remote.as_deref() != Some(here) {
                return Err(Broken::new(
                    LINKED,
                    format!(
                        "{ident} carries the ids {on_hub:?} and {on_remote:?} instead of {there} and {here}"
                    ),
                ));
            }
            let hub = self.stage.systems[0].reference(here);
            let remote = self.stage.systems[remote + 1].reference(there);
            let linked =
                |link: &Link| link.hub == hub && link.remote == remote && link.status == LinkStatus::Active;
            if !self.stage.store.links().iter().any(linked) {
                return Err(Broken::new(LINKED, format!("{hub} and {remote} are not linked")));
            }
        }
        Ok(())
    }

    /// Fields of which nothing can be said: refused values, and fields of a map that was edited.
    fn is_out_of_question(&self, ident: &str, field: &str) -> bool {
        (field == "phone" && (self.setup.map_edits || self.ledger.refused.contains(ident)))
            || (field == FIRM && self.ledger.firms_doubled)
    }

    fn check_field(&self, ident: &str, field: &'static str, ids: &[Option<&str>]) -> Result<(), Broken> {
        if self.is_out_of_question(ident, field) {
            return Ok(());
        }
        let there =
            ids.iter().enumerate().filter(|(number, id)| self.value_goes_to(*number, field, ids[0], **id));
        let there = there.filter_map(|(number, id)| Some((number, (*id)?)));
        let values: Vec<String> =
            there.map(|(number, id)| self.held(number, id, field).unwrap_or_default()).collect();
        if values.iter().any(|value| tag(value) != tag(&values[0])) {
            return Err(Broken::new(CONVERGES, format!("{field} of {ident} is {values:?}")));
        }
        Ok(())
    }

    /// Whether what coreBOS has in a field can be in a system, and what that has in coreBOS: a company that is not kept in
    /// step cannot.
    fn value_goes_to(
        &self,
        number: usize,
        field: &'static str,
        hub: Option<&str>,
        there: Option<&str>,
    ) -> bool {
        let held = [(0, hub), (number, there)].into_iter().filter(|_| field == FIRM);
        let mut firms = held.filter_map(|(number, id)| self.held(number, id?, field));
        firms.all(|firm| self.firm_goes_to(number, &firm))
    }

    /// Fields that are made of others on the other side are what they are made of now.
    fn check_derived(&self, ids: &[Option<&str>]) -> Result<(), Broken> {
        if self.setup.style != Style::Derived || self.setup.map_edits || self.setup.refusals {
            return Ok(());
        }
        let value = |number: usize, field: &str| {
            ids[number].and_then(|id| self.stage.systems[number].value(id, field)).unwrap_or_default()
        };
        for remote in (1..ids.len()).filter(|remote| ids[*remote].is_some()) {
            let joined = |number: usize, between: &str| {
                let parts = ["first", "phone"].map(|field| value(number, field));
                let delimiter: Vec<char> = between.chars().collect();
                // coreBOS cuts the delimiter off at the end, as a set of characters.
                parts.join(between).trim_end_matches(&delimiter[..]).trim().to_owned()
            };
            let made = [(0, "label", joined(remote, " ")), (remote, "greeting", joined(0, "/"))];
            // What coreBOS has may be what a system has made of it that is not kept in step any more.
            let all_go = ids.iter().all(Option::is_some);
            for (number, field, wanted) in made.into_iter().filter(|(number, ..)| *number > 0 || all_go) {
                let here = value(number, field);
                if here != wanted {
                    return Err(Broken::new(
                        CONVERGES,
                        format!("{field} in system {number} is `{here}`, not `{wanted}`"),
                    ));
                }
            }
        }
        Ok(())
    }

    fn check_survival(
        &self,
        ident: &str,
        field: &'static str,
        records: &[Option<String>],
    ) -> Result<(), Broken> {
        if self.is_out_of_question(ident, field) {
            return Ok(());
        }
        let Some(may_be) = self.ledger.survivors(ident, field) else { return Ok(()) };
        let into_hub =
            self.setup.settings.iter().all(|settings| settings.to_hub.create && settings.to_hub.update);
        for (number, id) in records.iter().enumerate() {
            let judged = self.all_on() || (number == 0 && into_hub);
            let judged = judged && self.value_goes_to(number, field, records[0].as_deref(), id.as_deref());
            let Some(id) = id.as_ref().filter(|_| judged) else { continue };
            let here = self.held(number, id, field).unwrap_or_default();
            let one_way = number == 0 && self.setup.remotes == 1 && !self.setup.settings[0].to_remote.update;
            if one_way
                && !self.ledger.met(ident)
                // A company that was not there yet when its people were linked meets the other side's later.
                && field != FIRM
                && let Some((1, last)) = self.ledger.last_edit(ident, field)
                && tag(&here) != last
            {
                return Err(Broken::new(
                    ONE_WAY,
                    format!("{field} of {ident} is `{here}` in coreBOS, not {last}"),
                ));
            }
            if !may_be.contains(tag(&here).as_str()) && !self.is_doubtful(ident, field, &may_be) {
                return Err(Broken::new(
                    SURVIVES,
                    format!(
                        "{field} of {ident} is `{here}` in system {number}; it should be one of {may_be:?}"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Whether what coreBOS made of a value may have been taken for an edit: a worker died before it had settled its write,
    /// somebody else has touched the record since, and nobody can tell any more. Whoever loses is in the history then.
    fn is_doubtful(&self, ident: &str, field: &str, may_be: &BTreeSet<&str>) -> bool {
        // Nor does an intent vouch for an association: it meets without a base then, and a blank is filled.
        let recoded =
            field == FIRM || (self.setup.style == Style::Lossy && matches!(field, "code" | "phone"));
        recoded && self.ledger.crashes > 0 && {
            let kept = self.kept();
            let unseen = |tag: &str| {
                self.ledger.unseen.contains(&(ident.to_owned(), field.to_owned(), tag.to_owned()))
            };
            // What is kept of an association is an id.
            let names = |tag: &str| field == FIRM && !tag.is_empty();
            may_be.iter().any(|tag| tag.is_empty() || names(tag) || kept.contains(*tag) || unseen(tag))
        }
    }

    /// What was overwritten by a push that had seen it stands in the history of a link.
    pub(crate) fn check_history(&self) -> Result<(), Broken> {
        if self.ledger.crashes > 0 || !self.all_on() {
            return Ok(());
        }
        let kept = self.kept();
        let gone = self.ledger.lost.difference(&self.ledger.unseen).find(|(ident, field, tag)| {
            let judged = !self.ledger.disturbed.contains(ident)
                && !self.is_out_of_question(ident, field)
                && field != FIRM;
            judged && self.setup.style.both_ways().contains(&field.as_str()) && !kept.contains(tag)
        });
        match gone {
            Some((ident, field, tag)) => {
                Err(Broken::new(KEPT, format!("{tag}, {field} of {ident}, was overwritten and is nowhere")))
            }
            None => Ok(()),
        }
    }

    /// What histories keep of those who lost.
    fn kept(&self) -> BTreeSet<String> {
        let links = self.stage.store.links();
        let history = links.iter().flat_map(|link| self.stage.store.history(&link.id));
        history.flat_map(|entry| entry.lost).filter_map(|lost| lost.value.as_text().map(tag)).collect()
    }

    fn check_count(&self) -> Result<(), Broken> {
        let quiet = self.ledger.crashes == 0
            && !self.setup.refusals
            && !self.setup.records_end()
            && !self.setup.ticks
            && !self.setup.map_edits;
        match self.ledger.written_too_often().filter(|_| quiet) {
            Some((system, ident, writes, acts)) => Err(Broken::new(
                ONE_WRITE,
                format!("{ident} was written {writes} times in system {system} for {acts} edits elsewhere"),
            )),
            None => Ok(()),
        }
    }
}
