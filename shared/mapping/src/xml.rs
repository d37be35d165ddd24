//! Reads the XML of a map: elements, their own text with white space kept, and where each of them is.
//!
//! Accepts what coreBOS's parser (libxml) accepts of such a document, except for what a map never needs and
//! an attacker might use: no document type with contents, no entities but the five and numeric ones, limits
//! on size, depth and count.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::finding::{MapError, MapText};

/// The longest map, in bytes. The user's own largest has 8 kB.
pub const MAX_BYTES: usize = 1 << 20;
/// The deepest nesting of elements. A map needs five levels.
pub const MAX_DEPTH: usize = 32;
/// The most elements in a map.
pub const MAX_ELEMENTS: usize = 50_000;

/// An element of the document.
#[derive(Debug, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    /// The text that is directly in the element: without that of its children, comments left out.
    pub(crate) text: String,
    /// Where its start tag begins, in bytes.
    pub(crate) offset: usize,
    /// Where its content begins, in bytes.
    pub(crate) content_offset: usize,
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// The first child with a name: what PHP's `SimpleXML` means by `$element->name`.
    pub(crate) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children with a name.
    pub(crate) fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }
}

/// Why there is no document.
#[derive(Debug)]
pub(crate) enum XmlError {
    /// Not XML: what coreBOS silently takes for a map without fields.
    IllFormed(MapError),
    /// XML that we refuse although coreBOS would read it.
    Refused(MapError),
}

/// Reads a document and returns its root. Line ends must be `\n` already.
pub(crate) fn read(map: MapText<'_>) -> Result<Element, XmlError> {
    check_limits_and_characters(map)?;
    let mut reader = Reader::from_str(map.text);
    let config = reader.config_mut();
    config.check_comments = true;
    config.check_end_names = true;
    let mut builder = Builder { map, open: Vec::new(), root: None, count: 0 };
    loop {
        let offset = to_offset(reader.buffer_position());
        match reader.read_event() {
            Ok(Event::Eof) => break,
            Ok(event) => builder.take(event, offset, to_offset(reader.buffer_position()))?,
            Err(error) => {
                let at = to_offset(reader.error_position()).max(offset.min(map.text.len()));
                return Err(ill_formed(map, at, describe(&error)));
            }
        }
    }
    if let Some(open) = builder.open.last() {
        let problem = format!("`<{}>` is never closed", open.name);
        return Err(ill_formed(map, open.offset, problem));
    }
    builder.root.ok_or_else(|| ill_formed(map, 0, "there is no XML element in it"))
}

fn to_offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

fn describe(error: &quick_xml::Error) -> String {
    use quick_xml::errors::IllFormedError;
    match error {
        quick_xml::Error::IllFormed(IllFormedError::MismatchedEndTag { expected, found }) => {
            format!("`</{found}>` closes nothing here, `</{expected}>` is expected")
        }
        quick_xml::Error::IllFormed(IllFormedError::UnclosedReference) => {
            "a `&` stands alone: in XML it begins an entity".to_owned()
        }
        other => other.to_string(),
    }
}

fn ill_formed(map: MapText<'_>, offset: usize, problem: impl Into<String>) -> XmlError {
    let problem = problem.into();
    let advice = if problem.contains('&') {
        "write `&amp;` for a `&`, or put the text into `<![CDATA[...]]>`"
    } else {
        "a map must be well-formed XML; coreBOS silently ignores a map that is not"
    };
    XmlError::IllFormed(map.error(offset, format!("this is not XML: {problem}"), advice))
}

fn refused(map: MapText<'_>, offset: usize, problem: impl Into<String>, advice: &str) -> XmlError {
    XmlError::Refused(map.error(offset, problem, advice))
}

fn check_limits_and_characters(map: MapText<'_>) -> Result<(), XmlError> {
    if map.text.len() > MAX_BYTES {
        let problem = format!("the map has {} bytes, the limit is {MAX_BYTES}", map.text.len());
        return Err(refused(map, 0, problem, "split it, or look for what made it so long"));
    }
    for (offset, character) in map.text.char_indices() {
        if !is_xml_character(character) {
            let problem = format!("the character U+{:04X} may not be in XML", u32::from(character));
            return Err(ill_formed(map, offset, problem));
        }
    }
    Ok(())
}

