//! Functions of a template, with `Globals` merged in.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use super::TemplateError;
use super::events::{EventSource, HttpRoute, QueueSource, Schedule, events};
use super::intrinsic::Scope;
use super::node::{Node, Value};
use super::resources::QueueSpec;

/// An `AWS::Serverless::Function`.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionSpec {
    /// Logical id.
    pub logical_id: String,
    /// `FunctionName`, or the logical id.
    pub name: String,
    /// `CodeUri` without a slash at its end.
    pub folder: String,
    /// `Handler`.
    pub handler: String,
    /// How long one invocation may take; 3 s unless the template says otherwise, at most 900 s.
    pub timeout: Duration,
    /// `MemorySize` in MB. Told to the function, not enforced.
    pub memory_mb: u32,
    /// Variables with every reference resolved.
    pub environment: BTreeMap<String, String>,
    /// `ReservedConcurrentExecutions`.
    pub reserved_concurrency: Option<u32>,
    /// How often an asynchronous invocation that failed is tried again; 2 unless the template says otherwise.
    pub asynchronous_retries: u32,
    /// What invokes it.
    pub events: Vec<EventSource>,
    /// Line of its properties in the template.
    pub line: usize,
}

impl FunctionSpec {
    /// Its routes.
    pub fn routes(&self) -> impl Iterator<Item = &HttpRoute> {
        self.events
            .iter()
            .filter_map(|event| if let EventSource::Http(route) = event { Some(route) } else { None })
    }

    /// The queues that feed it.
    pub fn queue_sources(&self) -> impl Iterator<Item = &QueueSource> {
        self.events
            .iter()
            .filter_map(|event| if let EventSource::Queue(source) = event { Some(source) } else { None })
    }

    /// Its schedules.
    pub fn schedules(&self) -> impl Iterator<Item = &Schedule> {
        self.events
            .iter()
            .filter_map(|event| if let EventSource::Schedule(found) = event { Some(found) } else { None })
    }
}

/// Lambda's limit on all variables of a function together. Source: "Lambda quotas", environment variables.
const MAX_ENVIRONMENT_BYTES: usize = 4_096;

/// Resource types that a local run would have to act on and does not know.
const NOT_SUPPORTED: [&str; 6] = [
    "AWS::Lambda::Function",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Url",
    "AWS::Scheduler::Schedule",
    "AWS::ApiGatewayV2::Route",
    "AWS::Serverless::Api",
];

pub(crate) fn functions(scope: &Scope<'_>, queues: &[QueueSpec]) -> Result<Vec<FunctionSpec>, TemplateError> {
    for (id, resource) in scope.resources()? {
        let kind = resource.get("Type").and_then(Node::as_text).unwrap_or_default();
        if NOT_SUPPORTED.contains(&kind) {
            let message = format!("`{id}`: resources of type `{kind}` are not supported in a local run");
            return Err(TemplateError::new(resource.line, message));
        }
    }
    let globals = match scope.root.get("Globals").and_then(|globals| globals.get("Function")) {
        Some(globals) => Some(scope.evaluate_or_null(globals)?),
        None => None,
    };
    let mut functions = Vec::new();
    let mut names = HashSet::new();
    let mut routes = HashSet::new();
    for (id, properties) in scope.resources_of("AWS::Serverless::Function")? {
        let properties = match &globals {
            Some(globals) => merge(globals, &properties),
            None => properties,
        };
        let function = function(scope, id, &properties, queues)?;
        if !names.insert(function.name.clone()) {
            return Err(TemplateError::new(
                function.line,
                format!("two functions are named `{}`", function.name),
            ));
        }
        for route in function.routes() {
            if !routes.insert((route.method.clone(), route.path.clone())) {
                let message = format!("the route {} {} is declared twice", route.method, route.path);
                return Err(TemplateError::new(function.line, message));
            }
        }
        functions.push(function);
    }
    Ok(functions)
}

