//! Alarms: everything that can lose a change, or keep it waiting, wakes somebody and tells what to do.

use std::fs;

use serde_json::{Value, json};

use super::document::{Template, events_of, name_of, target_of, template, workspace};

/// The one alarm for a metric of a thing.
fn alarm<'t>(template: &'t Template, namespace: &str, metric: &str, dimension: &Value) -> &'t Value {
    let alarms = template.resources_of("AWS::CloudWatch::Alarm");
    let mut found = alarms.into_iter().filter(|(_, alarm)| {
        alarm["Namespace"] == namespace
            && alarm["MetricName"] == metric
            && alarm["Dimensions"] == json!([dimension])
    });
    match (found.next(), found.next()) {
        (Some((_, alarm)), None) => alarm,
        (None, _) => panic!("no alarm for {namespace} {metric} of {dimension}"),
        (Some(_), Some(_)) => panic!("two alarms for {namespace} {metric} of {dimension}"),
    }
}

/// Fails unless the alarm goes off at the first event.
fn assert_any_is_too_many(alarm: &Value) {
    assert_eq!(alarm["Threshold"], 0, "{}", alarm["AlarmName"]);
    assert_eq!(alarm["ComparisonOperator"], "GreaterThanThreshold", "{}", alarm["AlarmName"]);
}

#[test]
fn a_function_that_fails_or_cannot_run_wakes_somebody() {
    let template = template();
    for (id, function) in template.functions() {
        if !events_of(function, "HttpApi").is_empty() {
            // What a webhook function does not answer, the API answers with a server error.
            continue;
        }
        if !template.queues_of(function).is_empty() {
            // What a push does not do waits in its queue.
            continue;
        }
        let dimension = json!({"Name": "FunctionName", "Value": {"Ref": id}});
        let errors = alarm(&template, "AWS/Lambda", "Errors", &dimension);
        assert_eq!(errors["Statistic"], "Sum", "{id}");
        assert_any_is_too_many(errors);
    }
    let throttles = template.resource("ThrottlesAlarm");
    assert_eq!(throttles["Properties"]["MetricName"], "Throttles");
    assert!(throttles["Properties"]["Dimensions"].is_null(), "the limit is the account's");
}

#[test]
fn a_change_that_waits_or_dies_wakes_somebody() {
    let template = template();
    for (_, function) in template.functions() {
        for (id, queue) in template.queues_of(function) {
            let of =
                |id: &str| json!({"Name": "QueueName", "Value": {"Fn::GetAtt": format!("{id}.QueueName")}});
            let age = alarm(&template, "AWS/SQS", "ApproximateAgeOfOldestMessage", &of(id));
            assert_eq!(age["Statistic"], "Maximum", "{id}");
            let longest = queue["MessageRetentionPeriod"].as_i64().unwrap();
            assert!(age["Threshold"].as_i64().unwrap() < longest / 100, "{id}: far too late to do anything");
            let dead_letters = target_of(&queue["RedrivePolicy"]["deadLetterTargetArn"], "Arn");
            let dead = alarm(&template, "AWS/SQS", "ApproximateNumberOfMessagesVisible", &of(dead_letters));
            assert_any_is_too_many(dead);
        }
    }
}

#[test]
fn whatever_has_stopped_or_parked_a_change_wakes_somebody() {
    let template = template();
    // Namespace, metric and dimension are those of shared/aws, in the embedded metric format: of all functions together.
    let dimension = json!({"Name": "Bridge", "Value": {"Fn::Sub": "${NamePrefix}corebos-bridge"}});
    for metric in ["Stopped", "Parked"] {
        assert_any_is_too_many(alarm(&template, "CorebosBridge", metric, &dimension));
    }
}

/// Five dollars a month is what an idle bridge may cost; this much of it is for alarms, two of them for each system that
/// is connected on request.
#[test]
fn alarms_are_few() {
    let template = template();
    let alarms = template.resources_of("AWS::CloudWatch::Alarm");
    assert!(alarms.len() <= 19, "{} alarms cost {} cents a month", alarms.len(), 10 * alarms.len());
    for (id, alarm) in alarms {
        assert!(alarm["Metrics"].is_null(), "{id}: an alarm costs ten cents for each of its metrics");
    }
}

