//! `bridge map verify`: runs recorded cases and tells which answers are not coreBOS's.

use std::fs::File;
use std::io::{BufReader, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use mapping::Semantics;
use mapping::verify::Recording;

use super::file::{self, Line, MAX_JSON_BYTES};
use super::recorded::{Case, Judgement};
use super::show;
use crate::arguments::VerifyOptions;
use crate::screen::{self, BAD, CARE, DIM, GOOD, line, styled};

/// After so many cases the progress is shown anew.
const PROGRESS_STEP: usize = 250;

/// How many cases there were, and what became of them.
#[derive(Clone, Copy, Default)]
struct Tally {
    agree: usize,
    /// Of those that agree: refused by name, as they must be.
    refused: usize,
    listed: usize,
    disagree: usize,
    broken: usize,
}

impl Tally {
    fn cases(&self) -> usize {
        self.agree + self.listed + self.disagree
    }

    fn add(&mut self, other: Self) {
        self.agree += other.agree;
        self.refused += other.refused;
        self.listed += other.listed;
        self.disagree += other.disagree;
        self.broken += other.broken;
    }

    fn is_good(&self) -> bool {
        self.disagree == 0 && self.broken == 0
    }

    fn line(&self, name: &str) -> String {
        let mut parts = vec![format!("{name}: {} of {} agree", self.agree, self.cases())];
        for (number, what) in [
            (self.refused, "of these refused by name, because only coreBOS can evaluate them"),
            (self.listed, "refused on purpose"),
            (self.disagree, if self.disagree == 1 { "disagrees" } else { "disagree" }),
            (self.broken, if self.broken == 1 { "line cannot be read" } else { "lines cannot be read" }),
        ] {
            if number > 0 {
                parts.push(format!("{number} {what}"));
            }
        }
        styled(if self.is_good() { GOOD } else { BAD }, &parts.join(", "))
    }
}

pub(super) fn verify(options: &VerifyOptions) -> ExitCode {
    let mut all = Tally::default();
    let mut unreadable = 0;
    for path in &options.cases {
        let name = show::clean(&path.display().to_string());
        match verify_file(path, &name, options.semantics.into(), all.cases()) {
            Ok(tally) => {
                line(&tally.line(&name));
                all.add(tally);
            }
            Err(error) => {
                unreadable += 1;
                screen::error(&format!("{error:#}"));
            }
        }
    }
    if options.cases.len() > 1 {
        line(&all.line("all"));
    }
    if unreadable == 0 && all.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn verify_file(path: &Path, name: &str, semantics: Semantics, before: usize) -> Result<Tally> {
    let reading = || format!("cannot read {name}");
    let mut reader = BufReader::new(File::open(path).with_context(reading)?);
    let mut tally = Tally::default();
    let mut number = 0;
    let progress = Progress::new();
    while let Some(read) = file::next_line(&mut reader, MAX_JSON_BYTES).with_context(reading)? {
        number += 1;
        let case = match read {
            Line::TooLong => Err(format!("{number}:1: the line is longer than {} MB", MAX_JSON_BYTES >> 20)),
            Line::Read(bytes) if bytes.trim_ascii().is_empty() => continue,
            Line::Read(bytes) => Case::read(&bytes, number),
        };
        let case = match case {
            Ok(case) => case,
            Err(problem) => {
                tally.broken += 1;
                progress.clear();
                line(&format!("{} {}", styled(BAD, "UNREADABLE"), show::clean(&format!("{name}:{problem}"))));
                continue;
            }
        };
        match case.judge(semantics) {
            Judgement::Agrees => tally.agree += 1,
            Judgement::RefusedByName => {
                tally.agree += 1;
                tally.refused += 1;
            }
            Judgement::Listed(reason) => {
                tally.listed += 1;
                progress.clear();
                let id = show::clean(&case.recording.id);
                line(&format!("{} {id} {reason}", styled(CARE, "REFUSED")));
            }
            Judgement::Disagrees { wanted, got } => {
                tally.disagree += 1;
                progress.clear();
                disagreement(&case, &wanted, &got, &format!("{name}:{number}"));
            }
        }
        progress.show(before + tally.cases());
    }
    progress.clear();
    Ok(tally)
}

fn disagreement(case: &Case, wanted: &str, got: &str, place: &str) {
    let Recording { id, feature, .. } = &case.recording;
    let place = styled(DIM, &format!("({place})"));
    line(&format!("{} {} {} {place}", styled(BAD, "DISAGREES"), show::clean(id), show::clean(feature)));
    line(&format!("  wanted {}\n  got    {}", show::clean(wanted), show::clean(got)));
}

/// The count of cases, on a terminal only.
struct Progress {
    is_shown: bool,
}

impl Progress {
    fn new() -> Self {
        Self { is_shown: std::io::stderr().is_terminal() }
    }

    fn show(&self, cases: usize) {
        if self.is_shown && cases.is_multiple_of(PROGRESS_STEP) {
            let _ = write!(std::io::stderr().lock(), "\r{cases} cases");
        }
    }

    /// Makes room for a line.
    fn clear(&self) {
        if self.is_shown {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}
