//! Evaluates a compiled map: the values of its fields, one by one.

use std::borrow::Cow;

use model::{Fields, Value};

use crate::expression::{self, Names, OwnNames, Scope};
use crate::finding::Position;
use crate::map::FieldMap;
use crate::path::{self, Found, SourceName};
use crate::php::entities;
use crate::php::fault::Fault;
use crate::record::{Record, RelatedRecords, View};
use crate::semantics::Semantics;
use crate::target::{Directive, Part, Target, copied};
use crate::template;

/// The field that coreBOS fills in when the record does not have it.
const OWNER: &str = "assigned_user_id";

/// Everything besides the record that a value may hang on.
#[derive(Clone)]
pub struct Surroundings<'a> {
    /// The user whom coreBOS takes for the owner of a record without one. Only `CoreBos` does that.
    pub current_user: Cow<'a, str>,
    /// The time, in seconds since 1970; maps that read the clock fail without it.
    pub now: Option<i64>,
    /// A number by chance; maps that use chance fail without it.
    pub chance: Option<u64>,
    /// Where the records are that the record refers to; without it, references are blank.
    pub related: Option<&'a dyn RelatedRecords>,
    /// The record itself, where the source is not it: FIELD, TEMPLATE and EXPRESSION read it then.
    pub record: Option<Record<'a>>,
    /// FIELD and TEMPLATE show dates and numbers in coreBOS's own format, `2024-02-29` and `1,234.50`, whoever owns
    /// the record: what a synchronisation wants. Otherwise in the format that the owner has chosen.
    pub neutral_formats: bool,
    /// What coreBOS made of the record through this map, by its operation `ProcessMap`: fields that only it can
    /// evaluate take their values from here, and are errors without it.
    pub processed: Option<&'a Fields>,
}

impl Surroundings<'_> {
    pub(crate) const CONST_DEFAULT: Surroundings<'static> = Surroundings {
        current_user: Cow::Borrowed("19x1"),
        now: None,
        chance: None,
        related: None,
        record: None,
        neutral_formats: false,
        processed: None,
    };

    pub(crate) fn clock(&self) -> Result<i64, Fault> {
        // A clock beyond the year 30,000 is wrong, and would not fit into the calculations.
        let now = self.now.filter(|now| (-1_000_000_000_000..1_000_000_000_000).contains(now));
        now.ok_or_else(|| Fault::new("the field reads the clock, and no time was given"))
    }

    pub(crate) fn chance(&self) -> Result<u64, Fault> {
        self.chance.ok_or_else(|| Fault::new("the field hangs on chance, and none was given"))
    }
}

impl Default for Surroundings<'_> {
    fn default() -> Self {
        Self::CONST_DEFAULT
    }
}

/// Why a field has no value. Tells names and places, never values.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{map}:{line}:{column}: field `{target}`: {problem}", line = position.line, column = position.column)]
pub struct FieldError {
    /// The map.
    pub map: String,
    /// The field it was to make.
    pub target: String,
    /// Where the map says how.
    pub position: Position,
    /// What is wrong.
    pub problem: String,
}

