//! The functions of the expression language: their table, and how they read their arguments.

mod date;
mod list;
pub(crate) mod number;
pub(crate) mod regex;
mod text;

use std::borrow::Cow;

use model::Value;

use super::Scope;
use crate::php::fault::{Fault, type_name};
use crate::php::number::{Number, float_to_int, numeric_string};
use crate::semantics::Semantics;

/// The longest text a function may make, in bytes.
pub(crate) const MAX_TEXT: usize = 1 << 20;

/// What a function needs besides its arguments.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Needs {
    /// Nothing.
    Nothing,
    /// The clock, if it has fewer arguments than this.
    ClockBelow(usize),
    /// The clock or chance, always.
    Moment,
    /// coreBOS's database or settings: it cannot be evaluated here.
    Corebos,
}

/// A function.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) needs: Needs,
    /// Whether coreBOS gives it its arguments unevaluated.
    pub(crate) takes_nodes: bool,
    pub(crate) call: fn(&[Value], &Scope<'_>) -> Result<Value, Fault>,
}

/// The function of a name; names are case-sensitive.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// The names of all functions that can be evaluated here.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().filter(|function| function.needs != Needs::Corebos).map(|function| function.name)
}

/// The names of the functions that only coreBOS can evaluate.
pub(crate) fn names_of_corebos() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().filter(|function| function.needs == Needs::Corebos).map(|function| function.name)
}

const fn pure(name: &'static str, call: fn(&[Value], &Scope<'_>) -> Result<Value, Fault>) -> Function {
    Function { name, needs: Needs::Nothing, takes_nodes: false, call }
}

const fn dated(
    name: &'static str,
    arguments: usize,
    call: fn(&[Value], &Scope<'_>) -> Result<Value, Fault>,
) -> Function {
    Function { name, needs: Needs::ClockBelow(arguments), takes_nodes: false, call }
}

const fn momentary(name: &'static str, call: fn(&[Value], &Scope<'_>) -> Result<Value, Fault>) -> Function {
    Function { name, needs: Needs::Moment, takes_nodes: false, call }
}

const fn in_corebos(name: &'static str) -> Function {
    Function { name, needs: Needs::Corebos, takes_nodes: false, call: refuse }
}

fn refuse(_: &[Value], _: &Scope<'_>) -> Result<Value, Fault> {
    Err(Fault::new("the function needs coreBOS's own data"))
}

#[rustfmt::skip]
static FUNCTIONS: &[Function] = &[
    pure("AND", list::and), pure("NOT", list::not), pure("OR", list::or),
    dated("add_days", 2, date::add_days), dated("add_months", 2, date::add_months),
    dated("add_time", 2, date::add_time), dated("add_workdays", 1, date::add_workdays),
    pure("array", list::array), pure("average", number::average),
    pure("base64decode", text::base64_decode), pure("base64encode", text::base64_encode),
    pure("ceil", number::ceil), pure("char", text::char), pure("coalesce", list::coalesce),
    pure("concat", text::concat), pure("explode", list::explode), pure("flattenarray", list::flatten),
    pure("floor", number::floor), pure("format_date", date::format_date),
    pure("getCRMIDFromWSID", text::crm_id), pure("getISODate", date::iso_date),
    momentary("get_date", date::get_date), pure("hash", text::hash), pure("implode", list::implode),
    pure("isNumeric", number::is_numeric), pure("isString", text::is_string),
    pure("jsonDecode", list::json_decode), pure("jsonEncode", list::json_encode),
    pure("log", number::log), pure("lowercase", text::lowercase),
    Function { name: "max", needs: Needs::Nothing, takes_nodes: true, call: number::max },
    Function { name: "min", needs: Needs::Nothing, takes_nodes: true, call: number::min },
    pure("modulo", number::modulo), pure("number_format", number::number_format),
    pure("power", number::power), momentary("randomnumber", number::random_number),
    momentary("randomstring", text::random_string), pure("regex", regex::matches),
    pure("regexreplace", regex::replace), pure("round", number::round),
    pure("stringlength", text::length), pure("stringposition", text::position),
    pure("stringreplace", text::replace), dated("sub_days", 2, date::sub_days),
    dated("sub_months", 2, date::sub_months), dated("sub_time", 2, date::sub_time),
    dated("sub_workdays", 1, date::sub_workdays), pure("substring", text::substring),
    dated("time_diff", 2, date::time_diff), dated("time_diffdays", 2, date::time_diff_days),
    dated("time_diffweekdays", 2, date::time_diff_weekdays),
    dated("time_diffyears", 2, date::time_diff_years), momentary("uniqid", text::unique_id),
    pure("uppercase", text::uppercase), pure("uppercasefirst", text::uppercase_first),
    pure("uppercasewords", text::uppercase_words),
    in_corebos("AutoNumberDec"), in_corebos("EUVATValidation"), in_corebos("Importing"),
    in_corebos("aggregate_time"), in_corebos("aggregation"), in_corebos("aggregation_fields_operation"),
    in_corebos("allrelatedare"), in_corebos("allrelatedarethesame"), in_corebos("applyMaptoArrayElements"),
    in_corebos("applyMaptoArrayElementsAndGroup"), in_corebos("applyMaptoInventoryArrayElements"),
    in_corebos("cleanArrayElements"), in_corebos("delSetting"), in_corebos("evaluateExpression"),
    in_corebos("evaluateRule"), in_corebos("executeSQL"), in_corebos("exists"), in_corebos("existsrelated"),
    in_corebos("faker"), in_corebos("frequency"), in_corebos("getCRUDMode"),
    in_corebos("getCurrencyConversionValue"), in_corebos("getCurrentConfiguredTaxValues"),
    in_corebos("getCurrentUserField"), in_corebos("getCurrentUserID"), in_corebos("getCurrentUserName"),
    in_corebos("getEntityType"), in_corebos("getFieldsOF"), in_corebos("getFromContext"),
    in_corebos("getFromContextSearching"), in_corebos("getGEODistance"),
    in_corebos("getGEODistanceFromCompanyAddress"), in_corebos("getGEODistanceFromUser2AccountBilling"),
    in_corebos("getGroupID"), in_corebos("getIDof"), in_corebos("getLatitude"), in_corebos("getLongitude"),
    in_corebos("getRelatedIDs"), in_corebos("getRelatedMassCreateArray"),
    in_corebos("getRelatedMassCreateArrayConverting"), in_corebos("getRelatedRecordCreateArrayConverting"),
    in_corebos("getRequest"), in_corebos("getSetting"), in_corebos("get_nextdate"),
    in_corebos("get_nextdateInterval"), in_corebos("getimageurl"), in_corebos("globalvariable"),
    in_corebos("hashFile"), in_corebos("holidaydifference"), in_corebos("isholidaydate"),
    in_corebos("networkdays"), in_corebos("num2str"), in_corebos("readMessage"), in_corebos("sendMessage"),
    in_corebos("setSetting"), in_corebos("setToContext"), in_corebos("statistics"), in_corebos("translate"),
];

