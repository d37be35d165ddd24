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
use super::view::{Shown, Style, company_view, contact_view, listed_contact};

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

/// The key of an item in the request, and its parameters.
type Item = (String, IndexMap<String, Php>);

/// The items, or the refusal of too many (capture E08).
fn items(engine: &Engine, call: &Call) -> Result<Vec<Item>, Answer> {
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
    for (key, sent) in items {
        let existing = engine.read(|state| duplicate(state, &sent));
        match save(engine, existing, &sent, mode(call, &sent), &call.caller.actor).await {
            Ok(saved) => {
                let status = if saved.created { 201 } else { 200 };
                let view = engine.read(|state| contact_view(state, &saved.shown, Style::Api));
                outcome.accept(&key, status, view);
            }
            Err(refused) => outcome.refuse(&key, &refused),
        }
    }
    outcome.answer("contacts", 201)
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
    // What each contact of the batch has become: all items of one contact show the same.
    let mut done: HashMap<u64, Shown> = HashMap::new();
    let mut refused_views: IndexMap<String, u64> = IndexMap::new();
    let mut owners: IndexMap<String, u64> = IndexMap::new();
    for (key, sent) in items {
        let id = sent.get("id").and_then(Php::as_int).and_then(|id| u64::try_from(id).ok());
        let existing = id.and_then(|id| engine.read(|state| state.contact_id(id)));
        if existing.is_none() && !put {
            outcome.refuse(&key, &Refused::NotFound);
            continue;
        }
        let before = existing.and_then(|id| done.get(&id).cloned());
        match save_listed(engine, call, existing, before, &sent).await {
            Ok(saved) => {
                let owner = existing.unwrap_or(saved.shown.contact.id);
                outcome.accept(&key, if saved.created { 201 } else { 200 }, Php::Null);
                done.insert(owner, saved.shown);
                owners.insert(key, owner);
            }
            Err(refused) => {
                outcome.refuse(&key, &refused);
                refused_views.extend(existing.map(|id| (key, id)));
            }
        }
    }
    engine.read(|state| {
        for (key, owner) in owners.iter().chain(&refused_views) {
            let view = match done.get(owner) {
                Some(shown) => Some(contact_view(state, shown, Style::Api)),
                // A contact that was only refused shows neither `fields.all` nor rounded numbers (capture E06).
                None => state
                    .contacts
                    .get(owner)
                    .map(|contact| contact_view(state, &listed_contact(state, contact), Style::Hook)),
            };
            outcome.records.insert(key.clone(), view.unwrap_or(Php::Null));
        }
    });
    outcome.records.sort_by(|one, _, other, _| {
        let place = |key: &String| outcome.statuses.get_index_of(key);
        place(one).cmp(&place(other))
    });
    outcome.answer("contacts", 200)
}

/// Saves one item. A contact that the batch has saved already is copied, the copy takes the change, and what is
/// told of it still holds the `fields.all` of the original (captures E03, F26).
async fn save_listed(
    engine: &Engine,
    call: &Call,
    existing: Option<u64>,
    before: Option<Shown>,
    sent: &IndexMap<String, Php>,
) -> Result<contact::Saved, Refused> {
    let actor = &call.caller.actor;
    let mut saved = engine.write(|state, now| {
        let mut draft = contact::open(state, existing, actor, now).ok_or(Refused::NotFound)?;
        draft.shown.sheet.from_list = existing.is_some() && before.is_none();
        draft.fill(state, sent, mode(call, sent), now)?;
        let mut all = None;
        if let Some(before) = &before {
            let view = contact_view(state, before, Style::Api);
            all = view.get("fields").and_then(|fields| fields.get("all")).cloned();
            let id = state.next_id("contact");
            let copy = contact::copy_as(&draft, id);
            state.contacts.insert(id, copy);
            draft.shown.contact.id = id;
        }
        let mut saved = contact::save(state, draft, now).ok_or(Refused::NotFound)?;
        if let Some(all) = all {
            saved.events.iter_mut().for_each(|event| event.add_all(&all));
        }
        Ok::<_, Refused>(saved)
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
                let Some(contact) = state.contacts.get(&id) else { return (None, Vec::new()) };
                let view = contact_view(state, &listed_contact(state, contact), Style::Api);
                let Some((_, mut event)) = contact::delete(state, id, now) else { return (None, Vec::new()) };
                if let Some(all) = view.get("fields").and_then(|fields| fields.get("all")) {
                    event.add_all(all);
                }
                (Some(view), vec![event])
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
