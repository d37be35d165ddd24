//! Merging contacts: in the UI, and when a visitor submits a form as somebody who is known.

use jiff::Timestamp;

use super::contact::{self, membership_event, points_event, save_event};
use super::events::{CONTACT_NEW, CONTACT_UPDATE, Event};
use super::membership;
use super::php::Php;
use super::sheet::store;
use super::stamp::Actor;
use super::state::{Contact, State};
use super::view::{Style, contact_view, listed_contact, shown_contact};

/// Moves everything from `loser` to `winner`; the loser is still there until it is removed.
///
/// The newest value of each field wins, whichever side it is on. The webhooks show the winner's fields as
/// they were before (capture F38). When the loser was identified first, the winner takes its date, and that
/// is told as a new contact (capture L07). None when one of them does not exist.
pub(crate) fn merge(
    state: &mut State,
    winner: u64,
    loser: u64,
    actor: &Actor,
    now: Timestamp,
) -> Option<Vec<Event>> {
    let lost = state.contacts.get(&loser).filter(|_| winner != loser)?.clone();
    let kept = state.contacts.get(&winner)?.clone();
    let mut shown = shown_contact(state, &kept);
    shown.sheet.visiting = kept.stamp.created_by_user.is_none();
    let mut merged = kept.clone();

    let columns = newest_values(&kept, &lost);
    store(&mut merged.values, columns);
    let redated = lost.identified.is_some_and(|date| kept.identified.is_none_or(|own| date < own));
    if redated {
        merged.identified = lost.identified;
    }
    merged.last_active = kept.last_active.max(lost.last_active);
    merged.points = kept.points.saturating_add(lost.points);
    merged.owner = kept.owner.or(lost.owner);
    merged.stage = kept.stage.or(lost.stage);
    for tag in &lost.tags {
        if !merged.tags.contains(tag) {
            merged.tags.push(tag.clone());
        }
    }
    for address in &lost.addresses {
        if merged.addresses.iter().all(|own| own.text != address.text) {
            merged.addresses.push(address.clone());
        }
    }
    for (segment, since) in &lost.segments {
        merged.segments.entry(*segment).or_insert(*since);
    }
    merged.stamp.modify(now, actor);

    shown.contact = Contact { values: shown.contact.values, points: kept.points, ..merged.clone() };
    state.contacts.insert(winner, merged.clone());
    let mut events = Vec::new();
    if merged.points != kept.points {
        events.push(points_event(state, &shown, kept.points, merged.points, now));
    }
    if merged.is_identified() {
        let key = if redated { CONTACT_NEW } else { CONTACT_UPDATE };
        events.push(save_event(state, key, &shown, now));
    }
    for company in state
        .memberships
        .iter()
        .filter(|each| each.contact == loser)
        .map(|each| each.company)
        .collect::<Vec<_>>()
    {
        if !membership::is_member(state, company, winner) {
            membership::make_primary(state, company, winner, now);
            events.extend(membership_event(state, &shown, company, None, true, now));
        }
    }
    for survivor in state.merged.values_mut().filter(|survivor| **survivor == loser) {
        *survivor = winner;
    }
    state.merged.insert(loser, winner);
    Some(events)
}

/// Removes a contact that was merged away; tags are told as empty lists, one each (capture F38).
pub(crate) fn remove_loser(state: &mut State, loser: u64, listed: bool, now: Timestamp) -> Option<Event> {
    let mut shown = listed_contact(state, state.contacts.get(&loser)?);
    shown.sheet.from_list = listed;
    shown.contact.id = 0;
    let mut view = contact_view(state, &shown, Style::Hook);
    if let Php::Map(entries) = &mut view {
        let tags = shown.contact.tags.iter().map(|_| Php::empty()).collect();
        entries.insert("tags".to_owned(), Php::List(tags));
    }
    contact::remove(state, loser);
    Some(contact::deletion(loser, view, now))
}

/// The newer of two contacts gives its values, the older one fills the gaps.
fn newest_values(winner: &Contact, loser: &Contact) -> Vec<(String, Option<Php>)> {
    let date = |contact: &Contact| contact.stamp.modified.or(contact.stamp.added);
    let loser_is_newest = date(loser) > date(winner);
    let (newest, oldest) = if loser_is_newest { (loser, winner) } else { (winner, loser) };
    let anonymous = !newest.is_identified();
    newest
        .values
        .keys()
        .chain(oldest.values.keys())
        .filter_map(|alias| {
            let new = newest.values.get(alias).filter(|value| !value.is_blank());
            let old = oldest.values.get(alias).filter(|value| !value.is_blank());
            let value = if anonymous { old.or(new) } else { new.or(old) };
            value.map(|value| (alias.clone(), Some(value.clone())))
        })
        .collect()
}
