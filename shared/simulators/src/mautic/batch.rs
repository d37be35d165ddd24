//! Batches: one answer for many, each item with its own status, each telling its webhooks at once.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::answer::{Answer, item_error};
use super::api::Call;
use super::companies_api;
use super::contact::{self, Refused};
use super::contacts_api::{duplicate, mode, save};
use super::engine::Engine;
use super::php::Php;
use super::view::{Shown, Style, company_view, contact_view, shown_contact};

const CONTACTS: &str = "lead:leads";

/// What a batch answers: records, statuses and errors under the keys of the request.
#[derive(Default)]
struct Outcome {
    records: IndexMap<String, Php>,
    statuses: IndexMap<String, Php>,
    errors: IndexMap<String, Php>,
}

impl Outcome {
    fn refuse(&mut self, key: &str, refused: &Refused) {
        let (status, error) = item_error(refused);
        self.statuses.insert(key.to_owned(), Php::Int(i64::from(status)));
        self.errors.insert(key.to_owned(), error);
    }

    fn accept(&mut self, key: &str, status: i64, record: Php) {
        self.statuses.insert(key.to_owned(), Php::Int(status));
        self.records.insert(key.to_owned(), record);
    }

    fn answer(self, name: &str, status: u16) -> Answer {
        let mut body: IndexMap<String, Php> = IndexMap::new();
        body.insert(name.to_owned(), Php::array(self.records));
        body.insert("statusCodes".to_owned(), Php::array(self.statuses));
        if !self.errors.is_empty() {
            body.insert("errors".to_owned(), Php::array(self.errors));
        }
        Answer { status, body: Php::Map(body), location: None, from_controller: true }
    }
}

/// The items, or the refusal of too many (capture E08).
fn items(engine: &Engine, call: &Call) -> Result<Vec<(String, IndexMap<String, Php>)>, Answer> {
    let entries = call.body.entries();
    if entries.len() > engine.batch_limit {
        let words = format!("A max of {} entities are supported at a time.", engine.batch_limit);
        return Err(Answer::error(500, &words, Php::empty()));
    }
    Ok(entries.into_iter().map(|(key, item)| (key, item.entries())).collect())
}

/// `POST /api/contacts/batch/new`
pub(crate) async fn create_contacts(engine: &Engine, call: &Call) -> Answer {
    if !call.may(engine, CONTACTS, &["create"]) {
        return Answer::access_denied();
    }
    let items = match items(engine, call) {
        Ok(items) => items,
        Err(answer) => return answer,
    };
    let mut outcome = Outcome::default();
    let mut shown: HashMap<u64, Shown> = HashMap::new();
    let mut owners: IndexMap<String, u64> = IndexMap::new();
    for (key, sent) in items {
        let existing = engine.read(|state| duplicate(state, &sent));
        match save(engine, existing, &sent, mode(call, &sent), &call.caller.actor).await {
            Ok(saved) => {
                let status = if saved.created { 201 } else { 200 };
                outcome.accept(&key, status, Php::Null);
                owners.insert(key, saved.shown.contact.id);
                // An entity that was made in this batch is edited in memory: it never loads its fields.
                shown.insert(saved.shown.contact.id, saved.shown);
            }
            Err(refused) => outcome.refuse(&key, &refused),
        }
    }
    fill_views(engine, &mut outcome, &owners, &shown);
    outcome.answer("contacts", 201)
}

fn fill_views(
    engine: &Engine,
    outcome: &mut Outcome,
    owners: &IndexMap<String, u64>,
    shown: &HashMap<u64, Shown>,
) {
    engine.read(|state| {
        for (key, id) in owners {
            let view = match shown.get(id) {
                Some(shown) => contact_view(state, shown, Style::Api),
                None => match state.contacts.get(id) {
                    Some(contact) => contact_view(state, &shown_contact(state, contact), Style::Api),
                    None => continue,
                },
            };
            outcome.records.insert(key.clone(), view);
        }
    });
}

/// `PATCH` and `PUT /api/contacts/batch/edit`
///
/// The same id twice makes a copy of the contact, which takes the second change (captures E03, F26).
pub(crate) async fn edit_contacts(engine: &Engine, call: &Call) -> Answer {
    if !call.may(engine, CONTACTS, &["editown", "editother"]) {
        return Answer::access_denied();
    }
    let items = match items(engine, call) {
        Ok(items) => items,
        Err(answer) => return answer,
    };
    let put = call.method.as_str() == "PUT";
    let mut outcome = Outcome::default();
    // By the id that was sent: the contact that now stands for it.
    let mut done: HashMap<u64, u64> = HashMap::new();
    let mut shown: HashMap<u64, Shown> = HashMap::new();
    let mut owners: IndexMap<String, u64> = IndexMap::new();
    for (key, sent) in items {
        let id = sent.get("id").and_then(Php::as_int).and_then(|id| u64::try_from(id).ok());
        let existing = id.and_then(|id| engine.read(|state| state.contact_id(id)));
        let Some(existing) = existing else {
            if put {
                match save(engine, None, &sent, mode(call, &sent), &call.caller.actor).await {
                    Ok(saved) => {
                        outcome.accept(&key, 201, Php::Null);
                        owners.insert(key, saved.shown.contact.id);
                        shown.insert(saved.shown.contact.id, saved.shown);
                    }
                    Err(refused) => outcome.refuse(&key, &refused),
                }
            } else {
                outcome.refuse(&key, &Refused::NotFound);
            }
            continue;
        };
        let saved = if done.contains_key(&existing) {
            save_copy(engine, call, existing, &sent).await
        } else {
            save(engine, Some(existing), &sent, mode(call, &sent), &call.caller.actor).await
        };
        match saved {
            Ok(saved) => {
                outcome.accept(&key, 200, Php::Null);
                done.insert(existing, saved.shown.contact.id);
                shown.insert(existing, saved.shown);
            }
            Err(refused) => outcome.refuse(&key, &refused),
        }
        owners.insert(key, existing);
    }
    fill_views(engine, &mut outcome, &owners, &shown);
    outcome.records.sort_by(|one, _, other, _| {
        let place = |key: &String| outcome.statuses.get_index_of(key);
        place(one).cmp(&place(other))
    });
    outcome.answer("contacts", 200)
}

