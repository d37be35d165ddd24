//! coreBOS's envelope and records.
//!
//! Every answer is `{"success": true, "result": ...}` or `{"success": false, "error": {"code", "message"}}`, under
//! HTTP 200. Values of records are text.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use model::{Fields, ObjectName, RecordRef, System};
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use sync::{Record, Related, Writer};

/// An answer.
#[derive(Debug, Deserialize)]
pub(crate) struct Envelope {
    pub(crate) success: bool,
    #[serde(default)]
    pub(crate) result: Json,
    #[serde(default)]
    pub(crate) error: Option<WireError>,
    /// What is told besides: a query tells how many rows there are without its limit.
    #[serde(default, rename = "moreinfo")]
    pub(crate) more: Json,
    /// When it was given, by coreBOS's clock.
    #[serde(skip)]
    pub(crate) server_time: Option<Timestamp>,
}

/// What went wrong.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct WireError {
    #[serde(default)]
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) message: String,
}

/// Whether a text is the id of a record: `12x1084`, the number of the module's entity and the record's own.
pub(crate) fn is_record_id(id: &str) -> bool {
    prefix_of(id).is_some()
}

/// The number before the `x` of a record's id.
pub(crate) fn prefix_of(id: &str) -> Option<&str> {
    let (entity, number) = id.split_once('x')?;
    let digits = |text: &str| (1..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    (digits(entity) && digits(number)).then_some(entity)
}

/// Makes a record of the result of retrieve, create, revise, or of a row of a query. `None` without an id.
pub(crate) fn record(system: &System, module: &ObjectName, result: &Json, our_id: &str) -> Option<Record> {
    let result = result.as_object()?;
    let id = result.get("id")?.as_str().filter(|id| is_record_id(id))?;
    let last_writer = match text(result, "modifiedby") {
        None | Some("") => Writer::Unknown,
        Some(by) if by == our_id => Writer::Us,
        Some(_) => Writer::Other,
    };
    Some(Record {
        reference: RecordRef::new(system, module, id),
        fields: fields(result),
        modified: text(result, "modifiedtime").and_then(utc),
        last_writer,
        related: Related::default(),
    })
}

/// The scalars of a record. References come with an object of their own, `related_toename`, which is left out but for
/// the module that it names, as `related_to:module`; a column that queries add is left out, too.
fn fields(result: &Map<String, Json>) -> Fields {
    let scalars = result
        .iter()
        .filter(|(name, value)| !value.is_object() && !value.is_array() && *name != "imagenamefullpath")
        .map(|(name, value)| (name.clone(), value.clone()));
    let modules = result.iter().filter_map(|(name, value)| {
        let module = value.get("module")?.as_str().filter(|module| *module != "Users")?;
        Some((format!("{}:module", name.strip_suffix("ename")?), Json::from(module)))
    });
    scalars.chain(modules).collect()
}

/// All of a record, the objects beside references included.
pub(crate) fn all_fields(result: &Json) -> Option<Fields> {
    Some(result.as_object()?.iter().map(|(name, value)| (name.as_str(), value.clone())).collect())
}

fn text<'a>(result: &'a Map<String, Json>, name: &str) -> Option<&'a str> {
    result.get(name)?.as_str()
}

/// A time of the database, which is UTC.
pub(crate) fn utc(text: &str) -> Option<Timestamp> {
    Some(text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_records_are_told_from_other_texts() {
        for id in ["12x1084", "1x1", "19x5"] {
            assert!(is_record_id(id), "{id}");
        }
        for other in ["", "12", "x", "12x", "x7", "12x1x2", "12 x1", "-1x2", "12x99999999999", "abc", "٣x١"]
        {
            assert!(!is_record_id(other), "{other}");
        }
    }
}
