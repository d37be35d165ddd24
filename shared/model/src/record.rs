//! Addresses of records.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::System;

/// What a system calls a type of record: `Contacts` in coreBOS, `contact` in Mautic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectName(String);

impl ObjectName {
    /// The object called `name` in its system.
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The name as the system writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The address of one record: which system, which type, which id. Every id is text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordRef {
    /// The instance that holds the record.
    pub system: System,
    /// Its type there.
    pub object: ObjectName,
    /// Its id there: `47` in Mautic, `12x1084` in coreBOS.
    pub id: String,
}

impl RecordRef {
    /// The record `id` of type `object` in `system`.
    pub fn new(system: &System, object: &ObjectName, id: impl Into<String>) -> Self {
        Self { system: system.clone(), object: object.clone(), id: id.into() }
    }

    /// The text that names the record in keys, message groups and logs: `mautic:main#contact#47`.
    pub fn key(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for RecordRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}#{}", self.system, self.object, self.id)
    }
}
