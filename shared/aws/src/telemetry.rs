//! Logs and metrics: one JSON object per line on standard output, no collector, no agent.

mod json_lines;
mod metrics;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub use json_lines::JsonLines;
pub use metrics::{Counter, Metrics};

/// The beginnings of our own crates' names. Only these follow the configured level: libraries log requests and
/// answers whole, with keys and personal data, once they are asked for details.
const OUR_CRATES: [&str; 10] = [
    "bridge",
    "connector_",
    "mapping",
    "model",
    "poll_",
    "push_",
    "sync",
    "webhook_",
    "wiring",
    "embedded_aws",
];

/// Starts logging. Panics are logged with their place and without their text, which may hold data.
///
/// A second start in a process changes nothing.
pub fn start(level: LevelFilter, function: &str) {
    let lines = JsonLines::new(function, std::io::stdout, crate::clock::SystemClock);
    if tracing_subscriber::registry().with(filter(level)).with(lines).try_init().is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(target: "bridge", place, "panic");
        }));
    }
}

fn filter(level: LevelFilter) -> Targets {
    let ours = OUR_CRATES.into_iter().map(|name| (name, level));
    // The Lambda runtime's span carries the request id.
    let runtime = [("lambda_runtime", level.min(LevelFilter::INFO))];
    Targets::new().with_default(level.min(LevelFilter::WARN)).with_targets(ours).with_targets(runtime)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn details_are_logged_by_our_own_crates_only() {
        let filter = filter(LevelFilter::TRACE);
        assert!(filter.would_enable("connector_mautic::client", &Level::TRACE));
        assert!(filter.would_enable("bridge_aws::store", &Level::TRACE));
        assert!(
            filter.would_enable("wiring::report", &Level::INFO),
            "every push tells what it did from there"
        );
        for library in ["aws_smithy_runtime", "hyper", "reqwest", "aws_sdk_secretsmanager", "h2"] {
            assert!(!filter.would_enable(library, &Level::INFO), "{library}");
            assert!(filter.would_enable(library, &Level::WARN), "{library}");
        }
        assert!(!filter.would_enable("lambda_runtime", &Level::DEBUG));
    }

    #[test]
    fn the_level_holds_for_all() {
        let filter = filter(LevelFilter::ERROR);
        for target in ["sync", "hyper", "lambda_runtime"] {
            assert!(!filter.would_enable(target, &Level::WARN), "{target}");
        }
    }
}
