//! The messages of one queue, with what each request asks for kept in order: who may be given out, who is hidden how
//! long, who is old. So no request looks at every message, and a queue of a hundred thousand is as fast as one of ten.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::message::{Delivery, Message};
use super::state::QueueCounts;

/// Messages by number, which is their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Messages {
    all: BTreeMap<u64, Placed>,
    /// The time up to which hidden messages have become visible.
    now_ms: i64,
    /// When each was sent, and its number.
    by_age: BTreeSet<(i64, u64)>,
    /// Until when each hidden one is hidden, and its number.
    hidden: BTreeSet<(i64, u64)>,
    visible: BTreeSet<u64>,
    in_flight: usize,
    groups: HashMap<String, Group>,
    /// The first message of each group that may give something out, and the group.
    open: BTreeMap<u64, String>,
}

#[derive(Debug, Clone)]
struct Placed {
    message: Message,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Visible,
    /// Until this time.
    Delayed(i64),
    InFlight(i64),
}

impl Place {
    fn of(delivery: &Delivery, now_ms: i64) -> Self {
        match delivery {
            _ if delivery.hidden_until_ms <= now_ms => Self::Visible,
            _ if delivery.received => Self::InFlight(delivery.hidden_until_ms),
            _ => Self::Delayed(delivery.hidden_until_ms),
        }
    }
}

#[derive(Debug, Clone, Default)]
struct Group {
    members: BTreeSet<u64>,
    in_flight: usize,
    /// Its key in [`Messages::open`].
    open_at: Option<u64>,
}

