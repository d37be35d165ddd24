//! Nurturing: what the rules of the setting `hubspot.nurturing` begin in HubSpot once a record of coreBOS is in step.
//!
//! A field that gets a value is noticed by what it was when the record was pushed last, which is remembered as
//! fingerprints. What is to begin is written down before it begins, and crossed out after it has: a worker that dies in
//! between leaves it to the next push of the record. Doing it twice does no more than doing it once. What HubSpot refuses
//! is parked with its words, and begins when that is redriven.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws::SystemClock;
use aws::store::Kept;
use connector_hubspot::{CustomEvent, HubSpot};
use jiff::{SignedDuration, Timestamp};
use model::{Direction, Fingerprint, Link, LinkStatus, Notice, NoticeKind, ParkedChange, Side};
use serde::{Deserialize, Serialize};
use sync::nurturing::{NurturedBy, NurturingRule, NurturingRules};
use sync::{
    Clock as _, Connector as _, ConnectorError, Disposition, Outcome, Reading, Report, Settlement,
    StateStore as _,
};
use wiring::{NotReady, ReadyPair};

use crate::Ports;

/// How long is remembered what a field was, after the last push of its record.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24 * 400);
/// What the receipt of a change begins with that was parked and is sent again.
const REDRIVEN: &str = "redrive";

/// What is remembered of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Memory {
    /// What the fields that rules wait for were, as fingerprints.
    seen: BTreeMap<String, Fingerprint>,
    /// Rules that are to begin, as they are written.
    owed: BTreeMap<String, Owed>,
}

/// Something that is to begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Owed {
    /// What makes it the same beginning when it is tried again.
    once: String,
    /// HubSpot has refused it, and somebody must look at it first.
    #[serde(default)]
    parked: bool,
}

/// Why the message must stay in its queue.
#[derive(Debug)]
pub(crate) enum Held {
    /// For now: a system or the table does not answer.
    Retry { after: Option<Duration>, reason: &'static str, detail: String },
    /// Until an administrator has acted.
    Stop { reason: &'static str, detail: String },
}

impl From<NotReady> for Held {
    fn from(error: NotReady) -> Self {
        match Outcome::from(error) {
            Outcome::Stop { reason, detail } => Self::Stop { reason, detail },
            Outcome::Retry { after, reason, detail } => Self::Retry { after, reason, detail },
            Outcome::Done(_) => Self::Retry { after: None, reason: "unavailable", detail: String::new() },
        }
    }
}

impl From<ConnectorError> for Held {
    fn from(error: ConnectorError) -> Self {
        let (reason, detail) = (error.code(), error.to_string());
        match error.disposition() {
            Disposition::Retry { after } => Self::Retry { after, reason, detail },
            Disposition::Park | Disposition::Stop => Self::Stop { reason, detail },
        }
    }
}

impl From<Held> for Outcome {
    fn from(held: Held) -> Self {
        match held {
            Held::Retry { after, reason, detail } => Self::Retry { after, reason, detail },
            Held::Stop { reason, detail } => Self::Stop { reason, detail },
        }
    }
}

/// The link of a record, with what else nurturing needs.
struct Begun<'a> {
    notice: &'a Notice,
    pair: &'a ReadyPair<connector_corebos::CoreBos, HubSpot>,
    ports: &'a Ports,
    link: &'a Link,
}

/// Begins what the rules say about a notice that was pushed.
///
/// # Errors
/// What is to be done with the message, because a system, the table or an administrator is asked for first.
pub(crate) async fn begin(notice: &Notice, report: &Report, ports: &Ports) -> Result<(), Held> {
    if notice.kind != NoticeKind::Saved {
        return Ok(());
    }
    let pair = ports.pair_of(Direction::ToRemote, notice).await?;
    let rules = pair.systems.remote.preferences().nurturing()?;
    let module = notice.record.object.as_str();
    let named: Vec<&NurturingRule> =
        notice.event.as_deref().map(|name| rules.of_event(name).collect()).unwrap_or_default();
    let waits = rules.of_module(module).next().is_some();
    if named.is_empty() && !waits {
        return Ok(());
    }
    let link = ports.store().find_link(&notice.record, &pair.context.pair).await.map_err(unstored)?;
    let in_step = |link: &Link| link.status == LinkStatus::Active && !link.paused;
    let Some(link) = link.filter(in_step) else {
        if !named.is_empty() {
            tell(notice, "skipped", "not_in_step", notice.event.as_deref().unwrap_or_default());
        }
        return Ok(());
    };
    let begun = Begun { notice, pair: &pair, ports, link: &link };
    for rule in named {
        let once = format!("{} {rule}", notice.receipt);
        match begun.start(rule, &once).await {
            Err(error) if error.disposition() == Disposition::Park => begun.park(rule, &error).await?,
            other => other?,
        }
    }
    if waits { begun.look(report, &rules).await } else { Ok(()) }
}

impl Begun<'_> {
    /// Looks at the fields that rules wait for.
    async fn look(&self, report: &Report, rules: &NurturingRules) -> Result<(), Held> {
        let store = self.ports.store();
        let name = format!("nurturing#{}", self.notice.record.key());
        let kept = store.remembered::<Memory>(std::slice::from_ref(&name), SystemClock.now()).await;
        let kept = kept.map_err(unstored)?.pop().unwrap_or_default();
        let before = kept.value.clone();
        let mut memory = kept.value;
        let record = match self.pair.systems.hub.read(&self.notice.record).await? {
            Reading::Found(record) => record,
            Reading::Gone | Reading::MergedInto(_) => return Ok(()),
        };
        let written = |field: &str| {
            let mut targets = self.pair.context.to_remote.targets_of(field);
            targets.any(|target| report.fields.iter().any(|written| written == target))
        };
        let mut now = BTreeMap::new();
        for (rule, field, value) in rules.of_module(self.notice.record.object.as_str()) {
            let text = record.fields.get(field).map(|value| value.php_string().trim().to_lowercase());
            let text = text.unwrap_or_default();
            let print = Fingerprint::of_bytes(text.as_bytes());
            let has_changed = match memory.seen.get(field) {
                Some(seen) => *seen != print,
                // Nobody has looked at it yet: what was just written is new, and anything else was there before.
                None => report.outcome == "created" || written(field),
            };
            if has_changed && text == value.to_lowercase() {
                let once = format!("{} {rule}", self.notice.receipt);
                memory.owed.insert(rule.to_string(), Owed { once, parked: false });
            }
            now.insert(field.to_owned(), print);
        }
        memory.seen.extend(now);
        // A rule that was taken away owes nothing.
        let written_down: BTreeSet<String> = rules.iter().map(ToString::to_string).collect();
        memory.owed.retain(|rule, _| written_down.contains(rule));
        let mut version = kept.version;
        if memory != before {
            version = self.keep(&name, &memory, version).await?;
        }
        if memory.owed.is_empty() {
            return Ok(());
        }
        let redriven = self.notice.receipt.starts_with(REDRIVEN);
        let owed = memory.owed.clone();
        for (text, what) in owed.into_iter().filter(|(_, what)| !what.parked || redriven) {
            let Ok(rule) = text.parse::<NurturingRule>() else { continue };
            match self.start(&rule, &what.once).await {
                Ok(()) => {
                    memory.owed.remove(&text);
                }
                Err(error) if error.disposition() == Disposition::Park => {
                    memory.owed.insert(text, Owed { parked: true, ..what });
                    self.park(&rule, &error).await?;
                }
                Err(error) => {
                    self.keep(&name, &memory, version).await?;
                    return Err(error.into());
                }
            }
        }
        self.keep(&name, &memory, version).await.map(drop)
    }

