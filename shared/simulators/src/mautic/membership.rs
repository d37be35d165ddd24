//! Which contact belongs to which company, and the company text that follows from it.

use jiff::Timestamp;

use super::company;
use super::contact::membership_event;
use super::events::Event;
use super::php::Php;
use super::sheet::store;
use super::stamp::Actor;
use super::state::{Membership, State};
use super::view::{company_hook_view, company_sheet, shown_contact};

pub(crate) fn is_member(state: &State, company: u64, contact: u64) -> bool {
    state.memberships.iter().any(|each| each.company == company && each.contact == contact)
}

/// Makes the contact a member; the newest membership becomes the primary one (capture D24).
pub(crate) fn make_primary(state: &mut State, company: u64, contact: u64, now: Timestamp) {
    for each in state.memberships.iter_mut().filter(|each| each.contact == contact) {
        each.primary = each.company == company;
    }
    if !is_member(state, company, contact) {
        state.memberships.push(Membership { company, contact, since: now, primary: true });
    }
    write_name(state, contact);
}

fn remove(state: &mut State, company: u64, contact: u64) {
    state.memberships.retain(|each| !(each.company == company && each.contact == contact));
    let left = state.memberships.iter().any(|each| each.contact == contact && each.primary);
    if !left && let Some(last) = state.memberships.iter_mut().rfind(|each| each.contact == contact) {
        last.primary = true;
    }
    write_name(state, contact);
}

/// The name of the primary company.
pub(crate) fn primary_name(state: &State, contact: u64) -> Option<String> {
    let primary = state.memberships.iter().find(|each| each.contact == contact && each.primary)?;
    state.companies.get(&primary.company)?.values.get("companyname")?.as_text()
}

fn write_name(state: &mut State, contact: u64) {
    let name = primary_name(state, contact).map(Php::Text);
    state.contacts.change(contact, |contact| store(&mut contact.values, vec![("company".to_owned(), name)]));
}

/// Makes these the only companies of a contact: first those that are new, then those that go (capture D34).
pub(crate) fn replace(state: &mut State, contact: u64, wanted: &[u64], now: Timestamp) -> Vec<(u64, bool)> {
    let mut changes = Vec::new();
    for company in
        wanted.iter().filter(|company| state.companies.contains_key(company)).copied().collect::<Vec<_>>()
    {
        if !is_member(state, company, contact) {
            make_primary(state, company, contact, now);
            changes.push((company, true));
        }
    }
    let held: Vec<u64> =
        state.memberships.iter().filter(|each| each.contact == contact).map(|each| each.company).collect();
    for company in held.into_iter().filter(|company| !wanted.contains(company)) {
        remove(state, company, contact);
        changes.push((company, false));
    }
    changes
}

/// Adds or removes one membership; the contact is modified, but no update of it is told (capture D21).
pub(crate) fn set(
    state: &mut State,
    (company, contact): (u64, u64),
    member: bool,
    now: Timestamp,
) -> Vec<Event> {
    if is_member(state, company, contact) == member {
        return Vec::new();
    }
    let Some(before) = state.contacts.get(&contact) else { return Vec::new() };
    let mut shown = shown_contact(state, before);
    if member {
        make_primary(state, company, contact, now);
    } else {
        remove(state, company, contact);
    }
    state.contacts.change(contact, |stored| {
        // The time moves, the names do not (capture F36).
        stored.stamp.modified = Some(now);
        shown.contact.stamp = stored.stamp.clone();
    });
    membership_event(state, &shown, company, None, member, now).into_iter().collect()
}

/// The company with this name, made when there is none.
pub(crate) fn company_named(
    state: &mut State,
    name: &str,
    actor: &Actor,
    now: Timestamp,
    events: &mut Vec<Event>,
) -> (u64, Option<Php>) {
    if let Some(id) = state.companies_named(name).first() {
        return (*id, None);
    }
    let (id, event) = company::create_named(state, name, actor, now);
    let view = event.item.get("company").cloned();
    events.push(event);
    (id, view)
}

pub(crate) fn company_in_event(state: &State, id: u64) -> Option<Php> {
    let company = state.companies.get(&id)?;
    Some(company_hook_view(company, &company_sheet(state, company)))
}

/// Writes a company's new name into its first primary member, past every event and date; the others keep
/// the old one (captures D41, E13).
pub(crate) fn rename_first_member(state: &mut State, company: u64) {
    let primary = state.memberships.iter().filter(|each| each.company == company && each.primary);
    if let Some(first) = primary.map(|each| each.contact).min() {
        write_name(state, first);
    }
}
