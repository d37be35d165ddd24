//! The body of a webhook: a stream of items, of which only the ids are read.
//!
//! The bytes are walked once and no tree is built: bodies of a hundred kilobytes are ordinary, and megabytes happen.
//! What is skipped is skipped without recursion, so nesting of any depth costs nothing.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use model::{Notice, NoticeKind, ObjectName, RecordRef, System};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::events::{Meaning, Outcome};
use super::item::{Item, ItemIds, Name, passed_over};
use super::signature::Verified;
use crate::objects::CONTACT;

/// The most items that one body may hold. Mautic sends 10 unless somebody has raised its `webhook_limit`.
const MAX_ITEMS: u64 = 100_000;
/// The most event keys that are counted by name; the rest is counted together.
const MAX_EVENT_KEYS: usize = 200;
/// The longest event key that is counted by its name, in bytes.
const MAX_EVENT_KEY_BYTES: usize = 100;
/// The name under which events are counted whose key is no name.
const OTHER_EVENTS: &str = "other";
/// The most problems that are told one by one.
const MAX_PROBLEMS: usize = 20;

/// What was found in a body.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// One notice per record, in order of first appearance.
    pub notices: Vec<Notice>,
    /// One notice per contact that was put into a segment or taken out: for users of sites only.
    pub memberships: Vec<Notice>,
    /// What became of the items, by event key.
    pub counted: BTreeMap<String, Count>,
    /// Mautic's "send test payload": its ids may be those of real records, so nothing is noticed.
    pub test_payload: bool,
    /// What could not be used, by event and position; without personal data.
    pub problems: Vec<String>,
}

/// What became of the items of one event key. The sum of `noticed` and `ignored` is `items`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How many there were.
    pub items: u64,
    /// How many made a notice, before notices of one record became one.
    pub noticed: u64,
    /// How many did not: no pair listens to the event, or the item was unusable.
    pub ignored: u64,
}

/// Why nothing could be taken from a body. Its text names no value of the body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Not JSON to its end.
    #[error("the body is not JSON (line {line}, column {column})")]
    NotJson {
        /// Where it ends to be JSON, counted from 1.
        line: usize,
        /// The byte in that line.
        column: usize,
    },
    /// JSON, but no object of events.
    #[error("the body is not an object of events")]
    NotAnObject,
    /// More items than any Mautic sends.
    #[error("the body holds more than {MAX_ITEMS} items")]
    TooManyItems,
}

/// Takes the records out of a signed body. `receipt` makes the notices' receipts unique: the id of the request.
///
/// Elements of an unexpected shape are told in `problems`, and the others are taken all the same: Mautic does not
/// send anything twice.
pub fn parse(
    body: Verified<'_>,
    system: &System,
    receipt: &str,
    received_at: Timestamp,
) -> Result<Parsed, BodyError> {
    let mut collector =
        Collector { system, receipt, received_at, found: Parsed::default(), items: 0, untold: 0 };
    let mut json = serde_json::Deserializer::from_slice(body.raw());
    let walked = json.deserialize_any(BodyVisitor(&mut collector)).and_then(|()| json.end());
    if let Err(error) = walked {
        return Err(match error.classify() {
            _ if collector.items > MAX_ITEMS => BodyError::TooManyItems,
            serde_json::error::Category::Data => BodyError::NotAnObject,
            _ => BodyError::NotJson { line: error.line(), column: error.column() },
        });
    }
    Ok(collector.finish())
}

struct Collector<'a> {
    system: &'a System,
    receipt: &'a str,
    received_at: Timestamp,
    found: Parsed,
    items: u64,
    untold: u64,
}

