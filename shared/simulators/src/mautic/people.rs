//! What people do in Mautic's own pages, and visitors on the website: everything that is not the API user.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::MauticSimulator;
use super::company;
use super::contact;
use super::contacts_api::duplicate;
use super::events::{CONTACT_NEW, Event, FORM_SUBMIT};
use super::lists_api;
use super::membership;
use super::merge;
use super::php::{Fractions, Php};
use super::refusals;
use super::sheet::Mode;
use super::stamp::{Actor, Stamp, iso, time};
use super::state::{Contact, State, User};
use super::view::{Shown, Style, address_view, fields_view};

/// The first user, who works in the pages.
pub(crate) fn administrator(state: &State) -> Actor {
    state.users.values().next().map_or_else(Actor::nobody, User::actor)
}

fn named(fields: &Value) -> IndexMap<String, Php> {
    Php::from(fields).entries()
}

/// A form in the pages sends every field, empty ones too.
const PAGE: Mode = Mode::Page;

impl MauticSimulator {
    /// A person creates a contact; none when the form refuses the values.
    pub async fn create_contact(&self, fields: &Value) -> Option<u64> {
        self.save_contact(None, fields).await
    }

    /// A person edits a contact; false when there is none, or the form refuses the values.
    pub async fn edit_contact(&self, id: u64, fields: &Value) -> bool {
        self.save_contact(Some(id), fields).await.is_some()
    }

    async fn save_contact(&self, existing: Option<u64>, fields: &Value) -> Option<u64> {
        let sent = named(fields);
        self.engine
            .act(|state, now| {
                let actor = administrator(state);
                let saved = contact::open(state, existing, &actor, now).and_then(|mut draft| {
                    draft.fill(state, &sent, PAGE, now).ok()?;
                    contact::save(state, draft, now)
                });
                match saved {
                    Some(saved) => (Some(saved.shown.contact.id), saved.events),
                    None => (None, Vec::new()),
                }
            })
            .await
    }

    /// A person deletes a contact; false when there is none.
    pub async fn delete_contact(&self, id: u64) -> bool {
        self.engine
            .act(|state, now| match contact::delete(state, id, now) {
                Some((_, event)) => (true, vec![event]),
                None => (false, Vec::new()),
            })
            .await
    }

    /// A person merges `loser` into `winner`, and the loser is deleted; false when one of them is not there.
    pub async fn merge_contacts(&self, winner: u64, loser: u64) -> bool {
        let actor = self.engine.read(administrator);
        self.merge(winner, loser, &actor, true).await
    }

    async fn merge(&self, winner: u64, loser: u64, actor: &Actor, listed: bool) -> bool {
        let merged = self
            .engine
            .act(|state, now| {
                let events = merge::merge(state, winner, loser, actor, now);
                (events.is_some(), events.unwrap_or_default())
            })
            .await;
        if merged {
            self.engine
                .act(|state, now| ((), merge::remove_loser(state, loser, listed, now).into_iter().collect()))
                .await;
        }
        merged
    }

    /// The command `mautic:contacts:deduplicate`: merges older contacts into newer ones with the same e-mail
    /// (capture G01); gives the number of contacts that were merged away.
    pub async fn deduplicate_contacts(&self) -> usize {
        let mut merged = 0;
        loop {
            let pair = self.engine.read(|state| {
                state.contacts.values().find_map(|older| {
                    let email = older.values.get("email").and_then(Php::as_text)?;
                    let newest = state.contacts_with_email(&email).first().copied()?;
                    (newest != older.id).then_some((newest, older.id))
                })
            });
            match pair {
                Some((newest, older)) if self.merge(newest, older, &Actor::nobody(), true).await => {
                    merged += 1;
                }
                _ => return merged,
            }
        }
    }

    /// A visitor without a cookie submits a form whose fields are contact aliases; gives the contact's id.
    ///
    /// A known e-mail merges the known contact into the visitor: the id changes (captures H02, H03). None
    /// when the values are refused.
    pub async fn submit_form(&self, fields: &Value) -> Option<u64> {
        let sent = named(fields);
        let visitor = Actor::nobody();
        let known = self.engine.read(|state| duplicate(state, &sent));
        let existing = match known {
            None => None,
            Some(known) => {
                let id = self.engine.write(|state, now| new_visitor(state, &visitor, now))?;
                self.merge(id, known, &visitor, false).await;
                Some(id)
            }
        };
        let saved = self
            .engine
            .act(|state, now| {
                let saved = submit(state, existing, &sent, &visitor, now);
                match saved {
                    Some(saved) => (Some(saved.shown), saved.events),
                    None => (None, Vec::new()),
                }
            })
            .await?;
        let id = saved.contact.id;
        self.engine.act(|state, now| ((), vec![submission(state, &saved, &sent, now)])).await;
        Some(id)
    }

