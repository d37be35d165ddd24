//! What invokes a function: routes, queues, schedules.

use std::time::Duration;

use super::TemplateError;
use super::intrinsic::Scope;
use super::node::Node;
use super::resources::QueueSpec;
use crate::schedule::Expression;

/// One entry of a function's `Events`.
#[derive(Debug, Clone, PartialEq)]
pub enum EventSource {
    /// `Type: HttpApi`.
    Http(HttpRoute),
    /// `Type: SQS`.
    Queue(QueueSource),
    /// `Type: Schedule` or `ScheduleV2`.
    Schedule(Schedule),
}

/// A route of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRoute {
    /// Upper-case method, or `ANY`.
    pub method: String,
    /// Path with `{name}` and `{name+}` variables; `$default` for the default route.
    pub path: String,
    /// How long the gateway waits for the function; at most 30 s.
    pub timeout: Duration,
}

/// A queue that feeds a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSource {
    /// Name of the queue.
    pub queue: String,
    /// Messages per invocation, 1 to 10; to 10,000 on a standard queue with a window.
    pub batch_size: usize,
    /// How long to gather a batch; standard queues only.
    pub batching_window: Duration,
    /// Whether the function lists the messages that failed (`ReportBatchItemFailures`).
    pub reports_item_failures: bool,
    /// `ScalingConfig.MaximumConcurrency`, 2 to 1,000.
    pub maximum_concurrency: Option<usize>,
    /// A source that is not enabled is not polled.
    pub enabled: bool,
}

/// A schedule that invokes a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Name of the schedule: `Name`, or the function's logical id and the event's.
    pub name: String,
    /// EventBridge Scheduler or the older EventBridge rule; their events differ.
    pub kind: ScheduleKind,
    /// When it fires.
    pub expression: Expression,
    /// `Input`, sent instead of the standard event.
    pub input: Option<String>,
    /// A schedule that is not enabled never fires by itself.
    pub enabled: bool,
}

/// Which service fires a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduleKind {
    /// `ScheduleV2`: EventBridge Scheduler.
    Scheduler,
    /// `Schedule`: an EventBridge rule.
    Rule,
}

/// The gateway's longest wait. Source: "Quotas for HTTP APIs", integration timeout.
const LONGEST_GATEWAY_WAIT: Duration = Duration::from_secs(30);

pub(crate) fn events(
    scope: &Scope<'_>,
    function: &str,
    function_timeout: Duration,
    properties: &Node,
    queues: &[QueueSpec],
) -> Result<Vec<EventSource>, TemplateError> {
    let mut found = Vec::new();
    for (id, event) in properties.get("Events").and_then(Node::as_map).unwrap_or_default() {
        let place = format!("event `{id}` of `{function}`");
        let kind = event.get("Type").and_then(Node::as_text).unwrap_or_default();
        let empty = Node { line: event.line, value: super::node::Value::Map(Vec::new()) };
        let details = event.get("Properties").unwrap_or(&empty);
        found.push(match kind {
            "HttpApi" => EventSource::Http(http_route(&place, details)?),
            "SQS" => EventSource::Queue(queue_source(scope, &place, details, queues, function_timeout)?),
            "ScheduleV2" | "Schedule" => {
                EventSource::Schedule(schedule(&place, function, id, kind, details)?)
            }
            "" => return Err(TemplateError::new(event.line, format!("{place} has no `Type`"))),
            other => {
                return Err(TemplateError::new(
                    event.line,
                    format!("{place}: the type `{other}` is not supported in a local run"),
                ));
            }
        });
    }
    Ok(found)
}

fn http_route(place: &str, details: &Node) -> Result<HttpRoute, TemplateError> {
    let fail = |node: &Node, what: &str| Err(TemplateError::new(node.line, format!("{place}: {what}")));
    if let Some(auth) = details.get("Auth")
        && auth.get("Authorizer").and_then(Node::as_text) != Some("NONE")
    {
        return fail(auth, "authorizers are not supported in a local run");
    }
    if let Some(version) = details.get("PayloadFormatVersion")
        && version.as_text() != Some("2.0")
    {
        return fail(version, "only the payload format 2.0 is supported in a local run");
    }
    let path = details.get("Path").and_then(Node::as_text).unwrap_or("$default");
    if path != "$default" && !path.starts_with('/') {
        return fail(details, "`Path` must begin with a slash");
    }
    if let Err(what) = crate::front::check_path(path) {
        return fail(details, &what);
    }
    let method = details.get("Method").and_then(Node::as_text).unwrap_or("ANY").to_ascii_uppercase();
    let method = if method == "X-AMAZON-APIGATEWAY-ANY-METHOD" { "ANY".to_owned() } else { method };
    if !["ANY", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"].contains(&method.as_str()) {
        return fail(details, "`Method` is no method of an HTTP API");
    }
    let timeout = match details.get("TimeoutInMillis") {
        None => LONGEST_GATEWAY_WAIT,
        Some(node) => match node.as_integer().and_then(|millis| u64::try_from(millis).ok()) {
            Some(millis @ 50..=30_000) => Duration::from_millis(millis),
            _ => return fail(node, "`TimeoutInMillis` must be 50 to 30000"),
        },
    };
    Ok(HttpRoute { method, path: path.to_owned(), timeout })
}