fn function(
    scope: &Scope<'_>,
    id: &str,
    properties: &Node,
    queues: &[QueueSpec],
) -> Result<FunctionSpec, TemplateError> {
    let line = properties.line;
    if let Some(url) = properties.get("FunctionUrlConfig") {
        let message = format!("`{id}`: function URLs are not supported in a local run");
        return Err(TemplateError::new(url.line, message));
    }
    let number = |node: Option<&Node>, key: &str, default: u32, low: u32, high: u32| match node {
        None => Ok(default),
        Some(node) => match node.as_integer().and_then(|value| u32::try_from(value).ok()) {
            Some(value) if (low..=high).contains(&value) => Ok(value),
            _ => Err(TemplateError::new(node.line, format!("`{key}` of `{id}` must be {low} to {high}"))),
        },
    };
    let folder = properties.get("CodeUri").and_then(Node::as_text);
    let folder =
        folder.ok_or_else(|| TemplateError::new(line, format!("the function `{id}` has no `CodeUri`")))?;
    let timeout = number(properties.get("Timeout"), "Timeout", 3, 1, 900)?;
    let timeout = Duration::from_secs(u64::from(timeout));
    let reserved = properties.get("ReservedConcurrentExecutions");
    let reserved_concurrency = match reserved {
        None => None,
        Some(_) => Some(number(reserved, "ReservedConcurrentExecutions", 0, 0, 100_000)?),
    };
    let retries = properties.get("EventInvokeConfig").and_then(|config| config.get("MaximumRetryAttempts"));
    let text = |key: &str| properties.get(key).and_then(Node::as_text);
    Ok(FunctionSpec {
        logical_id: id.to_owned(),
        name: text("FunctionName").unwrap_or(id).to_owned(),
        folder: folder.trim_end_matches('/').to_owned(),
        handler: text("Handler").unwrap_or("bootstrap").to_owned(),
        timeout,
        memory_mb: number(properties.get("MemorySize"), "MemorySize", 128, 128, 32_768)?,
        environment: environment(scope, id, properties)?,
        reserved_concurrency,
        asynchronous_retries: number(retries, "MaximumRetryAttempts", 2, 0, 2)?,
        events: events(scope, id, timeout, properties, queues)?,
        line,
    })
}

fn environment(
    scope: &Scope<'_>,
    id: &str,
    properties: &Node,
) -> Result<BTreeMap<String, String>, TemplateError> {
    let variables = properties.get("Environment").and_then(|environment| environment.get("Variables"));
    let api_url =
        format!("https://{}.execute-api.{}.amazonaws.com", super::intrinsic::API_ID, scope.names.region);
    let mut environment = BTreeMap::new();
    let mut bytes = 0;
    for (key, value) in variables.and_then(Node::as_map).unwrap_or_default() {
        let text = value.as_text().ok_or_else(|| {
            TemplateError::new(
                value.line,
                format!("the variable `{key}` of `{id}` must be text, not {}", value.kind()),
            )
        })?;
        if key.starts_with("AWS_LAMBDA_")
            || ["AWS_REGION", "AWS_ACCESS_KEY_ID", "_HANDLER"].contains(&key.as_str())
        {
            let message = format!("the variable `{key}` of `{id}` is reserved by Lambda");
            return Err(TemplateError::new(value.line, message));
        }
        bytes += key.len() + text.len();
        // The only way to name an HTTP API by its URL; here it is served by the front.
        environment.insert(key.clone(), text.replace(&api_url, &scope.names.front_url));
    }
    if bytes > MAX_ENVIRONMENT_BYTES {
        let message =
            format!("the variables of `{id}` take {bytes} bytes; Lambda allows {MAX_ENVIRONMENT_BYTES}");
        return Err(TemplateError::new(properties.line, message));
    }
    Ok(environment)
}

/// SAM's rules for `Globals`: mappings are merged, lists are joined, everything else is overridden.
fn merge(global: &Node, own: &Node) -> Node {
    let value = match (&global.value, &own.value) {
        (Value::Map(global_entries), Value::Map(own_entries)) => {
            let mut merged: Vec<(String, Node)> = own_entries
                .iter()
                .map(|(key, node)| match global.get(key) {
                    Some(global) => (key.clone(), merge(global, node)),
                    None => (key.clone(), node.clone()),
                })
                .collect();
            let inherited = global_entries.iter().filter(|(key, _)| own.get(key).is_none());
            merged.extend(inherited.cloned());
            Value::Map(merged)
        }
        (Value::List(global_items), Value::List(own_items)) => {
            Value::List(global_items.iter().chain(own_items).cloned().collect())
        }
        (_, value) => value.clone(),
    };
    Node { line: own.line, value }
}
