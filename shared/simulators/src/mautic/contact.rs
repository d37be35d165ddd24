//! Creating and editing contacts: what a request is made into, and what saving it does.

use indexmap::IndexMap;
use jiff::Timestamp;

use super::events::{COMPANY_CHANGE, CONTACT_DELETE, CONTACT_NEW, CONTACT_UPDATE, Event, POINTS_CHANGE};
use super::membership;
use super::php::Php;
use super::refusals;
use super::schema::Object;
use super::sheet::{Mode, Refusals, Sheet, store};
use super::stamp::{Actor, Stamp};
use super::state::{Address, Contact, State};
use super::values::{last_active, strip_tags};
use super::view::{PROPERTIES, Shown, Style, contact_view, shown_contact};

/// Why nothing was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No such record: 404.
    NotFound,
    /// Values that a field does not take: 400.
    Invalid(Refusals),
    /// Values that another record has: 422.
    Taken(Refusals),
}

pub(crate) const NOT_UNIQUE: &str = "This field must be unique.";

/// A contact between the moment it was read and the moment it is saved.
///
/// Only what the request changed is written back, so two requests that overlap both keep their fields; the
/// webhook of each tells what *it* saw (capture K01).
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) shown: Shown,
    pub(crate) actor: Actor,
    pub(crate) points: Option<i64>,
    owner: Relation,
    stage: Relation,
    tags: Vec<String>,
    pub(crate) addresses: Vec<(String, bool)>,
    pub(crate) last_active: Option<Timestamp>,
    refusals: Vec<refusals::Wish>,
    companies: Option<Vec<u64>>,
}

/// A saved contact.
#[derive(Debug)]
pub(crate) struct Saved {
    pub(crate) shown: Shown,
    pub(crate) created: bool,
    pub(crate) events: Vec<Event>,
}

/// Starts a draft on an existing contact, or on none.
pub(crate) fn open(state: &State, existing: Option<u64>, actor: &Actor, now: Timestamp) -> Option<Draft> {
    let shown = match existing {
        Some(id) => shown_contact(state, state.contacts.get(&id)?),
        None => Shown {
            contact: Contact::new(Stamp::created(now, actor)),
            sheet: Sheet::new(Object::Contact, state.fields_of(Object::Contact)),
        },
    };
    Some(Draft {
        shown,
        actor: actor.clone(),
        points: None,
        owner: Relation::Kept,
        stage: Relation::Kept,
        tags: Vec::new(),
        addresses: Vec::new(),
        last_active: None,
        refusals: Vec::new(),
        companies: None,
    })
}

impl Draft {
    /// Fills in what was sent, and refuses what Mautic's form refuses.
    pub(crate) fn fill(
        &mut self,
        state: &State,
        sent: &IndexMap<String, Php>,
        mode: Mode,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let mut refusals = Refusals::new();
        self.owner = relation(sent, "owner", |id| state.users.contains_key(&id), &mut refusals);
        self.stage = relation(sent, "stage", |id| state.stages.contains_key(&id), &mut refusals);
        if let Err(refused) = self.shown.sheet.merge(sent, mode) {
            refusals.extend(refused);
        }
        if !refusals.is_empty() {
            return Err(Refused::Invalid(refusals));
        }
        self.check_unique(state)?;
        self.fill_points(sent.get("points"), mode);
        self.tags = tag_words(sent.get("tags"));
        if let Some(address) = sent.get("ipAddress").and_then(Php::as_text).filter(|text| !text.is_empty()) {
            self.addresses.push((address, false));
        }
        self.last_active = sent.get("lastActive").and_then(Php::as_text).map(|text| last_active(&text, now));
        self.companies = sent
            .get("companies")
            .map(|ids| ids.items().iter().filter_map(|id| u64::try_from(id.as_int()?).ok()).collect());
        for refusal in sent.get("doNotContact").map(Php::items).unwrap_or_default() {
            let text = |key: &str| refusal.get(key).and_then(Php::as_text).filter(|text| !text.is_empty());
            self.refusals.push(refusals::Wish {
                channel: text("channel").unwrap_or_else(|| "email".to_owned()),
                channel_id: Php::Null,
                reason: refusal.get("reason").and_then(Php::as_int).unwrap_or(refusals::MANUAL),
                comments: text("comments").unwrap_or_default(),
            });
        }
        Ok(())
    }

