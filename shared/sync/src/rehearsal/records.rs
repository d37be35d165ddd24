//! Lead records of a HubSpot, each beside a contact: what is done to them in a schedule, and what must hold.

use model::{Link, LinkStatus};

use super::act::How;
use super::claims::{CONVERGES, ECHO, LINKED, LIVES, SECOND, STILL, SURVIVES, TWICE};
use super::ledger::tag;
use super::play::{Broken, Play};
use super::setup::Style;
use super::stage::Stepped;
use crate::memory::system::Asked;

/// What people call the field that the record shares with coreBOS, whatever a system calls it.
pub(crate) const LABEL: &str = "label";

/// The same in coreBOS, and in the record.
const ON_HUB: &str = "city";
const ON_RECORD: &str = "hs_lead_label";

/// The number of HubSpot where there are lead records.
const PORTAL: usize = 1;

impl Play<'_> {
    /// The lead records of a contact.
    fn records_of(&self, contact: &str) -> Vec<String> {
        let records = &self.stage.firms[PORTAL];
        let is_its = |id: &String| records.value(id, "contact").is_some_and(|its| its == contact);
        records.ids().into_iter().filter(is_its).collect()
    }

    /// Somebody changes the label of a lead: in coreBOS, or in the record beside its contact.
    pub(super) fn edit_label(&mut self, system: usize, id: &str, how: How) {
        let (records, field) =
            if system == 0 { (vec![id.to_owned()], ON_HUB) } else { (self.records_of(id), ON_RECORD) };
        let Some(id_of_label) = records.first() else { return };
        let value = if how == How::Blank { String::new() } else { self.new_value() };
        let ident = self.ident(system, id);
        let at = if system == 0 { &self.stage.systems[0] } else { &self.stage.firms[PORTAL] };
        let reference = at.reference(id_of_label);
        at.person_edits(id_of_label, &[(field, &value)]);
        self.stage.events += 1;
        self.ledger.touched((system, id_of_label), field, self.stage.events);
        self.ledger.labels.entry(ident).or_default().push((system, tag(&value)));
        self.tell(&format!("Somebody edits {reference}: {LABEL} = `{value}`."));
    }

    /// Checks what the API was asked to write to a lead record.
    pub(super) fn check_record_write(&mut self, asked: &Asked, stepped: &Stepped) -> Result<(), Broken> {
        let records = &self.stage.firms[PORTAL];
        let record = records.reference(&asked.id);
        let contact = records.value(&asked.id, "contact").unwrap_or_default();
        let values: Vec<String> =
            asked.values.iter().map(|(field, sent, ..)| format!("{field}=`{sent}`")).collect();
        let what = if asked.creates { "creates it with" } else { "writes" };
        self.tell(&format!("  {record} ◀ the API {what} {}", values.join(" ")));
        if self.still {
            return Err(Broken::new(STILL, format!("{record} was written: {values:?}")));
        }
        if asked.archives {
            return Err(Broken::new(LIVES, format!("{record} was put into the bin")));
        }
        if asked.creates {
            let twins = self.records_of(&contact).len();
            if twins > 1 {
                return Err(Broken::new(SECOND, format!("{contact} has {twins} records")));
            }
            return Ok(());
        }
        let at = (PORTAL, asked.id.as_str());
        for (field, sent, before, _) in &asked.values {
            if sent == before && !self.ledger.edited_since(at, field, stepped.began) {
                return Err(Broken::new(ECHO, format!("{field} of {record} was `{sent}` already")));
            }
            if self.ledger.sent_again(None, at, field, sent, self.stage.events) {
                return Err(Broken::new(TWICE, format!("{field} of {record} was sent `{sent}` again")));
            }
        }
        Ok(())
    }

    /// Every lead has one record beside its contact, linked and with the same values.
    pub(super) fn check_lead_records(&self) -> Result<(), Broken> {
        if self.setup.style != Style::Leads {
            return Ok(());
        }
        let (hub, portal, records) =
            (&self.stage.systems[0], &self.stage.systems[PORTAL], &self.stage.firms[PORTAL]);
        for contact in portal.ids() {
            let ident = self.ident(PORTAL, &contact);
            if self.ledger.replaced.contains(&ident) {
                continue;
            }
            let [record] = &self.records_of(&contact)[..] else {
                let count = self.records_of(&contact).len();
                return Err(Broken::new(LINKED, format!("{contact} has {count} records")));
            };
            let lead = records.value(record, "corebos_id").unwrap_or_default();
            let (here, there) = (hub.reference(&lead), records.reference(record));
            let joined =
                |link: &Link| link.hub == here && link.remote == there && link.status == LinkStatus::Active;
            if self.ident(0, &lead) != ident || !self.stage.store.links().iter().any(joined) {
                return Err(Broken::new(LINKED, format!("{there} of {ident} is not linked with {here}")));
            }
            for (on_hub, on_record) in [(ON_HUB, ON_RECORD), ("phone", "hs_lead_name")] {
                let values = [hub.value(&lead, on_hub), records.value(record, on_record)];
                if values[0] != values[1] {
                    return Err(Broken::new(CONVERGES, format!("{on_record} of {ident} is {values:?}")));
                }
            }
            self.check_label(&ident, &tag(&hub.value(&lead, ON_HUB).unwrap_or_default()))?;
        }
        let strays = records.ids().len() > portal.ids().len();
        if strays {
            Err(Broken::new(SECOND, "there are more records than contacts".to_owned()))
        } else {
            Ok(())
        }
    }

    /// A label is one that somebody has made of it; where people of one system only did, the last one.
    fn check_label(&self, ident: &str, here: &str) -> Result<(), Broken> {
        let edits = self.ledger.labels.get(ident).map(Vec::as_slice).unwrap_or_default();
        let contested = edits.iter().any(|(system, _)| *system != edits[0].0);
        let holds = match edits.last() {
            None => here.is_empty(),
            Some((_, last)) if !contested => here == last,
            Some(_) => edits.iter().any(|(_, value)| value == here),
        };
        if holds {
            return Ok(());
        }
        Err(Broken::new(SURVIVES, format!("{LABEL} of {ident} is `{here}`, and people have made {edits:?}")))
    }
}
