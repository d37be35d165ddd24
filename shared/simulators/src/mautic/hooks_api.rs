//! `/api/hooks`: webhooks are listed, made, edited and deleted here.

use indexmap::IndexMap;
use jiff::Timestamp;

use super::answer::Answer;
use super::api::{Call, number};
use super::contact::Refused;
use super::engine::Engine;
use super::events::TRIGGERS;
use super::php::Php;
use super::sheet::Refusals;
use super::stamp::{Actor, Stamp};
use super::state::{Hook, State};

const HOOKS: &str = "webhook:webhooks";

pub(crate) fn route(engine: &Engine, call: &Call, verb: &str, segments: &[&str]) -> Option<Answer> {
    Some(match (verb, segments) {
        ("GET", []) => list(engine, call),
        ("GET", ["triggers"]) => triggers(),
        ("POST", ["new"]) => create(engine, call),
        ("GET", [id]) => show(engine, call, number(id)?),
        ("EDIT", [id, "edit"]) => edit(engine, call, number(id)?),
        ("DELETE", [id, "delete"]) => delete(engine, call, number(id)?),
        _ => return None,
    })
}

fn view(hook: &Hook) -> Php {
    let mut entries = hook.stamp.entries();
    entries.insert("isPublished".to_owned(), Php::Bool(hook.published));
    for (key, value) in [
        ("id", if hook.id == 0 { Php::Null } else { Php::id(hook.id) }),
        ("name", Php::text(&hook.name)),
        ("description", hook.description.clone()),
        ("webhookUrl", Php::text(&hook.url)),
        ("secret", Php::text(&hook.secret)),
        ("eventsOrderbyDir", hook.order.clone()),
        ("category", Php::Null),
        ("triggers", Php::List(hook.triggers.iter().map(Php::text).collect())),
    ] {
        entries.insert(key.to_owned(), value);
    }
    Php::Map(entries)
}

/// Any user of the API may read the triggers (capture E37).
fn triggers() -> Answer {
    let triggers = TRIGGERS
        .iter()
        .map(|(key, label, description)| {
            let entry = Php::map([("label", Php::text(*label)), ("description", Php::text(*description))]);
            ((*key).to_owned(), entry)
        })
        .collect();
    Answer::ok(Php::map([("triggers", Php::Map(triggers))]))
}

fn list(engine: &Engine, call: &Call) -> Answer {
    if !call.may(engine, HOOKS, &["viewown", "viewother"]) {
        return Answer::access_denied();
    }
    let hooks: IndexMap<String, Php> =
        engine.read(|state| state.hooks.values().map(|hook| (hook.id.to_string(), view(hook))).collect());
    let total = i64::try_from(hooks.len()).unwrap_or(i64::MAX);
    Answer::ok(Php::map([("total", Php::Int(total)), ("hooks", Php::Map(hooks))]))
}

fn show(engine: &Engine, call: &Call, id: u64) -> Answer {
    if !call.may(engine, HOOKS, &["viewown", "viewother"]) {
        return Answer::access_denied();
    }
    let view = engine.read(|state| state.hooks.get(&id).map(view));
    view.map_or_else(Answer::item_not_found, |view| Answer::ok(Php::map([("hook", view)])))
}

/// A webhook as it is when nothing was sent yet.
pub(crate) fn blank(now: Timestamp, actor: &Actor) -> Hook {
    Hook {
        id: 0,
        stamp: Stamp::created(now, actor),
        published: true,
        name: String::new(),
        description: Php::Null,
        url: String::new(),
        secret: generated_secret(),
        order: Php::Null,
        triggers: Vec::new(),
        log: Vec::new(),
    }
}

fn generated_secret() -> String {
    let half = || uuid::Uuid::new_v4().simple().to_string();
    half() + &half()
}

