//! `/api/contacts`: one contact at a time, and lists.

use indexmap::IndexMap;

use super::answer::Answer;
use super::api::Call;
use super::contact::{self, Refused, Saved};
use super::engine::Engine;
use super::php::Php;
use super::query::select;
use super::refusals::{self, Wish};
use super::schema::Object;
use super::sheet::Mode;
use super::stamp::Actor;
use super::state::State;
use super::view::{Shown, Style, contact_view, listed_contact, shown_contact};

const VIEW: [&str; 2] = ["viewown", "viewother"];
const EDIT: [&str; 2] = ["editown", "editother"];
const DELETE: [&str; 2] = ["deleteown", "deleteother"];
const CONTACTS: &str = "lead:leads";

/// `GET /api/contacts`
pub(crate) fn list(engine: &Engine, call: &Call) -> Answer {
    if !call.may(engine, CONTACTS, &VIEW) {
        return Answer::access_denied();
    }
    let minimal = call.query.get("minimal").is_some_and(|flag| !flag.is_empty());
    let page = engine.read(|state| {
        let page = select(state, Object::Contact, &call.query)?;
        let contacts: IndexMap<String, Php> = page
            .ids
            .iter()
            .filter_map(|id| Some((id.to_string(), listed_view(state, *id)?)))
            .map(|(id, view)| (id, if minimal { shortened(view) } else { view }))
            .collect();
        Ok::<_, super::query::BadQuery>((page.total, contacts))
    });
    match page {
        // The total is a text, and no contacts are an object (captures E13, E16).
        Ok((total, contacts)) => {
            Answer::ok(Php::map([("total", Php::text(total.to_string())), ("contacts", Php::Map(contacts))]))
        }
        Err(_) => Answer::generic(500),
    }
}

fn stored_view(state: &State, id: u64) -> Option<Php> {
    Some(contact_view(state, &shown_contact(state, state.contacts.get(&id)?), Style::Api))
}

fn listed_view(state: &State, id: u64) -> Option<Php> {
    Some(contact_view(state, &listed_contact(state, state.contacts.get(&id)?), Style::Api))
}

/// `minimal=1` ends after the fields (capture E14).
fn shortened(view: Php) -> Php {
    match view {
        Php::Map(mut entries) => {
            if let Some(end) = entries.get_index_of("fields") {
                entries.truncate(end + 1);
            }
            Php::Map(entries)
        }
        other => other,
    }
}

/// `GET /api/contacts/{id}`: the id of a contact that was merged away gives the survivor.
pub(crate) fn show(engine: &Engine, call: &Call, id: u64) -> Answer {
    if !call.may(engine, CONTACTS, &VIEW) {
        return Answer::access_denied();
    }
    let view = engine.read(|state| stored_view(state, state.contact_id(id)?));
    view.map_or_else(Answer::item_not_found, |view| Answer::ok(Php::map([("contact", view)])))
}

/// Whether a request may blank fields: only a flag in the body counts (capture B16).
pub(crate) fn mode(call: &Call, sent: &IndexMap<String, Php>) -> Mode {
    if call.method.as_str() == "PUT" {
        return Mode::Replace;
    }
    let overwrite_with_blank = sent.get("overwriteWithBlank").is_some_and(|flag| !flag.is_empty());
    Mode::Merge { overwrite_with_blank }
}

/// Reads, waits as PHP works, saves, tells. Overlapping requests therefore meet as they do in Mautic.
pub(crate) async fn save(
    engine: &Engine,
    existing: Option<u64>,
    sent: &IndexMap<String, Php>,
    mode: Mode,
    actor: &Actor,
) -> Result<Saved, Refused> {
    let draft = engine.read(|state| {
        let mut draft = contact::open(state, existing, actor, engine.now()).ok_or(Refused::NotFound)?;
        draft.fill(state, sent, mode, engine.now())?;
        Ok(draft)
    })?;
    if !engine.work_time.is_zero() {
        tokio::time::sleep(engine.work_time).await;
    }
    let mut saved = engine.write(|state, now| contact::save(state, draft, now)).ok_or(Refused::NotFound)?;
    engine.tell(std::mem::take(&mut saved.events)).await;
    Ok(saved)
}

