//! `bridge map apply`: what a map makes of a record, as JSON.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use mapping::{FieldMap, Finding, Record, Semantics, Severity, Surroundings};
use model::{Fields, Value};

use super::related::{Related, fields_of};
use super::{file, show};
use crate::arguments::ApplyOptions;
use crate::screen;

/// What the record file may hold besides `record` and `related`: it may be a line of recorded cases.
const MEMBERS: [&str; 11] =
    ["id", "feature", "origin", "mode", "module", "record", "related", "source", "map", "target", "result"];

pub(super) fn apply(options: &ApplyOptions) -> Result<ExitCode> {
    let xml = file::read_map(&options.map)?;
    let subject = Subject::of(read_fields(&options.record)?, &options.record)?;
    let target = match &options.target {
        Some(path) => read_fields(path)?,
        None => subject.target.clone(),
    };
    let map = match FieldMap::compile(&options.map.display().to_string(), &xml, options.semantics.into()) {
        Ok(map) => map,
        Err(error) => return Ok(refused(&[error.finding().clone()])),
    };
    for warning in map.warnings() {
        show::note(&show::finding(warning));
    }
    if map.targets().len() == 0 {
        show::note(&format!("{}: coreBOS reads no field in this map", options.map.display()));
    }
    let related = Related::new(&subject.record, &subject.related);
    let surroundings = Surroundings {
        now: Some(options.at.unwrap_or_else(now).as_second()),
        chance: Some(uuid::Uuid::new_v4().as_u64_pair().0),
        related: Some(&related),
        record: subject.module.as_deref().map(|module| Record { module, fields: &subject.record }),
        ..Surroundings::default()
    };
    let source = subject.source.as_ref().unwrap_or(&subject.record);
    match map.evaluate_onto(source, target, &surroundings) {
        Ok(made) => {
            screen::line(&serde_json::to_string_pretty(&made)?);
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let mut errors = vec![error.0];
            // coreBOS stops at the first; the bridge goes on with the other fields.
            if map.semantics() == Semantics::Bridge {
                let others = map.evaluate_each_in(source, &surroundings).filter_map(|(_, value)| value.err());
                errors.extend(others.filter(|other| *other != errors[0]).collect::<Vec<_>>());
            }
            let text = show::text(&xml);
            let findings: Vec<_> = errors
                .into_iter()
                .map(|error| Finding {
                    severity: Severity::Error,
                    map: error.map,
                    position: error.position,
                    source_line: show::line_of(&text, error.position),
                    problem: format!("field `{}`: {}", error.target, error.problem),
                    advice: String::new(),
                })
                .collect();
            Ok(refused(&findings))
        }
    }
}

fn refused(findings: &[Finding]) -> ExitCode {
    for finding in findings {
        show::note(&show::finding(finding));
    }
    ExitCode::FAILURE
}

#[expect(clippy::disallowed_methods, reason = "a map that is tried by hand reads the clock of now")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

fn read_fields(path: &Path) -> Result<Fields> {
    let bytes = file::read_json(path)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let problem = file::json_problem(&error, 1);
        anyhow!("{}:{problem}; what is needed is a JSON object of fields", path.display())
    })
}

/// What the map is applied to.
struct Subject {
    /// The bag that DEFAULT reads, where it is not the record.
    source: Option<Fields>,
    /// The record.
    record: Fields,
    /// Its module, if FIELD, TEMPLATE and EXPRESSION see it as a record of coreBOS.
    module: Option<String>,
    related: Fields,
    target: Fields,
}

impl Subject {
    /// The file is the record itself, or holds it as `record` beside what else there is.
    fn of(file: Fields, path: &Path) -> Result<Self> {
        let is_wrapped =
            file.get("record").is_some_and(|record| record.as_array().is_some() || *record == Value::Null)
                && file.names().all(|name| MEMBERS.contains(&name) || name == "warnings");
        if !is_wrapped {
            let (related, target) = (Fields::new(), Fields::new());
            return Ok(Self { source: None, record: file, module: None, related, target });
        }
        let bag = |name: &str| match file.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match fields_of(value) {
                Some(fields) => Ok(Some(fields)),
                None => Err(anyhow!("{}: `{name}` is not an object", path.display())),
            },
        };
        let record = bag("record")?.unwrap_or_default();
        let module = match file.text("mode") {
            Some("record") => Some(file.text("module").unwrap_or_default().to_owned()),
            Some("bag") | None => None,
            Some(other) => {
                return Err(anyhow!("{}: the mode is `record` or `bag`, not `{other}`", path.display()));
            }
        };
        Ok(Self {
            source: bag("source")?,
            record,
            module,
            related: bag("related")?.unwrap_or_default(),
            target: bag("target")?.unwrap_or_default(),
        })
    }
}
