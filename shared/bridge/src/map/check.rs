//! `bridge map check`: the mistakes in maps, for people and for programs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use mapping::check::{Schemas, check as check_map, check_pair, compile};
use mapping::{FieldMap, Finding, Severity};
use serde::Serialize;

use super::schema::LiveSchemas;
use super::{file, show};
use crate::arguments::{CheckFormat, CheckOptions};
use crate::screen::{self, BAD, CARE, GOOD, line, styled};

/// How deep a folder is searched for maps.
const MAX_FOLDERS: usize = 16;

/// What the two maps of a pair have between their names' two halves.
const JOINTS: [&str; 2] = ["To", "2"];

pub(super) fn check(options: &CheckOptions) -> Result<ExitCode> {
    let live = LiveSchemas::read(&options.schema)?;
    let mut files = Vec::new();
    for path in &options.paths {
        if path.is_dir() {
            let before = files.len();
            maps_in(path, MAX_FOLDERS, &mut files)?;
            if files.len() == before {
                bail!("there is no map (*.xml) in {}", path.display());
            }
        } else {
            files.push(path.clone());
        }
    }
    let mut maps = Vec::new();
    let mut unread = 0;
    for path in files {
        match file::read_map(&path) {
            Ok(xml) => maps.push(Map::new(path, &xml, &live)),
            Err(error) => {
                unread += 1;
                screen::error(&format!("{error:#}"));
            }
        }
    }
    let findings: Vec<Finding> =
        maps.iter().flat_map(|map| map.findings.iter().cloned().chain(pair_findings(map, &maps))).collect();
    match options.format {
        CheckFormat::Human => show_findings(&findings, maps.len(), unread),
        CheckFormat::Json => {
            let told: Vec<_> = findings.iter().map(Told::from).collect();
            line(&serde_json::to_string_pretty(&told)?);
        }
    }
    let has_errors = findings.iter().any(|finding| finding.severity == Severity::Error);
    Ok(if has_errors || unread > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A map that was read.
struct Map {
    path: PathBuf,
    text: String,
    /// The compiled map, if it can be used.
    compiled: Option<FieldMap>,
    findings: Vec<Finding>,
}

impl Map {
    fn new(path: PathBuf, xml: &[u8], live: &LiveSchemas) -> Self {
        let name = path.display().to_string();
        // Maps of a pair speak of each other by their names.
        let compiled = compile(&stem(&path), xml).ok();
        let schemas = compiled.as_ref().map(|map| live.onto(Schemas::bundled_for(map)));
        let findings = check_map(&name, xml, schemas.as_ref());
        Self { path, text: show::text(xml), compiled, findings }
    }
}

/// The maps in a folder and its subfolders, by name. Links to folders are not followed.
fn maps_in(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    let reading = || format!("cannot read {}", folder.display());
    let mut entries = std::fs::read_dir(folder)
        .with_context(reading)?
        .collect::<Result<Vec<_>, _>>()
        .with_context(reading)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let kind = entry.file_type().with_context(reading)?;
        if kind.is_dir() {
            if depth > 0 {
                maps_in(&path, depth - 1, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xml")) {
            files.push(path);
        }
    }
    Ok(())
}

/// What a map sends out and the map of the way back does not bring back, if both are here.
fn pair_findings(map: &Map, maps: &[Map]) -> Vec<Finding> {
    let reverse = way_back(&map.path).and_then(|way_back| {
        let is_reverse =
            |other: &&Map| other.path.parent() == map.path.parent() && stem(&other.path) == way_back;
        maps.iter().find(is_reverse)?.compiled.as_ref()
    });
    let (Some(forward), Some(reverse)) = (&map.compiled, reverse) else { return Vec::new() };
    let mut findings = check_pair(forward, reverse);
    for finding in &mut findings {
        finding.map = map.path.display().to_string();
        finding.source_line = show::line_of(&map.text, finding.position);
    }
    findings
}

/// The name of the map that brings back what a map carries: `MauticToContacts` for `ContactsToMautic`.
fn way_back(path: &Path) -> Option<String> {
    let name = stem(path);
    JOINTS.iter().find_map(|joint| {
        let (from, to) = name.split_once(joint)?;
        (!from.is_empty() && !to.is_empty()).then(|| format!("{to}{joint}{from}"))
    })
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn show_findings(findings: &[Finding], maps: usize, unread: usize) {
    for finding in findings {
        line(&show::finding(finding));
        line("");
    }
    let of = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    let style = match (errors + unread, warnings) {
        (0, 0) => GOOD,
        (0, _) => CARE,
        _ => BAD,
    };
    let [errors, warnings] = [show::count(errors, "error"), show::count(warnings, "warning")];
    let mut summary = format!("{errors} and {warnings} in {}", show::count(maps, "map"));
    if unread > 0 {
        let _ = write!(summary, "; {} cannot be read", show::count(unread, "file"));
    }
    line(&styled(style, &summary));
}

/// A finding for programs. Lines and columns count from 1, columns in characters.
#[derive(Serialize)]
struct Told<'a> {
    severity: &'static str,
    file: &'a str,
    line: usize,
    column: usize,
    message: &'a str,
    /// What to do about it; may be empty.
    advice: &'a str,
    /// The line of the map, as long as it is no longer than 2,000 characters.
    source: String,
}

/// The longest line of a map that programs get, in characters.
const MAX_SOURCE: usize = 2_000;

impl<'a> From<&'a Finding> for Told<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self {
            severity: match finding.severity {
                Severity::Warning => "warning",
                Severity::Error => "error",
            },
            file: &finding.map,
            line: finding.position.line,
            column: finding.position.column,
            message: &finding.problem,
            advice: &finding.advice,
            source: finding.source_line.chars().take(MAX_SOURCE).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_told_by_the_name() {
        let back = |name: &str| way_back(Path::new(name));
        assert_eq!(back("a/ContactsToMautic.xml").as_deref(), Some("MauticToContacts"));
        assert_eq!(back("HubSpot2Contacts.xml").as_deref(), Some("Contacts2HubSpot"));
        assert_eq!(back("Tomato.xml"), None);
        assert_eq!(back("mine.xml"), None);
    }
}
