//! The ports: what the sync algorithm needs from systems, from the table, from the queues and from the clock.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use model::{
    Fields, Fingerprint, HistoryEntry, Lease, Link, LinkId, Notice, ObjectName, Pair, PairKind, ParkedChange,
    RecordRef, RecordState, System, Value,
};

use serde::de::DeserializeOwned;

use crate::budget::SharedBudget;
use crate::error::{ConnectorError, StoreError};
use crate::notice_context::{NoticeContext, one_by_one};
use crate::project::is_blank;
use crate::related::Related;
use crate::sessions::SharedSessions;

/// Who wrote a record last, as far as the system tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// Our own API user.
    Us,
    /// Somebody else.
    Other,
    /// The system does not tell.
    Unknown,
}

/// A record as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its address.
    pub reference: RecordRef,
    /// What field maps read: field name to value, as coreBOS would see it.
    pub fields: Fields,
    /// When it was changed last.
    pub modified: Option<Timestamp>,
    /// Who changed it last.
    pub last_writer: Writer,
    /// What its map reads of other records: looked up after it was read, never by a connector's `read`.
    pub related: Related,
}

/// What became of a read.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// It is there.
    Found(Record),
    /// Another record answers for this id: the two were merged.
    MergedInto(Record),
    /// There is no such record any more, or there never was.
    Gone,
}

/// What a typed conversion makes of a map's value for one field of a system.
#[derive(Clone, Debug, PartialEq)]
pub enum Canonical {
    /// The value as the system itself would give it back: comparable, and fit to be written.
    Value(Value),
    /// The field cannot hold this value; the text says why, without the value.
    Unfit(String),
    /// The system has no such field: it would ignore the value in silence.
    NoSuchField,
    /// The field is there and the API cannot write it.
    ReadOnly,
}

/// What a field can hold, as far as whoever checks a field map must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the types that all systems know")]
pub enum FieldShape {
    Text,
    Email,
    Number,
    Boolean,
    Date,
    DateTime,
    Time,
    /// One of a list of values.
    Picklist,
    /// Several values.
    Multi,
    /// Another record.
    Reference,
    /// A user or a group.
    Owner,
}

/// A field as its system describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedField {
    /// Its name in the API.
    pub name: String,
    /// What it can hold.
    pub shape: FieldShape,
    /// Whether somebody must fill it when a record is created.
    pub required: bool,
    /// Whether it cannot be written.
    pub read_only: bool,
}

/// The fields of one object of a system, with the conversion of values. Pure; read once and cached.
pub trait Schema: Send + Sync {
    /// The value of a field in the form in which the system gives it back.
    fn canonical(&self, field: &str, value: &Value) -> Canonical;

    /// Whether the system has this field.
    fn has(&self, field: &str) -> bool;

    /// All fields, for whoever checks a map against them; none where they are not listed.
    fn listed(&self) -> Option<Vec<ListedField>> {
        None
    }

    /// Whether a value that the system gave may stand for nothing at all: a blank, or what it shows in a blank's place.
    fn may_be_blank(&self, _field: &str, value: &Value) -> bool {
        is_blank(value)
    }
}

/// An exact search for records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The field.
    pub field: String,
    /// Its value, not blank.
    pub value: String,
}

/// One system, as the sync algorithm sees it. Reads are always of the present, never cached.
pub trait Connector: Send + Sync {
    /// The schema of an object.
    type Schema: Schema + Clone;

    /// Which instance this is.
    fn system(&self) -> &System;

    /// What the system says it is: URL and user. A change of it stops the pairs until an administrator confirms.
    fn identity(&self) -> impl Future<Output = Result<String, ConnectorError>> + Send;

    /// The schema of an object, from the cache of this process where it is fresh.
    fn schema(
        &self,
        object: &ObjectName,
    ) -> impl Future<Output = Result<Self::Schema, ConnectorError>> + Send;

    /// Reads a record, with these fields of associations besides the others: systems keep some of them elsewhere, and
    /// giving them costs a call that is made only for who asks.
    fn read_with(
        &self,
        record: &RecordRef,
        associations: &[&str],
    ) -> impl Future<Output = Result<Reading, ConnectorError>> + Send;

    /// Reads a record. Fields of associations may be missing.
    fn read(&self, record: &RecordRef) -> impl Future<Output = Result<Reading, ConnectorError>> + Send {
        self.read_with(record, &[])
    }

    /// The fields of a record that a map refers to, with the names of what it refers to itself (`account_idename`);
    /// `None` if it is gone or of another module. The id may lack the number of the module. Only coreBOS is asked:
    /// the references of maps lead nowhere else.
    fn related(
        &self,
        module: &ObjectName,
        id: &str,
    ) -> impl Future<Output = Result<Option<Fields>, ConnectorError>> + Send {
        let _ = (module, id);
        std::future::ready(Ok(None))
    }

