//! Parameters, environment, build and routes of the functions.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::document::{events_of, items, name_of, template, workspace};

/// The variables that each function reads: what `shared/aws/src/config.rs` asks for when it starts as that function.
const ENVIRONMENT: [(&str, &[&str]); 13] = [
    (
        "webhook-mautic",
        &[
            "COREBOS_CHANGES_QUEUE_URL",
            "COREBOS_SYSTEM_NAME",
            "LOG_LEVEL",
            "MAUTIC_SECRET_ARN",
            "MAUTIC_SYSTEM_NAME",
            "WORDPRESS_CHANGES_QUEUE_URL",
            "WORDPRESS_SITES",
        ],
    ),
    (
        "webhook-campaign",
        &[
            "LOG_LEVEL",
            "MAUTIC_SYSTEM_NAME",
            "WORDPRESS_CHANGES_QUEUE_URL",
            "WORDPRESS_SECRET_ARN",
            "WORDPRESS_SITES",
        ],
    ),
    (
        "push-wordpress",
        &[
            "BRIDGE_TABLE",
            "LEASE_SECONDS",
            "LOG_LEVEL",
            "MAUTIC_SECRET_ARN",
            "MAUTIC_SYSTEM_NAME",
            "MAUTIC_URL",
            "WORDPRESS_CHANGES_DEAD_LETTERS_URL",
            "WORDPRESS_CHANGES_QUEUE_URL",
            "WORDPRESS_SECRET_ARN",
            "WORDPRESS_SITES",
        ],
    ),
    (
        "webhook-corebos",
        &[
            "COREBOS_SECRET_ARN",
            "COREBOS_SYSTEM_NAME",
            "HUBSPOT_CHANGES_QUEUE_URL",
            "HUBSPOT_SYSTEM_NAME",
            "LOG_LEVEL",
            "MAUTIC_CHANGES_QUEUE_URL",
            "MAUTIC_SYSTEM_NAME",
        ],
    ),
    (
        "poll-corebos",
        &[
            "BRIDGE_TABLE",
            "COREBOS_SECRET_ARN",
            "COREBOS_SYSTEM_NAME",
            "COREBOS_URL",
            "HUBSPOT_CHANGES_QUEUE_URL",
            "HUBSPOT_SYSTEM_NAME",
            "LEASE_SECONDS",
            "LOG_LEVEL",
            "MAUTIC_CHANGES_QUEUE_URL",
            "MAUTIC_SYSTEM_NAME",
        ],
    ),
    (
        "poll-mautic",
        &[
            "BRIDGE_TABLE",
            "COREBOS_CHANGES_QUEUE_URL",
            "COREBOS_SYSTEM_NAME",
            "LEASE_SECONDS",
            "LOG_LEVEL",
            "MAUTIC_SECRET_ARN",
            "MAUTIC_SYSTEM_NAME",
            "MAUTIC_URL",
            "WORDPRESS_CHANGES_QUEUE_URL",
            "WORDPRESS_SITES",
        ],
    ),
    (
        "push-corebos",
        &[
            "BRIDGE_TABLE",
            "COREBOS_CHANGES_DEAD_LETTERS_URL",
            "COREBOS_CHANGES_QUEUE_URL",
            "COREBOS_SECRET_ARN",
            "COREBOS_SYSTEM_NAME",
            "COREBOS_URL",
            "HUBSPOT_CHANGES_QUEUE_URL",
            "HUBSPOT_SECRET_ARN",
            "HUBSPOT_SYSTEM_NAME",
            "HUBSPOT_URL",
            "LEASE_SECONDS",
            "LOG_LEVEL",
            "MAUTIC_CHANGES_QUEUE_URL",
            "MAUTIC_SECRET_ARN",
            "MAUTIC_SYSTEM_NAME",
            "MAUTIC_URL",
        ],
    ),
    (
        "push-mautic",
        &[
            "BRIDGE_TABLE",
            "COREBOS_CHANGES_QUEUE_URL",
            "COREBOS_SECRET_ARN",
            "COREBOS_SYSTEM_NAME",
            "COREBOS_URL",
            "LEASE_SECONDS",
            "LOG_LEVEL",
            "MAUTIC_CHANGES_DEAD_LETTERS_URL",
            "MAUTIC_CHANGES_QUEUE_URL",
            "MAUTIC_SECRET_ARN",
            "MAUTIC_SYSTEM_NAME",
            "MAUTIC_URL",
        ],
    ),
    (
        "webhook-hubspot",
        &[
            "COREBOS_CHANGES_QUEUE_URL",
            "COREBOS_SYSTEM_NAME",
            "HUBSPOT_SECRET_ARN",
            "HUBSPOT_SYSTEM_NAME",
            "HUBSPOT_WEBHOOK_URL",
            "LOG_LEVEL",
        ],
    ),
    (
        "poll-hubspot",
        &[
            "BRIDGE_TABLE",
            "COREBOS_CHANGES_QUEUE_URL",
            "COREBOS_SYSTEM_NAME",
            "HUBSPOT_SECRET_ARN",
            "HUBSPOT_SYSTEM_NAME",
            "HUBSPOT_URL",
            "LEASE_SECONDS",
            "LOG_LEVEL",
        ],
    ),
    (
        "push-hubspot",
        &[
            "BRIDGE_TABLE",
            "COREBOS_CHANGES_QUEUE_URL",
            "COREBOS_SECRET_ARN",
            "COREBOS_SYSTEM_NAME",
            "COREBOS_URL",
            "HUBSPOT_CHANGES_DEAD_LETTERS_URL",
            "HUBSPOT_CHANGES_QUEUE_URL",
            "HUBSPOT_SECRET_ARN",
            "HUBSPOT_SYSTEM_NAME",
            "HUBSPOT_URL",
            "LEASE_SECONDS",
            "LOG_LEVEL",
        ],
    ),
    (
        "webhook-signal",
        &["BRIDGE_TABLE", "LOG_LEVEL", "SIGNAL_SECRET_ARN", "SIGNAL_SYSTEM_NAME", "VISITOR_EVENTS_QUEUE_URL"],
    ),
    (
        "push-visitor",
        &[
            "BRIDGE_TABLE",
            "COREBOS_CHANGES_QUEUE_URL",
            "COREBOS_SYSTEM_NAME",
            "LEASE_SECONDS",
            "LOG_LEVEL",
            "MAUTIC_SECRET_ARN",
            "MAUTIC_SYSTEM_NAME",
            "MAUTIC_URL",
            "SIGNAL_SYSTEM_NAME",
            "VISITOR_EVENTS_DEAD_LETTERS_URL",
            "VISITOR_EVENTS_QUEUE_URL",
        ],
    ),
];

