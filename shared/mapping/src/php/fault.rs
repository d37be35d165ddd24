//! What PHP throws, as a value.

/// Why something has no value. The text tells kinds and names, never values.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Fault(pub(crate) String);

impl Fault {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// The name PHP gives a value's type in its messages.
pub(crate) fn type_name(value: &model::Value) -> &'static str {
    use model::Value;
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float",
        Value::Text(_) | Value::Bytes(_) => "string",
        Value::Array(_) => "array",
    }
}