    /// Remembers; the version that it has then.
    async fn keep(&self, name: &str, memory: &Memory, version: u64) -> Result<u64, Held> {
        let now = SystemClock.now();
        let until = now.checked_add(REMEMBERED).unwrap_or(Timestamp::MAX);
        let kept = Kept { value: memory.clone(), version };
        if self.ports.store().keep_remembered(name, &kept, (now, until)).await.map_err(unstored)? {
            return Ok(version.saturating_add(1));
        }
        // Another push of the same record is at it.
        let detail = "another push has changed what is remembered".to_owned();
        Err(Held::Retry { after: None, reason: "contended", detail })
    }

    /// Begins what a rule says.
    async fn start(&self, rule: &NurturingRule, once: &str) -> Result<(), ConnectorError> {
        let (hubspot, record) = (&self.pair.systems.remote, &self.link.record(Side::Remote).id);
        match &rule.then {
            NurturedBy::List(list) => hubspot.add_to_list(list, record).await?,
            NurturedBy::Event(name) => {
                let event = CustomEvent { name, record, at: self.notice.received_at, once };
                hubspot.send_event(&event).await?;
            }
        }
        tell(self.notice, "begun", "", &rule.to_string());
        Ok(())
    }

    /// Takes what HubSpot refuses out of the flow, with its words.
    async fn park(&self, rule: &NurturingRule, error: &ConnectorError) -> Result<(), Held> {
        tell(self.notice, "parked", "nurturing", &rule.to_string());
        let message = format!(
            "the record is in step, and what the rule `{rule}` of hubspot.nurturing says did not begin: {error}. Correct \
             the rule or the list or event in HubSpot, and redrive this"
        );
        let parked = ParkedChange {
            pair: self.pair.context.pair.clone(),
            notice: self.notice.clone(),
            at: SystemClock.now(),
            reason: "nurturing".to_owned(),
            message,
            fields: BTreeMap::new(),
        };
        let settlement = Settlement { parked: vec![parked], ..Settlement::default() };
        self.ports.store().settle(&settlement).await.map(drop).map_err(unstored)
    }
}

fn tell(notice: &Notice, outcome: &str, reason: &str, rule: &str) {
    let record = &notice.record;
    tracing::info!(
        change.id = notice.receipt,
        record.system = %record.system,
        record.object = %record.object,
        record.id = record.id,
        nurturing = outcome,
        reason,
        rule,
        "nurturing"
    );
}

fn unstored(error: impl std::fmt::Display) -> Held {
    Held::Retry { after: None, reason: "store", detail: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_holds_no_value_of_a_record() {
        let seen = BTreeMap::from([("leadstatus".to_owned(), Fingerprint::of_bytes(b"hot"))]);
        let owed = Owed { once: "req-1/0 r".to_owned(), parked: false };
        let memory =
            Memory { seen, owed: BTreeMap::from([("Leads.leadstatus=Hot -> list 1".to_owned(), owed)]) };
        let json = serde_json::to_value(&memory).unwrap();
        assert_eq!(serde_json::from_value::<Memory>(json.clone()).unwrap(), memory);
        assert!(!json["seen"].to_string().contains("hot"));
        assert_eq!(serde_json::from_str::<Memory>("{}").unwrap(), Memory::default());
    }
}
