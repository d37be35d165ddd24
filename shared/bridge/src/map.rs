//! `bridge map`: field maps, checked, tried on a record, and held against recorded answers of coreBOS.

mod apply;
mod check;
mod file;
mod recorded;
mod related;
mod schema;
mod show;
mod verify;

use std::process::ExitCode;

use anyhow::Result;

use crate::arguments::{MapCommand, SemanticsOption};

/// Runs one of the commands. None of them needs a network or a runtime.
pub(crate) fn run(command: &MapCommand) -> Result<ExitCode> {
    match command {
        MapCommand::Check(options) => check::check(options),
        MapCommand::Apply(options) => apply::apply(options),
        MapCommand::Verify(options) => Ok(verify::verify(options)),
    }
}

impl From<SemanticsOption> for mapping::Semantics {
    fn from(option: SemanticsOption) -> Self {
        match option {
            SemanticsOption::Bridge => Self::Bridge,
            SemanticsOption::Corebos => Self::CoreBos,
        }
    }
}
