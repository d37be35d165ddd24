//! What a field reads: fields, related records, the clock.

use crate::expression::functions::Needs;
use crate::expression::parse::Node;
use crate::path::SourceName;
use crate::target::{Directive, Part, Readable, Reference};
use crate::template::{Piece, Template};

/// Functions of coreBOS whose value differs from call to call, without anything having changed.
const VOLATILE_IN_COREBOS: [&str; 8] = [
    "AutoNumberDec",
    "faker",
    "getCRUDMode",
    "getRequest",
    "get_nextdate",
    "get_nextdateInterval",
    "Importing",
    "readMessage",
];

/// What the parts of a field read, each once, in order.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) names: Vec<SourceName>,
    pub(super) references: Vec<Reference>,
    pub(super) volatile: bool,
}

impl Reading {
    pub(super) fn part(&mut self, part: &Part) {
        match &part.directive {
            Directive::Constant(_) | Directive::Broken(_) => {}
            Directive::Default(name) => self.name(name.clone()),
            Directive::Template(template) => self.template(template),
            Directive::Expression(node) => self.node(node),
            // As far as it can be read: what coreBOS reads besides, nobody knows.
            Directive::ByCoreBos(readable) => match readable {
                Readable::Rule(name) => self.names.extend(name.clone()),
                Readable::Template(template) => self.template(template),
                Readable::Expression(node) => self.node(node),
            },
        }
    }

    fn template(&mut self, template: &Template) {
        self.volatile |= template.volatile;
        for piece in &template.pieces {
            match piece {
                Piece::Text(_) => {}
                Piece::RecordId | Piece::MetaRecordId => self.plain("id"),
                Piece::Field(name) if name == "recordid" => self.plain("id"),
                Piece::Field(name) => self.plain(name),
                Piece::Path(name) => self.name(name.clone()),
                Piece::Reference { field, module, name } => self.reference(field, module, name),
            }
        }
    }

    fn name(&mut self, name: SourceName) {
        if !self.names.iter().any(|known| known.path() == name.path()) {
            self.names.push(name);
        }
    }

    fn plain(&mut self, name: &str) {
        self.name(SourceName::Plain(name.to_owned()));
    }

    fn reference(&mut self, field: &str, module: &str, name: &str) {
        self.plain(field);
        let reference =
            Reference { field: field.to_owned(), module: module.to_owned(), name: name.to_owned() };
        if !self.references.contains(&reference) {
            self.references.push(reference);
        }
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Literal(_) | Node::Unknown(_) => {}
            Node::Name(name) => match reference_parts(name) {
                Some([field, module, name]) => self.reference(field, module, name),
                None => self.plain(name),
            },
            Node::Negate(inner) | Node::Plus(inner) => self.node(inner),
            Node::Binary(_, left, right) => {
                self.node(left);
                self.node(right);
            }
            Node::If(condition, yes, no) => {
                for node in [condition, yes, no] {
                    self.node(node);
                }
            }
            Node::Call(function, arguments, _) => {
                self.volatile |= match function.needs {
                    Needs::Moment => true,
                    Needs::ClockBelow(count) => arguments.len() < count,
                    Needs::Corebos => VOLATILE_IN_COREBOS.contains(&function.name),
                    Needs::Nothing => false,
                };
                for argument in arguments {
                    self.node(argument);
                }
            }
        }
    }
}

/// The three names of `$(field : (Module) name)`.
fn reference_parts(name: &str) -> Option<[&str; 3]> {
    let inner = name.strip_prefix("$(")?.strip_suffix(')')?;
    let mut words = inner
        .split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'))
        .filter(|word| !word.is_empty());
    Some([words.next()?, words.next()?, words.next()?])
}
