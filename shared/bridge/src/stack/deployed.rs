//! A stack in the cloud: CloudFormation tells the parameters that it was deployed with and what came out of it.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use aws::{Clients, Environment};

use super::Stack;
use super::log::StackLog;

/// Outputs that end like this are the webhook URLs of functions: `MauticWebhookUrl` is the one of `webhook-mautic`.
const WEBHOOK_URL: &str = "WebhookUrl";
/// The same, where a parameter of that name says another address, which goes first.
const WEBHOOK_ADDRESS: &str = "WebhookAddress";

/// The stack with this name.
pub(super) async fn find(name: &str) -> Result<Stack> {
    let told = aws::deployed::parameters_and_outputs(name)
        .await
        .context("check the name, AWS_REGION and the credentials of the AWS tools")?
        .with_context(|| format!("there is no stack {name}"))?;
    Ok(Stack {
        environment: Environment::from_pairs(variables(&told)),
        clients: Clients::of_person().await,
        name: format!("the stack {name}"),
        webhook_urls: webhook_urls(&told),
        log: StackLog::InCloudWatch { prefix: told.get("NamePrefix").cloned().unwrap_or_default() },
    })
}

/// The variables that the template makes of them: `CorebosChangesQueueUrl` is `COREBOS_CHANGES_QUEUE_URL`.
fn variables(told: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    told.iter()
        .map(|(key, value)| {
            let name = if key == "BridgeTableName" { "BRIDGE_TABLE".to_owned() } else { screaming(key) };
            (name, value.clone())
        })
        .collect()
}

/// `CorebosUrl` as `COREBOS_URL`.
fn screaming(camel: &str) -> String {
    let mut name = String::with_capacity(camel.len() + 8);
    for (at, letter) in camel.char_indices() {
        if at > 0 && letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

fn webhook_urls(told: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let named = |(key, value): (&String, &String)| {
        // A parameter that nobody has set is blank.
        let key = Some(key).filter(|_| !value.is_empty())?;
        let system = key.strip_suffix(WEBHOOK_ADDRESS).or_else(|| key.strip_suffix(WEBHOOK_URL))?;
        Some((format!("webhook-{}", screaming(system).to_lowercase().replace('_', "-")), value.clone()))
    };
    told.iter().filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::SystemKind;

    /// What CloudFormation tells of a stack of the template with these parameters.
    fn deployed() -> BTreeMap<String, String> {
        let resources = [
            ("BridgeTableName", "bridge-table"),
            ("CorebosChangesQueueUrl", "https://sqs.eu-west-1.amazonaws.com/1/corebos-changes.fifo"),
            ("CorebosUrl", "https://crm.example.com"),
            ("CorebosSecretArn", "arn:aws:secretsmanager:eu-west-1:1:secret:corebos"),
            ("CorebosSystemName", "main"),
            ("CorebosWebhookUrl", "https://a1.execute-api.eu-west-1.amazonaws.com/webhooks/corebos"),
        ];
        resources.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn a_deployed_stack_gives_commands_what_it_gives_its_functions() {
        let environment = Environment::from_pairs(variables(&deployed()));
        assert_eq!(environment.table().unwrap(), "bridge-table");
        assert_eq!(environment.system(SystemKind::CoreBos).unwrap().url, "https://crm.example.com");
        assert!(environment.changes_queue(SystemKind::CoreBos).unwrap().1.ends_with("corebos-changes.fifo"));
    }

    #[test]
    fn webhook_urls_are_found_by_the_function_that_serves_them() {
        let urls = webhook_urls(&deployed());
        assert_eq!(urls.keys().map(String::as_str).collect::<Vec<_>>(), ["webhook-corebos"]);
    }

    /// Every variable of a function is a parameter or an output of the template, or is the same in every stack.
    #[test]
    fn nothing_that_functions_are_told_is_missing_from_the_template_s_outputs() {
        let template = crate::local::TEMPLATE;
        let (_, outputs) = template.split_once("\nOutputs:").unwrap();
        let (parameters, _) = template.split_once("\nConditions:").unwrap();
        let names = |text: &str| -> Vec<String> {
            text.lines()
                .filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'))
                .filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric()))
                .map(str::to_owned)
                .collect()
        };
        let all: BTreeMap<String, String> =
            names(parameters).into_iter().chain(names(outputs)).map(|name| (name, String::new())).collect();
        let known = variables(&all);
        let told = template.lines().filter_map(|line| line.strip_prefix("          ")?.split_once(": !Ref "));
        let variables: Vec<&str> = told
            .map(|(name, _)| name)
            .filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
            .collect();
        assert!(variables.len() > 10, "{variables:?}");
        for name in variables {
            assert!(known.contains_key(name), "{name} is in no parameter and in no output of the template");
        }
    }
}
