//! Cursors: how far polls have read, and who is reading.

use std::future::Future;

use jiff::Timestamp;
use model::{ObjectName, System};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;

/// Which cursor: one per object of a system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CursorKey {
    /// The system that is asked.
    pub system: System,
    /// For what.
    pub object: ObjectName,
}

/// A pass that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// What was changed then or later is read.
    pub from: Timestamp,
    /// The system's time when the pass began.
    pub began: Timestamp,
    /// Where the next page begins.
    pub after: String,
}

/// How far a poll has read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The beginning of the last complete pass: what was changed before it is known.
    pub since: Timestamp,
    /// The pass that is not complete yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<Pass>,
}

/// A cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// How far it has read; nothing before the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// When the last complete pass was begun, by our clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polled_at: Option<Timestamp>,
}

/// The cursors, in the table.
pub trait CursorStore: Send + Sync {
    /// A cursor as it stands; a new one where there is none.
    fn cursor(&self, key: &CursorKey) -> impl Future<Output = Result<Cursor, StoreError>> + Send;

    /// Takes the lease of a cursor and gives the cursor; nothing while somebody else holds it.
    fn lease_cursor(
        &self,
        key: &CursorKey,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<Option<Cursor>, StoreError>> + Send;

    /// Stores a cursor if the lease is still the holder's; whether it was.
    fn move_cursor(
        &self,
        key: &CursorKey,
        holder: &str,
        cursor: &Cursor,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Stores a cursor and gives the lease back, if it is still the holder's.
    fn release_cursor(
        &self,
        key: &CursorKey,
        holder: &str,
        cursor: &Cursor,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}
