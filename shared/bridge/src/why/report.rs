//! What `bridge why` knows about a record: plain facts, as they are printed and as `--json` gives them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::Value;
use serde::Serialize;

use crate::stack::log::LogLine;

/// Everything about one record, or about the two that are linked.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// When it was looked at.
    pub(crate) looked_at: Timestamp,
    /// Which stack.
    pub(crate) stack: String,
    /// The pair: `mautic-contacts`.
    pub(crate) pair: String,
    /// The answer, in a few sentences.
    pub(crate) in_short: Vec<String>,
    /// Whether there is nothing to do and nothing to mend.
    pub(crate) in_step: bool,
    /// The records; coreBOS's first.
    pub(crate) records: Vec<RecordFacts>,
    /// Their link.
    pub(crate) link: Option<LinkFacts>,
    /// Each direction that could be looked at.
    pub(crate) directions: Vec<DirectionFacts>,
    /// What is parked about it, newest first.
    pub(crate) parked: Vec<ParkedFacts>,
    /// What was settled, newest first.
    pub(crate) history: Vec<HistoryFacts>,
    /// The queues of the pair.
    pub(crate) queues: Vec<QueueFacts>,
    /// How far the polls have read.
    pub(crate) polls: Vec<PollFacts>,
    /// What the functions have logged.
    pub(crate) log: LogFacts,
    /// What could not be looked at, and why.
    pub(crate) trouble: Vec<String>,
}

/// A record.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RecordFacts {
    /// Its system, as people call it: `coreBOS`.
    pub(crate) system: String,
    /// Its address: `corebos:main#Contacts#12x1084`.
    pub(crate) record: String,
    /// `there`, `gone`, `merged` (another one answers for its id), or `unknown` where the system could not be asked.
    pub(crate) is: &'static str,
    /// When it was changed last.
    pub(crate) modified: Option<Timestamp>,
    /// Who changed it last: `us`, `somebody else`, `unknown`.
    pub(crate) last_writer: Option<&'static str>,
    /// Who is writing it, or was when a worker died.
    pub(crate) lease: Option<LeaseFacts>,
    /// Our own last write of each field: the time that the system gave it, and the time of the edit that it carried.
    pub(crate) own_writes: BTreeMap<String, OwnWriteFacts>,
    /// Whether its creation on the other side was refused.
    pub(crate) creation_refused: bool,
}

/// A lease.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LeaseFacts {
    /// Until when.
    pub(crate) until: Timestamp,
    /// Whether somebody is at work; else a worker died, and what it did is found out before anything is decided.
    pub(crate) live: bool,
    /// `write` or `create`.
    pub(crate) intent: &'static str,
    /// The fields.
    pub(crate) fields: Vec<String>,
}

/// Our own write of a field.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OwnWriteFacts {
    pub(crate) produced: Timestamp,
    pub(crate) stands_for: Timestamp,
}

/// A link.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LinkFacts {
    /// Its id.
    pub(crate) id: String,
    /// `active`, `tombstone`, `resting`.
    pub(crate) status: &'static str,
    /// Since when, where it is not active.
    pub(crate) since: Option<Timestamp>,
    /// The system whose record is gone, of a tombstone.
    pub(crate) gone_in: Option<String>,
    /// When it goes on, where it rests.
    pub(crate) until: Option<Timestamp>,
    /// Writes in the window that the breaker counts, and since when.
    pub(crate) writes_lately: u32,
    /// Fields that a system has refused.
    pub(crate) refused: Vec<RefusedFacts>,
}

/// A refused field.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RefusedFacts {
    /// The system that refuses it.
    pub(crate) by: String,
    pub(crate) field: String,
    /// Its words, where the parked change still tells them.
    pub(crate) words: Option<String>,
}

/// One direction.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct DirectionFacts {
    pub(crate) from: String,
    pub(crate) to: String,
    /// The map: its name in coreBOS.
    pub(crate) map: String,
    /// Where the map in use is kept.
    pub(crate) map_kept: String,
    /// An edit of the map that waits to be mended, and what is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) map_edit: Option<String>,
    /// What comes before anything is decided: a lease, a rest, a claim.
    pub(crate) before: Vec<String>,
    /// What would be done: `unchanged`, `update`, `create`, `park`, ...
    pub(crate) outcome: &'static str,
    /// The same in words.
    pub(crate) next: String,
    /// The fields of the target.
    pub(crate) fields: Vec<FieldFacts>,
}

/// A field of the target.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FieldFacts {
    pub(crate) field: String,
    /// The source fields with what they hold.
    pub(crate) sources: BTreeMap<String, Option<Value>>,
    /// The line of the map; none for fields that the bridge adds.
    pub(crate) line: Option<usize>,
    /// What the map says.
    pub(crate) directive: String,
    /// What the map makes.
    pub(crate) made: Option<Value>,
    /// The same as the target gives it back.
    pub(crate) value: Option<Value>,
    /// What the target holds, as it gives it.
    pub(crate) held: Option<Value>,
    /// The same as it is compared.
    pub(crate) here: Option<Value>,
    /// `never`, `edited_map`, `equal`, `changed`.
    pub(crate) base: &'static str,
    /// The side that the map's `<master>` names.
    pub(crate) master: Option<String>,
    /// The fields of the other direction that were changed and have not travelled.
    pub(crate) pending: Vec<String>,
    /// When the values came about.
    pub(crate) source_edited: Option<Timestamp>,
    pub(crate) target_edited: Option<Timestamp>,
    /// `in_step`, `write`, `loses`, ...
    pub(crate) state: &'static str,
    /// The same in words.
    pub(crate) told: String,
}

/// A parked change.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ParkedFacts {
    /// By which `bridge parked` knows it.
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) pair: String,
    pub(crate) record: String,
    /// Towards which system it was going.
    pub(crate) to: String,
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) fields: BTreeMap<String, String>,
    /// The receipt of its notice.
    pub(crate) receipt: String,
    /// When the bridge took the notice.
    pub(crate) received_at: Timestamp,
    /// What to do about it.
    pub(crate) advice: String,
}

/// Something that was settled.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct HistoryFacts {
    pub(crate) at: Timestamp,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) outcome: String,
    pub(crate) written: Vec<String>,
    pub(crate) refused: Vec<String>,
    pub(crate) lost: Vec<LostFacts>,
    pub(crate) receipt: String,
    pub(crate) received_at: Option<Timestamp>,
}

/// A value that did not survive.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LostFacts {
    /// The system that held it.
    pub(crate) of: String,
    pub(crate) field: String,
    pub(crate) value: Value,
    pub(crate) reason: String,
}

/// A queue.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct QueueFacts {
    /// The system that it leads to.
    pub(crate) towards: String,
    pub(crate) waiting: u64,
    pub(crate) in_flight: u64,
    pub(crate) dead_letters: Option<u64>,
}

/// A poll.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PollFacts {
    pub(crate) system: String,
    pub(crate) object: String,
    /// What was changed before this is known.
    pub(crate) read_until: Option<Timestamp>,
}

/// The log.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct LogFacts {
    /// The last lines about the records, newest first; none where the log is in CloudWatch.
    pub(crate) lines: Vec<LogLine>,
    /// Where to look for more: the log groups in CloudWatch.
    pub(crate) groups: Vec<String>,
    /// The query for CloudWatch Logs Insights.
    pub(crate) query: Option<String>,
}
