//! CloudFormation's functions: `!Ref`, `!GetAtt`, `!Sub`, `!Join`, `!Select`, `!Split`, `!FindInMap`, `!Base64` and the
//! conditions.

mod references;

pub(crate) use references::API_ID;

use std::cell::Cell;
use std::collections::BTreeMap;

use base64::Engine as _;

use super::TemplateError;
use super::node::{Node, Value};
use crate::names::{ACCOUNT_ID, LocalNames};

/// References that go through more than this many others are taken for a circle.
const MAX_REFERENCE_DEPTH: usize = 40;

/// Everything a reference may name.
pub(crate) struct Scope<'a> {
    pub(crate) root: &'a Node,
    pub(crate) names: &'a LocalNames,
    parameters: BTreeMap<String, Node>,
    depth: Cell<usize>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(
        root: &'a Node,
        overrides: &BTreeMap<String, String>,
        names: &'a LocalNames,
    ) -> Result<Self, TemplateError> {
        let declared = root.get("Parameters").and_then(Node::as_map).unwrap_or_default();
        if let Some(unknown) = overrides.keys().find(|name| declared.iter().all(|(known, _)| known != *name))
        {
            let line = root.get("Parameters").map_or(1, |node| node.line);
            return Err(TemplateError::new(line, format!("the template declares no parameter `{unknown}`")));
        }
        let mut parameters = BTreeMap::new();
        for (name, declaration) in declared {
            let value = parameter_value(name, declaration, overrides.get(name).map(String::as_str))?;
            parameters.insert(name.clone(), value);
        }
        Ok(Self { root, names, parameters, depth: Cell::new(0) })
    }

    /// The resources of the template whose condition holds, in its order.
    pub(crate) fn resources(&self) -> Result<Vec<(&'a str, &'a Node)>, TemplateError> {
        let mut found = Vec::new();
        for (id, resource) in self.root.get("Resources").and_then(Node::as_map).unwrap_or_default() {
            if resource.get("Type").and_then(Node::as_text).is_none() {
                return Err(TemplateError::new(resource.line, format!("the resource `{id}` has no `Type`")));
            }
            if let Some(condition) = resource.get("Condition") {
                let name = condition.as_text().unwrap_or_default();
                if !self.condition(name, condition.line)? {
                    continue;
                }
            }
            found.push((id.as_str(), resource));
        }
        Ok(found)
    }

    /// The resources of one type, with their evaluated properties.
    pub(crate) fn resources_of(&self, kind: &str) -> Result<Vec<(&'a str, Node)>, TemplateError> {
        let mut found = Vec::new();
        for (id, resource) in self.resources()? {
            if resource.get("Type").and_then(Node::as_text) == Some(kind) {
                found.push((id, self.properties(resource)?));
            }
        }
        Ok(found)
    }

    /// The evaluated properties of a resource; an empty mapping if it has none.
    pub(crate) fn properties(&self, resource: &Node) -> Result<Node, TemplateError> {
        match resource.get("Properties") {
            Some(properties) => self.evaluate_or_null(properties),
            None => Ok(Node { line: resource.line, value: Value::Map(Vec::new()) }),
        }
    }

    /// Evaluates a node; `AWS::NoValue` becomes null.
    pub(crate) fn evaluate_or_null(&self, node: &Node) -> Result<Node, TemplateError> {
        let null = || Node { line: node.line, value: Value::Scalar { text: String::new(), plain: true } };
        Ok(self.evaluate(node)?.unwrap_or_else(null))
    }

    /// Evaluates a node; `None` is `AWS::NoValue`, which removes the entry that holds it.
    pub(crate) fn evaluate(&self, node: &Node) -> Result<Option<Node>, TemplateError> {
        let value = match &node.value {
            Value::Scalar { .. } => return Ok(Some(node.clone())),
            Value::List(items) => {
                let mut evaluated = Vec::with_capacity(items.len());
                for item in items {
                    evaluated.extend(self.evaluate(item)?);
                }
                Value::List(evaluated)
            }
            Value::Map(entries) => {
                let mut evaluated = Vec::with_capacity(entries.len());
                for (key, entry) in entries {
                    if let Some(entry) = self.evaluate(entry)? {
                        evaluated.push((key.clone(), entry));
                    }
                }
                Value::Map(evaluated)
            }
            Value::Call { name, argument } => {
                if self.depth.get() > MAX_REFERENCE_DEPTH {
                    return Err(TemplateError::new(node.line, "references go round in a circle here"));
                }
                self.depth.set(self.depth.get() + 1);
                let result = self.call(name, argument);
                self.depth.set(self.depth.get() - 1);
                return Ok(result?.map(|result| Node { line: node.line, value: result.value }));
            }
        };
        Ok(Some(Node { line: node.line, value }))
    }

    fn call(&self, name: &str, argument: &Node) -> Result<Option<Node>, TemplateError> {
        let line = argument.line;
        match name {
            "Ref" => {
                let target = text_of(argument, "!Ref")?;
                if target == "AWS::NoValue" { Ok(None) } else { self.reference(target, line).map(Some) }
            }
            "GetAtt" => {
                let (resource, attribute) = self.get_att_target(argument)?;
                self.attribute(&resource, &attribute, line).map(Some)
            }
            "Sub" => self.substitute(argument).map(Some),
            "Join" => self.join(argument).map(Some),
            "Select" => self.select(argument).map(Some),
            "Split" => self.split(argument).map(Some),
            "FindInMap" => self.find_in_map(argument).map(Some),
            "Base64" => {
                let text = self.evaluate_or_null(argument)?;
                let text = text_of(&text, "!Base64")?;
                Ok(Some(Node::text(line, base64::engine::general_purpose::STANDARD.encode(text))))
            }
            "If" => self.choose(argument),
            "Equals" | "And" | "Or" | "Not" => {
                let call = Node {
                    line,
                    value: Value::Call { name: name.to_owned(), argument: Box::new(argument.clone()) },
                };
                let holds = self.condition_node(&call)?;
                Ok(Some(Node { line, value: Value::Scalar { text: holds.to_string(), plain: true } }))
            }
            other => Err(TemplateError::new(
                line,
                format!("the function `!{other}` is not supported in a local run"),
            )),
        }
    }

    fn get_att_target(&self, argument: &Node) -> Result<(String, String), TemplateError> {
        let wrong =
            || TemplateError::new(argument.line, "`!GetAtt` takes `Resource.Attribute` or a list of the two");
        if let Some(text) = argument.as_text() {
            let (resource, attribute) = text.split_once('.').ok_or_else(wrong)?;
            return Ok((resource.to_owned(), attribute.to_owned()));
        }
        match argument.as_list() {
            Some([resource, attribute]) => {
                let attribute = self.evaluate_or_null(attribute)?;
                match (resource.as_text(), attribute.as_text()) {
                    (Some(resource), Some(attribute)) => Ok((resource.to_owned(), attribute.to_owned())),
                    _ => Err(wrong()),
                }
            }
            _ => Err(wrong()),
        }
    }

    fn substitute(&self, argument: &Node) -> Result<Node, TemplateError> {
        let (template, variables) = match argument.as_list() {
            Some([template, variables]) => (template, Some(self.evaluate_or_null(variables)?)),
            Some(_) => {
                return Err(TemplateError::new(argument.line, "`!Sub` takes text, or text and a mapping"));
            }
            None => (argument, None),
        };
        let text = text_of(template, "!Sub")?;
        let line = template.line;
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            result.push_str(&rest[..start]);
            let after = &rest[start + 2..];
            let end =
                after.find('}').ok_or_else(|| TemplateError::new(line, "`${` without `}` in `!Sub`"))?;
            let name = after[..end].trim();
            if let Some(literal) = name.strip_prefix('!') {
                result.push_str("${");
                result.push_str(literal);
                result.push('}');
            } else if let Some(known) = variables.as_ref().and_then(|known| known.get(name)) {
                result.push_str(text_of(known, "!Sub")?);
            } else {
                let value = match name.split_once('.') {
                    Some((resource, attribute)) => self.attribute(resource, attribute, line)?,
                    None => self.reference(name, line)?,
                };
                result.push_str(text_of(&value, "!Sub")?);
            }
            rest = &after[end + 1..];
        }
        result.push_str(rest);
        Ok(Node::text(line, result))
    }

    fn join(&self, argument: &Node) -> Result<Node, TemplateError> {
        let evaluated = self.evaluate_or_null(argument)?;
        let Some([delimiter, items]) = evaluated.as_list() else {
            return Err(TemplateError::new(argument.line, "`!Join` takes a delimiter and a list"));
        };
        let delimiter = text_of(delimiter, "!Join")?;
        let items = items.as_list().ok_or_else(|| TemplateError::new(items.line, "`!Join` joins a list"))?;
        let parts = items.iter().map(|item| text_of(item, "!Join")).collect::<Result<Vec<_>, _>>()?;
        Ok(Node::text(argument.line, parts.join(delimiter)))
    }

    fn select(&self, argument: &Node) -> Result<Node, TemplateError> {
        let evaluated = self.evaluate_or_null(argument)?;
        let wrong =
            || TemplateError::new(argument.line, "`!Select` takes an index and a list that reaches it");
        let Some([index, items]) = evaluated.as_list() else { return Err(wrong()) };
        let index = index.as_integer().and_then(|index| usize::try_from(index).ok()).ok_or_else(wrong)?;
        items.as_list().and_then(|items| items.get(index)).cloned().ok_or_else(wrong)
    }

    fn split(&self, argument: &Node) -> Result<Node, TemplateError> {
        let evaluated = self.evaluate_or_null(argument)?;
        let Some([delimiter, text]) = evaluated.as_list() else {
            return Err(TemplateError::new(argument.line, "`!Split` takes a delimiter and text"));
        };
        let parts = text_of(text, "!Split")?.split(text_of(delimiter, "!Split")?);
        let parts = parts.map(|part| Node::text(text.line, part)).collect();
        Ok(Node { line: argument.line, value: Value::List(parts) })
    }

    fn find_in_map(&self, argument: &Node) -> Result<Node, TemplateError> {
        let evaluated = self.evaluate_or_null(argument)?;
        let Some([map, first, second, ..]) = evaluated.as_list() else {
            return Err(TemplateError::new(argument.line, "`!FindInMap` takes a map name and two keys"));
        };
        let keys = [map, first, second].map(|key| key.as_text().unwrap_or_default());
        let mut found = self.root.get("Mappings");
        for key in keys {
            found = found.and_then(|node| node.get(key));
        }
        found.cloned().ok_or_else(|| {
            TemplateError::new(argument.line, format!("`Mappings` has no `{}`", keys.join(".")))
        })
    }

    fn choose(&self, argument: &Node) -> Result<Option<Node>, TemplateError> {
        let Some([condition, then, otherwise]) = argument.as_list() else {
            return Err(TemplateError::new(argument.line, "`!If` takes a condition and two values"));
        };
        let holds = self.condition(text_of(condition, "!If")?, condition.line)?;
        self.evaluate(if holds { then } else { otherwise })
    }

    fn condition(&self, name: &str, line: usize) -> Result<bool, TemplateError> {
        let declared = self.root.get("Conditions").and_then(|conditions| conditions.get(name));
        let declared =
            declared.ok_or_else(|| TemplateError::new(line, format!("no condition `{name}` is declared")))?;
        self.condition_node(declared)
    }

    fn condition_node(&self, node: &Node) -> Result<bool, TemplateError> {
        if self.depth.get() > MAX_REFERENCE_DEPTH {
            return Err(TemplateError::new(node.line, "conditions go round in a circle here"));
        }
        self.depth.set(self.depth.get() + 1);
        let result = self.condition_value(node);
        self.depth.set(self.depth.get() - 1);
        result
    }

    fn condition_value(&self, node: &Node) -> Result<bool, TemplateError> {
        let wrong = || {
            TemplateError::new(node.line, "a condition is `!Equals`, `!Not`, `!And`, `!Or` or `!Condition`")
        };
        if let Some([(key, name)]) = node.as_map()
            && key == "Condition"
        {
            return self.condition(text_of(name, "Condition")?, node.line);
        }
        let Value::Call { name, argument } = &node.value else { return Err(wrong()) };
        if name == "Condition" {
            return self.condition(text_of(argument, "!Condition")?, node.line);
        }
        let operands = argument.as_list().ok_or_else(wrong)?;
        match (name.as_str(), operands) {
            ("Equals", [left, right]) => Ok(text_of(&self.evaluate_or_null(left)?, "!Equals")?
                == text_of(&self.evaluate_or_null(right)?, "!Equals")?),
            ("Not", [operand]) => Ok(!self.condition_node(operand)?),
            ("And", operands) => {
                operands.iter().try_fold(true, |all, node| Ok(all & self.condition_node(node)?))
            }
            ("Or", operands) => {
                operands.iter().try_fold(false, |any, node| Ok(any | self.condition_node(node)?))
            }
            _ => Err(wrong()),
        }
    }
}

