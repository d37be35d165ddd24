//! Batches: what refuses a whole batch, and how one entry fails alone.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::attributes::MAX_MESSAGE_BYTES;
use super::error::SqsError;
use super::message::SendRequest;

/// An entry of a batch: its id and the request that it stands for.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Entry<T> {
    #[serde(rename = "Id", default)]
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) request: T,
}

/// Refuses a batch as a whole: empty, more than ten entries, bad or repeated ids.
pub(super) fn check<T>(entries: &[Entry<T>], entry_name: &str) -> Result<(), SqsError> {
    if entries.is_empty() {
        return Err(SqsError::empty_batch(entry_name));
    }
    if entries.len() > 10 {
        return Err(SqsError::too_many_entries(entries.len()));
    }
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut seen = HashSet::new();
    for entry in entries {
        if entry.id.is_empty() || entry.id.len() > 80 || !entry.id.chars().all(letters) {
            return Err(SqsError::entry_id());
        }
        if !seen.insert(entry.id.as_str()) {
            return Err(SqsError::entry_id_repeated(&entry.id));
        }
    }
    Ok(())
}

/// Refuses a batch that is larger than one message may be.
pub(super) fn check_size(entries: &[Entry<SendRequest>]) -> Result<(), SqsError> {
    let bytes: usize = entries.iter().map(|entry| entry.request.size()).sum();
    if bytes > MAX_MESSAGE_BYTES { Err(SqsError::batch_too_long(bytes, MAX_MESSAGE_BYTES)) } else { Ok(()) }
}

/// The answer to a batch: every entry either under `Successful` or under `Failed`.
pub(super) fn answer(results: Vec<(String, Result<Json, SqsError>)>) -> Json {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (id, result) in results {
        match result {
            Ok(mut entry) => {
                entry["Id"] = json!(id);
                successful.push(entry);
            }
            Err(error) => failed.push(json!({
                "Id": id, "SenderFault": !error.is_internal(), "Code": error.code, "Message": error.message,
            })),
        }
    }
    let mut answer = json!({"Successful": successful});
    if !failed.is_empty() {
        answer["Failed"] = json!(failed);
    }
    answer
}
