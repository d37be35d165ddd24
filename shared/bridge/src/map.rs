//! `bridge map`: field maps, checked, tried on a record, and held against recorded answers of coreBOS; and the ones that a
//! stack uses.

mod apply;
mod check;
mod file;
mod in_use;
mod recorded;
mod related;
mod schema;
mod show;
mod verify;

use std::process::ExitCode;

use anyhow::Result;

use crate::arguments::{MapCommand, SemanticsOption};

/// Runs one of the commands that need neither a stack nor a runtime; nothing for the others.
pub(crate) fn run(command: &MapCommand) -> Option<Result<ExitCode>> {
    match command {
        MapCommand::Check(options) => Some(check::check(options)),
        MapCommand::Apply(options) => Some(apply::apply(options)),
        MapCommand::Verify(options) => Some(Ok(verify::verify(options))),
        MapCommand::List(_) | MapCommand::Show(_) => None,
    }
}

/// Runs one of the commands that look at the maps of a stack.
pub(crate) async fn run_on_stack(command: &MapCommand) -> Result<ExitCode> {
    match command {
        MapCommand::List(options) => in_use::list(options).await,
        MapCommand::Show(options) => in_use::show(options).await,
        MapCommand::Check(_) | MapCommand::Apply(_) | MapCommand::Verify(_) => Ok(ExitCode::SUCCESS),
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
