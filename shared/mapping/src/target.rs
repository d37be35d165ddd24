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
    /// What only coreBOS can evaluate.
    ByCoreBos(Readable),
}

/// What can be read of a part that only coreBOS can evaluate.
#[derive(Clone, Debug)]
pub(crate) enum Readable {
    /// A rule, with the field whose value it is given.
    Rule(Option<SourceName>),
    Template(Template),
    Expression(Node),
}

/// One `Orgfield`.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) directive: Directive,
    /// Done to the whole value after this part; a name that coreBOS trips over is its error.
    pub(crate) post_process: Option<Result<PostProcess, Fault>>,
    /// Where the map says what it is made of.
    pub(crate) position: Position,
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
    pub(crate) by_corebos: bool,
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
        self.sources.is_empty() && !self.is_volatile() && !self.by_corebos
    }

    /// Whether only coreBOS can evaluate it. It may read more than its [`sources`](Self::sources) then.
    pub fn is_evaluated_by_corebos(&self) -> bool {
        self.by_corebos
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

    /// What the map says about the field, in one line: its sources with their directives, and what joins them.
    pub fn summary(&self) -> String {
        let summary = summary(&self.definition);
        if self.is_evaluated_by_corebos() { format!("{summary}, evaluated by coreBOS") } else { summary }
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
            [Part { directive: Directive::Default(SourceName::Plain(name)), post_process: None, .. }]
                if self.delimiter.text().is_empty() =>
            {
                Some(name)
            }
            _ => None,
        }
    }
}

/// A definition as a person reads it: `firstname + lastname, joined by " "`, `EXPRESSION uppercase(city)`.
fn summary(definition: &str) -> String {
    type Part = (String, String, Option<String>, Option<String>);
    type Definition = (String, String, Vec<Part>, serde::de::IgnoredAny);
    let Ok((_, delimiter, parts, _)) = serde_json::from_str::<Definition>(definition) else {
        return definition.to_owned();
    };
    let several = parts.len() > 1;
    let told = parts.into_iter().map(|(directive, name, rule, post_process)| {
        let mut told = match directive.as_str() {
            "DEFAULT" => name,
            "CONST" => format!("CONST \"{name}\""),
            "RULE" => format!("RULE {}", rule.unwrap_or(name)),
            _ => format!("{directive} {name}"),
        };
        if let Some(name) = post_process.filter(|name| !name.is_empty()) {
            told = format!("{told}, then {name}");
        }
        told
    });
    let told = told.collect::<Vec<_>>().join(" + ");
    if several && !delimiter.is_empty() { format!("{told}, joined by \"{delimiter}\"") } else { told }
}

/// What a source that is copied gives: PHP takes null for nothing, which is an empty text.
pub(crate) fn copied(value: &Value) -> Value {
    match value {
        Value::Null => Value::Text(String::new()),
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use crate::{FieldMap, Semantics};

    fn summary_of(sources: &str) -> String {
        let xml = format!(
            "<map><fields><field><fieldname>x</fieldname><Orgfields>{sources}</Orgfields></field></fields></map>"
        );
        let map = FieldMap::compile("M", xml.as_bytes(), Semantics::Bridge).unwrap();
        map.target("x").unwrap().summary()
    }

    fn source(name: &str, directive: &str) -> String {
        format!(
            "<Orgfield><OrgfieldName>{name}</OrgfieldName><OrgfieldID>{directive}</OrgfieldID></Orgfield>"
        )
    }

    #[test]
    fn a_field_is_told_in_one_line() {
        let joined = source("firstname", "") + &source("lastname", "") + "<delimiter> </delimiter>";
        assert_eq!(summary_of(&joined), "firstname + lastname, joined by \" \"");
        assert_eq!(summary_of(&source("email", "DEFAULT")), "email");
        assert_eq!(summary_of(&source("customer", "CONST")), "CONST \"customer\"");
        assert_eq!(summary_of(&source("uppercase(city)", "EXPRESSION")), "EXPRESSION uppercase(city)");
    }
}