    /// What coreBOS itself makes of one of its records through one of its maps, by id or name. Only coreBOS is asked.
    ///
    /// # Errors
    /// Doubtful if coreBOS broke off while it evaluated: it is asked again, and then the map is blamed.
    fn process_map(
        &self,
        map: &str,
        record: &RecordRef,
    ) -> impl Future<Output = Result<Fields, ConnectorError>> + Send {
        let detail = format!("{} evaluates no maps: {map} for {record}", self.system());
        std::future::ready(Err(ConnectorError::Misconfigured { detail }))
    }

    /// Finds records by the exact value of a field; at most three, since more than one is already too many.
    fn find(
        &self,
        object: &ObjectName,
        lookup: &Lookup,
    ) -> impl Future<Output = Result<Vec<Record>, ConnectorError>> + Send;

    /// Creates a record and gives back what the system stored. `values` are canonical.
    ///
    /// An association that was not made, or that cannot be told, is missing in the answer: an error would say that
    /// there is no record.
    fn create(
        &self,
        object: &ObjectName,
        values: &Fields,
    ) -> impl Future<Output = Result<Record, ConnectorError>> + Send;

    /// Changes only these fields and gives back what the system stored, fields of associations included where they
    /// are among these. `values` are canonical.
    fn update(
        &self,
        record: &RecordRef,
        values: &Fields,
    ) -> impl Future<Output = Result<Record, ConnectorError>> + Send;

    /// Says which fields of an object are needed, so that reads need ask for no others.
    fn will_need(&self, object: &ObjectName, fields: BTreeSet<String>) {
        let _ = (object, fields);
    }

    /// The pair in which a record that is new to coreBOS belongs, where several pairs share its object and the system
    /// has a rule for that.
    fn lands_in(&self, record: &Record) -> Option<PairKind> {
        let _ = record;
        None
    }

    /// Moves a record into the recycle bin of the system; one that is there or nowhere is no error. Only systems with a
    /// recycle bin are asked.
    ///
    /// # Errors
    /// Also Gone: another record answers for this id, and nothing was done.
    fn archive(&self, record: &RecordRef) -> impl Future<Output = Result<(), ConnectorError>> + Send {
        let detail = format!("{} has no recycle bin for {record}", self.system());
        std::future::ready(Err(ConnectorError::Misconfigured { detail }))
    }
}

/// What the connectors of all processes to one system have in common.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Short-lived proofs of who we are.
    pub sessions: SharedSessions,
    /// How often the system may be called.
    pub budget: SharedBudget,
}

/// Shared with nobody: within this process only.
impl Default for Shared {
    fn default() -> Self {
        Self {
            sessions: Arc::new(crate::memory::MemorySessions::default()),
            budget: Arc::new(crate::memory::MemoryBudget::default()),
        }
    }
}

/// A connector that can be made of what the deployment and an administrator say about its system.
pub trait Opens: Connector + Sized {
    /// What the system's secret holds for calls of its API. Other members of the secret are none of its business.
    type Secret: DeserializeOwned + Send;

    /// What an administrator may set about the system.
    type Preferences: DeserializeOwned + Default + Send;

    /// The connector to the system at `url`, which shares with other processes what `shared` leads to. Calls nobody.
    ///
    /// # Errors
    /// Misconfigured or Unauthorized: what is given cannot be used.
    fn open(
        system: System,
        url: &str,
        secret: Self::Secret,
        preferences: Self::Preferences,
        shared: Shared,
    ) -> Result<Self, ConnectorError>;

    /// Other integrations between the same systems that are switched on and write what we write, each in words for
    /// an administrator. Two that keep the same records in step answer each other for ever.
    ///
    /// # Errors
    /// Also Forbidden and Misconfigured, where we may not look or the system cannot tell: nobody knows then.
    fn other_integrations(&self) -> impl Future<Output = Result<Vec<String>, ConnectorError>> + Send;
}

/// What became of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The lease is ours; the record's state has this version now.
    Yes {
        /// The version to settle or release with.
        version: u64,
    },
    /// The state has another version than the one that was read: read again and decide again.
    Changed,
}

/// What became of the claim of a natural key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyClaimed {
    /// It is ours.
    Yes,
    /// Another record holds it.
    Held {
        /// Which record.
        by: RecordRef,
        /// Until when.
        until: Timestamp,
    },
}

/// A natural key that stands for one record to be: `target system + object + key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NaturalKey {
    /// Where the record is about to be created.
    pub system: System,
    /// As which type.
    pub object: ObjectName,
    /// The key, as a fingerprint: an e-mail never stands in a key of the table.
    pub key: Fingerprint,
}