fn is_xml_character(character: char) -> bool {
    !matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// Puts the parser's events together to elements.
struct Builder<'a> {
    map: MapText<'a>,
    open: Vec<Element>,
    root: Option<Element>,
    count: usize,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, offset: usize, end: usize) -> Result<(), XmlError> {
        match event {
            Event::Start(tag) => self.start(&tag, offset, end),
            Event::Empty(tag) => {
                self.start(&tag, offset, end)?;
                self.end(offset)
            }
            Event::End(_) => self.end(offset),
            Event::Text(text) => {
                if let Some(at) = text.find("]]>") {
                    return Err(ill_formed(
                        self.map,
                        offset + at,
                        "`]]>` ends a CDATA section that never began",
                    ));
                }
                self.text(&text, offset)
            }
            Event::CData(text) => {
                if self.open.is_empty() {
                    return Err(ill_formed(self.map, offset, "text outside of the root element"));
                }
                self.text(&text, offset)
            }
            Event::GeneralRef(reference) => {
                let name: &str = &reference;
                let character = resolve(name).ok_or_else(|| {
                    ill_formed(self.map, offset, format!("the entity `&{name};` is not one of XML's own"))
                })?;
                if self.open.is_empty() {
                    return Err(ill_formed(self.map, offset, "text outside of the root element"));
                }
                self.text(character.encode_utf8(&mut [0; 4]), offset)
            }
            Event::DocType(text) => {
                if self.root.is_some() || !self.open.is_empty() {
                    return Err(ill_formed(self.map, offset, "a document type must come before the root"));
                }
                if is_name(text.trim()) {
                    return Ok(());
                }
                let problem = "the map declares a document type with contents, which is refused";
                Err(refused(
                    self.map,
                    offset,
                    problem,
                    "remove the `<!DOCTYPE ...>`; a map needs no entities",
                ))
            }
            Event::Decl(declaration) => {
                if offset > usize::from(self.map.text.starts_with('\u{feff}')) * '\u{feff}'.len_utf8() {
                    return Err(ill_formed(self.map, offset, "`<?xml ... ?>` must be the very first thing"));
                }
                match declaration.encoding() {
                    Some(Ok(encoding)) if !encoding.eq_ignore_ascii_case("utf-8") => Err(refused(
                        self.map,
                        offset,
                        "the map declares an encoding that is not UTF-8",
                        "write `encoding=\"UTF-8\"`",
                    )),
                    Some(Err(_)) => Err(ill_formed(self.map, offset, "the XML declaration cannot be read")),
                    _ => Ok(()),
                }
            }
            Event::Comment(_) | Event::PI(_) | Event::Eof => Ok(()),
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>, offset: usize, end: usize) -> Result<(), XmlError> {
        let map = self.map;
        let name = tag.name().into_inner();
        if !is_name(name) {
            return Err(ill_formed(map, offset, "an element has a name that XML does not allow"));
        }
        if self.open.is_empty() && self.root.is_some() {
            return Err(ill_formed(map, offset, "there is a second root element"));
        }
        if self.open.len() >= MAX_DEPTH {
            let problem = format!("elements are nested more than {MAX_DEPTH} deep");
            return Err(refused(map, offset, problem, "a map needs five levels"));
        }
        self.count += 1;
        if self.count > MAX_ELEMENTS {
            let problem = format!("the map has more than {MAX_ELEMENTS} elements");
            return Err(refused(map, offset, problem, "split it, or look for what made it so long"));
        }
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|error| ill_formed(map, offset, error.to_string()))?;
            let value = &attribute.value;
            if value.contains('<') || quick_xml::escape::unescape(value).is_err() {
                return Err(ill_formed(map, offset, "an attribute has a value that XML does not allow"));
            }
        }
        self.open.push(Element { name: name.to_owned(), offset, content_offset: end, ..Element::default() });
        Ok(())
    }

    fn end(&mut self, offset: usize) -> Result<(), XmlError> {
        let Some(element) = self.open.pop() else {
            return Err(ill_formed(self.map, offset, "an end tag closes nothing"));
        };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: &str, offset: usize) -> Result<(), XmlError> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim_start_matches('\u{feff}').bytes().all(|byte| byte.is_ascii_whitespace()) => {}
            None => return Err(ill_formed(self.map, offset, "text outside of the root element")),
        }
        Ok(())
    }
}

/// The character that one of the five entities or a numeric one stands for.
fn resolve(name: &str) -> Option<char> {
    let Some(number) = name.strip_prefix('#') else {
        return match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => None,
        };
    };
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hexadecimal| (hexadecimal, 16));
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).filter(|found| is_xml_character(*found))
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_alphabetic() || first == '_' || first == ':')
        && name.chars().all(|character| character.is_alphanumeric() || "_:-.\u{b7}".contains(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(xml: &str) -> MapText<'_> {
        MapText { name: "M", text: xml }
    }

    fn message(xml: &str) -> String {
        match read(text(xml)) {
            Ok(_) => "read".to_owned(),
            Err(XmlError::IllFormed(error) | XmlError::Refused(error)) => error.to_string(),
        }
    }

    #[test]
    fn text_is_kept_as_written_and_children_are_not_part_of_it() {
        let root = read(text("<a> x<b>y</b>&lt;&#x41;<![CDATA[<z>]]><!-- c --> </a>")).unwrap();
        assert_eq!(root.text, " x<A<z> ");
        assert_eq!(root.child("b").unwrap().text, "y");
    }

    #[test]
    fn what_is_not_xml_is_told_with_its_place() {
        for (xml, place, words) in [
            ("", "M:1:1", "no XML element"),
            ("<a>\n <b></a>", "M:2:5", "`</a>` closes nothing here"),
            ("<a>x & y</a>", "M:1:6", "stands alone"),
            ("<a>\n&nbsp;</a>", "M:2:1", "`&nbsp;`"),
            ("<a/><b/>", "M:1:5", "second root"),
            ("<a/>x", "M:1:5", "outside"),
            (" <?xml version=\"1.0\"?><a/>", "M:1:2", "very first"),
            ("<a b=1/>", "M:1:1", ""),
            ("<a>\u{1}</a>", "M:1:4", "U+0001"),
            ("<a>]]></a>", "M:1:4", "CDATA"),
            ("<a>", "M:1:1", "never closed"),
            ("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "M:1:1", "document type"),
        ] {
            let message = message(xml);
            assert!(message.starts_with(place) && message.contains(words), "{xml}: {message}");
        }
    }

    #[test]
    fn limits_hold() {
        assert!(message(&"<a>".repeat(100)).contains("nested more than 32 deep"));
        assert!(message(&format!("<a>{}</a>", "<b/>".repeat(60_000))).contains("more than 50000 elements"));
        assert!(message(&"x".repeat(10_000_000)).contains("the limit is 1048576"));
    }
}
