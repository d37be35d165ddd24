//! Creating, editing and deleting companies; every save is told, changed or not (captures D04 to D06).

use indexmap::IndexMap;
use jiff::Timestamp;

use super::contact::{NOT_UNIQUE, Refused, membership_event};
use super::events::{COMPANY_DELETE, COMPANY_SAVE, Event};
use super::membership;
use super::php::Php;
use super::schema::Object;
use super::sheet::{Sheet, store};
use super::stamp::{Actor, Stamp};
use super::state::{Company, State};
use super::view::{company_hook_view, company_sheet, shown_contact};

/// A saved company.
#[derive(Debug)]
pub(crate) struct SavedCompany {
    pub(crate) company: Company,
    pub(crate) sheet: Sheet,
    pub(crate) created: bool,
    pub(crate) events: Vec<Event>,
}

/// Creates a company or edits one; `replace` blanks what was not sent.
pub(crate) fn save(
    state: &mut State,
    existing: Option<u64>,
    sent: &IndexMap<String, Php>,
    replace: bool,
    actor: &Actor,
    now: Timestamp,
) -> Result<SavedCompany, Refused> {
    let (mut company, mut sheet) = if let Some(id) = existing {
        let company = state.companies.get(&id).ok_or(Refused::NotFound)?.clone();
        let sheet = company_sheet(state, &company);
        (company, sheet)
    } else {
        let company = Company { id: 0, stamp: Stamp::created(now, actor), values: IndexMap::new(), score: 0 };
        (company, Sheet::new(Object::Company, state.fields_of(Object::Company)))
    };
    let created = existing.is_none();
    sheet.assign(sent, replace || created).map_err(Refused::Invalid)?;
    let name = sheet.value("companyname").as_text().unwrap_or_default();
    if state.companies_named(&name).iter().any(|other| *other != company.id) {
        return Err(Refused::Taken(vec![("companyname".to_owned(), NOT_UNIQUE.to_owned())]));
    }
    let columns = sheet.columns();
    if created {
        company.id = state.next_id("company");
    } else if columns.is_empty() {
        company.stamp.touch(actor);
    } else {
        company.stamp.modify(now, actor);
    }
    store(&mut company.values, columns);
    state.companies.insert(company.id, company.clone());
    if sheet.updated.contains_key("companyname") && !created {
        membership::rename_first_member(state, company.id);
    }
    let events = vec![save_event(&company, &sheet, now)];
    Ok(SavedCompany { company, sheet, created, events })
}

fn save_event(company: &Company, sheet: &Sheet, now: Timestamp) -> Event {
    Event::new(COMPANY_SAVE, now, [("company", company_hook_view(company, sheet))])
}

/// Makes a company that a contact names.
pub(crate) fn create_named(state: &mut State, name: &str, actor: &Actor, now: Timestamp) -> (u64, Event) {
    let mut sheet = Sheet::new(Object::Company, state.fields_of(Object::Company));
    sheet.show("companyname", Php::text(name));
    let id = state.next_id("company");
    let mut company = Company { id, stamp: Stamp::created(now, actor), values: IndexMap::new(), score: 0 };
    store(&mut company.values, vec![("companyname".to_owned(), Some(Php::text(name)))]);
    state.companies.insert(id, company.clone());
    let event = save_event(&company, &sheet, now);
    (id, event)
}

/// Deletes a company: its contacts keep its name, and nothing is told of them (captures D42, D43).
pub(crate) fn delete(state: &mut State, id: u64, now: Timestamp) -> Option<(Company, Sheet, Event)> {
    let mut company = state.companies.remove(&id)?;
    let sheet = company_sheet(state, &company);
    state.memberships.retain(|each| each.company != id);
    company.id = 0;
    let view = company_hook_view(&company, &sheet);
    let event = Event::new(COMPANY_DELETE, now, [("id", Php::id(id)), ("company", view)]);
    Some((company, sheet, event))
}

/// Merges a company into another, as a person does in the UI; its id is not redirected (captures G19, G20).
///
/// The winner keeps its own values and takes what it lacks; in the webhook the short names are new and the
/// fields are old.
pub(crate) fn merge(
    state: &mut State,
    winner: u64,
    loser: u64,
    actor: &Actor,
    now: Timestamp,
) -> Option<Vec<Event>> {
    if winner == loser || !state.companies.contains_key(&loser) {
        return None;
    }
    let before = state.companies.get(&winner)?.clone();
    let mut events = Vec::new();
    let mut joined = Vec::new();
    let members: Vec<u64> =
        state.memberships.iter().filter(|each| each.company == loser).map(|each| each.contact).collect();
    for contact in members {
        let Some(stored) = state.contacts.get(&contact) else { continue };
        let shown = shown_contact(state, stored);
        if !membership::is_member(state, winner, contact) {
            membership::make_primary(state, winner, contact, now);
            joined.push(shown);
        }
    }
    let gained: Vec<(String, Option<Php>)> = state
        .companies
        .get(&loser)?
        .values
        .iter()
        .filter(|(alias, _)| !before.values.contains_key(*alias))
        .map(|(alias, value)| (alias.clone(), Some(value.clone())))
        .collect();
    let sheet = company_sheet(state, &before);
    let mut after = before;
    if !gained.is_empty() {
        after.stamp.modify(now, actor);
    }
    store(&mut after.values, gained);
    let view = company_hook_view(&after, &sheet);
    state.companies.insert(winner, after.clone());
    for mut shown in joined {
        // The members are told without any field (capture G19).
        shown.sheet.fields.clear();
        events.extend(membership_event(state, &shown, winner, Some(view.clone()), true, now));
    }
    events.push(save_event(&after, &sheet, now));
    let (_, _, event) = delete(state, loser, now)?;
    events.push(event);
    Some(events)
}