/// Everything that becomes true at once when a decision is settled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settlement {
    /// The link as it shall be; its `version` is the one that was read (0: new).
    pub link: Option<Link>,
    /// Records that shall find the link, besides those that do already.
    pub lookups_added: Vec<RecordRef>,
    /// Records that shall no longer find it.
    pub lookups_removed: Vec<RecordRef>,
    /// States of records as they shall be; each `version` is the one that was claimed or read.
    pub states: Vec<(RecordRef, RecordState)>,
    /// The entry in the link's history.
    pub history: Option<HistoryEntry>,
    /// Changes to park.
    pub parked: Vec<ParkedChange>,
    /// A claimed natural key that is done with, and the record that claimed it. One that another record has taken
    /// over meanwhile is left alone.
    pub key_released: Option<(NaturalKey, RecordRef)>,
}

/// A record that waits for the record that it names as its parent to be linked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Waiting {
    /// The parent.
    pub parent: RecordRef,
    /// The child, of the same system.
    pub child: RecordRef,
    /// Towards which system the child's notice goes when the parent is there.
    pub towards: System,
}

/// What became of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// All of it is stored.
    Yes,
    /// Somebody was faster: nothing is stored; read again and decide again.
    Conflict,
}

/// The table: links, states of records, claims, parked changes.
pub trait StateStore: Send + Sync {
    /// What a push begins with, in as few round trips as the store can do with. The link is as it was when the state
    /// of the other side was read, or later: what is decided with is no older than the states, whose versions the
    /// claims are conditional on. `None`: it was settled meanwhile; ask again.
    fn notice_context(
        &self,
        record: &RecordRef,
        pair: &Pair,
    ) -> impl Future<Output = Result<Option<NoticeContext>, StoreError>> + Send {
        one_by_one(self, record, pair)
    }

    /// The link of a record in a pair, read consistently.
    fn find_link(
        &self,
        record: &RecordRef,
        pair: &Pair,
    ) -> impl Future<Output = Result<Option<Link>, StoreError>> + Send;

    /// The link with this id, read consistently.
    fn link(&self, id: &LinkId) -> impl Future<Output = Result<Option<Link>, StoreError>> + Send;

    /// The state of a record, read consistently; version 0 where none is stored.
    fn state(&self, record: &RecordRef) -> impl Future<Output = Result<RecordState, StoreError>> + Send;

    /// Takes the lease of a record if its state still has this version.
    fn claim(
        &self,
        record: &RecordRef,
        version: u64,
        lease: &Lease,
    ) -> impl Future<Output = Result<Claimed, StoreError>> + Send;

    /// Claims a natural key for the record that is about to be copied; a record meets its own claim as its own.
    fn claim_key(
        &self,
        key: &NaturalKey,
        by: &RecordRef,
        now: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<KeyClaimed, StoreError>> + Send;

    /// Stores all of a settlement, or nothing.
    fn settle(&self, settlement: &Settlement) -> impl Future<Output = Result<Settled, StoreError>> + Send;

    /// Forgets what is kept of a link besides that there was one: its history, what was settled and refused, and what
    /// is parked about its records. A person has asked for it.
    fn forget(&self, link: &Link) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Counts one more delete of a pair in this hour and gives the count.
    fn count_delete(
        &self,
        pair: &Pair,
        hour: Timestamp,
    ) -> impl Future<Output = Result<u32, StoreError>> + Send;

    /// Counts one more attempt of a notice that failed for reasons of its own and gives the count.
    fn count_failure(
        &self,
        receipt: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<u32, StoreError>> + Send;

    /// Whether a record waits for its parent, towards a system.
    fn is_waiting(
        &self,
        child: &Waiting,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Lets a record wait for its parent until a time. Waiting twice is waiting once.
    fn wait(&self, child: &Waiting, until: Timestamp) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Records that wait for a parent, towards a system: at most `limit`.
    fn waiting(
        &self,
        parent: &RecordRef,
        towards: &System,
        now: Timestamp,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Waiting>, StoreError>> + Send;

    /// These records wait no longer.
    fn waited(&self, children: &[Waiting]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The identity that a system had at first contact; stores `seen` where there is none.
    fn first_identity(
        &self,
        system: &System,
        seen: &str,
    ) -> impl Future<Output = Result<String, StoreError>> + Send;
}

/// The queues, one per target system.
pub trait ChangeQueue: Send + Sync {
    /// Whether notices can be sent towards this system at all: its push function is deployed.
    fn reaches(&self, target: &System) -> bool;

    /// Queues notices for the push towards a system. Nothing is lost once this has answered.
    fn send(
        &self,
        target: &System,
        notices: &[Notice],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// The clock, and waiting.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Waits. Only for moments that are shorter than a function's timeout.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}
