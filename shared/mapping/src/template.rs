//! TEMPLATE and FIELD: texts with fields in them.
//!
//! `$name` is a field, `$(reference : (Module) field)` a field of a related record, and a name with dots
//! behind `Ç`, coreBOS's own marker, a path into nested values.

use model::Value;

use crate::path::{self, Found, SourceName};
use crate::php::fault::Fault;
use crate::record::View;
use crate::semantics::Semantics;

/// A piece of a template.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Text(String),
    Field(String),
    Path(SourceName),
    Reference {
        field: String,
        module: String,
        name: String,
    },
    /// FIELD `record_id`.
    RecordId,
    /// `$(general : (__VtigerMeta__) recordId)`.
    MetaRecordId,
}

/// A compiled template.
#[derive(Clone, Debug, Default)]
pub(crate) struct Template {
    pub(crate) pieces: Vec<Piece>,
    /// The first thing in it that only coreBOS knows.
    pub(crate) unsupported: Option<Unsupported>,
    /// It shows the time.
    pub(crate) volatile: bool,
}

/// What a template asks for that cannot be given, and where in its text.
#[derive(Clone, Debug)]
pub(crate) struct Unsupported {
    pub(crate) what: String,
    pub(crate) offset: usize,
}

/// Compiles the text of a TEMPLATE.
pub(crate) fn compile(text: &str) -> Template {
    let (mut pieces, mut unsupported, mut volatile) = (Vec::new(), None, false);
    let mut plain = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let found = match first {
            '$' => variable(rest),
            'Ç' => dotted(rest),
            _ => None,
        };
        if let Some((piece, length)) = found {
            if let Piece::Reference { module, name, .. } = &piece
                && module.starts_with("__")
            {
                let what = format!("`(__{}__) {name}`", module.trim_matches('_'));
                let offset = text.len() - rest.len();
                unsupported.get_or_insert(Unsupported { what, offset });
                volatile |= matches!(name.as_str(), "date" | "time");
                rest = rest.get(length..).unwrap_or_default();
                continue;
            }
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(piece);
            rest = rest.get(length..).unwrap_or_default();
        } else {
            plain.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Template { pieces, unsupported, volatile }
}

/// Compiles the text of a FIELD: the name of one field, with or without `$`.
pub(crate) fn compile_field(text: &str) -> Template {
    let name = text.trim_matches([' ', '\t', '\n', '\r', '\0', '\u{b}']);
    if name == "record_id" {
        return Template { pieces: vec![Piece::RecordId], ..Template::default() };
    }
    if name.find('.').is_some_and(|dot| dot > 0) {
        return compile(&format!("Ç{}", name.trim_start_matches('$')));
    }
    if name.starts_with('$') { compile(name) } else { compile(&format!("${name}")) }
}

fn word(text: &str) -> &str {
    let length = text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    text.get(..length).unwrap_or_default()
}

/// A text up to the bracket that closes what was opened before it.
fn call(text: &str) -> Option<&str> {
    let mut open = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => open += 1,
            b')' if open == 0 => return text.get(..at),
            b')' => open -= 1,
            _ => {}
        }
    }
    None
}

/// `$name` or `$(field : (Module) name)` at the start of a text, and its length.
fn variable(text: &str) -> Option<(Piece, usize)> {
    let rest = text.strip_prefix('$')?;
    let name = word(rest);
    if !name.is_empty() {
        return Some((Piece::Field(name.to_owned()), 1 + name.len()));
    }
    let rest = rest.strip_prefix('(')?;
    let field = word(rest);
    let rest = rest.get(field.len()..)?.strip_prefix(" : (")?;
    let module = word(rest);
    let rest = rest.get(module.len()..)?.strip_prefix(") ")?;
    // A function of a workflow ends at the last bracket of its call.
    let name = if module == "__WorkflowFunction__" { call(rest)? } else { word(rest) };
    let rest = rest.get(name.len()..)?.strip_prefix(')')?;
    if field.is_empty() || module.is_empty() || name.is_empty() {
        return None;
    }
    let length = text.len() - rest.len();
    if module == "__VtigerMeta__" && name == "recordId" {
        return Some((Piece::MetaRecordId, length));
    }
    let (field, module, name) = (field.to_owned(), module.to_owned(), name.to_owned());
    Some((Piece::Reference { field, module, name }, length))
}

fn dotted(text: &str) -> Option<(Piece, usize)> {
    let rest = text.strip_prefix('Ç')?;
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'.';
    let length = rest.bytes().take_while(|byte| is_part(byte)).count();
    let name = rest.get(..length).filter(|name| !name.is_empty())?;
    Some((Piece::Path(SourceName::dotted(name)), 'Ç'.len_utf8() + length))
}

/// The text of a template on a record.
pub(crate) fn render(template: &Template, view: &View<'_>, semantics: Semantics) -> Result<String, Fault> {
    let mut text = String::new();
    for piece in &template.pieces {
        match piece {
            Piece::Text(plain) => text.push_str(plain),
            Piece::Field(name) => text.push_str(&view.field(name)?),
            Piece::RecordId => text.push_str(&view.record_id()?),
            Piece::MetaRecordId => {
                let id = view.record_id()?;
                text.push_str(if id.is_empty() { "0" } else { &id });
            }
            Piece::Reference { field, module, name } => {
                text.push_str(&view.reference(field, module, name)?);
            }
            Piece::Path(name) if semantics == Semantics::CoreBos => {
                text.push('Ç');
                text.push_str(&name.path());
            }
            Piece::Path(name) => text.push_str(&path_text(name, view, semantics)?),
        }
    }
    if semantics == Semantics::CoreBos && text.contains('Ç') {
        return resolve_paths(&text, view);
    }
    Ok(text)
}

/// The text at a path; nothing where a step is missing.
///
/// coreBOS skips missing steps here as it does in DEFAULT, but for the first.
fn path_text(name: &SourceName, view: &View<'_>, semantics: Semantics) -> Result<String, Fault> {
    if semantics == Semantics::CoreBos
        && let SourceName::Dotted(steps) = name
    {
        if view.fields().get(name.root()).is_none_or(Value::is_php_empty) {
            return Ok(String::new());
        }
        return view.shown_value(&name.path(), &path::walk_like_corebos(view.fields(), steps));
    }
    let found = match name {
        SourceName::Dotted(steps) => path::walk(view.fields(), steps),
        SourceName::Plain(name) => view.fields().get(name).map_or(Found::Absent, Found::Value),
    };
    match found {
        Found::Value(value) => view.shown_value(&name.path(), value),
        Found::Absent => Ok(String::new()),
    }
}

/// coreBOS looks for its marker when the fields are in the text already: what they bring becomes part of a
/// path that stands before them, and a value like `Çelik` is taken for one.
fn resolve_paths(text: &str, view: &View<'_>) -> Result<String, Fault> {
    let mut resolved = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('Ç') {
        resolved.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        if let Some((Piece::Path(name), length)) = dotted(rest) {
            resolved.push_str(&path_text(&name, view, Semantics::CoreBos)?);
            rest = rest.get(length..).unwrap_or_default();
        } else {
            resolved.push('Ç');
            rest = rest.get('Ç'.len_utf8()..).unwrap_or_default();
        }
    }
    resolved.push_str(rest);
    Ok(resolved)
}