    /// A person creates a company; none when the form refuses the values.
    pub async fn create_company(&self, fields: &Value) -> Option<u64> {
        self.save_company(None, fields).await
    }

    /// A person edits a company; false when there is none, or the form refuses the values.
    pub async fn edit_company(&self, id: u64, fields: &Value) -> bool {
        self.save_company(Some(id), fields).await.is_some()
    }

    async fn save_company(&self, existing: Option<u64>, fields: &Value) -> Option<u64> {
        let sent = named(fields);
        self.engine
            .act(|state, now| {
                let actor = administrator(state);
                match company::save(state, existing, &sent, false, &actor, now) {
                    Ok(saved) => (Some(saved.company.id), saved.events),
                    Err(_) => (None, Vec::new()),
                }
            })
            .await
    }

    /// A person deletes a company; false when there is none.
    pub async fn delete_company(&self, id: u64) -> bool {
        self.engine
            .act(|state, now| match company::delete(state, id, now) {
                Some((_, _, event)) => (true, vec![event]),
                None => (false, Vec::new()),
            })
            .await
    }

    /// A person merges company `loser` into `winner`; false when one of them is not there.
    pub async fn merge_companies(&self, winner: u64, loser: u64) -> bool {
        self.engine
            .act(|state, now| {
                let actor = administrator(state);
                let events = company::merge(state, winner, loser, &actor, now);
                (events.is_some(), events.unwrap_or_default())
            })
            .await
    }

    /// Puts a contact into a company; nothing happens when it is there already.
    pub async fn add_to_company(&self, company: u64, contact: u64) {
        self.set_member(company, contact, true).await;
    }

    /// The companies of a contact, in the order in which it entered them, and which of them is the primary one.
    pub fn companies_of(&self, contact: u64) -> (Vec<u64>, Option<u64>) {
        self.engine.read(|state| {
            let held: Vec<_> = state.memberships.iter().filter(|each| each.contact == contact).collect();
            let primary = held.iter().find(|each| each.primary).map(|each| each.company);
            (held.iter().map(|each| each.company).collect(), primary)
        })
    }

    /// Takes a contact out of a company.
    pub async fn remove_from_company(&self, company: u64, contact: u64) {
        self.set_member(company, contact, false).await;
    }

    async fn set_member(&self, company: u64, contact: u64, member: bool) {
        self.engine
            .act(|state, now| {
                let known = state.companies.contains_key(&company);
                let events =
                    if known { membership::set(state, (company, contact), member, now) } else { Vec::new() };
                ((), events)
            })
            .await;
    }

    /// Sets a do-not-contact entry: 1 unsubscribed, 2 bounced, 3 by hand, 0 none.
    pub async fn set_do_not_contact(&self, contact: u64, channel: &str, reason: u8) {
        self.engine
            .act(|state, now| {
                let actor = administrator(state);
                let set = refusals::set(
                    state,
                    contact,
                    &refusals::Wish::new(channel, i64::from(reason)),
                    &actor,
                    now,
                );
                ((), set.map(|(_, events)| events).unwrap_or_default())
            })
            .await;
    }

    /// A second contact with the same values, as two requests at the same moment leave it behind (capture J08): from now
    /// on Mautic refuses every edit of either. Gives its id; none when there is no such contact.
    pub fn duplicate_contact(&self, contact: u64) -> Option<u64> {
        self.engine.write(|state, _| {
            let twin = state.contacts.get(&contact)?.clone();
            let id = state.next_id("contact");
            state.contacts.insert(id, Contact { id, ..twin });
            Some(id)
        })
    }

