//! The grammar of a map: which elements are read, and what is taken from each.
//!
//! Stray elements and text are ignored; of a repeated element the first counts, except for `field` and
//! `Orgfield`, which are lists.

use std::borrow::Cow;

use crate::finding::{MapError, MapText};
use crate::php::entities;
use crate::semantics::Semantics;
use crate::xml::{self, Element, XmlError};

/// A text of the document and where it begins, in bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Located {
    pub(crate) text: String,
    pub(crate) offset: usize,
}

/// A map as written.
#[derive(Debug, Default)]
pub(crate) struct Document {
    /// What `originmodule/originname` says.
    pub(crate) origin: Located,
    /// What `targetmodule/targetname` says.
    pub(crate) target: Located,
    pub(crate) fields: Vec<DocumentField>,
}

/// A `field` as written.
#[derive(Debug)]
pub(crate) struct DocumentField {
    /// Where the element begins, in bytes.
    pub(crate) offset: usize,
    pub(crate) name: Option<Located>,
    pub(crate) delimiter: Option<String>,
    pub(crate) master: Option<Located>,
    pub(crate) parts: Vec<DocumentPart>,
}

/// An `Orgfield` as written.
#[derive(Debug)]
pub(crate) struct DocumentPart {
    pub(crate) name: Located,
    pub(crate) id: Located,
    pub(crate) rule: Option<Located>,
    pub(crate) post_process: Option<Located>,
}

/// The text of a map as its parser gets it: UTF-8, line ends as XML has them, decoded once if it is stored
/// HTML-encoded (`&lt;map&gt;`), which only `Bridge` does.
pub(crate) fn normalize(bytes: &[u8], semantics: Semantics) -> Result<Cow<'_, str>, usize> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.valid_up_to())?;
    let mut text = Cow::Borrowed(text);
    if text.contains('\r') {
        text = Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"));
    }
    if semantics == Semantics::Bridge && text.trim_start().starts_with("&lt;") {
        text = Cow::Owned(entities::decode(&text));
    }
    Ok(text)
}

/// Reads a map. Under `CoreBos`, text that is not XML is a map without fields.
pub(crate) fn read(map: MapText<'_>, semantics: Semantics) -> Result<Document, MapError> {
    match xml::read(map) {
        Ok(root) => Ok(document(&root)),
        Err(XmlError::IllFormed(_)) if semantics == Semantics::CoreBos => Ok(Document::default()),
        Err(XmlError::IllFormed(error) | XmlError::Refused(error)) => Err(error),
    }
}

fn document(root: &Element) -> Document {
    let name_of = |module: &str, name: &str| {
        root.child(module).and_then(|module| module.child(name)).map(located).unwrap_or_default()
    };
    Document {
        origin: name_of("originmodule", "originname"),
        target: name_of("targetmodule", "targetname"),
        fields: root
            .child("fields")
            .map(|fields| fields.children("field").map(field).collect())
            .unwrap_or_default(),
    }
}

fn field(element: &Element) -> DocumentField {
    let sources = element.child("Orgfields");
    DocumentField {
        offset: element.offset,
        name: element.child("fieldname").map(located),
        delimiter: sources.and_then(|sources| sources.child("delimiter")).map(|child| child.text.clone()),
        master: element.child("master").map(located),
        parts: sources.map(|sources| sources.children("Orgfield").map(part).collect()).unwrap_or_default(),
    }
}

fn part(element: &Element) -> DocumentPart {
    let or_empty = |child: Option<&Element>| {
        child.map_or(Located { text: String::new(), offset: element.offset }, located)
    };
    DocumentPart {
        name: or_empty(element.child("OrgfieldName")),
        id: or_empty(element.child("OrgfieldID")),
        rule: element.child("Rule").map(located),
        post_process: element.child("postProcess").map(located),
    }
}

fn located(element: &Element) -> Located {
    Located { text: element.text.clone(), offset: element.content_offset }
}