/// The README tells what an idle month costs, by the queues and alarms of the template; with everything it is below five
/// dollars.
#[test]
fn the_readme_tells_what_an_idle_month_costs() {
    let template = template();
    let readme = fs::read_to_string(workspace().join("README.md")).unwrap();
    let row = |name: &str| -> Vec<String> {
        let row = readme.lines().find(|line| line.starts_with(&format!("| {name}"))).unwrap();
        row.split('|')
            .skip(2)
            .map(|cell| cell.trim().replace('*', ""))
            .filter(|cell| !cell.is_empty())
            .collect()
    };
    let connected = [&[][..], &["HasHubspot"], &["HasHubspot", "HasSignal", "HasWordpress"]];
    let count = |kind: &str, connected: &[&str]| {
        let resources = template.resources_of(kind).into_iter();
        let is_there = |id: &str| {
            template.resource(id)["Condition"].as_str().is_none_or(|condition| connected.contains(&condition))
        };
        resources.filter(|(id, _)| is_there(id)).count()
    };
    for (column, connected) in connected.into_iter().enumerate() {
        let alarms = count("AWS::CloudWatch::Alarm", connected);
        assert_eq!(row("alarms")[column], format!("{}.{}0 ({alarms})", alarms / 10, alarms % 10));
        // Each queue has one with the dead letters.
        let queues = count("AWS::SQS::Queue", connected) / 2;
        let cents = (324 * queues + 5) / 10;
        assert_eq!(row("pollers")[column], format!("{}.{:02} ({queues})", cents / 100, cents % 100));
        let dollars = |name: &str| row(name)[column].split(' ').next().unwrap().parse::<f64>().unwrap();
        let parts = dollars("alarms") + dollars("pollers") + dollars("one secret") + dollars("ticks");
        assert!((dollars("together") - parts).abs() < 0.02, "{} is not {parts}", dollars("together"));
        assert!(parts < 5.0, "{parts}");
    }
}

#[test]
fn a_webhook_that_is_refused_or_not_taken_wakes_somebody() {
    let template = template();
    for (id, _) in template.resources_of("AWS::Serverless::HttpApi") {
        let dimension = json!({"Name": "ApiId", "Value": {"Ref": id}});
        // A function that answers 503 has not failed in Lambda's eyes, but the webhook is gone all the same.
        assert_any_is_too_many(alarm(&template, "AWS/ApiGateway", "5xx", &dimension));
        assert_eq!(alarm(&template, "AWS/ApiGateway", "4xx", &dimension)["Statistic"], "Sum");
    }
}

#[test]
fn every_alarm_tells_what_to_do_and_goes_where_the_admin_reads() {
    let template = template();
    let topic = json!([{"Fn::If": ["HasAlarmEmail", {"Ref": "AlarmTopic"}, {"Ref": "AWS::NoValue"}]}]);
    for (id, alarm) in template.resources_of("AWS::CloudWatch::Alarm") {
        assert!(id.ends_with("Alarm"), "{id}");
        name_of(&alarm["AlarmName"], "");
        let description = alarm["AlarmDescription"].as_str().unwrap_or_default();
        assert!(
            description.matches(". ").count() >= 1,
            "{id} says what is wrong, and not what to do: {description}"
        );
        assert!(description.len() <= 1024, "{id}: CloudWatch takes 1,024 characters");
        assert_eq!(alarm["AlarmActions"], topic, "{id}");
        assert_eq!(alarm["TreatMissingData"], "notBreaching", "{id}: an idle stack is no fault");
        assert!(alarm["Period"].as_i64().unwrap() >= 60, "{id}: shorter periods cost more and see no more");
    }
    let topic = template.resource("AlarmTopic");
    assert_eq!(topic["Condition"], "HasAlarmEmail");
    assert_eq!(
        topic["Properties"]["Subscription"],
        json!([{"Protocol": "email", "Endpoint": {"Ref": "AlarmEmail"}}])
    );
}
