//! The database of the stand-in: records, counters, accounts and settings, with a snapshot on disk when asked for.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::records::Records;
use super::schema::{Field, Kind, Module, Schema};
use super::value::clock_text;

/// One row of `vtiger_crmentity` with the columns of its module.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) crmid: u64,
    pub(crate) module: String,
    pub(crate) uuid: String,
    pub(crate) owner: u64,
    pub(crate) creator: u64,
    pub(crate) modifier: u64,
    /// Seconds since 1970.
    pub(crate) created: i64,
    pub(crate) modified: i64,
    /// What a `sync` over several modules looks at; converting a lead leaves it alone.
    pub(crate) object_modified: i64,
    pub(crate) deleted: bool,
    pub(crate) converted: bool,
    /// Stored values by field; a field without a value is NULL in the database.
    pub(crate) values: BTreeMap<String, String>,
}

impl Record {
    /// The stored value, empty when NULL.
    pub(crate) fn value(&self, field: &str) -> &str {
        self.values.get(field).map_or("", String::as_str)
    }

    /// The column as the database holds it; none for NULL.
    pub(crate) fn column(&self, field: &Field) -> Option<String> {
        match (field.name.as_str(), &field.kind) {
            (_, Kind::Id) => Some(self.crmid.to_string()),
            (_, Kind::Owner) => Some(self.owner.to_string()),
            ("createdtime", _) => Some(clock_text(self.created)),
            ("modifiedtime", _) => Some(clock_text(self.modified)),
            ("modifiedby", _) => Some(self.modifier.to_string()),
            ("created_user_id", _) => Some(self.creator.to_string()),
            (name, _) => self.values.get(name).cloned(),
        }
    }

    /// Whether queries and references see the record.
    pub(crate) fn is_listed(&self) -> bool {
        !self.deleted && !self.converted
    }
}

/// What a user needs to log in.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) access_key: String,
    pub(crate) password: String,
    /// Tokens that stand for this user without a login (`coreBOSWSAuthToken`).
    pub(crate) static_tokens: Vec<String>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Store {
    pub(crate) records: Records,
    /// By user id.
    pub(crate) accounts: BTreeMap<u64, Account>,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) next_crmid: u64,
    pub(crate) next_user: u64,
    /// Next autonumber by module.
    pub(crate) numbers: BTreeMap<String, u64>,
}

impl Store {
    /// The snapshot at `path`; none when there is no such file.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Self>> {
        match std::fs::read(path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces the snapshot at `path` in one step.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let draft = path.with_extension("tmp");
        std::fs::write(&draft, serde_json::to_vec(self)?)?;
        std::fs::rename(draft, path)
    }

    pub(crate) fn take_crmid(&mut self, module: &str) -> u64 {
        let counter = if module == "Users" { &mut self.next_user } else { &mut self.next_crmid };
        let id = *counter;
        *counter += 1;
        id
    }

    /// The next number of a module's numbered field, such as `CON11`.
    pub(crate) fn take_number(&mut self, module: &str) -> String {
        let next = self.numbers.entry(module.to_owned()).or_insert(1);
        let number = *next;
        *next += 1;
        match module {
            "Contacts" => format!("CON{number}"),
            "Accounts" => format!("ACC{number}"),
            "Leads" => format!("LEA{number}"),
            "Potentials" => format!("POT{number}"),
            "cbMap" => format!("BMAP-{number:07}"),
            other => format!("{other}{number}"),
        }
    }

    /// A record that is not in the recycle bin.
    pub(crate) fn alive(&self, crmid: u64) -> Option<&Record> {
        self.records.get(&crmid).filter(|record| !record.deleted)
    }

    pub(crate) fn put(&mut self, record: Record) {
        self.records.put(record);
    }

    /// The webservice id of a user or group; none when there is no such owner.
    pub(crate) fn owner_wsid(&self, schema: &Schema, owner: u64) -> Option<String> {
        let record =
            self.records.get(&owner).filter(|record| matches!(record.module.as_str(), "Users" | "Groups"))?;
        Some(wsid(schema.module(&record.module)?, owner))
    }

    /// The record behind a webservice id, a bare record number or a uuid, deleted or not; with the id's own prefix.
    pub(crate) fn resolve<'a>(&self, schema: &'a Schema, text: &str) -> Resolved<'a> {
        if let Some((prefix, id)) = text.split_once('x')
            && !prefix.is_empty()
            && prefix.bytes().all(|byte| byte.is_ascii_digit())
        {
            return match schema.module_of_prefix(prefix) {
                None => Resolved::UnknownPrefix(prefix.to_owned()),
                Some(module) => Resolved::Id(module, id.parse().unwrap_or(0)),
            };
        }
        let found = match text.parse::<u64>() {
            Ok(crmid) => self.alive(crmid),
            Err(_) if text.len() == 40 => {
                self.records.values().find(|each| each.uuid == text && !each.deleted)
            }
            Err(_) => None,
        };
        match found.and_then(|record| Some((schema.module(&record.module)?, record.crmid))) {
            Some((module, crmid)) => Resolved::Id(module, crmid),
            None => Resolved::UnknownPrefix("0".to_owned()),
        }
    }
}

/// What an id in a request means.
#[derive(Debug)]
pub(crate) enum Resolved<'a> {
    /// The module of the prefix, and a record number that may belong to nothing or to another module.
    Id(&'a Module, u64),
    UnknownPrefix(String),
}

/// The webservice id of a record.
pub(crate) fn wsid(module: &Module, crmid: u64) -> String {
    format!("{}x{crmid}", module.prefix)
}
