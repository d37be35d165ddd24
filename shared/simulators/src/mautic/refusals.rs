//! Do-not-contact entries: adding, the change that is told but not stored, removing.

use jiff::Timestamp;

use super::contact::save_event;
use super::events::{CONTACT_UPDATE, Event, SUBSCRIPTION_CHANGED};
use super::php::Php;
use super::stamp::Actor;
use super::state::{Contact, DoNotContact, State};
use super::view::{Shown, Style, contact_view, shown_contact};

/// The contact may be written to: no entry.
pub(crate) const CONTACTABLE: i64 = 0;
const UNSUBSCRIBED: i64 = 1;
const BOUNCED: i64 = 2;
/// Somebody said so: the default reason.
pub(crate) const MANUAL: i64 = 3;

fn status(reason: i64) -> &'static str {
    match reason {
        UNSUBSCRIBED => "unsubscribed",
        BOUNCED => "bounced",
        CONTACTABLE => "contactable",
        _ => "manual",
    }
}

/// What somebody wants for one channel.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) channel: String,
    pub(crate) channel_id: Php,
    pub(crate) reason: i64,
    pub(crate) comments: String,
}

impl Wish {
    pub(crate) fn new(channel: &str, reason: i64) -> Self {
        Self { channel: channel.to_owned(), channel_id: Php::Null, reason, comments: String::new() }
    }
}

/// A change of one channel, as it is told.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    channel: String,
    old: i64,
    new: i64,
    /// The entries as the webhook shows them; they may differ from what is stored.
    told: Vec<DoNotContact>,
}

impl Subscription {
    /// The contact as the webhooks of this change show it.
    pub(crate) fn shown_in(&self, shown: &Shown) -> Shown {
        let mut shown = shown.clone();
        shown.contact.refusals.clone_from(&self.told);
        shown
    }

    pub(crate) fn event(&self, contact: Php, now: Timestamp) -> Event {
        Event::new(
            SUBSCRIPTION_CHANGED,
            now,
            [
                ("contact", contact),
                ("channel", Php::text(&self.channel)),
                ("old_status", Php::text(status(self.old))),
                ("new_status", Php::text(status(self.new))),
            ],
        )
    }
}

/// Adds or, with reason 0, removes an entry of `contact`; nothing when there is nothing to change.
///
/// Another reason over an entry that is not "unsubscribed" is told, with the old status "contactable", but
/// the old reason stays stored; over "unsubscribed" nothing happens (captures F18 to F23).
pub(crate) fn change(
    state: &mut State,
    contact: &mut Contact,
    wish: &Wish,
    now: Timestamp,
) -> Option<Subscription> {
    let Wish { channel, channel_id, reason, comments } = wish;
    let reason = *reason;
    let held = contact.refusals.iter().position(|entry| entry.channel == *channel);
    let change = |old, told| Subscription { channel: channel.clone(), old, new: reason, told };
    let Some(position) = held else {
        if reason == CONTACTABLE {
            return None;
        }
        let id = state.next_id("refusal");
        contact.refusals.push(DoNotContact {
            id,
            added: now,
            reason,
            comments: comments.clone(),
            channel: channel.clone(),
            channel_id: channel_id.clone(),
        });
        return Some(change(CONTACTABLE, contact.refusals.clone()));
    };
    if reason == CONTACTABLE {
        let removed = contact.refusals.remove(position);
        return Some(change(removed.reason, contact.refusals.clone()));
    }
    let mut told = contact.refusals.clone();
    let entry = told.get_mut(position)?;
    if entry.reason == reason || entry.reason == UNSUBSCRIBED {
        return None;
    }
    entry.reason = reason;
    entry.comments.clone_from(comments);
    Some(change(CONTACTABLE, told))
}

/// The whole call: changes the entry, saves the contact, tells both events.
///
/// None when there is no such contact; the flag says whether anything changed.
pub(crate) fn set(
    state: &mut State,
    id: u64,
    wish: &Wish,
    actor: &Actor,
    now: Timestamp,
) -> Option<(bool, Vec<Event>)> {
    let mut contact = state.contacts.get(&id)?.clone();
    let Some(subscription) = change(state, &mut contact, wish, now) else {
        return Some((false, Vec::new()));
    };
    contact.stamp.modify(now, actor);
    let identified = contact.is_identified();
    state.contacts.insert(id, contact);
    let shown = subscription.shown_in(&shown_contact(state, state.contacts.get(&id)?));
    let mut events = vec![subscription.event(contact_view(state, &shown, Style::Hook), now)];
    if identified {
        events.push(save_event(state, CONTACT_UPDATE, &shown, now));
    }
    Some((true, events))
}
