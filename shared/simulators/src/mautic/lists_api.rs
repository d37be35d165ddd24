//! Segments and stages: making them, and putting contacts into them.

use indexmap::IndexMap;
use jiff::Timestamp;

use super::answer::Answer;
use super::api::{Call, number};
use super::contact;
use super::engine::Engine;
use super::events::{Event, SEGMENT_CHANGE};
use super::php::Php;
use super::stamp::{Actor, Stamp, time};
use super::state::{Segment, Stage, State};
use super::view::{Style, contact_view, shown_contact};

const CONTACTS: &str = "lead:leads";
const EDIT: [&str; 2] = ["editown", "editother"];

pub(crate) async fn segments(engine: &Engine, call: &Call, verb: &str, path: &[&str]) -> Option<Answer> {
    Some(match (verb, path) {
        ("POST", ["new"]) => create_segment(engine, call),
        ("POST", [segment, "contact", contact, action @ ("add" | "remove")]) => {
            set_one(engine, call, (number(segment)?, number(contact)?), *action == "add").await
        }
        ("POST", [segment, "contacts", "add"]) => add_many(engine, call, number(segment)?).await,
        _ => return None,
    })
}

fn segment_view(segment: &Segment) -> Php {
    let mut entries = segment.stamp.entries();
    for (key, value) in [
        ("id", Php::id(segment.id)),
        ("name", Php::text(&segment.name)),
        ("publicName", Php::text(&segment.name)),
        ("alias", Php::text(&segment.alias)),
        ("description", Php::Null),
        ("category", Php::Null),
        ("filters", Php::empty()),
        ("isGlobal", Php::Bool(true)),
        ("isPreferenceCenter", Php::Bool(false)),
    ] {
        entries.insert(key.to_owned(), value);
    }
    Php::Map(entries)
}

/// Makes a segment without filters: its contacts are put in by hand.
pub(crate) fn new_segment(
    state: &mut State,
    name: &str,
    alias: &str,
    actor: &Actor,
    now: Timestamp,
) -> Segment {
    let segment = Segment {
        id: state.next_id("segment"),
        stamp: Stamp::created(now, actor),
        name: name.to_owned(),
        alias: alias.to_owned(),
    };
    state.segments.insert(segment.id, segment.clone());
    segment
}

fn create_segment(engine: &Engine, call: &Call) -> Answer {
    if !call.may(engine, CONTACTS, &EDIT) {
        return Answer::access_denied();
    }
    let sent = call.parameters();
    let text = |key: &str| sent.get(key).and_then(Php::as_text).filter(|text| !text.is_empty());
    let Some(name) = text("name") else {
        let refusals = vec![("name".to_owned(), "A name is required.".to_owned())];
        return Answer::refused(&contact::Refused::Invalid(refusals));
    };
    let alias = text("alias").unwrap_or_else(|| name.to_lowercase().replace(' ', "-"));
    let segment = engine.write(|state, now| new_segment(state, &name, &alias, &call.caller.actor, now));
    Answer::created(Php::map([("list", segment_view(&segment))]), format!("/api/segments/{}", segment.id))
}

/// Puts a contact into a segment or takes it out; nothing is told when it was so already (capture C41).
pub(crate) fn set_segment(
    state: &mut State,
    segment: u64,
    contact: u64,
    member: bool,
    now: Timestamp,
) -> Option<Vec<Event>> {
    let view = segment_view(state.segments.get(&segment)?);
    let was_member = state.contacts.get(&contact)?.segments.contains_key(&segment);
    if was_member == member {
        return Some(Vec::new());
    }
    state.contacts.change(contact, |stored| {
        if member {
            stored.segments.insert(segment, now);
        } else {
            stored.segments.remove(&segment);
        }
    });
    let shown = shown_contact(state, state.contacts.get(&contact)?);
    let action = if member { "added" } else { "removed" };
    Some(vec![Event::new(
        SEGMENT_CHANGE,
        now,
        [
            ("contact", contact_view(state, &shown, Style::Open)),
            ("segment", view),
            ("action", Php::text(action)),
        ],
    )])
}

async fn set_one(engine: &Engine, call: &Call, (segment, contact): (u64, u64), member: bool) -> Answer {
    if !call.may(engine, CONTACTS, &EDIT) {
        return Answer::access_denied();
    }
    if !engine.read(|state| state.segments.contains_key(&segment)) {
        return Answer::item_not_found();
    }
    let Some(contact) = engine.read(|state| state.contact_id(contact)) else {
        return Answer::not_found("Contact");
    };
    engine
        .act(|state, now| ((), set_segment(state, segment, contact, member, now).unwrap_or_default()))
        .await;
    Answer::success()
}

