//! `template.yaml` as JSON values, with CloudFormation's tags in their long form: `!Ref X` is `{"Ref": "X"}`.

use std::fs;
use std::path::{Path, PathBuf};

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput, Tag};
use serde_json::{Map, Value, json};

/// The folder of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// The template as written: `Globals` not merged, references not followed.
pub(crate) struct Template {
    pub(crate) text: String,
    root: Value,
}

/// Reads `template.yaml`, and panics where it cannot be read.
pub(crate) fn template() -> Template {
    let path = workspace().join("template.yaml");
    match fs::read_to_string(&path) {
        Ok(text) => Template { root: parse(&text), text },
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

impl Template {
    /// A section of the top level, such as `Parameters`.
    pub(crate) fn section(&self, name: &str) -> &Map<String, Value> {
        match self.root[name].as_object() {
            Some(section) => section,
            None => panic!("the template has no section {name}"),
        }
    }

    /// A resource with its attributes, such as `Type` and `DeletionPolicy`.
    pub(crate) fn resource(&self, id: &str) -> &Value {
        match self.section("Resources").get(id) {
            Some(resource) => resource,
            None => panic!("the template has no resource {id}"),
        }
    }

    /// Logical ids and properties of the resources of a type.
    pub(crate) fn resources_of(&self, kind: &str) -> Vec<(&str, &Value)> {
        let of_kind = self.section("Resources").iter().filter(|(_, resource)| resource["Type"] == kind);
        let found: Vec<_> = of_kind.map(|(id, resource)| (id.as_str(), &resource["Properties"])).collect();
        assert!(!found.is_empty(), "the template has no {kind}");
        found
    }

    /// Logical ids and properties of all functions.
    pub(crate) fn functions(&self) -> Vec<(&str, &Value)> {
        self.resources_of("AWS::Serverless::Function")
    }

    /// A property of a function, or what `Globals` say of it.
    pub(crate) fn of_function<'t>(&'t self, function: &'t Value, key: &str) -> &'t Value {
        if function[key].is_null() { &self.root["Globals"]["Function"][key] } else { &function[key] }
    }

    /// The properties of the queues that a function takes its messages from, with their logical ids.
    pub(crate) fn queues_of<'t>(&'t self, function: &'t Value) -> Vec<(&'t str, &'t Value)> {
        let sources = events_of(function, "SQS");
        let ids = sources.into_iter().map(|source| target_of(&source["Queue"], "Arn"));
        ids.map(|id| (id, &self.resource(id)["Properties"])).collect()
    }
}

/// The properties of a function's events of a type.
pub(crate) fn events_of<'t>(function: &'t Value, kind: &str) -> Vec<&'t Value> {
    let events = function["Events"].as_object().into_iter().flat_map(Map::values);
    events.filter(|event| event["Type"] == kind).map(|event| &event["Properties"]).collect()
}

/// The logical id in `{"Fn::GetAtt": "<id>.<attribute>"}`.
pub(crate) fn target_of<'t>(value: &'t Value, attribute: &str) -> &'t str {
    let target = value["Fn::GetAtt"].as_str().and_then(|target| target.split_once('.'));
    match target {
        Some((id, found)) if found == attribute => id,
        _ => panic!("{value} is no !GetAtt of an {attribute}"),
    }
}

/// A name without the prefix that tells stacks apart: `{"Fn::Sub": "${NamePrefix}<name>"}`.
pub(crate) fn name_of<'t>(value: &'t Value, before: &str) -> &'t str {
    let rest = value["Fn::Sub"].as_str().and_then(|text| text.strip_prefix(before));
    match rest.and_then(|rest| rest.strip_prefix("${NamePrefix}")) {
        Some(name) => name,
        None => panic!(
            "{value} is no !Sub of {before}${{NamePrefix}}..., so two stacks could not live side by side"
        ),
    }
}

/// The texts of a text or of a list of texts.
pub(crate) fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().into_iter().collect(),
    }
}

/// The items of a list, or the one value that stands for a list of one.
pub(crate) fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        other => vec![other],
    }
}

fn parse(text: &str) -> Value {
    let mut parser = Parser::new_from_str(text);
    loop {
        match next(&mut parser) {
            Event::StreamStart | Event::DocumentStart(_) => {}
            event => return value(&mut parser, event),
        }
    }
}

fn next<'a>(parser: &mut Parser<'a, StrInput<'a>>) -> Event<'a> {
    match parser.next_event() {
        Some(Ok((event, _))) => event,
        Some(Err(error)) => panic!("template.yaml: {error}"),
        None => panic!("template.yaml ends too early"),
    }
}

fn value<'a>(parser: &mut Parser<'a, StrInput<'a>>, event: Event<'a>) -> Value {
    match event {
        Event::Scalar(text, style, _, tag) => tagged(scalar(&text, style), tag.as_deref()),
        Event::SequenceStart(_, tag) => {
            let mut list = Vec::new();
            loop {
                match next(parser) {
                    Event::SequenceEnd => return tagged(Value::Array(list), tag.as_deref()),
                    event => list.push(value(parser, event)),
                }
            }
        }
        Event::MappingStart(_, tag) => {
            let mut map = Map::new();
            loop {
                let key = match next(parser) {
                    Event::MappingEnd => return tagged(Value::Object(map), tag.as_deref()),
                    Event::Scalar(key, ..) => key.into_owned(),
                    event => panic!("template.yaml: a key that is no text: {event:?}"),
                };
                let event = next(parser);
                let value = value(parser, event);
                assert!(
                    map.insert(key.clone(), value).is_none(),
                    "template.yaml: {key} stands twice in one mapping"
                );
            }
        }
        event => panic!("template.yaml: anchors are not read here: {event:?}"),
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    match text {
        _ if style != ScalarStyle::Plain => json!(text),
        "true" => json!(true),
        "false" => json!(false),
        _ => text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number)),
    }
}

fn tagged(value: Value, tag: Option<&Tag>) -> Value {
    let Some(tag) = tag else { return value };
    match tag.suffix.as_str() {
        "Ref" | "Condition" => json!({ tag.suffix.as_str(): value }),
        name => json!({ format!("Fn::{name}"): value }),
    }
}
