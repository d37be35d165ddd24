//! Which messages of a batch count as dealt with.
//!
//! Source: Lambda developer guide, "Handling errors for an SQS event source in Lambda", success and failure conditions.

use std::collections::HashSet;

use serde_json::Value as Json;

use crate::lambda::InvokeAnswer;
use crate::sqs::ReceivedMessage;

/// The messages to delete.
///
/// A function error deletes nothing. Without `ReportBatchItemFailures` any answer deletes all. With it, an empty or
/// null answer and an empty, null or absent list delete all; a list deletes everything that it does not name; an entry
/// without a proper `itemIdentifier`, one that is empty, null or not of this batch, or an answer that is no object,
/// deletes nothing.
pub(super) fn succeeded<'m>(
    answer: &InvokeAnswer,
    reports_item_failures: bool,
    batch: &'m [ReceivedMessage],
) -> Vec<&'m ReceivedMessage> {
    if answer.error.is_some() {
        return Vec::new();
    }
    if !reports_item_failures {
        return batch.iter().collect();
    }
    match failures(&answer.payload, batch) {
        Some(failed) => {
            batch.iter().filter(|message| !failed.contains(message.message_id.as_str())).collect()
        }
        None => Vec::new(),
    }
}

/// The ids that the function lists; `None` when the whole batch has failed.
fn failures(payload: &[u8], batch: &[ReceivedMessage]) -> Option<HashSet<String>> {
    if payload.iter().all(u8::is_ascii_whitespace) {
        return Some(HashSet::new());
    }
    let answer: Json = serde_json::from_slice(payload).ok()?;
    let list = match &answer {
        Json::Null => return Some(HashSet::new()),
        Json::Object(answer) => answer.get("batchItemFailures").unwrap_or(&Json::Null),
        _ => return None,
    };
    if list.is_null() {
        return Some(HashSet::new());
    }
    let identifier = |entry: &Json| {
        let id = entry.get("itemIdentifier")?.as_str()?;
        batch.iter().any(|message| message.message_id == id).then(|| id.to_owned())
    };
    list.as_array()?.iter().map(identifier).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::lambda::FunctionError;

    fn message(id: &str) -> ReceivedMessage {
        ReceivedMessage {
            message_id: id.to_owned(),
            receipt_handle: String::new(),
            md5_of_body: String::new(),
            body: String::new(),
            attributes: BTreeMap::new(),
            md5_of_message_attributes: None,
            message_attributes: BTreeMap::new(),
        }
    }

    fn deleted(payload: &str, reports: bool, failed: bool) -> String {
        let answer = InvokeAnswer {
            request_id: String::new(),
            payload: payload.as_bytes().to_vec(),
            error: failed.then(|| FunctionError { error_type: "E".to_owned(), message: String::new() }),
            duration: Duration::ZERO,
            log_lines: Vec::new(),
        };
        let batch = [message("a"), message("b"), message("c")];
        succeeded(&answer, reports, &batch).iter().map(|message| message.message_id.as_str()).collect()
    }

    #[test]
    fn the_answer_decides_what_is_deleted_as_lambda_documents_it() {
        for (payload, expected) in [
            // Complete success.
            ("", "abc"),
            ("null", "abc"),
            ("{}", "abc"),
            (r#"{"batchItemFailures":[]}"#, "abc"),
            (r#"{"batchItemFailures":null}"#, "abc"),
            (r#"{"other":1}"#, "abc"),
            // Partial failure.
            (r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#, "ac"),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"b"},{"itemIdentifier":"c"}]}"#,
                "a",
            ),
            // Complete failure.
            (r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#, ""),
            (r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#, ""),
            (r#"{"batchItemFailures":[{"itemId":"b"}]}"#, ""),
            (r#"{"batchItemFailures":[{"itemIdentifier":"unknown"}]}"#, ""),
            (r#"{"batchItemFailures":[{"itemIdentifier":7}]}"#, ""),
            (r#"{"batchItemFailures":["b"]}"#, ""),
            (r#"{"batchItemFailures":"b"}"#, ""),
            (r#""ok""#, ""),
            ("not json", ""),
        ] {
            assert_eq!(deleted(payload, true, false), expected, "{payload}");
        }
    }

    #[test]
    fn without_the_response_type_any_answer_deletes_all_and_an_error_nothing() {
        let names_b = r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#;
        assert_eq!(deleted(names_b, false, false), "abc");
        assert_eq!(deleted("not json", false, false), "abc");
        assert_eq!(deleted("null", false, true), "");
        assert_eq!(deleted("null", true, true), "");
    }
}