/// API Gateway gives up on a function after this long. Source: "Quotas for HTTP APIs", integration timeout.
const GATEWAY_TIMEOUT_SECONDS: i64 = 30;

#[test]
fn a_function_is_given_the_variables_it_reads_and_no_others() {
    let template = template();
    for (_, function) in template.functions() {
        let name = name_of(&function["FunctionName"], "");
        let given: BTreeSet<&str> =
            function["Environment"]["Variables"].as_object().unwrap().keys().map(String::as_str).collect();
        let row = ENVIRONMENT.iter().find(|(known, _)| *known == name);
        let (_, read) = row.unwrap_or_else(|| panic!("{name} has no row in ENVIRONMENT"));
        assert_eq!(given, read.iter().copied().collect(), "{name}: left given, right read");
    }
    assert_eq!(template.functions().len(), ENVIRONMENT.len(), "a row of ENVIRONMENT is no function");
}

#[test]
fn no_secret_is_in_the_template_or_the_environment() {
    let template = template();
    // Whatever CloudFormation resolves ends up readable in the function's configuration.
    for resolved in ["{{resolve:secretsmanager", "{{resolve:ssm-secure", "NoEcho"] {
        assert!(!template.text.contains(resolved), "{resolved} would put a secret into the environment");
    }
    for kind in ["AWS::SecretsManager::Secret", "AWS::SSM::Parameter"] {
        assert!(
            !template.text.contains(kind),
            "{kind}: secrets are the admin's, the template knows their ARNs"
        );
    }
    for (id, function) in template.functions() {
        for (name, value) in function["Environment"]["Variables"].as_object().unwrap() {
            let words: Vec<&str> = name.split('_').collect();
            let tells = ["SECRET", "SECRETS", "PASSWORD", "KEY", "TOKEN", "CREDENTIALS", "USERNAME", "USER"];
            if words.iter().any(|word| tells.contains(word)) {
                assert!(name.ends_with("_SECRET_ARN"), "{id}: {name} looks like a secret");
                let parameter =
                    value["Ref"].as_str().unwrap_or_else(|| panic!("{id}: {name} is no parameter"));
                assert!(parameter.ends_with("SecretArn"), "{id}: {name} is given {parameter}");
                let pattern = template.section("Parameters")[parameter]["AllowedPattern"].as_str().unwrap();
                // A system that is not connected has none.
                let pattern = pattern.strip_prefix("^$|").unwrap_or(pattern);
                assert!(pattern.starts_with("^arn:aws"), "{parameter} would take a secret itself: {pattern}");
            }
        }
    }
}

