//! The contact of a person: found or made, claimed, told what is new, given back.

use std::collections::BTreeMap;
use std::time::Duration;

use connector_mautic::CONTACT;
use connector_mautic::visitors::{CampaignVisit, VisitorWrite};
use connector_signal::{Person, Reason, Seen, Sent, VisitorEvent};
use jiff::{SignedDuration, Timestamp};
use model::{
    Direction, Fingerprint, Intent, Lease, Notice, NoticeKind, ObjectName, OwnWrite, RecordRef, RecordState,
    Value,
};
use sync::{
    ChangeQueue as _, Claimed, Connector as _, ConnectorError, KeyClaimed, Lookup, NaturalKey, Reading,
    Record, Settlement, StateStore as _,
};

use crate::ports::{Ready, now};
use crate::projection::{Projection, project};
use crate::{Failure, Ports};

/// What a claim of ours is called, so that we know it again.
const HOLDER: &str = "visitor:";
/// How long to wait at most before looking again whether somebody else is done.
const LEASE_POLL: Duration = Duration::from_secs(2);
/// How often everything is read again when somebody was faster.
const ROUNDS: u32 = 6;
/// How often a write is repeated without the fields that were refused.
const REPAIRS: u32 = 3;

/// What is to be done.
#[derive(Clone, Copy)]
pub(crate) struct Work<'a> {
    pub(crate) event: &'a VisitorEvent,
    pub(crate) ports: &'a Ports,
    pub(crate) ready: &'a Ready,
    /// The person's name in the memory.
    pub(crate) name: &'a str,
    pub(crate) person: &'a Person,
    /// Only the tag is taken away.
    pub(crate) withdraws: bool,
    /// The tag, where it is to be given (`true`) or taken away.
    pub(crate) tag: Option<bool>,
}

/// Brings the contact of a person up to date; `sent` and `seen` hold what was done, also where it fails.
pub(crate) async fn bring_up_to_date(
    work: &Work<'_>,
    sent: &mut Sent,
    seen: &mut Seen,
) -> Result<(), Failure> {
    let Some(email) = work.person.facts.text("email").map(str::to_owned) else {
        "dropped_no_email".clone_into(&mut seen.outcome);
        return Ok(());
    };
    let mautic = &work.ready.mautic;
    let schema = mautic.schema(&ObjectName::new(CONTACT)).await?;
    let made = if work.withdraws {
        Projection::default()
    } else {
        let context = (email.as_str(), work.ready.preferences.utm, now());
        project(&work.ready.map, &schema, &work.person.facts, context)
    };
    for (name, reason) in &made.unfit {
        seen.refused.insert(name.clone(), reason.clone());
    }
    for _ in 0..ROUNDS {
        let done = match contact_of(work, sent, &email).await? {
            Some(contact) => update(work, &contact, (&email, &made), sent, seen).await?,
            None if work.withdraws => {
                Reason::Consent.code().clone_into(&mut seen.outcome);
                sent.tag = Some(false);
                true
            }
            None => create(work, &email, &made, sent, seen).await?,
        };
        if done {
            sent.learned = Some(work.person.learned);
            return Ok(());
        }
    }
    let detail = "others kept changing the same contact".to_owned();
    Err(Failure::Wait { after: None, reason: "contended", detail })
}

/// The contact: the one that we know, else the one with the e-mail. Where Mautic has two, the older one.
async fn contact_of(work: &Work<'_>, sent: &Sent, email: &str) -> Result<Option<RecordRef>, Failure> {
    if let Some(known) = &sent.contact {
        return Ok(Some(known.clone()));
    }
    let mautic = &work.ready.mautic;
    let lookup = Lookup { field: "email".to_owned(), value: email.to_owned() };
    let found = mautic.find(&ObjectName::new(CONTACT), &lookup).await?;
    let id = |record: &Record| record.reference.id.parse::<u64>().unwrap_or(u64::MAX);
    Ok(found.into_iter().min_by_key(id).map(|record| record.reference))
}

fn has_email(record: &Record, email: &str) -> bool {
    record.fields.get("email").is_some_and(|value| value.php_string().trim().to_lowercase() == email)
}

