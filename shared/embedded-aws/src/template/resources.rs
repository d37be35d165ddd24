//! Queues, tables and secrets of a template.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::TemplateError;
use super::intrinsic::Scope;
use super::node::Node;

/// An `AWS::SQS::Queue`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSpec {
    /// Logical id.
    pub logical_id: String,
    /// `QueueName`, or the logical id; a FIFO queue's name ends in `.fifo`.
    pub name: String,
    /// Attributes by the names that `CreateQueue` takes. Each is text, as the API wants it.
    pub attributes: BTreeMap<String, String>,
    /// Line of its properties in the template.
    pub line: usize,
}

impl QueueSpec {
    /// Whether it is a FIFO queue.
    pub fn is_fifo(&self) -> bool {
        self.attributes.get("FifoQueue").is_some_and(|value| value == "true")
    }

    /// `VisibilityTimeout` in seconds; 30 if the template gives none.
    pub fn visibility_timeout_seconds(&self) -> u32 {
        self.attributes.get("VisibilityTimeout").and_then(|value| value.parse().ok()).unwrap_or(30)
    }

    fn dead_letter_arn(&self) -> Option<String> {
        let policy: Json = serde_json::from_str(self.attributes.get("RedrivePolicy")?).ok()?;
        policy.get("deadLetterTargetArn").and_then(Json::as_str).map(str::to_owned)
    }
}

/// An `AWS::DynamoDB::Table` or `AWS::Serverless::SimpleTable`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSpec {
    /// Logical id.
    pub logical_id: String,
    /// `TableName`, or the logical id.
    pub name: String,
    /// The request that `CreateTable` takes.
    pub create: Json,
    /// Attribute that holds the expiry in epoch seconds, if expiry is on.
    pub ttl_attribute: Option<String>,
    /// Line of its properties in the template.
    pub line: usize,
}

/// An `AWS::SecretsManager::Secret`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretSpec {
    /// Logical id.
    pub logical_id: String,
    /// `Name`, or the logical id.
    pub name: String,
    /// `SecretString` of the template, which only belongs there when it is no secret.
    pub value: Option<String>,
}

