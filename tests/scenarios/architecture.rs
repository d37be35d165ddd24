//! The walls between the rooms hold. The tables here are those of ARCHITECTURE.md.

mod layout;
mod walls;
