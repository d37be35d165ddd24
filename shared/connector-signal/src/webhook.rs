//! A request becomes visitor events: who sent it, what is in it, what is wrong with it. Pure.

mod credentials;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value as Json;

pub use credentials::{REPLAY_WINDOW, sign};

use crate::body::{self, NotABody};
use crate::event::{EventKind, VisitorEvent};
use crate::settings::{SignalPreferences, SignalSecret};
use crate::wire::{self, Around, NotAnEvent, Read, public_address};

/// The most events of one request: as many as Segment takes.
pub const MAX_EVENTS: usize = 2_500;
/// The largest event, in bytes.
pub const MAX_EVENT_BYTES: usize = 64 * 1024;

/// A request as it was received.
#[derive(Clone, Copy)]
pub struct Received<'a> {
    /// The path, as it was sent: it names the kind of a single event.
    pub path: &'a str,
    /// A header by its name in any case.
    pub header: &'a dyn Fn(&str) -> Option<&'a str>,
    /// The body, byte for byte.
    pub body: &'a [u8],
    /// The address that sent it.
    pub source_ip: &'a str,
    /// Now.
    pub now: Timestamp,
}

/// What a request holds.
#[derive(Debug)]
pub struct Accepted {
    /// The source that sent it.
    pub source: String,
    /// The events that do something, in their order.
    pub events: Vec<VisitorEvent>,
    /// How many events the table has no row for.
    pub unmapped: usize,
    /// Events that cannot be used.
    pub errors: Vec<EventError>,
}

/// One event that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventError {
    /// Its place among the events of the request, from 0.
    pub index: usize,
    /// Why.
    pub reason: NotAnEvent,
}

/// Why a request is refused as a whole. Clients throw the whole batch away then, so there are few reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No key of a source fits.
    #[error("no live key of a source fits")]
    Unauthorized,
    /// It is larger than what is read.
    #[error("the body is larger than 6 MB")]
    TooLarge,
    /// It is no JSON.
    #[error("the body is not JSON")]
    NotJson,
    /// It is JSON without an event.
    #[error("the body holds no event")]
    NoEvents,
    /// It holds too many events.
    #[error("the body holds more than 2,500 events")]
    TooManyEvents,
}

impl Refusal {
    /// The HTTP status that tells it.
    pub fn status(self) -> u16 {
        match self {
            Self::Unauthorized => 401,
            Self::TooLarge => 413,
            Self::NotJson | Self::NoEvents | Self::TooManyEvents => 400,
        }
    }

    /// Its code, as Signal writes such codes.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unauthorized => "INVALID_KEY",
            Self::TooLarge => "BODY_TOO_LARGE",
            Self::NotJson => "INVALID_JSON",
            Self::NoEvents => "NO_EVENTS",
            Self::TooManyEvents => "TOO_MANY_EVENTS",
        }
    }
}

/// Whether a live key of a source fits, wherever the request names it.
pub fn is_known(received: &Received<'_>, secret: &SignalSecret, preferences: &SignalPreferences) -> bool {
    let by_header = credentials::by_headers(received, secret, preferences).is_some();
    by_header
        || !credentials::are_given(received, preferences)
            && body::read(received.body).is_ok_and(|json| credentials::by_body(&json, secret).is_some())
}

/// Takes a request.
///
/// # Errors
/// Nothing of it can be used.
pub fn accept(
    received: &Received<'_>,
    secret: &SignalSecret,
    preferences: &SignalPreferences,
) -> Result<Accepted, Refusal> {
    if received.body.len() > body::MAX_BYTES {
        return Err(Refusal::TooLarge);
    }
    let by_header = credentials::by_headers(received, secret, preferences);
    if by_header.is_none() && credentials::are_given(received, preferences) {
        return Err(Refusal::Unauthorized);
    }
    // Browsers that say good-bye cannot set a header: then the key stands in the body.
    let json = match (body::read(received.body), &by_header) {
        (Ok(json), _) => json,
        (Err(_), None) => return Err(Refusal::Unauthorized),
        (Err(NotABody::TooLarge), _) => return Err(Refusal::TooLarge),
        (Err(NotABody::NotPacked | NotABody::NotJson), _) => return Err(Refusal::NotJson),
    };
    let source = match by_header {
        Some(source) => source,
        None => credentials::by_body(&json, secret).ok_or(Refusal::Unauthorized)?,
    };
    let sent = events(&json).ok_or(Refusal::NoEvents)?;
    if sent.is_empty() {
        return Err(Refusal::NoEvents);
    }
    if sent.len() > MAX_EVENTS {
        return Err(Refusal::TooManyEvents);
    }
    let of_browser = preferences.source(&source).is_browser();
    let browser_ip = if of_browser { visitors_address(received) } else { None };
    let around = Around {
        source: &source,
        preferences,
        kind: kind_of(received.path),
        batch: &json,
        browser_ip: browser_ip.as_deref(),
        received_at: received.now,
    };
    let (mut events, mut errors, mut unmapped) = (Vec::new(), Vec::new(), 0);
    for (index, event) in sent.into_iter().enumerate() {
        match read(event, &around) {
            Ok(Read::Taken(event)) => events.push(*event),
            Ok(Read::Unmapped) => unmapped += 1,
            Err(reason) => errors.push(EventError { index, reason }),
        }
    }
    Ok(Accepted { source, events, unmapped, errors })
}

fn read(event: &Json, around: &Around<'_>) -> Result<Read, NotAnEvent> {
    if event.to_string().len() > MAX_EVENT_BYTES {
        return Err(NotAnEvent::TooLarge);
    }
    wire::read(event, around)
}

/// The events of a body: a list, a list in `batch` or `events`, or the body itself.
fn events(json: &Json) -> Option<Vec<&Json>> {
    match json {
        Json::Array(list) => Some(list.iter().collect()),
        Json::Object(members) => match members.get("batch").or_else(|| members.get("events")) {
            Some(Json::Array(list)) => Some(list.iter().collect()),
            Some(_) => None,
            None => Some(vec![json]),
        },
        _ => None,
    }
}

/// The kind that the path names: `/v1/identify`, `/v1/i`, `/api/s/identify`.
fn kind_of(path: &str) -> Option<EventKind> {
    path.trim_end_matches('/').rsplit('/').next().and_then(EventKind::parse)
}

/// The visitor's address, where a browser sends: the first public one on the way.
fn visitors_address(received: &Received<'_>) -> Option<String> {
    let way = (received.header)("x-forwarded-for").unwrap_or_default();
    way.split(',').find_map(public_address).or_else(|| public_address(received.source_ip))
}

/// Counts by reason, for logs and answers.
pub fn counted(errors: &[EventError]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for error in errors {
        *counts.entry(error.reason.to_string()).or_insert(0) += 1;
    }
    counts
}
