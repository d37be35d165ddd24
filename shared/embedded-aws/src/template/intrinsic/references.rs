//! What `!Ref` and `!GetAtt` answer for parameters and resources.

use super::super::TemplateError;
use super::super::node::Node;
use super::{Scope, pseudo_parameter};
use crate::names::ACCOUNT_ID;

/// What `!Ref` answers for an HTTP API. In URLs the stack replaces it, see `functions`.
pub(crate) const API_ID: &str = "localapi";

impl Scope<'_> {
    /// `!Ref name`.
    pub(crate) fn reference(&self, name: &str, line: usize) -> Result<Node, TemplateError> {
        if let Some(value) = pseudo_parameter(name, self.names) {
            return Ok(Node::text(line, value));
        }
        if let Some(value) = self.parameters.get(name) {
            return Ok(Node { line, value: value.value.clone() });
        }
        let Some(resource) = self.resource(name) else {
            return match self.made_by_sam(name) {
                Some(value) => Ok(Node::text(line, value)),
                None => Err(self.unknown(name, line)),
            };
        };
        let physical = self.physical_name(name, resource)?;
        let kind = resource.get("Type").and_then(Node::as_text).unwrap_or_default();
        Ok(Node::text(
            line,
            match kind {
                "AWS::SQS::Queue" => self.names.queue_url(&physical),
                "AWS::SecretsManager::Secret" => self.names.secret_arn(&physical),
                "AWS::Serverless::HttpApi" | "AWS::ApiGatewayV2::Api" => API_ID.to_owned(),
                _ => physical,
            },
        ))
    }

    /// `!GetAtt name.attribute`.
    pub(crate) fn attribute(&self, name: &str, attribute: &str, line: usize) -> Result<Node, TemplateError> {
        let Some(resource) = self.resource(name) else {
            return match self.made_by_sam(name) {
                Some(value) if attribute == "Arn" => {
                    Ok(Node::text(line, format!("arn:aws:iam::{ACCOUNT_ID}:role/{value}")))
                }
                _ => Err(self.unknown(name, line)),
            };
        };
        let physical = self.physical_name(name, resource)?;
        let kind = resource.get("Type").and_then(Node::as_text).unwrap_or_default();
        let value = match (kind, attribute) {
            ("AWS::SQS::Queue", "Arn") => self.names.queue_arn(&physical),
            ("AWS::SQS::Queue", "QueueUrl") => self.names.queue_url(&physical),
            ("AWS::SQS::Queue", "QueueName") => physical,
            ("AWS::DynamoDB::Table" | "AWS::Serverless::SimpleTable", "Arn") => {
                self.names.table_arn(&physical)
            }
            ("AWS::Serverless::Function" | "AWS::Lambda::Function", "Arn") => {
                self.names.function_arn(&physical)
            }
            ("AWS::SecretsManager::Secret", "Id" | "Arn") => self.names.secret_arn(&physical),
            ("AWS::Serverless::HttpApi" | "AWS::ApiGatewayV2::Api", "ApiId") => API_ID.to_owned(),
            ("AWS::Serverless::HttpApi" | "AWS::ApiGatewayV2::Api", "ApiEndpoint") => {
                self.names.front_url.clone()
            }
            (
                "AWS::SQS::Queue"
                | "AWS::DynamoDB::Table"
                | "AWS::Serverless::Function"
                | "AWS::SecretsManager::Secret",
                _,
            ) => {
                return Err(TemplateError::new(
                    line,
                    format!("`{name}` ({kind}) has no attribute `{attribute}` here"),
                ));
            }
            (_, "Arn") => format!("arn:aws:local:{}:{ACCOUNT_ID}:{physical}", self.names.region),
            _ => format!("{physical}.{attribute}"),
        };
        Ok(Node::text(line, value))
    }

    /// The name that a resource has in the cloud; its logical id if the template gives none.
    pub(crate) fn physical_name(&self, id: &str, resource: &Node) -> Result<String, TemplateError> {
        let kind = resource.get("Type").and_then(Node::as_text).unwrap_or_default();
        let property = match kind {
            "AWS::SQS::Queue" => "QueueName",
            "AWS::DynamoDB::Table" | "AWS::Serverless::SimpleTable" => "TableName",
            "AWS::Serverless::Function" | "AWS::Lambda::Function" => "FunctionName",
            "AWS::SecretsManager::Secret" => "Name",
            "AWS::Logs::LogGroup" => "LogGroupName",
            "AWS::SNS::Topic" => "TopicName",
            "AWS::IAM::Role" => "RoleName",
            _ => "",
        };
        let properties = resource.get("Properties");
        if let Some(name) = properties.and_then(|properties| properties.get(property)) {
            let name = self.evaluate(name)?;
            if let Some(name) = name.as_ref().and_then(Node::as_text).filter(|name| !name.is_empty()) {
                return Ok(name.to_owned());
            }
        }
        let fifo = properties.and_then(|properties| properties.get("FifoQueue"));
        let fifo = match fifo {
            Some(fifo) => self.evaluate_or_null(fifo)?.as_bool() == Some(true),
            None => false,
        };
        Ok(if fifo { format!("{id}.fifo") } else { id.to_owned() })
    }

    pub(crate) fn resource(&self, id: &str) -> Option<&Node> {
        self.root.get("Resources").and_then(|resources| resources.get(id))
    }

    /// Resources that SAM adds: the default HTTP API and one role per function.
    fn made_by_sam(&self, name: &str) -> Option<String> {
        if name == "ServerlessHttpApi" {
            return Some(API_ID.to_owned());
        }
        let function = self.resource(name.strip_suffix("Role")?)?;
        (function.get("Type").and_then(Node::as_text) == Some("AWS::Serverless::Function"))
            .then(|| name.to_owned())
    }

    fn unknown(&self, name: &str, line: usize) -> TemplateError {
        let resources = self.root.get("Resources").and_then(Node::as_map).unwrap_or_default();
        let known = resources.iter().map(|(id, _)| id).chain(self.parameters.keys());
        let nearest = known
            .map(|known| (distance(known, name), known))
            .filter(|(distance, _)| *distance <= 3)
            .min_by_key(|(distance, _)| *distance);
        let hint = nearest.map_or(String::new(), |(_, known)| format!("; did you mean `{known}`?"));
        TemplateError::new(
            line,
            format!("`{name}` is neither a parameter nor a resource of this template{hint}"),
        )
    }
}

/// Levenshtein distance, for hints only.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, character) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for column in 0..right.len() {
            let cost = usize::from(right[column] != character);
            let best = (diagonal + cost).min(row[column] + 1).min(row[column + 1] + 1);
            diagonal = row[column + 1];
            row[column + 1] = best;
        }
    }
    row.last().copied().unwrap_or_default()
}