impl Collector<'_> {
    /// The count that an event key goes to.
    fn count(&mut self, event: &str) -> &mut Count {
        let name = countable(event);
        let room = self.found.counted.contains_key(name) || self.found.counted.len() < MAX_EVENT_KEYS;
        let name = if room { name } else { OTHER_EVENTS };
        self.found.counted.entry(name.to_owned()).or_default()
    }

    /// Takes one item; `None` is an element that is no item at all.
    fn take(&mut self, event: &str, meaning: Meaning, position: u64, ids: Option<ItemIds>) {
        let outcome = ids.map(|ids| meaning.outcome(&ids));
        let noticed = matches!(outcome, Some(Outcome::Notice(..) | Outcome::Membership(_)));
        let count = self.count(event);
        count.items += 1;
        if noticed {
            count.noticed += 1;
        } else {
            count.ignored += 1;
        }
        match outcome {
            Some(Outcome::Notice(object, id, kind)) => {
                let notice = self.notice(&object, id, kind);
                self.found.notices.push(notice);
            }
            Some(Outcome::Membership(id)) => {
                let notice = self.notice(&ObjectName::new(CONTACT), id, NoticeKind::Saved);
                self.found.memberships.push(notice);
            }
            Some(Outcome::NoId) => {
                self.problem(&format!("{} item {position}: no usable id", countable(event)));
            }
            Some(Outcome::Nothing) => {}
            None => self.problem(&format!("{} item {position}: not an object", countable(event))),
        }
    }

    fn notice(&self, object: &ObjectName, id: u64, kind: NoticeKind) -> Notice {
        let position = self.found.notices.len() + self.found.memberships.len();
        Notice {
            record: reference(self.system, object, id),
            kind,
            receipt: format!("{}/{position}", self.receipt),
            received_at: self.received_at,
            modified_at: None,
            command: None,
            event: None,
        }
    }

    fn problem(&mut self, text: &str) {
        if self.found.problems.len() < MAX_PROBLEMS {
            self.found.problems.push(text.to_owned());
        } else {
            self.untold += 1;
        }
    }

    fn finish(mut self) -> Parsed {
        if self.untold > 0 {
            self.found.problems.push(format!("and {} more", self.untold));
        }
        if self.found.test_payload {
            self.found.notices.clear();
            self.found.memberships.clear();
            for count in self.found.counted.values_mut() {
                *count = Count { items: count.items, noticed: 0, ignored: count.items };
            }
        }
        self.found.notices = Notice::coalesce(std::mem::take(&mut self.found.notices));
        self.found.memberships = Notice::coalesce(std::mem::take(&mut self.found.memberships));
        self.found
    }
}

fn reference(system: &System, object: &ObjectName, id: u64) -> RecordRef {
    RecordRef::new(system, object, id.to_string())
}

/// The event key where it is a name as Mautic gives them, so that nothing else ever reaches a log or a metric.
fn countable(event: &str) -> &str {
    let name = event.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    if name && !event.is_empty() && event.len() <= MAX_EVENT_KEY_BYTES { event } else { OTHER_EVENTS }
}

/// The whole body: an object of events.
struct BodyVisitor<'c, 'a>(&'c mut Collector<'a>);

impl<'de> Visitor<'de> for BodyVisitor<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of events")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(event) = map.next_key_seed(Name)? {
            // Only Mautic's test payload has a time at this level.
            self.0.found.test_payload |= event == "timestamp";
            map.next_value_seed(Items { collector: &mut *self.0, event: &event })?;
        }
        Ok(())
    }
}

/// The items of one event, or something else, which is passed over.
struct Items<'e, 'c, 'a> {
    collector: &'c mut Collector<'a>,
    event: &'e str,
}

impl<'de> DeserializeSeed<'de> for Items<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_, '_> {
    type Value = ();

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<(), S::Error> {
        let meaning = Meaning::of(self.event);
        // A key without items is worth a line in the count, too.
        self.collector.count(self.event);
        let mut position = 0;
        while let Some(ids) = list.next_element_seed(Item)? {
            self.collector.items += 1;
            if self.collector.items > MAX_ITEMS {
                return Err(S::Error::custom("too many items"));
            }
            self.collector.take(self.event, meaning, position, ids);
            position += 1;
        }
        Ok(())
    }

    passed_over!((); map, scalars, text, numbers);
}
