//! `template.yaml`: a SAM template, read into plain structs with every reference resolved to a local value.
//!
//! [`Template::parse`] reads the YAML with CloudFormation's tags; [`Template::resolve`] applies the parameters and
//! the names of the place where the stack runs. Only what a local run needs is read; roles, policies, alarms, log
//! groups and outputs are passed over. What would change the behaviour of a function and is not supported here is
//! an error, never silently ignored.

mod error;
mod events;
mod functions;
mod intrinsic;
mod node;
mod resources;

pub use error::TemplateError;
pub use events::{EventSource, HttpRoute, QueueSource, Schedule, ScheduleKind};
pub use functions::FunctionSpec;
pub use resources::{QueueSpec, SecretSpec, TableSpec};

pub(crate) use intrinsic::API_ID;

use std::collections::BTreeMap;

use crate::names::LocalNames;
use node::Node;

/// A template as written, its references not yet resolved.
#[derive(Debug, Clone)]
pub struct Template {
    root: Node,
}

/// What a local run needs of a template.
#[derive(Debug, Clone, PartialEq)]
pub struct Resources {
    /// Functions in the order of the template.
    pub functions: Vec<FunctionSpec>,
    /// Queues, every dead-letter queue before the queues that name it.
    pub queues: Vec<QueueSpec>,
    /// Tables in the order of the template.
    pub tables: Vec<TableSpec>,
    /// Secrets in the order of the template.
    pub secrets: Vec<SecretSpec>,
}

impl Template {
    /// Reads the YAML. References are not followed yet.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let root = node::parse(text)?;
        if root.as_map().is_none() {
            return Err(TemplateError::new(
                root.line,
                "a template must be a mapping with a `Resources` section",
            ));
        }
        if root.get("Resources").and_then(Node::as_map).is_none() {
            return Err(TemplateError::new(root.line, "the template has no `Resources` mapping"));
        }
        Ok(Self { root })
    }

    /// Resolves every reference and reads functions, queues, tables and secrets.
    ///
    /// `parameters` override the defaults of the `Parameters` section; a parameter with neither is an error, and so is
    /// an override that the template does not declare.
    pub fn resolve(
        &self,
        parameters: &BTreeMap<String, String>,
        names: &LocalNames,
    ) -> Result<Resources, TemplateError> {
        let scope = intrinsic::Scope::new(&self.root, parameters, names)?;
        let queues = resources::queues(&scope)?;
        let tables = resources::tables(&scope)?;
        let secrets = resources::secrets(&scope)?;
        let functions = functions::functions(&scope, &queues)?;
        Ok(Resources { functions, queues, tables, secrets })
    }
}

#[cfg(test)]
mod tests;