async fn add_many(engine: &Engine, call: &Call, segment: u64) -> Answer {
    if !call.may(engine, CONTACTS, &EDIT) {
        return Answer::access_denied();
    }
    if !engine.read(|state| state.segments.contains_key(&segment)) {
        return Answer::item_not_found();
    }
    let mut details: IndexMap<String, Php> = IndexMap::new();
    let ids = call.parameters().get("ids").map(Php::entries).unwrap_or_default();
    for id in ids.values().filter_map(|id| u64::try_from(id.as_int()?).ok()) {
        let known = engine
            .act(|state, now| {
                let events =
                    state.contact_id(id).and_then(|contact| set_segment(state, segment, contact, true, now));
                (events.is_some(), events.unwrap_or_default())
            })
            .await;
        details.insert(id.to_string(), Php::map([("success", Php::Bool(known))]));
    }
    Answer::ok(Php::map([("success", Php::Int(1)), ("details", Php::Map(details))]))
}

/// `GET /api/contacts/{id}/segments`
pub(crate) fn of_contact(engine: &Engine, call: &Call, id: u64) -> Answer {
    if !call.may(engine, CONTACTS, &["viewown", "viewother"]) {
        return Answer::access_denied();
    }
    let lists = engine.read(|state| {
        let contact = state.contacts.get(&state.contact_id(id)?)?;
        let lists = contact.segments.iter().filter_map(|(id, since)| {
            let segment = state.segments.get(id)?;
            let entry = Php::map([
                ("id", Php::id(segment.id)),
                ("name", Php::text(&segment.name)),
                ("alias", Php::text(&segment.alias)),
                ("dateAdded", time(Some(*since))),
                ("manuallyRemoved", Php::Bool(false)),
                ("manuallyAdded", Php::Bool(true)),
            ]);
            Some((id.to_string(), entry))
        });
        Some(lists.collect::<IndexMap<_, _>>())
    });
    lists.map_or_else(Answer::item_not_found, |lists| {
        let total = i64::try_from(lists.len()).unwrap_or(i64::MAX);
        let lists = if lists.is_empty() { Php::empty() } else { Php::Map(lists) };
        Answer::ok(Php::map([("total", Php::Int(total)), ("lists", lists)]))
    })
}

pub(crate) async fn stages(engine: &Engine, call: &Call, verb: &str, path: &[&str]) -> Option<Answer> {
    Some(match (verb, path) {
        ("POST", ["new"]) => create_stage(engine, call),
        ("POST", [stage, "contact", contact, action @ ("add" | "remove")]) => {
            set_stage(engine, call, (number(stage)?, number(contact)?), *action == "add").await
        }
        _ => return None,
    })
}

fn create_stage(engine: &Engine, call: &Call) -> Answer {
    if !call.may(engine, CONTACTS, &EDIT) {
        return Answer::access_denied();
    }
    let sent = call.parameters();
    let name = sent.get("name").and_then(Php::as_text).unwrap_or_default();
    let weight = sent.get("weight").and_then(Php::as_int).unwrap_or(0);
    let stage = engine.write(|state, now| {
        let stage = Stage {
            id: state.next_id("stage"),
            stamp: Stamp::created(now, &call.caller.actor),
            name,
            weight,
        };
        state.stages.insert(stage.id, stage.clone());
        stage
    });
    let mut entries = stage.stamp.entries();
    for (key, value) in [
        ("id", Php::id(stage.id)),
        ("name", Php::text(&stage.name)),
        ("category", Php::Null),
        ("weight", Php::Int(stage.weight)),
        ("description", Php::Null),
        ("publishUp", Php::Null),
        ("publishDown", Php::Null),
    ] {
        entries.insert(key.to_owned(), value);
    }
    Answer::created(Php::map([("stage", Php::Map(entries))]), format!("/api/stages/{}", stage.id))
}

async fn set_stage(engine: &Engine, call: &Call, (stage, contact): (u64, u64), inside: bool) -> Answer {
    if !call.may(engine, CONTACTS, &EDIT) {
        return Answer::access_denied();
    }
    if !engine.read(|state| state.stages.contains_key(&stage)) {
        return Answer::item_not_found();
    }
    let Some(contact) = engine.read(|state| state.contact_id(contact)) else {
        return Answer::not_found("Contact");
    };
    let actor = &call.caller.actor;
    engine
        .act(|state, now| {
            let wanted = inside.then_some(stage);
            let events = contact::change(state, contact, actor, now, |contact| contact.stage = wanted);
            ((), events.map(|(_, events)| events).unwrap_or_default())
        })
        .await;
    Answer::success()
}
