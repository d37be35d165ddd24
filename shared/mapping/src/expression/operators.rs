//! The operators of the expression language, with PHP 8's rules.

use std::cmp::Ordering;

use model::Value;

use super::token::Operator;
use crate::php::compare::{compare, equal};
use crate::php::fault::Fault;
use crate::php::number::{self, Number, numeric};

pub(crate) fn apply(operator: Operator, left: &Value, right: &Value) -> Result<Value, Fault> {
    let ordered = |wanted: &[Ordering]| {
        Ok(Value::Bool(compare(left, right).is_some_and(|ordering| wanted.contains(&ordering))))
    };
    match operator {
        Operator::Add => Ok(tolerant(left, right, number::add)),
        Operator::Subtract => Ok(tolerant(left, right, number::subtract)),
        Operator::Multiply => {
            let (left, right) = number::operands(left, "*", right)?;
            Ok(number::multiply(left, right).value())
        }
        Operator::Divide => {
            if right.is_php_empty() {
                return Ok(Value::Int(0));
            }
            let (left, right) = number::operands(left, "/", right)?;
            Ok(number::divide(left, right)?.value())
        }
        Operator::Equal => Ok(Value::Bool(equal(left, right))),
        Operator::NotEqual => Ok(Value::Bool(!equal(left, right))),
        Operator::Less => ordered(&[Ordering::Less]),
        Operator::Greater => ordered(&[Ordering::Greater]),
        Operator::AtMost => ordered(&[Ordering::Less, Ordering::Equal]),
        Operator::AtLeast => ordered(&[Ordering::Greater, Ordering::Equal]),
    }
}

/// `+` and `-` of one number is that number, of none 0.
fn tolerant(left: &Value, right: &Value, operation: fn(Number, Number) -> Number) -> Value {
    match (numeric(left), numeric(right)) {
        (Some(left), Some(right)) => operation(left, right).value(),
        (Some(_), None) => left.clone(),
        (None, Some(_)) => right.clone(),
        (None, None) => Value::Int(0),
    }
}
