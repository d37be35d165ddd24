//! Field maps: the XML documents with which coreBOS's users say which field becomes which.
//!
//! A map is read and checked once ([`FieldMap::compile`]) and then evaluated for every record. It means what
//! it means to coreBOS, with two [`Semantics`] for where coreBOS's own answer is of no use. Nothing here does
//! I/O or reads a clock.

pub mod check;
mod compile;
mod delimiter;
mod differences;
mod document;
mod evaluate;
mod expression;
mod finding;
pub mod language;
mod map;
mod path;
mod php;
mod post_process;
mod record;
mod semantics;
pub mod shipped;
mod suggest;
mod target;
mod template;
pub mod verify;
mod xml;

pub use differences::{DIFFERENCES, Difference, differences_as_markdown};
pub use evaluate::{EvaluationError, FieldError, Surroundings};
pub use expression::{Expression, ExpressionError};
pub use finding::{Finding, MapError, Position, Severity};
pub use map::FieldMap;
pub use php::entities::decode as decode_entities;
pub use record::{Record, RelatedRecord, RelatedRecords};
pub use semantics::Semantics;
pub use suggest::suggestion;
pub use target::{Master, Reference, Source, Target};
pub use xml::{MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS};
