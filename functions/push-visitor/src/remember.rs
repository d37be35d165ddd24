//! The memory: what an event says is put to what is known of its visitor, and kept.

use aws::store::Kept;
use connector_signal::{
    Decision, Identity, IdentityKey, Known, Person, Reason, Resolved, Seen, Sent, SignalPreferences,
    VisitorEvent, decide, name_in_memory, note, person_key, resolve,
};
use jiff::{SignedDuration, Timestamp};

use crate::{Failure, Ports};

/// How often everything is read again when somebody else kept something at the same moment.
const ROUNDS: u32 = 12;

/// What became of an event in the memory.
pub(crate) enum Remembered {
    /// Nothing is to be sent.
    Dealt(Seen),
    /// The contact is to be told.
    Send {
        /// The person's name in the memory.
        name: String,
        /// The person, with what the event told.
        person: Box<Person>,
        /// What is to be sent.
        decision: Decision,
    },
}

struct Found {
    known: Known,
    /// The version of each identity.
    versions: Vec<(IdentityKey, u64)>,
}

/// Until when the memory holds.
fn until(now: Timestamp, preferences: &SignalPreferences) -> Timestamp {
    now + SignedDuration::from_hours(24 * i64::from(preferences.memory_days.clamp(1, 3650)))
}

/// Takes in an event.
pub(crate) async fn remember(
    event: &VisitorEvent,
    preferences: &SignalPreferences,
    ports: &Ports,
) -> Result<Remembered, Failure> {
    for _ in 0..ROUNDS {
        let now = crate::ports::now();
        let ends = (now, until(now, preferences));
        let found = find(event, ports, now).await?;
        let mut resolved = resolve(event, &found.known);
        let Some(email) = resolved.email.clone() else {
            let reason = if event.bad_email { Reason::BadEmail } else { Reason::NoEmail };
            let seen = Seen::of(event, reason.code());
            for (_, identity) in &mut resolved.identities {
                note(&mut identity.seen, seen.clone());
            }
            if keep(&resolved, &found, ports, ends).await? {
                return Ok(Remembered::Dealt(seen));
            }
            continue;
        };
        if !keep(&resolved, &found, ports, ends).await? {
            continue;
        }
        let name = person_key(&email);
        let read = ports.store.remembered::<Person>(std::slice::from_ref(&name), now).await?;
        let mut kept = read.into_iter().next().unwrap_or_default();
        kept.value.learn(&resolved);
        let decision = decide(event, &kept.value, preferences, now);
        if let Decision::Nothing(reason) = decision {
            let seen = Seen::of(event, reason.code());
            note(&mut kept.value.seen, seen.clone());
            if ports.store.keep_remembered(&name, &kept, ends).await? {
                return Ok(Remembered::Dealt(seen));
            }
            continue;
        }
        if ports.store.keep_remembered(&name, &kept, ends).await? {
            return Ok(Remembered::Send { name, person: Box::new(kept.value), decision });
        }
    }
    Err(contended())
}

/// Reads the identities that an event names, and the user to whom its browser belongs.
async fn find(event: &VisitorEvent, ports: &Ports, now: Timestamp) -> Result<Found, Failure> {
    let mut keys: Vec<IdentityKey> = Vec::new();
    keys.extend(event.user.iter().chain(&event.anonymous).chain(&event.previous).cloned());
    let mut versions = Vec::new();
    let mut read = identities(&keys, ports, now).await?.into_iter();
    let mut known = Known::default();
    for key in keys {
        let kept = read.next().unwrap_or_default();
        versions.push((key.clone(), kept.version));
        let there = (kept.version > 0).then_some(kept.value);
        if event.user.as_ref() == Some(&key) {
            known.user = there;
        } else if event.anonymous.as_ref() == Some(&key) {
            known.anonymous = there;
        } else if let Some(identity) = there {
            known.previous.push((key, identity));
        }
    }
    let owner =
        known.anonymous.as_ref().filter(|_| event.user.is_none()).and_then(|browser| browser.user.clone());
    if let Some(owner) = owner {
        let kept =
            identities(std::slice::from_ref(&owner.value), ports, now).await?.pop().unwrap_or_default();
        versions.push((owner.value.clone(), kept.version));
        known.owner = Some((owner.value, kept.value));
    }
    Ok(Found { known, versions })
}

async fn identities(
    keys: &[IdentityKey],
    ports: &Ports,
    now: Timestamp,
) -> Result<Vec<Kept<Identity>>, Failure> {
    let names: Vec<String> = keys.iter().map(|key| name_in_memory(&ports.signal, key)).collect();
    Ok(ports.store.remembered(&names, now).await?)
}

/// Keeps the identities; whether nobody else has kept one of them meanwhile. To keep one twice does no harm.
async fn keep(
    resolved: &Resolved,
    found: &Found,
    ports: &Ports,
    ends: (Timestamp, Timestamp),
) -> Result<bool, Failure> {
    for (key, identity) in &resolved.identities {
        let version =
            found.versions.iter().find(|(known, _)| known == key).map_or(0, |(_, version)| *version);
        let kept = Kept { value: identity, version };
        if !ports.store.keep_remembered(&name_in_memory(&ports.signal, key), &kept, ends).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Remembers what was sent, and what became of the event.
pub(crate) async fn remember_sent(
    name: &str,
    (before, sent): (&Sent, &Sent),
    seen: &Seen,
    preferences: &SignalPreferences,
    ports: &Ports,
) -> Result<(), Failure> {
    for _ in 0..ROUNDS {
        let now = crate::ports::now();
        let read = ports.store.remembered::<Person>(&[name.to_owned()], now).await?;
        let mut kept = read.into_iter().next().unwrap_or_default();
        kept.value.sent.take_in(before, sent);
        note(&mut kept.value.seen, seen.clone());
        if ports.store.keep_remembered(name, &kept, (now, until(now, preferences))).await? {
            return Ok(());
        }
    }
    Err(contended())
}

fn contended() -> Failure {
    let detail = "other events of the same visitor kept coming".to_owned();
    Failure::Wait { after: None, reason: "contended", detail }
}