/// Why a map made nothing of a record: the first of its fields that failed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(transparent)]
pub struct EvaluationError(#[from] pub FieldError);

fn field_error(map: &FieldMap, target: &Target, problem: impl Into<String>) -> FieldError {
    FieldError {
        map: map.name.clone(),
        target: target.name.clone(),
        position: target.position,
        problem: problem.into(),
    }
}

/// Evaluates all fields onto what the target has.
pub(crate) fn onto(
    map: &FieldMap,
    source: &Fields,
    mut made: Fields,
    surroundings: &Surroundings<'_>,
) -> Result<Fields, EvaluationError> {
    for target in map.targets.values() {
        if let Some(value) = self::target(map, target, source, surroundings)? {
            path::set(&mut made, &target.path, value, map.semantics == Semantics::CoreBos)
                .map_err(|problem| field_error(map, target, problem))?;
        }
    }
    Ok(made)
}

/// Evaluates one field.
pub(crate) fn target(
    map: &FieldMap,
    target: &Target,
    source: &Fields,
    surroundings: &Surroundings<'_>,
) -> Result<Option<Value>, FieldError> {
    let bridge = map.semantics == Semantics::Bridge;
    if bridge && let Some(name) = target.copied_from() {
        return Ok(source.get(name).map(copied));
    }
    if bridge && !target.by_corebos && surroundings.record.is_none() && is_absent(target, source) {
        return Ok(None);
    }
    if target.by_corebos {
        let Some(answer) = surroundings.processed else {
            return Err(field_error(
                map,
                target,
                "only coreBOS can evaluate it, and its answer is not there",
            ));
        };
        return Ok(processed(answer, target, map.semantics));
    }
    let mut accumulated = Accumulated::Text(Vec::new());
    for part in &target.parts {
        let result = evaluate_part(map, part, target, source, surroundings, &mut accumulated)
            .and_then(|()| post_process(part, &mut accumulated));
        result.map_err(|fault| FieldError {
            position: part.position,
            ..field_error(map, target, fault.to_string())
        })?;
    }
    Ok(Some(match accumulated {
        Accumulated::Other(value) => value,
        Accumulated::Text(mut bytes) if !bridge => {
            target.delimiter.trim_bytes(&mut bytes);
            Value::from_bytes(bytes)
        }
        Accumulated::Text(bytes) => {
            let mut text = String::from_utf8(bytes).map_err(|_| {
                field_error(map, target, "the value is not UTF-8, so no system would store it")
            })?;
            target.delimiter.trim_characters(&mut text);
            Value::Text(text)
        }
    }))
}

/// The value of a field in coreBOS's answer; nothing if the answer lacks it, as when somebody has edited the map
/// meanwhile.
///
/// coreBOS evaluates on a record as its database holds it, HTML-encoded; no other system wants that.
fn processed(answer: &Fields, target: &Target, semantics: Semantics) -> Option<Value> {
    let mut value = answer.get(&target.path.first)?;
    for key in &target.path.rest {
        value = value.as_array()?.get(key)?;
    }
    Some(match value {
        Value::Null => Value::Text(String::new()),
        Value::Text(text) if semantics == Semantics::Bridge => Value::Text(entities::decode(text)),
        value => value.clone(),
    })
}

/// Whether none of the sources of a field is in the record.
fn is_absent(target: &Target, source: &Fields) -> bool {
    !target.reads.is_empty()
        && !target.reads.iter().any(|name| match name {
            SourceName::Plain(name) => source.contains(name),
            SourceName::Dotted(steps) => path::walk(source, steps) != Found::Absent,
        })
}

fn post_process(part: &Part, accumulated: &mut Accumulated) -> Result<(), Fault> {
    let Some(post_process) = &part.post_process else {
        return Ok(());
    };
    let function = post_process.as_ref().map_err(Clone::clone)?;
    let value = match std::mem::replace(accumulated, Accumulated::Text(Vec::new())) {
        Accumulated::Other(value) => value,
        Accumulated::Text(bytes) => Value::from_bytes(bytes),
    };
    *accumulated = match function.apply(&value)? {
        Value::Text(text) => Accumulated::Text(text.into_bytes()),
        Value::Bytes(bytes) => Accumulated::Text(bytes),
        value => Accumulated::Other(value),
    };
    Ok(())
}

/// The value of a field while its parts are put together.
enum Accumulated {
    Text(Vec<u8>),
    Other(Value),
}

impl Accumulated {
    /// PHP's `.=`: whatever is there becomes a string first, an array the word `Array`.
    fn append(&mut self, text: &[u8], refuse_arrays: bool) -> Result<(), Fault> {
        match self {
            Self::Text(bytes) => bytes.extend_from_slice(text),
            Self::Other(Value::Array(_)) if refuse_arrays => {
                return Err(Fault::new("a list or an object cannot be joined with a text"));
            }
            Self::Other(value) => {
                let mut bytes = value.php_bytes().into_owned();
                bytes.extend_from_slice(text);
                *self = Self::Text(bytes);
            }
        }
        Ok(())
    }
}

fn evaluate_part(
    map: &FieldMap,
    part: &Part,
    target: &Target,
    source: &Fields,
    surroundings: &Surroundings<'_>,
    accumulated: &mut Accumulated,
) -> Result<(), Fault> {
    let bridge = map.semantics == Semantics::Bridge;
    let delimiter = target.delimiter.text().as_bytes();
    match &part.directive {
        Directive::Constant(text) => {
            accumulated.append(text.as_bytes(), bridge)?;
            accumulated.append(delimiter, bridge)?;
        }
        Directive::Default(SourceName::Plain(name)) => {
            let injected;
            let mut value = source.get(name);
            if name == OWNER && map.semantics == Semantics::CoreBos && value.is_none_or(Value::is_php_empty) {
                injected = Value::Text(surroundings.current_user.as_ref().to_owned());
                value = Some(&injected);
            }
            match value {
                None | Some(Value::Null) => {}
                Some(value) => append_or_replace(accumulated, value, delimiter, bridge)?,
            }
        }
        Directive::Default(SourceName::Dotted(steps)) => {
            if map.semantics == Semantics::CoreBos {
                let value = path::walk_like_corebos(source, steps);
                return append_or_replace(accumulated, &value, delimiter, bridge);
            }
            match path::walk(source, steps) {
                Found::Absent | Found::Value(Value::Null) => accumulated.append(delimiter, bridge)?,
                Found::Value(value) => append_or_replace(accumulated, value, delimiter, bridge)?,
            }
        }
        Directive::Template(template) => {
            let view = View::new(source, &map.origin, map.semantics, surroundings);
            let text = template::render(template, &view, map.semantics)?;
            accumulated.append(text.as_bytes(), bridge)?;
            accumulated.append(delimiter, bridge)?;
        }
        Directive::Expression(node) => {
            let view = View::new(source, &map.origin, map.semantics, surroundings);
            // Without a record, a name stands for itself to coreBOS, which is of no use to anybody.
            let names: &dyn Names = if bridge || surroundings.record.is_some() { &view } else { &OwnNames };
            let scope = Scope { names, semantics: map.semantics, surroundings };
            let value = expression::evaluate(node, &scope)?;
            if bridge && matches!(value, Value::Array(_)) {
                return Err(Fault::new("the expression makes a list, which no text can show"));
            }
            accumulated.append(&value.php_bytes(), bridge)?;
            accumulated.append(delimiter, bridge)?;
        }
        Directive::Broken(fault) => return Err(fault.clone()),
        // The whole field is taken from coreBOS's answer.
        Directive::ByCoreBos(_) => {}
    }
    Ok(())
}

/// A text is appended, with the delimiter; anything else takes the place of what was there.
fn append_or_replace(
    accumulated: &mut Accumulated,
    value: &Value,
    delimiter: &[u8],
    bridge: bool,
) -> Result<(), Fault> {
    match value {
        Value::Text(_) | Value::Bytes(_) => {
            accumulated.append(&value.php_bytes(), bridge)?;
            accumulated.append(delimiter, bridge)?;
        }
        value => *accumulated = Accumulated::Other(value.clone()),
    }
    Ok(())
}