impl Messages {
    pub(super) fn get(&self, number: u64) -> Option<&Message> {
        self.all.get(&number).map(|placed| &placed.message)
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Message> {
        self.all.values().map(|placed| &placed.message)
    }

    /// The highest number.
    pub(super) fn highest_number(&self) -> Option<u64> {
        self.all.keys().next_back().copied()
    }

    pub(super) fn insert(&mut self, message: Message) {
        let number = message.number;
        self.remove(number);
        let place = Place::of(&message.delivery, self.now_ms);
        self.by_age.insert((message.content.sent_ms, number));
        let group = group_of(&message);
        self.groups.entry(group.clone()).or_default().members.insert(number);
        self.all.insert(number, Placed { message, place });
        self.enter(number, &group, place);
        self.open_or_close(&group);
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Message> {
        let Placed { message, place } = self.all.remove(&number)?;
        self.by_age.remove(&(message.content.sent_ms, number));
        let group = group_of(&message);
        self.leave(number, &group, place);
        if let Some(of_group) = self.groups.get_mut(&group) {
            of_group.members.remove(&number);
        }
        self.open_or_close(&group);
        Some(message)
    }

    /// Changes when and how often a message was given out, and gives back the message as it is then.
    pub(super) fn deliver(&mut self, number: u64, change: impl FnOnce(&mut Delivery)) -> Option<&Message> {
        let placed = self.all.get_mut(&number)?;
        change(&mut placed.message.delivery);
        let before = placed.place;
        let after = Place::of(&placed.message.delivery, self.now_ms);
        placed.place = after;
        let group = group_of(&placed.message);
        self.leave(number, &group, before);
        self.enter(number, &group, after);
        self.open_or_close(&group);
        self.get(number)
    }

    pub(super) fn clear(&mut self) {
        *self = Self { now_ms: self.now_ms, ..Self::default() };
    }

    /// Makes visible what is hidden until this time or before.
    pub(super) fn settle(&mut self, now_ms: i64) {
        self.now_ms = self.now_ms.max(now_ms);
        while let Some((_, number)) =
            self.hidden.first().copied().filter(|(until_ms, _)| *until_ms <= self.now_ms)
        {
            let Some(placed) = self.all.get_mut(&number) else { break };
            let before = std::mem::replace(&mut placed.place, Place::Visible);
            let group = group_of(&placed.message);
            self.leave(number, &group, before);
            self.enter(number, &group, Place::Visible);
            self.open_or_close(&group);
        }
    }

    /// Messages that were sent before this time.
    pub(super) fn older_than(&self, sent_ms: i64) -> Vec<u64> {
        self.by_age.range(..(sent_ms, 0)).map(|(_, number)| *number).collect()
    }

    pub(super) fn counts(&self) -> QueueCounts {
        QueueCounts {
            visible: self.visible.len(),
            in_flight: self.in_flight,
            delayed: self.hidden.len() - self.in_flight,
        }
    }

    /// When a hidden message becomes visible next.
    pub(super) fn next_visible_ms(&self) -> Option<i64> {
        self.hidden.first().map(|(until_ms, _)| *until_ms)
    }

    /// What a standard queue may give out now, in order.
    pub(super) fn visible(&self) -> impl Iterator<Item = &Message> {
        self.visible.iter().filter_map(|number| self.get(*number))
    }

    /// What a FIFO queue may give out now. A group gives nothing out while one of its messages is in flight, and
    /// nothing past a message that is still delayed. As SQS does, as many messages as possible come from one group
    /// before the next.
    pub(super) fn in_turn(&self) -> impl Iterator<Item = &Message> {
        let groups = self.open.values().filter_map(|group| self.groups.get(group));
        groups.flat_map(|group| {
            let placed = group.members.iter().filter_map(|number| self.all.get(number));
            placed.take_while(|placed| placed.place == Place::Visible).map(|placed| &placed.message)
        })
    }

    fn enter(&mut self, number: u64, group: &str, place: Place) {
        match place {
            Place::Visible => {
                self.visible.insert(number);
            }
            Place::Delayed(until_ms) => {
                self.hidden.insert((until_ms, number));
            }
            Place::InFlight(until_ms) => {
                self.hidden.insert((until_ms, number));
                self.in_flight += 1;
                if let Some(group) = self.groups.get_mut(group) {
                    group.in_flight += 1;
                }
            }
        }
    }

    fn leave(&mut self, number: u64, group: &str, place: Place) {
        match place {
            Place::Visible => {
                self.visible.remove(&number);
            }
            Place::Delayed(until_ms) => {
                self.hidden.remove(&(until_ms, number));
            }
            Place::InFlight(until_ms) => {
                self.hidden.remove(&(until_ms, number));
                self.in_flight -= 1;
                if let Some(group) = self.groups.get_mut(group) {
                    group.in_flight -= 1;
                }
            }
        }
    }

    /// After a change to a group: whether it gives something out, and what comes first. A group without messages is
    /// forgotten.
    fn open_or_close(&mut self, name: &str) {
        let Some(group) = self.groups.get_mut(name) else { return };
        let first = group
            .members
            .first()
            .copied()
            .filter(|first| group.in_flight == 0 && self.visible.contains(first));
        if group.open_at != first {
            if let Some(before) = std::mem::replace(&mut group.open_at, first) {
                self.open.remove(&before);
            }
            if let Some(first) = first {
                self.open.insert(first, name.to_owned());
            }
        }
        if group.members.is_empty() {
            self.groups.remove(name);
        }
    }
}

fn group_of(message: &Message) -> String {
    message.content.group.clone().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::message::Content;
    use super::*;

    fn message(number: u64, group: &str, hidden_until_ms: i64) -> Message {
        Message {
            number,
            content: Content {
                id: number.to_string(),
                body: String::new(),
                attributes: BTreeMap::new(),
                trace_header: None,
                group: Some(group.to_owned()),
                deduplication: None,
                sent_ms: i64::try_from(number).unwrap(),
                dead_letter_source: None,
            },
            delivery: Delivery { hidden_until_ms, ..Delivery::default() },
        }
    }

    /// Every answer as a look at each message would give it.
    fn by_looking_at_all(messages: &Messages, now_ms: i64) -> (QueueCounts, Vec<u64>, Vec<u64>, Option<i64>) {
        let all: Vec<&Message> = messages.iter().collect();
        let in_flight = all.iter().filter(|message| message.is_in_flight(now_ms)).count();
        let hidden = all.iter().filter(|message| message.is_hidden(now_ms)).count();
        let counts = QueueCounts { visible: all.len() - hidden, in_flight, delayed: hidden - in_flight };
        let visible =
            all.iter().filter(|message| !message.is_hidden(now_ms)).map(|message| message.number).collect();
        let mut groups: Vec<String> = Vec::new();
        for message in &all {
            if !groups.contains(&group_of(message)) {
                groups.push(group_of(message));
            }
        }
        let mut in_turn = Vec::new();
        for group in groups {
            let members: Vec<&&Message> = all.iter().filter(|message| group_of(message) == group).collect();
            if members.iter().any(|message| message.is_in_flight(now_ms)) {
                continue;
            }
            let free = members.iter().take_while(|message| !message.is_hidden(now_ms));
            in_turn.extend(free.map(|message| message.number));
        }
        let times = all.iter().map(|message| message.delivery.hidden_until_ms);
        (counts, visible, in_turn, times.filter(|time| *time > now_ms).min())
    }

    #[test]
    fn what_is_kept_in_order_answers_as_a_look_at_every_message() {
        let mut random: u64 = 7;
        let mut next = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        let mut messages = Messages::default();
        let mut now_ms: i64 = 0;
        for number in 1..5_000 {
            now_ms += i64::try_from(next(4)).unwrap();
            messages.settle(now_ms);
            let any = messages.all.keys().nth(usize::try_from(next(30)).unwrap()).copied();
            let until_ms = now_ms + i64::try_from(next(40)).unwrap() - 10;
            match (next(5), any) {
                (0 | 1, Some(any)) => {
                    messages.deliver(any, |delivery| {
                        delivery.received = true;
                        delivery.hidden_until_ms = until_ms;
                    });
                }
                (2, Some(any)) => assert_eq!(messages.remove(any).map(|message| message.number), Some(any)),
                _ => messages.insert(message(number, &format!("g{}", next(9)), until_ms)),
            }
            let visible: Vec<u64> = messages.visible().map(|message| message.number).collect();
            let in_turn: Vec<u64> = messages.in_turn().map(|message| message.number).collect();
            let found = (messages.counts(), visible, in_turn, messages.next_visible_ms());
            assert_eq!(found, by_looking_at_all(&messages, now_ms), "after {number} steps");
        }
        let old = messages.older_than(4_000);
        let expected: Vec<u64> =
            messages.iter().map(|message| message.number).filter(|number| *number < 4_000).collect();
        assert_eq!(old, expected);
        messages.clear();
        assert_eq!(messages.counts(), QueueCounts::default());
        assert!(messages.groups.is_empty() && messages.open.is_empty() && messages.by_age.is_empty());
    }
}