/// Makes the contact, holding the claim of its e-mail: Mautic itself makes two of two calls at the same moment.
async fn create(
    work: &Work<'_>,
    email: &str,
    made: &Projection,
    sent: &mut Sent,
    seen: &mut Seen,
) -> Result<bool, Failure> {
    let (ports, mautic) = (work.ports, &work.ready.mautic);
    // The same key that a push from coreBOS claims.
    let key = NaturalKey {
        system: sync::Connector::system(mautic.as_ref()).clone(),
        object: ObjectName::new(CONTACT),
        key: Fingerprint::of(&Value::Text(format!("email={email}"))),
    };
    let by = RecordRef::new(&ports.signal, &ObjectName::new("person"), work.name);
    let now = crate::ports::now();
    let until = now + SignedDuration::try_from(ports.lease).unwrap_or_default();
    // Other events of the person run in other groups of the queue: each holds the claim for itself.
    let holder = RecordRef { id: format!("{}#{}", by.id, work.event.id), ..by };
    if let KeyClaimed::Held { until, .. } = ports.store.claim_key(&key, &holder, now, until).await? {
        return Err(busy(until, now));
    }
    let outcome = create_claimed(work, email, made, sent, seen).await;
    // After a doubt the claim stays: whoever comes next looks for the contact when it has ended.
    if !matches!(&outcome, Err(Failure::Wait { reason: "doubtful", .. })) {
        let settlement = Settlement { key_released: Some((key, holder)), ..Settlement::default() };
        ports.store.settle(&settlement).await?;
    }
    outcome
}

async fn create_claimed(
    work: &Work<'_>,
    email: &str,
    made: &Projection,
    sent: &mut Sent,
    seen: &mut Seen,
) -> Result<bool, Failure> {
    // Whoever had the claim before us may have made it.
    if contact_of(work, sent, email).await?.is_some() {
        return Ok(false);
    }
    let write = write_of(work, made, made.values.clone(), sent);
    let mautic = &work.ready.mautic;
    let Some((write, (record, is_new))) =
        repaired(write, sent, seen, async |write: &VisitorWrite| mautic.create_visitor(write).await).await?
    else {
        return Ok(true);
    };
    seen.status = Some(if is_new { 201 } else { 200 });
    if is_new { "created" } else { "updated" }.clone_into(&mut seen.outcome);
    written(work, &write, sent, seen, &record.reference);
    tell_corebos(work, &record).await?;
    let state = work.ports.store.state(&record.reference).await?;
    if state.lease.is_none() {
        settle(work, &record, state, &write).await?;
    }
    campaigns(work, sent, &record.reference).await?;
    Ok(true)
}

/// Tells the contact what is new, under its lease.
async fn update(
    work: &Work<'_>,
    contact: &RecordRef,
    (email, made): (&str, &Projection),
    sent: &mut Sent,
    seen: &mut Seen,
) -> Result<bool, Failure> {
    let (ports, mautic) = (work.ports, &work.ready.mautic);
    let state = ports.store.state(contact).await?;
    stands_in_the_way(work, contact, &state).await?;
    let record = match mautic.read(contact).await? {
        // A withdrawal reaches whom we know, whatever the e-mail is by now.
        Reading::Found(record) if work.withdraws || has_email(&record, email) => record,
        // Somebody has given the contact another e-mail: then it is another person's.
        Reading::Found(_) | Reading::Gone => {
            sent.contact = None;
            return Ok(false);
        }
        Reading::MergedInto(survivor) => {
            sent.contact = Some(survivor.reference);
            return Ok(false);
        }
    };
    sent.contact = Some(contact.clone());
    let mut values = made.values.clone();
    for (name, value) in made.values.iter() {
        let fingerprint = Fingerprint::of(value);
        let is_there = record.fields.get(name) == Some(value) || is_same_email(name, &record, value);
        if is_there || sent.fields.get(name) == Some(&fingerprint) {
            values.remove(name);
        }
        if is_there {
            sent.fields.insert(name.to_owned(), fingerprint);
        }
    }
    let write = write_of(work, made, values, sent);
    let campaign_is_new = !work.withdraws && new_campaigns(work, sent).next().is_some();
    if write.values.is_empty() && write.tag.is_none() && write.last_active.is_none() && !campaign_is_new {
        "unchanged".clone_into(&mut seen.outcome);
        return Ok(true);
    }
    let now = crate::ports::now();
    let lease = Lease {
        holder: format!("{HOLDER}{}@{now}", work.event.id),
        until: now + SignedDuration::try_from(ports.lease).unwrap_or_default(),
        intent: Intent::Write {
            // No link: whoever finds this after our death has nothing to settle.
            link: format!("{HOLDER}{}", work.event.id),
            direction: Direction::ToRemote,
            fields: BTreeMap::new(),
            pending: Vec::new(),
            edited_at: Some(work.event.at),
        },
    };
    let Claimed::Yes { version } = ports.store.claim(contact, state.version, &lease).await? else {
        return Ok(false);
    };
    let claimed = RecordState { version, lease: None, ..state };
    let outcome =
        repaired(write, sent, seen, async |write: &VisitorWrite| mautic.update_visitor(contact, write).await)
            .await;
    match outcome {
        Ok(Some((write, record))) => {
            seen.status = Some(200);
            if work.withdraws { "withdrawn" } else { "updated" }.clone_into(&mut seen.outcome);
            written(work, &write, sent, seen, contact);
            if !write.values.is_empty() {
                tell_corebos(work, &record).await?;
            }
            let told = campaigns(work, sent, contact).await;
            settle(work, &record, claimed, &write).await?;
            told?;
            Ok(true)
        }
        Ok(None) => {
            settle(work, &record, claimed, &VisitorWrite::default()).await?;
            Ok(true)
        }
        // The lease stays: whether the write was done cannot be known before it has ended.
        Err(failure @ Failure::Wait { reason: "doubtful", .. }) => Err(failure),
        Err(failure) => {
            settle(work, &record, claimed, &VisitorWrite::default()).await?;
            if matches!(&failure, Failure::Wait { reason: "gone", .. }) { Ok(false) } else { Err(failure) }
        }
    }
}

