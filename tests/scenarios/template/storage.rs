//! What is kept: the table, the logs, and what must never be in either.

use serde_json::json;

use super::document::template;

/// Parts of a request that tell who somebody is, in the words of API Gateway's access log.
const PERSONAL: [&str; 4] = ["$context.identity", "$context.path", "$context.authorizer", "$request"];

#[test]
fn the_table_has_the_keys_and_the_expiry_that_the_code_uses() {
    let template = template();
    let [(_, table)] = template.resources_of("AWS::DynamoDB::Table")[..] else {
        panic!("there is one table")
    };
    let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    assert_eq!(table["KeySchema"], json!([key("pk", "HASH"), key("sk", "RANGE")]));
    let text = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
    assert_eq!(table["AttributeDefinitions"], json!([text("pk"), text("sk")]));
    assert_eq!(table["TimeToLiveSpecification"], json!({"AttributeName": "expires_at", "Enabled": true}));
    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
}

#[test]
fn the_table_survives_mistakes_and_the_stack() {
    let template = template();
    for (id, table) in template.resources_of("AWS::DynamoDB::Table") {
        assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true, "{id}");
        assert_eq!(table["DeletionProtectionEnabled"], true, "{id}");
        assert_eq!(table["SSESpecification"]["SSEEnabled"], true, "{id}");
        assert_eq!(template.resource(id)["DeletionPolicy"], "Retain", "{id}");
        assert_eq!(template.resource(id)["UpdateReplacePolicy"], "Retain", "{id}");
        assert!(
            table["TableName"].is_null(),
            "{id}: a stack made anew would collide with the table it left behind"
        );
    }
}

#[test]
fn logs_are_kept_for_as_long_as_the_admin_says_and_no_longer() {
    let template = template();
    let groups = template.resources_of("AWS::Logs::LogGroup");
    for (id, group) in &groups {
        assert_eq!(group["RetentionInDays"], json!({"Ref": "LogRetentionDays"}), "{id}");
    }
    for (id, function) in template.functions() {
        let group = function["LoggingConfig"]["LogGroup"]["Ref"].as_str().unwrap_or_default();
        assert!(
            groups.iter().any(|(known, _)| *known == group),
            "{id} logs into a group that Lambda makes and keeps for ever"
        );
    }
}

#[test]
fn the_access_log_names_nobody() {
    let template = template();
    for (id, api) in template.resources_of("AWS::Serverless::HttpApi") {
        let log = &api["AccessLogSettings"];
        let group = super::document::target_of(&log["DestinationArn"], "Arn");
        assert_eq!(template.resource(group)["Type"], "AWS::Logs::LogGroup", "{id}");
        let format = log["Format"].as_str().unwrap();
        let line: serde_json::Value = serde_json::from_str(format).unwrap();
        for value in line.as_object().unwrap().values() {
            assert!(value.as_str().is_some_and(|text| text.starts_with("$context.")), "{id}: {value}");
        }
        for personal in PERSONAL {
            assert!(!format.contains(personal), "{id}: {personal} is in the access log");
        }
        for needed in ["$context.requestId", "$context.routeKey", "$context.status"] {
            assert!(format.contains(needed), "{id}: {needed} is not in the access log");
        }
    }
}