fn queue_source(
    scope: &Scope<'_>,
    place: &str,
    details: &Node,
    queues: &[QueueSpec],
    function_timeout: Duration,
) -> Result<QueueSource, TemplateError> {
    let fail = |line: usize, what: String| Err(TemplateError::new(line, format!("{place}: {what}")));
    let Some(arn) = details.get("Queue").and_then(Node::as_text) else {
        return fail(details.line, "`Queue` must be the ARN of a queue".to_owned());
    };
    let Some(queue) = queues.iter().find(|queue| scope.names.queue_arn(&queue.name) == arn) else {
        return fail(details.line, format!("`{arn}` is not a queue of this template"));
    };
    if let Some(filter) = details.get("FilterCriteria") {
        return fail(filter.line, "`FilterCriteria` is not supported in a local run".to_owned());
    }
    let visibility = queue.visibility_timeout_seconds();
    if u64::from(visibility) < function_timeout.as_secs() {
        return fail(
            details.line,
            format!(
                "queue visibility timeout: {visibility} seconds is less than function timeout: {} seconds",
                function_timeout.as_secs()
            ),
        );
    }
    let number = |key: &str, default: i64, low: i64, high: i64| match details.get(key) {
        None => Ok(default),
        Some(node) => match node.as_integer() {
            Some(value) if (low..=high).contains(&value) => Ok(value),
            _ => Err(TemplateError::new(node.line, format!("{place}: `{key}` must be {low} to {high}"))),
        },
    };
    let highest_batch = if queue.is_fifo() { 10 } else { 10_000 };
    let batch_size = number("BatchSize", 10, 1, highest_batch)?;
    let window = number("MaximumBatchingWindowInSeconds", 0, 0, if queue.is_fifo() { 0 } else { 300 })?;
    if batch_size > 10 && window == 0 {
        let what = "`BatchSize` above 10 needs `MaximumBatchingWindowInSeconds` of at least 1";
        return fail(details.line, what.to_owned());
    }
    let mut reports_item_failures = false;
    for kind in details.get("FunctionResponseTypes").and_then(Node::as_list).unwrap_or_default() {
        match kind.as_text() {
            Some("ReportBatchItemFailures") => reports_item_failures = true,
            _ => {
                return fail(
                    kind.line,
                    "the only function response type is `ReportBatchItemFailures`".to_owned(),
                );
            }
        }
    }
    let maximum_concurrency =
        match details.get("ScalingConfig").and_then(|config| config.get("MaximumConcurrency")) {
            None => None,
            Some(node) => match node.as_integer().and_then(|value| usize::try_from(value).ok()) {
                Some(value @ 2..=1_000) => Some(value),
                _ => return fail(node.line, "`MaximumConcurrency` must be 2 to 1000".to_owned()),
            },
        };
    Ok(QueueSource {
        queue: queue.name.clone(),
        batch_size: usize::try_from(batch_size).unwrap_or(10),
        batching_window: Duration::from_secs(u64::try_from(window).unwrap_or(0)),
        reports_item_failures,
        maximum_concurrency,
        enabled: boolean(place, details, "Enabled", true)?,
    })
}

fn schedule(
    place: &str,
    function: &str,
    id: &str,
    kind: &str,
    details: &Node,
) -> Result<Schedule, TemplateError> {
    let scheduler = kind == "ScheduleV2";
    let key = if scheduler { "ScheduleExpression" } else { "Schedule" };
    let Some(node) = details.get(key) else {
        return Err(TemplateError::new(details.line, format!("{place} has no `{key}`")));
    };
    let zone = details.get("ScheduleExpressionTimezone").and_then(Node::as_text);
    let expression = Expression::parse(node.as_text().unwrap_or_default(), zone)
        .map_err(|error| TemplateError::new(node.line, format!("{place}: {error}")))?;
    let state = match details.get("State") {
        None => true,
        Some(node) => match node.as_text() {
            Some("ENABLED") => true,
            Some("DISABLED") => false,
            _ => {
                return Err(TemplateError::new(
                    node.line,
                    format!("{place}: `State` is ENABLED or DISABLED"),
                ));
            }
        },
    };
    let name = details.get("Name").and_then(Node::as_text);
    Ok(Schedule {
        name: name.map_or_else(|| format!("{function}{id}"), str::to_owned),
        kind: if scheduler { ScheduleKind::Scheduler } else { ScheduleKind::Rule },
        expression,
        input: details.get("Input").and_then(Node::as_text).map(str::to_owned),
        enabled: state && boolean(place, details, "Enabled", true)?,
    })
}

fn boolean(place: &str, details: &Node, key: &str, default: bool) -> Result<bool, TemplateError> {
    match details.get(key) {
        None => Ok(default),
        Some(node) => node
            .as_bool()
            .ok_or_else(|| TemplateError::new(node.line, format!("{place}: `{key}` is true or false"))),
    }
}
