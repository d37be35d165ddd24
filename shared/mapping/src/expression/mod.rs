//! coreBOS's workflow expression language: the part of it that needs nothing but the record.

pub(crate) mod functions;
mod operators;
pub(crate) mod parse;
pub(crate) mod token;

pub(crate) use functions::number::format_number;
use model::{Fields, Value};

use crate::evaluate::Surroundings;
use crate::php::fault::Fault;
use crate::php::number;
use crate::php::{compare, entities};
use crate::semantics::Semantics;
use parse::{Node, ParseError};

/// What names stand for.
pub(crate) trait Names {
    /// The value of a field, or of a reference as written.
    fn value(&self, name: &str) -> Result<Value, Fault>;
}

/// Evaluation without a record: a name stands for itself.
pub(crate) struct OwnNames;

impl Names for OwnNames {
    fn value(&self, name: &str) -> Result<Value, Fault> {
        Ok(Value::from(name))
    }
}

/// Evaluation on the fields of a record; what it does not have is null.
pub(crate) struct FieldNames<'a>(pub(crate) &'a Fields);

impl Names for FieldNames<'_> {
    fn value(&self, name: &str) -> Result<Value, Fault> {
        Ok(self.0.get(name).cloned().unwrap_or_default())
    }
}

/// An expression by itself, outside of any map.
#[derive(Clone, Debug)]
pub struct Expression {
    node: Result<Node, ParseError>,
    semantics: Semantics,
}

/// Why an expression has no value, or cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{problem}")]
pub struct ExpressionError {
    problem: String,
    needs_corebos: bool,
}

impl ExpressionError {
    fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), needs_corebos: false }
    }

    /// Whether nothing is wrong with the expression but that only coreBOS itself can evaluate it.
    pub fn needs_corebos(&self) -> bool {
        self.needs_corebos
    }
}

impl Expression {
    /// Compiles an expression. Functions that need coreBOS's own data are refused here.
    ///
    /// Under `CoreBos`, text that is no expression compiles, and evaluating it is the error, as in coreBOS.
    pub fn compile(text: &str, semantics: Semantics) -> Result<Self, ExpressionError> {
        let parsed = parse::parse(&entities::decode(text), semantics);
        let refused = parsed.as_ref().ok().and_then(|parsed| parsed.refused.first());
        if let Some((name, _)) = refused {
            let problem = format!("the function `{name}` needs coreBOS's own data");
            return Err(ExpressionError { problem, needs_corebos: true });
        }
        let unknown = parsed.as_ref().ok().and_then(|parsed| parsed.unknown.first());
        if let Some((name, _)) = unknown.filter(|_| semantics == Semantics::Bridge) {
            return Err(ExpressionError::new(format!("there is no function `{name}`")));
        }
        let node = parsed.map(|parsed| parsed.node);
        match node {
            Err(error) if semantics == Semantics::Bridge => Err(ExpressionError::new(error.problem)),
            node => Ok(Self { node, semantics }),
        }
    }

    /// Its value on a record, or without one, where to coreBOS a name stands for itself.
    pub fn evaluate(
        &self,
        record: Option<&Fields>,
        surroundings: &Surroundings<'_>,
    ) -> Result<Value, ExpressionError> {
        let node = self.node.as_ref().map_err(|error| ExpressionError::new(error.problem.as_str()))?;
        let with_record = record.map(FieldNames);
        let names: &dyn Names = with_record.as_ref().map_or(&OwnNames as &dyn Names, |names| names);
        let scope = Scope { names, semantics: self.semantics, surroundings };
        evaluate(node, &scope).map_err(|fault| ExpressionError::new(fault.to_string()))
    }
}

/// Everything that an evaluation hangs on.
pub(crate) struct Scope<'a> {
    pub(crate) names: &'a dyn Names,
    pub(crate) semantics: Semantics,
    pub(crate) surroundings: &'a Surroundings<'a>,
}

/// Evaluates an expression.
pub(crate) fn evaluate(node: &Node, scope: &Scope<'_>) -> Result<Value, Fault> {
    match node {
        Node::Literal(value) => Ok(value.clone()),
        Node::Name(name) => scope.names.value(name),
        Node::Plus(operand) => evaluate(operand, scope),
        Node::Negate(operand) => {
            let value = evaluate(operand, scope)?;
            let (left, right) = number::operands(&value, "*", &Value::Int(-1))?;
            Ok(number::multiply(left, right).value())
        }
        Node::Binary(operator, left, right) => {
            let left = evaluate(left, scope)?;
            let right = evaluate(right, scope)?;
            operators::apply(*operator, &left, &right)
        }
        Node::If(condition, yes, no) => {
            let condition = evaluate(condition, scope)?;
            evaluate(if compare::truthy(&condition) { yes } else { no }, scope)
        }
        Node::Call(function, arguments, pattern) => {
            let mut values = Vec::with_capacity(arguments.len());
            for argument in arguments {
                values.push(match argument {
                    // min and max are given their arguments unevaluated and look fields up themselves.
                    Node::Literal(_) | Node::Name(_) => evaluate(argument, scope)?,
                    _ if function.takes_nodes && scope.semantics == Semantics::CoreBos => Value::Null,
                    _ => evaluate(argument, scope)?,
                });
            }
            match pattern {
                Some(pattern) => pattern.call(&values, scope),
                None => (function.call)(&values, scope),
            }
        }
        Node::Unknown(name) => Err(Fault::new(format!("there is no function `{name}`"))),
    }
}
