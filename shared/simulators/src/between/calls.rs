//! The calls that functions make of AWS, as its rights and its bill count them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Service;

/// DynamoDB writes by the kilobyte.
const WRITE_UNIT_BYTES: usize = 1024;

/// A call that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Whose credentials it was signed with: functions of the embedded stack have their names for access keys.
    pub caller: String,
    /// The operation: `TransactWriteItems`.
    pub operation: String,
    /// What its caller must be allowed to do, in the words of IAM: `dynamodb:PutItem`. Of a transaction, and of a batch,
    /// what its items need.
    pub actions: BTreeSet<String>,
    /// What it was done to: the name of the table, the URL of the queue, the id of the secret.
    pub resource: String,
    /// The partitions that were queried.
    pub queried: Vec<String>,
    /// What of it stands in the open: keys of items; of messages everything but the body.
    pub open: String,
    /// Units of reading that DynamoDB counts: 4 KB, or twice as much where it need not be the newest state.
    pub read_units: f64,
    /// Units of writing that DynamoDB counts: 1 KB, two for each item of a transaction.
    pub write_units: f64,
    /// The length of the request.
    pub bytes: usize,
}

/// Makes DynamoDB say what a request consumes, and changes nothing else. A request that is no JSON object stays as it is.
pub(super) fn asking_for_units(service: Service, body: &[u8]) -> Option<Vec<u8>> {
    if service != Service::DynamoDb {
        return None;
    }
    let mut request: Map<String, Value> = serde_json::from_slice(body).ok()?;
    request.entry("ReturnConsumedCapacity").or_insert_with(|| json!("TOTAL"));
    serde_json::to_vec(&request).ok()
}

/// Reads a call from its request and its answer; nothing where the request is none of AWS.
pub(super) fn read(target: &str, authorization: &str, body: &[u8], answer: &[u8]) -> Option<Call> {
    let (namespace, operation) = target.split_once('.')?;
    let request: Value = serde_json::from_slice(body).ok()?;
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let text = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
    let mut call = Call {
        caller: caller(authorization).to_owned(),
        operation: operation.to_owned(),
        actions: BTreeSet::new(),
        resource: String::new(),
        queried: Vec::new(),
        open: String::new(),
        read_units: 0.0,
        write_units: 0.0,
        bytes: body.len(),
    };
    match namespace.split('_').next().unwrap_or_default() {
        "DynamoDB" => {
            call.resource = tables(&request).into_iter().next().unwrap_or_default();
            call.actions = dynamodb_actions(operation, &request);
            call.queried = queried(&request);
            call.open = keys(&request).join("\n");
            let units = consumed(&answer).unwrap_or_else(|| refused(&request, &answer));
            match operation {
                "GetItem" | "BatchGetItem" | "Query" | "Scan" | "TransactGetItems" => call.read_units = units,
                _ => call.write_units = units,
            }
        }
        "AmazonSQS" => {
            call.resource = text("QueueUrl");
            call.open = without_bodies(&request).to_string();
            call.actions = [format!("sqs:{}", operation.trim_end_matches("Batch"))].into();
        }
        "secretsmanager" => {
            call.resource = text("SecretId");
            call.actions = [format!("secretsmanager:{operation}")].into();
        }
        _ => return None,
    }
    Some(call)
}

/// The access key in `AWS4-HMAC-SHA256 Credential=<key>/<date>/<region>/<service>/aws4_request, ...`.
fn caller(authorization: &str) -> &str {
    let (_, credential) = authorization.split_once("Credential=").unwrap_or_default();
    credential.split('/').next().unwrap_or_default()
}

/// The operations in a transaction, each with its request.
fn items(request: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let items = request["TransactItems"].as_array().into_iter().flatten();
    items.filter_map(Value::as_object).flatten()
}

fn tables(request: &Value) -> BTreeSet<String> {
    let own = request["TableName"].as_str();
    let of_batch = request["RequestItems"].as_object().into_iter().flat_map(Map::keys).map(String::as_str);
    let of_items = items(request).filter_map(|(_, item)| item["TableName"].as_str());
    own.into_iter().chain(of_batch).chain(of_items).map(str::to_owned).collect()
}