impl std::fmt::Debug for SecretSpec {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SecretSpec").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Properties of a queue that `CreateQueue` takes as text.
const QUEUE_PROPERTIES: [&str; 9] = [
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoQueue",
    "FifoThroughputLimit",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "VisibilityTimeout",
];

/// Properties of a queue that mean nothing in a local run.
const QUEUE_PROPERTIES_PASSED_OVER: [&str; 6] = [
    "QueueName",
    "Tags",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled",
    "RedriveAllowPolicy",
];

pub(crate) fn queues(scope: &Scope<'_>) -> Result<Vec<QueueSpec>, TemplateError> {
    let mut queues = Vec::new();
    for (id, properties) in scope.resources_of("AWS::SQS::Queue")? {
        let mut attributes = BTreeMap::new();
        for (key, value) in properties.as_map().unwrap_or_default() {
            if QUEUE_PROPERTIES.contains(&key.as_str()) {
                let text = value.as_text().ok_or_else(|| {
                    TemplateError::new(
                        value.line,
                        format!("`{key}` of `{id}` must be a scalar, not {}", value.kind()),
                    )
                })?;
                attributes.insert(key.clone(), normal_text(value, text));
            } else if key == "RedrivePolicy" {
                attributes.insert(key.clone(), redrive_policy(id, value)?);
            } else if !QUEUE_PROPERTIES_PASSED_OVER.contains(&key.as_str()) {
                return Err(TemplateError::new(
                    value.line,
                    format!("`{id}`: a queue has no property `{key}`"),
                ));
            }
        }
        // CloudFormation takes `FifoQueue: false` for a standard queue; the API refuses the attribute there.
        if attributes.get("FifoQueue").is_some_and(|value| value == "false") {
            attributes.remove("FifoQueue");
        }
        let name = match scope.resource(id) {
            Some(resource) => scope.physical_name(id, resource)?,
            None => id.to_owned(),
        };
        queues.push(QueueSpec { logical_id: id.to_owned(), name, attributes, line: properties.line });
    }
    order_by_dead_letters(queues, scope)
}

/// `true` and `"True"` become `true`; numbers stay as they are.
fn normal_text(node: &Node, text: &str) -> String {
    match node.as_bool() {
        Some(value) => value.to_string(),
        None => text.to_owned(),
    }
}

fn redrive_policy(id: &str, value: &Node) -> Result<String, TemplateError> {
    let wrong = |what: &str| TemplateError::new(value.line, format!("`RedrivePolicy` of `{id}` {what}"));
    let target = value.get("deadLetterTargetArn").and_then(Node::as_text);
    let target = target.ok_or_else(|| wrong("needs `deadLetterTargetArn`"))?;
    let count = value.get("maxReceiveCount").and_then(Node::as_integer);
    let count = count.ok_or_else(|| wrong("needs `maxReceiveCount`, a whole number"))?;
    Ok(json!({"deadLetterTargetArn": target, "maxReceiveCount": count}).to_string())
}

/// A queue can only be created after the one that its policy names.
fn order_by_dead_letters(queues: Vec<QueueSpec>, scope: &Scope<'_>) -> Result<Vec<QueueSpec>, TemplateError> {
    let mut ordered: Vec<QueueSpec> = Vec::with_capacity(queues.len());
    let mut waiting = queues;
    while !waiting.is_empty() {
        let before = ordered.len();
        let mut left = Vec::new();
        for queue in waiting {
            let target = queue.dead_letter_arn();
            let ready =
                target.is_none_or(|arn| ordered.iter().any(|done| scope.names.queue_arn(&done.name) == arn));
            if ready { ordered.push(queue) } else { left.push(queue) }
        }
        if ordered.len() == before {
            let queue = &left[0];
            return Err(TemplateError::new(
                queue.line,
                format!("the dead-letter queue of `{}` is not a queue of this template", queue.logical_id),
            ));
        }
        waiting = left;
    }
    Ok(ordered)
}

pub(crate) fn tables(scope: &Scope<'_>) -> Result<Vec<TableSpec>, TemplateError> {
    let mut tables = Vec::new();
    for (id, properties) in scope.resources_of("AWS::DynamoDB::Table")? {
        let name = text_property(&properties, "TableName").unwrap_or(id).to_owned();
        let mut create = json!({"TableName": name});
        for key in ["AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
            if let Some(value) = properties.get(key) {
                create[key] = value.to_json();
            } else if key == "KeySchema" || key == "AttributeDefinitions" {
                return Err(TemplateError::new(properties.line, format!("the table `{id}` has no `{key}`")));
            }
        }
        // The default of CloudFormation is PROVISIONED, and wants a throughput; a local table needs none.
        create["BillingMode"] = json!("PAY_PER_REQUEST");
        for index in
            create.get_mut("GlobalSecondaryIndexes").and_then(Json::as_array_mut).into_iter().flatten()
        {
            if let Some(index) = index.as_object_mut() {
                index.retain(|key, _| matches!(key.as_str(), "IndexName" | "KeySchema" | "Projection"));
            }
        }
        let ttl = properties.get("TimeToLiveSpecification");
        let ttl_on = ttl.and_then(|ttl| ttl.get("Enabled")).and_then(Node::as_bool) == Some(true);
        let ttl_attribute = ttl.and_then(|ttl| ttl.get("AttributeName")).and_then(Node::as_text);
        tables.push(TableSpec {
            logical_id: id.to_owned(),
            name,
            create,
            ttl_attribute: ttl_attribute.filter(|_| ttl_on).map(str::to_owned),
            line: properties.line,
        });
    }
    for (id, properties) in scope.resources_of("AWS::Serverless::SimpleTable")? {
        let name = text_property(&properties, "TableName").unwrap_or(id).to_owned();
        let key = properties.get("PrimaryKey");
        let attribute = key.and_then(|key| key.get("Name")).and_then(Node::as_text).unwrap_or("id");
        let kind = match key.and_then(|key| key.get("Type")).and_then(Node::as_text) {
            Some("Number") => "N",
            Some("Binary") => "B",
            _ => "S",
        };
        let create = json!({
            "TableName": name,
            "AttributeDefinitions": [{"AttributeName": attribute, "AttributeType": kind}],
            "KeySchema": [{"AttributeName": attribute, "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        });
        tables.push(TableSpec {
            logical_id: id.to_owned(),
            name,
            create,
            ttl_attribute: None,
            line: properties.line,
        });
    }
    Ok(tables)
}

pub(crate) fn secrets(scope: &Scope<'_>) -> Result<Vec<SecretSpec>, TemplateError> {
    let secrets =
        scope.resources_of("AWS::SecretsManager::Secret")?.into_iter().map(|(id, properties)| SecretSpec {
            logical_id: id.to_owned(),
            name: text_property(&properties, "Name").unwrap_or(id).to_owned(),
            value: text_property(&properties, "SecretString").map(str::to_owned),
        });
    Ok(secrets.collect())
}

fn text_property<'n>(properties: &'n Node, key: &str) -> Option<&'n str> {
    properties.get(key).and_then(Node::as_text)
}
