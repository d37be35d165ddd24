//! Turns a map as written into its compiled form, or says why it cannot be used.

use indexmap::IndexMap;

use crate::delimiter::Delimiter;
use crate::document::{self, Document, DocumentField, DocumentPart, Located};
use crate::finding::{MapError, MapText};
use crate::map::FieldMap;
use crate::path::{SourceName, TargetName};
use crate::semantics::Semantics;
use crate::target::{Directive, Master, Part, Source, Target};

/// The words that `OrgfieldID` knows, besides nothing and numbers.
pub(crate) const DIRECTIVES: [&str; 6] = ["CONST", "DEFAULT", "EXPRESSION", "FIELD", "RULE", "TEMPLATE"];

pub(crate) fn compile(name: &str, xml: &[u8], semantics: Semantics) -> Result<FieldMap, MapError> {
    let text = match document::normalize(xml, semantics) {
        Ok(text) => text,
        Err(valid) if semantics == Semantics::Bridge => {
            let text = String::from_utf8_lossy(xml);
            return Err(MapText { name, text: &text }.error(
                valid,
                "the map is not UTF-8",
                "save it as UTF-8; this byte belongs to another encoding",
            ));
        }
        Err(_) => String::new().into(),
    };
    let map = MapText { name, text: &text };
    let document = document::read(map, semantics)?;
    if document.fields.is_empty() && semantics == Semantics::Bridge {
        return Err(map.error(
            0,
            "the map has no fields",
            "a map is `<map><fields><field>...</field></fields></map>`; names of elements are case-sensitive",
        ));
    }
    let targets = fields(map, &document, semantics)?;
    Ok(FieldMap {
        name: name.to_owned(),
        semantics,
        origin: document.origin.text,
        target_module: document.target.text,
        targets,
    })
}

/// Compiles the fields. A repeated name takes the place of the earlier one, whose delimiter it inherits.
fn fields(
    map: MapText<'_>,
    document: &Document,
    semantics: Semantics,
) -> Result<IndexMap<String, Target>, MapError> {
    let mut targets: IndexMap<String, Target> = IndexMap::with_capacity(document.fields.len());
    for field in &document.fields {
        let name = field.name.clone().unwrap_or(Located { text: String::new(), offset: field.offset });
        if name.text.is_empty() && semantics == Semantics::Bridge {
            return Err(map.error(name.offset, "the field has no name", "write it into `<fieldname>`"));
        }
        let inherited = targets.get(&name.text).map(|earlier| earlier.delimiter.clone());
        let delimiter = match &field.delimiter {
            Some(text) => Delimiter::new(text),
            None => inherited.unwrap_or_default(),
        };
        let target = target(map, field, &name, delimiter, semantics)?;
        targets.insert(name.text, target);
    }
    Ok(targets)
}

fn target(
    map: MapText<'_>,
    field: &DocumentField,
    name: &Located,
    delimiter: Delimiter,
    semantics: Semantics,
) -> Result<Target, MapError> {
    let parts =
        field.parts.iter().map(|part| compile_part(map, part, semantics)).collect::<Result<Vec<_>, _>>()?;
    let mut sources: Vec<Source> = Vec::new();
    for part in &parts {
        if let Directive::Default(source) = &part.directive {
            let source = Source::new(source);
            if !sources.contains(&source) {
                sources.push(source);
            }
        }
    }
    let definition = definition(&parts, &delimiter, semantics);
    Ok(Target {
        name: name.text.clone(),
        path: TargetName::new(&name.text),
        parts,
        delimiter,
        sources,
        master: field.master.as_ref().and_then(|master| match master.text.trim() {
            "true" => Some(Master { origin_wins: true }),
            "false" => Some(Master { origin_wins: false }),
            _ => None,
        }),
        definition,
        position: map.position(name.offset),
    })
}

fn compile_part(map: MapText<'_>, part: &DocumentPart, semantics: Semantics) -> Result<Part, MapError> {
    if let Some(post_process) = &part.post_process {
        return Err(not_yet(map, post_process, "postProcess"));
    }
    if let Some(rule) = &part.rule {
        return Err(not_yet(map, rule, "Rule"));
    }
    let id = &part.id.text;
    let directive = match id.to_ascii_uppercase().as_str() {
        "CONST" => Directive::Constant(part.name.text.clone()),
        word @ ("FIELD" | "TEMPLATE" | "EXPRESSION" | "RULE") => return Err(not_yet(map, &part.id, word)),
        _ if semantics == Semantics::Bridge && !means_default(id) => {
            return Err(map.error(
                part.id.offset,
                format!("`{id}` is no directive"),
                format!("the directives are {}, or nothing", DIRECTIVES.join(", ")),
            ));
        }
        _ => Directive::Default(SourceName::new(&part.name.text)),
    };
    Ok(Part { directive })
}

/// Old maps have the number of the field there.
fn means_default(id: &str) -> bool {
    let word = id.trim();
    word.bytes().all(|byte| byte.is_ascii_digit()) || word.eq_ignore_ascii_case("DEFAULT")
}

fn not_yet(map: MapText<'_>, at: &Located, what: &str) -> MapError {
    map.error(
        at.offset,
        format!("{what} is not supported by this version of the bridge"),
        "use CONST and plain or dotted source names, with a delimiter",
    )
}

fn definition(parts: &[Part], delimiter: &Delimiter, semantics: Semantics) -> String {
    let parts: Vec<_> = parts
        .iter()
        .map(|part| match &part.directive {
            Directive::Constant(text) => serde_json::json!(["const", text]),
            Directive::Default(source) => serde_json::json!(["default", source.path()]),
        })
        .collect();
    let semantics = match semantics {
        Semantics::Bridge => "bridge",
        Semantics::CoreBos => "corebos",
    };
    serde_json::json!([semantics, delimiter.text(), parts]).to_string()
}
