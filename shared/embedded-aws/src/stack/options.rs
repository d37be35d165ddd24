//! What a stack is started with, and why it may not start.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tokio::sync::mpsc::UnboundedSender;

use crate::clock::Clock;
use crate::dynamodb::TablesError;
use crate::event::StackEvent;
use crate::lambda::{Endpoints, Launcher};
use crate::names::DEFAULT_REGION;
use crate::sqs::{BrokerError, SqsError};
use crate::template::TemplateError;

/// What a stack is started with. [`StackOptions::new`] gives the defaults.
#[derive(Clone)]
pub struct StackOptions {
    /// Text of `template.yaml`.
    pub template_text: String,
    /// Values of the template's parameters, over their defaults.
    pub parameters: BTreeMap<String, String>,
    /// Makes the command that runs a function.
    pub launcher: Launcher,
    /// Values of secrets by name, ARN or logical id. A JSON text is the value itself; other JSON is its text.
    pub secrets: BTreeMap<String, serde_json::Value>,
    /// More environment by function name; `*` is every function. Wins over the template.
    pub extra_environment: BTreeMap<String, BTreeMap<String, String>>,
    /// Who stands between the functions and the services.
    pub between: Between,
    /// Directory for queues and tables, made if missing; in memory without it.
    pub data: Option<PathBuf>,
    /// Port of the HTTP front on 127.0.0.1; 0 is any free one.
    pub port: u16,
    /// Where events go.
    pub observer: Option<UnboundedSender<StackEvent>>,
    /// Processes per function at one time, unless the template reserves a concurrency or a queue source asks for more.
    pub default_concurrency: usize,
    /// Region that functions are told.
    pub region: String,
    /// `AWS::StackName`.
    pub stack_name: String,
    /// The clock of queues and schedules. Deadlines of functions follow the machine, as the functions do.
    pub clock: Clock,
    /// Whether schedules fire by themselves; without it they only fire by [`crate::Stack::tick_now`].
    pub run_schedules: bool,
}

impl StackOptions {
    /// Everything in memory, any port, two processes per function, schedules on.
    pub fn new(template_text: impl Into<String>, launcher: Launcher) -> Self {
        Self {
            template_text: template_text.into(),
            parameters: BTreeMap::new(),
            launcher,
            secrets: BTreeMap::new(),
            extra_environment: BTreeMap::new(),
            between: Between::default(),
            data: None,
            port: 0,
            observer: None,
            default_concurrency: 2,
            region: DEFAULT_REGION.to_owned(),
            stack_name: "local".to_owned(),
            clock: Clock::system(),
            run_schedules: true,
        }
    }
}

impl std::fmt::Debug for StackOptions {
    /// Without secrets and environment.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("StackOptions")
            .field("data", &self.data)
            .field("port", &self.port)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

/// Where functions are told that services are, instead of where they are: for who listens in between, or gets in the way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Between {
    /// Base URL that is told for SQS.
    pub sqs: Option<String>,
    /// Base URL that is told for DynamoDB.
    pub dynamodb: Option<String>,
    /// Base URL that is told for Secrets Manager.
    pub secrets: Option<String>,
}

impl Between {
    /// What functions are told.
    pub(super) fn told(&self, endpoints: &Endpoints) -> Endpoints {
        Endpoints {
            sqs: self.sqs.clone().unwrap_or_else(|| endpoints.sqs.clone()),
            dynamodb: self.dynamodb.clone().unwrap_or_else(|| endpoints.dynamodb.clone()),
            secrets: self.secrets.clone().unwrap_or_else(|| endpoints.secrets.clone()),
        }
    }
}

/// Why a stack does not start.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The template cannot be used.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A port cannot be had.
    #[error("cannot listen on 127.0.0.1 port {port}: {source}")]
    Listen {
        /// The port; 0 for any.
        port: u16,
        /// Why.
        source: std::io::Error,
    },
    /// The data directory cannot be made or written.
    #[error("cannot use the data directory {path}: {message}")]
    Data {
        /// The directory.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// The queues cannot be opened.
    #[error(transparent)]
    Queues(#[from] BrokerError),
    /// A queue of the template was refused.
    #[error("template line {line}: the queue `{queue}` was refused: {source}")]
    Queue {
        /// Line of the template.
        line: usize,
        /// Name of the queue.
        queue: String,
        /// What SQS says.
        source: SqsError,
    },
    /// The tables cannot be opened or made.
    #[error(transparent)]
    Tables(#[from] TablesError),
}
