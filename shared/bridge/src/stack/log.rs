//! What the push functions have logged about a record: kept beside a running `bridge up`, in CloudWatch of a deployed
//! stack. Log lines hold ids and names of fields, never values.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use embedded_aws::StackEvent;
use jiff::Timestamp;
use model::RecordRef;
use serde::{Deserialize, Serialize};

/// How large the kept log may grow before the older half of it goes, in bytes: some ten thousand lines.
const HALF_BYTES: u64 = 4 * 1024 * 1024;

/// Where the log of a stack is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StackLog {
    /// In a file on this machine.
    Kept(PathBuf),
    /// In CloudWatch Logs; the names of the stack's functions begin so.
    InCloudWatch {
        /// The stack's parameter `NamePrefix`.
        prefix: String,
    },
}

/// One line about a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was logged.
    #[serde(rename(deserialize = "timestamp"))]
    pub at: Timestamp,
    /// By which function.
    #[serde(default)]
    pub function: String,
    /// `change pushed`, `change waits`, ...
    #[serde(default)]
    pub message: String,
    /// `skipped`, `updated`, `retry`, ...
    #[serde(default)]
    pub outcome: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// More words.
    #[serde(default)]
    pub detail: String,
    /// The fields that were written.
    #[serde(default)]
    pub fields: String,
    #[serde(rename(deserialize = "change.id"), default)]
    /// The receipt of the notice.
    pub receipt: String,
    #[serde(rename = "record.system", default, skip_serializing)]
    system: String,
    #[serde(rename = "record.object", default, skip_serializing)]
    object: String,
    #[serde(rename = "record.id", default, skip_serializing)]
    id: String,
}

impl LogLine {
    /// The record that it is about.
    pub fn record(&self) -> String {
        format!("{}#{}#{}", self.system, self.object, self.id)
    }

    fn is_about(&self, records: &[RecordRef]) -> bool {
        records.iter().any(|record| {
            record.id == self.id
                && record.object.as_str() == self.object
                && record.system.to_string() == self.system
        })
    }
}

/// Keeps the lines about records, for `bridge why`.
#[derive(Debug)]
pub struct LogKeeper {
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
}

impl LogKeeper {
    /// Keeps lines in this file, after those that it holds. A file that cannot be written keeps nothing: what the
    /// stack does is more important than what is told of it.
    pub fn new(path: PathBuf) -> Self {
        if let Some(folder) = path.parent() {
            let _ = std::fs::create_dir_all(folder);
        }
        let bytes = path.metadata().map(|file| file.len()).unwrap_or_default();
        let file = OpenOptions::new().create(true).append(true).open(&path).ok();
        Self { path, file, bytes }
    }

    /// The same, without the lines of an earlier stack that is gone.
    pub fn afresh(path: PathBuf) -> Self {
        for stale in [older(&path), path.clone()] {
            let _ = std::fs::remove_file(stale);
        }
        Self::new(path)
    }

    /// Keeps a line of a function, if it is about a record.
    pub fn keep(&mut self, event: &StackEvent) {
        let StackEvent::FunctionLog { line, .. } = event else { return };
        if !line.contains("\"record.id\"") {
            return;
        }
        if self.bytes > HALF_BYTES {
            self.begin_anew();
        }
        if let Some(file) = &mut self.file
            && writeln!(file, "{line}").is_ok()
        {
            self.bytes += u64::try_from(line.len()).unwrap_or_default() + 1;
        }
    }

    fn begin_anew(&mut self) {
        let _ = std::fs::rename(&self.path, older(&self.path));
        self.file = File::create(&self.path).ok();
        self.bytes = 0;
    }
}

fn older(path: &Path) -> PathBuf {
    path.with_extension("older.log")
}

/// The last decisions in a kept log about any of these records, oldest first. Lines without an outcome, such as
/// warnings about a map that was in use at the time, are none.
pub fn lines_about(path: &Path, records: &[RecordRef], limit: usize) -> Vec<LogLine> {
    let mut found = std::collections::VecDeque::with_capacity(limit);
    for path in [older(path), path.to_owned()] {
        let Ok(file) = File::open(&path) else { continue };
        for line in BufReader::new(file).lines().map_while(Result::ok) {
            let Ok(line) = serde_json::from_str::<LogLine>(&line) else { continue };
            if !line.outcome.is_empty() && line.is_about(records) {
                if found.len() == limit {
                    found.pop_front();
                }
                found.push_back(line);
            }
        }
    }
    found.into()
}

/// The query for CloudWatch Logs Insights that gives the lines about these records.
pub fn insights_query(records: &[RecordRef]) -> String {
    let which: Vec<String> = records
        .iter()
        .map(|record| {
            format!("(`record.system` = \"{}\" and `record.id` = \"{}\")", record.system, record.id)
        })
        .collect();
    format!(
        "fields @timestamp, function, `record.system`, `record.id`, outcome, reason, detail, target, fields\n\
         | filter {}\n| sort @timestamp desc\n| limit 50",
        which.join(" or ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ObjectName;

    fn contact(id: &str) -> RecordRef {
        RecordRef::new(&"mautic:main".parse().unwrap(), &ObjectName::new("contact"), id)
    }

    fn event(id: &str, outcome: &str) -> StackEvent {
        let line = format!(
            r#"{{"timestamp":"2026-11-21T08:00:00Z","level":"INFO","function":"push-corebos","message":"change pushed","change.id":"r-1","record.system":"mautic:main","record.object":"contact","record.id":"{id}","outcome":"{outcome}","reason":"unchanged","attempt":1}}"#
        );
        StackEvent::FunctionLog { function: "push-corebos".to_owned(), request_id: None, line }
    }

    #[test]
    fn the_last_lines_about_a_record_are_found_and_no_others() {
        let folder = std::env::temp_dir().join(format!("bridge-log-{}", std::process::id()));
        let path = folder.join("up.log");
        let mut keeper = LogKeeper::new(path.clone());
        for id in ["47", "4", "47", "48"] {
            keeper.keep(&event(id, "skipped"));
        }
        keeper.begin_anew();
        keeper.keep(&event("47", "updated"));
        let outcomes = |limit| -> Vec<String> {
            lines_about(&path, &[contact("47")], limit).into_iter().map(|line| line.outcome).collect()
        };
        assert_eq!(outcomes(9), ["skipped", "skipped", "updated"]);
        assert_eq!(outcomes(2), ["skipped", "updated"]);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_query_names_every_record() {
        let query = insights_query(&[contact("47"), contact("48")]);
        assert!(query.contains("`record.id` = \"47\"") && query.contains("`record.id` = \"48\""), "{query}");
    }
}