    /// Another contact with the same e-mail stands in the way of every save, also of one that does not
    /// touch the e-mail (capture F27).
    fn check_unique(&self, state: &State) -> Result<(), Refused> {
        let taken: Refusals = self
            .shown
            .sheet
            .fields
            .iter()
            .filter(|field| field.unique)
            .filter(|field| {
                let value = self.shown.sheet.value(&field.alias).as_text().unwrap_or_default().to_lowercase();
                !value.is_empty()
                    && state
                        .contacts
                        .holding(&field.alias, &value)
                        .iter()
                        .any(|other| *other != self.shown.contact.id)
            })
            .map(|field| (field.alias.clone(), NOT_UNIQUE.to_owned()))
            .collect();
        if taken.is_empty() { Ok(()) } else { Err(Refused::Taken(taken)) }
    }

    /// POST and PATCH ignore 0; PUT sets it, and a PUT without points resets them (captures C04, F11).
    fn fill_points(&mut self, sent: Option<&Php>, mode: Mode) {
        let wanted = sent.filter(|value| !value.is_blank()).and_then(Php::as_int);
        match (mode, wanted) {
            (Mode::Replace, Some(points)) => {
                self.points = Some(points);
                self.shown.sheet.show("points", Php::Int(points));
            }
            (Mode::Replace, None) if self.shown.sheet.fresh => self.shown.sheet.show("points", Php::Int(0)),
            (Mode::Replace, None) => {
                self.points = Some(0);
                self.shown.sheet.show("points", Php::text(""));
            }
            (Mode::Merge { .. } | Mode::Page, Some(points)) if points != 0 => {
                self.points = Some(points);
                self.shown.sheet.show("points", Php::Int(points));
            }
            _ => {}
        }
    }
}

/// What was sent for an owner or a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Kept,
    Set(Option<u64>),
}

fn relation(
    sent: &IndexMap<String, Php>,
    key: &str,
    known: impl Fn(u64) -> bool,
    refusals: &mut Refusals,
) -> Relation {
    let Some(value) = sent.get(key) else { return Relation::Kept };
    if value.is_blank() {
        return Relation::Set(None);
    }
    let id = value.as_int().and_then(|id| u64::try_from(id).ok()).filter(|id| known(*id));
    if id.is_none() {
        refusals.push((key.to_owned(), "This value is not valid.".to_owned()));
    }
    Relation::Set(id)
}

fn tag_words(sent: Option<&Php>) -> Vec<String> {
    let words: Vec<String> = match sent {
        Some(Php::Text(text)) => text.split(',').map(str::to_owned).collect(),
        Some(list) => list.items().iter().filter_map(|item| item.as_text()).collect(),
        None => Vec::new(),
    };
    words.iter().map(|word| strip_tags(word).trim().to_owned()).filter(|word| !word.is_empty()).collect()
}

/// A copy of the drafted contact under another id, as it was before the draft.
///
/// Only fields that are properties of a contact are copied; custom fields are lost (captures F26, G01).
pub(crate) fn copy_as(draft: &Draft, id: u64) -> Contact {
    let mut copy = Contact { id, ..draft.shown.contact.clone() };
    copy.values.retain(|alias, _| PROPERTIES.contains(&alias.as_str()));
    copy
}