/// The contact that `POST /api/contacts/new` edits instead of creating one: the newest with the same e-mail.
pub(crate) fn duplicate(state: &State, sent: &IndexMap<String, Php>) -> Option<u64> {
    let unique = state.fields.iter().filter(|field| field.object == Object::Contact && field.unique);
    for field in unique {
        let wanted = sent.get(&field.alias).and_then(Php::as_text).map(|text| text.trim().to_lowercase());
        let Some(wanted) = wanted.filter(|text| !text.is_empty()) else { continue };
        if let Some(newest) = state.contacts.holding(&field.alias, &wanted).first() {
            return Some(*newest);
        }
    }
    None
}

fn saved_view(engine: &Engine, shown: &Shown) -> Php {
    engine.read(|state| Php::map([("contact", contact_view(state, shown, Style::Api))]))
}

fn saved_answer(engine: &Engine, saved: Result<Saved, Refused>) -> Answer {
    match saved {
        Ok(saved) if saved.created => {
            let location = format!("/api/contacts/{}", saved.shown.contact.id);
            Answer::created(saved_view(engine, &saved.shown), location)
        }
        Ok(saved) => Answer::ok(saved_view(engine, &saved.shown)),
        Err(refused) => Answer::refused(&refused),
    }
}

/// `POST /api/contacts/new`
pub(crate) async fn create(engine: &Engine, call: &Call) -> Answer {
    if !call.may(engine, CONTACTS, &["create"]) {
        return Answer::access_denied();
    }
    let sent = call.parameters();
    let existing = engine.read(|state| duplicate(state, &sent));
    let saved = save(engine, existing, &sent, mode(call, &sent), &call.caller.actor).await;
    saved_answer(engine, saved)
}

/// `PATCH` and `PUT /api/contacts/{id}/edit`: PUT to an unknown id creates a contact with another id.
pub(crate) async fn edit(engine: &Engine, call: &Call, id: u64) -> Answer {
    if !call.may(engine, CONTACTS, &EDIT) {
        return Answer::access_denied();
    }
    let sent = call.parameters();
    let existing = engine.read(|state| state.contact_id(id));
    if existing.is_none() && call.method.as_str() != "PUT" {
        return Answer::item_not_found();
    }
    let saved = save(engine, existing, &sent, mode(call, &sent), &call.caller.actor).await;
    saved_answer(engine, saved)
}

/// `DELETE /api/contacts/{id}/delete`: with the id of a merged contact, the survivor is deleted (capture F42).
pub(crate) async fn delete(engine: &Engine, call: &Call, id: u64) -> Answer {
    if !call.may(engine, CONTACTS, &DELETE) {
        return Answer::access_denied();
    }
    let view = engine
        .act(|state, now| {
            let Some((shown, event)) = state.contact_id(id).and_then(|id| contact::delete(state, id, now))
            else {
                return (None, Vec::new());
            };
            (Some(contact_view(state, &shown, Style::Api)), vec![event])
        })
        .await;
    view.map_or_else(Answer::item_not_found, |view| Answer::ok(Php::map([("contact", view)])))
}

/// `POST /api/contacts/{id}/points/{plus|minus}/{points}`
pub(crate) async fn add_points(engine: &Engine, call: &Call, id: u64, delta: i64) -> Answer {
    if !call.may(engine, CONTACTS, &EDIT) {
        return Answer::access_denied();
    }
    let done = engine
        .act(|state, now| {
            let events = state
                .contact_id(id)
                .and_then(|id| contact::add_points(state, id, delta, &call.caller.actor, now));
            (events.is_some(), events.unwrap_or_default())
        })
        .await;
    if done { Answer::success() } else { Answer::not_found("Contact") }
}

fn bare_view(state: &State, id: u64) -> Option<Php> {
    Some(contact_view(state, &shown_contact(state, state.contacts.get(&id)?), Style::Bare))
}

