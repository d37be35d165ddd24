//! YAML with CloudFormation's tags, as a tree that knows its lines.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::{Map, Number, Value as Json};

use super::TemplateError;

/// Nesting beyond this is refused. Real templates stay below 20.
const MAX_DEPTH: usize = 100;
/// Nodes beyond this are refused, so that aliases cannot multiply without end. CloudFormation's own limit is 1 MB.
const MAX_NODES: usize = 500_000;

/// One value of the template and the line where it begins, from 1.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// A scalar as written; `plain` when it had no quotes, so that `true` and `"true"` differ.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
    /// A CloudFormation function: `!Ref x`, or a map with the one key `Ref` or `Fn::...`. The name is the short one.
    Call {
        name: String,
        argument: Box<Node>,
    },
}

impl Node {
    pub(crate) fn text(line: usize, text: impl Into<String>) -> Self {
        Self { line, value: Value::Scalar { text: text.into(), plain: false } }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    pub(crate) fn as_map(&self) -> Option<&[(String, Node)]> {
        if let Value::Map(entries) = &self.value { Some(entries) } else { None }
    }

    pub(crate) fn as_list(&self) -> Option<&[Node]> {
        if let Value::List(items) = &self.value { Some(items) } else { None }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Value::Scalar { text, .. } = &self.value { Some(text) } else { None }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// CloudFormation takes `true` and `"true"` alike.
    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self.as_text()?.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        }
    }

    /// CloudFormation takes `5` and `"5"` alike.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        self.as_text()?.trim().parse().ok()
    }

    /// The node as JSON. Functions must have been evaluated before.
    pub(crate) fn to_json(&self) -> Json {
        match &self.value {
            Value::Scalar { text, plain } => scalar_to_json(text, *plain, self.is_null()),
            Value::List(items) => Json::Array(items.iter().map(Node::to_json).collect()),
            Value::Map(entries) => Json::Object(
                entries.iter().map(|(key, node)| (key.clone(), node.to_json())).collect::<Map<_, _>>(),
            ),
            Value::Call { .. } => Json::Null,
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            Value::Scalar { .. } => "a scalar",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
            Value::Call { .. } => "a function call",
        }
    }
}

fn scalar_to_json(text: &str, plain: bool, is_null: bool) -> Json {
    if !plain {
        return Json::String(text.to_owned());
    }
    if is_null {
        return Json::Null;
    }
    match text {
        "true" | "True" | "TRUE" => return Json::Bool(true),
        "false" | "False" | "FALSE" => return Json::Bool(false),
        _ => {}
    }
    if let Ok(number) = text.parse::<i64>() {
        return Json::Number(number.into());
    }
    let looks_like_float =
        text.contains(['.', 'e', 'E']) && text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    match text.parse::<f64>().ok().filter(|_| looks_like_float).and_then(Number::from_f64) {
        Some(number) => Json::Number(number),
        None => Json::String(text.to_owned()),
    }
}

/// Reads one YAML document.
pub(crate) fn parse(text: &str) -> Result<Node, TemplateError> {
    let mut reader = Reader { parser: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0 };
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::StreamEnd => return Err(TemplateError::new(1, "the template is empty")),
            event => return reader.node(event, span, 0),
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), TemplateError> {
        match self.parser.next_event() {
            Some(Ok(found)) => Ok(found),
            Some(Err(error)) => Err(TemplateError::new(error.marker().line(), error.info())),
            None => Err(TemplateError::new(1, "the template ends too early")),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, TemplateError> {
        let line = span.start.line();
        if depth > MAX_DEPTH {
            return Err(TemplateError::new(line, "the template is nested too deeply"));
        }
        self.count(1, line)?;
        let (value, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (Value::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain }, anchor, tag)
            }
            Event::SequenceStart(anchor, tag) => (Value::List(self.list(depth)?), anchor, tag),
            Event::MappingStart(anchor, tag) => (Value::Map(self.map(depth)?), anchor, tag),
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node =
                    node.ok_or_else(|| TemplateError::new(line, "this alias has no anchor before it"))?;
                self.count(size(&node), line)?;
                return Ok(node);
            }
            _ => return Err(TemplateError::new(line, "a value was expected here")),
        };
        let node = with_call(Node { line, value }, tag.as_deref())?;
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, TemplateError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(String, Node)>, TemplateError> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(entries);
            }
            let key = self.node(event, span, depth + 1)?;
            let Some(name) = key.as_text().map(str::to_owned) else {
                return Err(TemplateError::new(key.line, "a key must be text"));
            };
            if entries.iter().any(|(known, _)| *known == name) {
                return Err(TemplateError::new(
                    key.line,
                    format!("the key `{name}` appears twice in this mapping"),
                ));
            }
            let (event, span) = self.next()?;
            let node = self.node(event, span, depth + 1)?;
            entries.push((name, node));
        }
    }

    fn count(&mut self, more: usize, line: usize) -> Result<(), TemplateError> {
        self.nodes += more;
        if self.nodes > MAX_NODES {
            return Err(TemplateError::new(line, "the template is too large"));
        }
        Ok(())
    }
}

fn size(node: &Node) -> usize {
    1 + match &node.value {
        Value::Scalar { .. } => 0,
        Value::List(items) => items.iter().map(size).sum(),
        Value::Map(entries) => entries.iter().map(|(_, node)| size(node)).sum(),
        Value::Call { argument, .. } => size(argument),
    }
}

/// Turns a tagged node, or a map with one function key, into a call.
fn with_call(node: Node, tag: Option<&Tag>) -> Result<Node, TemplateError> {
    if let Some(tag) = tag {
        if tag.is_yaml_core_schema() {
            return Ok(if tag.suffix == "str" { as_quoted(node) } else { node });
        }
        if tag.handle != "!" || tag.suffix.is_empty() {
            return Err(TemplateError::new(node.line, format!("unknown tag `{}{}`", tag.handle, tag.suffix)));
        }
        return Ok(call(node.line, &tag.suffix, node));
    }
    match node.value {
        Value::Map(mut entries) if entries.len() == 1 && is_function_key(&entries[0].0) => {
            let line = node.line;
            match entries.pop() {
                Some((key, argument)) => Ok(call(line, key.strip_prefix("Fn::").unwrap_or(&key), argument)),
                None => Ok(Node { line, value: Value::Map(entries) }),
            }
        }
        value => Ok(Node { line: node.line, value }),
    }
}

fn call(line: usize, name: &str, argument: Node) -> Node {
    Node { line, value: Value::Call { name: name.to_owned(), argument: Box::new(argument) } }
}

fn as_quoted(node: Node) -> Node {
    match node.value {
        Value::Scalar { text, .. } => Node::text(node.line, text),
        value => Node { line: node.line, value },
    }
}

fn is_function_key(key: &str) -> bool {
    key == "Ref" || key.starts_with("Fn::")
}