/// Mautic keeps the case of an e-mail; to people it is the same one.
fn is_same_email(name: &str, record: &Record, value: &Value) -> bool {
    name == "email" && has_email(record, &value.php_string().to_lowercase())
}

/// Somebody else is writing the contact, or died while doing so.
async fn stands_in_the_way(work: &Work<'_>, contact: &RecordRef, state: &RecordState) -> Result<(), Failure> {
    let Some(lease) = &state.lease else { return Ok(()) };
    let now = crate::ports::now();
    if lease.until > now {
        return Err(busy(lease.until, now));
    }
    if lease.holder.starts_with(HOLDER) {
        return Ok(());
    }
    // What was half done is found out by the push that knows its link: it is told to look.
    let notice = notice(work, contact, None);
    work.ports.queue.send(&work.ports.corebos, &[notice]).await?;
    Err(Failure::Wait {
        after: Some(LEASE_POLL),
        reason: "leased",
        detail: "a write is being recovered".to_owned(),
    })
}

fn busy(until: Timestamp, now: Timestamp) -> Failure {
    let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
    let after = Some(left.clamp(Duration::from_secs(1), LEASE_POLL));
    Failure::Wait { after, reason: "leased", detail: format!("leased until {until}") }
}

/// The write of these values, with what goes beside the fields.
fn write_of(work: &Work<'_>, made: &Projection, values: model::Fields, sent: &Sent) -> VisitorWrite {
    let newer = work.person.facts.seen > sent.last_active;
    let tag = work.tag.filter(|tag| sent.tag != Some(*tag));
    let name = &work.ready.preferences.consent_tag;
    VisitorWrite {
        values,
        ip: made.ip.clone(),
        last_active: made.last_active.clone().filter(|_| newer),
        tag: tag.filter(|_| !name.is_empty()).map(|given| (name.clone(), given)),
    }
}

/// Sends a write, and again without the fields that Mautic refuses by name. Nothing where it refuses the whole of it.
async fn repaired<T>(
    mut write: VisitorWrite,
    sent: &mut Sent,
    seen: &mut Seen,
    call: impl AsyncFn(&VisitorWrite) -> Result<T, ConnectorError>,
) -> Result<Option<(VisitorWrite, T)>, Failure> {
    for _ in 0..=REPAIRS {
        let (message, fields) = match call(&write).await {
            Ok(answer) => return Ok(Some((write, answer))),
            Err(ConnectorError::Rejected { message, fields }) => (message, fields),
            Err(error) => return Err(error.into()),
        };
        let named: Vec<String> =
            fields.keys().filter(|name| *name != "email" && write.values.contains(name)).cloned().collect();
        let hopeless = named.is_empty();
        for (name, words) in fields {
            seen.refused.insert(name, words);
        }
        for name in named {
            if let Some(value) = write.values.remove(&name) {
                // Not tried again before it is another value.
                sent.fields.insert(name, Fingerprint::of(&value));
            }
        }
        if hopeless {
            if seen.refused.is_empty() {
                seen.refused.insert("*".to_owned(), message);
            }
            break;
        }
    }
    seen.status = Some(400);
    "refused".clone_into(&mut seen.outcome);
    Ok(None)
}