fn parameter_value(name: &str, declaration: &Node, given: Option<&str>) -> Result<Node, TemplateError> {
    let line = declaration.line;
    let text = match (given, declaration.get("Default").and_then(Node::as_text)) {
        (Some(given), _) => given.to_owned(),
        (None, Some(default)) => default.to_owned(),
        (None, None) => {
            return Err(TemplateError::new(
                line,
                format!("the parameter `{name}` has no default and no value was given"),
            ));
        }
    };
    if let Some(allowed) = declaration.get("AllowedValues").and_then(Node::as_list)
        && allowed.iter().all(|value| value.as_text() != Some(&text))
    {
        return Err(TemplateError::new(
            line,
            format!("the value of the parameter `{name}` is not among its allowed values"),
        ));
    }
    let kind = declaration.get("Type").and_then(Node::as_text).unwrap_or("String");
    if kind == "Number" && text.trim().parse::<f64>().is_err() {
        return Err(TemplateError::new(line, format!("the value of the parameter `{name}` is not a number")));
    }
    if kind == "CommaDelimitedList" || kind.starts_with("List<") {
        let items = text.split(',').map(|item| Node::text(line, item.trim())).collect();
        return Ok(Node { line, value: Value::List(items) });
    }
    Ok(Node::text(line, text))
}

pub(super) fn text_of<'n>(node: &'n Node, place: &str) -> Result<&'n str, TemplateError> {
    node.as_text()
        .ok_or_else(|| TemplateError::new(node.line, format!("{place} takes text here, not {}", node.kind())))
}

pub(super) fn pseudo_parameter(name: &str, names: &LocalNames) -> Option<String> {
    Some(match name {
        "AWS::Region" => names.region.clone(),
        "AWS::AccountId" => ACCOUNT_ID.to_owned(),
        "AWS::StackName" => names.stack_name.clone(),
        "AWS::StackId" => {
            format!("arn:aws:cloudformation:{}:{ACCOUNT_ID}:stack/{}/local", names.region, names.stack_name)
        }
        "AWS::Partition" => "aws".to_owned(),
        "AWS::URLSuffix" => "amazonaws.com".to_owned(),
        _ => return None,
    })
}
