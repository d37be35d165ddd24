//! The fields of a memory system.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Value;

use crate::ports::{Canonical, Schema};

/// A text field.
#[derive(Clone, Debug, Default)]
pub struct MemoryField {
    /// The system cuts longer values, as some do without a word.
    pub cut_at: Option<usize>,
    /// The API cannot write it.
    pub read_only: bool,
    /// Refused by name when a value starts with this.
    pub refuses: Option<String>,
    /// Refused by name when another record has the value.
    pub unique: bool,
    /// The system stores capital letters, whatever it is sent.
    pub capitals: bool,
}

/// The fields of the one object of a memory system.
#[derive(Clone, Debug, Default)]
pub struct MemorySchema(pub(super) Arc<BTreeMap<String, MemoryField>>);

impl MemorySchema {
    /// These fields.
    pub fn of(fields: impl IntoIterator<Item = (&'static str, MemoryField)>) -> Self {
        Self(Arc::new(fields.into_iter().map(|(name, field)| (name.to_owned(), field)).collect()))
    }
}

impl Schema for MemorySchema {
    fn canonical(&self, field: &str, value: &Value) -> Canonical {
        match self.0.get(field) {
            None => Canonical::NoSuchField,
            Some(field) if field.read_only => Canonical::ReadOnly,
            Some(_) => Canonical::Value(Value::Text(value.php_string().trim().to_owned())),
        }
    }

    fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }
}