/// Remembers what was written.
fn written(work: &Work<'_>, write: &VisitorWrite, sent: &mut Sent, seen: &mut Seen, contact: &RecordRef) {
    sent.contact = Some(contact.clone());
    sent.at = Some(now());
    if write.last_active.is_some() {
        sent.last_active = sent.last_active.max(work.person.facts.seen);
        seen.fields.push("lastActive".to_owned());
    }
    if write.ip.is_some() {
        seen.fields.push("ipAddress".to_owned());
    }
    if let Some((_, given)) = &write.tag {
        sent.tag = Some(*given);
        seen.fields.push("tags".to_owned());
    }
    for (name, value) in write.values.iter() {
        sent.fields.insert(name.to_owned(), Fingerprint::of(value));
        seen.fields.push(name.to_owned());
    }
}

/// The campaigns that Mautic does not know of yet: the first one for a contact that knows none, and the last one.
fn new_campaigns<'a>(
    work: &'a Work<'_>,
    sent: &Sent,
) -> impl Iterator<Item = &'a connector_signal::Fact<connector_signal::Campaign>> {
    let facts = &work.person.facts;
    let known = sent.campaign.clone();
    let wanted = work.ready.preferences.utm.has_tags();
    let last = facts.last_touch.as_ref();
    let first = facts
        .first_touch
        .as_ref()
        .filter(|first| known.is_none() && last.is_some_and(|last| !last.value.is_same(&first.value)));
    let last = last.filter(move |last| known.as_ref().is_none_or(|known| !known.is_same(&last.value)));
    first.into_iter().chain(last).filter(move |_| wanted)
}

/// Adds what is new to Mautic's own list of campaigns.
async fn campaigns(work: &Work<'_>, sent: &mut Sent, contact: &RecordRef) -> Result<(), Failure> {
    if work.withdraws {
        return Ok(());
    }
    let new: Vec<_> = new_campaigns(work, sent).cloned().collect();
    for touch in new {
        let campaign = &touch.value;
        let at = work.person.facts.seen.unwrap_or(touch.at).to_string();
        let parts = campaign.parts();
        let visit = CampaignVisit { parts: &parts, url: &campaign.url, referer: &campaign.referrer, at: &at };
        work.ready.mautic.add_campaign(contact, &visit).await?;
        sent.campaign = Some(campaign.clone());
    }
    Ok(())
}

/// coreBOS hears of the contact as of every other edit in Mautic, even if Mautic's own webhook is lost.
async fn tell_corebos(work: &Work<'_>, record: &Record) -> Result<(), Failure> {
    let notice = notice(work, &record.reference, record.modified);
    Ok(work.ports.queue.send(&work.ports.corebos, &[notice]).await?)
}

fn notice(work: &Work<'_>, contact: &RecordRef, modified_at: Option<Timestamp>) -> Notice {
    let now = crate::ports::now();
    Notice {
        record: contact.clone(),
        kind: NoticeKind::Saved,
        receipt: format!("{HOLDER}{}@{now}", work.event.id),
        received_at: now,
        modified_at,
        command: None,
        event: None,
    }
}

/// Gives the lease back. The time of our write stands for the event that it carried.
async fn settle(
    work: &Work<'_>,
    record: &Record,
    mut state: RecordState,
    write: &VisitorWrite,
) -> Result<(), Failure> {
    if let Some(produced) = record.modified
        && !write.values.is_empty()
    {
        state.own_writes.retain(|_, own| own.produced >= produced);
        for name in write.values.names() {
            let own = OwnWrite { produced, stands_for: work.event.at };
            state.own_writes.insert(name.to_owned(), own);
        }
    }
    let states = vec![(record.reference.clone(), state)];
    // Somebody who came after the end of our lease has the state now: then there is nothing to give back.
    work.ports.store.settle(&Settlement { states, ..Settlement::default() }).await?;
    Ok(())
}
