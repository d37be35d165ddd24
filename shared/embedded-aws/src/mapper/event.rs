//! The event that Lambda makes of SQS messages. Source: Lambda developer guide, "Using Lambda with Amazon SQS".

use serde_json::{Map, Value as Json, json};

use crate::sqs::ReceivedMessage;

/// The payload for one batch.
pub(super) fn sqs_event(batch: &[ReceivedMessage], arn: &str, region: &str) -> Vec<u8> {
    let records: Vec<Json> = batch.iter().map(|message| record(message, arn, region)).collect();
    json!({"Records": records}).to_string().into_bytes()
}

fn record(message: &ReceivedMessage, arn: &str, region: &str) -> Json {
    let attributes: Map<String, Json> = message
        .message_attributes
        .iter()
        .map(|(name, attribute)| {
            let mut value = json!({
                "stringListValues": [], "binaryListValues": [], "dataType": attribute.data_type,
            });
            if let Some(text) = &attribute.string_value {
                value["stringValue"] = json!(text);
            }
            if let Some(binary) = &attribute.binary_value {
                value["binaryValue"] = json!(binary);
            }
            (name.clone(), value)
        })
        .collect();
    let mut record = json!({
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": message.attributes,
        "messageAttributes": attributes,
        "md5OfBody": message.md5_of_body,
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": region,
    });
    if let Some(md5) = &message.md5_of_message_attributes {
        record["md5OfMessageAttributes"] = json!(md5);
    }
    record
}