/// Saves a draft; none when the contact has gone meanwhile.
///
/// The events are in the order in which Mautic fires them: memberships that were sent as ids, subscriptions,
/// a company made on the way, points, the contact itself, the membership of a company sent by name.
pub(crate) fn save(state: &mut State, draft: Draft, now: Timestamp) -> Option<Saved> {
    let Draft { mut shown, actor, points, owner, stage, tags, addresses, last_active, refusals, companies } =
        draft;
    let created = shown.sheet.fresh;
    if created {
        shown.contact.id = state.next_id("contact");
        state.contacts.insert(shown.contact.id, shown.contact.clone());
    }
    let id = shown.contact.id;
    let company_name = shown.sheet.updated.get("company").cloned();
    let columns = shown.sheet.columns();
    let mut changed = !columns.is_empty();
    let mut events = Vec::new();

    let mut stored = state.contacts.get(&id)?.clone();
    for contact in [&mut stored, &mut shown.contact] {
        store(&mut contact.values, columns.clone());
    }
    let old_points = shown.contact.points;
    if let Some(points) = points.filter(|points| *points != old_points) {
        (stored.points, shown.contact.points) = (points, points);
        changed = true;
    }
    for (target, wanted) in [(&mut stored.owner, owner), (&mut stored.stage, stage)] {
        if let Relation::Set(wanted) = wanted
            && wanted != *target
        {
            *target = wanted;
            changed = true;
        }
    }
    changed |= change_tags(state, &mut stored, &tags);
    for (address, looked_up) in addresses {
        changed |= add_address(state, &mut stored, &address, looked_up);
    }
    let active = last_active.is_some_and(|moment| stored.last_active != Some(moment));
    stored.last_active = last_active.or(stored.last_active);

    let newly_identified = stored.identified.is_none() && stored.is_identified();
    if newly_identified {
        stored.identified = Some(now);
    }
    let mut subscriptions = Vec::new();
    for wish in &refusals {
        subscriptions.extend(refusals::change(state, &mut stored, wish, now));
    }
    changed |= !subscriptions.is_empty();

    let memberships =
        companies.map(|wanted| membership::replace(state, id, &wanted, now)).unwrap_or_default();
    if !memberships.is_empty() {
        changed = true;
        let name = membership::primary_name(state, id);
        let text = name.map_or(Php::Null, Php::Text);
        shown.sheet.updated.insert("company".to_owned(), text.clone());
        store(&mut stored.values, vec![("company".to_owned(), (text != Php::Null).then_some(text))]);
    }
    if !created {
        if changed {
            stored.stamp.modify(now, &actor);
        } else {
            stored.stamp.touch(&actor);
        }
    }
    let own = shown.contact;
    shown.contact = Contact { values: own.values, points: own.points, ..stored.clone() };
    let identified = stored.is_identified();
    state.contacts.insert(id, stored);

    for (company, added) in memberships {
        events.extend(membership_event(state, &shown, company, None, added, now));
    }
    for subscription in &subscriptions {
        let contact = contact_view(state, &subscription.shown_in(&shown), Style::Hook);
        events.push(subscription.event(contact, now));
    }
    let company = company_name.and_then(|name| name.as_text()).filter(|name| !name.is_empty());
    let joined = company.map(|name| membership::company_named(state, &name, &actor, now, &mut events));
    if created {
        if identified {
            events.push(save_event(state, CONTACT_NEW, &shown, now));
        }
    } else if newly_identified {
        events.push(save_event(state, CONTACT_NEW, &shown, now));
    } else if identified && (changed || active) {
        let shown_then = subscriptions.last().map_or_else(|| shown.clone(), |last| last.shown_in(&shown));
        if shown.contact.points != old_points {
            events.push(points_event(state, &shown_then, old_points, shown.contact.points, now));
        }
        events.push(save_event(state, CONTACT_UPDATE, &shown_then, now));
    }
    if let Some((company, view)) = joined {
        let was_member = membership::is_member(state, company, id);
        membership::make_primary(state, company, id, now);
        if !was_member {
            events.extend(membership_event(state, &shown, company, view, true, now));
        }
    }
    Some(Saved { shown, created, events })
}

/// A `lead_company_change`: shows the stored properties beside the stale fields.
pub(crate) fn membership_event(
    state: &State,
    shown: &Shown,
    company: u64,
    view: Option<Php>,
    added: bool,
    now: Timestamp,
) -> Option<Event> {
    let company = view.or_else(|| membership::company_in_event(state, company))?;
    let mut shown = shown.clone();
    if let Some(stored) = state.contacts.get(&shown.contact.id) {
        shown.contact.values.clone_from(&stored.values);
    }
    let contact = contact_view(state, &shown, Style::Open);
    Some(Event::new(
        COMPANY_CHANGE,
        now,
        [("added", Php::Bool(added)), ("contact", contact), ("company", company)],
    ))
}

