//! Just enough XML to read a business map and to show it as coreBOS keeps it in `contentjson`.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::json::Json;

/// Deeper maps are not read.
const DEEPEST: usize = 64;

/// An element with its children and its own text; attributes are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// The root element; none for what coreBOS cannot parse either.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Self> = vec![Self::default()];
        loop {
            match reader.read_event().ok()? {
                Event::Start(tag) => {
                    if open.len() > DEEPEST {
                        return None;
                    }
                    open.push(Self::named(tag.name().as_ref()));
                }
                Event::Empty(tag) => open.last_mut()?.children.push(Self::named(tag.name().as_ref())),
                Event::End(_) => {
                    let element = open.pop()?;
                    open.last_mut()?.children.push(element);
                }
                Event::Text(text) => open.last_mut()?.text.push_str(&text),
                Event::CData(text) => open.last_mut()?.text.push_str(&text),
                Event::GeneralRef(name) => {
                    let resolved = match name.resolve_char_ref().ok()? {
                        Some(character) => character.to_string(),
                        None => predefined(&name)?.to_owned(),
                    };
                    open.last_mut()?.text.push_str(&resolved);
                }
                Event::Eof => break,
                _ => {}
            }
        }
        let root = open.pop().filter(|_| open.is_empty())?;
        root.children.into_iter().next()
    }

    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(crate) fn named_children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of a child, empty when there is none.
    pub(crate) fn child_text(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| child.text.as_str())
    }

    /// What PHP's `json_encode` makes of the element: text, an object, or `{}` for an empty one.
    pub(crate) fn to_json(&self) -> Json {
        if self.children.is_empty() {
            return if self.text.is_empty() { Json::Object(Vec::new()) } else { Json::text(&self.text) };
        }
        let mut entries: Vec<(String, Json)> = Vec::new();
        for child in &self.children {
            if entries.iter().any(|(name, _)| *name == child.name) {
                continue;
            }
            let mut same: Vec<Json> = self.named_children(&child.name).map(Self::to_json).collect();
            let value = if same.len() == 1 { same.remove(0) } else { Json::List(same) };
            entries.push((child.name.clone(), value));
        }
        Json::Object(entries)
    }
}

fn predefined(name: &str) -> Option<&'static str> {
    Some(match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_becomes_the_json_that_php_makes_of_it() {
        let map = Element::parse("<map><a>x &amp; y</a><f><n>1</n></f><f><n/></f><e></e></map>").unwrap();
        assert_eq!(map.to_json().encode(), r#"{"a":"x & y","f":[{"n":"1"},{"n":{}}],"e":{}}"#);
    }

    #[test]
    fn what_is_not_xml_is_no_map() {
        for text in ["", "plain", "<map>", "<map>&nbsp;</map>", "&lt;map&gt;", "<a></b>"] {
            assert!(Element::parse(text).is_none(), "{text}");
        }
        assert!(Element::parse(&"<a>".repeat(10_000)).is_none());
    }
}