    /// Adds a user who works in the pages, in the role of the first one, and gives the id.
    pub fn add_user(&self, name: &str, email: &str) -> u64 {
        self.engine.write(|state, now| {
            let role = state.users.values().next().map_or(0, |user| user.role);
            let user = User {
                id: state.next_id("user"),
                stamp: Stamp::created(now, &administrator(state)),
                username: name.to_owned(),
                password: format!("password of {name}"),
                first_name: name.to_owned(),
                last_name: "User".to_owned(),
                email: email.to_owned(),
                role,
                timezone: Php::Null,
            };
            let id = user.id;
            state.users.insert(id, user);
            id
        })
    }

    /// The user who owns a contact.
    pub fn owner(&self, contact: u64) -> Option<u64> {
        self.engine.read(|state| state.contacts.get(&contact)?.owner)
    }

    /// The do-not-contact entries of a contact: channel and reason.
    pub fn do_not_contact(&self, contact: u64) -> Vec<(String, i64)> {
        self.engine.read(|state| {
            let entries = state.contacts.get(&contact).map(|contact| contact.refusals.clone());
            entries.unwrap_or_default().into_iter().map(|entry| (entry.channel, entry.reason)).collect()
        })
    }

    /// Sets the points of a contact; false when there is none.
    pub async fn set_points(&self, contact: u64, points: i64) -> bool {
        self.engine
            .act(|state, now| {
                let actor = administrator(state);
                let held = state.contacts.get(&contact).map_or(0, |contact| contact.points);
                let events = contact::add_points(state, contact, points.saturating_sub(held), &actor, now);
                (events.is_some(), events.unwrap_or_default())
            })
            .await
    }

    /// Makes a segment and gives its id.
    pub fn create_segment(&self, name: &str) -> u64 {
        self.engine.write(|state, now| {
            let actor = administrator(state);
            let alias = name.to_lowercase().replace(' ', "-");
            lists_api::new_segment(state, name, &alias, &actor, now).id
        })
    }

    /// Puts a contact into a segment, or takes it out.
    pub async fn set_segment(&self, segment: u64, contact: u64, member: bool) {
        self.engine
            .act(|state, now| {
                ((), lists_api::set_segment(state, segment, contact, member, now).unwrap_or_default())
            })
            .await;
    }

    /// The button "Send test payload": old samples under several keys, and a `timestamp` beside them.
    ///
    /// Gives the status of the answer; none when there was no HTTP answer or no such webhook.
    pub async fn send_test_payload(&self, hook: u64) -> Option<u16> {
        let keys = self.engine.read(|state| state.hooks.get(&hook).map(|hook| hook.triggers.clone()))?;
        let now = self.engine.now();
        let mut body: IndexMap<String, Php> = IndexMap::new();
        for key in &keys {
            body.insert(key.clone(), Php::List(vec![sample(key)]));
        }
        body.insert("timestamp".to_owned(), Php::Text(iso(now)));
        let text = Php::Map(body).encode(Fractions::Dropped);
        let events = keys.len();
        self.engine.post(hook, &text, keys, events).await.ok()
    }

    /// The stored values of a contact by alias, with `id`, `points` and `tags`; none when it is not there.
    ///
    /// The id of a merged contact gives nothing here: ask the API for the survivor.
    pub fn contact(&self, id: u64) -> Option<Value> {
        self.engine.read(|state| flat_contact(state, id))
    }

    /// All contacts as [`Self::contact`] gives them, by id.
    pub fn contacts(&self) -> Vec<Value> {
        self.engine.read(|state| state.contacts.keys().filter_map(|id| flat_contact(state, *id)).collect())
    }

    /// The stored values of a company by alias, with its `id`; none when it is not there.
    pub fn company(&self, id: u64) -> Option<Value> {
        self.engine.read(|state| flat_company(state, id))
    }

    /// All companies as [`Self::company`] gives them, by id.
    pub fn companies(&self) -> Vec<Value> {
        self.engine.read(|state| state.companies.keys().filter_map(|id| flat_company(state, *id)).collect())
    }
}

fn flat_contact(state: &State, id: u64) -> Option<Value> {
    let contact = state.contacts.get(&id)?;
    let mut view = flat(&contact.values);
    if let Some(entries) = view.as_object_mut() {
        entries.insert("id".to_owned(), json!(contact.id));
        entries.insert("points".to_owned(), json!(contact.points));
        entries.insert("tags".to_owned(), json!(contact.tags));
    }
    Some(view)
}