/// A transaction has no action of its own. Source: "IAM permissions" under "Managing complex workflows with DynamoDB
/// transactions", developer guide.
fn dynamodb_actions(operation: &str, request: &Value) -> BTreeSet<String> {
    if !operation.starts_with("Transact") {
        return [format!("dynamodb:{operation}")].into();
    }
    let action = |kind: &str| match kind {
        "ConditionCheck" => "dynamodb:ConditionCheckItem".to_owned(),
        kind => format!("dynamodb:{kind}Item"),
    };
    items(request).map(|(kind, _)| action(kind)).collect()
}

/// The partitions in a condition such as `#pk = :pk AND begins_with(...)`.
fn queried(request: &Value) -> Vec<String> {
    let condition = request["KeyConditionExpression"].as_str().unwrap_or_default();
    let Some((_, behind)) = condition.split_once('=') else { return Vec::new() };
    let name = behind.split_whitespace().next().unwrap_or_default();
    let value = request["ExpressionAttributeValues"][name]["S"].as_str();
    value.into_iter().map(str::to_owned).collect()
}

/// The keys of items anywhere in a request.
fn keys(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(members) => {
            let own = ["pk", "sk"].into_iter().filter_map(|name| members.get(name)?["S"].as_str());
            own.chain(members.values().flat_map(keys)).collect()
        }
        Value::Array(list) => list.iter().flat_map(keys).collect(),
        _ => Vec::new(),
    }
}

/// A request for queues without the bodies of its messages.
fn without_bodies(request: &Value) -> Value {
    let mut request = request.clone();
    if let Some(members) = request.as_object_mut() {
        members.remove("MessageBody");
    }
    for entry in request["Entries"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        entry.remove("MessageBody");
    }
    request
}

fn consumed(answer: &Value) -> Option<f64> {
    let each = |value: &Value| value["CapacityUnits"].as_f64();
    match &answer["ConsumedCapacity"] {
        Value::Array(tables) => Some(tables.iter().filter_map(each).sum()),
        one => each(one),
    }
}