/// Fills in what was sent. Unknown triggers are taken without a word (capture A27).
fn fill(hook: &mut Hook, sent: &IndexMap<String, Php>, replace: bool) -> Result<(), Refusals> {
    let text = |key: &str| sent.get(key).and_then(Php::as_text).filter(|text| !text.is_empty());
    let mut refusals = Refusals::new();
    let url = text("webhookUrl").or_else(|| (!replace).then(|| hook.url.clone())).unwrap_or_default();
    if url::Url::parse(&url).is_ok_and(|url| url.has_host()) {
        hook.url = url;
    } else {
        refusals.push(("webhookUrl".to_owned(), "A valid URL is required.".to_owned()));
    }
    match text("eventsOrderbyDir").as_deref() {
        Some(order @ ("ASC" | "DESC")) => hook.order = Php::text(order),
        Some(_) => refusals.push(("eventsOrderbyDir".to_owned(), "This value is not valid.".to_owned())),
        None if replace => hook.order = Php::Null,
        None => {}
    }
    match text("name") {
        Some(name) => hook.name = name,
        None if replace || hook.name.is_empty() => {
            refusals.push(("name".to_owned(), "A name is required.".to_owned()));
        }
        None => {}
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    if replace || sent.contains_key("description") {
        hook.description = text("description").map_or(Php::Null, Php::Text);
    }
    // A PUT without a secret makes a new one (capture A32).
    match text("secret") {
        Some(secret) => hook.secret = secret,
        None if replace => hook.secret = generated_secret(),
        None => {}
    }
    if let Some(published) = sent.get("isPublished") {
        hook.published = !published.is_empty();
    }
    if replace {
        hook.triggers.clear();
    }
    for trigger in sent.get("triggers").map(Php::items).unwrap_or_default() {
        if let Some(trigger) = trigger.as_text().filter(|trigger| !hook.triggers.contains(trigger)) {
            hook.triggers.push(trigger);
        }
    }
    Ok(())
}

/// Stores a filled webhook under a new id.
pub(crate) fn insert(state: &mut State, mut hook: Hook) -> Hook {
    hook.id = state.next_id("hook");
    state.hooks.insert(hook.id, hook.clone());
    hook
}

fn create(engine: &Engine, call: &Call) -> Answer {
    if !call.may(engine, HOOKS, &["create"]) {
        return Answer::access_denied();
    }
    let sent = call.parameters();
    let hook = engine.write(|state, now| {
        let mut hook = blank(now, &call.caller.actor);
        fill(&mut hook, &sent, true)?;
        Ok(insert(state, hook))
    });
    match hook {
        Ok(hook) => Answer::created(Php::map([("hook", view(&hook))]), format!("/api/hooks/{}", hook.id)),
        Err(refusals) => Answer::refused(&Refused::Invalid(refusals)),
    }
}

/// PATCH adds triggers, PUT replaces everything.
fn edit(engine: &Engine, call: &Call, id: u64) -> Answer {
    if !call.may(engine, HOOKS, &["editown", "editother"]) {
        return Answer::access_denied();
    }
    let sent = call.parameters();
    let replace = call.method.as_str() == "PUT";
    let hook = engine.write(|state, now| {
        let mut hook = state.hooks.get(&id).ok_or(Refused::NotFound)?.clone();
        let before = view(&hook);
        fill(&mut hook, &sent, replace).map_err(Refused::Invalid)?;
        if view(&hook) == before {
            hook.stamp.touch(&call.caller.actor);
        } else {
            hook.stamp.modify(now, &call.caller.actor);
        }
        state.hooks.insert(id, hook.clone());
        Ok::<_, Refused>(hook)
    });
    match hook {
        Ok(hook) => Answer::ok(Php::map([("hook", view(&hook))])),
        Err(refused) => Answer::refused(&refused),
    }
}

fn delete(engine: &Engine, call: &Call, id: u64) -> Answer {
    if !call.may(engine, HOOKS, &["deleteown", "deleteother"]) {
        return Answer::access_denied();
    }
    let hook = engine.write(|state, _| {
        state.queue.retain(|row| row.hook != id);
        state.hooks.remove(&id)
    });
    hook.map_or_else(Answer::item_not_found, |mut hook| {
        hook.id = 0;
        Answer::ok(Php::map([("hook", view(&hook))]))
    })
}
