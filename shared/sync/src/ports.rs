//! The ports: what the sync algorithm needs from systems, from the table, from the queues and from the clock.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use model::{
    Fields, Fingerprint, HistoryEntry, Lease, Link, LinkId, Notice, ObjectName, Pair, ParkedChange,
    RecordRef, RecordState, System, Value,
};

use serde::de::DeserializeOwned;

use crate::error::{ConnectorError, StoreError};

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

/// The fields of one object of a system, with the conversion of values. Pure; read once and cached.
pub trait Schema: Send + Sync {
    /// The value of a field in the form in which the system gives it back.
    fn canonical(&self, field: &str, value: &Value) -> Canonical;

    /// Whether the system has this field.
    fn has(&self, field: &str) -> bool;
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

    /// Reads a record.
    fn read(&self, record: &RecordRef) -> impl Future<Output = Result<Reading, ConnectorError>> + Send;

    /// Finds records by the exact value of a field; at most three, since more than one is already too many.
    fn find(
        &self,
        object: &ObjectName,
        lookup: &Lookup,
    ) -> impl Future<Output = Result<Vec<Record>, ConnectorError>> + Send;

    /// Creates a record and gives back what the system stored. `values` are canonical.
    fn create(
        &self,
        object: &ObjectName,
        values: &Fields,
    ) -> impl Future<Output = Result<Record, ConnectorError>> + Send;

    /// Changes only these fields and gives back what the system stored. `values` are canonical.
    fn update(
        &self,
        record: &RecordRef,
        values: &Fields,
    ) -> impl Future<Output = Result<Record, ConnectorError>> + Send;
}

/// A connector that can be made of what the deployment and an administrator say about its system.
pub trait Opens: Connector + Sized {
    /// What the system's secret holds for calls of its API. Other members of the secret are none of its business.
    type Secret: DeserializeOwned + Send;

    /// What an administrator may set about the system.
    type Preferences: DeserializeOwned + Default + Send;

    /// The connector to the system at `url`. Calls nobody.
    ///
    /// # Errors
    /// Misconfigured or Unauthorized: what is given cannot be used.
    fn open(
        system: System,
        url: &str,
        secret: Self::Secret,
        preferences: Self::Preferences,
    ) -> Result<Self, ConnectorError>;
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