/// Saves the change into a copy of the contact, and tells it as an update of the copy.
async fn save_copy(
    engine: &Engine,
    call: &Call,
    original: u64,
    sent: &IndexMap<String, Php>,
) -> Result<contact::Saved, Refused> {
    let actor = &call.caller.actor;
    let mut saved = engine.write(|state, now| {
        let mut draft = contact::open(state, Some(original), actor, now).ok_or(Refused::NotFound)?;
        draft.fill(state, sent, mode(call, sent), now)?;
        let id = state.next_id("contact");
        let copy = contact::copy_as(&draft, id);
        state.contacts.insert(id, copy);
        draft.shown.contact.id = id;
        contact::save(state, draft, now).ok_or(Refused::NotFound)
    })?;
    engine.tell(std::mem::take(&mut saved.events)).await;
    Ok(saved)
}

/// `DELETE /api/contacts/batch/delete?ids=1,2`: ids in the body are not seen (capture E12).
pub(crate) async fn delete_contacts(engine: &Engine, call: &Call) -> Answer {
    if !call.may(engine, CONTACTS, &["deleteown", "deleteother"]) {
        return Answer::access_denied();
    }
    let ids = call.query.get("ids").and_then(Php::as_text).unwrap_or_default();
    let ids: Vec<u64> = ids.split(',').filter_map(|id| id.trim().parse().ok()).collect();
    let mut views = Vec::new();
    for id in ids {
        let view = engine
            .act(|state, now| {
                let Some(id) = state.contact_id(id) else { return (None, Vec::new()) };
                let Some((mut shown, event)) = contact::delete(state, id, now) else {
                    return (None, Vec::new());
                };
                shown.contact.id = id;
                (Some(contact_view(state, &shown, Style::Api)), vec![event])
            })
            .await;
        views.extend(view);
    }
    Answer::ok(Php::map([("contacts", Php::List(views))]))
}

/// `POST /api/companies/batch/new`: does not look for the name, so a known one is refused (capture D46).
pub(crate) async fn create_companies(engine: &Engine, call: &Call) -> Answer {
    if !call.may(engine, CONTACTS, &["create"]) {
        return Answer::access_denied();
    }
    let items = match items(engine, call) {
        Ok(items) => items,
        Err(answer) => return answer,
    };
    let mut outcome = Outcome::default();
    for (key, sent) in items {
        match companies_api::save(engine, None, &sent, true, &call.caller.actor).await {
            Ok(saved) => outcome.accept(&key, 201, company_view(&saved.company, &saved.sheet)),
            Err(refused) => outcome.refuse(&key, &refused),
        }
    }
    outcome.answer("companies", 201)
}

/// `PATCH` and `PUT /api/companies/batch/edit`: the same id twice breaks off after the first (capture F29).
pub(crate) async fn edit_companies(engine: &Engine, call: &Call) -> Answer {
    if !call.may(engine, CONTACTS, &["editown", "editother"]) {
        return Answer::access_denied();
    }
    let items = match items(engine, call) {
        Ok(items) => items,
        Err(answer) => return answer,
    };
    let put = call.method.as_str() == "PUT";
    let mut outcome = Outcome::default();
    let mut seen: Vec<u64> = Vec::new();
    for (key, sent) in items {
        let id = sent.get("id").and_then(Php::as_int).and_then(|id| u64::try_from(id).ok());
        let existing = id.filter(|id| engine.read(|state| state.companies.contains_key(id)));
        if existing.is_none() && !put {
            outcome.refuse(&key, &Refused::NotFound);
            continue;
        }
        if let Some(id) = existing {
            if seen.contains(&id) {
                return Answer::generic(500);
            }
            seen.push(id);
        }
        match companies_api::save(engine, existing, &sent, put, &call.caller.actor).await {
            Ok(saved) => {
                let status = if saved.created { 201 } else { 200 };
                outcome.accept(&key, status, company_view(&saved.company, &saved.sheet));
            }
            Err(refused) => outcome.refuse(&key, &refused),
        }
    }
    outcome.answer("companies", 200)
}