#[test]
fn every_parameter_and_output_is_described_and_every_text_is_checked() {
    let template = template();
    for (name, parameter) in template.section("Parameters") {
        assert!(
            parameter["Description"].as_str().is_some_and(|text| text.len() > 20),
            "{name} is not described"
        );
        let checked = match parameter["Type"].as_str() {
            Some("Number") => ["AllowedValues", "MinValue"],
            _ => ["AllowedValues", "AllowedPattern"],
        };
        assert!(checked.iter().any(|key| !parameter[*key].is_null()), "{name} takes anything");
    }
    for (name, output) in template.section("Outputs") {
        assert!(
            output["Description"].as_str().is_some_and(|text| text.len() > 20),
            "{name} is not described"
        );
    }
}

#[test]
fn every_parameter_is_used_and_shown_in_the_console() {
    let template = template();
    let interface = &template.section("Metadata")["AWS::CloudFormation::Interface"]["ParameterGroups"];
    let shown: Vec<&Value> =
        items(interface).into_iter().flat_map(|group| items(&group["Parameters"])).collect();
    for name in template.section("Parameters").keys() {
        assert!(shown.iter().any(|known| *known == name), "{name} is in no group of the console");
        let used = [format!("!Ref {name}"), format!("${{{name}}}")];
        assert!(used.iter().any(|use_| template.text.contains(use_.as_str())), "{name} is not used");
    }
    assert_eq!(
        shown.len(),
        template.section("Parameters").len(),
        "the console shows a parameter twice or none"
    );
}

#[test]
fn a_system_is_reached_over_tls_only() {
    let template = template();
    let urls = template.section("Parameters").iter().filter(|(name, _)| name.ends_with("Url"));
    let mut checked = 0;
    for (name, parameter) in urls {
        let pattern = parameter["AllowedPattern"].as_str().unwrap();
        assert!(pattern.strip_prefix("^$|").unwrap_or(pattern).starts_with("^https://"), "{name}");
        // HubSpot is one service; whoever calls us may call us by another name.
        let right_for_all =
            ["https://api.hubapi.com", ""].contains(&parameter["Default"].as_str().unwrap_or("?"));
        let default = &parameter["Default"];
        assert!(default.is_null() || right_for_all, "{name}: {default} is not right for everybody");
        checked += 1;
    }
    assert!(checked > 0, "no system has an address");
}

#[test]
fn a_function_is_built_from_its_folder_for_arm64() {
    let template = template();
    for (id, function) in template.functions() {
        assert_eq!(template.resource(id)["Metadata"]["BuildMethod"], "rust-cargolambda", "{id}");
        assert_eq!(template.of_function(function, "Runtime"), "provided.al2023", "{id}");
        assert_eq!(*template.of_function(function, "Architectures"), json!(["arm64"]), "{id}");
        assert_eq!(template.of_function(function, "Handler"), "bootstrap", "{id}");
        let folder = workspace().join(function["CodeUri"].as_str().unwrap());
        assert!(folder.join("src/main.rs").is_file(), "{id}: {} has no src/main.rs", folder.display());
    }
}

#[test]
fn a_webhook_answers_before_the_gateway_gives_up_and_strangers_are_throttled() {
    let template = template();
    let mut checked = 0;
    for (id, function) in template.functions() {
        for route in events_of(function, "HttpApi") {
            assert!(
                template.of_function(function, "Timeout").as_i64().unwrap() < GATEWAY_TIMEOUT_SECONDS,
                "{id}"
            );
            assert_eq!(route["PayloadFormatVersion"], "2.0", "{id}");
            let path = route["Path"].as_str().unwrap();
            // The last part may name the kind of event.
            let fixed = path.strip_suffix("/{event}").unwrap_or(path);
            assert!(fixed.starts_with('/') && !fixed.ends_with('/') && !fixed.contains('{'), "{id}: {path}");
            let api = template.resource(route["ApiId"]["Ref"].as_str().unwrap());
            let settings = &api["Properties"]["DefaultRouteSettings"];
            for limit in ["ThrottlingRateLimit", "ThrottlingBurstLimit"] {
                let parameter =
                    settings[limit]["Ref"].as_str().unwrap_or_else(|| panic!("{id}: {limit} is not set"));
                assert!(
                    template.section("Parameters")[parameter]["MinValue"].as_i64() >= Some(1),
                    "{parameter}"
                );
            }
            checked += 1;
        }
    }
    assert!(checked > 0, "no function has a route");
}
