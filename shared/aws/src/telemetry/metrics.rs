//! Counters as lines in CloudWatch's embedded metric format: CloudWatch makes metrics of what is logged.
//!
//! Source: "Specification: Embedded metric format" in the CloudWatch user guide. Each pair of a metric and its
//! dimensions costs money, and each alarm on one, so what wakes somebody is one metric of the whole bridge, and only
//! changes have the function and their outcome as dimensions; what else is known stands beside them in the line, for
//! queries over logs.

use serde_json::{Map, Value, json};
use sync::Clock;
use tracing_subscriber::fmt::MakeWriter;

use super::json_lines::write_line;
use crate::clock::SystemClock;

/// The namespace of all metrics of the bridge.
const NAMESPACE: &str = "CorebosBridge";

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter<'a> {
    /// Changes that were dealt with: `Changes`, by outcome.
    Changes {
        /// `created`, `updated`, `skipped`, ...: a short list.
        outcome: &'a str,
    },
    /// Changes that were parked: `Parked`.
    Parked,
    /// Something that an administrator must mend before anything goes on: `Stopped`.
    Stopped,
}

/// Writes counters.
#[derive(Clone, Debug)]
pub struct Metrics<W = fn() -> std::io::Stdout, C = SystemClock> {
    function: String,
    writer: W,
    clock: C,
}

impl Metrics {
    /// Counters of `function` to standard output.
    pub fn of(function: &str) -> Self {
        Self::new(function, std::io::stdout, SystemClock)
    }
}

impl<W: for<'w> MakeWriter<'w>, C: Clock> Metrics<W, C> {
    /// Counters of `function` to `writer`.
    pub fn new(function: &str, writer: W, clock: C) -> Self {
        Self { function: function.to_owned(), writer, clock }
    }

    /// Counts `count` more. `details` stand in the line beside the numbers: ids and codes, never personal data.
    pub fn count(&self, counter: Counter<'_>, count: u64, details: &[(&str, &str)]) {
        let (name, outcome) = match counter {
            Counter::Changes { outcome } => ("Changes", Some(outcome)),
            Counter::Parked => ("Parked", None),
            Counter::Stopped => ("Stopped", None),
        };
        let mut line: Map<String, Value> =
            details.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        let dimensions = if let Some(outcome) = outcome {
            line.insert("Outcome".to_owned(), outcome.into());
            ["FunctionName", "Outcome"].as_slice()
        } else {
            line.insert("Bridge".to_owned(), bridge_of(&self.function).into());
            ["Bridge"].as_slice()
        };
        line.insert("FunctionName".to_owned(), self.function.as_str().into());
        line.insert(name.to_owned(), count.into());
        let directive = json!({
            "Namespace": NAMESPACE,
            "Dimensions": [dimensions],
            "Metrics": [{ "Name": name, "Unit": "Count" }],
        });
        let metadata =
            json!({ "Timestamp": self.clock.now().as_millisecond(), "CloudWatchMetrics": [directive] });
        line.insert("_aws".to_owned(), metadata);
        write_line(&self.writer, line);
    }
}

/// What a stack is called whose function this is: functions are called like their folders, after the stack's prefix.
fn bridge_of(function: &str) -> String {
    let role = ["webhook-", "poll-", "push-"].iter().filter_map(|role| function.rfind(role)).max();
    let prefix = role.map_or("", |at| &function[..at]);
    format!("{prefix}corebos-bridge")
}

#[cfg(test)]
mod tests {
    use super::super::json_lines::tests::{Standing, Written, lines};
    use super::*;

    #[test]
    fn counters_are_lines_of_the_embedded_metric_format() {
        let written = Written::default();
        let metrics = Metrics::new("push-corebos", || written.clone(), Standing);
        metrics.count(Counter::Changes { outcome: "updated" }, 3, &[("pair", "mautic-contacts")]);
        metrics.count(Counter::Stopped, 1, &[("reason", "credentials")]);
        let line = |dimensions: Value, name: &str, rest: Value| {
            let directive = json!({
                "Namespace": "CorebosBridge", "Dimensions": [dimensions],
                "Metrics": [{ "Name": name, "Unit": "Count" }],
            });
            let mut line = rest;
            line["_aws"] = json!({ "Timestamp": 1_795_248_000_250_i64, "CloudWatchMetrics": [directive] });
            line["FunctionName"] = json!("push-corebos");
            line
        };
        let expected = [
            line(
                json!(["FunctionName", "Outcome"]),
                "Changes",
                json!({ "Changes": 3, "Outcome": "updated", "pair": "mautic-contacts" }),
            ),
            line(
                json!(["Bridge"]),
                "Stopped",
                json!({ "Stopped": 1, "reason": "credentials", "Bridge": "corebos-bridge" }),
            ),
        ];
        assert_eq!(lines(&written), expected);
    }

    #[test]
    fn a_second_stack_in_an_account_has_metrics_of_its_own() {
        assert_eq!(bridge_of("test-push-corebos"), "test-corebos-bridge");
        assert_eq!(bridge_of("push-poll-hubspot"), "push-corebos-bridge");
        assert_eq!(bridge_of("unknown"), "corebos-bridge");
    }
}