/// An argument as PHP's `string` parameter takes it; nothing if it was not given.
fn text_of(value: &Value) -> Result<Cow<'_, [u8]>, Fault> {
    match value {
        Value::Array(_) => Err(Fault::new("TypeError: a text is expected, an array was given")),
        other => Ok(other.php_bytes()),
    }
}

/// An argument as PHP's `int` parameter takes it.
fn int_of(value: &Value) -> Result<i64, Fault> {
    let wrong =
        || Fault::new(format!("TypeError: a whole number is expected, {} was given", type_name(value)));
    let from_float = |number: f64| {
        let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number);
        if fits { Ok(float_to_int(number)) } else { Err(wrong()) }
    };
    match value {
        Value::Null => Ok(0),
        Value::Bool(value) => Ok(i64::from(*value)),
        Value::Int(number) => Ok(*number),
        Value::Float(number) => from_float(*number),
        Value::Text(_) | Value::Bytes(_) => match numeric_string(&value.php_bytes()) {
            Some(Number::Int(number)) => Ok(number),
            Some(Number::Float(number)) => from_float(number),
            None => Err(wrong()),
        },
        Value::Array(_) => Err(wrong()),
    }
}

/// An argument as PHP's `float` parameter takes it.
fn float_of(value: &Value) -> Result<f64, Fault> {
    let wrong = || Fault::new(format!("TypeError: a number is expected, {} was given", type_name(value)));
    match value {
        Value::Null => Ok(0.0),
        Value::Bool(value) => Ok(f64::from(u8::from(*value))),
        Value::Int(number) => Ok(Number::Int(*number).float()),
        Value::Float(number) => Ok(*number),
        Value::Text(_) | Value::Bytes(_) => {
            numeric_string(&value.php_bytes()).map(Number::float).ok_or_else(wrong)
        }
        Value::Array(_) => Err(wrong()),
    }
}

/// A text made by a function. Under `Bridge`, characters that were cut in half go.
fn made(bytes: Vec<u8>, scope: &Scope<'_>) -> Value {
    match Value::from_bytes(bytes) {
        Value::Bytes(bytes) if scope.semantics == Semantics::Bridge => {
            Value::Text(String::from_utf8_lossy(&bytes).replace('\u{fffd}', ""))
        }
        value => value,
    }
}

fn empty() -> Value {
    Value::Text(String::new())
}

fn too_long() -> Fault {
    Fault::new(format!("the text would be longer than {MAX_TEXT} bytes"))
}
