//! The walls between the rooms hold. The tables here are those of ARCHITECTURE.md.

mod documents;
pub(crate) mod layout;
mod walls;
