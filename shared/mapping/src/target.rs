//! One field of a compiled map: where its value goes, what it is made of, and what others ask about it.

use model::Value;

use crate::delimiter::Delimiter;
use crate::expression::parse::Node;
use crate::finding::Position;
use crate::path::{SourceName, TargetName};
use crate::php::fault::Fault;
use crate::post_process::PostProcess;
use crate::template::Template;

/// A name that a target reads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Source {
    /// The whole name: `email`, or `fields.core.email.value`.
    pub path: String,
    /// The field at which the path begins: `email`, or `fields`.
    pub root: String,
}

impl Source {
    pub(crate) fn new(name: &SourceName) -> Self {
        Self { path: name.path(), root: name.root().to_owned() }
    }
}

/// A related record that a target reads a field of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reference {
    /// The field that holds the id of the record.
    pub field: String,
    /// The module the record must be of.
    pub module: String,
    /// The field of that record.
    pub name: String,
}

/// Which side owns a field: what the map's `<master>` says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Master {
    /// Whether the map's origin wins; otherwise its target does.
    pub origin_wins: bool,
}

/// What a part of a value is made of.
#[derive(Clone, Debug)]
pub(crate) enum Directive {
    Constant(String),
    Default(SourceName),
    /// FIELD too.
    Template(Template),
    Expression(Node),
    /// What makes coreBOS throw whenever it is evaluated.
    Broken(Fault),
}

/// One `Orgfield`.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) directive: Directive,
    /// Done to the whole value after this part; a name that coreBOS trips over is its error.
    pub(crate) post_process: Option<Result<PostProcess, Fault>>,
}

/// A field of the target, compiled.
#[derive(Clone, Debug)]
pub struct Target {
    pub(crate) name: String,
    pub(crate) path: TargetName,
    pub(crate) parts: Vec<Part>,
    pub(crate) delimiter: Delimiter,
    pub(crate) sources: Vec<Source>,
    /// The sources again, ready to be looked up.
    pub(crate) reads: Vec<SourceName>,
    pub(crate) volatile: bool,
    pub(crate) references: Vec<Reference>,
    pub(crate) master: Option<Master>,
    pub(crate) definition: String,
    pub(crate) position: Position,
}

impl Target {
    /// The name as the map gives it, dots included.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names that it reads, each once, in the order of the map.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Whether it reads a field, or begins to read at it.
    pub fn reads(&self, field: &str) -> bool {
        self.sources.iter().any(|source| source.root == field || source.path == field)
    }

    /// Whether its value is the same for every record.
    pub fn is_constant(&self) -> bool {
        self.sources.is_empty() && !self.is_volatile()
    }

    /// Whether its value hangs on the clock or on chance.
    pub fn is_volatile(&self) -> bool {
        self.volatile
    }

    /// The related records that it reads a field of.
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// Which side owns the field, if the map says so.
    pub fn master(&self) -> Option<Master> {
        self.master
    }

    /// A text that two maps share exactly when this field is made the same way in both.
    pub fn definition(&self) -> &str {
        &self.definition
    }

    /// The line of the map on which the field is named.
    pub fn line(&self) -> usize {
        self.position.line
    }

    /// Where in the map the field is named.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The source, if the value is exactly that of one plain source: no delimiter, nothing done to it.
    pub(crate) fn copied_from(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part { directive: Directive::Default(SourceName::Plain(name)), post_process: None }]
                if self.delimiter.text().is_empty() =>
            {
                Some(name)
            }
            _ => None,
        }
    }
}

/// What a source that is copied gives: PHP takes null for nothing, which is an empty text.
pub(crate) fn copied(value: &Value) -> Value {
    match value {
        Value::Null => Value::Text(String::new()),
        value => value.clone(),
    }
}
