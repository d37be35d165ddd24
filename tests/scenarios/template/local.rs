//! The template runs on the embedded stack as it stands: what is deployed is what was tried.

use std::collections::BTreeMap;

use embedded_aws::LocalNames;
use embedded_aws::template::{Resources, Template};

use super::document::{name_of, template};

/// The template as a stack with all systems reads it, with parameters as an administrator would give them.
fn resources(prefix: &str) -> Resources {
    resources_with(prefix, true)
}

fn resources_with(prefix: &str, optional: bool) -> Resources {
    let secret = |name: &str| format!("arn:aws:secretsmanager:us-east-1:000000000000:secret:{name}-aB3dE6");
    let mut parameters = BTreeMap::from([
        ("MauticUrl".to_owned(), "https://mautic.example.com".to_owned()),
        ("MauticSecretArn".to_owned(), secret("mautic")),
        ("CorebosUrl".to_owned(), "https://crm.example.com".to_owned()),
        ("CorebosSecretArn".to_owned(), secret("corebos")),
        ("NamePrefix".to_owned(), prefix.to_owned()),
    ]);
    if optional {
        parameters.insert("SignalSecretArn".to_owned(), secret("signal"));
        parameters.insert("WordpressSites".to_owned(), "shop=https://shop.example.com".to_owned());
        parameters.insert("WordpressSecretArn".to_owned(), secret("wordpress"));
        parameters.insert("HubspotSecretArn".to_owned(), secret("hubspot"));
        parameters.insert("HubspotWebhookUrl".to_owned(), "https://hooks.example.com/hubspot".to_owned());
    }
    let names = LocalNames {
        region: "us-east-1".to_owned(),
        stack_name: "bridge".to_owned(),
        sqs_endpoint: "http://127.0.0.1:9324".to_owned(),
        front_url: "http://127.0.0.1:8080".to_owned(),
    };
    let parsed = Template::parse(&template().text).unwrap_or_else(|error| panic!("{error}"));
    parsed.resolve(&parameters, &names).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_embedded_stack_reads_every_function_under_its_name() {
    let template = template();
    let written: Vec<&str> =
        template.functions().iter().map(|(_, function)| name_of(&function["FunctionName"], "")).collect();
    let resources = resources("");
    let mut read: Vec<&str> = resources.functions.iter().map(|function| function.name.as_str()).collect();
    read.sort_unstable_by_key(|name| written.iter().position(|known| known == name));
    assert_eq!(read, written);
    for function in &resources.functions {
        assert!(
            function.timeout.as_secs() > 3,
            "{}: 3 s is what Lambda takes where nothing is said",
            function.name
        );
        assert!(!function.events.is_empty(), "{} is never invoked", function.name);
        for (name, value) in &function.environment {
            assert!(!value.is_empty() && !value.contains("${"), "{}: {name} is `{value}`", function.name);
        }
    }
    assert_eq!(resources.tables.len(), 1);
    assert_eq!(resources.queues.len(), 10);
}

#[test]
fn what_is_not_connected_is_not_there() {
    let resources = resources_with("", false);
    assert!(
        resources
            .functions
            .iter()
            .all(|function| !function.name.contains("hubspot") && !function.name.contains("visitor"))
    );
    assert_eq!((resources.functions.len(), resources.queues.len()), (6, 4));
    let push = resources.functions.iter().find(|function| function.name == "push-corebos").unwrap();
    for name in ["HUBSPOT_SECRET_ARN", "HUBSPOT_CHANGES_QUEUE_URL"] {
        assert_eq!(push.environment[name], "", "empty counts as absent");
    }
}

#[test]
fn two_stacks_in_one_account_share_no_name() {
    let (first, second) = (resources(""), resources("test-"));
    for function in &first.functions {
        assert!(second.functions.iter().all(|other| other.name != function.name), "{}", function.name);
        assert!(second.functions.iter().any(|other| other.name == format!("test-{}", function.name)));
    }
    for queue in &first.queues {
        assert!(second.queues.iter().all(|other| other.name != queue.name), "{}", queue.name);
    }
}