pub(crate) fn save_event(state: &State, key: &'static str, shown: &Shown, now: Timestamp) -> Event {
    Event::new(key, now, [("contact", contact_view(state, shown, Style::Hook))])
}

pub(crate) fn points_event(state: &State, shown: &Shown, old: i64, new: i64, now: Timestamp) -> Event {
    let points = Php::map([("old_points", Php::Int(old)), ("new_points", Php::Int(new))]);
    Event::new(POINTS_CHANGE, now, [("contact", contact_view(state, shown, Style::Hook)), ("points", points)])
}

fn change_tags(state: &mut State, contact: &mut Contact, words: &[String]) -> bool {
    let before = contact.tags.clone();
    contact.tags.sort();
    for word in words {
        if let Some(removed) = word.strip_prefix('-') {
            contact.tags.retain(|tag| tag != removed);
        } else if !contact.tags.contains(word) {
            state.tag_id(word);
            contact.tags.push(word.clone());
        }
    }
    let sorted = |tags: &[String]| {
        let mut tags = tags.to_vec();
        tags.sort();
        tags
    };
    sorted(&before) != sorted(&contact.tags)
}

pub(crate) fn add_address(state: &mut State, contact: &mut Contact, text: &str, looked_up: bool) -> bool {
    if contact.addresses.iter().any(|address| address.text == text) {
        return false;
    }
    let known = state.contacts.values().flat_map(|each| &each.addresses).find(|address| address.text == text);
    let id = known.map(|address| address.id);
    let id = id.unwrap_or_else(|| state.next_id("address"));
    contact.addresses.push(Address { id, text: text.to_owned(), looked_up });
    true
}

/// Adds to the points; the webhooks still show the old ones (captures C09, C10).
pub(crate) fn add_points(
    state: &mut State,
    id: u64,
    delta: i64,
    actor: &Actor,
    now: Timestamp,
) -> Option<Vec<Event>> {
    let before = state.contacts.get(&id)?;
    let old = before.points;
    if delta == 0 {
        return Some(Vec::new());
    }
    let mut shown = shown_contact(state, before);
    shown.contact.stamp.modify(now, actor);
    let new = old.saturating_add(delta);
    state.contacts.change(id, |contact| {
        contact.points = new;
        contact.stamp.modify(now, actor);
    });
    if !shown.contact.is_identified() {
        return Some(Vec::new());
    }
    Some(vec![points_event(state, &shown, old, new, now), save_event(state, CONTACT_UPDATE, &shown, now)])
}

/// Removes a contact; anonymous ones are told as well (capture G10).
pub(crate) fn delete(state: &mut State, id: u64, now: Timestamp) -> Option<(Shown, Event)> {
    let contact = state.contacts.get(&id)?;
    let mut shown = shown_contact(state, contact);
    shown.contact.id = 0;
    // What tells of a deletion has lost the tags (captures F42, G12).
    shown.contact.tags.clear();
    let view = contact_view(state, &shown, Style::Hook);
    remove(state, id);
    Some((shown, deletion(id, view, now)))
}

pub(crate) fn remove(state: &mut State, id: u64) {
    state.contacts.remove(id);
    state.memberships.retain(|membership| membership.contact != id);
}

pub(crate) fn deletion(id: u64, contact: Php, now: Timestamp) -> Event {
    Event::new(CONTACT_DELETE, now, [("id", Php::id(id)), ("contact", contact)])
}

/// Changes a contact outside of its fields: stage, UTM tags. The update is told when it is identified.
pub(crate) fn change(
    state: &mut State,
    id: u64,
    actor: &Actor,
    now: Timestamp,
    edit: impl FnOnce(&mut Contact),
) -> Option<(Shown, Vec<Event>)> {
    let (columns_before, identified) = state.contacts.change(id, |contact| {
        let columns_before = contact.last_active;
        edit(contact);
        contact.stamp.modify(now, actor);
        (columns_before, contact.is_identified())
    })?;
    let mut shown = shown_contact(state, state.contacts.get(&id)?);
    shown.sheet.show("last_active", super::values::column_moment(columns_before));
    let events = if identified { vec![save_event(state, CONTACT_UPDATE, &shown, now)] } else { Vec::new() };
    Some((shown, events))
}