fn flat_company(state: &State, id: u64) -> Option<Value> {
    let company = state.companies.get(&id)?;
    let mut view = flat(&company.values);
    if let Some(entries) = view.as_object_mut() {
        entries.insert("id".to_owned(), json!(company.id));
    }
    Some(view)
}

fn flat(values: &IndexMap<String, Php>) -> Value {
    Value::Object(values.iter().map(|(alias, value)| (alias.clone(), value.to_json())).collect())
}

/// The address that visitors come from.
const VISITOR_ADDRESS: &str = "127.0.0.1";

/// A tracked visitor that nobody knows yet: nothing is told of it.
fn new_visitor(state: &mut State, actor: &Actor, now: Timestamp) -> Option<u64> {
    let mut draft = contact::open(state, None, actor, now)?;
    draft.addresses.push((VISITOR_ADDRESS.to_owned(), true));
    draft.shown.contact.picture = Some("gravatar".to_owned());
    draft.shown.contact.stamp.modify(now, actor);
    let saved = contact::save(state, draft, now)?;
    Some(saved.shown.contact.id)
}

/// Writes what the form says. The webhook shows only what the form changed (capture H03).
fn submit(
    state: &mut State,
    existing: Option<u64>,
    sent: &IndexMap<String, Php>,
    actor: &Actor,
    now: Timestamp,
) -> Option<contact::Saved> {
    let id = match existing {
        Some(id) => id,
        None => new_visitor(state, actor, now)?,
    };
    let mut draft = contact::open(state, Some(id), actor, now)?;
    draft.fill(state, sent, Mode::Merge { overwrite_with_blank: false }, now).ok()?;
    draft.last_active = Some(now);
    draft.shown.sheet.visiting = true;
    let updated = draft.shown.sheet.updated.clone();
    for (alias, value) in &mut draft.shown.sheet.shown {
        if alias != "points" && !updated.contains_key(alias) {
            *value = Php::Null;
        }
    }
    contact::save(state, draft, now)
}

fn submission(state: &mut State, shown: &Shown, sent: &IndexMap<String, Php>, now: Timestamp) -> Event {
    let contact = &shown.contact;
    let lead = Php::map([
        ("id", Php::id(contact.id)),
        ("points", Php::Int(contact.points)),
        ("color", Php::Null),
        ("fields", fields_view(&shown.sheet, Style::Hook, Php::Null, None)),
    ]);
    let address = contact.addresses.first().map_or(Php::Null, address_view);
    let submission = Php::map([
        ("id", Php::id(state.next_id("submission"))),
        ("ipAddress", address),
        (
            "form",
            Php::map([
                ("id", Php::Int(1)),
                ("name", Php::text("Live form")),
                ("alias", Php::text("live_form")),
                ("category", Php::Null),
            ]),
        ),
        ("lead", lead),
        ("trackingId", Php::text(format!("{:023}", contact.id))),
        ("dateSubmitted", time(Some(now))),
        ("referer", Php::text("")),
        ("page", Php::Null),
        ("results", Php::Map(sent.clone())),
    ]);
    Event::new(FORM_SUBMIT, now, [("submission", submission)])
}

/// A sample of the kind that Mautic ships: a record of 2015 whose id may be that of a real one.
fn sample(key: &str) -> Php {
    let stamp = "2015-09-23T05:18:33+00:00";
    let contact = Php::map([
        ("isPublished", Php::Bool(true)),
        ("dateAdded", Php::text(stamp)),
        ("dateModified", Php::Null),
        ("createdBy", Php::Int(1)),
        ("createdByUser", Php::text("John Doe")),
        ("modifiedBy", Php::Null),
        ("modifiedByUser", Php::Null),
        ("id", Php::Int(52)),
        ("points", Php::Int(0)),
        ("color", Php::text("")),
        (
            "fields",
            Php::map([(
                "core",
                Php::map([(
                    "email",
                    Php::map([
                        ("id", Php::text("6")),
                        ("label", Php::text("Email")),
                        ("alias", Php::text("email")),
                        ("type", Php::text("email")),
                        ("group", Php::text("core")),
                        ("value", Php::text("contact@example.test")),
                    ]),
                )]),
            )]),
        ),
    ]);
    let id = if key == CONTACT_NEW { Php::Null } else { Php::Int(52) };
    Php::map([("id", id), ("contact", contact), ("timestamp", Php::text(stamp))]).without_nulls()
}
