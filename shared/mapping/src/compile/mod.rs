//! Turns a map as written into its compiled form, or says why it cannot be used.

mod part;
mod reading;

use indexmap::IndexMap;

use crate::delimiter::Delimiter;
use crate::document::{self, Document, DocumentField, Located};
use crate::finding::{Finding, MapError, MapText, Places};
use crate::map::FieldMap;
use crate::path::TargetName;
use crate::semantics::Semantics;
use crate::target::{Directive, Master, Source, Target};
pub(crate) use part::DIRECTIVES;
use reading::Reading;

/// What a map is compiled with, and what is found on the way.
struct Compiling<'a> {
    map: MapText<'a>,
    semantics: Semantics,
    /// Whether coreBOS evaluates what only it can; otherwise that is an error.
    with_corebos: bool,
    warnings: Vec<Finding>,
    places: Places<'a>,
}

pub(crate) fn compile(
    name: &str,
    xml: &[u8],
    semantics: Semantics,
    with_corebos: bool,
) -> Result<FieldMap, MapError> {
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
    let mut compiling =
        Compiling { map, semantics, with_corebos, warnings: Vec::new(), places: Places::new(map) };
    let targets = compiling.fields(&document)?;
    let warnings = compiling.warnings;
    Ok(FieldMap {
        name: name.to_owned(),
        semantics,
        origin: document.origin.text,
        target_module: document.target.text,
        targets,
        warnings,
    })
}

impl Compiling<'_> {
    /// Compiles the fields. A repeated name takes the place of the earlier one, whose delimiter it inherits.
    fn fields(&mut self, document: &Document) -> Result<IndexMap<String, Target>, MapError> {
        let mut targets: IndexMap<String, Target> = IndexMap::with_capacity(document.fields.len());
        for field in &document.fields {
            let name = field.name.clone().unwrap_or(Located { text: String::new(), offset: field.offset });
            if name.text.is_empty() && self.semantics == Semantics::Bridge {
                let advice = "write it into `<fieldname>`";
                return Err(self.map.error(name.offset, "the field has no name", advice));
            }
            let inherited = targets.get(&name.text).map(|earlier| earlier.delimiter.clone());
            let delimiter = match &field.delimiter {
                Some(text) => Delimiter::new(text),
                None => inherited.unwrap_or_default(),
            };
            let target = self.target(field, &name, delimiter, &document.origin.text)?;
            targets.insert(name.text, target);
        }
        Ok(targets)
    }

    fn target(
        &mut self,
        field: &DocumentField,
        name: &Located,
        delimiter: Delimiter,
        origin: &str,
    ) -> Result<Target, MapError> {
        let position = self.places.position(name.offset);
        let parts = field.parts.iter().map(|part| self.part(part)).collect::<Result<Vec<_>, _>>()?;
        let mut reading = Reading::default();
        for part in &parts {
            reading.part(part);
        }
        let by_corebos = parts.iter().any(|part| matches!(part.directive, Directive::ByCoreBos(_)));
        if by_corebos {
            // coreBOS looks them up itself.
            reading.references.clear();
        }
        let definition = definition(field, &delimiter, origin, self.semantics);
        Ok(Target {
            name: name.text.clone(),
            path: TargetName::new(&name.text),
            by_corebos,
            parts,
            delimiter,
            sources: reading.names.iter().map(Source::new).collect(),
            reads: reading.names,
            volatile: reading.volatile,
            references: reading.references,
            master: field.master.as_ref().and_then(|master| match master.text.trim() {
                "true" => Some(Master { origin_wins: true }),
                "false" => Some(Master { origin_wins: false }),
                _ => None,
            }),
            definition,
            position,
        })
    }
}

/// What identifies the way a field is made: everything its value hangs on, and not where it stands.
fn definition(field: &DocumentField, delimiter: &Delimiter, origin: &str, semantics: Semantics) -> String {
    let mut renders = false;
    let parts: Vec<_> = field
        .parts
        .iter()
        .map(|part| {
            let directive = match part.id.text.to_ascii_uppercase().as_str() {
                word @ ("CONST" | "EXPRESSION" | "FIELD" | "RULE" | "TEMPLATE") => word.to_owned(),
                _ if part.id.text == "postProcess" => part.id.text.clone(),
                _ => "DEFAULT".to_owned(),
            };
            renders |= directive == "FIELD" || directive == "TEMPLATE";
            let rule = part.rule.as_ref().map(|rule| &rule.text);
            let post_process = part.post_process.as_ref().map(|name| &name.text);
            serde_json::json!([directive, part.name.text, rule, post_process])
        })
        .collect();
    let semantics = match semantics {
        Semantics::Bridge => "bridge",
        Semantics::CoreBos => "corebos",
    };
    // The origin decides in which format FIELD and TEMPLATE show values.
    let origin = renders.then_some(origin);
    serde_json::json!([semantics, delimiter.text(), parts, origin]).to_string()
}