/// What a write consumes that DynamoDB has refused for its condition: it does not say so, but counts it all the same. By
/// the size of what was to be put, since that of what is there is not told.
fn refused(request: &Value, answer: &Value) -> f64 {
    let kind = answer["__type"].as_str().unwrap_or_default();
    let units = |item: &Value| {
        let bytes = if item["Item"].is_object() { item["Item"].to_string().len() } else { 1 };
        bytes.div_ceil(WRITE_UNIT_BYTES).max(1)
    };
    let units = if kind.ends_with("ConditionalCheckFailedException") {
        units(request)
    } else if kind.ends_with("TransactionCanceledException") {
        items(request).map(|(_, item)| 2 * units(item)).sum()
    } else {
        0
    };
    u32::try_from(units).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=push-mautic/20261121/us-east-1/dynamodb/aws4_request, SignedHeaders=host";

    fn dynamodb(operation: &str, request: &Value, answer: &Value) -> Call {
        let target = format!("DynamoDB_20120810.{operation}");
        read(&target, AUTHORIZATION, request.to_string().as_bytes(), answer.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_transaction_needs_the_actions_of_its_items_and_has_the_units_of_all() {
        let request = json!({ "TransactItems": [
            { "Put": { "TableName": "bridge", "Item": {} } },
            { "ConditionCheck": { "TableName": "bridge" } },
            { "Update": { "TableName": "bridge" } },
        ] });
        let answer = json!({ "ConsumedCapacity": [{ "TableName": "bridge", "CapacityUnits": 8.0, "WriteCapacityUnits": 8.0 }] });
        let call = dynamodb("TransactWriteItems", &request, &answer);
        assert_eq!((call.caller.as_str(), call.resource.as_str()), ("push-mautic", "bridge"));
        let actions: Vec<&str> = call.actions.iter().map(String::as_str).collect();
        assert_eq!(actions, ["dynamodb:ConditionCheckItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]);
        assert!((call.write_units - 8.0).abs() < 1e-9 && call.read_units == 0.0);
        let cancelled = json!({ "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException" });
        assert!((dynamodb("TransactWriteItems", &request, &cancelled).write_units - 6.0).abs() < 1e-9);
    }

    #[test]
    fn what_a_condition_refuses_is_counted_by_its_size_and_what_was_never_tried_is_not() {
        let request = json!({ "TableName": "bridge", "Item": { "pk": { "S": "x".repeat(1500) } } });
        let refused = json!({ "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException" });
        assert!((dynamodb("PutItem", &request, &refused).write_units - 2.0).abs() < 1e-9);
        let throttled = json!({ "__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException" });
        assert!(dynamodb("PutItem", &request, &throttled).write_units.abs() < 1e-9);
    }

    #[test]
    fn reads_queues_and_secrets_are_named_with_what_they_are_about() {
        let query = json!({ "TableName": "bridge", "KeyConditionExpression": "pk = :pk AND begins_with(sk, :p)",
            "ExpressionAttributeValues": { ":pk": { "S": "waits#x" }, ":p": { "S": "y" } } });
        let answer = json!({ "ConsumedCapacity": { "TableName": "bridge", "CapacityUnits": 0.5 } });
        let call = dynamodb("Query", &query, &answer);
        assert_eq!(call.queried, ["waits#x"]);
        assert!((call.read_units - 0.5).abs() < 1e-9);
        let batch = json!({ "RequestItems": { "bridge": { "Keys": [] } } });
        assert_eq!(dynamodb("BatchGetItem", &batch, &answer).resource, "bridge");
        let sent =
            read("AmazonSQS.SendMessageBatch", AUTHORIZATION, br#"{"QueueUrl":"http://q"}"#, b"{}").unwrap();
        assert_eq!(
            (sent.resource.as_str(), sent.actions.first().unwrap().as_str()),
            ("http://q", "sqs:SendMessage")
        );
        let body = br#"{"QueueUrl":"q","Entries":[{"MessageBody":"Ana","MessageGroupId":"mautic:main#7"}]}"#;
        let sent = read("AmazonSQS.SendMessageBatch", AUTHORIZATION, body, b"{}").unwrap();
        assert!(sent.open.contains("mautic:main#7") && !sent.open.contains("Ana"), "{}", sent.open);
        let put = json!({ "TransactItems": [{ "Put": { "TableName": "t", "Item":
            { "pk": { "S": "link#1" }, "sk": { "S": "link" }, "x": { "S": "Ana" } } } }] });
        assert_eq!(dynamodb("TransactWriteItems", &put, &json!({})).open, "link#1\nlink");
        let secret = read("secretsmanager.GetSecretValue", "", br#"{"SecretId":"arn:x"}"#, b"").unwrap();
        assert_eq!((secret.caller.as_str(), secret.resource.as_str()), ("", "arn:x"));
        assert!(read("nonsense", "", b"{}", b"{}").is_none() && read("A.B", "", b"[", b"{}").is_none());
    }

    #[test]
    fn only_dynamodb_is_asked_for_units_and_only_if_nobody_has() {
        let asking = |service, body: &[u8]| {
            asking_for_units(service, body).map(|body| String::from_utf8(body).unwrap())
        };
        let wanted = r#"{"ReturnConsumedCapacity":"TOTAL"}"#;
        assert_eq!(asking(Service::DynamoDb, b"{}").as_deref(), Some(wanted));
        let own = r#"{"ReturnConsumedCapacity":"INDEXES"}"#;
        assert_eq!(asking(Service::DynamoDb, own.as_bytes()).as_deref(), Some(own));
        assert_eq!(asking(Service::Sqs, b"{}"), None);
        assert_eq!(asking(Service::DynamoDb, b"no JSON"), None);
    }
}
