//! One role per function, with the actions and resources that the function's own wiring asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};

use super::document::{Template, events_of, items, name_of, target_of, template, texts, workspace};
use crate::architecture::layout::walk;

/// Actions on a queue that feeds a function: the event source takes and deletes in the function's name.
const TAKE: [&str; 4] =
    ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"];

/// Actions on the table. Transactions need the actions of their items, and have no condition checks of their own.
/// The records that wait for a parent are queried for.
const KEEP: [&str; 6] = [
    "dynamodb:BatchGetItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
];

/// Actions of a poll on the table: settings are read, cursors moved, a first identity stored; what waits for a system
/// to be switched on is queried for and forgotten.
const MOVE_CURSORS: [&str; 5] =
    ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"];

/// Actions of `shared/aws` that only the command line needs, with the rights of whoever runs it.
const COMMAND_LINE: [&str; 5] = [
    // The benchmark fills the table of its own stack; without the feature `measurements` there is no such call.
    "dynamodb:BatchWriteItem",
    "secretsmanager:PutSecretValue",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
];

/// Calls of the SDK by which a source file asks for an action. A call that is not here is new, and IAM refuses what
/// no local run does: add it here, and where it is needed in the template.
const CALLS: [(&str, &[&str]); 15] = [
    (".batch_get_item()", &["dynamodb:BatchGetItem"]),
    (".batch_write_item()", &["dynamodb:BatchWriteItem"]),
    (".delete_item()", &["dynamodb:DeleteItem"]),
    (".get_item()", &["dynamodb:GetItem"]),
    (".put_item()", &["dynamodb:PutItem"]),
    (".query().table_name", &["dynamodb:Query"]),
    (".transact_write_items()", &["dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]),
    (".update_item()", &["dynamodb:UpdateItem"]),
    (".change_message_visibility_batch()", &["sqs:ChangeMessageVisibility"]),
    (".send_message", &["sqs:SendMessage"]),
    (".get_secret_value()", &["secretsmanager:GetSecretValue"]),
    (".delete_message", &["sqs:DeleteMessage"]),
    (".get_queue_attributes()", &["sqs:GetQueueAttributes"]),
    (".receive_message()", &["sqs:ReceiveMessage"]),
    (".put_secret_value()", &["secretsmanager:PutSecretValue"]),
];

/// Further calls that the SDK has, for things that no function does.
const NEVER: [&str; 9] = [
    ".condition_check(",
    ".create_table()",
    ".describe_table()",
    ".execute_statement()",
    ".get_queue_url()",
    ".list_queues()",
    ".purge_queue()",
    ".scan()",
    ".transact_get_items()",
];

/// Action and resource of everything a role allows, the resource by its logical id or parameter.
pub(crate) type Allowed = BTreeSet<(String, String)>;

fn role<'t>(template: &'t Template, function: &'t Value) -> (&'t str, &'t Value) {
    let id = target_of(&function["Role"], "Arn");
    let resource = template.resource(id);
    assert_eq!(resource["Type"], "AWS::IAM::Role", "{id}");
    (id, &resource["Properties"])
}

/// What each function may do, by its name.
pub(crate) fn rights(template: &Template) -> BTreeMap<&str, Allowed> {
    let functions = template.functions().into_iter();
    functions
        .map(|(_, function)| (name_of(&function["FunctionName"], ""), allowed(role(template, function).1)))
        .collect()
}

/// The beginnings of the partitions that each function may query, by its name.
pub(crate) fn may_query(template: &Template) -> BTreeMap<&str, Vec<&str>> {
    let functions = template.functions().into_iter();
    let keys = |function| {
        let queries = statements(role(template, function).1)
            .into_iter()
            .filter(|statement| texts(&statement["Action"]).contains(&"dynamodb:Query"));
        queries
            .flat_map(|statement| {
                texts(&statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
            })
            .map(|key| key.trim_end_matches('*'))
            .collect()
    };
    functions.map(|(_, function)| (name_of(&function["FunctionName"], ""), keys(function))).collect()
}

fn statements(role: &Value) -> Vec<&Value> {
    let policies = items(&role["Policies"]).into_iter();
    policies.flat_map(|policy| items(&policy["PolicyDocument"]["Statement"])).collect()
}

fn allowed(role: &Value) -> Allowed {
    let mut allowed = Allowed::new();
    for statement in statements(role) {
        for resource in items(&statement["Resource"]) {
            let resource = if_connected(resource);
            let id = match resource["Ref"].as_str() {
                Some(parameter) => parameter,
                None => target_of(resource, "Arn"),
            };
            for action in texts(&statement["Action"]) {
                assert!(
                    allowed.insert((action.to_owned(), id.to_owned())),
                    "{action} on {id} is allowed twice"
                );
            }
        }
    }
    allowed
}

/// What stands there if the system that it is about is connected.
fn if_connected(value: &Value) -> &Value {
    match value["Fn::If"].as_array().map(Vec::as_slice) {
        Some([condition, there, _]) if condition.as_str().is_some_and(|name| name.starts_with("Has")) => {
            there
        }
        _ => value,
    }
}

/// What the wiring of a function asks for: its events, its variables and its log group.
fn needed(function: &Value) -> Allowed {
    let mut needed = Allowed::new();
    let mut add = |actions: &[&str], resource: &str| {
        needed.extend(actions.iter().map(|action| ((*action).to_owned(), resource.to_owned())));
    };
    add(
        &["logs:CreateLogStream", "logs:PutLogEvents"],
        function["LoggingConfig"]["LogGroup"]["Ref"].as_str().unwrap_or(""),
    );
    let fed_from: Vec<&str> =
        events_of(function, "SQS").into_iter().map(|source| target_of(&source["Queue"], "Arn")).collect();
    for queue in &fed_from {
        add(&TAKE, queue);
    }
    let is_poll = !events_of(function, "ScheduleV2").is_empty();
    // The poll of Mautic looks for deletes that nobody told of.
    let calls_roll = is_poll && function["Environment"]["Variables"]["MAUTIC_SECRET_ARN"].is_object();
    let is_webhook = !events_of(function, "HttpApi").is_empty();
    // Visitors and users of sites are no records that wait for a parent.
    let variables = &function["Environment"]["Variables"];
    let keeps_links = ["VISITOR_EVENTS_QUEUE_URL", "WORDPRESS_CHANGES_DEAD_LETTERS_URL"]
        .iter()
        .all(|name| variables[*name].is_null());
    for (name, value) in function["Environment"]["Variables"].as_object().into_iter().flatten() {
        let Some(target) = if_connected(value)["Ref"].as_str() else { continue };
        match name {
            _ if name.ends_with("_SECRET_ARN") => add(&["secretsmanager:GetSecretValue"], target),
            _ if name.ends_with("_TABLE") && is_poll => {
                add(&MOVE_CURSORS, target);
                if calls_roll {
                    add(&["dynamodb:BatchGetItem"], target);
                }
            }
            _ if name.ends_with("_TABLE") && is_webhook => add(&["dynamodb:GetItem"], target),
            _ if name.ends_with("_TABLE") && !keeps_links => {
                // A user is one item; what is known of a visitor is several.
                let several = !variables["VISITOR_EVENTS_QUEUE_URL"].is_null();
                let is_done = |action: &&str| match *action {
                    "dynamodb:Query" => false,
                    "dynamodb:BatchGetItem" => several,
                    _ => true,
                };
                let done: Vec<&str> = KEEP.into_iter().filter(is_done).collect();
                add(&done, target);
            }
            _ if name.ends_with("_TABLE") => add(&KEEP, target),
            // The queue that feeds a function is known to it for its waits; into others it puts notices. What waits for
            // a record goes back into its own queue.
            _ if name.ends_with("_QUEUE_URL") && (keeps_links || !fed_from.contains(&target)) => {
                add(&["sqs:SendMessage"], target);
            }
            _ if name.ends_with("_DEAD_LETTERS_URL") => add(&["sqs:SendMessage"], target),
            _ => {}
        }
    }
    needed
}

#[test]
fn a_function_may_do_what_its_wiring_asks_for_and_nothing_else() {
    let template = template();
    for (id, function) in template.functions() {
        let (_, role) = role(&template, function);
        let (allowed, needed) = (allowed(role), needed(function));
        let missing: Vec<_> = needed.difference(&allowed).collect();
        let superfluous: Vec<_> = allowed.difference(&needed).collect();
        assert!(
            missing.is_empty() && superfluous.is_empty(),
            "{id}: missing {missing:?}, superfluous {superfluous:?}"
        );
    }
}

#[test]
fn every_function_has_a_role_of_its_own_and_every_role_a_function() {
    let template = template();
    let functions = template.functions();
    let used: Vec<&str> = functions.iter().map(|(_, function)| role(&template, function).0).collect();
    let roles: BTreeSet<&str> =
        template.resources_of("AWS::IAM::Role").into_iter().map(|(id, _)| id).collect();
    assert_eq!(used.iter().copied().collect::<BTreeSet<_>>(), roles);
    assert_eq!(used.len(), roles.len(), "two functions share a role: {used:?}");
}

#[test]
fn a_role_is_for_lambda_and_borrows_no_policy() {
    let template = template();
    for (id, role) in template.resources_of("AWS::IAM::Role") {
        let trust = &role["AssumeRolePolicyDocument"]["Statement"];
        let lambda = json!({"Service": "lambda.amazonaws.com"});
        let expected = json!([{"Effect": "Allow", "Principal": lambda, "Action": "sts:AssumeRole"}]);
        assert_eq!(*trust, expected, "{id}");
        // AWS's own policies for Lambda allow their actions on every log group and queue of the account.
        assert!(role["ManagedPolicyArns"].is_null(), "{id}");
    }
    for (id, function) in template.functions() {
        assert!(function["Policies"].is_null(), "{id}: SAM ignores Policies beside Role");
    }
}

#[test]
fn nothing_is_allowed_on_everything() {
    let template = template();
    for (id, role) in template.resources_of("AWS::IAM::Role") {
        for statement in statements(role) {
            assert_eq!(statement["Effect"], "Allow", "{id}");
            for key in ["NotAction", "NotResource"] {
                assert!(statement[key].is_null(), "{id}: {key} allows whatever comes to be");
            }
            for action in texts(&statement["Action"]) {
                assert!(!action.contains('*'), "{id}: {action}");
            }
            let resources = items(&statement["Resource"]);
            assert!(!resources.is_empty(), "{id}: a statement without a resource");
            for resource in resources {
                assert!(!resource.to_string().contains('*'), "{id}: {resource}");
            }
        }
    }
}

#[test]
fn only_what_waits_what_is_forgotten_and_what_was_seen_are_queried_for() {
    let template = template();
    let children = json!(["waits#*"]);
    // HubSpot tells that a person wants to be forgotten, and its notices go to push-corebos.
    let forgotten = json!(["waits#*", "link#*", "parked#*"]);
    // What belongs elsewhere now is told by nobody in HubSpot: the poll compares with what it has seen.
    let seen = json!(["waits#*", "seen#*"]);
    for (id, role) in template.resources_of("AWS::IAM::Role") {
        for statement in statements(role) {
            if texts(&statement["Action"]).contains(&"dynamodb:Query") {
                let keys = match id {
                    "PushCorebosRole" => &forgotten,
                    "PollHubspotRole" => &seen,
                    _ => &children,
                };
                let condition = json!({ "ForAllValues:StringLike": { "dynamodb:LeadingKeys": keys } });
                assert_eq!(statement["Condition"], condition, "{id}");
            }
        }
    }
}

#[test]
fn every_call_of_the_sdk_is_allowed_to_somebody() {
    let mut sources = Vec::new();
    walk(&workspace().join("shared/aws/src"), &mut sources);
    let texts: Vec<String> = sources.iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
    let is_called = |call: &str| texts.iter().any(|text| text.contains(call));
    for call in NEVER {
        assert!(!is_called(call), "shared/aws calls {call}, which no role allows");
    }
    let template = template();
    let somebody: BTreeSet<String> = template
        .functions()
        .iter()
        .flat_map(|(_, function)| allowed(role(&template, function).1))
        .map(|(action, _)| action)
        .chain(COMMAND_LINE.map(str::to_owned))
        .collect();
    for (call, actions) in CALLS {
        assert!(
            is_called(call),
            "nothing calls {call} any more: take its actions from the roles and from CALLS"
        );
        for action in actions {
            assert!(somebody.contains(*action), "{call} needs {action}, which no role allows");
        }
    }
}