/// `POST /api/contacts/{id}/dnc/{channel}/add`
pub(crate) async fn add_refusal(engine: &Engine, call: &Call, id: u64, channel: &str) -> Answer {
    if !call.may(engine, CONTACTS, &EDIT) {
        return Answer::access_denied();
    }
    let sent = call.parameters();
    let reason =
        sent.get("reason").map_or(Some(refusals::MANUAL), |reason| Some(reason.as_int().unwrap_or(0)));
    let reason = reason.unwrap_or(refusals::MANUAL);
    let Some(id) = engine.read(|state| state.contact_id(id)) else { return Answer::item_not_found() };
    if reason == refusals::CONTACTABLE {
        let details = Php::List(vec![Php::text("Reason code needs to be an integer and higher than 0.")]);
        return Answer::error(400, "Invalid reason code given", details);
    }
    let comments = sent.get("comments").and_then(Php::as_text).unwrap_or_default();
    let channel_id = sent.get("channelId").filter(|id| !id.is_empty()).cloned().unwrap_or(Php::Null);
    let wish = Wish { channel: channel.to_owned(), channel_id, reason, comments };
    let view = change_refusal(engine, call, id, &wish).await.1;
    view.map_or_else(Answer::item_not_found, |view| Answer::ok(Php::map([("contact", view)])))
}

/// `POST /api/contacts/{id}/dnc/{channel}/remove`
pub(crate) async fn remove_refusal(engine: &Engine, call: &Call, id: u64, channel: &str) -> Answer {
    if !call.may(engine, CONTACTS, &EDIT) {
        return Answer::access_denied();
    }
    let Some(id) = engine.read(|state| state.contact_id(id)) else { return Answer::item_not_found() };
    let (found, view) = change_refusal(engine, call, id, &Wish::new(channel, refusals::CONTACTABLE)).await;
    view.map_or_else(Answer::item_not_found, |view| {
        Answer::ok(Php::map([("recordFound", Php::Bool(found)), ("contact", view)]))
    })
}

async fn change_refusal(engine: &Engine, call: &Call, id: u64, wish: &Wish) -> (bool, Option<Php>) {
    engine
        .act(|state, now| {
            let Some((changed, events)) = refusals::set(state, id, wish, &call.caller.actor, now) else {
                return ((false, None), Vec::new());
            };
            ((changed, bare_view(state, id)), events)
        })
        .await
}

/// `POST /api/contacts/{id}/utm/add`
pub(crate) async fn add_utm(engine: &Engine, call: &Call, id: u64) -> Answer {
    if !call.may(engine, CONTACTS, &EDIT) {
        return Answer::access_denied();
    }
    let sent = call.parameters();
    let value = |key: &str| sent.get(key).cloned().unwrap_or(Php::Null);
    let view = engine
        .act(|state, now| {
            let Some(id) = state.contact_id(id) else { return (None, Vec::new()) };
            let utm = Php::map([
                ("id", Php::id(state.next_id("utm"))),
                ("query", sent.get("query").cloned().unwrap_or_else(Php::empty)),
                ("referer", value("referer")),
                ("remoteHost", value("remotehost")),
                ("url", value("url")),
                ("userAgent", value("useragent")),
                ("utmCampaign", value("utm_campaign")),
                ("utmContent", value("utm_content")),
                ("utmMedium", value("utm_medium")),
                ("utmSource", value("utm_source")),
                ("utmTerm", value("utm_term")),
            ]);
            let active = sent.get("lastActive").and_then(Php::as_text);
            let active = active.map(|text| super::values::last_active(&text, now));
            let changed = contact::change(state, id, &call.caller.actor, now, |contact| {
                contact.utm.push(utm);
                contact.last_active = active.or(contact.last_active);
            });
            let Some((shown, events)) = changed else { return (None, Vec::new()) };
            (Some(contact_view(state, &shown, Style::Bare)), events)
        })
        .await;
    view.map_or_else(Answer::item_not_found, |view| Answer::ok(Php::map([("contact", view)])))
}
