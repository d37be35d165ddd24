//! Tables and secrets through the SDK, and templates that cannot be used.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata as _;
use embedded_aws::{Stack, StackError};
use serde_json::{Value, json};

use crate::support::{Running, options, start, start_with};

const TEMPLATE: &str = r"
Parameters:
  OtherSecret: {Type: String, Default: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/other-AbCdEf'}
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: bridge
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions:
        - {AttributeName: pk, AttributeType: S}
        - {AttributeName: sk, AttributeType: S}
        - {AttributeName: kind, AttributeType: S}
      KeySchema:
        - {AttributeName: pk, KeyType: HASH}
        - {AttributeName: sk, KeyType: RANGE}
      GlobalSecondaryIndexes:
        - IndexName: by-kind
          KeySchema: [{AttributeName: kind, KeyType: HASH}, {AttributeName: sk, KeyType: RANGE}]
          Projection: {ProjectionType: ALL}
      TimeToLiveSpecification: {AttributeName: expires_at, Enabled: true}
      PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}
      SSESpecification: {SSEEnabled: true}
  Keys:
    Type: AWS::SecretsManager::Secret
    Properties: {Name: shop/keys}
  Empty:
    Type: AWS::SecretsManager::Secret
    Properties: {Name: shop/empty}
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: echo
      CodeUri: functions/echo
      Timeout: 10
      Environment: {Variables: {TABLE: !Ref Table, KEYS: !Ref Keys}}
";

fn dynamodb(running: &Running) -> aws_sdk_dynamodb::Client {
    use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(&running.stack.endpoints().dynamodb)
        .credentials_provider(Credentials::new("local", "local", None, None, "tests"));
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

fn secrets(running: &Running) -> aws_sdk_secretsmanager::Client {
    use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(&running.stack.endpoints().secrets)
        .credentials_provider(Credentials::new("local", "local", None, None, "tests"));
    aws_sdk_secretsmanager::Client::from_conf(config.build())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_the_template_has_its_keys_index_and_expiry() {
    let running = start(TEMPLATE).await;
    let client = dynamodb(&running);
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let item = client.put_item().table_name("bridge").item("pk", text("a")).item("sk", text("1"));
    item.item("kind", text("link")).send().await.unwrap();
    let found = client
        .query()
        .table_name("bridge")
        .index_name("by-kind")
        .key_condition_expression("kind = :kind")
        .expression_attribute_values(":kind", text("link"))
        .send()
        .await
        .unwrap();
    assert_eq!(found.count(), 1);
    let expiry = client.describe_time_to_live().table_name("bridge").send().await.unwrap();
    let expiry = expiry.time_to_live_description().unwrap();
    assert_eq!(expiry.attribute_name(), Some("expires_at"));
    assert_eq!(expiry.time_to_live_status().unwrap().as_str(), "ENABLED");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_found_by_name_and_arn_and_put_values_replace_them() {
    let mut wanted = options(TEMPLATE);
    let other = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/other-AbCdEf";
    wanted.secrets = BTreeMap::from([
        ("shop/keys".to_owned(), json!({"url": "http://127.0.0.1", "key": "k"})),
        (other.to_owned(), json!("plain text")),
    ]);
    let running = start_with(wanted).await;
    let client = secrets(&running);
    let get = async |id: &str| client.get_secret_value().secret_id(id).send().await;
    let keys = get("shop/keys").await.unwrap();
    let value: Value = serde_json::from_str(keys.secret_string().unwrap()).unwrap();
    assert_eq!(value, json!({"url": "http://127.0.0.1", "key": "k"}));
    assert_eq!(keys.version_stages(), ["AWSCURRENT"]);
    assert!(keys.created_date().is_some());
    assert_eq!(get(keys.arn().unwrap()).await.unwrap().secret_string(), keys.secret_string());
    for id in [other, "shop/other", other.trim_end_matches("-AbCdEf")] {
        assert_eq!(get(id).await.unwrap().secret_string(), Some("plain text"), "{id}");
    }
    for id in ["shop/empty", "shop/nothing"] {
        assert_eq!(get(id).await.unwrap_err().code(), Some("ResourceNotFoundException"), "{id}");
    }
    let put = client.put_secret_value().secret_id("shop/keys").secret_string("new").send().await.unwrap();
    let current = get("shop/keys").await.unwrap();
    assert_eq!((current.secret_string(), current.version_id()), (Some("new"), put.version_id()));
    let previous =
        client.get_secret_value().secret_id("shop/keys").version_stage("AWSPREVIOUS").send().await.unwrap();
    assert_eq!(previous.secret_string(), keys.secret_string());
    // And a function reads it by the reference that its environment holds.
    let environment = running.stack.invoke("echo", &json!({"mode": "environment"})).await.unwrap();
    let environment: Value = serde_json::from_slice(&environment.payload).unwrap();
    let answer = running
        .stack
        .invoke("echo", &json!({"mode": "secret", "id": environment["environment"]["KEYS"]}))
        .await;
    let answer: Value = serde_json::from_slice(&answer.unwrap().payload).unwrap();
    assert_eq!(answer["secret"], "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_a_service_refuses_is_an_error_with_its_line() {
    for (template, line, expected) in [
        (
            "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      VisibilityTimeout: 50000\n",
            5,
            "VisibilityTimeout",
        ),
        (
            "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      FifoQueue: true\n      QueueName: a\n",
            5,
            ".fifo",
        ),
        (
            "Resources:\n  T:\n    Type: AWS::DynamoDB::Table\n    Properties:\n      KeySchema: [{AttributeName: a, KeyType: HASH}]\n      AttributeDefinitions: []\n",
            5,
            "refused",
        ),
    ] {
        let error = Stack::start(options(template)).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("template line {line}:")) && error.contains(expected), "{error}");
    }
    let error = Stack::start(options("Resources: [")).await.unwrap_err();
    assert!(matches!(error, StackError::Template(_)), "{error}");
}
