//! Names in the cloud are the names of the folders.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::template::document::{events_of, name_of, template, workspace};

/// What a function may be: a webhook comes in, a poll asks, a push goes out.
const ROLES: [&str; 3] = ["webhook-", "poll-", "push-"];

/// `push-corebos` as a logical id: `PushCorebos`.
fn logical_id(folder: &str) -> String {
    let capitalised = folder.split('-').map(|word| match word.split_at_checked(1) {
        Some((first, rest)) => first.to_uppercase() + rest,
        None => String::new(),
    });
    capitalised.collect()
}

/// Names of the entries of a folder of the workspace, without the hidden ones.
fn entries(folder: &str) -> BTreeSet<String> {
    let path = workspace().join(folder);
    let listing = fs::read_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let names = listing.filter_map(Result::ok).map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| !name.starts_with('.')).collect()
}

#[test]
fn every_function_folder_is_one_function_of_the_template_and_the_reverse() {
    let template = template();
    let in_template: BTreeSet<String> = template
        .functions()
        .iter()
        .map(|(_, function)| name_of(&function["FunctionName"], "").to_owned())
        .collect();
    assert_eq!(
        in_template,
        entries("functions"),
        "left: functions of template.yaml, right: folders in functions/"
    );
}

#[test]
fn a_function_its_folder_its_package_and_its_logical_id_have_one_name() {
    let template = template();
    for (id, function) in template.functions() {
        let name = name_of(&function["FunctionName"], "");
        assert_eq!(id, logical_id(name));
        assert_eq!(function["CodeUri"], format!("functions/{name}/"));
        let manifest =
            fs::read_to_string(workspace().join("functions").join(name).join("Cargo.toml")).unwrap();
        assert!(
            manifest.contains(&format!("\nname = \"{name}\"\n")),
            "the package in functions/{name} is not called {name}"
        );
    }
}

#[test]
fn a_function_has_one_of_three_roles_and_the_trigger_of_its_role() {
    let template = template();
    for (_, function) in template.functions() {
        let name = name_of(&function["FunctionName"], "");
        let role = ROLES.into_iter().find(|role| name.starts_with(role));
        let triggers: Vec<&Value> =
            function["Events"].as_object().unwrap().values().map(|event| &event["Type"]).collect();
        let wanted = match role {
            Some("webhook-") => "HttpApi",
            Some("poll-") => "ScheduleV2",
            Some("push-") => "SQS",
            _ => panic!("{name} begins with none of {ROLES:?}"),
        };
        assert!(!triggers.is_empty() && triggers.iter().all(|kind| *kind == wanted), "{name}: {triggers:?}");
    }
}

#[test]
fn a_webhook_is_reached_by_its_name_and_its_address_is_an_output() {
    let template = template();
    let addresses: Vec<&str> = template
        .section("Outputs")
        .values()
        .filter_map(|output| output["Value"]["Fn::Sub"].as_str())
        .collect();
    for (_, function) in template.functions() {
        for route in events_of(function, "HttpApi") {
            let path = route["Path"].as_str().unwrap();
            let system = name_of(&function["FunctionName"], "").strip_prefix("webhook-").unwrap();
            // The clients of visitor events add paths of their own to whatever address they are given.
            if system == "signal" && ["/v1/{event}", "/api/s/{event}"].contains(&path) {
                continue;
            }
            let own = if system == "signal" { "/signal".to_owned() } else { format!("/webhooks/{system}") };
            assert_eq!(path, own);
            let address =
                |text: &&&str| text.starts_with("https://${WebhookApi}.execute-api.") && text.ends_with(path);
            assert_eq!(addresses.iter().filter(address).count(), 1, "{path} is in {addresses:?}");
        }
    }
}

#[test]
fn a_queue_of_changes_and_its_dead_letters_are_called_after_their_push() {
    let template = template();
    for (_, function) in template.functions() {
        for (id, queue) in template.queues_of(function) {
            let target = name_of(&function["FunctionName"], "").strip_prefix("push-").unwrap();
            // Visitors do not change records: what they do is an event.
            let carries = if target == "visitor" { "events" } else { "changes" };
            let changes = format!("{target}-{carries}");
            assert_eq!(id, format!("{}Queue", logical_id(&changes)));
            assert_eq!(name_of(&queue["QueueName"], ""), format!("{changes}.fifo"));
            let dead_letters =
                &template.resource(&format!("{}DeadLetters", logical_id(&changes)))["Properties"];
            assert_eq!(name_of(&dead_letters["QueueName"], ""), format!("{changes}-dead-letters.fifo"));
        }
    }
}

#[test]
fn what_belongs_to_a_function_carries_its_name() {
    let template = template();
    for (id, function) in template.functions() {
        let name = name_of(&function["FunctionName"], "");
        let logs = &template.resource(&format!("{id}Logs"))["Properties"];
        assert_eq!(name_of(&logs["LogGroupName"], "/aws/lambda/"), name);
        assert_eq!(function["LoggingConfig"]["LogGroup"]["Ref"], format!("{id}Logs"));
        assert_eq!(function["Role"]["Fn::GetAtt"], format!("{id}Role.Arn"));
    }
}

#[test]
fn every_event_file_is_json_for_one_function_and_every_function_has_one() {
    let mut without: BTreeSet<String> = entries("functions");
    let functions = without.clone();
    for file in entries("events").into_iter().filter(|file| file != "README.md") {
        let parts: Vec<&str> = file.split('.').collect();
        let [function, case, "json"] = parts[..] else {
            panic!("events/{file} is not <function>.<case>.json")
        };
        assert!(functions.contains(function), "events/{file}: there is no functions/{function}");
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(
            !case.is_empty() && case.chars().all(plain),
            "events/{file}: a case is lower-case words and hyphens"
        );
        let text = fs::read_to_string(workspace().join("events").join(&file)).unwrap();
        assert!(serde_json::from_str::<Value>(&text).is_ok(), "events/{file} is not JSON");
        without.remove(function);
    }
    assert!(without.is_empty(), "no file in events/ for {without:?}");
}

#[test]
fn every_room_is_called_like_its_folder() {
    // Folders whose own name is that of a well-known crate, which cargo could confuse with ours.
    let exceptions = [("aws", "bridge-aws"), ("http", "bridge-http")];
    for folder in entries("shared") {
        let manifest = Path::new("shared").join(&folder).join("Cargo.toml");
        let text = fs::read_to_string(workspace().join(&manifest)).unwrap();
        let name =
            exceptions.iter().find(|(known, _)| *known == folder).map_or(folder.as_str(), |(_, name)| name);
        assert!(
            text.contains(&format!("\nname = \"{name}\"\n")),
            "{}: the package is not called {name}",
            manifest.display()
        );
    }
}
