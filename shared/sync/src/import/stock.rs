//! The stock of a system: its records, all of them, page by page; and several records in one call.

use std::future::Future;

use model::ObjectName;

use crate::error::ConnectorError;
use crate::ports::{Connector, Record};

/// What a page says about one record.
#[derive(Clone, Debug, PartialEq)]
pub enum Stocked {
    /// The record itself, as `read` would give it.
    Record(Record),
    /// It is there; who wants to know more reads it.
    Listed,
    /// It is nobody yet, and nobody is told of it: a visitor without a name or an address.
    PassedOver,
}

/// One page of a stock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StockPage {
    /// Ids in the system's own order, each with what the page says of it.
    pub rows: Vec<(String, Stocked)>,
    /// Whether there is more after the last row.
    pub more: bool,
    /// How many records there are from this page on, this page included, where the system tells.
    pub left: Option<u64>,
}

/// What several searches for one field have found.
pub type FoundMany = Vec<(String, Vec<Record>)>;

/// A system whose records can be gone through.
///
/// Several records in one call are a matter of speed: what such a call does not answer is asked one by one.
pub trait Stock: Connector {
    /// The records of `object` that come after the record with the id `after`, in an order that never changes: by id,
    /// and not by position or date, which move while the import writes.
    fn stock(
        &self,
        object: &ObjectName,
        after: Option<&str>,
    ) -> impl Future<Output = Result<StockPage, ConnectorError>> + Send;

    /// Reads the records that have these ids. A record that is missing in the answer need not be gone: it may have
    /// been merged into another one, or not be listed; only `read` tells.
    fn read_many(
        &self,
        object: &ObjectName,
        ids: &[String],
    ) -> impl Future<Output = Result<Vec<Record>, ConnectorError>> + Send;

    /// All records that `find` would find for each of these values of a field, were it not content with three. A value
    /// that is missing in the answer was not searched for.
    fn find_many(
        &self,
        object: &ObjectName,
        field: &str,
        values: &[String],
    ) -> impl Future<Output = Result<FoundMany, ConnectorError>> + Send;
}
